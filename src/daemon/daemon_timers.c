#include "daemon/lifecycle.h"

#include "daemon/log.h"
#include "daemon/message.h"
#include "daemon/notify.h"
#include "daemon/scheduler.h"
#include "daemon/snapshots.h"
#include "daemon/sockets.h"
#include "daemon/streams.h"
#include "daemon/workers.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

#define TICK_MS  1000
#define GUARD_MS 200

/* A loop or workers that stand still for so long are reported dead. A band or a step of the
 * largest model takes a few seconds. */
#define LOOP_HANGS_NS   (10 * NS_PER_S)
#define WORKERS_HANG_NS (30 * NS_PER_S)

/* Idle workers are well; busy ones have to get somewhere. */
static void watch_workers(struct daemon *daemon, uint64_t now_ns) {
  struct lifecycle *lifecycle = daemon->lifecycle;
  const uint64_t progress = workers_progress(daemon->workers);
  if (progress != lifecycle->progress || workers_jobs(daemon->workers) == 0) {
    lifecycle->progress = progress;
    lifecycle->progress_ns = now_ns;
  }
}

static void on_tick(uv_timer_t *timer) {
  struct daemon *daemon = timer->data;
  const uint64_t now_ns = monotonic_ns();
  daemon->lifecycle->ticked_ns = now_ns;
  watch_workers(daemon, now_ns);
  snapshots_watch(daemon, now_ns);
  configs_release(daemon);
  if (!daemon->realtime.memory_locked) { /* else what was paged in once stays */
    messages_trim();
  }
  if (!daemon->stopping) {
    streams_tick(daemon, now_ns);
    snapshots_tick(daemon, now_ns);
    status_publish(daemon);
  }
}

static void on_guard(uv_timer_t *timer) {
  struct daemon *daemon = timer->data;
  const uint64_t now_ns = monotonic_ns();
  sockets_guard(daemon, now_ns);
  scheduler_expire(daemon, now_ns);
}

static void on_watchdog(uv_timer_t *timer) {
  struct daemon *daemon = timer->data;
  const char *reason = daemon_health(daemon);
  if (reason == NULL) {
    notify_watchdog(daemon->notify);
  } else {
    log_limited(LOG_ERROR, "unhealthy", "not well: %s", reason);
  }
}

const char *daemon_health(struct daemon *daemon) {
  const struct lifecycle *lifecycle = daemon->lifecycle;
  const uint64_t now_ns = monotonic_ns();
  if (now_ns - lifecycle->ticked_ns > LOOP_HANGS_NS) {
    return "the loop has not turned for more than 10 s";
  }
  if (now_ns - lifecycle->progress_ns > WORKERS_HANG_NS) {
    return "the workers have got nowhere with a frame for more than 30 s";
  }
  const char *reason = snapshots_health(daemon, now_ns);
  return reason != NULL ? reason : sockets_health(daemon, now_ns);
}

static void on_terminate(uv_signal_t *signal, int number) {
  (void)number;
  daemon_stop(signal->data);
}

static void log_changed(void *context, const char *key, bool restart) {
  (void)context;
  log_message(restart ? LOG_WARNING : LOG_INFO, "reload: %s %s", key,
              restart ? "changed, but needs a restart" : "taken over");
}

static void on_hangup(uv_signal_t *signal, int number) {
  (void)number;
  lcal_error error;
  daemon_reload(signal->data, log_changed, NULL, &error); /* it logs and raises its end */
}

static int start_signal(struct daemon *daemon, uv_signal_t *handle, uv_signal_cb callback,
                        int number) {
  handle->data = daemon;
  const int result = uv_signal_init(&daemon->loop, handle);
  return result == 0 ? uv_signal_start(handle, callback, number) : result;
}

static int start_timer(struct daemon *daemon, uv_timer_t *handle, uv_timer_cb callback,
                       uint64_t milliseconds) {
  handle->data = daemon;
  const int result = uv_timer_init(&daemon->loop, handle);
  return result == 0 && milliseconds != 0
             ? uv_timer_start(handle, callback, milliseconds, milliseconds)
             : result;
}

lcal_status timers_start(struct daemon *daemon, lcal_error *error) {
  struct lifecycle *lifecycle = daemon->lifecycle;
  lifecycle->ticked_ns = lifecycle->progress_ns = monotonic_ns();
  int result;
  if ((result = start_signal(daemon, &lifecycle->terminate, on_terminate, SIGTERM)) != 0 ||
      (result = start_signal(daemon, &lifecycle->interrupt, on_terminate, SIGINT)) != 0 ||
      (result = start_signal(daemon, &lifecycle->hangup, on_hangup, SIGHUP)) != 0 ||
      (result = start_timer(daemon, &lifecycle->tick, on_tick, TICK_MS)) != 0 ||
      (result = start_timer(daemon, &lifecycle->guard, on_guard, GUARD_MS)) != 0 ||
      (result = start_timer(daemon, &lifecycle->flush, NULL, 0)) != 0 ||
      (result = start_timer(daemon, &lifecycle->watchdog, on_watchdog,
                            notify_watchdog_ns(daemon->notify) / NS_PER_MS)) != 0) {
    return lcal_error_set(error, LCAL_SYSTEM, "cannot watch signals and time: %s",
                          uv_strerror(result));
  }
  return LCAL_OK;
}
