/* What labelcal bench does again and again, in turn, and how long it takes. */
#ifndef CLI_BENCH_TIME_H
#define CLI_BENCH_TIME_H

#include "cli/bench_pool.h"

#include <labelcal/calibrator.h>

#define BENCH_REPETITIONS_MIN 5u

enum bench_measure {
  BENCH_READ,      /* the tensor's bytes, the best way */
  BENCH_ARGMAX,    /* the argmax map alone */
  BENCH_BRUTE,     /* labels, every pixel scored */
  BENCH_CERTIFIED, /* labels, certified pixels not scored */
  BENCH_FUSED,     /* the same and statistics */
  BENCH_MEASURES
};

extern const char *const bench_measure_words[BENCH_MEASURES];

typedef struct bench_figure {
  double median; /* seconds */
  double spread; /* half of what lies between the quartiles, as a share of the median */
} bench_figure;

typedef struct bench_result {
  bench_figure figure[BENCH_MEASURES];
  unsigned best_read; /* the way, of bench_read.h */
  uint32_t repetitions;
  double certified_share; /* of valid input pixels */
} bench_result;

/* Times every measure for about `seconds`, at least BENCH_REPETITIONS_MIN times. A pool of one is
 * timed by its thread's CPU clock, which other programs do not disturb; more by the wall clock. */
lcal_status bench_time(bench_result *result, const lcal_tensor *tensor, uint32_t out_height,
                       uint32_t out_width, const lcal_coefficients *coefficients, bench_pool *pool,
                       double seconds, lcal_error *error);

/* Median and spread of `count` (> 0) values, which it sorts. */
bench_figure bench_figure_of(double *values, size_t count);

#endif
