/* Python's slices of a recording's frames: NAME[start:stop:step], each part optional, negative
 * from the end, clipped to what is there. */
#ifndef RECORDING_SLICE_H
#define RECORDING_SLICE_H

#include <labelcal/status.h>
#include <stddef.h>
#include <stdint.h>

struct lcal__slice {
  int has_start, has_stop;
  int64_t start, stop; /* as written */
  int64_t step;        /* never 0 */
};

/* Splits NAME[slice]: *name_length is that of NAME; a path without brackets at its end is all
 * frames. LCAL_ARGUMENT for a slice that Python would refuse, or that is a single index. */
lcal_status lcal__slice_parse(struct lcal__slice *slice, const char *path, size_t *name_length,
                              lcal_error *error);

/* The frames it takes of `frames`: *first, then every *step-th, *count of them. */
void lcal__slice_resolve(const struct lcal__slice *slice, size_t frames, size_t *first,
                         int64_t *step, size_t *count);

#endif
