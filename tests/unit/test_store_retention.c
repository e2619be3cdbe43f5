/* Which generations stay. Times are UTC: hours and days of 1970-01-01 onwards. */
#include "store/retention.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Generations newest first, made at these minutes since 1970; the ones kept, as a string of
 * letters from 'a', the newest. */
static const char *kept(const uint64_t *minutes, size_t count, uint32_t keep, uint32_t hourly,
                        uint32_t daily) {
  static char letters[32];
  struct lcal__generation *generations = calloc(count + 1, sizeof *generations);
  size_t length = 0;
  assert_non_null(generations);
  for (size_t i = 0; i < count; i++) {
    generations[i] = (struct lcal__generation){
        .number = 100 - i, .created_ns = minutes[i] * 60000000000u, .keep = true};
  }
  lcal__retain(generations, count, &(struct lcal__retention){keep, hourly, daily});
  for (size_t i = 0; i < count; i++) {
    if (generations[i].keep) {
      letters[length++] = (char)('a' + i);
    }
  }
  letters[length] = '\0';
  free(generations);
  return letters;
}

#define KEPT(minutes, keep, hourly, daily)                                                         \
  kept(minutes, sizeof(minutes) / sizeof *(minutes), keep, hourly, daily)
#define DAY (24 * 60)

static void nothing_is_fine(void **state) {
  (void)state;
  assert_string_equal(kept(NULL, 0, 3, 3, 3), "");
}

static void newest_is_kept_whatever_the_settings(void **state) {
  (void)state;
  static const uint64_t minutes[] = {500, 400, 300};
  assert_string_equal(KEPT(minutes, 0, 0, 0), "a");
  assert_string_equal(KEPT(minutes, 1, 0, 0), "a");
}

static void newest_ones_are_kept(void **state) {
  (void)state;
  static const uint64_t minutes[] = {505, 504, 503, 502, 501};
  assert_string_equal(KEPT(minutes, 3, 0, 0), "abc");
  assert_string_equal(KEPT(minutes, 5, 0, 0), "abcde");
  assert_string_equal(KEPT(minutes, 4000000000u, 0, 0), "abcde");
}

static void newest_of_each_hour_that_has_one_is_kept(void **state) {
  (void)state;
  /* Hours 10, 10, 9 (its last and first minute), 7, 7, 2. */
  static const uint64_t minutes[] = {10 * 60 + 1, 10 * 60, 9 * 60 + 59, 9 * 60,
                                     7 * 60 + 5,  7 * 60,  2 * 60};
  assert_string_equal(KEPT(minutes, 1, 1, 0), "a");
  assert_string_equal(KEPT(minutes, 1, 2, 0), "ac");
  assert_string_equal(KEPT(minutes, 1, 3, 0), "ace");
  assert_string_equal(KEPT(minutes, 1, 4, 0), "aceg");
  assert_string_equal(KEPT(minutes, 1, 100, 0), "aceg");
  assert_string_equal(KEPT(minutes, 2, 2, 0), "abc");
}

static void newest_of_each_day_that_has_one_is_kept(void **state) {
  (void)state;
  static const uint64_t minutes[] = {9 * DAY + 1, 9 * DAY,       9 * DAY - 1,
                                     8 * DAY,     5 * DAY + 700, 5 * DAY};
  assert_string_equal(KEPT(minutes, 1, 0, 1), "a");
  assert_string_equal(KEPT(minutes, 1, 0, 2), "ac");
  assert_string_equal(KEPT(minutes, 1, 0, 7), "ace");
  /* Hours and days together: of day 8, hours 23 and 0. */
  assert_string_equal(KEPT(minutes, 1, 3, 3), "acde");
}

static void hours_of_a_clock_that_stepped_back_are_taken_by_number(void **state) {
  (void)state;
  /* The clock said hour 50 for a while, then was set back to hour 10. */
  static const uint64_t minutes[] = {10 * 60 + 9, 10 * 60 + 8, 50 * 60 + 2,
                                     50 * 60 + 1, 10 * 60 + 7, 9 * 60};
  assert_string_equal(KEPT(minutes, 1, 2, 0), "ac");
  assert_string_equal(KEPT(minutes, 1, 3, 0), "acf"); /* e is of an hour whose newest is a */
}

static void the_defaults_over_a_month_of_minutes_keep_few(void **state) {
  (void)state;
  enum { COUNT = 30 * DAY };
  struct lcal__generation *generations = calloc(COUNT, sizeof *generations);
  assert_non_null(generations);
  for (size_t i = 0; i < COUNT; i++) {
    generations[i].created_ns = (uint64_t)(COUNT - 1 - i) * 60000000000u;
  }
  lcal__retain(generations, COUNT, &(struct lcal__retention){10, 24, 7});
  size_t left = 0;
  for (size_t i = 0; i < COUNT; i++) {
    left += generations[i].keep;
  }
  /* 10 newest (one is the hour's), 23 more hours, and 6 more days' last minutes, of which the
   * last day's is its last hour's too. */
  assert_int_equal(left, 10 + 23 + 6);
  free(generations);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_fine),
      cmocka_unit_test(newest_is_kept_whatever_the_settings),
      cmocka_unit_test(newest_ones_are_kept),
      cmocka_unit_test(newest_of_each_hour_that_has_one_is_kept),
      cmocka_unit_test(newest_of_each_day_that_has_one_is_kept),
      cmocka_unit_test(hours_of_a_clock_that_stepped_back_are_taken_by_number),
      cmocka_unit_test(the_defaults_over_a_month_of_minutes_keep_few),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
