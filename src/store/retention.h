/* Which generations of a bank are kept: labelcald.yaml's `snapshot`. */
#ifndef STORE_RETENTION_H
#define STORE_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lcal__retention {
  uint32_t keep;        /* newest generations */
  uint32_t keep_hourly; /* and the newest of each of the last so many hours (UTC) that have one */
  uint32_t keep_daily;  /* and of days */
};

struct lcal__generation {
  uint64_t number;
  uint64_t created_ns; /* ns since 1970 */
  bool keep;           /* out */
};

/* Sets `keep` of each generation; they are given newest (largest number) first. Numbers order
 * them, never clocks: where a clock stepped, "last" and "newest" are still by number. The newest
 * is always kept. */
void lcal__retain(struct lcal__generation *generations, size_t count,
                  const struct lcal__retention *retention);

#endif
