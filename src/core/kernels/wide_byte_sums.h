/* The statistics of a u8 tensor's tile: integers, so that they are exact whatever the order. */
#ifndef CORE_KERNELS_WIDE_BYTE_SUMS_H
#define CORE_KERNELS_WIDE_BYTE_SUMS_H

#include "core/kernels/wide.h"

#include <string.h>

#define BYTE_LANES  64u
#define BYTE_HALVES (LCAL__TILE / BYTE_LANES)
#define BYTE_VOID   0xffu /* no class: there are at most 255 */
/* A tile adds less than 2^19 to a lane: eight products. */
#define LANES_TILES 2048u

/* What is known of the pixels of one tile; lane l of half h is pixel 64 h + l. */
struct byte_tile {
  size_t first; /* pixel, in raster order */
  uint32_t count;
  uint64_t live[BYTE_HALVES], valid[BYTE_HALVES], counted[BYTE_HALVES]; /* bits */
  uint8_t m[LCAL__TILE], argmax[LCAL__TILE];
};

/* Rows i .. i+count of S[c]: the sums of m v over a class's pixels, m being 0 at the others. */
WIDE_INLINE void add_byte_rows(const uint8_t *v, const vb *m, uint32_t from, uint32_t to,
                               uint32_t i, uint32_t count, vu bias, double *sum) {
  vu row[16];
  for (uint32_t r = 0; r < count; r++) {
    row[r] = vu_set(0);
    for (uint32_t h = from; h < to; h++) {
      row[r] = vb_dot(row[r], m[h], vb_load(v + (i + r) * LCAL__TILE + h * BYTE_LANES));
    }
  }
  for (uint32_t r = count; r < 16; r++) {
    row[r] = vu_set(0);
  }
  vd_grow_words(sum + i, vu_add(vu_fold(row), bias), count);
}

/* The same into sixteen lanes each, which flush_lanes() adds up: as sums are exact, when does not
 * matter. */
WIDE_INLINE void add_byte_lanes(uint32_t classes, const uint8_t *v, const vb *m, uint32_t from,
                                uint32_t to, uint32_t *lanes) {
#pragma GCC unroll 4
  for (uint32_t i = 0; i < classes; i++) {
    vu row = vu_load(lanes + i * WIDE_LANES);
    for (uint32_t h = from; h < to; h++) {
      row = vb_dot(row, m[h], vb_load(v + i * LCAL__TILE + h * BYTE_LANES));
    }
    vu_store(lanes + i * WIDE_LANES, row);
  }
}

/* What few classes' sums have gathered since the last flush_lanes(). */
struct byte_sums {
  uint32_t *lanes; /* scratch->lanes */
  uint32_t tiles;
  vs m[LCAL__FEW];
};

static inline void begin_lanes(uint32_t classes, struct byte_sums *sums) {
  sums->tiles = 0;
  memset(sums->lanes, 0, (size_t)classes * classes * WIDE_LANES * sizeof *sums->lanes);
  for (uint32_t c = 0; c < classes; c++) {
    sums->m[c] = vs_zero();
  }
}

/* Adds what is in the lanes to the sums and weights, and empties them. */
static inline void flush_lanes(uint32_t classes, struct byte_sums *sums,
                               struct lcal__partial *partial) {
  for (size_t c = 0; c < classes; c++) {
    uint64_t total = vs_total(sums->m[c]);
    if (total == 0) {
      continue; /* so is every product */
    }
    partial->weight[c] += (double)total;
    for (size_t i = 0; i < classes; i++) {
      const uint32_t *lane = sums->lanes + (c * classes + i) * WIDE_LANES;
      int64_t sum = (int64_t)(WIDE_BIAS * total);
      for (size_t l = 0; l < WIDE_LANES; l++) {
        sum += (int32_t)lane[l];
      }
      partial->sum[c * classes + i] += (double)sum;
    }
  }
  begin_lanes(classes, sums);
}

/* m of a class's pixels of a tile, 0 at the others; the halves that have any. */
struct byte_members {
  uint32_t count, from, to;
  vb m[BYTE_HALVES];
};

/* Takes the pixels of class c, the first of them in half `from`, from the counted ones. */
WIDE_INLINE void take_byte_members(struct byte_tile *tile, uint32_t c, uint32_t from,
                                   struct byte_members *members) {
  members->count = 0;
  members->from = from;
  members->to = from + 1;
  for (uint32_t h = from; h < BYTE_HALVES; h++) {
    uint64_t bits =
        vb_eq(vb_load(tile->argmax + h * BYTE_LANES), vb_set((uint8_t)c)) & tile->counted[h];
    members->m[h] = vb_keep(bits, vb_load(tile->m + h * BYTE_LANES));
    tile->counted[h] &= ~bits;
    members->count += (uint32_t)__builtin_popcountll(bits);
    members->to = bits ? h + 1 : members->to;
  }
}

/* S[c] and w[c] of the members, of more than few classes. */
WIDE_INLINE void add_byte_class(uint32_t classes, const uint8_t *v, uint32_t c,
                                const struct byte_members *members, struct lcal__partial *partial) {
  vs m = vs_zero();
  for (uint32_t h = members->from; h < members->to; h++) {
    m = vs_add(m, members->m[h]);
  }
  uint32_t total = (uint32_t)vs_total(m);
  partial->weight[c] += (double)total;
  double *sum = partial->sum + (size_t)c * classes;
  vu bias = vu_set(WIDE_BIAS * total);
  uint32_t i = 0;
  for (; i + 16 <= classes; i += 16) {
    add_byte_rows(v, members->m, members->from, members->to, i, 16, bias, sum);
  }
  if (i < classes) {
    add_byte_rows(v, members->m, members->from, members->to, i, classes - i, bias, sum);
  }
}

/* The statistics of a tile, class by class of those that are in it. */
WIDE_INLINE void add_byte_statistics(uint32_t classes, const uint8_t *v, struct byte_sums *sums,
                                     struct byte_tile *tile, struct lcal__partial *partial) {
  for (uint32_t first = 0; first < BYTE_HALVES; first++) {
    while (tile->counted[first]) {
      uint32_t j = first * BYTE_LANES + (uint32_t)__builtin_ctzll(tile->counted[first]);
      uint32_t c = tile->argmax[j];
      struct byte_members members;
      take_byte_members(tile, c, first, &members);
      lcal__count_class(partial, classes, c, members.count);
      if (classes > LCAL__FEW) {
        add_byte_class(classes, v, c, &members, partial);
        continue;
      }
      for (uint32_t h = members.from; h < members.to; h++) {
        sums->m[c] = vs_add(sums->m[c], members.m[h]);
      }
      uint32_t *lanes = sums->lanes + (size_t)c * classes * WIDE_LANES;
      if (members.from > 0) {
        add_byte_lanes(classes, v, members.m, 1, 2, lanes);
      } else if (members.to > 1) {
        add_byte_lanes(classes, v, members.m, 0, 2, lanes);
      } else {
        add_byte_lanes(classes, v, members.m, 0, 1, lanes);
      }
    }
  }
}
#endif
