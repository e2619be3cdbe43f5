/* Labels and statistics of frames small enough to work out by hand. */
#include <labelcal/calibrator.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A HWC frame of up to 16 pixels through a calibrator of its own. */
struct frame {
  lcal_pass pass;
  lcal_tensor tensor;
  lcal_result result;
  uint8_t calibrated[64], argmax[64], confidence[64];
  float scores[64 * 4];
  double sum[16], weight[4];
  uint64_t count[4];
};

static void run(struct frame *frame, uint32_t height, uint32_t width, uint32_t classes,
                lcal_type type, lcal_kind kind, const void *values) {
  lcal_calibrator *calibrator = NULL;
  size_t bytes = (size_t)height * width * classes * lcal_type_size(type);
  assert_int_equal(lcal_tensor_init(&frame->tensor, (uint32_t[]){height, width, classes}, LCAL_HWC,
                                    type, kind, values, bytes, NULL),
                   LCAL_OK);
  frame->pass.tensor = &frame->tensor;
  frame->pass.sum_tolerance = 0.01;
  frame->pass.certify = 1;
  frame->pass.want_statistics = 1;
  frame->pass.calibrated = frame->calibrated;
  frame->pass.argmax = frame->argmax;
  frame->pass.confidence = frame->confidence;
  frame->pass.scores = frame->scores;
  memset(frame->calibrated, 77, sizeof frame->calibrated);
  memset(frame->argmax, 77, sizeof frame->argmax);
  assert_int_equal(lcal_calibrator_create(&calibrator, 1, NULL), LCAL_OK);
  assert_int_equal(lcal_calibrate(calibrator, &frame->pass, &frame->result, NULL), LCAL_OK);
  const lcal_statistics *statistics = frame->result.statistics;
  assert_int_equal(statistics->frames, 1);
  memcpy(frame->sum, statistics->sum, classes * classes * sizeof(double));
  memcpy(frame->weight, statistics->weight, classes * sizeof(double));
  memcpy(frame->count, statistics->count, classes * sizeof(uint64_t));
  lcal_calibrator_destroy(calibrator);
}

/* Coefficients of euclidean with these prototypes (C x C). */
static lcal_coefficients *prototypes(uint32_t classes, const double *mu, const uint8_t *protect) {
  lcal_statistics *statistics = NULL;
  lcal_coefficients *made = NULL;
  assert_int_equal(lcal_statistics_create(&statistics, classes, NULL), LCAL_OK);
  assert_int_equal(lcal_coefficients_create(&made, classes, NULL), LCAL_OK);
  memcpy(statistics->sum, mu, classes * classes * sizeof *mu);
  for (size_t k = 0; k < classes; k++) {
    statistics->weight[k] = 1;
  }
  lcal_coefficients_build(made, lcal_rule_at(0), statistics, 1e-9, 0.01, protect);
  lcal_statistics_destroy(statistics);
  return made;
}

static void pixels_that_are_no_probabilities_are_void(void **state) {
  (void)state;
  static const float values[][2] = {
      {NAN, 1},       {INFINITY, 0},  {-INFINITY, 1}, {1.5f, -0.5f},
      {0.5f, 0.515f}, {0.5f, 0.485f}, {0, 0},         {1, -1e-45f},
  };
  struct frame frame = {0};
  run(&frame, 2, 4, 2, LCAL_F32, LCAL_PROBABILITIES, values);
  assert_int_equal(frame.result.voids, 8);
  assert_int_equal(frame.result.input_voids, 8);
  for (size_t j = 0; j < 8; j++) {
    assert_true(frame.calibrated[j] == 255 && frame.argmax[j] == 255 && frame.confidence[j] == 0);
    assert_true(isnan(frame.scores[2 * j]) && isnan(frame.scores[2 * j + 1]));
  }
  assert_true(frame.count[0] == 0 && frame.count[1] == 0 && frame.sum[0] == 0);
  assert_true(frame.result.input_confidence == 0);
}

static void pixels_within_the_tolerance_are_valid(void **state) {
  (void)state;
  static const float values[][2] = {{0.5f, 0.505f}, {0.495f, 0.5f}, {1, -0.0f}, {1, 1e-45f}};
  struct frame frame = {0};
  run(&frame, 1, 4, 2, LCAL_F32, LCAL_PROBABILITIES, values);
  assert_int_equal(frame.result.voids, 0);
  static const uint8_t argmax[4] = {1, 1, 0, 0};
  assert_memory_equal(frame.argmax, argmax, 4);
}

static void logits_are_void_only_where_one_is_not_finite(void **state) {
  (void)state;
  static const float values[][3] = {
      {0, NAN, 0}, {INFINITY, 0, 0}, {0, 0, -INFINITY}, {-3e38f, 3e38f, 0}, {5, 5, 5}};
  struct frame frame = {0};
  run(&frame, 1, 5, 3, LCAL_F32, LCAL_LOGITS, values);
  static const uint8_t argmax[5] = {255, 255, 255, 1, 0};
  assert_memory_equal(frame.argmax, argmax, 5);
  assert_true(frame.scores[9] == 0 && frame.scores[10] == 1 && frame.scores[11] == 0);
  assert_true(fabsf(frame.scores[12] - 1.0f / 3) < 1e-7f);
}

static void ties_go_to_the_lowest_class(void **state) {
  (void)state;
  static const uint8_t values[][3] = {{85, 85, 85}, {0, 127, 128}, {127, 1, 127}, {0, 128, 127}};
  static const double equal[9] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
  struct frame frame = {0};
  lcal_coefficients *coefficients = prototypes(3, equal, NULL);
  frame.pass.coefficients = coefficients;
  run(&frame, 2, 2, 3, LCAL_U8, LCAL_PROBABILITIES, values);
  static const uint8_t argmax[4] = {0, 2, 0, 1};
  static const uint8_t calibrated[4] = {0, 0, 0, 0};
  assert_memory_equal(frame.argmax, argmax, 4);
  assert_memory_equal(frame.calibrated, calibrated, 4);
  assert_int_equal(frame.result.changed, 2);
  lcal_coefficients_destroy(coefficients);
}

static void statistics_weigh_each_pixel_by_its_confidence(void **state) {
  (void)state;
  static const float values[][2] = {{0.75f, 0.25f}, {0.5f, 0.5f}, {0.25f, 0.75f}, {0, 1}};
  static const uint8_t mask[4] = {1, 255, 1, 0};
  struct frame frame = {0};
  run(&frame, 2, 2, 2, LCAL_F32, LCAL_PROBABILITIES, values);
  static const double sum[4] = {0.5625 + 0.25, 0.1875 + 0.25, 0.1875, 0.5625 + 1};
  assert_memory_equal(frame.sum, sum, sizeof sum);
  assert_true(frame.weight[0] == 1.25 && frame.weight[1] == 1.75);
  assert_true(frame.count[0] == 2 && frame.count[1] == 2);
  assert_true(frame.result.input_confidence == 3);
  static const uint8_t confidence[4] = {191, 128, 191, 255};
  assert_memory_equal(frame.confidence, confidence, 4);
  /* Masked out: labelled, judged, not counted. */
  frame.pass.mask = mask;
  run(&frame, 2, 2, 2, LCAL_F32, LCAL_PROBABILITIES, values);
  assert_true(frame.count[1] == 1 && frame.sum[3] == 0.5625 && frame.weight[1] == 0.75);
  assert_true(frame.argmax[3] == 1 && frame.result.input_confidence == 3);
}

static void the_nearest_prototype_wins_unless_the_class_is_protected(void **state) {
  (void)state;
  /* Class 1 is never sure of itself: pixels at (0.6, 0.4) are nearer to it than to class 0. */
  static const double mu[4] = {1, 0, 0.4, 0.6};
  static const float values[][2] = {{0.6f, 0.4f}, {0.9f, 0.1f}, {0.2f, 0.8f}, {NAN, 1}};
  static const uint8_t protect[2] = {1, 0};
  lcal_coefficients *free_to_change = prototypes(2, mu, NULL);
  lcal_coefficients *protected = prototypes(2, mu, protect);
  struct frame frame = {0};
  frame.pass.coefficients = free_to_change;
  run(&frame, 2, 2, 2, LCAL_F32, LCAL_PROBABILITIES, values);
  static const uint8_t changed[4] = {1, 0, 1, 255}, kept[4] = {0, 0, 1, 255};
  assert_memory_equal(frame.calibrated, changed, 4);
  assert_memory_equal(frame.argmax, kept, 4);
  assert_int_equal(frame.result.changed, 1);
  assert_int_equal(frame.result.input_changed, 1);
  assert_true(frame.result.certified >= 1 && frame.result.certified < 3);
  frame.pass.coefficients = protected;
  run(&frame, 2, 2, 2, LCAL_F32, LCAL_PROBABILITIES, values);
  assert_memory_equal(frame.calibrated, kept, 4);
  assert_int_equal(frame.result.changed, 0);
  assert_true(frame.result.certified >= 2); /* the two of class 0 always are */
  lcal_coefficients_destroy(free_to_change);
  lcal_coefficients_destroy(protected);
}

static void upsampling_interpolates_between_pixel_centres(void **state) {
  (void)state;
  static const float values[][2] = {{1, 0}, {0.125f, 0.875f}};
  struct frame frame = {0};
  frame.pass.out_height = 1;
  frame.pass.out_width = 4;
  run(&frame, 1, 2, 2, LCAL_F32, LCAL_PROBABILITIES, values);
  static const float p0[4] = {1, 0.78125f, 0.34375f, 0.125f};
  static const uint8_t argmax[4] = {0, 0, 1, 1};
  for (size_t x = 0; x < 4; x++) {
    assert_true(frame.scores[2 * x] == p0[x] && frame.scores[2 * x + 1] == 1 - p0[x]);
  }
  assert_memory_equal(frame.argmax, argmax, 4);
  assert_true(frame.result.pixels == 4 && frame.result.input_pixels == 2);
  assert_true(frame.count[0] == 1 && frame.count[1] == 1 && frame.sum[0] == 1);
}

static void a_void_pixel_voids_every_map_pixel_it_weighs_in(void **state) {
  (void)state;
  static const float values[][2] = {{NAN, 0}, {0, 1}};
  static const uint8_t halves[8] = {255, 255, 255, 1, 255, 255, 255, 1};
  static const uint8_t thirds[6] = {255, 255, 255, 255, 1, 1};
  struct frame frame = {0};
  frame.pass.out_height = 2;
  frame.pass.out_width = 4;
  run(&frame, 1, 2, 2, LCAL_F32, LCAL_PROBABILITIES, values);
  assert_memory_equal(frame.argmax, halves, 8);
  assert_int_equal(frame.result.voids, 6);
  assert_int_equal(frame.result.input_voids, 1);
  frame.pass.out_height = 1;
  frame.pass.out_width = 6; /* the centre of the second pixel has an output pixel to itself */
  run(&frame, 1, 2, 2, LCAL_F32, LCAL_PROBABILITIES, values);
  assert_memory_equal(frame.argmax, thirds, 6);
}

static void maps_of_256_classes_have_two_bytes_a_pixel(void **state) {
  (void)state;
  static float values[3][256];
  uint16_t labels[3], argmax[3];
  uint8_t unaligned[7];
  values[0][255] = 1;
  values[1][0] = NAN;
  values[2][7] = 1;
  lcal_tensor tensor;
  assert_int_equal(lcal_tensor_init(&tensor, (uint32_t[]){1, 3, 256}, LCAL_HWC, LCAL_F32,
                                    LCAL_PROBABILITIES, values, sizeof values, NULL),
                   LCAL_OK);
  lcal_calibrator *calibrator = NULL;
  lcal_result result;
  assert_int_equal(lcal_calibrator_create(&calibrator, 1, NULL), LCAL_OK);
  lcal_pass pass = {.tensor = &tensor, .sum_tolerance = 0.01, .calibrated = labels};
  pass.argmax = unaligned + 1;
  assert_int_equal(lcal_calibrate(calibrator, &pass, &result, NULL), LCAL_OK);
  memcpy(argmax, unaligned + 1, sizeof argmax);
  static const uint16_t expected[3] = {255, 65535, 7};
  assert_memory_equal(labels, expected, sizeof expected);
  assert_memory_equal(argmax, expected, sizeof expected);
  assert_null(result.statistics);
  lcal_calibrator_destroy(calibrator);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pixels_that_are_no_probabilities_are_void),
      cmocka_unit_test(pixels_within_the_tolerance_are_valid),
      cmocka_unit_test(logits_are_void_only_where_one_is_not_finite),
      cmocka_unit_test(ties_go_to_the_lowest_class),
      cmocka_unit_test(statistics_weigh_each_pixel_by_its_confidence),
      cmocka_unit_test(the_nearest_prototype_wins_unless_the_class_is_protected),
      cmocka_unit_test(upsampling_interpolates_between_pixel_centres),
      cmocka_unit_test(a_void_pixel_voids_every_map_pixel_it_weighs_in),
      cmocka_unit_test(maps_of_256_classes_have_two_bytes_a_pixel),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
