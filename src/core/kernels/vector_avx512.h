/* Sixteen lanes on AVX-512 (F, BW, DQ, VL, VNNI, VBMI2): one zmm, and a mask register. See wide.h.
 */
#ifndef CORE_KERNELS_VECTOR_AVX512_H
#define CORE_KERNELS_VECTOR_AVX512_H

#include "core/kernels/vector_x86.h"

#define WIDE_GROUPS       8u    /* groups that are read side by side */
#define WIDE_VECTORS      4u    /* vectors of pixels that are scored side by side */
#define WIDE_AHEAD        512u  /* bytes by which a plane is fetched ahead */
#define WIDE_PIXELS_AHEAD 4096u /* the same of a tensor of pixels */

typedef __m512 vf;
typedef __m512i vu;
typedef __mmask16 vk;

static inline vf vf_set(float x) {
  return _mm512_set1_ps(x);
}
static inline vf vf_load(const float *from) {
  return _mm512_loadu_ps(from);
}
static inline void vf_store(float *to, vf x) {
  _mm512_storeu_ps(to, x);
}
static inline vf vf_load_f16(const uint16_t *from) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)from));
}
static inline vf vf_load_bf16(const uint16_t *from) {
  __m256i half = _mm256_loadu_si256((const __m256i *)(const void *)from);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}
static inline vf vf_add(vf a, vf b) {
  return _mm512_add_ps(a, b);
}
static inline vf vf_sub(vf a, vf b) {
  return _mm512_sub_ps(a, b);
}
static inline vf vf_mul(vf a, vf b) {
  return _mm512_mul_ps(a, b);
}
static inline vf vf_div(vf a, vf b) {
  return _mm512_div_ps(a, b);
}
static inline vf vf_fma(vf a, vf b, vf c) {
  return _mm512_fmadd_ps(a, b, c);
}
static inline vk vf_ge(vf a, vf b) {
  return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ);
}
static inline vk vf_gt(vf a, vf b) {
  return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}
static inline vf vf_choose(vk k, vf yes, vf no) {
  return _mm512_mask_mov_ps(no, k, yes);
}
static inline vf vf_keep(vk k, vf x) {
  return _mm512_maskz_mov_ps(k, x);
}
static inline vf vf_max(vf a, vf b) {
  return _mm512_max_ps(a, b);
}
static inline vu vf_bits(vf x) {
  return _mm512_castps_si512(x);
}
static inline vf vu_float(vu x) {
  return _mm512_castsi512_ps(x);
}

static inline vu vu_set(uint32_t x) {
  return _mm512_set1_epi32((int)x);
}
static inline vu vu_load(const uint32_t *from) {
  return _mm512_loadu_si512(from);
}
static inline vu vu_load_u8(const uint8_t *from) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)from));
}
static inline vu vu_load_u16(const uint16_t *from) {
  return _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)from));
}
static inline void vu_store(uint32_t *to, vu x) {
  _mm512_storeu_si512(to, x);
}
static inline vu vu_max(vu a, vu b) {
  return _mm512_max_epu32(a, b);
}
static inline vu vu_add(vu a, vu b) {
  return _mm512_add_epi32(a, b);
}
static inline vk vu_gt(vu a, vu b) {
  return _mm512_cmpgt_epu32_mask(a, b);
}
static inline vk vu_eq(vu a, vu b) {
  return _mm512_cmpeq_epi32_mask(a, b);
}
static inline vu vu_choose(vk k, vu yes, vu no) {
  return _mm512_mask_mov_epi32(no, k, yes);
}

static inline uint32_t vk_bits(vk k) {
  return k;
}
static inline vk vk_of(uint32_t bits) {
  return (vk)bits;
}
static inline vk vk_and(vk a, vk b) {
  return a & b;
}

/* The lanes of k side by side, then anything: 16 values are written. */
static inline void vf_compress(float *to, vk k, vf x) {
  _mm512_storeu_ps(to, _mm512_maskz_compress_ps(k, x));
}
static inline void vu_compress(uint32_t *to, vk k, vu x) {
  _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(k, x));
}

/* table[index] in each lane. */
static inline vf vf_lookup(const float *table, vu index) {
  return _mm512_i32gather_ps(index, table, 4);
}

/* The same of a table of 32 values that may all be read; index < 32. */
static inline vf vf_lookup_32(const float *table, vu index) {
  return _mm512_permutex2var_ps(vf_load(table), index, vf_load(table + 16));
}

/* The low 8 or 16 bits of each lane, stored side by side. */
static inline void vu_store_u8(uint8_t *to, vu x) {
  _mm_storeu_si128((__m128i *)(void *)to, _mm512_cvtepi32_epi8(x));
}
static inline void vu_store_u16(uint16_t *to, vu x) {
  _mm256_storeu_si256((__m256i *)(void *)to, _mm512_cvtepi32_epi16(x));
}

/* 2^n in each lane, n a whole number from -126 to 127. */
static inline vf vf_power_of_two(vf n) {
  vu whole = _mm512_cvtps_epi32(n);
  return vu_float(_mm512_slli_epi32(_mm512_add_epi32(whole, _mm512_set1_epi32(127)), 23));
}

/* Sixteen float64. */
typedef struct {
  __m512d low, high;
} vd;

static inline vd vd_zero(void) {
  return (vd){_mm512_setzero_pd(), _mm512_setzero_pd()};
}
static inline vd vd_of(vf x) {
  return (vd){_mm512_cvtps_pd(_mm512_castps512_ps256(x)),
              _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1))};
}
static inline vd vd_add(vd a, vd b) {
  return (vd){_mm512_add_pd(a.low, b.low), _mm512_add_pd(a.high, b.high)};
}
static inline vf vd_float(vd x) {
  return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(x.low)), _mm512_cvtpd_ps(x.high),
                            1);
}
/* Lanes where |x - 1| <= tau. */
static inline vk vd_near_one(vd x, double tau) {
  __m512d one = _mm512_set1_pd(1), limit = _mm512_set1_pd(tau);
  __mmask8 low = _mm512_cmp_pd_mask(_mm512_abs_pd(_mm512_sub_pd(x.low, one)), limit, _CMP_LE_OQ);
  __mmask8 high = _mm512_cmp_pd_mask(_mm512_abs_pd(_mm512_sub_pd(x.high, one)), limit, _CMP_LE_OQ);
  return (vk)(low | (unsigned)high << 8);
}
/* min(255, floor(255 x + 1/2)) in each lane, 0 <= x. */
static inline vu vd_confidence(vd x) {
  __m512d scale = _mm512_set1_pd(255), half = _mm512_set1_pd(0.5);
  __m256i low = _mm512_cvttpd_epu32(_mm512_add_pd(_mm512_mul_pd(x.low, scale), half));
  __m256i high = _mm512_cvttpd_epu32(_mm512_add_pd(_mm512_mul_pd(x.high, scale), half));
  vu both = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  return _mm512_min_epu32(both, _mm512_set1_epi32(255));
}
/* to[l] += x[l], l < count <= 16. */
static inline void vd_grow(double *to, vf x, uint32_t count) {
  vd more = vd_of(x);
  uint32_t lanes = (1u << count) - 1;
  __mmask8 low = (__mmask8)lanes, high = (__mmask8)(lanes >> 8);
  _mm512_mask_storeu_pd(to, low, _mm512_add_pd(_mm512_maskz_loadu_pd(low, to), more.low));
  _mm512_mask_storeu_pd(to + 8, high,
                        _mm512_add_pd(_mm512_maskz_loadu_pd(high, to + 8), more.high));
}

/* a and b folded by halves of 16: the sums of a, then of b. */
static inline vf fold_8(vf a, vf b) {
  return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
}
static inline vf fold_4(vf a, vf b) {
  return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
}
static inline vf fold_2(vf a, vf b) {
  return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xee));
}
static inline vf fold_1(vf a, vf b) {
  return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd));
}
/* Lane l: the lanes of row[l] folded by halves (docs/method.md, "Sums"). */
static inline vf vf_fold(const vf row[16]) {
  vf quad[4];
  for (size_t r = 0; r < 4; r++) {
    quad[r] = fold_4(fold_8(row[r], row[r + 4]), fold_8(row[r + 8], row[r + 12]));
  }
  return fold_1(fold_2(quad[0], quad[1]), fold_2(quad[2], quad[3]));
}
static inline float vf_fold_one(vf x) {
  vf y = fold_4(fold_8(x, x), fold_8(x, x));
  y = fold_2(y, y);
  return _mm512_cvtss_f32(fold_1(y, y));
}
/* The same of four rows; lanes 0 to 3. */
static inline vf vf_fold_four(const vf row[4]) {
  vf y = fold_4(fold_8(row[0], row[1]), fold_8(row[2], row[3]));
  y = fold_2(y, y);
  y = fold_1(y, y);
  return _mm512_maskz_compress_ps(0x1111, y);
}

/* Sixty-four bytes. */
typedef __m512i vb;

static inline vb vb_set(uint8_t x) {
  return _mm512_set1_epi8((char)x);
}
static inline vb vb_load(const uint8_t *from) {
  return _mm512_loadu_si512(from);
}
static inline void vb_store(uint8_t *to, vb x) {
  _mm512_storeu_si512(to, x);
}
static inline vb vb_add(vb a, vb b) {
  return _mm512_add_epi8(a, b);
}
/* Lanes, as bits. */
static inline uint64_t vb_eq(vb a, vb b) {
  return _mm512_cmpeq_epi8_mask(a, b);
}
static inline uint64_t vb_gt(vb a, vb b) {
  return _mm512_cmpgt_epu8_mask(a, b);
}
static inline vb vb_choose(uint64_t bits, vb yes, vb no) {
  return _mm512_mask_mov_epi8(no, bits, yes);
}
static inline vb vb_keep(uint64_t bits, vb x) {
  return _mm512_maskz_mov_epi8(bits, x);
}
/* Running maximum and the class it is of. */
static inline void vb_take(vb x, vb c, vb *best, vb *class) {
  *class = _mm512_mask_mov_epi8(*class, _mm512_cmpgt_epu8_mask(x, *best), c);
  *best = _mm512_max_epu8(*best, x);
}
/* Sums of bytes, in lanes. */
typedef __m512i vs;

static inline vs vs_zero(void) {
  return _mm512_setzero_si512();
}
static inline vs vs_add(vs sum, vb x) {
  return _mm512_add_epi64(sum, _mm512_sad_epu8(x, _mm512_setzero_si512()));
}
static inline uint64_t vs_total(vs sum) {
  return (uint64_t)_mm512_reduce_add_epi64(sum);
}
/* Those of 64 bytes side by side, then anything: 64 are written. */
typedef __mmask64 pick;

static inline pick pick_of(uint64_t bits) {
  return bits;
}
static inline void pick_bytes(uint8_t *to, const pick *some, const uint8_t *from) {
  vb_store(to, _mm512_maskz_compress_epi8(*some, vb_load(from)));
}
/* table[index] in each lane, index < 32. */
static inline vb vb_lookup(const uint8_t table[32], vb index) {
  vb low = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)table));
  vb high = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)(table + 16)));
  __mmask64 upper = _mm512_cmpgt_epu8_mask(index, vb_set(15));
  return _mm512_mask_shuffle_epi8(_mm512_shuffle_epi8(low, index), upper, high, index);
}
static inline vf vf_load_u8(const uint8_t *from) {
  return _mm512_cvtepi32_ps(vu_load_u8(from));
}

/* Sixty-four sums of bytes, 16 bits each. */
typedef struct {
  __m512i even, odd;
} vw;

static inline vw vw_zero(void) {
  return (vw){_mm512_setzero_si512(), _mm512_setzero_si512()};
}
static inline void vw_grow(vw *sum, vb x) {
  sum->even = _mm512_add_epi16(sum->even, _mm512_and_si512(x, _mm512_set1_epi16(0xff)));
  sum->odd = _mm512_add_epi16(sum->odd, _mm512_srli_epi16(x, 8));
}
/* Lanes from low to high, as bits. */
static inline uint64_t vw_within(vw sum, uint16_t low, uint16_t high) {
  __m512i base = _mm512_set1_epi16((short)low);
  __m512i width = _mm512_set1_epi16((short)(high - low));
  uint64_t even = _mm512_cmple_epu16_mask(_mm512_sub_epi16(sum.even, base), width);
  uint64_t odd = _mm512_cmple_epu16_mask(_mm512_sub_epi16(sum.odd, base), width);
  return _pdep_u64(even, 0x5555555555555555u) | _pdep_u64(odd, 0xaaaaaaaaaaaaaaaau);
}

/* Values as vb_dot wants them: it takes them as signed, so they are stored less WIDE_BIAS. */
#define WIDE_BIAS 128u
static inline vb vb_stored(vb x) {
  return _mm512_xor_si512(x, vb_set(WIDE_BIAS));
}
static inline vf vf_load_stored(const uint8_t *from) {
  vu less = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)from));
  return _mm512_cvtepi32_ps(vu_add(less, vu_set(WIDE_BIAS)));
}
/* sum + m p over four bytes a lane, less WIDE_BIAS m; p as stored. */
static inline vu vb_dot(vu sum, vb m, vb p) {
  return _mm512_dpbusd_epi32(sum, m, p);
}
static inline vu fold_words_8(vu a, vu b) {
  return _mm512_add_epi32(_mm512_shuffle_i32x4(a, b, 0x44), _mm512_shuffle_i32x4(a, b, 0xee));
}
static inline vu fold_words_4(vu a, vu b) {
  return _mm512_add_epi32(_mm512_shuffle_i32x4(a, b, 0x88), _mm512_shuffle_i32x4(a, b, 0xdd));
}
static inline vu fold_words_2(vu a, vu b) {
  return _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}
static inline vu fold_words_1(vu a, vu b) {
  return _mm512_add_epi32(vf_bits(_mm512_shuffle_ps(vu_float(a), vu_float(b), 0x88)),
                          vf_bits(_mm512_shuffle_ps(vu_float(a), vu_float(b), 0xdd)));
}
/* Lane l: the sum of the lanes of row[l]. */
static inline vu vu_fold(const vu row[16]) {
  vu quad[4];
  for (size_t r = 0; r < 4; r++) {
    quad[r] = fold_words_4(fold_words_8(row[r], row[r + 4]), fold_words_8(row[r + 8], row[r + 12]));
  }
  return fold_words_1(fold_words_2(quad[0], quad[1]), fold_words_2(quad[2], quad[3]));
}
/* to[l] += x[l], l < count <= 16. */
static inline void vd_grow_words(double *to, vu x, uint32_t count) {
  __m512d low = _mm512_cvtepu32_pd(_mm512_castsi512_si256(x));
  __m512d high = _mm512_cvtepu32_pd(_mm512_extracti64x4_epi64(x, 1));
  __mmask16 lanes = (__mmask16)((1u << count) - 1);
  _mm512_mask_storeu_pd(to, (__mmask8)lanes,
                        _mm512_add_pd(_mm512_maskz_loadu_pd((__mmask8)lanes, to), low));
  _mm512_mask_storeu_pd(to + 8, (__mmask8)(lanes >> 8),
                        _mm512_add_pd(_mm512_maskz_loadu_pd((__mmask8)(lanes >> 8), to + 8), high));
}

/* to[i]: value i of 16 pixels, from[l] being four values of pixel l. */
static inline void transpose_four(const four from[16], vf to[4]) {
  vf row[4];
  for (size_t r = 0; r < 4; r++) {
    row[r] = _mm512_insertf32x4(_mm512_castps128_ps512(from[r]), from[r + 4], 1);
    row[r] = _mm512_insertf32x4(row[r], from[r + 8], 2);
    row[r] = _mm512_insertf32x4(row[r], from[r + 12], 3);
  }
  vf a = _mm512_unpacklo_ps(row[0], row[1]), b = _mm512_unpackhi_ps(row[0], row[1]);
  vf c = _mm512_unpacklo_ps(row[2], row[3]), d = _mm512_unpackhi_ps(row[2], row[3]);
  to[0] = _mm512_shuffle_ps(a, c, 0x44);
  to[1] = _mm512_shuffle_ps(a, c, 0xee);
  to[2] = _mm512_shuffle_ps(b, d, 0x44);
  to[3] = _mm512_shuffle_ps(b, d, 0xee);
}
#endif
