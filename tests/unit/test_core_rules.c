/* The table of rules, and coefficient sets built from statistics. */
#include <labelcal/rules.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static lcal_coefficients *built(const char *rule, const lcal_statistics *statistics,
                                const uint8_t *protect) {
  lcal_coefficients *made = NULL;
  assert_int_equal(lcal_coefficients_create(&made, statistics->classes, NULL), LCAL_OK);
  lcal_coefficients_build(made, lcal_rule_find(rule, strlen(rule)), statistics, 1e-9, 0.01,
                          protect);
  return made;
}

/* Class 0 has the prototype (3/4, 1/4, 0), the others were never seen. */
static lcal_statistics *one_class_seen(void) {
  lcal_statistics *made = NULL;
  assert_int_equal(lcal_statistics_create(&made, 3, NULL), LCAL_OK);
  made->sum[0] = 6;
  made->sum[1] = 2;
  made->weight[0] = 8;
  return made;
}

static void unknown_rules_are_not_found(void **state) {
  (void)state;
  assert_null(lcal_rule_find("", 0));
  assert_null(lcal_rule_find("euclid", 6));
  assert_null(lcal_rule_find("euclidean2", 10));
  assert_null(lcal_rule_find("Euclidean", 9));
  assert_null(lcal_rule_at(lcal_rule_count()));
}

static void every_rule_is_found_by_its_name(void **state) {
  (void)state;
  assert_true(lcal_rule_count() >= 2);
  assert_string_equal(lcal_rule_at(0)->name, "euclidean");
  for (size_t i = 0; i < lcal_rule_count(); i++) {
    const lcal_rule *rule = lcal_rule_at(i);
    assert_ptr_equal(lcal_rule_find(rule->name, strlen(rule->name)), rule);
    assert_non_null(rule->formula);
    assert_non_null(rule->source);
  }
  assert_non_null(lcal_rule_find("kl and more", 2)); /* the length counts, not a NUL */
}

static void coefficients_of_too_few_or_many_classes_are_refused(void **state) {
  (void)state;
  lcal_coefficients *made = NULL;
  lcal_error error = {0};
  assert_int_equal(lcal_coefficients_create(&made, 1, &error), LCAL_ARGUMENT);
  assert_int_equal(lcal_coefficients_create(&made, 1025, &error), LCAL_ARGUMENT);
  assert_non_null(strstr(error.message, "2 to 1024"));
  assert_null(made);
  lcal_coefficients_destroy(made);
}

static void euclidean_takes_the_prototypes(void **state) {
  (void)state;
  lcal_statistics *statistics = one_class_seen();
  lcal_coefficients *made = built("euclidean", statistics, NULL);
  static const float a[9] = {0.75f, 0.25f, 0, 0, 1, 0, 0, 0, 1};
  assert_memory_equal(made->a, a, sizeof a);
  assert_true(made->b[0] == -0.3125f && made->b[1] == -0.5f && made->b[2] == -0.5f);
  assert_string_equal(made->rule->name, "euclidean");
  lcal_coefficients_destroy(made);
  lcal_statistics_destroy(statistics);
}

static void kl_takes_their_logarithms_down_to_a_floor(void **state) {
  (void)state;
  lcal_statistics *statistics = one_class_seen();
  lcal_coefficients *made = built("kl", statistics, NULL);
  assert_true(made->a[0] == (float)log(0.75) && made->a[1] == (float)log(0.25));
  assert_true(made->a[2] == (float)log(1e-6) && made->a[3] == (float)log(1e-6));
  assert_true(made->a[4] == 0);
  assert_true(made->b[0] == 0 && made->b[1] == 0 && made->b[2] == 0);
  lcal_coefficients_destroy(made);
  lcal_statistics_destroy(statistics);
}

static void thresholds_grow_with_the_tolerance_of_the_type(void **state) {
  (void)state;
  lcal_statistics *statistics = one_class_seen();
  lcal_coefficients *made = built("euclidean", statistics, NULL);
  for (int type = 0; type < LCAL_TYPE_COUNT; type++) {
    assert_true(made->tolerance[type] ==
                lcal_tolerance((lcal_type)type, LCAL_PROBABILITIES, 3, 0.01));
  }
  for (size_t k = 0; k < 3; k++) {
    assert_true(made->threshold[LCAL_F32][k] > 0);
    assert_true(made->threshold[LCAL_F32][k] <= made->threshold[LCAL_F16][k]);
    assert_true(made->threshold[LCAL_F16][k] <= made->threshold[LCAL_BF16][k]);
    assert_true(made->threshold[LCAL_BF16][k] <= made->threshold[LCAL_U8][k]);
    float alone[3];
    lcal_certify(3, made->a, made->b, made->tolerance[LCAL_U8], alone);
    assert_true(alone[k] == made->threshold[LCAL_U8][k]);
  }
  lcal_coefficients_destroy(made);
  lcal_statistics_destroy(statistics);
}

static void one_hot_prototypes_certify_from_about_one_half(void **state) {
  (void)state;
  static const float a[4] = {1, 0, 0, 1};
  static const float b[2] = {-0.5f, -0.5f};
  float t[2];
  /* m - r > slack with r <= 1+tau-m. */
  double slack = lcal_slack(2, a, b, 0.01);
  assert_true(slack == 4 * 2 * 0x1p-24 * 1.01 + 0x1p-22 * 0.5);
  lcal_certify(2, a, b, 0.01, t);
  assert_true(t[0] == t[1] && fabs((double)t[0] - (1.01 + slack) / 2) < 1e-7);
  assert_true(2 * (double)t[0] - 1.01 > slack);
}

static void a_protected_class_needs_no_confidence(void **state) {
  (void)state;
  lcal_statistics *statistics = one_class_seen();
  static const uint8_t protect[3] = {0, 7, 0};
  lcal_coefficients *made = built("euclidean", statistics, protect);
  for (int type = 0; type < LCAL_TYPE_COUNT; type++) {
    assert_true(made->threshold[type][1] == 0);
    assert_true(made->threshold[type][0] > 0 && made->threshold[type][2] > 0);
  }
  assert_true(made->protect[0] == 0 && made->protect[1] == 1 && made->protect[2] == 0);
  /* Built again without, nothing of it remains. */
  lcal_coefficients_build(made, lcal_rule_at(0), statistics, 1e-9, 0.01, NULL);
  assert_true(made->protect[1] == 0 && made->threshold[LCAL_F32][1] > 0);
  lcal_coefficients_destroy(made);
  lcal_statistics_destroy(statistics);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(unknown_rules_are_not_found),
      cmocka_unit_test(every_rule_is_found_by_its_name),
      cmocka_unit_test(coefficients_of_too_few_or_many_classes_are_refused),
      cmocka_unit_test(euclidean_takes_the_prototypes),
      cmocka_unit_test(kl_takes_their_logarithms_down_to_a_floor),
      cmocka_unit_test(thresholds_grow_with_the_tolerance_of_the_type),
      cmocka_unit_test(one_hot_prototypes_certify_from_about_one_half),
      cmocka_unit_test(a_protected_class_needs_no_confidence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
