/* What labelcal soak takes for wrong. */
#include "cli/soak_judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* The daemon's counters of a camera that gave 10 numbers. */
static json_t *streams_of(int labelled, int dropped, int refused, int lost) {
  return json_pack("{s:[{s:s},{s:s,s:i,s:i,s:i,s:i}]}", "streams", "name", "other", "name",
                   "soak-0", "labelled", labelled, "dropped", dropped, "refused", refused, "lost",
                   lost);
}

static void assert_sum(json_t *streams, uint64_t redials, int64_t swallowed, int adds_up) {
  const soak_camera camera = {.stream = "soak-0", .numbers = 10, .redials = redials};
  assert_int_equal(soak_swallowed(&camera, streams), swallowed);
  assert_int_equal(soak_adds_up(&camera, streams), adds_up);
  json_decref(streams);
}

static void a_frame_that_no_counter_has_is_wrong_over_an_unbroken_connection(void **state) {
  (void)state;
  assert_sum(streams_of(5, 2, 1, 1), 0, 1, 0);
  assert_sum(json_object(), 0, 10, 0);
}

static void a_frame_that_was_never_sent_is_wrong_whatever_the_connection(void **state) {
  (void)state;
  assert_sum(streams_of(8, 2, 1, 0), 0, -1, 0);
  assert_sum(streams_of(8, 2, 1, 0), 5, -1, 0);
}

static void a_redial_may_swallow_what_was_on_its_way_and_no_more(void **state) {
  (void)state;
  assert_sum(streams_of(5, 2, 1, 0), 1, 2, 1);
  assert_sum(streams_of(5, 1, 1, 0), 1, 3, 0);
}

static void a_sum_that_holds_is_right(void **state) {
  (void)state;
  assert_sum(streams_of(5, 2, 1, 2), 0, 0, 1);
}

/* Samples in MiB. */
static int grew(const unsigned *mib, size_t count) {
  soak_samples samples = {0};
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(soak_sample(&samples, (uint64_t)mib[i] << 20, NULL), LCAL_OK);
  }
  int result = soak_grew(&samples);
  free(samples.bytes);
  return result;
}

static void memory_that_goes_on_growing_is_told_and_its_first_growth_is_not(void **state) {
  (void)state;
  static const unsigned leaking[] = {50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150, 160};
  static const unsigned filling[] = {50, 200, 300, 300, 310, 300, 300, 320, 300, 300, 310, 300};
  static const unsigned peak[] = {50, 60, 60, 60, 60, 60, 60, 60, 60, 400, 60, 60};
  assert_true(grew(leaking, 12));
  assert_false(grew(filling, 12));
  assert_false(grew(peak, 12));
  assert_false(grew(leaking, 3));
}

static void many_samples_are_all_kept(void **state) {
  (void)state;
  soak_samples samples = {0};
  for (uint64_t i = 0; i < 1000; i++) {
    assert_int_equal(soak_sample(&samples, i, NULL), LCAL_OK);
  }
  assert_int_equal(samples.count, 1000);
  assert_int_equal(samples.bytes[999], 999);
  free(samples.bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_frame_that_no_counter_has_is_wrong_over_an_unbroken_connection),
      cmocka_unit_test(a_frame_that_was_never_sent_is_wrong_whatever_the_connection),
      cmocka_unit_test(a_redial_may_swallow_what_was_on_its_way_and_no_more),
      cmocka_unit_test(a_sum_that_holds_is_right),
      cmocka_unit_test(memory_that_goes_on_growing_is_told_and_its_first_growth_is_not),
      cmocka_unit_test(many_samples_are_all_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
