/* Domains: commits in two halves, forgetting, changes, and windows that survive a restart. */
#include <labelcal/domain.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define C      3u
#define SECOND 1000000000ull

static lcal_adaptation adaptation(lcal_forgetting forgetting) {
  lcal_adaptation made;
  lcal_adaptation_default(&made);
  made.forgetting = forgetting;
  return made;
}

static lcal_domain *domain(const lcal_adaptation *settings) {
  lcal_domain *made = NULL;
  assert_int_equal(lcal_domain_create(&made, C, settings, NULL), LCAL_OK);
  lcal_domain_rebuild(made, settings);
  return made;
}

/* One frame's statistics, whole numbers that differ by `seed`, so that sums are exact. */
static lcal_statistics *frame(unsigned seed) {
  lcal_statistics *made = NULL;
  assert_int_equal(lcal_statistics_create(&made, C, NULL), LCAL_OK);
  for (unsigned i = 0; i < C * C; i++) {
    made->sum[i] = seed * 10 + i;
  }
  for (unsigned k = 0; k < C; k++) {
    made->weight[k] = 3 * made->sum[k * C];
    made->count[k] = seed + k;
    made->pixels += seed + k;
  }
  made->frames = 1;
  return made;
}

static void commit(lcal_domain *to, const lcal_adaptation *settings, unsigned seed) {
  lcal_statistics *one = frame(seed);
  lcal_domain_prepare(to, settings, one, 0);
  assert_false(lcal_domain_install(to));
  lcal_statistics_destroy(one);
}

/* S and w are those of frames first .. last added; n, frames and pixels of all up to `total`. */
static void holds_frames(const lcal_domain *from, unsigned first, unsigned last, unsigned total) {
  const lcal_statistics *got = lcal_domain_statistics(from);
  lcal_statistics *sums = NULL, *totals = NULL;
  assert_int_equal(lcal_statistics_create(&sums, C, NULL), LCAL_OK);
  assert_int_equal(lcal_statistics_create(&totals, C, NULL), LCAL_OK);
  for (unsigned seed = 1; seed <= total; seed++) {
    lcal_statistics *one = frame(seed);
    lcal_statistics_add(totals, one, 1);
    if (seed >= first && seed <= last) {
      lcal_statistics_add(sums, one, 1);
    }
    lcal_statistics_destroy(one);
  }
  assert_memory_equal(got->sum, sums->sum, C * C * sizeof(double));
  assert_memory_equal(got->weight, sums->weight, C * sizeof(double));
  assert_memory_equal(got->count, totals->count, C * sizeof(uint64_t));
  assert_int_equal(got->frames, totals->frames);
  assert_int_equal(got->pixels, totals->pixels);
  lcal_statistics_destroy(sums);
  lcal_statistics_destroy(totals);
}

static void domains_that_cannot_be_are_refused(void **state) {
  (void)state;
  lcal_domain *made = NULL;
  lcal_error error = {0};
  lcal_adaptation settings = adaptation(LCAL_WINDOW);
  settings.window = 0;
  assert_int_equal(lcal_domain_create(&made, C, &settings, &error), LCAL_ARGUMENT);
  assert_non_null(strstr(error.message, "0 frames"));
  settings = adaptation(LCAL_EMA);
  assert_int_equal(lcal_domain_create(&made, 1, &settings, &error), LCAL_ARGUMENT);
  assert_null(made);
  lcal_domain_destroy(made);
}

static void the_defaults_are_those_of_the_configuration(void **state) {
  (void)state;
  lcal_adaptation made;
  lcal_adaptation_default(&made);
  assert_string_equal(made.rule->name, "euclidean");
  assert_int_equal(made.order, LCAL_PREDICT_FIRST);
  assert_int_equal(made.forgetting, LCAL_EMA);
  assert_int_equal(made.unit, LCAL_FRAMES);
  assert_true(made.half_life == 3000 && made.window == 500 && made.min_weight == 1e-9);
  assert_true(made.warmup_frames == 0 && made.sum_tolerance == 0.01 && !made.protect);
}

static void bytes_of_a_window_count_every_node(void **state) {
  (void)state;
  assert_int_equal(lcal_domain_window_bytes(3, 1), (9 + 3) * 8 + 3 * 8);
  assert_int_equal(lcal_domain_window_bytes(19, 500), 999 * (361 + 19) * 8 + 500 * 19 * 8);
  assert_true(lcal_domain_window_bytes(1024, UINT32_MAX) ==
              2 * (size_t)UINT32_MAX * 1049600 * 8 - 1049600 * 8 + (size_t)UINT32_MAX * 8192);
}

static void a_new_domain_is_empty_and_labels_by_one_hot_prototypes(void **state) {
  (void)state;
  lcal_adaptation settings = adaptation(LCAL_CUMULATIVE);
  lcal_domain *made = domain(&settings);
  holds_frames(made, 1, 0, 0);
  assert_int_equal(lcal_domain_version(made), 0);
  assert_int_equal(lcal_domain_stamp(made), 0);
  const lcal_coefficients *coefficients = lcal_domain_coefficients(made);
  static const float a[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  assert_memory_equal(coefficients->a, a, sizeof a);
  assert_ptr_equal(coefficients->rule, settings.rule);
  lcal_domain_destroy(made);
}

static void prepare_changes_nothing_that_is_current(void **state) {
  (void)state;
  for (int forgetting = LCAL_CUMULATIVE; forgetting <= LCAL_WINDOW; forgetting++) {
    lcal_adaptation settings = adaptation((lcal_forgetting)forgetting);
    settings.window = 2;
    settings.half_life = INFINITY;
    lcal_domain *made = domain(&settings);
    commit(made, &settings, 1);
    const lcal_coefficients *before = lcal_domain_coefficients(made);
    lcal_statistics *other = frame(9), *right = frame(2);
    lcal_domain_prepare(made, &settings, other, 5 * SECOND); /* dropped by the owner */
    holds_frames(made, 1, 1, 1);
    assert_ptr_equal(lcal_domain_coefficients(made), before);
    assert_int_equal(lcal_domain_version(made), 1);
    assert_int_equal(lcal_domain_stamp(made), 0);
    assert_int_equal(lcal_domain_prepared(made)->version, 2);
    lcal_domain_prepare(made, &settings, right, 7 * SECOND);
    const lcal_coefficients *prepared = lcal_domain_prepared(made);
    lcal_domain_install(made);
    holds_frames(made, 1, 2, 2);
    assert_ptr_equal(lcal_domain_coefficients(made), prepared);
    assert_int_equal(lcal_domain_coefficients(made)->version, 2);
    assert_int_equal(lcal_domain_version(made), 2);
    assert_int_equal(lcal_domain_stamp(made), 7 * SECOND);
    lcal_statistics_destroy(other);
    lcal_statistics_destroy(right);
    lcal_domain_destroy(made);
  }
}

static void prepared_coefficients_are_those_of_the_next_statistics(void **state) {
  (void)state;
  lcal_adaptation settings = adaptation(LCAL_CUMULATIVE);
  lcal_domain *made = domain(&settings);
  commit(made, &settings, 4);
  const lcal_coefficients *got = lcal_domain_coefficients(made);
  const lcal_statistics *statistics = lcal_domain_statistics(made);
  double mu[9];
  lcal_statistics_prototypes(statistics, 1e-9, mu);
  for (size_t i = 0; i < 9; i++) {
    assert_true(got->a[i] == (float)mu[i]);
  }
  lcal_domain_destroy(made);
}

static void ema_halves_sums_but_no_total(void **state) {
  (void)state;
  lcal_adaptation settings = adaptation(LCAL_EMA);
  settings.half_life = 1;
  lcal_domain *made = domain(&settings);
  commit(made, &settings, 2);
  commit(made, &settings, 3);
  const lcal_statistics *got = lcal_domain_statistics(made);
  assert_true(got->sum[4] == 24.0 / 2 + 34);
  assert_true(got->weight[1] == 3 * (23.0 / 2 + 33));
  assert_true(got->count[1] == 7 && got->frames == 2 && got->pixels == 9 + 12);
  lcal_domain_destroy(made);
}

static double decay_between(uint64_t first, uint64_t second, int *jumped) {
  lcal_adaptation settings = adaptation(LCAL_EMA);
  settings.unit = LCAL_SECONDS;
  settings.half_life = 2;
  lcal_domain *made = domain(&settings);
  lcal_statistics *one = frame(1), *none = frame(1);
  lcal_statistics_clear(none);
  lcal_domain_prepare(made, &settings, one, first);
  assert_false(lcal_domain_install(made));
  lcal_domain_prepare(made, &settings, none, second);
  *jumped = lcal_domain_install(made);
  double keep = lcal_domain_statistics(made)->sum[0] / one->sum[0];
  assert_int_equal(lcal_domain_stamp(made), *jumped || second > first ? second : first);
  lcal_statistics_destroy(one);
  lcal_statistics_destroy(none);
  lcal_domain_destroy(made);
  return keep;
}

static void ema_by_seconds_follows_the_senders_clock(void **state) {
  (void)state;
  const uint64_t start = 1700000000ull * SECOND;
  int jumped;
  assert_true(decay_between(start, start + 600 * SECOND + 1, &jumped) == 1 && jumped);
  assert_true(decay_between(start, start - 600 * SECOND - 1, &jumped) == 1 && jumped);
  assert_true(decay_between(start, 0, &jumped) == 1 && jumped);
  assert_true(decay_between(start, UINT64_MAX, &jumped) == 1 && jumped);
  assert_true(decay_between(start, start - 600 * SECOND, &jumped) == 1 && !jumped);
  assert_true(decay_between(start, start, &jumped) == 1 && !jumped);
  assert_true(decay_between(start, start + 2 * SECOND, &jumped) == 0.5 && !jumped);
  assert_true(decay_between(start, start + 600 * SECOND, &jumped) == 0x1p-300 && !jumped);
}

static void only_forgetting_by_the_clock_sees_it_jump(void **state) {
  (void)state;
  for (int forgetting = LCAL_CUMULATIVE; forgetting <= LCAL_WINDOW; forgetting++) {
    lcal_adaptation settings = adaptation((lcal_forgetting)forgetting);
    lcal_domain *made = domain(&settings);
    lcal_statistics *one = frame(1);
    lcal_domain_prepare(made, &settings, one, 5000 * SECOND);
    lcal_domain_install(made);
    lcal_domain_prepare(made, &settings, one, 1);
    assert_false(lcal_domain_install(made));
    lcal_statistics_destroy(one);
    lcal_domain_destroy(made);
  }
}

static void a_window_holds_exactly_the_last_frames(void **state) {
  (void)state;
  for (unsigned window = 1; window <= 9; window++) {
    lcal_adaptation settings = adaptation(LCAL_WINDOW);
    settings.window = window;
    lcal_domain *made = domain(&settings);
    for (unsigned seed = 1; seed <= 25; seed++) {
      commit(made, &settings, seed);
      unsigned first = seed > window ? seed - window + 1 : 1;
      holds_frames(made, first, seed, seed);
      assert_int_equal(lcal_domain_window_count(made), seed - first + 1);
      for (unsigned i = 0; i <= seed - first; i++) {
        uint32_t slot = UINT32_MAX;
        const lcal_statistics *set = lcal_domain_window_set(made, i, &slot);
        lcal_statistics *one = frame(first + i);
        assert_memory_equal(set->sum, one->sum, C * C * sizeof(double));
        assert_memory_equal(set->weight, one->weight, C * sizeof(double));
        assert_memory_equal(set->count, one->count, C * sizeof(uint64_t));
        assert_int_equal(slot, (first + i - 1) % window);
        lcal_statistics_destroy(one);
      }
      assert_null(lcal_domain_window_set(made, seed - first + 1, NULL));
    }
    lcal_domain_destroy(made);
  }
}

static void only_windows_have_sets(void **state) {
  (void)state;
  lcal_adaptation settings = adaptation(LCAL_EMA);
  lcal_domain *made = domain(&settings);
  commit(made, &settings, 1);
  assert_int_equal(lcal_domain_window_count(made), 0);
  assert_null(lcal_domain_window_set(made, 0, NULL));
  lcal_domain_destroy(made);
}

static void reset_forgets_all_and_counts_the_version(void **state) {
  (void)state;
  for (int forgetting = LCAL_CUMULATIVE; forgetting <= LCAL_WINDOW; forgetting++) {
    lcal_adaptation settings = adaptation((lcal_forgetting)forgetting);
    settings.window = 3;
    lcal_domain *made = domain(&settings);
    commit(made, &settings, 5);
    lcal_domain_set_stamp(made, 77);
    lcal_domain_reset(made);
    holds_frames(made, 1, 0, 0);
    assert_int_equal(lcal_domain_version(made), 2);
    assert_int_equal(lcal_domain_stamp(made), 0);
    assert_int_equal(lcal_domain_window_count(made), 0);
    commit(made, &settings, 1);
    holds_frames(made, 1, 1, 1);
    lcal_domain_destroy(made);
  }
}

static void reset_of_a_class_reaches_every_set_of_a_window(void **state) {
  (void)state;
  lcal_adaptation settings = adaptation(LCAL_WINDOW);
  settings.window = 4;
  lcal_domain *made = domain(&settings);
  for (unsigned seed = 1; seed <= 6; seed++) {
    commit(made, &settings, seed);
  }
  lcal_domain_reset_class(made, 1);
  assert_int_equal(lcal_domain_version(made), 7);
  for (unsigned seed = 7; seed <= 9; seed++) {
    const lcal_statistics *got = lcal_domain_statistics(made);
    double sum = 0, other = 0;
    for (unsigned in = seed - 4; in < seed; in++) {
      sum += in >= 7 ? in * 10 + 4 : 0;
      other += in * 10 + 8;
    }
    assert_true(got->sum[4] == sum && got->sum[8] == other);
    assert_true((got->weight[1] == 0) == (sum == 0));
    commit(made, &settings, seed);
  }
  assert_int_equal(lcal_domain_statistics(made)->count[1], 8 + 9 + 10);
  assert_int_equal(lcal_domain_window_set(made, 0, NULL)->count[1], 0);
  lcal_domain_destroy(made);
}

static void replace_makes_one_set_the_whole(void **state) {
  (void)state;
  for (int forgetting = LCAL_CUMULATIVE; forgetting <= LCAL_WINDOW; forgetting++) {
    lcal_adaptation settings = adaptation((lcal_forgetting)forgetting);
    settings.window = 3;
    settings.half_life = INFINITY;
    lcal_domain *made = domain(&settings);
    for (unsigned seed = 5; seed <= 9; seed++) {
      commit(made, &settings, seed);
    }
    lcal_statistics *one = frame(1);
    lcal_domain_replace(made, one);
    lcal_domain_rebuild(made, &settings);
    holds_frames(made, 1, 1, 1);
    assert_int_equal(lcal_domain_version(made), 6);
    assert_int_equal(lcal_domain_coefficients(made)->version, 6);
    assert_int_equal(lcal_domain_window_count(made), forgetting == LCAL_WINDOW ? 1 : 0);
    for (unsigned seed = 2; seed <= 4; seed++) {
      commit(made, &settings, seed);
    }
    /* In a window of three it was the oldest set, and is gone. */
    holds_frames(made, forgetting == LCAL_WINDOW ? 2 : 1, 4, 4);
    lcal_statistics_destroy(one);
    lcal_domain_destroy(made);
  }
}

static void add_puts_a_set_before_the_oldest_until_the_window_is_full(void **state) {
  (void)state;
  lcal_adaptation settings = adaptation(LCAL_WINDOW);
  settings.window = 4;
  lcal_domain *made = domain(&settings);
  commit(made, &settings, 3);
  commit(made, &settings, 4);
  for (unsigned seed = 2; seed >= 1; seed--) {
    lcal_statistics *one = frame(seed);
    lcal_domain_add(made, one);
    lcal_statistics_destroy(one);
  }
  holds_frames(made, 1, 4, 4);
  assert_int_equal(lcal_domain_window_count(made), 4);
  assert_true(lcal_domain_window_set(made, 0, NULL)->sum[0] == 10);
  assert_true(lcal_domain_window_set(made, 1, NULL)->sum[0] == 20);
  /* Full: added to the oldest, with which it leaves. */
  lcal_statistics *more = frame(5);
  lcal_domain_add(made, more);
  lcal_statistics_destroy(more);
  holds_frames(made, 1, 5, 5);
  assert_int_equal(lcal_domain_window_count(made), 4);
  assert_true(lcal_domain_window_set(made, 0, NULL)->sum[0] == 60);
  assert_int_equal(lcal_domain_window_set(made, 0, NULL)->count[0], 6);
  commit(made, &settings, 6);
  assert_true(lcal_domain_statistics(made)->sum[0] == 20 + 30 + 40 + 60);
  assert_int_equal(lcal_domain_version(made), 6);
  lcal_domain_destroy(made);
}

static void add_grows_the_sums_of_other_forgetting(void **state) {
  (void)state;
  lcal_adaptation settings = adaptation(LCAL_EMA);
  settings.half_life = INFINITY;
  lcal_domain *made = domain(&settings);
  commit(made, &settings, 1);
  lcal_statistics *one = frame(2);
  lcal_domain_add(made, one);
  holds_frames(made, 1, 2, 2);
  assert_int_equal(lcal_domain_version(made), 2);
  lcal_statistics_destroy(one);
  lcal_domain_destroy(made);
}

/* Restores `made` in a new domain of `window` frames. */
static lcal_domain *restored(const lcal_domain *made, const lcal_adaptation *settings) {
  const lcal_statistics *sets[16];
  uint32_t slots[16];
  uint32_t count = lcal_domain_window_count(made);
  for (uint32_t i = 0; i < count; i++) {
    sets[i] = lcal_domain_window_set(made, i, &slots[i]);
  }
  lcal_domain *again = domain(settings);
  lcal_domain_restore_window(again, lcal_domain_statistics(made), sets, slots, count);
  assert_int_equal(lcal_domain_version(again), 0);
  return again;
}

static void a_restored_window_goes_on_with_the_same_bits(void **state) {
  (void)state;
  for (unsigned frames = 0; frames <= 12; frames++) {
    lcal_adaptation settings = adaptation(LCAL_WINDOW);
    settings.window = 5;
    lcal_domain *made = domain(&settings);
    for (unsigned seed = 1; seed <= frames; seed++) {
      commit(made, &settings, seed);
    }
    lcal_domain *again = restored(made, &settings);
    for (unsigned seed = 20; seed < 27; seed++) {
      const lcal_statistics *one = lcal_domain_statistics(made);
      const lcal_statistics *other = lcal_domain_statistics(again);
      assert_memory_equal(one->sum, other->sum, C * C * sizeof(double));
      assert_memory_equal(one->weight, other->weight, C * sizeof(double));
      assert_memory_equal(one->count, other->count, C * sizeof(uint64_t));
      assert_true(one->frames == other->frames && one->pixels == other->pixels);
      assert_int_equal(lcal_domain_window_count(made), lcal_domain_window_count(again));
      if (seed > 20) {
        uint32_t slot, same;
        lcal_domain_window_set(made, 0, &slot);
        lcal_domain_window_set(again, 0, &same);
        assert_int_equal(slot, same);
      }
      commit(made, &settings, seed);
      commit(again, &settings, seed);
    }
    lcal_domain_destroy(made);
    lcal_domain_destroy(again);
  }
}

static void a_smaller_window_takes_the_newest_sets(void **state) {
  (void)state;
  lcal_adaptation settings = adaptation(LCAL_WINDOW);
  settings.window = 7;
  lcal_domain *made = domain(&settings);
  for (unsigned seed = 1; seed <= 10; seed++) {
    commit(made, &settings, seed);
  }
  settings.window = 3;
  lcal_domain *again = restored(made, &settings);
  holds_frames(again, 8, 10, 10);
  assert_int_equal(lcal_domain_window_count(again), 3);
  commit(again, &settings, 11);
  holds_frames(again, 9, 11, 11);
  lcal_domain_destroy(again);
  settings.window = 16;
  again = restored(made, &settings);
  holds_frames(again, 4, 10, 10);
  commit(again, &settings, 11);
  holds_frames(again, 4, 11, 11);
  lcal_domain_destroy(again);
  lcal_domain_destroy(made);
}

static void versions_go_on_from_where_they_are_set(void **state) {
  (void)state;
  lcal_adaptation settings = adaptation(LCAL_CUMULATIVE);
  lcal_domain *made = domain(&settings);
  lcal_domain_set_version(made, 41);
  assert_int_equal(lcal_domain_coefficients(made)->version, 41);
  commit(made, &settings, 1);
  assert_int_equal(lcal_domain_version(made), 42);
  lcal_domain_destroy(made);
}

static void rebuild_takes_over_new_settings(void **state) {
  (void)state;
  static const uint8_t protect[C] = {0, 0, 1};
  lcal_adaptation settings = adaptation(LCAL_CUMULATIVE);
  lcal_domain *made = domain(&settings);
  commit(made, &settings, 1);
  settings.rule = lcal_rule_find("kl", 2);
  settings.protect = protect;
  settings.sum_tolerance = 0.2;
  lcal_domain_rebuild(made, &settings);
  const lcal_coefficients *got = lcal_domain_coefficients(made);
  assert_string_equal(got->rule->name, "kl");
  assert_true(got->protect[2] == 1 && got->tolerance[LCAL_F32] == 0.2);
  assert_int_equal(got->version, 1);
  lcal_domain_destroy(made);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(domains_that_cannot_be_are_refused),
      cmocka_unit_test(the_defaults_are_those_of_the_configuration),
      cmocka_unit_test(bytes_of_a_window_count_every_node),
      cmocka_unit_test(a_new_domain_is_empty_and_labels_by_one_hot_prototypes),
      cmocka_unit_test(prepare_changes_nothing_that_is_current),
      cmocka_unit_test(prepared_coefficients_are_those_of_the_next_statistics),
      cmocka_unit_test(ema_halves_sums_but_no_total),
      cmocka_unit_test(ema_by_seconds_follows_the_senders_clock),
      cmocka_unit_test(only_forgetting_by_the_clock_sees_it_jump),
      cmocka_unit_test(a_window_holds_exactly_the_last_frames),
      cmocka_unit_test(only_windows_have_sets),
      cmocka_unit_test(reset_forgets_all_and_counts_the_version),
      cmocka_unit_test(reset_of_a_class_reaches_every_set_of_a_window),
      cmocka_unit_test(replace_makes_one_set_the_whole),
      cmocka_unit_test(add_puts_a_set_before_the_oldest_until_the_window_is_full),
      cmocka_unit_test(add_grows_the_sums_of_other_forgetting),
      cmocka_unit_test(a_restored_window_goes_on_with_the_same_bits),
      cmocka_unit_test(a_smaller_window_takes_the_newest_sets),
      cmocka_unit_test(versions_go_on_from_where_they_are_set),
      cmocka_unit_test(rebuild_takes_over_new_settings),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
