/* Statistics: they add, forget a class, and give prototypes. */
#include <labelcal/statistics.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static lcal_statistics *statistics(uint32_t classes) {
  lcal_statistics *made = NULL;
  assert_int_equal(lcal_statistics_create(&made, classes, NULL), LCAL_OK);
  return made;
}

/* Some statistics of 3 classes that differ by `seed`. */
static lcal_statistics *sample(unsigned seed) {
  lcal_statistics *made = statistics(3);
  for (unsigned i = 0; i < 9; i++) {
    made->sum[i] = 0.1 * (double)(i * 7 % 5 + seed);
  }
  for (unsigned k = 0; k < 3; k++) {
    made->weight[k] = 0.3 * (double)(k + seed);
    made->count[k] = k + seed;
    made->pixels += k + seed;
  }
  made->frames = seed;
  return made;
}

static void class_counts_out_of_range_are_refused(void **state) {
  (void)state;
  lcal_statistics *made = NULL;
  lcal_error error = {0};
  static const uint32_t counts[] = {0, 1, 1025, UINT32_MAX};
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(lcal_statistics_create(&made, counts[i], &error), LCAL_ARGUMENT);
    assert_null(made);
    assert_non_null(strstr(error.message, "2 to 1024"));
  }
}

static void destroy_takes_null(void **state) {
  (void)state;
  lcal_statistics *nothing = NULL;
  lcal_statistics_destroy(nothing);
  assert_null(nothing);
}

static void values_that_are_not_finite_or_negative_are_named(void **state) {
  (void)state;
  static const double bad[] = {NAN, INFINITY, -INFINITY, -1e-300};
  lcal_error error = {0};
  for (size_t i = 0; i < 4; i++) {
    lcal_statistics *made = sample(1);
    made->sum[5] = bad[i];
    assert_int_equal(lcal_statistics_check(made, &error), LCAL_BAD_FIELD);
    assert_non_null(strstr(error.message, "sum[1][2]"));
    made->sum[5] = 0;
    made->weight[2] = bad[i];
    assert_int_equal(lcal_statistics_check(made, &error), LCAL_BAD_FIELD);
    assert_non_null(strstr(error.message, "weight[2]"));
    lcal_statistics_destroy(made);
  }
}

static void good_statistics_pass_the_check(void **state) {
  (void)state;
  lcal_statistics *made = sample(2);
  made->sum[0] = -0.0;
  assert_int_equal(lcal_statistics_check(made, NULL), LCAL_OK);
  lcal_statistics_destroy(made);
}

static void new_statistics_are_empty(void **state) {
  (void)state;
  lcal_statistics *made = statistics(1024);
  for (size_t i = 0; i < 1024u * 1024; i++) {
    assert_true(made->sum[i] == 0);
  }
  for (size_t k = 0; k < 1024; k++) {
    assert_true(made->weight[k] == 0 && made->count[k] == 0);
  }
  assert_true(made->frames == 0 && made->pixels == 0);
  lcal_statistics_destroy(made);
}

static void statistics_add(void **state) {
  (void)state;
  lcal_statistics *a = sample(1), *b = sample(4), *sum = statistics(3);
  lcal_statistics_copy(sum, a);
  lcal_statistics_add(sum, b, 1);
  for (size_t i = 0; i < 9; i++) {
    assert_true(sum->sum[i] == a->sum[i] + b->sum[i]);
  }
  for (size_t k = 0; k < 3; k++) {
    assert_true(sum->weight[k] == a->weight[k] + b->weight[k]);
    assert_int_equal(sum->count[k], a->count[k] + b->count[k]);
  }
  assert_int_equal(sum->frames, 5);
  assert_int_equal(sum->pixels, a->pixels + b->pixels);
  lcal_statistics_destroy(a);
  lcal_statistics_destroy(b);
  lcal_statistics_destroy(sum);
}

static void decay_touches_sums_and_weights_but_no_total(void **state) {
  (void)state;
  lcal_statistics *a = sample(3), *b = sample(2), *sum = statistics(3);
  lcal_statistics_copy(sum, a);
  lcal_statistics_add(sum, b, 0.25);
  for (size_t i = 0; i < 9; i++) {
    assert_true(sum->sum[i] == 0.25 * a->sum[i] + b->sum[i]);
  }
  for (size_t k = 0; k < 3; k++) {
    assert_true(sum->weight[k] == 0.25 * a->weight[k] + b->weight[k]);
    assert_int_equal(sum->count[k], a->count[k] + b->count[k]);
  }
  assert_int_equal(sum->frames, 5);
  assert_int_equal(sum->pixels, a->pixels + b->pixels);
  lcal_statistics_destroy(a);
  lcal_statistics_destroy(b);
  lcal_statistics_destroy(sum);
}

static void reset_of_a_class_forgets_that_class_alone(void **state) {
  (void)state;
  lcal_statistics *before = sample(3), *after = sample(3);
  lcal_statistics_reset_class(after, 1);
  for (size_t i = 0; i < 9; i++) {
    assert_true(after->sum[i] == (i / 3 == 1 ? 0 : before->sum[i]));
  }
  assert_true(after->weight[0] == before->weight[0] && after->weight[1] == 0);
  assert_true(after->count[2] == before->count[2] && after->count[1] == 0);
  assert_int_equal(after->pixels, before->pixels - before->count[1]);
  assert_int_equal(after->frames, before->frames);
  after->pixels = 1; /* statistics from elsewhere may not add up: no wrap below 0 */
  lcal_statistics_reset_class(after, 2);
  assert_int_equal(after->pixels, 0);
  lcal_statistics_destroy(before);
  lcal_statistics_destroy(after);
}

static void clear_forgets_everything(void **state) {
  (void)state;
  lcal_statistics *made = sample(3), *empty = statistics(3);
  lcal_statistics_clear(made);
  assert_memory_equal(made->sum, empty->sum, 9 * sizeof(double));
  assert_memory_equal(made->weight, empty->weight, 3 * sizeof(double));
  assert_memory_equal(made->count, empty->count, 3 * sizeof(uint64_t));
  assert_true(made->frames == 0 && made->pixels == 0);
  lcal_statistics_destroy(made);
  lcal_statistics_destroy(empty);
}

static void a_class_up_to_min_weight_has_a_one_hot_prototype(void **state) {
  (void)state;
  lcal_statistics *made = statistics(3);
  double mu[9];
  made->weight[0] = 1e-9; /* at the limit: still one-hot */
  made->sum[0] = 5e-10;
  made->sum[1] = 5e-10;
  made->weight[1] = 4;
  made->sum[3] = 1;
  made->sum[4] = 3;
  lcal_statistics_prototypes(made, 1e-9, mu);
  static const double expected[9] = {1, 0, 0, 0.25, 0.75, 0, 0, 0, 1};
  assert_memory_equal(mu, expected, sizeof mu);
  lcal_statistics_prototypes(made, 1e-10, mu);
  assert_true(mu[0] == 0.5 && mu[1] == 0.5 && mu[2] == 0);
  lcal_statistics_destroy(made);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(class_counts_out_of_range_are_refused),
      cmocka_unit_test(destroy_takes_null),
      cmocka_unit_test(values_that_are_not_finite_or_negative_are_named),
      cmocka_unit_test(good_statistics_pass_the_check),
      cmocka_unit_test(new_statistics_are_empty),
      cmocka_unit_test(statistics_add),
      cmocka_unit_test(decay_touches_sums_and_weights_but_no_total),
      cmocka_unit_test(reset_of_a_class_forgets_that_class_alone),
      cmocka_unit_test(clear_forgets_everything),
      cmocka_unit_test(a_class_up_to_min_weight_has_a_one_hot_prototype),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
