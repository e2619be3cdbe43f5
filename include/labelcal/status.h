/* Status codes and error reports of liblabelcal.
 *
 * Functions return 0 (LCAL_OK) or a positive lcal_status and, where they take an lcal_error,
 * leave there one sentence: what is wrong, where, and the remedy. The library never exits,
 * prints, or keeps global state.
 */
#ifndef LABELCAL_STATUS_H
#define LABELCAL_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Marks what the shared library exports. */
#define LCAL_API __attribute__((visibility("default")))

/* Every code, once: X(symbol, word, exit, text).
 * `word` is the code on the wire (protocol.md, "error") where it is one of those, else the name
 * in logs. `exit` is the exit status of `labelcal` when a command ends with it:
 * 0 ok, 1 check failed, 2 usage, 3 cannot reach the daemon, 4 the daemon refused, 5 time-out,
 * 6 bad data or configuration. */
#define LCAL_STATUS_MAP(X)                                                                         \
  X(OK, "ok", 0, "success")                                                                        \
  X(MALFORMED, "malformed", 4, "not one well-formed map")                                          \
  X(UNSUPPORTED_VERSION, "unsupported_version", 4, "the protocol version is not 1")                \
  X(MISSING_FIELD, "missing_field", 4, "a required key is absent")                                 \
  X(BAD_FIELD, "bad_field", 4, "a key has a wrong type or value")                                  \
  X(BAD_TENSOR, "bad_tensor", 4, "shape, type and data of the tensor disagree")                    \
  X(TOO_LARGE, "too_large", 4, "beyond a limit")                                                   \
  X(WRONG_CLASSES, "wrong_classes", 4, "the number of classes is not the model's")                 \
  X(UNKNOWN_STREAM, "unknown_stream", 4, "no such stream")                                         \
  X(UNKNOWN_BANK, "unknown_bank", 4, "no such bank")                                               \
  X(UNKNOWN_DOMAIN, "unknown_domain", 4, "no such domain")                                         \
  X(UNKNOWN_COMMAND, "unknown_command", 4, "no such command")                                      \
  X(TOO_MANY_STREAMS, "too_many_streams", 4, "the limit of streams is reached")                    \
  X(TOO_MANY_DOMAINS, "too_many_domains", 4, "the bank's limit of domains is reached")             \
  X(RING_UNKNOWN, "ring_unknown", 4, "no such ring or slot of this stream")                        \
  X(RING_STALE, "ring_stale", 4, "the slot's generation moved")                                    \
  X(BUSY, "busy", 4, "the queue is full")                                                          \
  X(DEADLINE, "deadline", 4, "not started in time")                                                \
  X(BAD_GENERATION, "bad_generation", 4, "no such snapshot, or it does not load")                  \
  X(SNAPSHOT_FAILED, "snapshot_failed", 4, "the snapshot could not be made durable")               \
  X(RELOAD_FAILED, "reload_failed", 4, "the new configuration was refused")                        \
  X(FORBIDDEN, "forbidden", 4, "turned off by the configuration")                                  \
  X(SHUTTING_DOWN, "shutting_down", 4, "the daemon is stopping")                                   \
  X(ARGUMENT, "argument", 2, "the caller broke the function's contract")                           \
  X(MEMORY, "memory", 1, "out of memory")                                                          \
  X(SYSTEM, "system", 1, "a system call failed")                                                   \
  X(UNREACHABLE, "unreachable", 3, "the daemon cannot be reached")                                 \
  X(TIMEOUT, "timeout", 5, "no answer in time")                                                    \
  X(BAD_DATA, "bad_data", 6, "a file does not hold what it should")                                \
  X(FOREIGN, "foreign", 6, "statistics of another model or a newer format")                        \
  X(BAD_CONFIG, "bad_config", 6, "the configuration is refused")

typedef enum lcal_status {
#define LCAL_STATUS_ENUM(symbol, word, exit, text) LCAL_##symbol,
  LCAL_STATUS_MAP(LCAL_STATUS_ENUM)
#undef LCAL_STATUS_ENUM
      LCAL_STATUS_COUNT
} lcal_status;

/* The first and last code that may travel in an error message. */
#define LCAL_WIRE_FIRST LCAL_MALFORMED
#define LCAL_WIRE_LAST  LCAL_SHUTTING_DOWN

/* A caller's error report. `message` is one sentence of whole UTF-8 without control characters,
 * NUL-terminated, cut to fit. */
typedef struct lcal_error {
  lcal_status code;
  char message[256];
} lcal_error;

/* The word of `status` ("bad_field"); "unknown" beyond the table. Static storage. */
LCAL_API const char *lcal_status_word(lcal_status status);

/* A short English text of `status`. Static storage. */
LCAL_API const char *lcal_status_text(lcal_status status);

/* The exit status of the command line for `status` (the table above). */
LCAL_API int lcal_status_exit(lcal_status status);

/* The status whose word is word[0..length), or LCAL_STATUS_COUNT. */
LCAL_API lcal_status lcal_status_of_word(const char *word, unsigned long length);

/* Fills *error (may be NULL) with `code` and a printf-style sentence, in which control characters
 * and what is no UTF-8 become question marks; returns `code`. */
LCAL_API lcal_status lcal_error_set(lcal_error *error, lcal_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif
#endif
