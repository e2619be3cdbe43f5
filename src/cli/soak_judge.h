/* What a soak says at its end: sums that must hold to the frame, and what must not have grown. */
#ifndef CLI_SOAK_JUDGE_H
#define CLI_SOAK_JUDGE_H

#include "cli/soak_camera.h"
#include "cli/soak_trouble.h"

#include <jansson.h>

/* The daemon's memory while it ran: a sample a second. */
typedef struct soak_samples {
  uint64_t *bytes; /* owned */
  size_t count, capacity;
} soak_samples;

/* What a stream's frames came to, by the daemon's counters. */
typedef struct soak_sum {
  uint64_t labelled, dropped, refused, lost;
} soak_sum;

typedef struct soak_report {
  const soak_camera *cameras;
  uint32_t camera_count;
  const soak_trouble *trouble;
  soak_samples memory;
  unsigned descriptors[2]; /* before all, after all */
  double seconds;
  json_t *streams; /* the daemon's, at the end */
} soak_report;

/* Takes a sample. LCAL_MEMORY. */
lcal_status soak_sample(soak_samples *samples, uint64_t bytes, lcal_error *error);

/* The sum of a stream in `streams` (the result of the command). */
soak_sum soak_sum_of(const json_t *streams, const char *stream);

/* Frames of a camera that no counter has: 0 over an unbroken connection, else what redials
 * swallowed. Below 0: counted that were never sent. */
int64_t soak_swallowed(const soak_camera *camera, const json_t *streams);

/* Whether the camera's sum holds: to the frame, or, where it dialled again, up to two frames each
 * time. */
int soak_adds_up(const soak_camera *camera, const json_t *streams);

/* Whether memory grew: the median of the last quarter is above that of the second by more than a
 * tenth and 32 MiB. */
int soak_grew(const soak_samples *samples);

/* Prints what was done and what is wrong; how many things are wrong. */
unsigned soak_print(const soak_report *report, int json);

#endif
