/* What the two stages of the scalar tier share: reading pixels, softmax, scores. A "tile" here is
 * `count` pixels, value (c, j) at c * stride + j. */
#ifndef CORE_KERNELS_SCALAR_H
#define CORE_KERNELS_SCALAR_H

#include "core/kernels/kernels.h"

/* e^x for x <= 0, float32 (docs/method.md, "Softmax"). */
float lcal__exp32(float x);

/* Reads pixels first .. first+count of a float tensor, as float32, -0 as 0. Each value once. */
void lcal__scalar_read(const lcal_tensor *tensor, size_t first, uint32_t count, float *tile,
                       size_t stride);

/* The same of a u8 tensor, as sent. */
void lcal__scalar_read_u8(const lcal_tensor *tensor, size_t first, uint32_t count, uint8_t *tile,
                          size_t stride);

/* Logits to probabilities in place. Every logit must be finite. */
void lcal__scalar_softmax(uint32_t classes, uint32_t count, float *tile, size_t stride);

/* score[j] = a_k . p_j + b_k, fma over i in class order from 0, then + b_k. count <= LCAL__TILE. */
void lcal__scalar_score(const lcal_coefficients *coefficients, uint32_t k, const float *tile,
                        size_t stride, uint32_t count, float *score);

/* The sum of pixel j's values / 255 in a tile of u8 (each XORed by `flip`), in float64 in class
 * order. */
double lcal__scalar_sum_u8(uint32_t classes, const uint8_t *v, uint8_t flip, size_t j);

/* The label map's value of confidence m. */
uint8_t lcal__scalar_confidence(float m);

/* Writes one label (a class, or LCAL__VOID) at `index` of a caller's map; map may be NULL. */
static inline void lcal__scalar_put_label(void *map, uint32_t classes, size_t index,
                                          uint16_t label) {
  if (!map) {
    return;
  }
  /* The low byte of LCAL__VOID is the u8 maps' void. */
  if (classes < 256) {
    ((unsigned char *)map)[index] = (unsigned char)label;
  } else {
    memcpy((unsigned char *)map + 2 * index, &label, sizeof label);
  }
}

#endif
