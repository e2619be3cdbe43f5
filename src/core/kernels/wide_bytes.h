/* The input stage of a wide tier for u8 tensors of up to 255 classes: everything in integers, so
 * that sums are exact whatever their order. Only what is scored becomes float32. */
#ifndef CORE_KERNELS_WIDE_BYTES_H
#define CORE_KERNELS_WIDE_BYTES_H

#include "core/kernels/scalar.h"
#include "core/kernels/wide_score.h"

#include <math.h>
#include <string.h>

#define BYTE_LANES  64u
#define BYTE_HALVES (LCAL__TILE / BYTE_LANES)
#define BYTE_VOID   0xffu /* no class: there are at most 255 */
/* A tile adds less than 2^19 to a lane (eight products), less than 2^15 to the sum of m. */
#define LANES_TILES 2048u

/* What is known of the pixels of one tile; lane l of half h is pixel 64 h + l. */
struct byte_tile {
  size_t first; /* pixel, in raster order */
  uint32_t count;
  uint64_t live[BYTE_HALVES], valid[BYTE_HALVES], counted[BYTE_HALVES]; /* bits */
  uint8_t m[LCAL__TILE], argmax[LCAL__TILE];
};

/* What a band needs besides the frame. Class c is certified, kept from m > certified[c], kept[c]
 * on; 255 is never. */
struct byte_band {
  struct wide_waiting waiting;
  uint8_t certified[256], kept[256];
  uint16_t low, high; /* sums from low to high are surely valid */
  uint32_t edge[2];   /* sums so near the tolerance that float64 has to say; or none */
};

/* The largest m whose value is below the threshold: no less than 0, as a valid pixel's m is more
 * than 0 (its sum is, tau being less than 1); 255 if even 1 is below. */
static inline uint8_t below(float threshold) {
  uint32_t v = 1;
  while (v <= 255 && !((float)v / 255.0f >= threshold)) {
    v++;
  }
  return (uint8_t)(v - 1);
}

static inline int surely_valid(double tau, uint32_t sum) {
  double off = fabs((double)sum / 255.0 - 1);
  return off <= tau && fabs(off - tau) >= 1e-9;
}

static inline uint32_t edge_of(double tau, uint32_t sum) {
  return fabs(fabs((double)sum / 255.0 - 1) - tau) < 1e-9 ? sum : UINT32_MAX;
}

static inline void find_sums(uint32_t classes, double tau, struct byte_band *band) {
  uint32_t most = 255 * classes;
  double top = 255 * (1 + tau) + 1, bottom = 255 * (1 - tau) - 1;
  uint32_t high = top < most ? (uint32_t)top : most;
  uint32_t low = bottom > 0 ? (uint32_t)bottom : 0;
  while (!surely_valid(tau, high)) { /* 255 is: tau is at least C / 510 */
    high--;
  }
  while (!surely_valid(tau, low)) {
    low++;
  }
  band->low = (uint16_t)low;
  band->high = (uint16_t)high;
  band->edge[0] = low > 0 ? edge_of(tau, low - 1) : UINT32_MAX;
  band->edge[1] = high < most ? edge_of(tau, high + 1) : UINT32_MAX;
}

static inline void begin_byte_band(const struct lcal__frame *frame, struct byte_band *band) {
  const lcal_coefficients *coefficients = frame->pass.coefficients;
  band->waiting.count = 0;
  find_sums(frame->pass.tensor->classes, frame->tau, band);
  for (uint32_t c = 0; coefficients && c < coefficients->classes; c++) {
    band->certified[c] = below(frame->threshold[c]);
    band->kept[c] = coefficients->protect[c] ? 0 : frame->certify ? band->certified[c] : 255;
  }
}

/* ---- Reading. */

/* Running maximum, its class, and the sum of a tile's pixels. */
struct byte_best {
  vb m[BYTE_HALVES], class[BYTE_HALVES];
  vw sum[BYTE_HALVES];
};

static inline void begin_best(struct byte_best *best) {
  for (uint32_t h = 0; h < BYTE_HALVES; h++) {
    best->m[h] = best->class[h] = vb_set(0);
    best->sum[h] = vw_zero();
  }
}

WIDE_INLINE void take_bytes(const uint8_t *from, vb class, struct byte_best *best, uint8_t *to) {
  for (uint32_t h = 0; h < BYTE_HALVES; h++) {
    vb x = vb_load(from + h * BYTE_LANES);
    if (to) {
      vb_store(to + h * BYTE_LANES, x);
    }
    vb_take(x, class, &best->m[h], &best->class[h]);
    vw_grow(&best->sum[h], x);
  }
}

/* Pixels of a tile that is not whole, or lies pixel by pixel, into the class-major copy. */
static inline void copy_bytes(const lcal_tensor *tensor, const struct byte_tile *tile, uint8_t *v) {
  const uint8_t *data = tensor->data;
  size_t classes = tensor->classes, stride = tensor->stride;
  if (tensor->layout == LCAL_CHW) {
    for (size_t c = 0; c < classes; c++) {
      memset(v + c * LCAL__TILE, 0, LCAL__TILE);
      memcpy(v + c * LCAL__TILE, data + c * stride + tile->first, tile->count);
    }
    return;
  }
  for (uint32_t first = 0; first < LCAL__TILE; first += 16) {
    const uint8_t *pixel[16];
    for (uint32_t l = 0; l < 16; l++) { /* beyond the end the last pixel again: not live */
      size_t j = first + l < tile->count ? first + l : tile->count - 1;
      pixel[l] = data + (tile->first + j) * stride;
    }
    if (classes < 16) {
      for (size_t c = 0; c < classes; c++) {
        for (uint32_t l = 0; l < 16; l++) {
          v[c * LCAL__TILE + first + l] = pixel[l][c];
        }
      }
      continue;
    }
    for (size_t c = 0; c < classes; c += 16) {
      size_t at = c + 16 <= classes ? c : classes - 16;
      transpose_bytes(pixel, at, v + at * LCAL__TILE + first, LCAL__TILE);
    }
  }
}

/* Lanes whose sum is `edge`, judged in float64. */
static inline void judge_edge(uint32_t classes, double tau, const uint8_t *v, uint32_t edge,
                              const struct byte_best *best, struct byte_tile *tile) {
  for (uint32_t h = 0; h < BYTE_HALVES && edge != UINT32_MAX; h++) {
    uint64_t bits = vw_within(best->sum[h], (uint16_t)edge, (uint16_t)edge);
    for (; bits; bits &= bits - 1) {
      uint32_t lane = (uint32_t)__builtin_ctzll(bits);
      double off = fabs(lcal__scalar_sum_u8(classes, v, h * BYTE_LANES + lane) - 1);
      tile->valid[h] |= (uint64_t)(off <= tau) << lane;
    }
  }
}

WIDE_INLINE void read_bytes(const struct lcal__frame *frame, const struct byte_band *band,
                            uint8_t *v, struct byte_tile *tile) {
  const lcal_tensor *tensor = frame->pass.tensor;
  uint32_t classes = tensor->classes;
  vb class = vb_set(0);
  struct byte_best best;
  begin_best(&best);
  if (tensor->layout == LCAL_CHW && tile->count == LCAL__TILE) {
    const uint8_t *from = (const uint8_t *)tensor->data + tile->first;
    for (uint32_t c = 0; c < classes; c++) {
      const uint8_t *plane = from + c * tensor->stride;
      __builtin_prefetch(plane + WIDE_AHEAD);
      __builtin_prefetch(plane + WIDE_AHEAD + 64);
      take_bytes(plane, class, &best, v + c * LCAL__TILE);
      class = vb_add(class, vb_set(1));
    }
  } else {
    copy_bytes(tensor, tile, v);
    for (uint32_t c = 0; c < classes; c++) {
      take_bytes(v + c * LCAL__TILE, class, &best, NULL);
      class = vb_add(class, vb_set(1));
    }
  }
  for (uint32_t h = 0; h < BYTE_HALVES; h++) {
    tile->valid[h] = vw_within(best.sum[h], band->low, band->high);
    vb_store(tile->m + h * BYTE_LANES, best.m[h]);
    vb_store(tile->argmax + h * BYTE_LANES, best.class[h]);
  }
  judge_edge(tensor->classes, frame->tau, v, band->edge[0], &best, tile);
  judge_edge(tensor->classes, frame->tau, v, band->edge[1], &best, tile);
  for (uint32_t h = 0; h < BYTE_HALVES; h++) {
    tile->valid[h] &= tile->live[h];
  }
}

/* ---- Labels. */

/* table[class] in each lane. */
WIDE_INLINE vb lookup_classes(const uint8_t *table, uint32_t classes, const uint8_t *class) {
  if (classes <= LCAL__FEW) {
    return vb_lookup(table, vb_load(class));
  }
  uint8_t found[BYTE_LANES];
  for (uint32_t l = 0; l < BYTE_LANES; l++) {
    found[l] = table[class[l]];
  }
  return vb_load(found);
}

/* Puts the lanes `bits` of a group of sixteen among those that wait; their values as sent. */
WIDE_INLINE void wait_bytes(uint32_t classes, const struct byte_tile *tile, const uint8_t *v,
                            float *gathered, size_t band_first, struct wide_waiting *waiting,
                            uint32_t first, uint32_t bits) {
  vk lane = vk_of(bits);
  float *to = gathered + waiting->count;
  for (uint32_t c = 0; c < classes; c++) {
    vf_compress(to, lane, vf_load_u8(v + c * LCAL__TILE + first));
    to += WIDE_STRIDE;
  }
  uint32_t n = waiting->count;
  for (; bits; bits &= bits - 1) {
    uint32_t j = first + (uint32_t)__builtin_ctz(bits);
    waiting->pixel[n] = (uint32_t)(tile->first - band_first) + j;
    waiting->argmax[n++] = tile->argmax[j];
  }
  waiting->count = n;
}

WIDE_INLINE void find_unsure_bytes(const struct lcal__frame *frame, const struct byte_tile *tile,
                                   const uint8_t *v, float *gathered, size_t band_first,
                                   struct byte_band *band, struct lcal__partial *partial) {
  uint32_t classes = frame->pass.tensor->classes;
  for (uint32_t h = 0; h < BYTE_HALVES; h++) {
    const uint8_t *class = tile->argmax + h * BYTE_LANES;
    vb m = vb_load(tile->m + h * BYTE_LANES);
    uint64_t sure = vb_gt(m, lookup_classes(band->certified, classes, class));
    uint64_t kept = vb_gt(m, lookup_classes(band->kept, classes, class));
    uint64_t unsure = tile->valid[h] & ~kept;
    partial->certified += (uint64_t)__builtin_popcountll(tile->valid[h] & sure);
    for (uint32_t g = 0; g < 4 && unsure >> (16 * g); g++) {
      uint32_t bits = (uint32_t)(unsure >> (16 * g)) & 0xffffu;
      if (bits == 0) {
        continue;
      }
      wait_bytes(classes, tile, v, gathered, band_first, &band->waiting, h * BYTE_LANES + 16 * g,
                 bits);
      partial->changed += label_full_batch(frame, gathered, band_first, &band->waiting, 1);
    }
  }
}

static inline void write_bytes(const struct byte_tile *tile, const uint8_t *from, void *map) {
  if (map) {
    memcpy((uint8_t *)map + tile->first, from, tile->count);
  }
}

WIDE_INLINE void write_byte_maps(const struct lcal__frame *frame, const struct byte_tile *tile) {
  uint8_t label[LCAL__TILE], confidence[LCAL__TILE];
  for (uint32_t h = 0; h < BYTE_HALVES; h++) {
    vb class = vb_load(tile->argmax + h * BYTE_LANES);
    vb_store(label + h * BYTE_LANES, vb_choose(tile->valid[h], class, vb_set(BYTE_VOID)));
    vb_store(confidence + h * BYTE_LANES,
             vb_keep(tile->valid[h], vb_load(tile->m + h * BYTE_LANES)));
  }
  if (frame->upsampling) {
    for (uint32_t j = 0; j < tile->count; j++) {
      uint16_t wide = label[j] == BYTE_VOID ? LCAL__VOID : label[j];
      frame->input_label[tile->first + j] = wide;
      frame->input_argmax[tile->first + j] = wide;
    }
    return;
  }
  write_bytes(tile, label, frame->pass.calibrated);
  write_bytes(tile, label, frame->pass.argmax);
  write_bytes(tile, confidence, frame->pass.confidence);
}

/* ---- Statistics. */

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
                                uint32_t *lanes) {
  for (uint32_t i = 0; i < classes; i++) {
    vu row = vu_load(lanes + i * WIDE_LANES);
    for (uint32_t h = from; h < BYTE_HALVES; h++) {
      row = vb_dot(row, m[h], vb_load(v + i * LCAL__TILE + h * BYTE_LANES));
    }
    vu_store(lanes + i * WIDE_LANES, row);
  }
}

/* Adds what is in the lanes to the sums, and empties them. `total`: of m, since the last time. */
static inline void flush_lanes(uint32_t classes, uint32_t *lanes, uint32_t *total,
                               struct lcal__partial *partial) {
  for (size_t c = 0; c < classes; c++) {
    for (size_t i = 0; i < classes && total[c] > 0; i++) {
      uint32_t *lane = lanes + (c * classes + i) * WIDE_LANES;
      int64_t sum = (int64_t)WIDE_BIAS * total[c];
      for (size_t l = 0; l < WIDE_LANES; l++) {
        sum += (int32_t)lane[l];
      }
      partial->sum[c * classes + i] += (double)sum;
    }
    memset(lanes + c * classes * WIDE_LANES, 0, classes * WIDE_LANES * sizeof *lanes);
    total[c] = 0;
  }
}

/* The statistics of a tile, class by class of those that are in it. */
WIDE_INLINE void add_byte_statistics(uint32_t classes, const struct lcal__scratch *scratch,
                                     uint32_t *since, struct byte_tile *tile,
                                     struct lcal__partial *partial) {
  const uint8_t *v = scratch->v;
  for (uint32_t first = 0; first < BYTE_HALVES; first++) {
    while (tile->counted[first]) {
      uint32_t j = first * BYTE_LANES + (uint32_t)__builtin_ctzll(tile->counted[first]);
      uint32_t c = tile->argmax[j], count = 0, total = 0;
      vb m[BYTE_HALVES];
      for (uint32_t h = first; h < BYTE_HALVES; h++) {
        uint64_t bits =
            vb_eq(vb_load(tile->argmax + h * BYTE_LANES), vb_set((uint8_t)c)) & tile->counted[h];
        m[h] = vb_keep(bits, vb_load(tile->m + h * BYTE_LANES));
        tile->counted[h] &= ~bits;
        count += (uint32_t)__builtin_popcountll(bits);
        total += vb_sum(m[h]);
      }
      lcal__count_class(partial, classes, c, count);
      partial->weight[c] += (double)total;
      if (classes <= LCAL__FEW) {
        since[c] += total;
        add_byte_lanes(classes, v, m, first, scratch->lanes + (size_t)c * classes * WIDE_LANES);
        continue;
      }
      double *sum = partial->sum + (size_t)c * classes;
      vu bias = vu_set(WIDE_BIAS * total);
      uint32_t i = 0;
      for (; i + 16 <= classes; i += 16) {
        add_byte_rows(v, m, first, BYTE_HALVES, i, 16, bias, sum);
      }
      if (i < classes) {
        add_byte_rows(v, m, first, BYTE_HALVES, i, classes - i, bias, sum);
      }
    }
  }
}

/* ---- A band. */

/* How many pixels half h of the tile has. */
static inline uint32_t half_count(const struct byte_tile *tile, uint32_t h) {
  uint32_t before = h * BYTE_LANES;
  uint32_t left = tile->count > before ? tile->count - before : 0;
  return left < BYTE_LANES ? left : BYTE_LANES;
}

static inline void begin_byte_tile(struct byte_tile *tile, size_t first, size_t end) {
  tile->first = first;
  tile->count = end - first < LCAL__TILE ? (uint32_t)(end - first) : LCAL__TILE;
  for (uint32_t h = 0; h < BYTE_HALVES; h++) {
    uint32_t count = half_count(tile, h);
    tile->live[h] = count == BYTE_LANES ? UINT64_MAX : ((uint64_t)1 << count) - 1;
  }
}

static inline void mask_bytes(const uint8_t *mask, struct byte_tile *tile) {
  for (uint32_t h = 0; h < BYTE_HALVES; h++) {
    tile->counted[h] = tile->valid[h];
    uint32_t count = half_count(tile, h);
    if (mask && count > 0) {
      uint8_t some[BYTE_LANES] = {0};
      memcpy(some, mask + tile->first + h * BYTE_LANES, count);
      tile->counted[h] &= vb_gt(vb_load(some), vb_set(0));
    }
  }
}

WIDE_INLINE void byte_band(const struct lcal__frame *frame, uint32_t index, uint32_t thread) {
  const lcal_tensor *tensor = frame->pass.tensor;
  const struct lcal__scratch *scratch = &frame->scratch[thread];
  struct lcal__partial *partial = &frame->partial[index];
  struct lcal__run run = lcal__begin_input(frame, index);
  struct byte_band band;
  begin_byte_band(frame, &band);
  struct byte_tile tile = {.count = 0};
  uint64_t confidence = 0;
  int few = frame->pass.want_statistics && tensor->classes <= LCAL__FEW;
  uint32_t tiles = 0, since[LCAL__FEW] = {0};
  if (few) {
    memset(scratch->lanes, 0,
           (size_t)tensor->classes * tensor->classes * WIDE_LANES * sizeof *scratch->lanes);
  }
  for (size_t pixel = run.first; pixel < run.end; pixel += tile.count) {
    begin_byte_tile(&tile, pixel, run.end);
    read_bytes(frame, &band, scratch->v, &tile);
    for (uint32_t h = 0; h < BYTE_HALVES; h++) {
      partial->voids += (uint64_t)__builtin_popcountll(tile.live[h] & ~tile.valid[h]);
      confidence += vb_sum(vb_keep(tile.valid[h], vb_load(tile.m + h * BYTE_LANES)));
    }
    write_byte_maps(frame, &tile);
    if (frame->pass.coefficients) {
      find_unsure_bytes(frame, &tile, scratch->v, scratch->gathered, run.first, &band, partial);
    }
    if (frame->pass.want_statistics) {
      mask_bytes(frame->pass.mask, &tile);
      add_byte_statistics(tensor->classes, scratch, since, &tile, partial);
      if (few && ++tiles == LANES_TILES) {
        flush_lanes(tensor->classes, scratch->lanes, since, partial);
        tiles = 0;
      }
    }
  }
  if (few) {
    flush_lanes(tensor->classes, scratch->lanes, since, partial);
  }
  partial->confidence = (double)confidence;
  if (band.waiting.count > 0) {
    partial->changed +=
        label_waiting(frame, scratch->gathered, run.first, &band.waiting, band.waiting.count, 1);
  }
}
#endif
