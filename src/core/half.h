/* Half and bfloat16 to float32 and back, inline for the kernels that convert every value. */
#ifndef CORE_HALF_H
#define CORE_HALF_H

#include <stdint.h>
#include <string.h>

static inline float lcal__float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint32_t lcal__bits_of_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/* Exact, without a branch, and without a subnormal float32 on the way (slow on some CPUs): a
 * half subnormal is 2^-14 plus its value, less 2^-14. */
static inline float lcal__f16_to_f32(uint16_t half) {
  uint32_t magnitude = (uint32_t)(half & 0x7fffu) << 13;
  uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
  uint32_t normal = magnitude + (112u << 23);
  uint32_t special = magnitude + (224u << 23);
  uint32_t subnormal =
      lcal__bits_of_float(lcal__float_of_bits(magnitude + (113u << 23)) - 0x1p-14f);
  uint32_t bits = magnitude >= (31u << 23) ? special : normal;
  bits = magnitude < (1u << 23) ? subnormal : bits;
  return lcal__float_of_bits(bits | sign);
}

static inline float lcal__bf16_to_f32(uint16_t bfloat) {
  return lcal__float_of_bits((uint32_t)bfloat << 16);
}

#endif
