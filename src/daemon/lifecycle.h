/* The daemon's life: what starts it in order, what its timers do, how it reloads and stops. */
#ifndef DAEMON_LIFECYCLE_H
#define DAEMON_LIFECYCLE_H

#include "daemon/daemon.h"
#include "daemon/inbox.h"

enum stop_phase { STOP_NOT, STOP_FINISHING, STOP_WRITING, STOP_FLUSHING, STOP_DONE };

struct lifecycle {
  int runtime_lock, state_lock; /* descriptors, or -1 */
  bool loop_open;
  uv_signal_t terminate, interrupt, hangup;
  uv_timer_t tick;      /* every second: schedules, silence, status */
  uv_timer_t guard;     /* several times a second: listeners, deadlines */
  uv_timer_t watchdog;  /* as often as the service manager asks */
  uv_timer_t flush;     /* while replies go out at the end */
  uv_work_t first_work; /* provision.c: starts libuv's threads */
  uv_poll_t first_poll; /* and grows its table */
  uint64_t ticked_ns;
  uint64_t progress, progress_ns; /* of the workers: the newest that differed, and when */
  enum stop_phase stop;
  uint64_t flush_ns;       /* since when replies are flushed */
  struct config **retired; /* by reloads, while a frame in hand reads them */
  size_t retired_count;
};

/* ---- daemon.c */

/* A daemon that does nothing yet; takes `config`, also on failure (NULL: no memory). */
struct daemon *daemon_create(struct config *config, const char *config_path,
                             const struct config_overrides *overrides);

/* ---- daemon_start.c */

/* Everything in its order, up to READY; daemon_end() frees what was made, also on failure. */
lcal_status daemon_start(struct daemon *daemon, lcal_error *error);

/* ---- daemon_timers.c */

lcal_status timers_start(struct daemon *daemon, lcal_error *error);

/* ---- daemon_stop.c */

/* The stop goes on, if one was begun; called after whatever it may wait for. */
void daemon_stop_step(struct daemon *daemon);

/* The loop has ended or never began: closes and frees everything and the daemon itself, in the
 * one order that works. */
void daemon_end(struct daemon *daemon);

/* ---- reload.c */

/* Frees configurations that no frame in hand reads any more. */
void configs_release(struct daemon *daemon);
#endif
