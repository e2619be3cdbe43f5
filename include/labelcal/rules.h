/* Decision rules: each is an affine score of a fixed feature of p with an optional layout term,
 *   label = argmax_k  a_k.phi(p) + b_k + L[x,y,k]      (method.md, "Decision"),
 * so one kernel serves all. One table lists them. */
#ifndef LABELCAL_RULES_H
#define LABELCAL_RULES_H

#include <labelcal/statistics.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum lcal_feature { LCAL_FEATURE_P } lcal_feature; /* phi(p) = p */

typedef struct lcal_coefficients lcal_coefficients;

/* A row of the table of rules. A rule with statistics, a layout or a reference of its own gets
 * its columns here. */
typedef struct lcal_rule {
  const char *name;     /* the configuration's word */
  lcal_feature feature; /* phi */
  const char *formula;  /* a_k and b_k, for people */
  const char *source;   /* where it is defined */
  /* Fills a (C x C, row k = a_k) and b (C), float64, from prototypes mu (C x C). */
  void (*build)(uint32_t classes, const double *mu, double *a, double *b);
} lcal_rule;

/* The number of rules, and the rule at `index` (0 is the default); NULL beyond the table. */
LCAL_API size_t lcal_rule_count(void);
LCAL_API const lcal_rule *lcal_rule_at(size_t index);

/* The rule called name[0..length), or NULL. */
LCAL_API const lcal_rule *lcal_rule_find(const char *name, size_t length);

/* One coefficient set: everything a frame is labelled with, from its first pixel to its last.
 * Immutable while a frame uses it. Thresholds t_c depend on tau, so there is one array for each
 * type of tensor; logits use f32's. */
struct lcal_coefficients {
  uint32_t classes;
  const lcal_rule *rule;
  uint64_t version;                  /* of the statistics it was built from */
  float *a;                          /* C x C, row k = a_k */
  float *b;                          /* C */
  float *threshold[LCAL_TYPE_COUNT]; /* C each: t_c, +inf = never certified, 0 = protected */
  double tolerance[LCAL_TYPE_COUNT]; /* tau each was solved for */
  uint8_t *protect;                  /* C: 1 where the argmax is never changed */
  double *scratch;                   /* the builder's; C x C prototypes, a, b in float64 */
};

/* Coefficients of C classes with nothing built yet, in one heap block. */
LCAL_API lcal_status lcal_coefficients_create(lcal_coefficients **coefficients, uint32_t classes,
                                              lcal_error *error);
LCAL_API void lcal_coefficients_destroy(lcal_coefficients *coefficients); /* NULL is fine */

/* Builds a, b and all thresholds from `statistics` in float64 (C^3 work, no allocation).
 * `protect`: C flags or NULL. */
LCAL_API void lcal_coefficients_build(lcal_coefficients *coefficients, const lcal_rule *rule,
                                      const lcal_statistics *statistics, double min_weight,
                                      double sum_tolerance, const uint8_t *protect);

/* t (C): the certificate of method.md ("Certified argmax") for scores a (C x C), b (C) of
 * phi(p) = p at tau = `tolerance`: a valid pixel with argmax c and m >= t[c] surely keeps it.
 * float64 solved, rounded up to float32; +inf where there is none. */
LCAL_API void lcal_certify(uint32_t classes, const float *a, const float *b, double tolerance,
                           float *t);

/* The rounding slack of method.md: 4*C*2^-24*max|a|*(1+tau) + 2^-22*max|b|; infinite if a
 * coefficient is not finite. */
LCAL_API double lcal_slack(uint32_t classes, const float *a, const float *b, double tolerance);

#ifdef __cplusplus
}
#endif
#endif
