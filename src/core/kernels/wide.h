/* The wide tiers: one source for sixteen lanes, built once for each instruction set. A tier is a
 * .c file that includes its vector_*.h (types vf, vu, vk, vd and the functions on them), then
 * wide_read.h, wide_score.h, wide_input.h, all static inline. They give the scalar tier's bits
 * (docs/method.md, "Exactness"): lanes are pixels, so that no order of additions changes. */
#ifndef CORE_KERNELS_WIDE_H
#define CORE_KERNELS_WIDE_H

#include "core/kernels/kernels.h"

#include <string.h>

#define WIDE_LANES  LCAL__LANES
#define WIDE_TILE   (LCAL__TILE / LCAL__LANES) /* groups of a tile */
#define WIDE_INLINE __attribute__((always_inline)) static inline
/* Hot loops with registers of their own: inlined into a whole band they are spilled. */
#define WIDE_APART  __attribute__((noinline)) static

/* What is known of the pixels of one tile; group g holds pixels 16 g to 16 g + 15. */
struct wide_tile {
  size_t first; /* pixel, in raster order */
  uint32_t count, groups;
  float m[LCAL__TILE];
  uint32_t argmax[LCAL__TILE];
  uint32_t live[WIDE_TILE];    /* bits: lanes that are pixels of the tile */
  uint32_t valid[WIDE_TILE];   /* bits */
  uint32_t counted[WIDE_TILE]; /* bits: valid and not masked out */
};

/* Pixels that wait until enough of them are there to be scored side by side: their p in
 * scratch->gathered, class-major with this stride. */
#define WIDE_BATCH  (WIDE_VECTORS * WIDE_LANES) /* pixels that are scored at once */
#define WIDE_STRIDE (LCAL__TILE + LCAL__LANES)  /* compress writes up to 16 too many */

struct wide_waiting {
  uint32_t count;
  uint32_t pixel[WIDE_STRIDE];  /* less the band's first */
  uint32_t argmax[WIDE_STRIDE]; /* of the same */
};

/* Lanes that are there, as bits, where `left` values are left. */
WIDE_INLINE uint32_t lanes_of_count(uint32_t left) {
  return left < WIDE_LANES ? (1u << left) - 1 : 0xffffu;
}

/* `first` and the fifteen whole numbers after it. */
WIDE_INLINE vu vu_from(uint32_t first) {
  static const uint32_t lanes[WIDE_LANES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return vu_add(vu_load(lanes), vu_set(first));
}

/* The classes of the first `count` lanes, to index `at` of a map; the map may be NULL. */
WIDE_INLINE void put_classes(void *map, int bytes, size_t at, uint32_t count, vu class) {
  if (!map) {
    return;
  }
  unsigned char some[2 * WIDE_LANES];
  size_t size = bytes ? 1 : 2;
  unsigned char *to = count < WIDE_LANES ? some : (unsigned char *)map + at * size;
  if (bytes) {
    vu_store_u8(to, class);
  } else {
    vu_store_u16((uint16_t *)(void *)to, class);
  }
  if (count < WIDE_LANES) {
    memcpy((unsigned char *)map + at * size, some, count * size);
  }
}
#endif
