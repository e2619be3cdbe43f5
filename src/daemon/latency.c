#include "daemon/stream.h"

#include <stdlib.h>
#include <string.h>

const uint32_t latency_bounds_us[LATENCY_BOUNDS] = {
    1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000,
};

void latency_add(struct latency *latency, uint64_t nanoseconds) {
  const uint64_t microseconds = nanoseconds / 1000;
  size_t bucket = 0;
  while (bucket < LATENCY_BOUNDS && microseconds > latency_bounds_us[bucket]) {
    bucket++;
  }
  latency->buckets[bucket]++;
  latency->sum_us += microseconds;
  latency->samples[latency->next] = microseconds < UINT32_MAX ? (uint32_t)microseconds : UINT32_MAX;
  latency->next = (latency->next + 1) % LATENCY_SAMPLES;
  if (latency->count < LATENCY_SAMPLES) {
    latency->count++;
  }
}

static int ascending(const void *left, const void *right) {
  const uint32_t a = *(const uint32_t *)left;
  const uint32_t b = *(const uint32_t *)right;
  return (a > b) - (a < b);
}

/* The smallest sample that `percent` of them do not exceed. */
static uint32_t nearest_rank(const uint32_t *sorted, uint32_t count, uint32_t percent) {
  return sorted[(count * percent + 99) / 100 - 1];
}

void latency_summary(const struct latency *latency, uint64_t *p50, uint64_t *p99, uint64_t *max) {
  *p50 = *p99 = *max = 0;
  if (latency->count == 0) {
    return;
  }
  uint32_t sorted[LATENCY_SAMPLES];
  memcpy(sorted, latency->samples, latency->count * sizeof sorted[0]);
  qsort(sorted, latency->count, sizeof sorted[0], ascending);
  *p50 = nearest_rank(sorted, latency->count, 50);
  *p99 = nearest_rank(sorted, latency->count, 99);
  *max = sorted[latency->count - 1];
}
