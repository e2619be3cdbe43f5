/* What the x86 tiers do the same way, sixteen bytes at a time. */
#ifndef CORE_KERNELS_VECTOR_X86_H
#define CORE_KERNELS_VECTOR_X86_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

typedef __m128 four; /* values of one pixel */

static inline four four_f32(const void *from) {
  return _mm_loadu_ps(from);
}
static inline four four_f16(const void *from) {
  return _mm_cvtph_ps(_mm_loadl_epi64(from));
}
static inline four four_bf16(const void *from) {
  return _mm_castsi128_ps(_mm_slli_epi32(_mm_cvtepu16_epi32(_mm_loadl_epi64(from)), 16));
}

/* to[i * stride .. + 16]: value at + i of sixteen pixels, i < 16. */
static inline void transpose_bytes(const uint8_t *const pixel[16], size_t at, uint8_t *to,
                                   size_t stride) {
  __m128i a[16], b[16];
  for (size_t l = 0; l < 16; l++) {
    a[l] = _mm_loadu_si128((const __m128i *)(const void *)(pixel[l] + at));
  }
  /* Four rounds, each pairing row r with row r + 8: after them row i holds value i. */
  for (size_t round = 0; round < 4; round++) {
    for (size_t r = 0; r < 8; r++) {
      b[2 * r] = _mm_unpacklo_epi8(a[r], a[r + 8]);
      b[2 * r + 1] = _mm_unpackhi_epi8(a[r], a[r + 8]);
    }
    for (size_t r = 0; r < 16; r++) {
      a[r] = b[r];
    }
  }
  for (size_t i = 0; i < 16; i++) {
    _mm_storeu_si128((__m128i *)(void *)(to + i * stride), a[i]);
  }
}
#endif
