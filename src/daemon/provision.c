#include "daemon/provision.h"

#include "daemon/lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Threads of libuv's pool; its own default. */
#define POOL_THREADS 4u

/* Descriptors that libuv opens with a loop: epoll, the bell, two pipes, and one in reserve. */
#define LOOP_DESCRIPTORS 8u

/* Of the process besides its connections: locks, directories, files on their way. */
#define OTHER_DESCRIPTORS 64u

static lcal_status check_descriptors(lcal_error *error) {
  int held[LOOP_DESCRIPTORS];
  size_t count = 0;
  int fault = 0;
  while (count < LOOP_DESCRIPTORS && fault == 0) {
    held[count] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    fault = held[count] < 0 && errno == EMFILE ? errno : 0;
    count += fault == 0 ? 1 : 0;
  }
  while (count > 0) {
    close(held[--count]);
  }
  return fault == 0 ? LCAL_OK
                    : lcal_error_set(error, LCAL_SYSTEM, "the event loop cannot be made: %s",
                                     strerror(fault));
}

static void *wait_for_all(void *gate) {
  pthread_mutex_lock(gate); /* until all are there, or one is not to be had */
  pthread_mutex_unlock(gate);
  return NULL;
}

/* As many threads at once as the pool will start. */
static lcal_status check_threads(lcal_error *error) {
  pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
  pthread_t threads[POOL_THREADS];
  size_t count = 0;
  int fault = 0;
  pthread_mutex_lock(&gate);
  while (count < POOL_THREADS && fault == 0) {
    fault = pthread_create(&threads[count], NULL, wait_for_all, &gate);
    count += fault == 0 ? 1 : 0;
  }
  pthread_mutex_unlock(&gate);
  while (count > 0) {
    pthread_join(threads[--count], NULL);
  }
  pthread_mutex_destroy(&gate);
  return fault == 0 ? LCAL_OK
                    : lcal_error_set(error, LCAL_SYSTEM, "%u threads cannot be started: %s",
                                     POOL_THREADS, strerror(fault));
}

/* The threads that are made by `act` leave signals to the loop's. */
static lcal_status without_signals(lcal_status (*act)(lcal_error *error), lcal_error *error) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  const lcal_status status = act(error);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return status;
}

lcal_status provision_check(lcal_error *error) {
  const lcal_status status = check_descriptors(error);
  return status == LCAL_OK ? without_signals(check_threads, error) : status;
}

static void do_nothing(uv_work_t *work) {
  (void)work;
}

static void on_done(uv_work_t *work, int status) {
  (void)work;
  (void)status;
}

/* libuv starts its threads with the first work. */
static void start_pool(struct daemon *daemon) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  uv_queue_work(&daemon->loop, &daemon->lifecycle->first_work, do_nothing, on_done);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The highest descriptor that there can be. */
static int highest_descriptor(const struct config *config) {
  const uint64_t most =
      OTHER_DESCRIPTORS + (ENDPOINT_COUNT + 1) * ((uint64_t)config->limits.connections + 64);
  const long allowed = sysconf(_SC_OPEN_MAX);
  return (int)(allowed > 0 && (uint64_t)allowed <= most ? (uint64_t)allowed - 1 : most);
}

/* The table grows with the highest descriptor that was ever watched: one is, for a moment. */
static void grow_table(struct daemon *daemon) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    return; /* it grows when it has to */
  }
  uv_poll_t *poll = &daemon->lifecycle->first_poll;
  const int high = fcntl(ends[0], F_DUPFD_CLOEXEC, highest_descriptor(daemon->config));
  if (high >= 0 && uv_poll_init(&daemon->loop, poll, high) == 0) {
    uv_poll_start(poll, UV_READABLE, NULL);
    uv_poll_stop(poll);
    uv_close((uv_handle_t *)poll, NULL);
  }
  if (high >= 0) {
    close(high);
  }
  close(ends[0]);
  close(ends[1]);
}

lcal_status provision_loop(struct daemon *daemon, lcal_error *error) {
  void *room = malloc(2 * (size_t)highest_descriptor(daemon->config) * sizeof(void *));
  if (room == NULL) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for the event loop");
  }
  free(room);
  grow_table(daemon);
  start_pool(daemon);
  return LCAL_OK;
}
