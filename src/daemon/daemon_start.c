#include "daemon/lifecycle.h"

#include "daemon/banks.h"
#include "daemon/command.h"
#include "daemon/listeners.h"
#include "daemon/log.h"
#include "daemon/masks.h"
#include "daemon/notify.h"
#include "daemon/provision.h"
#include "daemon/scheduler.h"
#include "daemon/sequence.h"
#include "daemon/snapshots.h"
#include "daemon/sockets.h"
#include "daemon/streams.h"
#include "daemon/workers.h"
#include "store/lock.h"

#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Blocks larger than this are mapped, and go back to the system when a frame is freed; without
 * it glibc raises the limit after the first frame and keeps them. */
#define MAP_THRESHOLD (1 << 20)

static void on_item(void *context, struct inbox_item *item) {
  struct daemon *daemon = context;
  if (item->kind == INBOX_JOB) {
    bank_job_done(daemon, (struct job *)item);
  } else {
    snapshots_done(daemon, item);
  }
  daemon_stop_step(daemon);
}

/* One daemon a runtime directory and one a state directory. */
static lcal_status lock(struct daemon *daemon, lcal_error *error) {
  struct lifecycle *lifecycle = daemon->lifecycle;
  lcal_status status =
      lcal__lock_take(&lifecycle->runtime_lock, daemon->overrides.runtime_dir, error);
  if (status == LCAL_OK) {
    status = lcal__lock_take(&lifecycle->state_lock, daemon->overrides.state_dir, error);
  }
  return status == LCAL_OK ? listeners_check_paths(daemon->config, error) : status;
}

static lcal_status make_loop(struct daemon *daemon, lcal_error *error) {
  lcal_status status = provision_check(error);
  if (status != LCAL_OK) {
    return status;
  }
  if (uv_loop_init(&daemon->loop) != 0) {
    return lcal_error_set(error, LCAL_SYSTEM, "cannot make the event loop");
  }
  daemon->lifecycle->loop_open = true;
  status = provision_loop(daemon, error);
  if (status != LCAL_OK) {
    return status;
  }
  daemon->inbox = inbox_create(&daemon->loop, on_item, daemon);
  daemon->sequences = sequences_create();
  daemon->scheduler = scheduler_create();
  daemon->answers = answers_create();
  if (daemon->inbox == NULL || daemon->sequences == NULL || daemon->scheduler == NULL ||
      daemon->answers == NULL) {
    return lcal_error_set(error, LCAL_MEMORY, "out of memory");
  }
  return LCAL_OK;
}

/* What the daemon knows, from the configuration and the state directory. */
static lcal_status make_state(struct daemon *daemon, lcal_error *error) {
  lcal_status status = masks_load(&daemon->masks, daemon->config, error);
  if (status == LCAL_OK) {
    status = banks_create(daemon, error);
  }
  if (status == LCAL_OK) {
    status = snapshots_load(daemon, error);
  }
  return status == LCAL_OK ? streams_create(daemon, error) : status;
}

/* Threads inherit the mask of the one that starts them: signals are for the loop's alone. */
static lcal_status make_workers(struct daemon *daemon, lcal_error *error) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  const lcal_status status = workers_create(&daemon->workers, daemon->config->threads,
                                            daemon->bank_count, daemon->inbox, error);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return status;
}

static lcal_status open_doors(struct daemon *daemon, lcal_error *error) {
  lcal_status status = make_workers(daemon, error);
  if (status == LCAL_OK) {
    status = sockets_open(daemon, error);
  }
  if (status == LCAL_OK && daemon->config->http != NULL) {
    status = http_start(daemon, error);
    if (status == LCAL_BAD_CONFIG) { /* the address is taken: a refused start, not a bad file */
      status = LCAL_SYSTEM;
    }
  }
  if (status == LCAL_OK) {
    status = notify_create(&daemon->notify, error);
  }
  if (status == LCAL_OK) {
    status = snapshots_start(daemon, error);
  }
  return status == LCAL_OK ? timers_start(daemon, error) : status;
}

static void announce(struct daemon *daemon) {
  daemon->ready = true;
  notify_ready(daemon->notify, "labelling");
  const struct event_field fields[] = {
      {.key = "epoch", .number = daemon->epoch},
      {.key = "model", .text = daemon->config->model},
  };
  event_raise(daemon, EVENT_STARTED, fields, 2,
              "labelcald started: model %s, %u classes, %u threads, %s kernels",
              daemon->config->model, daemon->config->class_count, daemon->config->threads,
              lcal_tier());
  const char *wanted = getenv("LABELCAL_CPU");
  if (wanted != NULL && strcmp(wanted, lcal_tier()) != 0) {
    log_message(LOG_WARNING,
                "LABELCAL_CPU=%s: this CPU has no such kernels; the best it has "
                "run (docs/operations.md)",
                wanted);
  }
}

lcal_status daemon_start(struct daemon *daemon, lcal_error *error) {
  mallopt(M_MMAP_THRESHOLD, MAP_THRESHOLD);
  lcal_status status = lock(daemon, error);
  if (status == LCAL_OK) {
    realtime_lock_memory(&daemon->realtime, daemon->config);
    status = make_loop(daemon, error);
  }
  if (status == LCAL_OK) {
    status = make_state(daemon, error);
  }
  if (status == LCAL_OK) {
    status = open_doors(daemon, error);
  }
  if (status == LCAL_OK) {
    realtime_place(&daemon->realtime, daemon->config, daemon->workers); /* all threads are there */
    announce(daemon);
  }
  return status;
}
