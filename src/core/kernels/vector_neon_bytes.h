/* The bytes of vector_neon.h, which includes this: sixty-four of them are four registers. */
#ifndef CORE_KERNELS_VECTOR_NEON_BYTES_H
#define CORE_KERNELS_VECTOR_NEON_BYTES_H

#include "core/kernels/vector_pick.h"

/* Sixty-four bytes. */
typedef uint8x16x4_t vb;

static inline vb vb_set(uint8_t x) {
  uint8x16_t all = vdupq_n_u8(x);
  return (vb){{all, all, all, all}};
}
static inline vb vb_load(const uint8_t *from) {
  return (vb){{vld1q_u8(from), vld1q_u8(from + 16), vld1q_u8(from + 32), vld1q_u8(from + 48)}};
}
static inline void vb_store(uint8_t *to, vb x) {
  vst1q_u8(to, x.val[0]);
  vst1q_u8(to + 16, x.val[1]);
  vst1q_u8(to + 32, x.val[2]);
  vst1q_u8(to + 48, x.val[3]);
}
/* Bytes of all bits or none, as bits. */
static inline uint64_t byte_bits(vb lanes) {
  uint8x16_t bit = bit_of_byte();
  uint8x16_t low = vpaddq_u8(vandq_u8(lanes.val[0], bit), vandq_u8(lanes.val[1], bit));
  uint8x16_t high = vpaddq_u8(vandq_u8(lanes.val[2], bit), vandq_u8(lanes.val[3], bit));
  uint8x16_t all = vpaddq_u8(low, high);
  return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(all, all)), 0);
}
static inline vb bytes_of(uint64_t bits) {
  static const uint8_t eight[4][16] = {{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1},
                                       {2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3},
                                       {4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5},
                                       {6, 6, 6, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7}};
  uint8x16_t all = vreinterpretq_u8_u64(vdupq_n_u64(bits));
  vb lanes;
  for (size_t i = 0; i < 4; i++) {
    lanes.val[i] = vtstq_u8(vqtbl1q_u8(all, vld1q_u8(eight[i])), bit_of_byte());
  }
  return lanes;
}
/* Lanes, as bits. */
static inline uint64_t vb_eq(vb a, vb b) {
  return byte_bits(EACH_TWO(vb, vceqq_u8, a, b));
}
static inline uint64_t vb_gt(vb a, vb b) {
  return byte_bits(EACH_TWO(vb, vcgtq_u8, a, b));
}
static inline vb vb_choose(uint64_t bits, vb yes, vb no) {
  vb lanes = bytes_of(bits);
  return EACH_THREE(vb, vbslq_u8, lanes, yes, no);
}
static inline vb vb_keep(uint64_t bits, vb x) {
  vb lanes = bytes_of(bits);
  return EACH_TWO(vb, vandq_u8, lanes, x);
}
static inline vb vb_add(vb a, vb b) {
  return EACH_TWO(vb, vaddq_u8, a, b);
}
/* Running maximum and the class it is of. */
static inline void vb_take(vb x, vb c, vb *best, vb *class) {
  vb more = EACH_TWO(vb, vcgtq_u8, x, *best);
  *class = EACH_THREE(vb, vbslq_u8, more, c, *class);
  *best = EACH_TWO(vb, vmaxq_u8, x, *best);
}
/* Sums of bytes, in lanes. */
typedef uint32x4_t vs;

static inline vs vs_zero(void) {
  return vdupq_n_u32(0);
}
static inline vs vs_add(vs sum, vb x) {
  for (size_t i = 0; i < 4; i++) {
    sum = vpadalq_u16(sum, vpaddlq_u8(x.val[i]));
  }
  return sum;
}
static inline uint64_t vs_total(vs sum) {
  return vaddlvq_u32(sum);
}
/* table[index] in each lane, index < 32. */
static inline vb vb_lookup(const uint8_t table[32], vb index) {
  uint8x16x2_t whole = {{vld1q_u8(table), vld1q_u8(table + 16)}};
  return (vb){{vqtbl2q_u8(whole, index.val[0]), vqtbl2q_u8(whole, index.val[1]),
               vqtbl2q_u8(whole, index.val[2]), vqtbl2q_u8(whole, index.val[3])}};
}
static inline vu vu_load_u8(const uint8_t *from) {
  uint8x16_t bytes = vld1q_u8(from);
  uint16x8_t low = vmovl_u8(vget_low_u8(bytes)), high = vmovl_high_u8(bytes);
  return (vu){{vmovl_u16(vget_low_u16(low)), vmovl_high_u16(low), vmovl_u16(vget_low_u16(high)),
               vmovl_high_u16(high)}};
}
static inline vf vf_load_u8(const uint8_t *from) {
  vu words = vu_load_u8(from);
  return EACH(vf, vcvtq_f32_u32, words);
}

/* Sixty-four sums of bytes, 16 bits each. */
typedef struct {
  uint16x8_t part[8];
} vw;

static inline vw vw_zero(void) {
  uint16x8_t zero = vdupq_n_u16(0);
  return (vw){{zero, zero, zero, zero, zero, zero, zero, zero}};
}
static inline void vw_grow(vw *sum, vb x) {
  for (size_t i = 0; i < 4; i++) {
    sum->part[2 * i] = vaddw_u8(sum->part[2 * i], vget_low_u8(x.val[i]));
    sum->part[2 * i + 1] = vaddw_high_u8(sum->part[2 * i + 1], x.val[i]);
  }
}
/* Lanes from low to high, as bits. */
static inline uint64_t vw_within(vw sum, uint16_t low, uint16_t high) {
  uint16x8_t base = vdupq_n_u16(low), width = vdupq_n_u16((uint16_t)(high - low));
  vb lanes;
  for (size_t i = 0; i < 4; i++) {
    uint16x8_t l = vcleq_u16(vsubq_u16(sum.part[2 * i], base), width);
    uint16x8_t h = vcleq_u16(vsubq_u16(sum.part[2 * i + 1], base), width);
    lanes.val[i] = vuzp1q_u8(vreinterpretq_u8_u16(l), vreinterpretq_u8_u16(h));
  }
  return byte_bits(lanes);
}

/* sum + m p over four bytes a lane, less WIDE_BIAS m. */
#define WIDE_BIAS 0u
static inline vb vb_stored(vb x) {
  return x;
}
static inline vf vf_load_stored(const uint8_t *from) {
  return vf_load_u8(from);
}
static inline uint32x4_t four_dots(uint32x4_t sum, uint8x16_t m, uint8x16_t p) {
  sum = vpadalq_u16(sum, vmull_u8(vget_low_u8(m), vget_low_u8(p)));
  return vpadalq_u16(sum, vmull_high_u8(m, p));
}
static inline vu vb_dot(vu sum, vb m, vb p) {
  return EACH_THREE(vu, four_dots, sum, m, p);
}
static inline uint32x4_t fold_words(const vu row[4]) {
  uint32x4_t left[4];
  for (size_t r = 0; r < 4; r++) {
    left[r] =
        vaddq_u32(vaddq_u32(row[r].val[0], row[r].val[1]), vaddq_u32(row[r].val[2], row[r].val[3]));
  }
  return vpaddq_u32(vpaddq_u32(left[0], left[1]), vpaddq_u32(left[2], left[3]));
}
/* Lane l: the sum of the lanes of row[l]. */
static inline vu vu_fold(const vu row[16]) {
  return (vu){{fold_words(row), fold_words(row + 4), fold_words(row + 8), fold_words(row + 12)}};
}
/* to[l] += x[l], l < count <= 16; x below 2^31. */
static inline void vd_grow_words(double *to, vu x, uint32_t count) {
  uint32_t some[16];
  vu_store(some, x);
  for (uint32_t l = 0; l < count; l++) {
    to[l] += (double)some[l];
  }
}
#endif
