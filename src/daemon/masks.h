/* The masks of streams: PNG files whose black pixels (a bonnet, a border) are not counted in the
 * statistics. Read once at the start; streams borrow them. */
#ifndef DAEMON_MASKS_H
#define DAEMON_MASKS_H

#include "daemon/config.h"

struct mask {
  char *path;
  uint8_t *pixels; /* height x width; 0 = not in the statistics */
  uint32_t height, width;
};

struct masks;

/* Reads the mask of every row of `streams`. LCAL_BAD_CONFIG names the file and what is wrong. */
lcal_status masks_load(struct masks **masks, const struct config *config, lcal_error *error);
void masks_free(struct masks *masks); /* NULL is fine */

/* The mask read from `path`; NULL for NULL and unknown paths. */
const struct mask *masks_find(const struct masks *masks, const char *path);
#endif
