/* Every tier of kernels this machine has against the scalar one, in the manner of checkasm: random
 * and adversarial frames, every output compared to the byte, poisoned before, with unreadable
 * pages behind every buffer. KERNEL_SEED and KERNEL_FRAMES choose other frames and more of them. */
#include "core/kernels/kernels.h"
#include "frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define POISON 0xa5

enum { MAPS = 4 }; /* calibrated, argmax, confidence, scores */

/* One frame, and what is asked of it. */
struct trial {
  struct frame_shape shape;
  enum frame_flavour flavour;
  lcal_pass pass;
  lcal_tensor tensor;
  struct guarded data, mask;
  lcal_coefficients *coefficients;
};

struct outcome {
  lcal_result result;
  struct guarded maps[MAPS];
  double *sum, *weight;
  uint64_t *count;
};

static uint64_t number(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  return text ? strtoull(text, NULL, 0) : otherwise;
}

static struct frame_shape random_shape(struct random *random) {
  static const uint32_t classes[] = {2,  3,  4,  5,  7,   16,  17,  19,
                                     19, 32, 33, 66, 150, 255, 256, 1000};
  struct frame_shape shape = {.classes = classes[random_below(random, 16)]};
  uint32_t most = shape.classes > 300 ? 9 : shape.classes > 100 ? 24 : 100; /* sides: time */
  shape.height = 1 + random_below(random, most);
  shape.width = 1 + random_below(random, most);
  shape.layout = (lcal_layout)random_below(random, LCAL_LAYOUT_COUNT);
  shape.type = (lcal_type)random_below(random, LCAL_TYPE_COUNT);
  shape.kind =
      shape.type != LCAL_U8 && random_below(random, 3) == 0 ? LCAL_LOGITS : LCAL_PROBABILITIES;
  size_t dense = shape.layout == LCAL_CHW ? (size_t)shape.height * shape.width : shape.classes;
  shape.stride = dense + (random_below(random, 3) == 0 ? random_below(random, 70) : 0);
  return shape;
}

/* Coefficients whose prototypes are random, one-hot, or nearly equal. */
static lcal_coefficients *random_coefficients(struct random *random, uint32_t classes,
                                              double sum_tolerance) {
  lcal_statistics *statistics = NULL;
  lcal_coefficients *made = NULL;
  assert_int_equal(lcal_statistics_create(&statistics, classes, NULL), LCAL_OK);
  assert_int_equal(lcal_coefficients_create(&made, classes, NULL), LCAL_OK);
  uint32_t kind = random_below(random, 3);
  for (size_t k = 0; k < classes; k++) {
    double sum = 0;
    for (size_t i = 0; i < classes; i++) {
      double u = (double)random_unit(random) / classes;
      double value = kind == 0 ? u + (i == k) : kind == 1 ? (double)(i == k) : 1 + 1e-4 * u;
      statistics->sum[k * classes + i] = value;
      sum += value;
    }
    statistics->weight[k] = random_below(random, 8) == 0 ? 0 : sum;
  }
  uint8_t protect[LCAL_CLASSES_MAX] = {0};
  protect[random_below(random, classes)] = random_below(random, 2) == 0;
  const char *rule = random_below(random, 3) == 0 ? "kl" : "euclidean";
  lcal_coefficients_build(made, lcal_rule_find(rule, strlen(rule)), statistics, 1e-6, sum_tolerance,
                          protect);
  lcal_statistics_destroy(statistics);
  return made;
}

static void make_trial(struct random *random, struct trial *trial) {
  static const double tolerances[] = {0, 1e-3, 0.01, 0.01, 0.5, 2};
  memset(trial, 0, sizeof *trial);
  trial->shape = random_shape(random);
  trial->flavour = (enum frame_flavour)random_below(random, FLAVOUR_COUNT);
  const struct frame_shape *shape = &trial->shape;
  double tolerance = tolerances[random_below(random, 6)];
  trial->data = guarded_create(frame_bytes(shape), (int)random_below(random, 4) != 0);
  frame_fill(random, shape, trial->flavour, tolerance, trial->data.data);
  trial->tensor = (lcal_tensor){trial->data.data, shape->classes, shape->height, shape->width,
                                shape->layout,    shape->type,    shape->kind,   shape->stride};
  size_t pixels = (size_t)shape->height * shape->width;
  trial->mask = guarded_create(pixels, 1);
  for (size_t i = 0; i < pixels; i++) {
    trial->mask.data[i] = random_below(random, 3) != 0;
  }
  if (random_below(random, 8) != 0) {
    trial->coefficients = random_coefficients(random, shape->classes, tolerance);
  }
  trial->pass = (lcal_pass){.tensor = &trial->tensor,
                            .sum_tolerance = tolerance,
                            .coefficients = trial->coefficients,
                            .certify = random_below(random, 4) != 0,
                            .mask = random_below(random, 3) == 0 ? trial->mask.data : NULL,
                            .want_statistics = random_below(random, 5) != 0};
  if (random_below(random, 4) == 0) {
    trial->pass.out_height = shape->height + random_below(random, 60);
    trial->pass.out_width = shape->width + random_below(random, 60);
  }
}

static void end_trial(struct trial *trial) {
  guarded_destroy(&trial->data);
  guarded_destroy(&trial->mask);
  lcal_coefficients_destroy(trial->coefficients);
}

/* Runs the trial's frame with the tier called `tier`; `wanted` has a bit for each map. */
static void run(const struct trial *trial, const char *tier, uint32_t wanted,
                struct outcome *outcome) {
  lcal_calibrator *calibrator = NULL;
  lcal_error error;
  lcal_pass pass = trial->pass;
  uint32_t classes = trial->shape.classes;
  uint32_t height = pass.out_height ? pass.out_height : trial->shape.height;
  uint32_t width = pass.out_height ? pass.out_width : trial->shape.width;
  size_t label = lcal_label_size(classes);
  size_t sizes[MAPS] = {label, label, 1, classes * sizeof(float)};
  void *maps[MAPS];
  for (uint32_t i = 0; i < MAPS; i++) {
    outcome->maps[i] = guarded_create((size_t)height * width * sizes[i], 1);
    memset(outcome->maps[i].data, POISON, outcome->maps[i].bytes);
    maps[i] = wanted & (1u << i) ? outcome->maps[i].data : NULL;
  }
  pass.calibrated = maps[0];
  pass.argmax = maps[1];
  pass.confidence = maps[2];
  pass.scores = maps[3];
  setenv("LABELCAL_CPU", tier, 1);
  assert_int_equal(lcal_calibrator_create(&calibrator, 1, &error), LCAL_OK);
  unsetenv("LABELCAL_CPU");
  lcal_status status = lcal_calibrate(calibrator, &pass, &outcome->result, &error);
  if (status) {
    fail_msg("%s", error.message);
  }
  const lcal_statistics *statistics = outcome->result.statistics;
  outcome->sum = calloc((size_t)classes * classes, sizeof *outcome->sum);
  outcome->weight = calloc(classes, sizeof *outcome->weight);
  outcome->count = calloc(classes, sizeof *outcome->count);
  assert_true(outcome->sum && outcome->weight && outcome->count);
  if (statistics) {
    memcpy(outcome->sum, statistics->sum, (size_t)classes * classes * sizeof *outcome->sum);
    memcpy(outcome->weight, statistics->weight, classes * sizeof *outcome->weight);
    memcpy(outcome->count, statistics->count, classes * sizeof *outcome->count);
  }
  lcal_calibrator_destroy(calibrator);
}

static void end_outcome(struct outcome *outcome) {
  for (uint32_t i = 0; i < MAPS; i++) {
    guarded_destroy(&outcome->maps[i]);
  }
  free(outcome->sum);
  free(outcome->weight);
  free(outcome->count);
}

/* The name of the first thing that differs, or NULL. */
static const char *difference(const struct outcome *a, const struct outcome *b, uint32_t classes) {
  static const char *const names[MAPS] = {"labels", "argmax", "confidence", "scores"};
  for (uint32_t i = 0; i < MAPS; i++) {
    if (memcmp(a->maps[i].data, b->maps[i].data, a->maps[i].bytes) != 0) {
      return names[i];
    }
  }
  const lcal_result *x = &a->result, *y = &b->result;
  if (x->voids != y->voids || x->input_voids != y->input_voids) {
    return "voids";
  }
  if (x->changed != y->changed || x->input_changed != y->input_changed) {
    return "changed";
  }
  if (x->certified != y->certified) {
    return "certified";
  }
  if (memcmp(&x->input_confidence, &y->input_confidence, sizeof x->input_confidence) != 0) {
    return "the sum of confidences";
  }
  if (memcmp(a->count, b->count, classes * sizeof *a->count) != 0) {
    return "n";
  }
  if (memcmp(a->weight, b->weight, classes * sizeof *a->weight) != 0) {
    return "w";
  }
  return memcmp(a->sum, b->sum, (size_t)classes * classes * sizeof *a->sum) != 0 ? "S" : NULL;
}

static void compare(struct random *random, const char *tier, uint64_t index) {
  uint64_t seed = random->state;
  struct trial trial;
  struct outcome scalar, other;
  make_trial(random, &trial);
  uint32_t wanted = random_below(random, 16);
  run(&trial, "scalar", wanted, &scalar);
  run(&trial, tier, wanted, &other);
  const char *differs = difference(&scalar, &other, trial.shape.classes);
  if (differs) {
    fail_msg("%s differs: tier %s, frame %llu (state %#llx): %u x %u x %u %s %s %s, stride %zu, "
             "flavour %d, tolerance %g, certify %d, out %u x %u, maps %u",
             differs, tier, (unsigned long long)index, (unsigned long long)seed,
             trial.shape.classes, trial.shape.height, trial.shape.width,
             lcal_layout_word(trial.shape.layout), lcal_type_word(trial.shape.type),
             lcal_kind_word(trial.shape.kind), trial.shape.stride, (int)trial.flavour,
             trial.pass.sum_tolerance, trial.pass.certify, trial.pass.out_height,
             trial.pass.out_width, wanted);
  }
  end_outcome(&scalar);
  end_outcome(&other);
  end_trial(&trial);
}

static void every_tier_gives_the_bits_of_the_scalar_one(void **state) {
  (void)state;
  uint64_t seed = number("KERNEL_SEED", 20240611), frames = number("KERNEL_FRAMES", 150);
  for (size_t t = 0; lcal__tier_at(t + 1) != NULL; t++) { /* the last one is the scalar tier */
    if (!lcal__tier_at(t)->supported()) {
      printf("# tier %s: this CPU has it not\n", lcal__tier_at(t)->name);
      continue;
    }
    struct random random = {seed};
    for (uint64_t i = 0; i < frames; i++) {
      compare(&random, lcal__tier_at(t)->name, i);
    }
    printf("# tier %s: %llu frames, seed %llu\n", lcal__tier_at(t)->name,
           (unsigned long long)frames, (unsigned long long)seed);
  }
}

static void the_named_tier_runs(void **state) {
  (void)state;
  for (size_t t = 0; lcal__tier_at(t) != NULL; t++) {
    setenv("LABELCAL_CPU", lcal__tier_at(t)->name, 1);
    if (lcal__tier_at(t)->supported()) {
      assert_string_equal(lcal_tier(), lcal__tier_at(t)->name);
    }
  }
  unsetenv("LABELCAL_CPU");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_named_tier_runs),
      cmocka_unit_test(every_tier_gives_the_bits_of_the_scalar_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
