/* How often a duration fell where: fixed buckets, the same for all, since the start. */
#ifndef DAEMON_HISTOGRAM_H
#define DAEMON_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/* Bucket i counts what is <= histogram_bounds_us[i] and above the bound before it; the last one has
 * no bound. */
#define HISTOGRAM_BOUNDS 26
extern const uint32_t histogram_bounds_us[HISTOGRAM_BOUNDS];

struct histogram {
  uint64_t buckets[HISTOGRAM_BOUNDS + 1];
  uint64_t count;
  uint64_t sum_us, max_us;
};

void histogram_add(struct histogram *histogram, uint64_t nanoseconds);

/* The duration that `per_mille` of all do not exceed, in microseconds: taken as spread evenly in
 * its bucket, and never above the longest. 0 if there is none. */
uint64_t histogram_quantile(const struct histogram *histogram, uint32_t per_mille);
#endif
