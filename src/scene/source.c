#include "scene/source.h"
#include "scene/classifier.h"

#include <stdlib.h>
#include <string.h>

#define VALUES ((size_t)SCENE_CLASSES * SCENE_PIXELS)

struct scene_source {
  scene_options options;
  scene_shot shot;
  scene_frame frame;
  scene_features features;
  uint8_t picture[3 * SCENE_PIXELS];
  uint8_t argmax[SCENE_PIXELS];
  float probabilities[SCENE_CLASSES * SCENE_PIXELS]; /* CHW */
  union {
    float f32[SCENE_CLASSES * SCENE_PIXELS];
    uint16_t half[SCENE_CLASSES * SCENE_PIXELS]; /* f16 or bf16 */
    uint8_t u8[SCENE_CLASSES * SCENE_PIXELS];
  } packed; /* the tensor, where it is not `probabilities` as they are */
};

lcal_status scene_source_create(scene_source **source, const scene_options *options,
                                lcal_error *error) {
  scene_source *made = malloc(sizeof *made);
  if (!made) {
    return lcal_error_set(error, LCAL_MEMORY, "the embedded camera needs %zu MB of memory",
                          sizeof *made >> 20);
  }
  int as_is = options->type == LCAL_F32 && options->layout == LCAL_CHW;
  made->options = *options;
  made->shot = (scene_shot){.truth = made->frame.labels,
                            .argmax = made->argmax,
                            .picture = made->picture,
                            .bytes = VALUES * lcal_type_size(options->type)};
  made->shot.tensor = (lcal_tensor){
      .data = as_is ? (const void *)made->probabilities : &made->packed,
      .classes = SCENE_CLASSES,
      .height = SCENE_HEIGHT,
      .width = SCENE_WIDTH,
      .layout = options->layout,
      .type = options->type,
      .kind = LCAL_PROBABILITIES,
      .stride = options->layout == LCAL_CHW ? (size_t)SCENE_PIXELS : (size_t)SCENE_CLASSES};
  *source = made;
  return LCAL_OK;
}

void scene_source_destroy(scene_source *source) {
  free(source);
}

static void pack_value(scene_source *source, size_t at, float value) {
  switch (source->options.type) {
  case LCAL_F16:
    source->packed.half[at] = lcal_f32_to_f16(value);
    break;
  case LCAL_BF16:
    source->packed.half[at] = lcal_f32_to_bf16(value);
    break;
  case LCAL_U8:
    source->packed.u8[at] = (uint8_t)(int32_t)(value * 255.0f + 0.5f);
    break;
  default:
    source->packed.f32[at] = value;
  }
}

/* Probabilities as the tensor's values: unsigned integers whose order is that of the values, as
 * none is negative. */
static uint32_t packed_rank(const scene_source *source, size_t at) {
  uint32_t bits;
  switch (source->options.type) {
  case LCAL_F16:
  case LCAL_BF16:
    return source->packed.half[at];
  case LCAL_U8:
    return source->packed.u8[at];
  default:
    memcpy(&bits, &source->packed.f32[at], sizeof bits);
    return bits;
  }
}

static void pack_pixel(scene_source *source, size_t pixel) {
  uint8_t best = 0;
  uint32_t best_rank = 0;
  for (size_t k = 0; k < SCENE_CLASSES; k++) {
    size_t at =
        source->options.layout == LCAL_CHW ? k * SCENE_PIXELS + pixel : pixel * SCENE_CLASSES + k;
    pack_value(source, at, source->probabilities[k * SCENE_PIXELS + pixel]);
    uint32_t rank = packed_rank(source, at);
    if (k == 0 || rank > best_rank) {
      best = (uint8_t)k;
      best_rank = rank;
    }
  }
  source->argmax[pixel] = best;
}

const scene_shot *scene_source_shoot(scene_source *source, uint32_t number) {
  scene_condition condition;
  scene_drift_at(&condition, &source->options.drift, number);
  scene_render(&source->frame, source->options.seed, number);
  scene_photograph(source->picture, &source->frame, &condition, source->options.seed, number);
  scene_classify(source->probabilities, source->picture, scene_weights_trained(),
                 &source->features);
  if (source->shot.tensor.data == source->probabilities) {
    scene_argmax(source->argmax, source->probabilities);
    return &source->shot;
  }
  for (size_t pixel = 0; pixel < SCENE_PIXELS; pixel++) {
    pack_pixel(source, pixel);
  }
  return &source->shot;
}
