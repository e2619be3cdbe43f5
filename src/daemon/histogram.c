#include "daemon/histogram.h"

const uint32_t histogram_bounds_us[HISTOGRAM_BOUNDS] = {
    50,     70,     100,    200,    300,     500,     700,     1000,     2000,
    3000,   5000,   7000,   10000,  20000,   30000,   50000,   70000,    100000,
    200000, 300000, 500000, 700000, 1000000, 2000000, 5000000, 10000000,
};

void histogram_add(struct histogram *histogram, uint64_t nanoseconds) {
  const uint64_t microseconds = nanoseconds / 1000;
  size_t bucket = 0;
  while (bucket < HISTOGRAM_BOUNDS && microseconds > histogram_bounds_us[bucket]) {
    bucket++;
  }
  histogram->buckets[bucket]++;
  histogram->count++;
  histogram->sum_us += microseconds;
  histogram->max_us = microseconds > histogram->max_us ? microseconds : histogram->max_us;
}

uint64_t histogram_quantile(const struct histogram *histogram, uint32_t per_mille) {
  const double rank = (double)histogram->count * per_mille / 1000;
  double below = 0;
  for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
    const double here = (double)histogram->buckets[i];
    if (here > 0 && below + here >= rank) {
      const double low = i > 0 ? histogram_bounds_us[i - 1] : 0;
      const double high = histogram_bounds_us[i];
      const double value = low + (high - low) * (rank - below) / here;
      return value < (double)histogram->max_us ? (uint64_t)value : histogram->max_us;
    }
    below += here;
  }
  return histogram->max_us;
}
