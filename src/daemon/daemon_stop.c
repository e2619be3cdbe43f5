#include "daemon/lifecycle.h"

#include "daemon/banks.h"
#include "daemon/command.h"
#include "daemon/log.h"
#include "daemon/masks.h"
#include "daemon/message.h"
#include "daemon/notify.h"
#include "daemon/scheduler.h"
#include "daemon/sequence.h"
#include "daemon/snapshots.h"
#include "daemon/sockets.h"
#include "daemon/streams.h"
#include "daemon/workers.h"
#include "store/lock.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

/* The last labels, events and answers get this long to reach their peers. */
#define FLUSH_LEAST_NS  100000000ull
#define FLUSH_MOST_NS   1000000000ull
#define FLUSH_LOOK_MS   20
/* What the loop still holds at the end closes in a turn or two; it is given up after so long. */
#define END_PATIENCE_NS 2000000000ull
#define END_NAP_NS      1000000

static bool anything_in_hand(const struct daemon *daemon) {
  for (size_t i = 0; i < daemon->bank_count; i++) {
    if (bank_busy(&daemon->banks[i])) {
      return true;
    }
  }
  return daemon->off_loop > 0;
}

static void on_flush(uv_timer_t *timer) {
  struct daemon *daemon = timer->data;
  struct lifecycle *lifecycle = daemon->lifecycle;
  const uint64_t waited_ns = monotonic_ns() - lifecycle->flush_ns;
  if (waited_ns >= FLUSH_MOST_NS || (waited_ns >= FLUSH_LEAST_NS && !sockets_sending(daemon))) {
    lifecycle->stop = STOP_DONE;
    uv_stop(&daemon->loop);
  }
}

void daemon_stop(struct daemon *daemon) {
  if (daemon->stopping) {
    return;
  }
  daemon->stopping = true;
  daemon->lifecycle->stop = STOP_FINISHING;
  notify_stopping(daemon->notify);
  event_raise(daemon, EVENT_STOPPING, NULL, 0, "labelcald is stopping");
  scheduler_drop_all(daemon);
  daemon_stop_step(daemon);
}

void daemon_stop_step(struct daemon *daemon) {
  struct lifecycle *lifecycle = daemon->lifecycle;
  if (lifecycle->stop == STOP_FINISHING && !anything_in_hand(daemon)) {
    lifecycle->stop = STOP_WRITING; /* first: writing may come back here */
    snapshots_write_dirty(daemon);
  }
  if (lifecycle->stop == STOP_WRITING && !anything_in_hand(daemon)) {
    lifecycle->stop = STOP_FLUSHING;
    lifecycle->flush_ns = monotonic_ns();
    uv_timer_start(&lifecycle->flush, on_flush, FLUSH_LOOK_MS, FLUSH_LOOK_MS);
  }
}

/* ---- The end: threads, then sockets, then the loop, then memory. */

static void close_handle(uv_handle_t *handle, void *daemon) {
  if (!uv_is_closing(handle) && !http_owns(daemon, handle)) {
    uv_close(handle, NULL);
  }
}

/* Threads first: what they still push is handled while all it needs is there. */
static void end_threads(struct daemon *daemon) {
  daemon->stopping = true;
  workers_destroy(daemon->workers);
  snapshots_destroy(daemon);
  if (daemon->inbox != NULL) {
    inbox_drain(daemon->inbox);
  }
}

/* Runs the loop until nothing is left in it; false if something stays. Only libwebsockets's own
 * can: it forgets a connection for whose handle it found no memory. */
static bool run_out(uv_loop_t *loop) {
  const struct timespec nap = {.tv_nsec = END_NAP_NS};
  uint64_t began_ns = monotonic_ns();
  while (uv_run(loop, UV_RUN_NOWAIT) != 0) {
    if (monotonic_ns() - began_ns > END_PATIENCE_NS) {
      return false;
    }
    nanosleep(&nap, NULL);
  }
  return true;
}

static void end_loop(struct daemon *daemon) {
  if (!daemon->lifecycle->loop_open) {
    return;
  }
  http_stop(daemon);
  if (daemon->sockets != NULL) {
    sockets_close(daemon);
  }
  inbox_close(daemon->inbox);
  uv_walk(&daemon->loop, close_handle, daemon);
  bool empty = run_out(&daemon->loop);
  if (daemon->answers != NULL) {
    answers_destroy(daemon->answers); /* work off the loop has ended with it */
  }
  if (empty) {
    http_destroy(daemon);
    const int open = uv_loop_close(&daemon->loop);
    assert(open == 0); /* a handle whose close callback has not run is one that nobody frees */
    (void)open;
  } else {
    log_message(LOG_ERROR,
                "stopping: http keeps a handle of the loop open; it ends with the process");
  }
  if (daemon->sockets != NULL) {
    sockets_free(daemon);
  }
}

void daemon_end(struct daemon *daemon) {
  struct lifecycle *lifecycle = daemon->lifecycle;
  end_threads(daemon);
  end_loop(daemon);
  notify_destroy(daemon->notify);
  streams_destroy(daemon);
  banks_destroy(daemon);
  scheduler_destroy(daemon->scheduler);
  sequences_destroy(daemon->sequences);
  masks_free(daemon->masks);
  messages_free();
  configs_release(daemon);
  free(lifecycle->retired);
  config_free(daemon->config);
  lcal__lock_release(lifecycle->state_lock);
  lcal__lock_release(lifecycle->runtime_lock);
  free(lifecycle);
  free(daemon);
}
