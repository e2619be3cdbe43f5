#include <labelcal/rules.h>

#include "core/certify.h"
#include "core/elementary.h"

#include <stdlib.h>
#include <string.h>

/* a_k = mu_k, b_k = -1/2 |mu_k|^2: the nearest prototype. */
static void build_euclidean(uint32_t classes, const double *mu, double *a, double *b) {
  for (size_t k = 0; k < classes; k++) {
    double square = 0;
    for (size_t i = 0; i < classes; i++) {
      double value = mu[k * classes + i];
      a[k * classes + i] = value;
      square += value * value;
    }
    b[k] = -0.5 * square;
  }
}

/* a_k = ln max(mu_k, 1e-6), b_k = 0: the prototype that makes p likeliest. */
static void build_kl(uint32_t classes, const double *mu, double *a, double *b) {
  for (size_t i = 0; i < (size_t)classes * classes; i++) {
    a[i] = lcal__ln(mu[i] > 1e-6 ? mu[i] : 1e-6);
  }
  for (size_t k = 0; k < classes; k++) {
    b[k] = 0;
  }
}

static const lcal_rule rules[] = {
    {"euclidean", LCAL_FEATURE_P, "a_k = mu_k, b_k = -1/2 |mu_k|^2", "method.md, Decision",
     build_euclidean},
    {"kl", LCAL_FEATURE_P, "a_k = ln max(mu_k, 1e-6), b_k = 0", "method.md, Decision", build_kl},
};

size_t lcal_rule_count(void) {
  return sizeof rules / sizeof *rules;
}

const lcal_rule *lcal_rule_at(size_t index) {
  return index < lcal_rule_count() ? &rules[index] : NULL;
}

const lcal_rule *lcal_rule_find(const char *name, size_t length) {
  for (size_t i = 0; i < lcal_rule_count(); i++) {
    if (strlen(rules[i].name) == length && memcmp(rules[i].name, name, length) == 0) {
      return &rules[i];
    }
  }
  return NULL;
}

lcal_status lcal_coefficients_create(lcal_coefficients **coefficients, uint32_t classes,
                                     lcal_error *error) {
  if (classes < LCAL_CLASSES_MIN || classes > LCAL_CLASSES_MAX) {
    return lcal_error_set(error, LCAL_ARGUMENT, "coefficients: %u classes; 2 to 1024 are possible",
                          classes);
  }
  /* C <= 1024: at most 21 MB, no overflow. Widest first, so that each array is aligned. */
  size_t square = (size_t)classes * classes;
  size_t doubles = 2 * square + classes;
  size_t floats = square + classes + (size_t)LCAL_TYPE_COUNT * classes;
  size_t bytes = doubles * sizeof(double) + floats * sizeof(float) + classes;
  lcal_coefficients *block = calloc(1, sizeof *block + bytes);
  if (!block) {
    return lcal_error_set(error, LCAL_MEMORY, "coefficients: no memory for %zu bytes", bytes);
  }
  block->classes = classes;
  block->scratch = (double *)(block + 1);
  block->a = (float *)(block->scratch + doubles);
  block->b = block->a + square;
  float *thresholds = block->b + classes;
  for (size_t type = 0; type < LCAL_TYPE_COUNT; type++) {
    block->threshold[type] = thresholds + type * classes;
  }
  block->protect = (uint8_t *)(thresholds + (size_t)LCAL_TYPE_COUNT * classes);
  *coefficients = block;
  return LCAL_OK;
}

void lcal_coefficients_destroy(lcal_coefficients *coefficients) {
  free(coefficients);
}

void lcal_coefficients_build(lcal_coefficients *coefficients, const lcal_rule *rule,
                             const lcal_statistics *statistics, double min_weight,
                             double sum_tolerance, const uint8_t *protect) {
  uint32_t classes = coefficients->classes;
  size_t square = (size_t)classes * classes;
  double *mu = coefficients->scratch;
  double *a = mu + square;
  double *b = a + square;
  lcal_statistics_prototypes(statistics, min_weight, mu);
  rule->build(classes, mu, a, b);
  for (size_t i = 0; i < square; i++) {
    coefficients->a[i] = (float)a[i];
  }
  for (size_t k = 0; k < classes; k++) {
    coefficients->b[k] = (float)b[k];
  }
  coefficients->rule = rule;
  for (size_t type = 0; type < LCAL_TYPE_COUNT; type++) {
    coefficients->tolerance[type] =
        lcal_tolerance((lcal_type)type, LCAL_PROBABILITIES, classes, sum_tolerance);
  }
  /* What is certified are the scores as the kernels compute them: of the rounded a and b. */
  lcal__certify(classes, coefficients->a, coefficients->b, LCAL_TYPE_COUNT, coefficients->tolerance,
                coefficients->threshold);
  for (size_t k = 0; k < classes; k++) {
    coefficients->protect[k] = protect && protect[k];
    for (size_t type = 0; type < LCAL_TYPE_COUNT && coefficients->protect[k]; type++) {
      coefficients->threshold[type][k] = 0;
    }
  }
}
