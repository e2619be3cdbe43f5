#include "cli/bench_pool.h"

#include "cli/ask.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct helper {
  bench_pool *pool;
  pthread_t thread;
  uint32_t number; /* 1 .. threads-1; the caller is 0 */
} helper;

struct bench_pool {
  uint32_t threads;
  uint32_t started; /* helpers */
  pthread_mutex_t lock;
  pthread_cond_t wake, idle;
  uint64_t job;     /* its number; a helper joins each at most once */
  int open, over;   /* a job may be joined; the pool ends */
  uint32_t working; /* helpers that have joined the job */
  bench_work *work;
  void *context;
  uint32_t count;
  atomic_uint next; /* item */
  helper *helpers;
};

static void take_items(bench_pool *pool, uint32_t thread) {
  uint32_t item;
  while ((item = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed)) < pool->count) {
    pool->work(pool->context, item, thread);
  }
}

static void *help(void *argument) {
  const helper *self = argument;
  bench_pool *pool = self->pool;
  uint64_t seen = 0;
  pthread_mutex_lock(&pool->lock);
  for (;;) {
    while (!pool->over && (!pool->open || pool->job == seen)) {
      pthread_cond_wait(&pool->wake, &pool->lock);
    }
    if (pool->over) {
      break;
    }
    seen = pool->job;
    pool->working++;
    pthread_mutex_unlock(&pool->lock);
    take_items(pool, self->number);
    pthread_mutex_lock(&pool->lock);
    if (--pool->working == 0) {
      pthread_cond_signal(&pool->idle);
    }
  }
  pthread_mutex_unlock(&pool->lock);
  return NULL;
}

static lcal_status start_helpers(bench_pool *pool, lcal_error *error) {
  for (uint32_t i = 0; i + 1 < pool->threads; i++) {
    helper *next = &pool->helpers[i];
    *next = (helper){.pool = pool, .number = i + 1};
    int failure = pthread_create(&next->thread, NULL, help, next);
    if (failure) {
      return lcal_error_set(error, LCAL_SYSTEM, "thread %u of %u: %s; ask for fewer (--threads)",
                            i + 2, pool->threads, strerror(failure));
    }
    pool->started++;
  }
  return LCAL_OK;
}

lcal_status bench_pool_create(bench_pool **pool, uint32_t threads, lcal_error *error) {
  bench_pool *made = need(calloc(1, sizeof *made));
  made->threads = threads;
  made->helpers = need(calloc(threads, sizeof *made->helpers));
  pthread_mutex_init(&made->lock, NULL);
  pthread_cond_init(&made->wake, NULL);
  pthread_cond_init(&made->idle, NULL);
  atomic_init(&made->next, 0);
  *pool = made;
  return start_helpers(made, error);
}

void bench_pool_destroy(bench_pool *pool) {
  if (!pool) {
    return;
  }
  pthread_mutex_lock(&pool->lock);
  pool->over = 1;
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
  for (uint32_t i = 0; i < pool->started; i++) {
    pthread_join(pool->helpers[i].thread, NULL);
  }
  pthread_cond_destroy(&pool->idle);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->lock);
  free(pool->helpers);
  free(pool);
}

uint32_t bench_pool_threads(const bench_pool *pool) {
  return pool->threads;
}

static void run_alone(bench_work *work, void *context, uint32_t count) {
  for (uint32_t item = 0; item < count; item++) {
    work(context, item, 0);
  }
}

void bench_pool_run(bench_pool *pool, bench_work *work, void *context, uint32_t count) {
  if (pool->threads == 1) {
    run_alone(work, context, count);
    return;
  }
  pthread_mutex_lock(&pool->lock);
  pool->work = work;
  pool->context = context;
  pool->count = count;
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  pool->job++;
  pool->open = 1;
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
  take_items(pool, 0);
  pthread_mutex_lock(&pool->lock);
  pool->open = 0;
  while (pool->working > 0) {
    pthread_cond_wait(&pool->idle, &pool->lock);
  }
  pthread_mutex_unlock(&pool->lock);
}
