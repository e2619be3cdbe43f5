/* The input stage of a wide tier for u8 tensors of up to 255 classes: everything in integers, so
 * that sums are exact whatever their order. Only what is scored becomes float32. */
#ifndef CORE_KERNELS_WIDE_BYTES_H
#define CORE_KERNELS_WIDE_BYTES_H

#include "core/kernels/scalar.h"
#include "core/kernels/wide_byte_sums.h"
#include "core/kernels/wide_score.h"

#include <math.h>
#include <string.h>

/* Pixels that wait to be scored, a batch as soon as there are BYTE_LANES: their values, as stored,
 * in scratch->held. */
struct byte_waiting {
  uint32_t count;
  uint32_t pixel[2 * BYTE_LANES + WIDE_LANES]; /* less the band's first */
  uint8_t argmax[2 * BYTE_LANES];
};

/* What a band needs besides the frame. Class c is certified, kept from m > certified[c], kept[c]
 * on; 255 is never. */
struct byte_band {
  struct byte_waiting waiting;
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

/* Running maximum, its class, and the sum, of half a tile's pixels. */
struct byte_best {
  vb m, class;
  vw sum;
};

/* The values of half h for a class, each read once; `to` gets them as stored. */
WIDE_INLINE void take_half(const uint8_t *from, uint32_t h, vb class, struct byte_best *best,
                           uint8_t *to) {
  vb x = vb_load(from + h * BYTE_LANES);
  vb_store(to + h * BYTE_LANES, vb_stored(x));
  vb_take(x, class, &best->m, &best->class);
  vw_grow(&best->sum, x);
}

/* All classes of a tile whose rows lie `stride` apart. The halves are variables of their own, for
 * which the compiler finds registers. */
WIDE_APART void take_tile(uint32_t classes, const uint8_t *from, size_t stride, int fetch,
                          struct byte_best best[BYTE_HALVES], uint8_t *to) {
  vb class = vb_set(0), one = vb_set(1);
  struct byte_best low = {class, class, vw_zero()}, high = low;
  for (uint32_t c = 0; c < classes; c++) {
    if (fetch) {
      __builtin_prefetch(from + WIDE_AHEAD);
      __builtin_prefetch(from + WIDE_AHEAD + 64);
    }
    take_half(from, 0, class, &low, to);
    take_half(from, 1, class, &high, to);
    class = vb_add(class, one);
    from += stride;
    to += LCAL__TILE;
  }
  best[0] = low;
  best[1] = high;
}

/* Pixels of a tile that is not whole, or lies pixel by pixel, into the class-major copy, as sent.
 */
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
    uint64_t bits = vw_within(best[h].sum, (uint16_t)edge, (uint16_t)edge);
    for (; bits; bits &= bits - 1) {
      uint32_t lane = (uint32_t)__builtin_ctzll(bits);
      double off = fabs(lcal__scalar_sum_u8(classes, v, WIDE_BIAS, h * BYTE_LANES + lane) - 1);
      tile->valid[h] |= (uint64_t)(off <= tau) << lane;
    }
  }
}

WIDE_INLINE void read_bytes(const struct lcal__frame *frame, const struct byte_band *band,
                            uint8_t *v, struct byte_tile *tile) {
  const lcal_tensor *tensor = frame->pass.tensor;
  struct byte_best best[BYTE_HALVES];
  if (tensor->layout == LCAL_CHW && tile->count == LCAL__TILE) {
    take_tile(tensor->classes, (const uint8_t *)tensor->data + tile->first, tensor->stride, 1, best,
              v);
  } else {
    copy_bytes(tensor, tile, v);
    take_tile(tensor->classes, v, LCAL__TILE, 0, best, v);
  }
  for (uint32_t h = 0; h < BYTE_HALVES; h++) {
    tile->valid[h] = vw_within(best[h].sum, band->low, band->high);
    vb_store(tile->m + h * BYTE_LANES, best[h].m);
    vb_store(tile->argmax + h * BYTE_LANES, best[h].class);
  }
  judge_edge(tensor->classes, frame->tau, v, band->edge[0], best, tile);
  judge_edge(tensor->classes, frame->tau, v, band->edge[1], best, tile);
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

/* Puts the lanes `bits` of half h among those that wait. */
WIDE_INLINE void wait_bytes(uint32_t classes, const struct byte_tile *tile, const uint8_t *v,
                            uint8_t *held, size_t band_first, struct byte_waiting *waiting,
                            uint32_t h, uint64_t bits) {
  pick lane = pick_of(bits);
  uint32_t n = waiting->count;
  v += h * BYTE_LANES;
#pragma GCC unroll 4
  for (size_t c = 0; c < classes; c++) {
    pick_bytes(held + c * LCAL__TILE + n, &lane, v + c * LCAL__TILE);
  }
  pick_bytes(waiting->argmax + n, &lane, tile->argmax + h * BYTE_LANES);
  uint32_t at = (uint32_t)(tile->first - band_first) + h * BYTE_LANES;
  for (; bits; bits >>= WIDE_LANES, at += WIDE_LANES) {
    uint32_t some = (uint32_t)bits & 0xffffu;
    vu_compress(waiting->pixel + n, vk_of(some), vu_from(at));
    n += (uint32_t)__builtin_popcount(some);
  }
  waiting->count = n;
}

/* Labels of the first `count` that wait. How many changed. */
static inline uint64_t label_bytes(const struct lcal__frame *frame, uint32_t thread, size_t first,
                                   const struct byte_waiting *waiting, uint32_t count) {
  const uint8_t *held = frame->scratch[thread].held;
  float *p = frame->scratch[thread].gathered;
  uint32_t argmax[BYTE_LANES];
  size_t classes = frame->pass.tensor->classes;
  for (uint32_t n = 0; n < count; n += WIDE_LANES) {
    vu_store(argmax + n, vu_load_u8(waiting->argmax + n));
#pragma GCC unroll 4
    for (size_t c = 0; c < classes; c++) {
      vf_store(p + c * WIDE_STRIDE + n, vf_of_byte(vf_load_stored(held + c * LCAL__TILE + n)));
    }
  }
  return label_pixels(frame, p, first, waiting->pixel, argmax, count);
}

/* Labels of those that wait as soon as they fill a batch; the rest moves to its beginning. */
static inline uint64_t label_full_bytes(const struct lcal__frame *frame, uint32_t thread,
                                        size_t first, struct byte_waiting *waiting) {
  if (waiting->count < BYTE_LANES) {
    return 0;
  }
  uint8_t *held = frame->scratch[thread].held;
  uint64_t changed = label_bytes(frame, thread, first, waiting, BYTE_LANES);
  for (size_t c = 0, classes = frame->pass.tensor->classes; c < classes; c++) {
    vb_store(held + c * LCAL__TILE, vb_load(held + c * LCAL__TILE + BYTE_LANES));
  }
  vb_store(waiting->argmax, vb_load(waiting->argmax + BYTE_LANES));
  for (uint32_t n = 0; n < BYTE_LANES; n += WIDE_LANES) {
    vu_store(waiting->pixel + n, vu_load(waiting->pixel + BYTE_LANES + n));
  }
  waiting->count -= BYTE_LANES;
  return changed;
}

WIDE_INLINE void find_unsure_bytes(const struct lcal__frame *frame, uint32_t thread,
                                   const struct byte_tile *tile, size_t band_first,
                                   struct byte_band *band, struct lcal__partial *partial) {
  uint32_t classes = frame->pass.tensor->classes;
  const struct lcal__scratch *scratch = &frame->scratch[thread];
  for (uint32_t h = 0; h < BYTE_HALVES; h++) {
    const uint8_t *class = tile->argmax + h * BYTE_LANES;
    vb m = vb_load(tile->m + h * BYTE_LANES);
    uint64_t sure = vb_gt(m, lookup_classes(band->certified, classes, class));
    uint64_t kept = vb_gt(m, lookup_classes(band->kept, classes, class));
    uint64_t unsure = tile->valid[h] & ~kept;
    partial->certified += (uint64_t)__builtin_popcountll(tile->valid[h] & sure);
    if (unsure) {
      wait_bytes(classes, tile, scratch->v, scratch->held, band_first, &band->waiting, h, unsure);
      partial->changed += label_full_bytes(frame, thread, band_first, &band->waiting);
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
  uint32_t classes = frame->pass.tensor->classes;
  const struct lcal__scratch *scratch = &frame->scratch[thread];
  struct lcal__partial *partial = &frame->partial[index];
  struct lcal__run run = lcal__begin_input(frame, index);
  struct byte_band band;
  begin_byte_band(frame, &band);
  struct byte_tile tile = {.count = 0};
  struct byte_sums sums = {.lanes = scratch->lanes};
  vs confidence = vs_zero();
  int few = frame->pass.want_statistics && classes <= LCAL__FEW;
  if (few) {
    begin_lanes(classes, &sums);
  }
  for (size_t pixel = run.first; pixel < run.end; pixel += tile.count) {
    begin_byte_tile(&tile, pixel, run.end);
    read_bytes(frame, &band, scratch->v, &tile);
    for (uint32_t h = 0; h < BYTE_HALVES; h++) {
      partial->voids += (uint64_t)__builtin_popcountll(tile.live[h] & ~tile.valid[h]);
      confidence = vs_add(confidence, vb_keep(tile.valid[h], vb_load(tile.m + h * BYTE_LANES)));
    }
    write_byte_maps(frame, &tile);
    if (frame->pass.coefficients) {
      find_unsure_bytes(frame, thread, &tile, run.first, &band, partial);
    }
    if (frame->pass.want_statistics) {
      mask_bytes(frame->pass.mask, &tile);
      add_byte_statistics(classes, scratch->v, &sums, &tile, partial);
      if (few && ++sums.tiles == LANES_TILES) {
        flush_lanes(classes, &sums, partial);
      }
    }
  }
  if (few) {
    flush_lanes(classes, &sums, partial);
  }
  partial->confidence = (double)vs_total(confidence);
  if (band.waiting.count > 0) {
    partial->changed += label_bytes(frame, thread, run.first, &band.waiting, band.waiting.count);
  }
}
#endif
