#include "calibrate.h"

#include "fuzz.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX     16384u
#define OUT_VALUES_MAX 65536u
#define CLASSES_MAX    64u

/* The maps of one pass. */
struct maps {
  size_t pixels, label_bytes;
  uint32_t classes;
  uint8_t *calibrated, *argmax, *confidence;
  float *scores;
};

static struct maps maps_make(uint32_t classes, size_t pixels) {
  size_t label_bytes = lcal_label_size(classes);
  return (struct maps){.pixels = pixels,
                       .label_bytes = label_bytes,
                       .classes = classes,
                       .calibrated = fuzz_block(pixels * label_bytes),
                       .argmax = fuzz_block(pixels * label_bytes),
                       .confidence = fuzz_block(pixels),
                       .scores = fuzz_block(pixels * classes * sizeof(float))};
}

static void maps_free(struct maps *maps) {
  free(maps->calibrated);
  free(maps->argmax);
  free(maps->confidence);
  free(maps->scores);
}

static uint32_t label_at(const struct maps *maps, const uint8_t *map, size_t i) {
  if (maps->label_bytes == 1) {
    return map[i];
  }
  uint16_t label;
  memcpy(&label, map + 2 * i, sizeof label);
  return label;
}

/* One calibrator for all inputs: its scratch outlives a frame, as in the daemon. */
static lcal_calibrator *calibrator(void) {
  static lcal_calibrator *one;
  if (!one) {
    REQUIRE(lcal_calibrator_create(&one, 1, NULL) == LCAL_OK);
  }
  return one;
}

/* Bands in any order give the same. */
static void run(lcal_pass *pass, struct maps *maps, bool backwards, lcal_result *result) {
  lcal_error error;
  pass->calibrated = maps->calibrated;
  pass->argmax = maps->argmax;
  pass->confidence = maps->confidence;
  pass->scores = maps->scores;
  REQUIRE(lcal_calibrator_begin(calibrator(), pass, &error) == LCAL_OK);
  for (uint32_t stage = 0; stage < lcal_calibrator_stages(calibrator()); stage++) {
    uint32_t bands = lcal_calibrator_bands(calibrator(), stage);
    for (uint32_t band = 0; band < bands; band++) {
      lcal_calibrator_band(calibrator(), stage, backwards ? bands - 1 - band : band, 0);
    }
  }
  *result = *lcal_calibrator_end(calibrator());
}

static void check_maps(const struct maps *maps, const lcal_result *result) {
  uint32_t void_label = lcal_label_void(maps->classes);
  uint64_t voids = 0;
  uint64_t changed = 0;
  for (size_t i = 0; i < maps->pixels; i++) {
    uint32_t argmax = label_at(maps, maps->argmax, i);
    uint32_t calibrated = label_at(maps, maps->calibrated, i);
    REQUIRE((argmax == void_label) == (calibrated == void_label));
    const float *scores = maps->scores + i * maps->classes;
    if (argmax == void_label) {
      voids++;
      REQUIRE(maps->confidence[i] == 0 && isnan(scores[0]));
    } else {
      REQUIRE(argmax < maps->classes && calibrated < maps->classes);
      changed += argmax != calibrated;
    }
  }
  REQUIRE(result->pixels == maps->pixels && result->voids == voids && result->changed == changed);
  REQUIRE(result->input_voids <= result->input_pixels);
  REQUIRE(result->certified + result->input_voids <= result->input_pixels);
  REQUIRE(result->input_changed + result->input_voids <= result->input_pixels);
  REQUIRE(result->input_confidence >= 0 &&
          result->input_confidence <= 1.5 * (double)result->input_pixels);
}

static void check_statistics(const lcal_result *result, const lcal_tensor *tensor) {
  const lcal_statistics *statistics = result->statistics;
  uint64_t pixels = 0;
  REQUIRE(statistics && statistics->classes == tensor->classes && statistics->frames == 1);
  REQUIRE(lcal_statistics_check(statistics, NULL) == LCAL_OK);
  for (uint32_t k = 0; k < statistics->classes; k++) {
    pixels += statistics->count[k];
  }
  REQUIRE(pixels == statistics->pixels && pixels == result->input_pixels - result->input_voids);
}

static void require_same(const struct maps *a, const struct maps *b, const lcal_result *first,
                         const lcal_result *second) {
  size_t bytes = a->pixels * a->label_bytes;
  REQUIRE(memcmp(a->calibrated, b->calibrated, bytes) == 0);
  REQUIRE(memcmp(a->argmax, b->argmax, bytes) == 0);
  REQUIRE(memcmp(a->confidence, b->confidence, a->pixels) == 0);
  REQUIRE(first->changed == second->changed && first->input_changed == second->input_changed);
}

/* With the rule's coefficients: certified or not, the maps are the same to the bit. */
static void calibrated_passes(lcal_pass *pass, struct maps *maps, struct maps *others) {
  lcal_result certified;
  lcal_result plain;
  pass->certify = 1;
  run(pass, maps, false, &certified);
  check_maps(maps, &certified);
  pass->certify = 0;
  run(pass, others, true, &plain);
  check_maps(others, &plain);
  require_same(maps, others, &certified, &plain);
}

static void check_coefficients(const lcal_coefficients *coefficients) {
  size_t classes = coefficients->classes;
  for (int type = 0; type < LCAL_TYPE_COUNT; type++) {
    for (size_t k = 0; k < classes; k++) {
      REQUIRE(coefficients->threshold[type][k] >= 0); /* infinite: never certified; no NaN */
    }
  }
}

void calibrate_frame(const lcal_tensor *tensor, uint32_t out_height, uint32_t out_width) {
  size_t pixels =
      out_height ? (size_t)out_height * out_width : (size_t)tensor->height * tensor->width;
  size_t values = (size_t)tensor->height * tensor->width;
  if (tensor->classes > CLASSES_MAX || values > VALUES_MAX / tensor->classes ||
      pixels > OUT_VALUES_MAX / tensor->classes) {
    return;
  }
  struct maps maps = maps_make(tensor->classes, pixels);
  struct maps others = maps_make(tensor->classes, pixels);
  lcal_pass pass = {.tensor = tensor,
                    .sum_tolerance = 0.01,
                    .want_statistics = 1,
                    .out_height = out_height,
                    .out_width = out_width};
  lcal_result result;
  run(&pass, &maps, false, &result);
  check_maps(&maps, &result);
  check_statistics(&result, tensor);
  REQUIRE(result.changed == 0 && result.certified == 0);

  lcal_domain *domain = NULL;
  lcal_adaptation adaptation;
  lcal_adaptation_default(&adaptation);
  adaptation.rule = lcal_rule_at((pixels + tensor->classes) % lcal_rule_count());
  REQUIRE(lcal_domain_create(&domain, tensor->classes, &adaptation, NULL) == LCAL_OK);
  lcal_domain_prepare(domain, &adaptation, result.statistics, 1);
  lcal_domain_install(domain);
  REQUIRE(lcal_statistics_check(lcal_domain_statistics(domain), NULL) == LCAL_OK);
  pass.coefficients = lcal_domain_coefficients(domain);
  pass.want_statistics = 0;
  check_coefficients(pass.coefficients);
  calibrated_passes(&pass, &maps, &others);
  lcal_domain_destroy(domain);
  maps_free(&maps);
  maps_free(&others);
}

void calibrate_with(const lcal_coefficients *coefficients) {
  uint32_t classes = coefficients->classes;
  if (classes > CLASSES_MAX) {
    return;
  }
  /* One-hot, even, and nearly even pixels. */
  uint32_t shape[3] = {1, 4, classes};
  size_t bytes = 4 * classes * sizeof(float);
  float *data = fuzz_block(bytes);
  for (uint32_t k = 0; k < classes; k++) {
    data[classes + k] = data[2 * classes + k] = 1.0f / (float)classes;
  }
  data[0] = data[3 * classes + classes - 1] = 1.0f;
  data[2 * classes] += 0.001f;
  lcal_tensor tensor;
  REQUIRE(lcal_tensor_init(&tensor, shape, LCAL_HWC, LCAL_F32, LCAL_PROBABILITIES, data, bytes,
                           NULL) == LCAL_OK);
  struct maps maps = maps_make(classes, 4);
  struct maps others = maps_make(classes, 4);
  lcal_pass pass = {.tensor = &tensor, .sum_tolerance = 0.01, .coefficients = coefficients};
  check_coefficients(coefficients);
  calibrated_passes(&pass, &maps, &others);
  maps_free(&maps);
  maps_free(&others);
  free(data);
}
