/* The embedded camera's tensors: every type and layout says what the network said. */
#include "scene/source.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const scene_options plain = {.seed = 3, .drift = {SCENE_DUSK, SCENE_DUSK, 0}};

static scene_source *source_of(lcal_type type, lcal_layout layout) {
  scene_options options = plain;
  scene_source *source = NULL;
  options.type = type;
  options.layout = layout;
  assert_int_equal(scene_source_create(&source, &options, NULL), LCAL_OK);
  return source;
}

/* Value k of a pixel, read from the tensor's bytes as a daemon would. */
static float value(const lcal_tensor *tensor, size_t k, size_t pixel) {
  size_t at = tensor->layout == LCAL_CHW ? k * tensor->stride + pixel : pixel * tensor->stride + k;
  const uint8_t *bytes = (const uint8_t *)tensor->data + at * lcal_type_size(tensor->type);
  float single;
  uint16_t half;
  switch (tensor->type) {
  case LCAL_U8:
    return (float)*bytes / 255.0f;
  case LCAL_F32:
    memcpy(&single, bytes, sizeof single);
    return single;
  default:
    memcpy(&half, bytes, sizeof half);
    return tensor->type == LCAL_F16 ? lcal_f16_to_f32(half) : lcal_bf16_to_f32(half);
  }
}

static void every_type_and_layout_is_the_same_frame_rounded(void **state) {
  (void)state;
  static const float coarse[LCAL_TYPE_COUNT] = {0.0f, 0x1p-11f, 0x1p-8f, 0.5f / 255.0f};
  scene_source *exact = source_of(LCAL_F32, LCAL_CHW);
  const scene_shot *wanted = scene_source_shoot(exact, 17);
  for (int type = 0; type < LCAL_TYPE_COUNT; type++) {
    for (int layout = 0; layout < LCAL_LAYOUT_COUNT; layout++) {
      scene_source *source = source_of((lcal_type)type, (lcal_layout)layout);
      const scene_shot *shot = scene_source_shoot(source, 17);
      assert_memory_equal(shot->truth, wanted->truth, SCENE_PIXELS);
      assert_int_equal(shot->bytes,
                       (size_t)SCENE_CLASSES * SCENE_PIXELS * lcal_type_size((lcal_type)type));
      for (size_t i = 0; i < SCENE_PIXELS; i += 7) {
        for (size_t k = 0; k < SCENE_CLASSES; k++) {
          float difference = value(&shot->tensor, k, i) - value(&wanted->tensor, k, i);
          assert_true(fabsf(difference) <= coarse[type] + 1e-7f);
        }
      }
      scene_source_destroy(source);
    }
  }
  scene_source_destroy(exact);
}

static void the_argmax_is_that_of_the_values_as_sent(void **state) {
  (void)state;
  for (int type = 0; type < LCAL_TYPE_COUNT; type++) {
    scene_source *source = source_of((lcal_type)type, LCAL_HWC);
    const scene_shot *shot = scene_source_shoot(source, 4);
    for (size_t i = 0; i < SCENE_PIXELS; i++) {
      size_t best = 0;
      for (size_t k = 1; k < SCENE_CLASSES; k++) {
        best = value(&shot->tensor, k, i) > value(&shot->tensor, best, i) ? k : best;
      }
      assert_int_equal(shot->argmax[i], best);
    }
    scene_source_destroy(source);
  }
}

static void the_tensor_is_dense_and_of_cityscapes_classes(void **state) {
  (void)state;
  scene_source *source = source_of(LCAL_F16, LCAL_HWC);
  const scene_shot *shot = scene_source_shoot(source, 0);
  lcal_tensor dense;
  const uint32_t shape[3] = {SCENE_HEIGHT, SCENE_WIDTH, 19};
  assert_int_equal(lcal_tensor_init(&dense, shape, LCAL_HWC, LCAL_F16, LCAL_PROBABILITIES,
                                    shot->tensor.data, shot->bytes, NULL),
                   LCAL_OK);
  assert_int_equal(shot->tensor.stride, dense.stride);
  assert_int_equal(shot->tensor.height, dense.height);
  assert_int_equal(shot->tensor.classes, dense.classes);
  scene_source_destroy(source);
  scene_source_destroy(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_type_and_layout_is_the_same_frame_rounded),
      cmocka_unit_test(the_argmax_is_that_of_the_values_as_sent),
      cmocka_unit_test(the_tensor_is_dense_and_of_cityscapes_classes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
