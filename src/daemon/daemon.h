/* labelcald as a whole: what the loop thread owns. No mutex guards any of this, because only
 * the loop thread touches it (docs/threads.md). */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "daemon/arrivals.h"
#include "daemon/connection_fault.h"
#include "daemon/realtime.h"
#include "daemon/stream.h"

#include <uv.h>

struct inbox;     /* from workers and the store thread to the loop */
struct sockets;   /* every SP socket, its listeners and dialers, and their guard */
struct scheduler; /* which frame next */
struct workers;   /* threads that label */
struct snapshots; /* the schedule and the store thread */
struct http;
struct notify;
struct answers;
struct sequences; /* where each sender's frame counter stands */
struct masks;     /* the streams' masks, as read at the start */
struct lifecycle; /* signals, timers, the orderly stop */

struct daemon_counters {
  uint64_t refused[LCAL_STATUS_COUNT]; /* frames on `frames`, by code */
  uint64_t calibrate_refused[LCAL_STATUS_COUNT];
  uint64_t commands, command_errors;
  uint64_t connections_refused[ENDPOINT_COUNT];
  uint64_t connection_faults[ENDPOINT_COUNT][FAULT_COUNT];
  uint64_t listener_restarts[ENDPOINT_COUNT];
  uint64_t overloads;
  uint64_t events;
};

struct daemon {
  uv_loop_t loop;
  struct config *config;
  const char *config_path; /* NULL: defaults */
  struct config_overrides overrides;
  uint64_t epoch;      /* ns since 1970 of the start */
  uint64_t started_ns; /* monotonic */
  bool ready;          /* sockets open and snapshots loaded */
  bool stopping;       /* SIGTERM came: everything later is shutting_down */
  struct bank *banks;
  size_t bank_count;
  struct stream **streams;
  size_t stream_count;
  uint64_t queued_bytes;    /* of frames waiting */
  struct arrivals arrivals; /* messages on their way in */
  size_t unsent_bytes;      /* of answers that their askers have not taken yet */
  unsigned off_loop;        /* answers being made aside, off the loop: the stop waits for them */
  struct inbox *inbox;
  struct sockets *sockets;
  struct scheduler *scheduler;
  struct workers *workers;
  struct realtime realtime;
  struct snapshots *snapshots;
  struct sequences *sequences;
  struct masks *masks;
  struct lifecycle *lifecycle;
  struct answers *answers;
  struct http *http;
  struct notify *notify;
  struct daemon_counters counters;
};

/* Runs the daemon to its end and returns its exit status: 0 after SIGTERM or SIGINT, 6 foreign
 * statistics, 1 any other refused start or fault. Takes `config` over; the rest outlives it. */
int daemon_run(struct config *config, const char *config_path,
               const struct config_overrides *overrides);

/* Seconds and nanoseconds of CLOCK_MONOTONIC, and ns since 1970. */
uint64_t monotonic_ns(void);
uint64_t realtime_ns(void);

/* ---- The pipeline's side (sockets, streams, banks, workers, snapshots). */

/* Health: NULL if loop, workers, store and listeners are alive, else a sentence that says which
 * is not (/healthz, the watchdog). */
const char *daemon_health(struct daemon *daemon);

/* Publishes one body (topic, zero byte, map) on the `state` socket. */
void sockets_publish_state(struct daemon *daemon, const void *body, size_t length);
unsigned sockets_connections(const struct daemon *daemon, enum endpoint endpoint);

/* Reads the file again and takes over what may be. `changed` and `restart` get one call a key.
 * LCAL_RELOAD_FAILED: nothing changed. */
lcal_status daemon_reload(struct daemon *daemon,
                          void (*report)(void *context, const char *key, bool restart),
                          void *context, lcal_error *error);

/* Begins an orderly stop: finish the frame in hand, snapshot, leave the loop. */
void daemon_stop(struct daemon *daemon);

/* ---- The operator's side (commands, events, status, metrics, HTTP). */

/* Every event of protocol.md ("state"), once. */
#define EVENT_MAP(X)                                                                               \
  X(STARTED, "started")                                                                            \
  X(STOPPING, "stopping")                                                                          \
  X(STREAM_NEW, "stream_new")                                                                      \
  X(STREAM_SILENT, "stream_silent")                                                                \
  X(SEQUENCE_GAP, "sequence_gap")                                                                  \
  X(CLOCK_JUMP, "clock_jump")                                                                      \
  X(GUARD, "guard")                                                                                \
  X(SNAPSHOT_WRITTEN, "snapshot_written")                                                          \
  X(SNAPSHOT_FAILED, "snapshot_failed")                                                            \
  X(SNAPSHOT_BROKEN, "snapshot_broken")                                                            \
  X(RELOADED, "reloaded")                                                                          \
  X(RELOAD_FAILED, "reload_failed")                                                                \
  X(RING_ATTACHED, "ring_attached")                                                                \
  X(RING_LOST, "ring_lost")                                                                        \
  X(OVERLOAD, "overload")                                                                          \
  X(LISTENER_RESTARTED, "listener_restarted")                                                      \
  X(COMMAND, "command")
enum event_kind {
#define EVENT_ENUM(symbol, word) EVENT_##symbol,
  EVENT_MAP(EVENT_ENUM)
#undef EVENT_ENUM
      EVENT_COUNT
};

/* One extra field of an event: text, or a number where text is NULL. */
struct event_field {
  const char *key;
  const char *text;
  uint64_t number;
};

/* Publishes the event on `state` at once and logs it (rate-limited by kind). */
void event_raise(struct daemon *daemon, enum event_kind kind, const struct event_field *fields,
                 size_t field_count, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The status map of control's `status`, packed into a heap block for the caller to free. */
uint8_t *status_pack(struct daemon *daemon, size_t *length);

/* Publishes `status` on `state`; called every second. */
void status_publish(struct daemon *daemon);

/* HTTP on the loop. LCAL_BAD_CONFIG if the address is busy or HTTP is not built in. */
lcal_status http_start(struct daemon *daemon, lcal_error *error);

/* Closes HTTP's handles: it lets the loop end. Then, when the loop has ended (libwebsockets closes
 * on a foreign loop in two steps), http_destroy frees what is left. Both may be called when HTTP
 * is off. */
void http_stop(struct daemon *daemon);
void http_destroy(struct daemon *daemon);

/* True for a handle of the loop that libwebsockets closes itself, in its own time. */
bool http_owns(const struct daemon *daemon, const uv_handle_t *handle);
#endif
