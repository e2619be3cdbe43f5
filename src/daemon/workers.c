#include "daemon/workers.h"

#include "daemon/realtime.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct workers {
  struct inbox *inbox;
  pthread_mutex_t lock;
  pthread_cond_t work;
  bool ending; /* under lock */
  size_t most_jobs;
  struct job **out; /* under lock: out[i] may be NULL */
  atomic_uint jobs;
  atomic_uint_least64_t progress;
  uint32_t started;
  struct worker *each;
};

struct worker {
  struct workers *workers;
  pthread_t thread;
  uint32_t index;
};

static void publish_bands(struct workers *workers, struct job *job, uint32_t bands) {
  atomic_store(&job->unfinished, bands);
  atomic_store(&job->cursor, (uint64_t)bands << 32);
  pthread_mutex_lock(&workers->lock);
  pthread_cond_broadcast(&workers->work);
  pthread_mutex_unlock(&workers->lock);
}

static void finish(struct workers *workers, struct job *job) {
  pthread_mutex_lock(&workers->lock);
  for (size_t i = 0; i < workers->most_jobs; i++) {
    if (workers->out[i] == job) {
      workers->out[i] = NULL;
    }
  }
  pthread_mutex_unlock(&workers->lock);
  atomic_fetch_sub(&workers->jobs, 1);
  inbox_push(workers->inbox, &job->item);
}

/* The job that is due first of those with bands to do, or NULL when the threads are to end. */
static struct job *wait_for_job(struct workers *workers) {
  struct job *found;
  pthread_mutex_lock(&workers->lock);
  while ((found = job_first(workers->out, workers->most_jobs)) == NULL && !workers->ending) {
    pthread_cond_wait(&workers->work, &workers->lock);
  }
  pthread_mutex_unlock(&workers->lock);
  return found;
}

/* Works on one job until it has no band left. The job's memory outlives us; once its last band
 * is done it may already be about another frame, whose bands are as good. */
static void work_on(struct worker *worker, struct job *job) {
  struct workers *workers = worker->workers;
  uint32_t band;
  while (job_take_band(job, &band)) {
    job_band(job, band, worker->index);
    atomic_fetch_add(&workers->progress, 1);
    if (atomic_fetch_sub(&job->unfinished, 1) == 1) {
      const uint32_t bands = job_advance(job);
      atomic_fetch_add(&workers->progress, 1);
      if (bands == 0) {
        finish(workers, job);
        return;
      }
      publish_bands(workers, job, bands);
    }
    if (atomic_load(&workers->jobs) > 1) {
      return; /* another bank's job may be due first */
    }
  }
}

static void *run(void *argument) {
  struct worker *worker = argument;
  struct job *job;
  while ((job = wait_for_job(worker->workers)) != NULL) {
    work_on(worker, job);
  }
  return NULL;
}

static lcal_status start_threads(struct workers *workers, uint32_t threads, lcal_error *error) {
  for (uint32_t i = 0; i < threads; i++) {
    struct worker *worker = &workers->each[i];
    worker->workers = workers;
    worker->index = i;
    const int result = pthread_create(&worker->thread, NULL, run, worker);
    if (result != 0) {
      return lcal_error_set(error, LCAL_SYSTEM, "cannot start %u workers: %s", threads,
                            strerror(result));
    }
    workers->started++;
    char name[32];
    snprintf(name, sizeof name, "worker %u", i & 0xffffu); /* at most 15 bytes */
    pthread_setname_np(worker->thread, name);
  }
  return LCAL_OK;
}

lcal_status workers_create(struct workers **workers, uint32_t threads, size_t most_jobs,
                           struct inbox *inbox, lcal_error *error) {
  struct workers *made = calloc(1, sizeof *made);
  if (made == NULL) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for workers");
  }
  made->inbox = inbox;
  made->most_jobs = most_jobs;
  made->out = calloc(most_jobs, sizeof(struct job *));
  made->each = calloc(threads, sizeof *made->each);
  realtime_mutex_init(&made->lock);
  pthread_cond_init(&made->work, NULL);
  const lcal_status status =
      made->out == NULL || made->each == NULL
          ? lcal_error_set(error, LCAL_MEMORY, "no memory for %u workers", threads)
          : start_threads(made, threads, error);
  if (status != LCAL_OK) {
    workers_destroy(made);
    return status;
  }
  *workers = made;
  return LCAL_OK;
}

int workers_bind(struct workers *workers, const cpu_set_t *cpus) {
  int fault = 0;
  for (uint32_t i = 0; i < workers->started && fault == 0; i++) {
    fault = pthread_setaffinity_np(workers->each[i].thread, sizeof *cpus, cpus);
  }
  return fault;
}

int workers_set_priority(struct workers *workers, int priority) {
  const struct sched_param parameters = {.sched_priority = priority};
  const int policy = priority > 0 ? SCHED_FIFO : SCHED_OTHER;
  int fault = 0;
  for (uint32_t i = 0; i < workers->started && fault == 0; i++) {
    fault = pthread_setschedparam(workers->each[i].thread, policy, &parameters);
  }
  return fault;
}

void workers_destroy(struct workers *workers) {
  if (workers == NULL) {
    return;
  }
  pthread_mutex_lock(&workers->lock);
  workers->ending = true;
  pthread_cond_broadcast(&workers->work);
  pthread_mutex_unlock(&workers->lock);
  for (uint32_t i = 0; i < workers->started; i++) {
    pthread_join(workers->each[i].thread, NULL);
  }
  pthread_cond_destroy(&workers->work);
  pthread_mutex_destroy(&workers->lock);
  free(workers->out);
  free(workers->each);
  free(workers);
}

void workers_start(struct workers *workers, struct job *job) {
  atomic_fetch_add(&workers->jobs, 1);
  pthread_mutex_lock(&workers->lock);
  /* Under the lock: a worker that still looks at this job's last frame may take the band, but
   * cannot end the job before it has its place. */
  atomic_store(&job->unfinished, 1);
  atomic_store(&job->cursor, 1ull << 32); /* one band, which does nothing, before the first step */
  for (size_t i = 0; i < workers->most_jobs; i++) {
    if (workers->out[i] == NULL) {
      workers->out[i] = job;
      break;
    }
  }
  pthread_cond_broadcast(&workers->work);
  pthread_mutex_unlock(&workers->lock);
}

uint64_t workers_progress(const struct workers *workers) {
  return atomic_load(&workers->progress);
}

uint32_t workers_jobs(const struct workers *workers) {
  return atomic_load(&workers->jobs);
}
