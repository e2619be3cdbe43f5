#include "core/kernels/scalar.h"

#include "core/half.h"

#include <math.h>

float lcal__exp32(float x) {
  /* x = n ln 2 + r, |r| <= ln(2)/2 and a little; ln 2 in two parts, n times the first is exact.
   * The polynomial is Cephes' expf. Below -87 the result would be subnormal: 0. */
  if (!(x >= -87.0f)) {
    return 0;
  }
  float n = fmaf(x, 0x1.715476p+0f, 0x1.8p+23f) - 0x1.8p+23f; /* to the nearest whole */
  float r = fmaf(n, -0x1.63p-1f, x);
  r = fmaf(n, 0x1.bd0106p-13f, r);
  float power = 1.9875691500e-4f;
  power = fmaf(power, r, 1.3981999507e-3f);
  power = fmaf(power, r, 8.3334519073e-3f);
  power = fmaf(power, r, 4.1665795894e-2f);
  power = fmaf(power, r, 1.6666665459e-1f);
  power = fmaf(power, r, 5.0000001201e-1f);
  power = fmaf(power, r * r, r) + 1.0f;
  return power * lcal__float_of_bits((uint32_t)((int32_t)n + 127) << 23);
}

/* Adding 0 turns -0 into 0 and leaves every other value as it is. */
static inline float load_f32(const unsigned char *from) {
  float value;
  memcpy(&value, from, sizeof value);
  return value + 0.0f;
}

static inline float load_f16(const unsigned char *from) {
  uint16_t half;
  memcpy(&half, from, sizeof half);
  return lcal__f16_to_f32(half) + 0.0f;
}

static inline float load_bf16(const unsigned char *from) {
  uint16_t bfloat;
  memcpy(&bfloat, from, sizeof bfloat);
  return lcal__bf16_to_f32(bfloat) + 0.0f;
}

/* Inlined for each type, so that `load` is no call. */
__attribute__((always_inline)) static inline void read_with(float (*load)(const unsigned char *),
                                                            size_t size, const lcal_tensor *tensor,
                                                            size_t first, uint32_t count,
                                                            float *tile, size_t stride) {
  const unsigned char *data = tensor->data;
  if (tensor->layout == LCAL_CHW) {
    for (size_t c = 0; c < tensor->classes; c++) {
      const unsigned char *from = data + (c * tensor->stride + first) * size;
      for (size_t j = 0; j < count; j++) {
        tile[c * stride + j] = load(from + j * size);
      }
    }
  } else {
    for (size_t j = 0; j < count; j++) {
      const unsigned char *from = data + (first + j) * tensor->stride * size;
      for (size_t c = 0; c < tensor->classes; c++) {
        tile[c * stride + j] = load(from + c * size);
      }
    }
  }
}

void lcal__scalar_read(const lcal_tensor *tensor, size_t first, uint32_t count, float *tile,
                       size_t stride) {
  switch (tensor->type) {
  case LCAL_F32:
    read_with(load_f32, 4, tensor, first, count, tile, stride);
    break;
  case LCAL_F16:
    read_with(load_f16, 2, tensor, first, count, tile, stride);
    break;
  case LCAL_BF16:
    read_with(load_bf16, 2, tensor, first, count, tile, stride);
    break;
  case LCAL_U8:
  case LCAL_TYPE_COUNT:
    break;
  }
}

void lcal__scalar_read_u8(const lcal_tensor *tensor, size_t first, uint32_t count, uint8_t *tile,
                          size_t stride) {
  const uint8_t *data = tensor->data;
  if (tensor->layout == LCAL_CHW) {
    for (size_t c = 0; c < tensor->classes; c++) {
      memcpy(tile + c * stride, data + c * tensor->stride + first, count);
    }
  } else {
    for (size_t j = 0; j < count; j++) {
      const uint8_t *from = data + (first + j) * tensor->stride;
      for (size_t c = 0; c < tensor->classes; c++) {
        tile[c * stride + j] = from[c];
      }
    }
  }
}

void lcal__scalar_softmax(uint32_t classes, uint32_t count, float *tile, size_t stride) {
  for (size_t j = 0; j < count; j++) {
    float largest = tile[j];
    for (size_t c = 1; c < classes; c++) {
      float x = tile[c * stride + j];
      largest = x > largest ? x : largest;
    }
    double sum = 0;
    for (size_t run = 0; run < classes; run += 8) {
      float part = 0;
      for (size_t c = run; c < classes && c < run + 8; c++) {
        float e = lcal__exp32(tile[c * stride + j] - largest);
        tile[c * stride + j] = e;
        part += e;
      }
      sum += (double)part;
    }
    float inverse = 1.0f / (float)sum;
    for (size_t c = 0; c < classes; c++) {
      tile[c * stride + j] *= inverse;
    }
  }
}

void lcal__scalar_score(const lcal_coefficients *coefficients, uint32_t k, const float *tile,
                        size_t stride, uint32_t count, float *score) {
  uint32_t classes = coefficients->classes;
  const float *a = coefficients->a + (size_t)k * classes;
  for (size_t j = 0; j < count; j++) {
    score[j] = 0;
  }
  for (size_t i = 0; i < classes; i++) {
    const float *p = tile + i * stride;
    for (size_t j = 0; j < count; j++) {
      score[j] = fmaf(a[i], p[j], score[j]);
    }
  }
  for (size_t j = 0; j < count; j++) {
    score[j] += coefficients->b[k];
  }
}

double lcal__scalar_sum_u8(uint32_t classes, const uint8_t *v, uint8_t flip, size_t j) {
  double sum = 0;
  for (size_t c = 0; c < classes; c++) {
    sum += (double)(v[c * LCAL__TILE + j] ^ flip) / 255.0;
  }
  return sum;
}

uint8_t lcal__scalar_confidence(float m) {
  double value = 255.0 * (double)m + 0.5;
  if (!(value >= 0)) { /* no p gives this; memory that a sender still writes to might */
    return 0;
  }
  return value < 255 ? (uint8_t)value : 255;
}
