/* Sixteen lanes on AVX2 with FMA, F16C and BMI2: two ymm, masks of whole lanes. See wide.h. */
#ifndef CORE_KERNELS_VECTOR_AVX2_H
#define CORE_KERNELS_VECTOR_AVX2_H

#include "core/kernels/vector_pick.h"
#include "core/kernels/vector_x86.h"

#define WIDE_GROUPS       1u    /* groups that are read side by side */
#define WIDE_VECTORS      1u    /* vectors of pixels that are scored side by side */
#define WIDE_AHEAD        512u  /* bytes by which a plane is fetched ahead */
#define WIDE_PIXELS_AHEAD 4096u /* the same of a tensor of pixels */

typedef struct {
  __m256 l, h;
} vf;
typedef struct {
  __m256i l, h;
} vu;
typedef vu vk; /* all bits of a lane, or none */

static inline vf vf_set(float x) {
  return (vf){_mm256_set1_ps(x), _mm256_set1_ps(x)};
}
static inline vf vf_load(const float *from) {
  return (vf){_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)};
}
static inline void vf_store(float *to, vf x) {
  _mm256_storeu_ps(to, x.l);
  _mm256_storeu_ps(to + 8, x.h);
}
static inline __m128i load_eight(const uint16_t *from) {
  return _mm_loadu_si128((const __m128i *)(const void *)from);
}
static inline vf vf_load_f16(const uint16_t *from) {
  return (vf){_mm256_cvtph_ps(load_eight(from)), _mm256_cvtph_ps(load_eight(from + 8))};
}
static inline vf vf_load_bf16(const uint16_t *from) {
  return (vf){
      _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load_eight(from)), 16)),
      _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load_eight(from + 8)), 16))};
}
static inline vf vf_add(vf a, vf b) {
  return (vf){_mm256_add_ps(a.l, b.l), _mm256_add_ps(a.h, b.h)};
}
static inline vf vf_sub(vf a, vf b) {
  return (vf){_mm256_sub_ps(a.l, b.l), _mm256_sub_ps(a.h, b.h)};
}
static inline vf vf_mul(vf a, vf b) {
  return (vf){_mm256_mul_ps(a.l, b.l), _mm256_mul_ps(a.h, b.h)};
}
static inline vf vf_div(vf a, vf b) {
  return (vf){_mm256_div_ps(a.l, b.l), _mm256_div_ps(a.h, b.h)};
}
static inline vf vf_fma(vf a, vf b, vf c) {
  return (vf){_mm256_fmadd_ps(a.l, b.l, c.l), _mm256_fmadd_ps(a.h, b.h, c.h)};
}
static inline vk vf_ge(vf a, vf b) {
  return (vk){_mm256_castps_si256(_mm256_cmp_ps(a.l, b.l, _CMP_GE_OQ)),
              _mm256_castps_si256(_mm256_cmp_ps(a.h, b.h, _CMP_GE_OQ))};
}
static inline vk vf_gt(vf a, vf b) {
  return (vk){_mm256_castps_si256(_mm256_cmp_ps(a.l, b.l, _CMP_GT_OQ)),
              _mm256_castps_si256(_mm256_cmp_ps(a.h, b.h, _CMP_GT_OQ))};
}
static inline vf vf_choose(vk k, vf yes, vf no) {
  return (vf){_mm256_blendv_ps(no.l, yes.l, _mm256_castsi256_ps(k.l)),
              _mm256_blendv_ps(no.h, yes.h, _mm256_castsi256_ps(k.h))};
}
static inline vf vf_keep(vk k, vf x) {
  return (vf){_mm256_and_ps(x.l, _mm256_castsi256_ps(k.l)),
              _mm256_and_ps(x.h, _mm256_castsi256_ps(k.h))};
}
static inline vf vf_max(vf a, vf b) {
  return (vf){_mm256_max_ps(a.l, b.l), _mm256_max_ps(a.h, b.h)};
}
static inline vu vf_bits(vf x) {
  return (vu){_mm256_castps_si256(x.l), _mm256_castps_si256(x.h)};
}
static inline vf vu_float(vu x) {
  return (vf){_mm256_castsi256_ps(x.l), _mm256_castsi256_ps(x.h)};
}

static inline vu vu_set(uint32_t x) {
  return (vu){_mm256_set1_epi32((int)x), _mm256_set1_epi32((int)x)};
}
static inline vu vu_load(const uint32_t *from) {
  return (vu){_mm256_loadu_si256((const __m256i *)(const void *)from),
              _mm256_loadu_si256((const __m256i *)(const void *)(from + 8))};
}
static inline vu vu_load_u8(const uint8_t *from) {
  __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)from);
  return (vu){_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))};
}
static inline vu vu_load_u16(const uint16_t *from) {
  return (vu){_mm256_cvtepu16_epi32(load_eight(from)), _mm256_cvtepu16_epi32(load_eight(from + 8))};
}
static inline void vu_store(uint32_t *to, vu x) {
  _mm256_storeu_si256((__m256i *)(void *)to, x.l);
  _mm256_storeu_si256((__m256i *)(void *)(to + 8), x.h);
}
static inline vu vu_max(vu a, vu b) {
  return (vu){_mm256_max_epu32(a.l, b.l), _mm256_max_epu32(a.h, b.h)};
}
static inline vu vu_add(vu a, vu b) {
  return (vu){_mm256_add_epi32(a.l, b.l), _mm256_add_epi32(a.h, b.h)};
}
/* Unsigned: a > b where max(a, b) is not b. */
static inline vk vu_eq(vu a, vu b) {
  return (vk){_mm256_cmpeq_epi32(a.l, b.l), _mm256_cmpeq_epi32(a.h, b.h)};
}
static inline vk vu_gt(vu a, vu b) {
  vk most = vu_eq(vu_max(a, b), b);
  return (vk){_mm256_xor_si256(most.l, _mm256_set1_epi32(-1)),
              _mm256_xor_si256(most.h, _mm256_set1_epi32(-1))};
}
static inline vu vu_choose(vk k, vu yes, vu no) {
  return (vu){_mm256_blendv_epi8(no.l, yes.l, k.l), _mm256_blendv_epi8(no.h, yes.h, k.h)};
}

static inline uint32_t eight_bits(__m256i lanes) {
  return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(lanes));
}
static inline uint32_t vk_bits(vk k) {
  return eight_bits(k.l) | eight_bits(k.h) << 8;
}
static inline __m256i lanes_of(uint32_t bits) {
  __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)bits), lane), lane);
}
static inline vk vk_of(uint32_t bits) {
  return (vk){lanes_of(bits), lanes_of(bits >> 8)};
}
static inline vk vk_and(vk a, vk b) {
  return (vk){_mm256_and_si256(a.l, b.l), _mm256_and_si256(a.h, b.h)};
}

/* Where the set bits of eight are, side by side. */
static inline __m256i places_of(uint32_t bits) {
  uint64_t bytes = _pdep_u64(bits, 0x0101010101010101u) * 0xff;
  return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)_pext_u64(0x0706050403020100u, bytes)));
}
/* The lanes of k side by side, then anything: at most 16 values are written. */
static inline void vu_compress(uint32_t *to, vk k, vu x) {
  uint32_t low = eight_bits(k.l), high = eight_bits(k.h);
  __m256i l = _mm256_permutevar8x32_epi32(x.l, places_of(low));
  __m256i h = _mm256_permutevar8x32_epi32(x.h, places_of(high));
  _mm256_storeu_si256((__m256i *)(void *)to, l);
  _mm256_storeu_si256((__m256i *)(void *)(to + _mm_popcnt_u32(low)), h);
}
static inline void vf_compress(float *to, vk k, vf x) {
  uint32_t low = eight_bits(k.l), high = eight_bits(k.h);
  _mm256_storeu_ps(to, _mm256_permutevar8x32_ps(x.l, places_of(low)));
  _mm256_storeu_ps(to + _mm_popcnt_u32(low), _mm256_permutevar8x32_ps(x.h, places_of(high)));
}

/* table[index] in each lane. */
static inline vf vf_lookup(const float *table, vu index) {
  return (vf){_mm256_i32gather_ps(table, index.l, 4), _mm256_i32gather_ps(table, index.h, 4)};
}

/* The same of a table of 32 values that may all be read; index < 32. */
static inline vf vf_lookup_32(const float *table, vu index) {
  return vf_lookup(table, index);
}

/* The low 8 or 16 bits of each lane, stored side by side. */
static inline __m256i sixteen_words(vu x) {
  __m256i low = _mm256_set1_epi32(0xffff);
  __m256i packed = _mm256_packus_epi32(_mm256_and_si256(x.l, low), _mm256_and_si256(x.h, low));
  return _mm256_permute4x64_epi64(packed, 0xd8);
}
static inline void vu_store_u16(uint16_t *to, vu x) {
  _mm256_storeu_si256((__m256i *)(void *)to, sixteen_words(x));
}
static inline void vu_store_u8(uint8_t *to, vu x) {
  __m256i words = _mm256_and_si256(sixteen_words(x), _mm256_set1_epi16(0xff));
  __m128i bytes =
      _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128((__m128i *)(void *)to, bytes);
}

/* 2^n in each lane, n a whole number from -126 to 127. */
static inline __m256 eight_powers(__m256 n) {
  __m256i biased = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  return _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
}
static inline vf vf_power_of_two(vf n) {
  return (vf){eight_powers(n.l), eight_powers(n.h)};
}

/* Sixteen float64. */
typedef struct {
  __m256d part[4];
} vd;

static inline vd vd_zero(void) {
  __m256d zero = _mm256_setzero_pd();
  return (vd){{zero, zero, zero, zero}};
}
static inline vd vd_of(vf x) {
  return (vd){{_mm256_cvtps_pd(_mm256_castps256_ps128(x.l)),
               _mm256_cvtps_pd(_mm256_extractf128_ps(x.l, 1)),
               _mm256_cvtps_pd(_mm256_castps256_ps128(x.h)),
               _mm256_cvtps_pd(_mm256_extractf128_ps(x.h, 1))}};
}
static inline vd vd_add(vd a, vd b) {
  for (size_t i = 0; i < 4; i++) {
    a.part[i] = _mm256_add_pd(a.part[i], b.part[i]);
  }
  return a;
}
static inline vf vd_float(vd x) {
  return (vf){_mm256_set_m128(_mm256_cvtpd_ps(x.part[1]), _mm256_cvtpd_ps(x.part[0])),
              _mm256_set_m128(_mm256_cvtpd_ps(x.part[3]), _mm256_cvtpd_ps(x.part[2]))};
}
/* Lanes where |x - 1| <= tau. */
static inline vk vd_near_one(vd x, double tau) {
  uint32_t bits = 0;
  for (size_t i = 0; i < 4; i++) {
    __m256d off = _mm256_sub_pd(x.part[i], _mm256_set1_pd(1));
    off = _mm256_andnot_pd(_mm256_set1_pd(-0.0), off);
    __m256d near = _mm256_cmp_pd(off, _mm256_set1_pd(tau), _CMP_LE_OQ);
    bits |= (uint32_t)_mm256_movemask_pd(near) << (4 * i);
  }
  return vk_of(bits);
}
/* min(255, floor(255 x + 1/2)) in each lane, 0 <= x. */
static inline vu vd_confidence(vd x) {
  __m128i part[4];
  for (size_t i = 0; i < 4; i++) {
    __m256d scaled = _mm256_mul_pd(x.part[i], _mm256_set1_pd(255));
    scaled = _mm256_min_pd(_mm256_add_pd(scaled, _mm256_set1_pd(0.5)), _mm256_set1_pd(255));
    part[i] = _mm256_cvttpd_epi32(scaled);
  }
  return (vu){_mm256_set_m128i(part[1], part[0]), _mm256_set_m128i(part[3], part[2])};
}
/* to[l] += x[l], l < count <= 16. */
static inline void vd_grow(double *to, vf x, uint32_t count) {
  vd more = vd_of(x);
  uint32_t i = 0;
  for (; i + 4 <= count; i += 4) {
    _mm256_storeu_pd(to + i, _mm256_add_pd(_mm256_loadu_pd(to + i), more.part[i / 4]));
  }
  if (i < count) {
    double some[4];
    _mm256_storeu_pd(some, more.part[i / 4]);
    for (uint32_t l = 0; i + l < count; l++) {
      to[i + l] += some[l];
    }
  }
}

/* Of two rows whose eight lanes are left: their four, side by side; and so on. */
static inline __m256 fold_4(__m256 a, __m256 b) {
  return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}
static inline __m256 fold_2(__m256 a, __m256 b) {
  return _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xee));
}
static inline __m256 fold_1(__m256 a, __m256 b) {
  return _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x88), _mm256_shuffle_ps(a, b, 0xdd));
}
static inline __m256 fold_8(vf row) {
  return _mm256_add_ps(row.l, row.h);
}
static inline __m256 fold_eight(const vf row[8]) {
  __m256 pair[4];
  for (size_t r = 0; r < 4; r++) {
    pair[r] = fold_4(fold_8(row[r]), fold_8(row[r + 4]));
  }
  return fold_1(fold_2(pair[0], pair[1]), fold_2(pair[2], pair[3]));
}
/* Lane l: the lanes of row[l] folded by halves (docs/method.md, "Sums"). */
static inline vf vf_fold(const vf row[16]) {
  return (vf){fold_eight(row), fold_eight(row + 8)};
}
static inline float vf_fold_one(vf x) {
  __m256 y = fold_4(fold_8(x), fold_8(x));
  y = fold_2(y, y);
  return _mm256_cvtss_f32(fold_1(y, y));
}
/* The same of four rows; lanes 0 to 3. */
static inline vf vf_fold_four(const vf row[4]) {
  __m256 first = fold_4(fold_8(row[0]), fold_8(row[2]));
  __m256 second = fold_4(fold_8(row[1]), fold_8(row[3]));
  /* Each half: two sums of two lanes. */
  __m256 y = fold_2(first, second);
  y = fold_1(y, y);
  __m128 low = _mm256_castps256_ps128(y), high = _mm256_extractf128_ps(y, 1);
  return (vf){_mm256_castps128_ps256(_mm_shuffle_ps(low, high, 0x44)), _mm256_setzero_ps()};
}

/* Sixty-four bytes. */
typedef vu vb;

static inline vb vb_set(uint8_t x) {
  return (vb){_mm256_set1_epi8((char)x), _mm256_set1_epi8((char)x)};
}
static inline vb vb_load(const uint8_t *from) {
  return (vb){_mm256_loadu_si256((const __m256i *)(const void *)from),
              _mm256_loadu_si256((const __m256i *)(const void *)(from + 32))};
}
static inline void vb_store(uint8_t *to, vb x) {
  _mm256_storeu_si256((__m256i *)(void *)to, x.l);
  _mm256_storeu_si256((__m256i *)(void *)(to + 32), x.h);
}
static inline uint64_t byte_bits(__m256i l, __m256i h) {
  return (uint32_t)_mm256_movemask_epi8(l) | (uint64_t)(uint32_t)_mm256_movemask_epi8(h) << 32;
}
static inline __m256i bytes_not_gt(__m256i a, __m256i b) { /* unsigned */
  return _mm256_cmpeq_epi8(_mm256_max_epu8(a, b), b);
}
static inline vb vb_add(vb a, vb b) {
  return (vb){_mm256_add_epi8(a.l, b.l), _mm256_add_epi8(a.h, b.h)};
}
/* Lanes, as bits. */
static inline uint64_t vb_eq(vb a, vb b) {
  return byte_bits(_mm256_cmpeq_epi8(a.l, b.l), _mm256_cmpeq_epi8(a.h, b.h));
}
static inline uint64_t vb_gt(vb a, vb b) {
  return ~byte_bits(bytes_not_gt(a.l, b.l), bytes_not_gt(a.h, b.h));
}
static inline __m256i bytes_of(uint32_t bits) {
  __m256i spread =
      _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  __m256i lane = _mm256_set1_epi64x((long long)0x8040201008040201u);
  __m256i byte = _mm256_shuffle_epi8(_mm256_set1_epi32((int)bits), spread);
  return _mm256_cmpeq_epi8(_mm256_and_si256(byte, lane), lane);
}
static inline vb vb_choose(uint64_t bits, vb yes, vb no) {
  return (vb){_mm256_blendv_epi8(no.l, yes.l, bytes_of((uint32_t)bits)),
              _mm256_blendv_epi8(no.h, yes.h, bytes_of((uint32_t)(bits >> 32)))};
}
static inline vb vb_keep(uint64_t bits, vb x) {
  return (vb){_mm256_and_si256(x.l, bytes_of((uint32_t)bits)),
              _mm256_and_si256(x.h, bytes_of((uint32_t)(bits >> 32)))};
}
/* Running maximum and the class it is of. */
static inline void vb_take(vb x, vb c, vb *best, vb *class) {
  class->l = _mm256_blendv_epi8(c.l, class->l, bytes_not_gt(x.l, best->l));
  class->h = _mm256_blendv_epi8(c.h, class->h, bytes_not_gt(x.h, best->h));
  best->l = _mm256_max_epu8(x.l, best->l);
  best->h = _mm256_max_epu8(x.h, best->h);
}
/* Sums of bytes, in lanes. */
typedef __m256i vs;

static inline vs vs_zero(void) {
  return _mm256_setzero_si256();
}
static inline vs vs_add(vs sum, vb x) {
  __m256i zero = _mm256_setzero_si256();
  return _mm256_add_epi64(sum,
                          _mm256_add_epi64(_mm256_sad_epu8(x.l, zero), _mm256_sad_epu8(x.h, zero)));
}
static inline uint64_t vs_total(vs sum) {
  __m128i two = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  return (uint64_t)_mm_cvtsi128_si64(two) + (uint64_t)_mm_extract_epi64(two, 1);
}
/* table[index] in each lane, index < 32. */
static inline __m256i lookup_bytes(__m256i low, __m256i high, __m256i index) {
  __m256i upper = _mm256_cmpgt_epi8(index, _mm256_set1_epi8(15));
  return _mm256_blendv_epi8(_mm256_shuffle_epi8(low, index), _mm256_shuffle_epi8(high, index),
                            upper);
}
static inline vb vb_lookup(const uint8_t table[32], vb index) {
  __m256i low = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
  __m256i high =
      _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)(table + 16)));
  return (vb){lookup_bytes(low, high, index.l), lookup_bytes(low, high, index.h)};
}
static inline vf vf_load_u8(const uint8_t *from) {
  vu whole = vu_load_u8(from);
  return (vf){_mm256_cvtepi32_ps(whole.l), _mm256_cvtepi32_ps(whole.h)};
}

/* Sixty-four sums of bytes, 16 bits each. */
typedef struct {
  vu even, odd;
} vw;

static inline vw vw_zero(void) {
  return (vw){vu_set(0), vu_set(0)};
}
static inline void vw_grow(vw *sum, vb x) {
  __m256i low = _mm256_set1_epi16(0xff);
  sum->even.l = _mm256_add_epi16(sum->even.l, _mm256_and_si256(x.l, low));
  sum->even.h = _mm256_add_epi16(sum->even.h, _mm256_and_si256(x.h, low));
  sum->odd.l = _mm256_add_epi16(sum->odd.l, _mm256_srli_epi16(x.l, 8));
  sum->odd.h = _mm256_add_epi16(sum->odd.h, _mm256_srli_epi16(x.h, 8));
}
static inline __m256i words_within(__m256i x, __m256i base, __m256i width) {
  __m256i off = _mm256_sub_epi16(x, base);
  return _mm256_cmpeq_epi16(_mm256_min_epu16(off, width), off);
}
static inline __m256i either(__m256i even, __m256i odd) {
  return _mm256_blendv_epi8(even, odd, _mm256_set1_epi16((short)0xff00));
}
/* Lanes from low to high, as bits. */
static inline uint64_t vw_within(vw sum, uint16_t low, uint16_t high) {
  __m256i base = _mm256_set1_epi16((short)low), width = _mm256_set1_epi16((short)(high - low));
  return byte_bits(
      either(words_within(sum.even.l, base, width), words_within(sum.odd.l, base, width)),
      either(words_within(sum.even.h, base, width), words_within(sum.odd.h, base, width)));
}

/* sum + m p over four bytes a lane, less WIDE_BIAS m. */
#define WIDE_BIAS 0u
static inline vb vb_stored(vb x) {
  return x;
}
static inline vf vf_load_stored(const uint8_t *from) {
  return vf_load_u8(from);
}
static inline __m256i dot_bytes(__m256i m, __m256i p) {
  __m256i low = _mm256_set1_epi16(0xff);
  return _mm256_add_epi32(_mm256_madd_epi16(_mm256_and_si256(m, low), _mm256_and_si256(p, low)),
                          _mm256_madd_epi16(_mm256_srli_epi16(m, 8), _mm256_srli_epi16(p, 8)));
}
static inline vu vb_dot(vu sum, vb m, vb p) {
  return (vu){_mm256_add_epi32(sum.l, dot_bytes(m.l, p.l)),
              _mm256_add_epi32(sum.h, dot_bytes(m.h, p.h))};
}
static inline __m256i fold_words(const vu row[8]) {
  __m256i pair[4];
  for (size_t r = 0; r < 4; r++) {
    __m256i a = _mm256_add_epi32(row[2 * r].l, row[2 * r].h);
    __m256i b = _mm256_add_epi32(row[2 * r + 1].l, row[2 * r + 1].h);
    pair[r] = _mm256_hadd_epi32(a, b);
  }
  __m256i low = _mm256_hadd_epi32(pair[0], pair[1]), high = _mm256_hadd_epi32(pair[2], pair[3]);
  return _mm256_add_epi32(_mm256_permute2x128_si256(low, high, 0x20),
                          _mm256_permute2x128_si256(low, high, 0x31));
}
/* Lane l: the sum of the lanes of row[l]. */
static inline vu vu_fold(const vu row[16]) {
  return (vu){fold_words(row), fold_words(row + 8)};
}
/* to[l] += x[l], l < count <= 16; x below 2^31. */
static inline void vd_grow_words(double *to, vu x, uint32_t count) {
  uint32_t some[16];
  vu_store(some, x);
  for (uint32_t l = 0; l < count; l++) {
    to[l] += (double)(int32_t)some[l];
  }
}

/* to[i]: value i of 16 pixels, from[l] being four values of pixel l. */
static inline void transpose_eight(const four from[8], __m256 to[4]) {
  __m256 row[4];
  for (size_t r = 0; r < 4; r++) {
    row[r] = _mm256_set_m128(from[r + 4], from[r]);
  }
  __m256 a = _mm256_unpacklo_ps(row[0], row[1]), b = _mm256_unpackhi_ps(row[0], row[1]);
  __m256 c = _mm256_unpacklo_ps(row[2], row[3]), d = _mm256_unpackhi_ps(row[2], row[3]);
  to[0] = _mm256_shuffle_ps(a, c, 0x44);
  to[1] = _mm256_shuffle_ps(a, c, 0xee);
  to[2] = _mm256_shuffle_ps(b, d, 0x44);
  to[3] = _mm256_shuffle_ps(b, d, 0xee);
}
static inline void transpose_four(const four from[16], vf to[4]) {
  __m256 low[4], high[4];
  transpose_eight(from, low);
  transpose_eight(from + 8, high);
  for (size_t i = 0; i < 4; i++) {
    to[i] = (vf){low[i], high[i]};
  }
}
#endif
