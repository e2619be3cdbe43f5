/* Reading a tile of float values: each value once, into the class-major copy that everything else
 * works on; argmax, m and validity on the way. */
#ifndef CORE_KERNELS_WIDE_READ_H
#define CORE_KERNELS_WIDE_READ_H

#include "core/half.h"
#include "core/kernels/scalar.h"
#include "core/kernels/wide.h"

#include <float.h>
#include <math.h>
#include <string.h>

WIDE_INLINE vf load_values(const unsigned char *from, lcal_type type) {
  switch (type) {
  case LCAL_F16:
    return vf_load_f16((const uint16_t *)(const void *)from);
  case LCAL_BF16:
    return vf_load_bf16((const uint16_t *)(const void *)from);
  default:
    return vf_load((const float *)(const void *)from);
  }
}

/* Running argmax, sum and largest bit pattern of a group. Of values that are finite and not
 * negative the order of the bits is that of the values, and -0, negative values, infinities and
 * NaN have bits above FLT_MAX's: one comparison at the end finds them all. */
struct best {
  vu bits, class;
  vf sum;
};

/* `class` is counted in a vector: to set all its lanes from c each time costs more. */
WIDE_INLINE void take_value(vf x, vu class, vu *bits, vu *place, vf *sum) {
  *place = vu_choose(vu_gt(vf_bits(x), *bits), class, *place);
  *bits = vu_max(vf_bits(x), *bits);
  *sum = vf_add(*sum, x);
}

/* Reads WIDE_GROUPS whole groups side by side from planes. What runs is kept in arrays of its own,
 * for which the compiler finds registers. */
WIDE_INLINE void read_planes(const lcal_tensor *tensor, lcal_type type, size_t first, float *to,
                             struct best *best) {
  size_t size = lcal_type_size(type);
  const unsigned char *from = (const unsigned char *)tensor->data + first * size;
  size_t plane = tensor->stride * size;
  uint32_t classes = tensor->classes;
  vu bits[WIDE_GROUPS], place[WIDE_GROUPS];
  vf sum[WIDE_GROUPS];
  for (uint32_t g = 0; g < WIDE_GROUPS; g++) {
    sum[g] = load_values(from + g * WIDE_LANES * size, type);
    vf_store(to + g * WIDE_LANES, sum[g]);
    bits[g] = vf_bits(sum[g]);
    place[g] = vu_set(0);
  }
  vu class = vu_set(0), one = vu_set(1);
  for (uint32_t c = 1; c < classes; c++) {
    from += plane;
    to += LCAL__TILE;
    class = vu_add(class, one);
    /* The planes are more streams than a CPU's own prefetching follows. (f32: fetch_planes.) */
    for (size_t ahead = 0; type != LCAL_F32 && ahead < WIDE_GROUPS * WIDE_LANES * size;
         ahead += 64) {
      __builtin_prefetch(from + WIDE_AHEAD + ahead);
    }
    for (uint32_t g = 0; g < WIDE_GROUPS; g++) {
      vf x = load_values(from + g * WIDE_LANES * size, type);
      vf_store(to + g * WIDE_LANES, x);
      take_value(x, class, &bits[g], &place[g], &sum[g]);
    }
  }
  for (uint32_t g = 0; g < WIDE_GROUPS; g++) {
    best[g] = (struct best){bits[g], place[g], sum[g]};
  }
}

/* What is still to be fetched of the next tile: runs of so many bytes of planes. */
struct wide_ahead {
  const unsigned char *from;
  size_t plane;
  uint32_t planes, bytes;
};

/* The tile behind this one. Of f32 planes alone: what they take to be read is better spread over
 * all that is done with a tile than asked for at once; smaller types' is too little to matter. */
WIDE_INLINE struct wide_ahead next_tile(const lcal_tensor *tensor, lcal_type type, size_t first) {
  size_t size = lcal_type_size(type);
  return (struct wide_ahead){
      .from = (const unsigned char *)tensor->data + (first + LCAL__TILE) * size,
      .plane = tensor->stride * size,
      .planes = type == LCAL_F32 && tensor->layout == LCAL_CHW ? tensor->classes : 0,
      .bytes = (uint32_t)(LCAL__TILE * size)};
}

/* Fetches it from so many planes more. A fetch beyond the tensor's end does nothing. */
WIDE_INLINE void fetch_planes(struct wide_ahead *ahead, uint32_t planes) {
  for (uint32_t n = planes < ahead->planes ? planes : ahead->planes; n > 0; n--) {
    for (uint32_t b = 0; b < ahead->bytes; b += 64) {
      __builtin_prefetch(ahead->from + b);
    }
    ahead->from += ahead->plane;
    ahead->planes--;
  }
}

WIDE_INLINE four load_four(const unsigned char *from, lcal_type type) {
  return type == LCAL_F32 ? four_f32(from) : type == LCAL_F16 ? four_f16(from) : four_bf16(from);
}

/* Sixteen pixels of at least four classes, turned four values at a time; the last four may begin
 * before the ones before end. */
WIDE_INLINE void turn_group(uint32_t classes, size_t pixel, lcal_type type,
                            const unsigned char *from, float *to) {
  size_t size = lcal_type_size(type);
  for (size_t c = 0; c < classes; c += 4) {
    size_t at = c + 4 <= classes ? c : classes - 4;
    four value[WIDE_LANES];
    for (size_t l = 0; l < WIDE_LANES; l++) {
      value[l] = load_four(from + l * pixel + at * size, type);
    }
    vf turned[4];
    transpose_four(value, turned);
    for (size_t i = 0; i < 4; i++) {
      vf_store(to + (at + i) * LCAL__TILE, turned[i]);
    }
  }
}

/* Copies a group alone. What is short, or has pixels of very few classes, is read as the scalar
 * tier does; lanes beyond `count` are 0. */
WIDE_INLINE void copy_group(const lcal_tensor *tensor, lcal_type type, size_t first, uint32_t count,
                            float *to) {
  size_t size = lcal_type_size(type), pixel = tensor->stride * size;
  const unsigned char *from = (const unsigned char *)tensor->data;
  if (count < WIDE_LANES || (tensor->layout == LCAL_HWC && tensor->classes < 4)) {
    for (size_t c = 0; c < tensor->classes; c++) {
      vf_store(to + c * LCAL__TILE, vf_set(0));
    }
    lcal__scalar_read(tensor, first, count, to, LCAL__TILE);
  } else if (tensor->layout == LCAL_CHW) {
    for (size_t c = 0; c < tensor->classes; c++) {
      vf_store(to + c * LCAL__TILE, load_values(from + (c * tensor->stride + first) * size, type));
    }
  } else {
    from += first * pixel;
    for (size_t ahead = 0; ahead < WIDE_LANES * pixel; ahead += 64) {
      __builtin_prefetch(from + WIDE_PIXELS_AHEAD + ahead);
    }
    turn_group(tensor->classes, pixel, type, from, to);
  }
}

/* As read_planes, of a group that is in the tile already. */
WIDE_INLINE void scan_group(uint32_t classes, const float *p, struct best *best) {
  vf x = vf_load(p);
  *best = (struct best){vf_bits(x), vu_set(0), x};
  vu class = vu_set(0), one = vu_set(1);
  for (uint32_t c = 1; c < classes; c++) {
    class = vu_add(class, one);
    take_value(vf_load(p + (size_t)c * LCAL__TILE), class, &best->bits, &best->class, &best->sum);
  }
}

/* The float64 sums of a group's pixels, in class order. */
static inline vd exact_sums(uint32_t classes, const float *p) {
  vd sum = vd_zero();
  for (size_t c = 0; c < classes; c++) {
    sum = vd_add(sum, vd_of(vf_load(p + c * LCAL__TILE)));
  }
  return sum;
}

/* A group with values that take_value's order does not fit: -0 becomes 0 in the copy, argmax by
 * comparing floats, lanes with a value below `least` or not finite are not in the result. */
static inline vk scan_odd_group(uint32_t classes, float *p, float least, uint32_t *argmax) {
  vf zero = vf_set(0), low = vf_set(least), high = vf_set(FLT_MAX);
  vf best = vf_add(vf_load(p), zero);
  vf_store(p, best);
  vk valid = vk_and(vf_ge(best, low), vf_ge(high, best));
  vu class = vu_set(0);
  for (uint32_t c = 1; c < classes; c++) {
    float *at = p + (size_t)c * LCAL__TILE;
    vf x = vf_add(vf_load(at), zero);
    vf_store(at, x);
    valid = vk_and(valid, vk_and(vf_ge(x, low), vf_ge(high, x)));
    vk more = vf_gt(x, best);
    best = vf_choose(more, x, best);
    class = vu_choose(more, vu_set(c), class);
  }
  vu_store(argmax, class);
  return valid;
}

/* Sets the values of the lanes not in `keep` to 0. */
static inline void zero_lanes(uint32_t classes, float *p, vk keep) {
  for (size_t c = 0; c < classes; c++) {
    vf_store(p + c * LCAL__TILE, vf_keep(keep, vf_load(p + c * LCAL__TILE)));
  }
}

/* e^x for x <= 0 as lcal__exp32. */
static inline vf exp_32(vf x) {
  vf magic = vf_set(0x1.8p+23f);
  vf n = vf_sub(vf_fma(x, vf_set(0x1.715476p+0f), magic), magic);
  vf r = vf_fma(n, vf_set(-0x1.63p-1f), x);
  r = vf_fma(n, vf_set(0x1.bd0106p-13f), r);
  vf power = vf_set(1.9875691500e-4f);
  power = vf_fma(power, r, vf_set(1.3981999507e-3f));
  power = vf_fma(power, r, vf_set(8.3334519073e-3f));
  power = vf_fma(power, r, vf_set(4.1665795894e-2f));
  power = vf_fma(power, r, vf_set(1.6666665459e-1f));
  power = vf_fma(power, r, vf_set(5.0000001201e-1f));
  power = vf_add(vf_fma(power, vf_mul(r, r), r), vf_set(1));
  vf scaled = vf_mul(power, vf_power_of_two(n));
  return vf_keep(vf_ge(x, vf_set(-87)), scaled);
}

/* Logits to probabilities in place (docs/method.md, "Softmax"). */
static inline void softmax_group(uint32_t classes, float *p) {
  vf largest = vf_load(p);
  for (size_t c = 1; c < classes; c++) {
    vf x = vf_load(p + c * LCAL__TILE);
    largest = vf_choose(vf_gt(x, largest), x, largest);
  }
  vd sum = vd_zero();
  for (size_t run = 0; run < classes; run += 8) {
    vf part = vf_set(0);
    for (size_t c = run; c < classes && c < run + 8; c++) {
      vf e = exp_32(vf_sub(vf_load(p + c * LCAL__TILE), largest));
      vf_store(p + c * LCAL__TILE, e);
      part = vf_add(part, e);
    }
    sum = vd_add(sum, vd_of(part));
  }
  vf inverse = vf_div(vf_set(1), vd_float(sum));
  for (size_t c = 0; c < classes; c++) {
    float *at = p + c * LCAL__TILE;
    vf_store(at, vf_mul(vf_load(at), inverse));
  }
}

/* m of group g, from p. */
static inline void take_confidence(struct wide_tile *tile, const float *p, uint32_t g) {
  for (size_t j = g * WIDE_LANES; j < (g + 1) * WIDE_LANES; j++) {
    tile->m[j] = p[(size_t)tile->argmax[j] * LCAL__TILE + j];
  }
}

/* Validity, argmax and m of group g of a tile of probabilities. */
WIDE_INLINE void judge_group(const struct lcal__frame *frame, struct wide_tile *tile, float *p,
                             uint32_t g, const struct best *best, float sure) {
  uint32_t classes = frame->pass.tensor->classes;
  uint32_t live = tile->live[g];
  float *at = p + (size_t)g * WIDE_LANES;
  vk odd = vu_gt(best->bits, vu_set(0x7f7fffffu));
  vf off = vf_sub(best->sum, vf_set(1));
  vk near = vk_and(vf_ge(off, vf_set(-sure)), vf_ge(vf_set(sure), off));
  vu_store(tile->argmax + g * WIDE_LANES, best->class);
  vf_store(tile->m + g * WIDE_LANES, vu_float(best->bits));
  tile->valid[g] = live;
  if (__builtin_expect((vk_bits(odd) | (~vk_bits(near) & 0xffffu)) & live, 0)) {
    vk valid = vk_of(live);
    if (vk_bits(odd) & live) {
      valid = vk_and(valid, scan_odd_group(classes, at, 0, tile->argmax + g * WIDE_LANES));
    }
    zero_lanes(classes, at, valid); /* what is not finite must not reach the sums */
    valid = vk_and(valid, vd_near_one(exact_sums(classes, at), frame->tau));
    zero_lanes(classes, at, valid);
    tile->valid[g] = vk_bits(valid);
    take_confidence(tile, p, g);
  }
}

/* A tile of logits that was copied: argmax of the logits, then softmax. */
static inline void judge_logits(const struct lcal__frame *frame, struct wide_tile *tile, float *p) {
  uint32_t classes = frame->pass.tensor->classes;
  for (uint32_t g = 0; g < tile->groups; g++) {
    float *at = p + (size_t)g * WIDE_LANES;
    vk valid = scan_odd_group(classes, at, -FLT_MAX, tile->argmax + g * WIDE_LANES);
    valid = vk_and(valid, vk_of(tile->live[g]));
    tile->valid[g] = vk_bits(valid);
    zero_lanes(classes, at, valid);
    softmax_group(classes, at);
    zero_lanes(classes, at, valid);
    take_confidence(tile, p, g);
  }
}

/* By how much a float32 sum of C values may be off 1 and the float64 sum is surely within tau:
 * C additions of sums up to 2, each off by at most 2^-23. */
static inline float sure_tolerance(uint32_t classes, double tau) {
  double sure = (tau < 0.5 ? tau : 0.5) - (classes + 2.0) * 0x1p-23;
  return sure > 0 ? (float)(sure * (1 - 0x1p-20)) : -1.0f;
}

/* Reads the tile's values of a type, and judges its pixels. */
WIDE_INLINE void read_tile_of(const struct lcal__frame *frame, float *p, struct wide_tile *tile,
                              lcal_type type) {
  const lcal_tensor *tensor = frame->pass.tensor;
  float sure = sure_tolerance(tensor->classes, frame->tau);
  uint32_t whole = tile->count / WIDE_LANES;
  uint32_t g = 0;
  int logits = tensor->kind == LCAL_LOGITS;
  struct best best[WIDE_GROUPS];
  if (tensor->layout == LCAL_CHW) {
    for (; g + WIDE_GROUPS <= whole; g += WIDE_GROUPS) {
      read_planes(tensor, type, tile->first + g * WIDE_LANES, p + g * WIDE_LANES, best);
      for (uint32_t i = 0; i < WIDE_GROUPS && !logits; i++) {
        judge_group(frame, tile, p, g + i, &best[i], sure);
      }
    }
  }
  for (; g < tile->groups; g++) {
    uint32_t count = g < whole ? WIDE_LANES : tile->count % WIDE_LANES;
    float *to = p + (size_t)g * WIDE_LANES;
    copy_group(tensor, type, tile->first + g * WIDE_LANES, count, to);
    if (!logits) {
      scan_group(tensor->classes, to, &best[0]);
      judge_group(frame, tile, p, g, &best[0], sure);
    }
  }
  if (logits) {
    judge_logits(frame, tile, p);
  }
}
#endif
