#include "cli/bench_time.h"

#include "cli/ask.h"
#include "cli/bench_data.h"
#include "cli/bench_read.h"
#include "cli/sending.h"

#include <stdatomic.h>
#include <stdlib.h>

#define REPETITIONS_MAX 1000u
#define READ_PIECES     64u /* for several threads */
/* What is timed: every way of reading, then the passes, as bench_measure has them. */
#define TIMED           (BENCH_READS + BENCH_MEASURES - 1)

const char *const bench_measure_words[BENCH_MEASURES] = {"read", "argmax", "brute", "certified",
                                                         "fused"};

/* One tensor under measurement. */
typedef struct bench {
  bench_pool *pool;
  clockid_t clock;
  bench_bytes bytes;
  lcal_calibrator *calibrator;
  lcal_pass pass[BENCH_MEASURES]; /* that of BENCH_READ is none */
  void *argmax, *calibrated;      /* maps */
  lcal_result last;
  double *samples[TIMED]; /* seconds, REPETITIONS_MAX of each */
} bench;

/* ---- reading */

/* Sums end here, so that no compiler leaves a read out. */
static _Atomic uint64_t sink;

typedef struct reading {
  const bench_bytes *bytes;
  bench_read *read;
} reading;

static void read_piece(void *context, uint32_t piece, uint32_t thread) {
  const reading *job = context;
  (void)thread;
  atomic_fetch_add_explicit(&sink, job->read(job->bytes, piece), memory_order_relaxed);
}

static double time_read(const bench *b, unsigned way) {
  reading job = {&b->bytes, bench_read_at(way)};
  uint64_t started = clock_ns(b->clock);
  bench_pool_run(b->pool, read_piece, &job, b->bytes.pieces);
  return (double)(clock_ns(b->clock) - started) * 1e-9;
}

/* ---- passes */

typedef struct stage {
  lcal_calibrator *calibrator;
  uint32_t number;
} stage;

static void work_band(void *context, uint32_t band, uint32_t thread) {
  const stage *job = context;
  lcal_calibrator_band(job->calibrator, job->number, band, thread);
}

static lcal_status time_pass(bench *b, enum bench_measure measure, double *seconds,
                             lcal_error *error) {
  uint64_t started = clock_ns(b->clock);
  lcal_status status = lcal_calibrator_begin(b->calibrator, &b->pass[measure], error);
  if (status != LCAL_OK) {
    return status;
  }
  stage job = {b->calibrator, 0};
  for (; job.number < lcal_calibrator_stages(b->calibrator); job.number++) {
    bench_pool_run(b->pool, work_band, &job, lcal_calibrator_bands(b->calibrator, job.number));
  }
  b->last = *lcal_calibrator_end(b->calibrator);
  *seconds = (double)(clock_ns(b->clock) - started) * 1e-9;
  return LCAL_OK;
}

/* ---- repetitions */

static lcal_status repeat_once(bench *b, uint32_t repetition, lcal_error *error) {
  lcal_status status = LCAL_OK;
  for (unsigned way = 0; way < BENCH_READS; way++) {
    b->samples[way][repetition] = time_read(b, way);
  }
  for (unsigned m = BENCH_ARGMAX; m < BENCH_MEASURES && status == LCAL_OK; m++) {
    double *sample = &b->samples[BENCH_READS + m - BENCH_ARGMAX][repetition];
    status = time_pass(b, (enum bench_measure)m, sample, error);
  }
  return status;
}

static lcal_status repeat(bench *b, double seconds, uint32_t *repetitions, lcal_error *error) {
  lcal_status status = repeat_once(b, 0, error); /* grows scratch; its times are overwritten */
  uint64_t started = clock_ns(CLOCK_MONOTONIC);
  double passed = 0.0;
  uint32_t done = 0;
  while (status == LCAL_OK && done < REPETITIONS_MAX &&
         (done < BENCH_REPETITIONS_MIN || passed < seconds)) {
    status = repeat_once(b, done++, error);
    passed = (double)(clock_ns(CLOCK_MONOTONIC) - started) * 1e-9;
  }
  *repetitions = done;
  return status;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

bench_figure bench_figure_of(double *values, size_t count) {
  qsort(values, count, sizeof *values, by_value);
  double median = (values[(count - 1) / 2] + values[count / 2]) / 2.0;
  double between = values[count - 1 - count / 4] - values[count / 4];
  return (bench_figure){median, median > 0.0 ? between / 2.0 / median : 0.0};
}

static void conclude(bench_result *result, const bench *b, uint32_t repetitions) {
  uint64_t valid = b->last.input_pixels - b->last.input_voids;
  *result = (bench_result){.repetitions = repetitions};
  result->certified_share = valid > 0 ? (double)b->last.certified / (double)valid : 0.0;
  for (unsigned way = 0; way < BENCH_READS; way++) {
    bench_figure figure = bench_figure_of(b->samples[way], repetitions);
    if (way == 0 || figure.median < result->figure[BENCH_READ].median) {
      result->figure[BENCH_READ] = figure;
      result->best_read = way;
    }
  }
  for (unsigned m = BENCH_ARGMAX; m < BENCH_MEASURES; m++) {
    result->figure[m] = bench_figure_of(b->samples[BENCH_READS + m - BENCH_ARGMAX], repetitions);
  }
}

/* ---- one tensor */

static void prepare(bench *b, const lcal_tensor *tensor, uint32_t out_height, uint32_t out_width,
                    const lcal_coefficients *coefficients) {
  size_t map = (size_t)out_height * out_width * lcal_label_size(tensor->classes);
  size_t pixels = (size_t)tensor->height * tensor->width;
  uint32_t threads = bench_pool_threads(b->pool);
  b->clock = threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
  b->bytes = (bench_bytes){.data = tensor->data, .pieces = threads == 1 ? 1 : READ_PIECES};
  b->bytes.planes = tensor->layout == LCAL_CHW ? tensor->classes : 1;
  b->bytes.plane = pixels * tensor->classes / b->bytes.planes * lcal_type_size(tensor->type);
  b->argmax = need(calloc(1, map));
  b->calibrated = need(calloc(1, map));
  lcal_pass all = {.tensor = tensor,
                   .sum_tolerance = BENCH_TOLERANCE,
                   .out_height = out_height,
                   .out_width = out_width};
  for (unsigned m = 0; m < BENCH_MEASURES; m++) {
    b->pass[m] = all;
  }
  b->pass[BENCH_ARGMAX].argmax = b->argmax;
  for (unsigned m = BENCH_BRUTE; m < BENCH_MEASURES; m++) {
    b->pass[m].coefficients = coefficients;
    b->pass[m].calibrated = b->calibrated;
    b->pass[m].certify = m != BENCH_BRUTE;
    b->pass[m].want_statistics = m == BENCH_FUSED;
  }
  for (unsigned i = 0; i < TIMED; i++) {
    b->samples[i] = need(calloc(REPETITIONS_MAX, sizeof *b->samples[i]));
  }
}

static void clean_up(bench *b) {
  for (unsigned i = 0; i < TIMED; i++) {
    free(b->samples[i]);
  }
  free(b->argmax);
  free(b->calibrated);
  lcal_calibrator_destroy(b->calibrator);
}

lcal_status bench_time(bench_result *result, const lcal_tensor *tensor, uint32_t out_height,
                       uint32_t out_width, const lcal_coefficients *coefficients, bench_pool *pool,
                       double seconds, lcal_error *error) {
  bench b = {.pool = pool};
  uint32_t repetitions = 0;
  prepare(&b, tensor, out_height, out_width, coefficients);
  lcal_status status = lcal_calibrator_create(&b.calibrator, bench_pool_threads(pool), error);
  if (status == LCAL_OK) {
    status = repeat(&b, seconds, &repetitions, error);
  }
  if (status == LCAL_OK) {
    conclude(result, &b, repetitions);
  }
  clean_up(&b);
  return status;
}
