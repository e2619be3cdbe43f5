/* Threads that take the bands of a frame, made once and woken for each. */
#ifndef CLI_BENCH_POOL_H
#define CLI_BENCH_POOL_H

#include <labelcal/status.h>
#include <stdint.h>

typedef struct bench_pool bench_pool;

/* Works on one item with the scratch of `thread`. */
typedef void bench_work(void *context, uint32_t item, uint32_t thread);

/* `threads` (>= 1) in all, the caller of bench_pool_run() among them. LCAL_SYSTEM; to destroy()
 * even then. */
lcal_status bench_pool_create(bench_pool **pool, uint32_t threads, lcal_error *error);
void bench_pool_destroy(bench_pool *pool); /* NULL is fine */

uint32_t bench_pool_threads(const bench_pool *pool);

/* Works on items 0 .. count-1, each once, and returns when all are done. The caller works too, so
 * that a thread that wakes late delays nothing. */
void bench_pool_run(bench_pool *pool, bench_work *work, void *context, uint32_t count);

#endif
