#include "cli/bench_split.h"

#include "scene/random.h"

#define SEED_REGION 4001u
#define SEED_SHARE  4002u

static uint32_t argmax(const float *p, uint32_t classes) {
  uint32_t best = 0;
  for (uint32_t k = 1; k < classes; k++) {
    best = p[k] > p[best] ? k : best;
  }
  return best;
}

/* All of `value` to one subclass of `parent`. */
static void give_whole(float *to, uint32_t finer, float value, uint32_t parent, uint32_t classes,
                       uint32_t region) {
  uint32_t parts = (finer - 1 - parent) / classes + 1;
  uint32_t drawn = scene_hash(SEED_REGION, region, parent) % parts;
  for (uint32_t i = 0; i < parts; i++) {
    to[parent + i * classes] = i == drawn ? value : 0.0f;
  }
}

static void give_shares(float *to, uint32_t finer, float value, uint32_t parent, uint32_t classes,
                        uint32_t pixel) {
  float total = 0.0f;
  for (uint32_t k = parent; k < finer; k += classes) {
    to[k] = scene_unit(scene_hash(SEED_SHARE, pixel, k)) + 0x1p-24f;
    total += to[k];
  }
  float scale = value / total;
  for (uint32_t k = parent; k < finer; k += classes) {
    to[k] = to[k] == total ? value : to[k] * scale; /* the only one has it exactly */
  }
}

void bench_split(float *to, uint32_t finer, const float *p, uint32_t classes, uint32_t region,
                 uint32_t pixel) {
  uint32_t best = argmax(p, classes);
  for (uint32_t parent = 0; parent < classes; parent++) {
    if (parent == best) {
      give_whole(to, finer, p[parent], parent, classes, region);
    } else {
      give_shares(to, finer, p[parent], parent, classes, pixel);
    }
  }
}
