/* The calibrator: what it refuses, bands and threads, strides, maps, counts, guards. Values are
 * compared with float64 in tests/oracle. */
#include <labelcal/calibrator.h>

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLASSES 5u

struct bench {
  lcal_calibrator *calibrator;
  lcal_coefficients *coefficients;
  lcal_tensor tensor;
  float *values;
  uint32_t seed;
};

static uint32_t next(struct bench *bench) {
  bench->seed = bench->seed * 1664525u + 1013904223u;
  return bench->seed >> 8;
}

/* Random HWC pixels; one in 32 is void. */
static void fill(struct bench *bench, uint32_t height, uint32_t width) {
  size_t pixels = (size_t)height * width;
  free(bench->values);
  bench->values = malloc(pixels * CLASSES * sizeof(float));
  assert_non_null(bench->values);
  for (size_t j = 0; j < pixels; j++) {
    float *p = bench->values + j * CLASSES;
    float sum = 0;
    for (size_t c = 0; c < CLASSES; c++) {
      float x = (float)(next(bench) % 1000 + 1);
      p[c] = x * x * x;
      sum += p[c];
    }
    for (size_t c = 0; c < CLASSES; c++) {
      p[c] /= sum;
    }
    if (next(bench) % 32 == 0) {
      p[next(bench) % CLASSES] = NAN;
    }
  }
  uint32_t shape[3] = {height, width, CLASSES};
  assert_int_equal(lcal_tensor_init(&bench->tensor, shape, LCAL_HWC, LCAL_F32, LCAL_PROBABILITIES,
                                    bench->values, pixels * CLASSES * sizeof(float), NULL),
                   LCAL_OK);
}

static int setup(void **state) {
  struct bench *bench = calloc(1, sizeof *bench);
  if (!bench) {
    return -1;
  }
  *state = bench;
  bench->seed = 1;
  assert_int_equal(lcal_calibrator_create(&bench->calibrator, 3, NULL), LCAL_OK);
  fill(bench, 4, 6);
  lcal_statistics *statistics = NULL;
  assert_int_equal(lcal_statistics_create(&statistics, CLASSES, NULL), LCAL_OK);
  for (size_t i = 0; i < (size_t)CLASSES * CLASSES; i++) {
    statistics->sum[i] = (i % (CLASSES + 1) == 0 ? 6 : 0) + 0.001 * (double)(next(bench) % 1000);
  }
  for (size_t k = 0; k < CLASSES; k++) {
    statistics->weight[k] = 9;
  }
  assert_int_equal(lcal_coefficients_create(&bench->coefficients, CLASSES, NULL), LCAL_OK);
  lcal_coefficients_build(bench->coefficients, lcal_rule_at(0), statistics, 1e-9, 0.01, NULL);
  lcal_statistics_destroy(statistics);
  return 0;
}

static int teardown(void **state) {
  struct bench *bench = *state;
  lcal_calibrator_destroy(bench->calibrator);
  lcal_coefficients_destroy(bench->coefficients);
  free(bench->values);
  free(bench);
  return 0;
}

static lcal_pass pass_of(struct bench *bench) {
  return (lcal_pass){.tensor = &bench->tensor,
                     .sum_tolerance = 0.01,
                     .coefficients = bench->coefficients,
                     .certify = 1,
                     .want_statistics = 1};
}

static void refuses(struct bench *bench, const lcal_pass *pass, lcal_status status,
                    const char *says) {
  lcal_error error = {0};
  assert_int_equal(lcal_calibrator_begin(bench->calibrator, pass, &error), status);
  assert_int_equal(error.code, status);
  assert_non_null(strstr(error.message, says));
}

static void a_calibrator_of_no_threads_is_refused(void **state) {
  (void)state;
  lcal_calibrator *made = NULL;
  assert_int_equal(lcal_calibrator_create(&made, 0, NULL), LCAL_ARGUMENT);
  assert_null(made);
  lcal_calibrator_destroy(made);
}

static void tensors_that_cannot_be_are_refused(void **state) {
  struct bench *bench = *state;
  lcal_pass pass = pass_of(bench);
  lcal_tensor good = bench->tensor;
  pass.tensor = NULL;
  refuses(bench, &pass, LCAL_ARGUMENT, "no tensor");
  pass.tensor = &bench->tensor;
  bench->tensor.data = NULL;
  refuses(bench, &pass, LCAL_ARGUMENT, "without data");
  bench->tensor = good;
  bench->tensor.height = 0;
  refuses(bench, &pass, LCAL_BAD_TENSOR, "0 x 6 pixels");
  bench->tensor = good;
  bench->tensor.classes = 1025;
  refuses(bench, &pass, LCAL_BAD_TENSOR, "1025 classes");
  bench->tensor = good;
  bench->tensor.type = LCAL_U8;
  bench->tensor.kind = LCAL_LOGITS;
  refuses(bench, &pass, LCAL_BAD_TENSOR, "u8 logits");
  bench->tensor = good;
  bench->tensor.type = LCAL_TYPE_COUNT;
  refuses(bench, &pass, LCAL_BAD_TENSOR, "unknown");
  bench->tensor = good;
  bench->tensor.stride = CLASSES - 1;
  refuses(bench, &pass, LCAL_BAD_TENSOR, "stride");
  bench->tensor.layout = LCAL_CHW;
  bench->tensor.stride = 23;
  refuses(bench, &pass, LCAL_BAD_TENSOR, "stride");
  bench->tensor.stride = SIZE_MAX;
  bench->tensor.height = bench->tensor.width = 65536;
  refuses(bench, &pass, LCAL_TOO_LARGE, "65536 x 65536");
}

static void passes_that_cannot_be_are_refused(void **state) {
  struct bench *bench = *state;
  lcal_pass pass = pass_of(bench);
  pass.sum_tolerance = NAN;
  refuses(bench, &pass, LCAL_BAD_FIELD, "sum_tolerance");
  pass.sum_tolerance = -0.1;
  refuses(bench, &pass, LCAL_BAD_FIELD, "sum_tolerance");
  pass.sum_tolerance = INFINITY;
  refuses(bench, &pass, LCAL_BAD_FIELD, "sum_tolerance");
  pass = pass_of(bench);
  pass.out_height = 3;
  pass.out_width = 6;
  refuses(bench, &pass, LCAL_BAD_FIELD, "[3, 6] is smaller");
  pass.out_height = 4;
  pass.out_width = 0;
  refuses(bench, &pass, LCAL_BAD_FIELD, "[4, 0] is smaller");
  pass.out_width = 8193;
  refuses(bench, &pass, LCAL_TOO_LARGE, "[4, 8193]");
  pass = pass_of(bench);
  lcal_coefficients *other = NULL;
  assert_int_equal(lcal_coefficients_create(&other, CLASSES + 1, NULL), LCAL_OK);
  pass.coefficients = other;
  refuses(bench, &pass, LCAL_WRONG_CLASSES, "coefficients have 6");
  lcal_coefficients_destroy(other);
  assert_int_equal(lcal_coefficients_create(&other, CLASSES, NULL), LCAL_OK);
  pass.coefficients = other;
  refuses(bench, &pass, LCAL_ARGUMENT, "never built");
  lcal_coefficients_destroy(other);
}

static void bands_depend_on_height_and_width_alone(void **state) {
  struct bench *bench = *state;
  static const struct {
    uint32_t height, width, bands;
  } rows[] = {{1, 1, 1},     {180, 240, 3},    {69, 240, 1}, {70, 240, 2},    {1, 40000, 1},
              {3, 40000, 3}, {100, 16384, 50}, {8192, 8, 4}, {640, 4096, 64}, {641, 4096, 59}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    lcal_pass pass = pass_of(bench);
    bench->tensor.height = rows[i].height;
    bench->tensor.width = rows[i].width;
    assert_int_equal(lcal_calibrator_begin(bench->calibrator, &pass, NULL), LCAL_OK);
    assert_int_equal(lcal_calibrator_stages(bench->calibrator), 1);
    assert_int_equal(lcal_calibrator_bands(bench->calibrator, 0), rows[i].bands);
    assert_int_equal(lcal_calibrator_bands(bench->calibrator, 1), 0);
    assert_int_equal(lcal_calibrator_bands(bench->calibrator, 2), 0);
  }
}

/* Everything a frame gives, to compare bits. */
struct outcome {
  uint8_t *calibrated, *argmax, *confidence;
  float *scores;
  size_t pixels;
  lcal_result result;
  double sum[CLASSES * CLASSES], weight[CLASSES];
  uint64_t count[CLASSES];
};

static struct outcome outcome_of(lcal_pass *pass) {
  uint32_t height = pass->out_height ? pass->out_height : pass->tensor->height;
  uint32_t width = pass->out_width ? pass->out_width : pass->tensor->width;
  struct outcome made = {.pixels = (size_t)height * width};
  made.calibrated = malloc(made.pixels);
  made.argmax = malloc(made.pixels);
  made.confidence = malloc(made.pixels);
  made.scores = malloc(made.pixels * CLASSES * sizeof(float));
  assert_true(made.calibrated && made.argmax && made.confidence && made.scores);
  memset(made.calibrated, 77, made.pixels);
  memset(made.argmax, 77, made.pixels);
  memset(made.confidence, 77, made.pixels);
  memset(made.scores, 77, made.pixels * CLASSES * sizeof(float));
  pass->calibrated = made.calibrated;
  pass->argmax = made.argmax;
  pass->confidence = made.confidence;
  pass->scores = made.scores;
  return made;
}

static void keep(struct outcome *outcome, const lcal_result *result) {
  outcome->result = *result;
  memcpy(outcome->sum, result->statistics->sum, sizeof outcome->sum);
  memcpy(outcome->weight, result->statistics->weight, sizeof outcome->weight);
  memcpy(outcome->count, result->statistics->count, sizeof outcome->count);
}

static void same_outcome(const struct outcome *one, const struct outcome *other) {
  assert_memory_equal(one->calibrated, other->calibrated, one->pixels);
  assert_memory_equal(one->argmax, other->argmax, one->pixels);
  assert_memory_equal(one->confidence, other->confidence, one->pixels);
  assert_memory_equal(one->scores, other->scores, one->pixels * CLASSES * sizeof(float));
  assert_memory_equal(one->sum, other->sum, sizeof one->sum);
  assert_memory_equal(one->weight, other->weight, sizeof one->weight);
  assert_memory_equal(one->count, other->count, sizeof one->count);
  assert_memory_equal(&one->result, &other->result, offsetof(lcal_result, statistics));
}

static void forget(struct outcome *outcome) {
  free(outcome->calibrated);
  free(outcome->argmax);
  free(outcome->confidence);
  free(outcome->scores);
}

static void bands_in_any_order_on_any_thread_give_the_same_bits(void **state) {
  struct bench *bench = *state;
  fill(bench, 300, 170);
  for (int upsampling = 0; upsampling < 2; upsampling++) {
    lcal_pass pass = pass_of(bench);
    pass.out_height = upsampling ? 417 : 0;
    pass.out_width = upsampling ? 391 : 0;
    struct outcome forward = outcome_of(&pass);
    lcal_result result;
    assert_int_equal(lcal_calibrate(bench->calibrator, &pass, &result, NULL), LCAL_OK);
    keep(&forward, &result);
    assert_true(result.changed > 0 && result.voids > 0 && result.certified > 0);

    struct outcome backward = outcome_of(&pass);
    assert_int_equal(lcal_calibrator_begin(bench->calibrator, &pass, NULL), LCAL_OK);
    assert_int_equal(lcal_calibrator_stages(bench->calibrator), 1 + upsampling);
    for (uint32_t stage = 0; stage < lcal_calibrator_stages(bench->calibrator); stage++) {
      uint32_t bands = lcal_calibrator_bands(bench->calibrator, stage);
      assert_true(bands > 1);
      for (uint32_t band = bands; band-- > 0;) {
        lcal_calibrator_band(bench->calibrator, stage, band, band % 3);
      }
    }
    keep(&backward, lcal_calibrator_end(bench->calibrator));
    same_outcome(&forward, &backward);
    forget(&forward);
    forget(&backward);
  }
}

struct crew {
  lcal_calibrator *calibrator;
  uint32_t stage;
  atomic_uint next_band;
};

struct worker {
  struct crew *crew;
  uint32_t thread;
};

static void *work(void *context) {
  const struct worker *worker = context;
  struct crew *crew = worker->crew;
  uint32_t bands = lcal_calibrator_bands(crew->calibrator, crew->stage);
  for (uint32_t band; (band = atomic_fetch_add(&crew->next_band, 1)) < bands;) {
    lcal_calibrator_band(crew->calibrator, crew->stage, band, worker->thread);
  }
  return NULL;
}

static void threads_at_once_give_the_same_bits(void **state) {
  struct bench *bench = *state;
  fill(bench, 300, 170);
  lcal_pass pass = pass_of(bench);
  pass.out_height = 417;
  pass.out_width = 391;
  struct outcome alone = outcome_of(&pass);
  lcal_result result;
  assert_int_equal(lcal_calibrate(bench->calibrator, &pass, &result, NULL), LCAL_OK);
  keep(&alone, &result);
  for (int round = 0; round < 5; round++) {
    struct outcome together = outcome_of(&pass);
    assert_int_equal(lcal_calibrator_begin(bench->calibrator, &pass, NULL), LCAL_OK);
    for (uint32_t stage = 0; stage < 2; stage++) {
      struct crew crew = {.calibrator = bench->calibrator, .stage = stage};
      struct worker workers[3];
      pthread_t threads[3];
      for (uint32_t t = 0; t < 3; t++) {
        workers[t] = (struct worker){&crew, t};
        assert_int_equal(pthread_create(&threads[t], NULL, work, &workers[t]), 0);
      }
      for (uint32_t t = 0; t < 3; t++) {
        assert_int_equal(pthread_join(threads[t], NULL), 0);
      }
    }
    keep(&together, lcal_calibrator_end(bench->calibrator));
    same_outcome(&alone, &together);
    forget(&together);
  }
  forget(&alone);
}

static void strides_of_both_layouts_are_honoured(void **state) {
  struct bench *bench = *state;
  fill(bench, 37, 41);
  const size_t pixels = (size_t)37 * 41;
  lcal_pass pass = pass_of(bench);
  struct outcome dense = outcome_of(&pass), other;
  lcal_result result;
  assert_int_equal(lcal_calibrate(bench->calibrator, &pass, &result, NULL), LCAL_OK);
  keep(&dense, &result);

  float *spread = malloc((pixels + 11) * (CLASSES + 3) * sizeof(float));
  assert_non_null(spread);
  for (int planes = 0; planes < 2; planes++) {
    size_t stride = planes ? pixels + 11 : CLASSES + 3;
    for (size_t i = 0; i < (pixels + 11) * (CLASSES + 3); i++) {
      spread[i] = NAN; /* read by mistake it would void a pixel */
    }
    for (size_t j = 0; j < pixels; j++) {
      for (size_t c = 0; c < CLASSES; c++) {
        spread[planes ? c * stride + j : j * stride + c] = bench->values[j * CLASSES + c];
      }
    }
    lcal_tensor tensor = bench->tensor;
    tensor.data = spread;
    tensor.layout = planes ? LCAL_CHW : LCAL_HWC;
    tensor.stride = stride;
    pass.tensor = &tensor;
    other = outcome_of(&pass);
    assert_int_equal(lcal_calibrate(bench->calibrator, &pass, &result, NULL), LCAL_OK);
    keep(&other, &result);
    same_outcome(&dense, &other);
    forget(&other);
  }
  free(spread);
  forget(&dense);
}

static void frames_of_any_size_follow_each_other(void **state) {
  struct bench *bench = *state;
  static const uint32_t sides[][2] = {{200, 150}, {1, 1}, {3, 200}, {200, 150}};
  struct outcome first = {0};
  for (size_t i = 0; i < 4; i++) {
    bench->seed = sides[i][0];
    fill(bench, sides[i][0], sides[i][1]);
    lcal_pass pass = pass_of(bench);
    struct outcome now = outcome_of(&pass);
    lcal_result result;
    assert_int_equal(lcal_calibrate(bench->calibrator, &pass, &result, NULL), LCAL_OK);
    keep(&now, &result);
    assert_int_equal(result.pixels, now.pixels);
    assert_int_equal(result.input_pixels, now.pixels);
    if (i == 0) {
      first = now;
    } else {
      if (i == 3) {
        same_outcome(&first, &now);
      }
      forget(&now);
    }
  }
  forget(&first);
}

static void without_coefficients_the_label_is_the_argmax(void **state) {
  struct bench *bench = *state;
  for (int upsampling = 0; upsampling < 2; upsampling++) {
    lcal_pass pass = pass_of(bench);
    pass.coefficients = NULL;
    pass.out_height = pass.out_width = upsampling ? 50 : 0;
    struct outcome got = outcome_of(&pass);
    lcal_result result;
    assert_int_equal(lcal_calibrate(bench->calibrator, &pass, &result, NULL), LCAL_OK);
    assert_memory_equal(got.calibrated, got.argmax, got.pixels);
    assert_true(result.changed == 0 && result.input_changed == 0 && result.certified == 0);
    for (size_t j = 0; j < got.pixels; j++) {
      if (got.argmax[j] != 255) {
        float m = got.scores[j * CLASSES + got.argmax[j]];
        assert_int_equal(got.confidence[j], (int)(255.0 * (double)m + 0.5));
      }
    }
    forget(&got);
  }
}

static void thresholds_of_a_smaller_tolerance_are_not_trusted(void **state) {
  struct bench *bench = *state;
  fill(bench, 60, 60);
  lcal_pass pass = pass_of(bench);
  pass.sum_tolerance = 0.9;
  for (size_t j = 0; j < (size_t)60 * 60 * CLASSES; j++) {
    bench->values[j] *= 1.8f; /* more mass than the thresholds were solved for */
  }
  struct outcome on = outcome_of(&pass);
  lcal_result result;
  assert_int_equal(lcal_calibrate(bench->calibrator, &pass, &result, NULL), LCAL_OK);
  keep(&on, &result);
  pass.certify = 0;
  struct outcome off = outcome_of(&pass);
  assert_int_equal(lcal_calibrate(bench->calibrator, &pass, &result, NULL), LCAL_OK);
  keep(&off, &result);
  same_outcome(&on, &off);
  forget(&on);
  forget(&off);
}

static void guards_that_are_off_never_trip(void **state) {
  (void)state;
  lcal_guards off = {NAN, NAN, NAN};
  lcal_result worst = {.input_pixels = 4, .input_voids = 4, .input_changed = 0};
  assert_int_equal(lcal_guards_judge(&off, &worst, 0), 0);
  worst = (lcal_result){.input_pixels = 4, .input_changed = 4};
  assert_int_equal(lcal_guards_judge(&off, &worst, 0), 0);
}

static void guards_trip_beyond_their_limit_only(void **state) {
  (void)state;
  lcal_guards guards = {0.5, 0.25, 0.5};
  lcal_result edge = {
      .input_pixels = 8, .input_voids = 4, .input_changed = 2, .input_confidence = 1};
  assert_int_equal(lcal_guards_judge(&guards, &edge, 0), 0);
  lcal_result beyond = edge;
  beyond.input_confidence = 0.999;
  assert_int_equal(lcal_guards_judge(&guards, &beyond, 0), 1u << LCAL_GUARD_MIN_CONFIDENCE);
  beyond = edge;
  beyond.input_changed = 3;
  assert_int_equal(lcal_guards_judge(&guards, &beyond, 0), 1u << LCAL_GUARD_MAX_CHANGED);
  beyond = edge;
  beyond.input_voids = 5;
  assert_int_equal(lcal_guards_judge(&guards, &beyond, 0),
                   1u << LCAL_GUARD_MAX_VOID | 1u << LCAL_GUARD_MAX_CHANGED);
  assert_int_equal(lcal_guards_judge(&guards, &edge, 1), 1u << LCAL_GUARD_MASK);
  lcal_result none = {.input_pixels = 8, .input_voids = 8};
  assert_int_equal(lcal_guards_judge(&guards, &none, 0),
                   1u << LCAL_GUARD_MAX_VOID | 1u << LCAL_GUARD_MIN_CONFIDENCE);
}

static void the_first_guard_in_order_is_named(void **state) {
  (void)state;
  assert_int_equal(lcal_guards_first(0), LCAL_GUARD_NONE);
  assert_null(lcal_guard_word(LCAL_GUARD_NONE));
  assert_null(lcal_guard_word(LCAL_GUARD_COUNT));
  static const char *const words[] = {"max_void", "min_confidence", "max_changed", "mask"};
  for (unsigned i = 0; i < 4; i++) {
    uint32_t from_here = 0x1fu & ~((2u << i) - 1);
    lcal_guard first = lcal_guards_first(from_here);
    assert_int_equal(first, i + 1);
    assert_string_equal(lcal_guard_word(first), words[i]);
  }
}

static void every_guard_but_max_changed_forbids_the_commit(void **state) {
  (void)state;
  assert_false(lcal_guards_forbid_commit(0));
  assert_false(lcal_guards_forbid_commit(1u << LCAL_GUARD_MAX_CHANGED));
  assert_true(lcal_guards_forbid_commit(1u << LCAL_GUARD_MAX_VOID));
  assert_true(lcal_guards_forbid_commit(1u << LCAL_GUARD_MIN_CONFIDENCE));
  assert_true(lcal_guards_forbid_commit(1u << LCAL_GUARD_MASK));
  assert_true(lcal_guards_forbid_commit(1u << LCAL_GUARD_MAX_CHANGED | 1u << LCAL_GUARD_MASK));
}

static void an_unknown_tier_falls_back_to_the_best(void **state) {
  (void)state;
  assert_int_equal(unsetenv("LABELCAL_CPU"), 0);
  const char *best = lcal_tier();
  assert_int_equal(setenv("LABELCAL_CPU", "abacus", 1), 0);
  assert_string_equal(lcal_tier(), best);
  assert_int_equal(setenv("LABELCAL_CPU", "scalar", 1), 0);
  assert_string_equal(lcal_tier(), "scalar");
  assert_int_equal(unsetenv("LABELCAL_CPU"), 0);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_calibrator_of_no_threads_is_refused),
      WITH_BENCH(tensors_that_cannot_be_are_refused),
      WITH_BENCH(passes_that_cannot_be_are_refused),
      WITH_BENCH(bands_depend_on_height_and_width_alone),
      WITH_BENCH(bands_in_any_order_on_any_thread_give_the_same_bits),
      WITH_BENCH(threads_at_once_give_the_same_bits),
      WITH_BENCH(strides_of_both_layouts_are_honoured),
      WITH_BENCH(frames_of_any_size_follow_each_other),
      WITH_BENCH(without_coefficients_the_label_is_the_argmax),
      WITH_BENCH(thresholds_of_a_smaller_tolerance_are_not_trusted),
      cmocka_unit_test(guards_that_are_off_never_trip),
      cmocka_unit_test(guards_trip_beyond_their_limit_only),
      cmocka_unit_test(the_first_guard_in_order_is_named),
      cmocka_unit_test(every_guard_but_max_changed_forbids_the_commit),
      cmocka_unit_test(an_unknown_tier_falls_back_to_the_best),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
