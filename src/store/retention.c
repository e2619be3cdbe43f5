#include "store/retention.h"

#define HOUR_NS UINT64_C(3600000000000)
#define DAY_NS  (24 * HOUR_NS)

/* Whether a newer generation lies in the same period. A clock that runs forward makes it the one
 * just before; only at the start of a period are all newer ones looked at. */
static bool is_taken(const struct lcal__generation *generations, size_t i, uint64_t period_ns) {
  uint64_t period = generations[i].created_ns / period_ns;
  for (size_t k = i; k > 0; k--) {
    if (generations[k - 1].created_ns / period_ns == period) {
      return true;
    }
  }
  return false;
}

static void keep_periods(struct lcal__generation *generations, size_t count, uint64_t period_ns,
                         uint32_t periods) {
  for (size_t i = 0; i < count && periods > 0; i++) {
    if (!is_taken(generations, i, period_ns)) {
      generations[i].keep = true;
      periods--;
    }
  }
}

void lcal__retain(struct lcal__generation *generations, size_t count,
                  const struct lcal__retention *retention) {
  for (size_t i = 0; i < count; i++) {
    generations[i].keep = i == 0 || i < retention->keep;
  }
  keep_periods(generations, count, HOUR_NS, retention->keep_hourly);
  keep_periods(generations, count, DAY_NS, retention->keep_daily);
}
