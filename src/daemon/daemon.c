#include "daemon/lifecycle.h"
#include "daemon/log.h"

#include <stdlib.h>
#include <time.h>

static uint64_t clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t monotonic_ns(void) {
  return clock_ns(CLOCK_MONOTONIC);
}

uint64_t realtime_ns(void) {
  return clock_ns(CLOCK_REALTIME);
}

/* Directories, configuration and foreign state are 6; whatever else refuses a start is 1. */
static int exit_status(lcal_status status) {
  return status == LCAL_BAD_CONFIG || status == LCAL_FOREIGN ? lcal_status_exit(status)
                                                             : EXIT_FAILURE;
}

struct daemon *daemon_create(struct config *config, const char *config_path,
                             const struct config_overrides *overrides) {
  struct daemon *daemon = calloc(1, sizeof *daemon);
  struct lifecycle *lifecycle = calloc(1, sizeof *lifecycle);
  if (daemon == NULL || lifecycle == NULL) {
    free(daemon);
    free(lifecycle);
    config_free(config);
    return NULL;
  }
  *lifecycle = (struct lifecycle){.runtime_lock = -1, .state_lock = -1};
  daemon->lifecycle = lifecycle;
  daemon->config = config;
  daemon->config_path = config_path;
  daemon->overrides = *overrides;
  daemon->epoch = realtime_ns();
  daemon->started_ns = monotonic_ns();
  return daemon;
}

int daemon_run(struct config *config, const char *config_path,
               const struct config_overrides *overrides) {
  struct daemon *daemon = daemon_create(config, config_path, overrides);
  if (daemon == NULL) {
    log_message(LOG_ERROR, "out of memory");
    return EXIT_FAILURE;
  }
  lcal_error error;
  const lcal_status status = daemon_start(daemon, &error);
  if (status == LCAL_OK) {
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
  } else {
    log_message(LOG_ERROR, "%s", error.message);
  }
  daemon_end(daemon);
  return status == LCAL_OK ? EXIT_SUCCESS : exit_status(status);
}
