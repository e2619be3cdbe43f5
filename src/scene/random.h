/* Numbers drawn by hashing, not by a running generator: whatever is asked about an object or a
 * point has the same answer in every frame, in any order, on any machine. */
#ifndef SCENE_RANDOM_H
#define SCENE_RANDOM_H

#include <stdint.h>

/* A well mixed 32 bits of (seed, a, b). */
static inline uint32_t scene_hash(uint32_t seed, uint32_t a, uint32_t b) {
  uint32_t h = seed ^ (a * 0x9e3779b1u) ^ ((b + 0x7f4a7c15u) * 0x85ebca77u);
  h = (h ^ (h >> 16)) * 0x7feb352du;
  h = (h ^ (h >> 15)) * 0x846ca68bu;
  return h ^ (h >> 16);
}

/* A hash as a number in [0, 1). */
static inline float scene_unit(uint32_t hash) {
  return (float)(hash >> 8) * 0x1p-24f;
}

/* The `property`-th attribute of object `id`, uniform in [low, high). */
static inline float scene_range(uint32_t id, uint32_t property, float low, float high) {
  return low + (high - low) * scene_unit(scene_hash(id, property, 77u));
}

/* Rounds down; libm's floorf is a call where the CPU is not assumed to have SSE4. */
static inline int32_t scene_floor(float x) {
  int32_t i = (int32_t)x;
  return i - ((float)i > x);
}

/* x - floor(x / period) * period, in [0, period). */
static inline float scene_modulo(float x, float period) {
  return x - (float)scene_floor(x / period) * period;
}

/* Value noise: smooth, uniform in [0, 1) at whole (x, y), about one hill a unit. */
static inline float scene_noise(uint32_t seed, float x, float y) {
  int32_t i = scene_floor(x);
  int32_t j = scene_floor(y);
  float s = x - (float)i;
  float t = y - (float)j;
  uint32_t a = (uint32_t)i;
  uint32_t b = (uint32_t)j;
  s = s * s * (3.0f - 2.0f * s);
  t = t * t * (3.0f - 2.0f * t);
  float near =
      scene_unit(scene_hash(seed, a, b)) * (1.0f - s) + scene_unit(scene_hash(seed, a + 1u, b)) * s;
  float far = scene_unit(scene_hash(seed, a, b + 1u)) * (1.0f - s) +
              scene_unit(scene_hash(seed, a + 1u, b + 1u)) * s;
  return near * (1.0f - t) + far * t;
}

#endif
