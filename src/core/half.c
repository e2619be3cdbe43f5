#include "core/half.h"

#include <labelcal/tensor.h>

float lcal_f16_to_f32(uint16_t half) {
  return lcal__f16_to_f32(half);
}

float lcal_bf16_to_f32(uint16_t bfloat) {
  return lcal__bf16_to_f32(bfloat);
}

/* `bits` shifted right by `shift` (1..31), rounded to nearest, ties to even. */
static uint32_t shift_to_even(uint32_t bits, unsigned shift) {
  uint32_t half = (1u << (shift - 1)) - 1;
  return (bits + half + (bits >> shift & 1u)) >> shift;
}

uint16_t lcal_f32_to_f16(float value) {
  uint32_t bits = lcal__bits_of_float(value);
  uint32_t sign = bits >> 16 & 0x8000u;
  uint32_t magnitude = bits & 0x7fffffffu;
  uint32_t half;
  if (magnitude > 0x7f800000u) {
    half = 0x7e00u | (magnitude >> 13 & 0x3ffu);
  } else if (magnitude >= 0x47800000u) { /* 2^16 and above, infinity */
    half = 0x7c00u;
  } else if (magnitude >= 0x38800000u) { /* normal: a carry may reach infinity, rightly */
    half = shift_to_even(magnitude - (112u << 23), 13);
  } else if (magnitude >= 0x33000000u) { /* subnormal: units of 2^-24 */
    half = shift_to_even((magnitude & 0x7fffffu) | 0x800000u, 126u - (magnitude >> 23));
  } else {
    half = 0;
  }
  return (uint16_t)(sign | half);
}

uint16_t lcal_f32_to_bf16(float value) {
  uint32_t bits = lcal__bits_of_float(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return (uint16_t)(bits >> 16 | 0x40u);
  }
  /* Below 0x7f800000 plus half a unit the sum cannot wrap. */
  return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}
