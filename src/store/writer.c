#include "store/writer.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct lcal__store_writer {
  pthread_t thread;
  pthread_mutex_t mutex; /* of first, last and stopping */
  pthread_cond_t wake;
  struct lcal__store_job *first, **last;
  bool stopping;
  _Atomic uint64_t heartbeat;
  void (*done)(void *context, struct lcal__store_job *job);
  lcal__step_hook hook;
  void *context;
};

static void beat(struct lcal__store_writer *writer) {
  atomic_fetch_add_explicit(&writer->heartbeat, 1, memory_order_relaxed);
}

/* Waits for a job at most a second. */
static void wait_briefly(struct lcal__store_writer *writer) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec++;
  pthread_cond_timedwait(&writer->wake, &writer->mutex, &until);
}

/* The next job, or NULL when all are done and the store stops. */
static struct lcal__store_job *take_job(struct lcal__store_writer *writer) {
  pthread_mutex_lock(&writer->mutex);
  while (!writer->first && !writer->stopping) {
    beat(writer);
    wait_briefly(writer);
  }
  struct lcal__store_job *job = writer->first;
  if (job) {
    writer->first = job->next;
    if (!writer->first) {
      writer->last = &writer->first;
    }
  }
  pthread_mutex_unlock(&writer->mutex);
  return job;
}

static int step_hook(void *context, enum lcal__step step) {
  struct lcal__store_writer *writer = context;
  beat(writer);
  return writer->hook ? writer->hook(writer->context, step) : 0;
}

static void do_job(struct lcal__store_writer *writer, struct lcal__store_job *job) {
  job->error = (lcal_error){.code = LCAL_OK};
  switch (job->kind) {
  case LCAL__JOB_WRITE:
    lcal__directory_write(job->directory, job->number, job->bytes, job->length, &job->retention,
                          step_hook, writer, &job->error);
    free(job->bytes);
    job->bytes = NULL;
    break;
  case LCAL__JOB_LOAD:
    lcal__directory_load(job->directory, job->number, &job->snapshot, &job->error);
    break;
  }
}

static void *run(void *argument) {
  struct lcal__store_writer *writer = argument;
  struct lcal__store_job *job = NULL;
  while ((job = take_job(writer)) != NULL) {
    beat(writer);
    do_job(writer, job);
    writer->done(writer->context, job);
  }
  return NULL;
}

/* Signals are the loop thread's: a new thread inherits the mask of the one that makes it. */
static int start_thread(struct lcal__store_writer *writer) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int fault = pthread_create(&writer->thread, NULL, run, writer);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return fault;
}

/* Timed waits must not follow the wall clock. */
static int make_condition(pthread_cond_t *condition) {
  pthread_condattr_t attributes;
  int fault = pthread_condattr_init(&attributes);
  if (fault == 0) {
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    fault = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
  }
  return fault;
}

lcal_status lcal__store_writer_create(struct lcal__store_writer **writer,
                                      void (*done)(void *context, struct lcal__store_job *job),
                                      lcal__step_hook hook, void *context, lcal_error *error) {
  struct lcal__store_writer *made = calloc(1, sizeof *made);
  if (!made) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for the store thread");
  }
  made->last = &made->first;
  made->done = done;
  made->hook = hook;
  made->context = context;
  atomic_init(&made->heartbeat, 0);
  pthread_mutex_init(&made->mutex, NULL);
  int fault = make_condition(&made->wake);
  if (fault == 0) {
    fault = start_thread(made);
    if (fault != 0) {
      pthread_cond_destroy(&made->wake);
    }
  }
  if (fault != 0) {
    pthread_mutex_destroy(&made->mutex);
    free(made);
    return lcal_error_set(error, LCAL_SYSTEM, "the store thread cannot be started: %s",
                          strerror(fault));
  }
  *writer = made;
  return LCAL_OK;
}

void lcal__store_writer_submit(struct lcal__store_writer *writer, struct lcal__store_job *job) {
  job->next = NULL;
  pthread_mutex_lock(&writer->mutex);
  *writer->last = job;
  writer->last = &job->next;
  pthread_cond_signal(&writer->wake);
  pthread_mutex_unlock(&writer->mutex);
}

uint64_t lcal__store_writer_heartbeat(const struct lcal__store_writer *writer) {
  return atomic_load_explicit(&writer->heartbeat, memory_order_relaxed);
}

void lcal__store_writer_destroy(struct lcal__store_writer *writer) {
  if (!writer) {
    return;
  }
  pthread_mutex_lock(&writer->mutex);
  writer->stopping = true;
  pthread_cond_signal(&writer->wake);
  pthread_mutex_unlock(&writer->mutex);
  pthread_join(writer->thread, NULL);
  pthread_cond_destroy(&writer->wake);
  pthread_mutex_destroy(&writer->mutex);
  free(writer);
}
