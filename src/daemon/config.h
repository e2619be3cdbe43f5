/* The effective configuration: labelcald.yaml's values as a struct, immutable once loaded.
 * config_table.c declares every key; the parser, --check-config, reload's diff and
 * docs/config.md come from it. */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <labelcal/domain.h>
#include <labelcal/wire.h>
#include <stdbool.h>
#include <stdio.h>

enum stream_mode { MODE_ADAPT, MODE_FREEZE, MODE_SHADOW, MODE_BYPASS, MODE_COUNT };
extern const char *const stream_mode_words[MODE_COUNT]; /* "adapt" ... */

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_LEVEL_COUNT };

/* The sockets whose lists of URLs `listen` holds, in protocol.md's order. */
enum endpoint {
  ENDPOINT_FRAMES,
  ENDPOINT_CALIBRATE,
  ENDPOINT_LABELS,
  ENDPOINT_STATE,
  ENDPOINT_CONTROL,
  ENDPOINT_COUNT
};
extern const char *const endpoint_words[ENDPOINT_COUNT];

struct config_list { /* of strings; owned by the config */
  size_t count;
  char **items;
};

struct config_bank {
  lcal_name name;
  lcal_adaptation adaptation; /* protect points to the array below, or NULL */
  uint8_t *protect;           /* classes flags, or NULL */
  char *reference;            /* path, or NULL: no rule that needs one is built yet */
  uint8_t *fixed;             /* classes flags, or NULL: likewise */
  lcal_guards guards;
  uint32_t domains; /* at most */
};

struct config_stream {
  lcal_name name; /* "default" is the pattern */
  lcal_name bank, domain;
  enum stream_mode mode; /* when first seen */
  uint32_t depth;
  uint64_t deadline_ns; /* 0 = none */
  uint32_t want;        /* bits of lcal_want */
  char *mask;           /* path or NULL */
  uint32_t silent_after_s, forget_after_s;
};

struct config_snapshot {
  uint32_t interval_s, keep, keep_hourly, keep_daily;
  bool start_empty;
};

struct config_limits {
  uint32_t streams, connections;
  uint64_t message_bytes, pixels;
  uint32_t rings;
  uint64_t ring_bytes;
  uint32_t calibrate_queue;
  uint64_t queued_bytes, window_bytes;
};

struct config {
  lcal_name model;
  uint32_t class_count;
  lcal_name *classes;
  struct config_list listen[ENDPOINT_COUNT];
  char *http;               /* URL, or NULL = off */
  char *ring, *labels_ring; /* paths, or NULL = off */
  unsigned socket_mode;
  bool allow_remote;
  struct config_list subscribe;
  bool http_control;
  size_t bank_count; /* banks[0] is `default` */
  struct config_bank *banks;
  size_t stream_count; /* streams[0] is `default`, the pattern */
  struct config_stream *streams;
  bool accept_unnamed;
  struct config_snapshot snapshot;
  struct config_limits limits;
  uint32_t threads_wanted; /* 0 = one a CPU of the affinity mask */
  uint32_t threads;        /* resolved: never 0 */
  struct config_list cpus;
  uint32_t realtime; /* 0 = off */
  bool lock_memory;
  enum log_level log_level;
};

/* What flags and environment say; they beat the file. */
struct config_overrides {
  const char *runtime_dir, *state_dir; /* resolved, absolute; ${...} expand to these */
  const char *http;                    /* --http: NULL = the file's */
};

/* Loads `path` (NULL: the defaults alone). On failure prints every error to `errors`, one line
 * each as FILE:LINE:COLUMN: key: what is wrong, and returns LCAL_BAD_CONFIG. */
lcal_status config_load(struct config **config, const char *path,
                        const struct config_overrides *overrides, FILE *errors);
void config_free(struct config *config); /* NULL is fine */

/* The effective configuration as YAML in the form of labelcald.yaml (--check-config). */
void config_print(const struct config *config, FILE *out);

/* Every key in which `to` differs from `from`: calls report(context, key, restart) for each;
 * `restart`: the key is not taken over by a reload. */
void config_diff(const struct config *from, const struct config *to,
                 void (*report)(void *context, const char *key, bool restart), void *context);

/* `to` with every key that needs a restart put back to `from`'s value: what a reload takes
 * over. NULL and an error if memory is short. */
struct config *config_merge_reload(const struct config *from, const struct config *to,
                                   lcal_error *error);

const struct config_bank *config_bank_find(const struct config *config, const char *name);
/* The row of a stream: its own, or `default`'s; *named says which. */
const struct config_stream *config_stream_find(const struct config *config, const char *name,
                                               bool *named);
#endif
