/* The street and its weather: repeatable to the bit, with every class it promises. */
#include "scene/condition.h"
#include "scene/exponential.h"
#include "scene/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static scene_frame frame;
static scene_frame other;
static uint8_t picture[3 * SCENE_PIXELS];
static uint8_t second[3 * SCENE_PIXELS];

/* FNV-1a, 64 bits. */
static uint64_t digest(const void *data, size_t bytes) {
  const uint8_t *at = data;
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < bytes; i++) {
    hash = (hash ^ at[i]) * 0x100000001b3u;
  }
  return hash;
}

static scene_condition condition_of(enum scene_weather weather) {
  scene_drift drift = {.from = weather, .to = weather};
  scene_condition condition;
  scene_drift_at(&condition, &drift, 0);
  return condition;
}

static void words_that_are_no_condition_are_refused(void **state) {
  (void)state;
  static const char *const wrong[] = {"",
                                      "night",
                                      "Day",
                                      "day:",
                                      "day:dusk",
                                      "day:dusk:",
                                      "day:dusk:0",
                                      "day:dusk:-1",
                                      "day:dusk:x",
                                      "day:dusk:9x",
                                      ":dusk:10",
                                      "day:dusk:12345678",
                                      "day:night:10",
                                      "day:dusk:10:fog"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    scene_drift drift = {.from = SCENE_FOG, .to = SCENE_NOISE, .frames = 9};
    lcal_error error = {0};
    assert_int_equal(scene_drift_parse(&drift, wrong[i], &error), LCAL_ARGUMENT);
    assert_non_null(strstr(error.message, "day:dusk:200"));
    assert_int_equal(drift.from, SCENE_FOG);
    assert_int_equal(drift.frames, 9);
  }
}

static void a_condition_and_a_drift_are_read(void **state) {
  (void)state;
  scene_drift drift;
  assert_int_equal(scene_drift_parse(&drift, "noise", NULL), LCAL_OK);
  assert_int_equal(drift.from, SCENE_NOISE);
  assert_int_equal(drift.to, SCENE_NOISE);
  assert_int_equal(drift.frames, 0);
  assert_int_equal(scene_drift_parse(&drift, "day:dusk:200", NULL), LCAL_OK);
  assert_int_equal(drift.from, SCENE_DAY);
  assert_int_equal(drift.to, SCENE_DUSK);
  assert_int_equal(drift.frames, 200);
}

static void a_drift_begins_and_ends_in_its_conditions(void **state) {
  (void)state;
  scene_drift drift = {.from = SCENE_DAY, .to = SCENE_FOG, .frames = 200};
  scene_condition day = condition_of(SCENE_DAY);
  scene_condition fog = condition_of(SCENE_FOG);
  scene_condition at;
  scene_drift_at(&at, &drift, 0);
  assert_memory_equal(&at, &day, sizeof at);
  scene_drift_at(&at, &drift, 100);
  assert_true(at.haze > day.haze && at.haze < fog.haze);
  scene_drift_at(&at, &drift, 200);
  assert_memory_equal(&at, &fog, sizeof at);
  scene_drift_at(&at, &drift, UINT32_MAX);
  assert_memory_equal(&at, &fog, sizeof at);
}

static void a_picture_depends_on_seed_and_number_alone(void **state) {
  (void)state;
  scene_render(&frame, 5, 123);
  scene_render(&other, 9, 4);
  assert_memory_not_equal(frame.labels, other.labels, SCENE_PIXELS);
  scene_render(&other, 5, 123);
  assert_memory_equal(&frame, &other, sizeof frame);
}

/* Pinned: the street is the same on every machine and by every compiler. A change to the scene
 * changes these, and wants the classifier trained anew. */
static void labels_and_pixels_are_the_pinned_ones(void **state) {
  (void)state;
  scene_condition dusk = condition_of(SCENE_DUSK);
  scene_render(&frame, 7, 50);
  scene_photograph(picture, &frame, &dusk, 7, 50);
  assert_int_equal(digest(frame.labels, sizeof frame.labels), 0x2888c1269426e8fdu);
  assert_int_equal(digest(picture, sizeof picture), 0xd5bf2cec2a6279d1u);
}

static void every_class_but_trains_and_motorcycles_appears(void **state) {
  (void)state;
  size_t seen[SCENE_CLASSES] = {0};
  for (uint32_t number = 0; number < 300; number += 15) {
    scene_render(&frame, 1, number);
    for (int i = 0; i < SCENE_PIXELS; i++) {
      assert_true(frame.labels[i] < SCENE_CLASSES);
      seen[frame.labels[i]]++;
    }
  }
  for (uint32_t k = 0; k < SCENE_CLASSES; k++) {
    int absent = k == SCENE_TRAIN || k == SCENE_MOTORCYCLE;
    assert_int_equal(seen[k] == 0, absent);
  }
}

static void things_stay_where_they_are_from_picture_to_picture(void **state) {
  (void)state;
  size_t same = 0;
  scene_render(&frame, 3, 40);
  scene_render(&other, 3, 41);
  for (int i = 0; i < SCENE_PIXELS; i++) {
    same += frame.labels[i] == other.labels[i];
  }
  assert_true(same > SCENE_PIXELS * 8 / 10);
  assert_true(same < SCENE_PIXELS);
}

static void a_picture_far_down_the_road_is_still_a_street(void **state) {
  (void)state;
  size_t road = 0;
  scene_render(&frame, UINT32_MAX, UINT32_MAX);
  for (int i = 0; i < SCENE_PIXELS; i++) {
    assert_true(isfinite(frame.light[0][i]) && frame.light[0][i] >= 0.0f);
    assert_true(frame.depth[i] > 0.0f);
    assert_true(frame.glow[i] < SCENE_GLOWS);
    road += frame.labels[i] == SCENE_ROAD;
  }
  assert_true(road > SCENE_PIXELS / 10);
}

static double mean(const uint8_t *values, double *deviation) {
  double sum = 0.0;
  double square = 0.0;
  for (int i = 0; i < 3 * SCENE_PIXELS; i++) {
    sum += values[i];
    square += (double)values[i] * values[i];
  }
  sum /= 3 * SCENE_PIXELS;
  *deviation = sqrt(square / (3 * SCENE_PIXELS) - sum * sum);
  return sum;
}

static void dusk_is_darker_fog_flatter_and_noise_rougher_than_the_day(void **state) {
  (void)state;
  double day_spread;
  double spread;
  scene_condition day = condition_of(SCENE_DAY);
  scene_condition dusk = condition_of(SCENE_DUSK);
  scene_condition fog = condition_of(SCENE_FOG);
  scene_condition noise = condition_of(SCENE_NOISE);
  scene_render(&frame, 2, 20);
  scene_photograph(picture, &frame, &day, 2, 20);
  double bright = mean(picture, &day_spread);
  scene_photograph(second, &frame, &dusk, 2, 20);
  assert_true(mean(second, &spread) < bright * 0.8);
  scene_photograph(second, &frame, &fog, 2, 20);
  mean(second, &spread);
  assert_true(spread < day_spread * 0.95);
  scene_photograph(second, &frame, &noise, 2, 20);
  double change = 0.0;
  for (int i = 0; i < 3 * SCENE_PIXELS; i++) {
    change += abs(second[i] - picture[i]);
  }
  assert_true(change / (3 * SCENE_PIXELS) > 3.0);
}

static void the_exponential_is_that_of_libm_within_two_units(void **state) {
  (void)state;
  for (int i = 0; i <= 870000; i++) {
    float x = -(float)i * 1e-4f;
    double exact = exp((double)x);
    assert_true(fabs((double)scene_exp(x) - exact) <= exact * 0x1p-22);
  }
  assert_true(scene_exp(-1000.0f) > 0.0f);
  assert_true(scene_exp(-INFINITY) < 1e-37f);
  assert_true(scene_exp(0.0f) == 1.0f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_that_are_no_condition_are_refused),
      cmocka_unit_test(a_condition_and_a_drift_are_read),
      cmocka_unit_test(a_drift_begins_and_ends_in_its_conditions),
      cmocka_unit_test(a_picture_depends_on_seed_and_number_alone),
      cmocka_unit_test(labels_and_pixels_are_the_pinned_ones),
      cmocka_unit_test(every_class_but_trains_and_motorcycles_appears),
      cmocka_unit_test(things_stay_where_they_are_from_picture_to_picture),
      cmocka_unit_test(a_picture_far_down_the_road_is_still_a_street),
      cmocka_unit_test(dusk_is_darker_fog_flatter_and_noise_rougher_than_the_day),
      cmocka_unit_test(the_exponential_is_that_of_libm_within_two_units),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
