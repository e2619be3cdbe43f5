#include "daemon/stream.h"

#include <stdlib.h>
#include <string.h>

const char *const latency_stage_words[STAGE_COUNT] = {
    [STAGE_RECEIVED_STARTED] = "received_started",
    [STAGE_COMPUTE] = "compute",
    [STAGE_STARTED_PUBLISHED] = "started_published",
    [STAGE_TOTAL] = "total",
};

static void add_sample(struct latency *latency, uint64_t nanoseconds) {
  const uint64_t microseconds = nanoseconds / 1000;
  latency->samples[latency->next] = microseconds < UINT32_MAX ? (uint32_t)microseconds : UINT32_MAX;
  latency->next = (latency->next + 1) % LATENCY_SAMPLES;
  if (latency->count < LATENCY_SAMPLES) {
    latency->count++;
  }
}

void latency_add(struct latency *latency, const struct frame_times *times, bool published) {
  const uint64_t spans_ns[STAGE_COUNT] = {
      [STAGE_RECEIVED_STARTED] = times->started_ns - times->received_ns,
      [STAGE_COMPUTE] = times->computed_ns - times->started_ns,
      [STAGE_STARTED_PUBLISHED] = times->published_ns - times->started_ns,
      [STAGE_TOTAL] = times->published_ns - times->received_ns,
  };
  for (size_t stage = 0; stage < STAGE_COUNT; stage++) {
    histogram_add(&latency->stages[stage], spans_ns[stage]);
  }
  add_sample(latency, spans_ns[STAGE_TOTAL]);
  if (published && latency->last_published_ns != 0) {
    histogram_add(&latency->gaps, times->published_ns - latency->last_published_ns);
  }
  latency->last_published_ns = published ? times->published_ns : latency->last_published_ns;
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
