/* The embedded camera's classifier: valid probabilities, good by day, worse under every shift. */
#include "scene/classifier.h"
#include "scene/condition.h"
#include "scene/random.h"

#include <labelcal/recording.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static scene_frame frame;
static scene_features features;
static uint8_t picture[3 * SCENE_PIXELS];
static float p[SCENE_CLASSES * SCENE_PIXELS];

static void photograph(enum scene_weather weather, uint32_t seed, uint32_t number) {
  scene_drift drift = {.from = weather, .to = weather};
  scene_condition condition;
  scene_drift_at(&condition, &drift, number);
  scene_render(&frame, seed, number);
  scene_photograph(picture, &frame, &condition, seed, number);
}

static double plane_mean(const uint8_t *plane, int row, int column, int radius) {
  double sum = 0.0;
  for (int i = row - radius; i <= row + radius; i++) {
    for (int j = column - radius; j <= column + radius; j++) {
      int y = i < 0 ? 0 : i >= SCENE_HEIGHT ? SCENE_HEIGHT - 1 : i;
      int x = j < 0 ? 0 : j >= SCENE_WIDTH ? SCENE_WIDTH - 1 : j;
      sum += plane[y * SCENE_WIDTH + x];
    }
  }
  return sum / (255.0 * (2 * radius + 1) * (2 * radius + 1));
}

/* The furthest window, 7 around a pixel 44 away, is wholly outside at the corners. */
static void windows_are_means_of_what_they_cover_at_the_edges_too(void **state) {
  (void)state;
  static const int places[4][2] = {
      {0, 0}, {SCENE_HEIGHT - 1, SCENE_WIDTH - 1}, {100, 200}, {5, 511}};
  float run[FEATURES][FEATURES_RUN];
  photograph(SCENE_DAY, 4, 7);
  scene_features_prepare(&features, picture);
  for (int i = 0; i < 4; i++) {
    int row = places[i][0];
    int column = places[i][1];
    int x = column % FEATURES_RUN;
    scene_features_run(&features, row, column - x, run);
    for (int channel = 0; channel < 3; channel++) {
      const uint8_t *plane = picture + channel * SCENE_PIXELS;
      assert_float_equal(run[channel][x], plane_mean(plane, row, column, 1), 1e-6);
      assert_float_equal(run[6 + channel][x], plane_mean(plane, row, column, 7), 1e-6);
      assert_float_equal(run[9 + 4 * 3 + channel][x], plane_mean(plane, row - 44, column, 7), 1e-6);
      assert_float_equal(run[9 + 7 * 3 + channel][x], plane_mean(plane, row, column + 44, 7), 1e-6);
    }
  }
}

static void probabilities_are_finite_and_sum_to_one_under_every_condition(void **state) {
  (void)state;
  for (int weather = 0; weather < SCENE_WEATHERS; weather++) {
    photograph((enum scene_weather)weather, 11, 30);
    scene_classify(p, picture, scene_weights_trained(), &features);
    for (int i = 0; i < SCENE_PIXELS; i++) {
      double sum = 0.0;
      for (int k = 0; k < SCENE_CLASSES; k++) {
        float value = p[k * SCENE_PIXELS + i];
        assert_true(isfinite(value) && value >= 0.0f);
        sum += (double)value;
      }
      assert_true(fabs(sum - 1.0) < 1e-5);
    }
  }
}

/* Pinned: the classifier is the same function on every machine and by every compiler. */
static void probabilities_are_the_pinned_ones(void **state) {
  (void)state;
  const uint8_t *bytes = (const uint8_t *)p;
  uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
  photograph(SCENE_DUSK, 7, 50);
  scene_classify(p, picture, scene_weights_trained(), &features);
  for (size_t i = 0; i < sizeof p; i++) {
    hash = (hash ^ bytes[i]) * 0x100000001b3u;
  }
  assert_int_equal(hash, 0xe5ce06e564249198u);
}

static double miou(enum scene_weather weather) {
  const lcal_recording_meta meta = {.class_count = SCENE_CLASSES, .ignore_label = 255};
  static uint8_t labels[SCENE_PIXELS];
  lcal_score *score;
  assert_int_equal(lcal_score_create(&score, &meta, NULL), LCAL_OK);
  for (uint32_t seed = 100; seed < 112; seed++) {
    photograph(weather, seed, 37 * (seed - 100));
    scene_classify(p, picture, scene_weights_trained(), &features);
    scene_argmax(labels, p);
    lcal_score_add(score, frame.labels, labels, 1, SCENE_PIXELS);
  }
  double result = lcal_score_miou(score);
  lcal_score_destroy(score);
  return result;
}

static void it_is_right_by_day_and_less_so_under_every_shift(void **state) {
  (void)state;
  double day = miou(SCENE_DAY);
  assert_true(day > 50.0 && day < 90.0);
  for (int weather = SCENE_DAY + 1; weather < SCENE_WEATHERS; weather++) {
    double shifted = miou((enum scene_weather)weather);
    assert_true(shifted > 10.0 && shifted < day - 5.0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(windows_are_means_of_what_they_cover_at_the_edges_too),
      cmocka_unit_test(probabilities_are_finite_and_sum_to_one_under_every_condition),
      cmocka_unit_test(probabilities_are_the_pinned_ones),
      cmocka_unit_test(it_is_right_by_day_and_less_so_under_every_shift),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
