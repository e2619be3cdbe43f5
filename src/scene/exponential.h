/* e^x by plain float32 arithmetic: the same bits on every machine, where libm's differ, and a
 * loop over it vectorises. */
#ifndef SCENE_EXPONENTIAL_H
#define SCENE_EXPONENTIAL_H

#include <stdint.h>
#include <string.h>

/* e^x for x <= 0, within 2 units in the last place; below -87 it stays at e^-87. */
static inline float scene_exp(float x) {
  const float rounder = 12582912.0f; /* 1.5 * 2^23: adding it rounds to a whole number */
  x = x < -87.0f ? -87.0f : x;
  float n = (x * 1.44269504f + rounder) - rounder;
  float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float series = 1.0f / 5040.0f;
  series = series * r + 1.0f / 720.0f;
  series = series * r + 1.0f / 120.0f;
  series = series * r + 1.0f / 24.0f;
  series = series * r + 1.0f / 6.0f;
  series = series * r + 0.5f;
  series = (series * r + 1.0f) * r + 1.0f;
  int32_t bits = ((int32_t)n + 127) * (1 << 23); /* 2^n */
  float power;
  memcpy(&power, &bits, sizeof power);
  return series * power;
}

#endif
