/* Sixteen lanes on NEON (AArch64, ARMv8.0): four q registers, masks of whole lanes. See wide.h. */
#ifndef CORE_KERNELS_VECTOR_NEON_H
#define CORE_KERNELS_VECTOR_NEON_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#define WIDE_GROUPS       1u    /* groups that are read side by side */
#define WIDE_VECTORS      1u    /* vectors of pixels that are scored side by side */
#define WIDE_AHEAD        512u  /* bytes by which a plane is fetched ahead */
#define WIDE_PIXELS_AHEAD 4096u /* the same of a tensor of pixels */

typedef float32x4x4_t vf;
typedef uint32x4x4_t vu;
typedef vu vk; /* all bits of a lane, or none */

/* f of each of the four registers of x; of x and y; of x, y and z. */
#define EACH(type, f, x) ((type){{f((x).val[0]), f((x).val[1]), f((x).val[2]), f((x).val[3])}})
#define EACH_TWO(type, f, x, y)                                                                    \
  ((type){{f((x).val[0], (y).val[0]), f((x).val[1], (y).val[1]), f((x).val[2], (y).val[2]),        \
           f((x).val[3], (y).val[3])}})
#define EACH_THREE(type, f, x, y, z)                                                               \
  ((type){{f((x).val[0], (y).val[0], (z).val[0]), f((x).val[1], (y).val[1], (z).val[1]),           \
           f((x).val[2], (y).val[2], (z).val[2]), f((x).val[3], (y).val[3], (z).val[3])}})

typedef float32x4_t four; /* values of one pixel */

static inline four four_f32(const void *from) {
  return vld1q_f32(from);
}
static inline four four_f16(const void *from) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from)));
}
static inline four four_bf16(const void *from) {
  return vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(vld1_u16(from)), 16));
}

static inline vf vf_set(float x) {
  float32x4_t all = vdupq_n_f32(x);
  return (vf){{all, all, all, all}};
}
static inline vf vf_load(const float *from) {
  return (vf){{vld1q_f32(from), vld1q_f32(from + 4), vld1q_f32(from + 8), vld1q_f32(from + 12)}};
}
static inline void vf_store(float *to, vf x) {
  vst1q_f32(to, x.val[0]);
  vst1q_f32(to + 4, x.val[1]);
  vst1q_f32(to + 8, x.val[2]);
  vst1q_f32(to + 12, x.val[3]);
}
static inline vf vf_load_f16(const uint16_t *from) {
  return (vf){{four_f16(from), four_f16(from + 4), four_f16(from + 8), four_f16(from + 12)}};
}
static inline vf vf_load_bf16(const uint16_t *from) {
  return (vf){{four_bf16(from), four_bf16(from + 4), four_bf16(from + 8), four_bf16(from + 12)}};
}
static inline vf vf_add(vf a, vf b) {
  return EACH_TWO(vf, vaddq_f32, a, b);
}
static inline vf vf_sub(vf a, vf b) {
  return EACH_TWO(vf, vsubq_f32, a, b);
}
static inline vf vf_mul(vf a, vf b) {
  return EACH_TWO(vf, vmulq_f32, a, b);
}
static inline vf vf_div(vf a, vf b) {
  return EACH_TWO(vf, vdivq_f32, a, b);
}
static inline vf vf_fma(vf a, vf b, vf c) {
  return EACH_THREE(vf, vfmaq_f32, c, a, b);
}
static inline vk vf_ge(vf a, vf b) {
  return EACH_TWO(vk, vcgeq_f32, a, b);
}
static inline vk vf_gt(vf a, vf b) {
  return EACH_TWO(vk, vcgtq_f32, a, b);
}
static inline vf vf_choose(vk k, vf yes, vf no) {
  return EACH_THREE(vf, vbslq_f32, k, yes, no);
}
/* Of zeros or with a NaN: b. */
static inline float32x4_t four_max(float32x4_t a, float32x4_t b) {
  return vbslq_f32(vcgtq_f32(a, b), a, b);
}
static inline vf vf_max(vf a, vf b) {
  return EACH_TWO(vf, four_max, a, b);
}
static inline vu vf_bits(vf x) {
  return EACH(vu, vreinterpretq_u32_f32, x);
}
static inline vf vu_float(vu x) {
  return EACH(vf, vreinterpretq_f32_u32, x);
}
static inline vf vf_keep(vk k, vf x) {
  return vu_float(EACH_TWO(vu, vandq_u32, k, vf_bits(x)));
}

static inline vu vu_set(uint32_t x) {
  uint32x4_t all = vdupq_n_u32(x);
  return (vu){{all, all, all, all}};
}
static inline vu vu_load(const uint32_t *from) {
  return (vu){{vld1q_u32(from), vld1q_u32(from + 4), vld1q_u32(from + 8), vld1q_u32(from + 12)}};
}
static inline vu vu_load_u16(const uint16_t *from) {
  return (vu){{vmovl_u16(vld1_u16(from)), vmovl_u16(vld1_u16(from + 4)),
               vmovl_u16(vld1_u16(from + 8)), vmovl_u16(vld1_u16(from + 12))}};
}
static inline void vu_store(uint32_t *to, vu x) {
  vst1q_u32(to, x.val[0]);
  vst1q_u32(to + 4, x.val[1]);
  vst1q_u32(to + 8, x.val[2]);
  vst1q_u32(to + 12, x.val[3]);
}
static inline vu vu_max(vu a, vu b) {
  return EACH_TWO(vu, vmaxq_u32, a, b);
}
static inline vu vu_add(vu a, vu b) {
  return EACH_TWO(vu, vaddq_u32, a, b);
}
static inline vk vu_eq(vu a, vu b) {
  return EACH_TWO(vk, vceqq_u32, a, b);
}
static inline vk vu_gt(vu a, vu b) {
  return EACH_TWO(vk, vcgtq_u32, a, b);
}
static inline vu vu_choose(vk k, vu yes, vu no) {
  return EACH_THREE(vu, vbslq_u32, k, yes, no);
}

/* The low 8 or 16 bits of each lane, side by side. */
static inline uint16x8_t eight_words(uint32x4_t low, uint32x4_t high) {
  return vuzp1q_u16(vreinterpretq_u16_u32(low), vreinterpretq_u16_u32(high));
}
static inline uint8x16_t sixteen_bytes(vu x) {
  uint16x8_t low = eight_words(x.val[0], x.val[1]), high = eight_words(x.val[2], x.val[3]);
  return vuzp1q_u8(vreinterpretq_u8_u16(low), vreinterpretq_u8_u16(high));
}
static inline void vu_store_u16(uint16_t *to, vu x) {
  vst1q_u16(to, eight_words(x.val[0], x.val[1]));
  vst1q_u16(to + 8, eight_words(x.val[2], x.val[3]));
}
static inline void vu_store_u8(uint8_t *to, vu x) {
  vst1q_u8(to, sixteen_bytes(x));
}

static inline uint8x16_t bit_of_byte(void) {
  static const uint8_t bit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  return vld1q_u8(bit);
}
static inline uint32_t vk_bits(vk k) {
  uint8x16_t bits = vandq_u8(sixteen_bytes(k), bit_of_byte());
  return vaddv_u8(vget_low_u8(bits)) | (uint32_t)vaddv_u8(vget_high_u8(bits)) << 8;
}
static inline vk vk_of(uint32_t bits) {
  static const uint32_t bit[16] = {1u << 0,  1u << 1,  1u << 2,  1u << 3, 1u << 4,  1u << 5,
                                   1u << 6,  1u << 7,  1u << 8,  1u << 9, 1u << 10, 1u << 11,
                                   1u << 12, 1u << 13, 1u << 14, 1u << 15};
  return EACH_TWO(vk, vtstq_u32, vu_set(bits), vu_load(bit));
}
static inline vk vk_and(vk a, vk b) {
  return EACH_TWO(vk, vandq_u32, a, b);
}

/* Row b: the bytes of the lanes whose bits are set in b, side by side; then zeros. */
#define LANE(l) 4 * (l), 4 * (l) + 1, 4 * (l) + 2, 4 * (l) + 3
#define NONE    255, 255, 255, 255
static const uint8_t places_of[16][16] = {
    {NONE, NONE, NONE, NONE},             /* */
    {LANE(0), NONE, NONE, NONE},          /* 0 */
    {LANE(1), NONE, NONE, NONE},          /* 1 */
    {LANE(0), LANE(1), NONE, NONE},       /* 0 1 */
    {LANE(2), NONE, NONE, NONE},          /* 2 */
    {LANE(0), LANE(2), NONE, NONE},       /* 0 2 */
    {LANE(1), LANE(2), NONE, NONE},       /* 1 2 */
    {LANE(0), LANE(1), LANE(2), NONE},    /* 0 1 2 */
    {LANE(3), NONE, NONE, NONE},          /* 3 */
    {LANE(0), LANE(3), NONE, NONE},       /* 0 3 */
    {LANE(1), LANE(3), NONE, NONE},       /* 1 3 */
    {LANE(0), LANE(1), LANE(3), NONE},    /* 0 1 3 */
    {LANE(2), LANE(3), NONE, NONE},       /* 2 3 */
    {LANE(0), LANE(2), LANE(3), NONE},    /* 0 2 3 */
    {LANE(1), LANE(2), LANE(3), NONE},    /* 1 2 3 */
    {LANE(0), LANE(1), LANE(2), LANE(3)}, /* 0 1 2 3 */
};
#undef LANE
#undef NONE

/* The lanes of k side by side, then anything: at most 16 values are written. */
static inline void vu_compress(uint32_t *to, vk k, vu x) {
  uint32_t bits = vk_bits(k);
  for (size_t i = 0; i < 4; i++) {
    uint32_t some = bits >> (4 * i) & 15;
    uint8x16_t moved = vqtbl1q_u8(vreinterpretq_u8_u32(x.val[i]), vld1q_u8(places_of[some]));
    vst1q_u32(to, vreinterpretq_u32_u8(moved));
    to += __builtin_popcount(some);
  }
}
static inline void vf_compress(float *to, vk k, vf x) {
  uint32_t bits = vk_bits(k);
  for (size_t i = 0; i < 4; i++) {
    uint32_t some = bits >> (4 * i) & 15;
    uint8x16_t moved = vqtbl1q_u8(vreinterpretq_u8_f32(x.val[i]), vld1q_u8(places_of[some]));
    vst1q_f32(to, vreinterpretq_f32_u8(moved));
    to += __builtin_popcount(some);
  }
}

/* table[index] in each lane. */
static inline vf vf_lookup(const float *table, vu index) {
  uint32_t at[16];
  float found[16];
  vu_store(at, index);
  for (size_t l = 0; l < 16; l++) {
    found[l] = table[at[l]];
  }
  return vf_load(found);
}

/* The same of a table of 32 values that may all be read; index < 32. */
static inline vf vf_lookup_32(const float *table, vu index) {
  return vf_lookup(table, index);
}

/* 2^n in each lane, n a whole number from -126 to 127. */
static inline float32x4_t four_powers(float32x4_t n) {
  int32x4_t biased = vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127));
  return vreinterpretq_f32_s32(vshlq_n_s32(biased, 23));
}
static inline vf vf_power_of_two(vf n) {
  return EACH(vf, four_powers, n);
}

/* Sixteen float64. */
typedef struct {
  float64x2_t part[8];
} vd;

static inline vd vd_zero(void) {
  float64x2_t zero = vdupq_n_f64(0);
  return (vd){{zero, zero, zero, zero, zero, zero, zero, zero}};
}
static inline vd vd_of(vf x) {
  vd wide;
  for (size_t i = 0; i < 4; i++) {
    wide.part[2 * i] = vcvt_f64_f32(vget_low_f32(x.val[i]));
    wide.part[2 * i + 1] = vcvt_high_f64_f32(x.val[i]);
  }
  return wide;
}
static inline vd vd_add(vd a, vd b) {
  for (size_t i = 0; i < 8; i++) {
    a.part[i] = vaddq_f64(a.part[i], b.part[i]);
  }
  return a;
}
static inline vf vd_float(vd x) {
  vf narrow;
  for (size_t i = 0; i < 4; i++) {
    narrow.val[i] = vcvt_high_f32_f64(vcvt_f32_f64(x.part[2 * i]), x.part[2 * i + 1]);
  }
  return narrow;
}
/* Lanes where |x - 1| <= tau. */
static inline vk vd_near_one(vd x, double tau) {
  vk near;
  for (size_t i = 0; i < 4; i++) {
    uint32x4_t half[2];
    for (size_t h = 0; h < 2; h++) {
      float64x2_t off = vabsq_f64(vsubq_f64(x.part[2 * i + h], vdupq_n_f64(1)));
      half[h] = vreinterpretq_u32_u64(vcleq_f64(off, vdupq_n_f64(tau)));
    }
    near.val[i] = vuzp1q_u32(half[0], half[1]);
  }
  return near;
}
/* min(255, floor(255 x + 1/2)) in each lane, 0 <= x. */
static inline vu vd_confidence(vd x) {
  vu value;
  for (size_t i = 0; i < 4; i++) {
    uint32x4_t half[2];
    for (size_t h = 0; h < 2; h++) {
      float64x2_t scaled = vmulq_f64(x.part[2 * i + h], vdupq_n_f64(255));
      scaled = vminq_f64(vaddq_f64(scaled, vdupq_n_f64(0.5)), vdupq_n_f64(255));
      half[h] = vreinterpretq_u32_u64(vcvtq_u64_f64(scaled));
    }
    value.val[i] = vuzp1q_u32(half[0], half[1]);
  }
  return value;
}
/* to[l] += x[l], l < count <= 16. */
static inline void vd_grow(double *to, vf x, uint32_t count) {
  vd more = vd_of(x);
  uint32_t i = 0;
  for (; i + 2 <= count; i += 2) {
    vst1q_f64(to + i, vaddq_f64(vld1q_f64(to + i), more.part[i / 2]));
  }
  if (i < count) {
    to[i] += vgetq_lane_f64(more.part[i / 2], 0);
  }
}

/* The lanes of a row folded by halves until four are left, of two rows until two each are. */
static inline float32x4_t fold_4(vf row) {
  return vaddq_f32(vaddq_f32(row.val[0], row.val[2]), vaddq_f32(row.val[1], row.val[3]));
}
static inline float32x4_t fold_2(float32x4_t a, float32x4_t b) {
  return vaddq_f32(vcombine_f32(vget_low_f32(a), vget_low_f32(b)),
                   vcombine_f32(vget_high_f32(a), vget_high_f32(b)));
}
static inline float32x4_t fold_rows(const vf row[4]) {
  return vpaddq_f32(fold_2(fold_4(row[0]), fold_4(row[1])), fold_2(fold_4(row[2]), fold_4(row[3])));
}
/* Lane l: the lanes of row[l] folded by halves (docs/method.md, "Sums"). */
static inline vf vf_fold(const vf row[16]) {
  return (vf){{fold_rows(row), fold_rows(row + 4), fold_rows(row + 8), fold_rows(row + 12)}};
}
static inline float vf_fold_one(vf x) {
  float32x4_t left = fold_4(x);
  return vpadds_f32(vadd_f32(vget_low_f32(left), vget_high_f32(left)));
}
/* The same of four rows; lanes 0 to 3. */
static inline vf vf_fold_four(const vf row[4]) {
  float32x4_t zero = vdupq_n_f32(0);
  return (vf){{fold_rows(row), zero, zero, zero}};
}

#include "core/kernels/vector_neon_bytes.h"

/* to[i]: value i of 16 pixels, from[l] being four values of pixel l. */
static inline void transpose_four(const four from[16], vf to[4]) {
  for (size_t i = 0; i < 4; i++, from += 4) {
    float64x2_t a = vreinterpretq_f64_f32(vtrn1q_f32(from[0], from[1]));
    float64x2_t b = vreinterpretq_f64_f32(vtrn2q_f32(from[0], from[1]));
    float64x2_t c = vreinterpretq_f64_f32(vtrn1q_f32(from[2], from[3]));
    float64x2_t d = vreinterpretq_f64_f32(vtrn2q_f32(from[2], from[3]));
    to[0].val[i] = vreinterpretq_f32_f64(vtrn1q_f64(a, c));
    to[1].val[i] = vreinterpretq_f32_f64(vtrn1q_f64(b, d));
    to[2].val[i] = vreinterpretq_f32_f64(vtrn2q_f64(a, c));
    to[3].val[i] = vreinterpretq_f32_f64(vtrn2q_f64(b, d));
  }
}

/* to[i * stride .. + 16]: value at + i of sixteen pixels, i < 16. */
static inline void transpose_bytes(const uint8_t *const pixel[16], size_t at, uint8_t *to,
                                   size_t stride) {
  uint8x16_t a[16], b[16];
  for (size_t l = 0; l < 16; l++) {
    a[l] = vld1q_u8(pixel[l] + at);
  }
  /* Four rounds, each pairing row r with row r + 8: after them row i holds value i. */
  for (size_t round = 0; round < 4; round++) {
    for (size_t r = 0; r < 8; r++) {
      b[2 * r] = vzip1q_u8(a[r], a[r + 8]);
      b[2 * r + 1] = vzip2q_u8(a[r], a[r + 8]);
    }
    for (size_t r = 0; r < 16; r++) {
      a[r] = b[r];
    }
  }
  for (size_t i = 0; i < 16; i++) {
    vst1q_u8(to + i * stride, a[i]);
  }
}
#endif
