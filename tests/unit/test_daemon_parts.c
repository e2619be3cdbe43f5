/* The small pure parts of the frame's way: sequences, latencies, jobs and the clock. */
#include "daemon/daemon.h"
#include "daemon/job.h"
#include "daemon/sequence.h"
#include "daemon/streams.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* ---- Sequences. */

static enum sequence_step compare(uint64_t last, uint64_t seq, uint64_t wanted_lost) {
  uint64_t lost = 99;
  const enum sequence_step step = sequence_compare(last, seq, &lost);
  assert_int_equal(lost, wanted_lost);
  return step;
}

static void frames_between_are_lost(void **state) {
  (void)state;
  assert_int_equal(compare(5, 6, 0), SEQUENCE_NEXT);
  assert_int_equal(compare(5, 7, 1), SEQUENCE_GAP);
  assert_int_equal(compare(5, 5 + (1ull << 31), (1ull << 31) - 1), SEQUENCE_GAP);
}

static void equal_number_is_a_duplicate(void **state) {
  (void)state;
  assert_int_equal(compare(5, 5, 0), SEQUENCE_DUPLICATE);
  assert_int_equal(compare(UINT64_MAX, UINT64_MAX, 0), SEQUENCE_DUPLICATE);
}

static void smaller_number_or_a_jump_is_a_restart(void **state) {
  (void)state;
  assert_int_equal(compare(5, 4, 0), SEQUENCE_RESTART);
  assert_int_equal(compare(UINT64_MAX, 0, 0), SEQUENCE_RESTART);
  assert_int_equal(compare(5, 6 + (1ull << 31), 0), SEQUENCE_RESTART);
}

static void each_connection_and_stream_is_followed_by_itself(void **state) {
  (void)state;
  const struct stream a = {.named = true}, b = {.named = true};
  struct sequences *sequences = sequences_create();
  uint64_t lost;
  for (uint32_t connection = 0; connection < 40; connection++) {
    assert_int_equal(sequences_follow(sequences, connection, &a, 10, &lost), SEQUENCE_FIRST);
    assert_int_equal(sequences_follow(sequences, connection, &b, 20, &lost), SEQUENCE_FIRST);
  }
  assert_int_equal(sequences_follow(sequences, 7, &a, 12, &lost), SEQUENCE_GAP);
  assert_int_equal(lost, 1);
  assert_int_equal(sequences_follow(sequences, 8, &b, 21, &lost), SEQUENCE_NEXT);
  sequences_forget_stream(sequences, &a);
  assert_int_equal(sequences_follow(sequences, 7, &a, 12, &lost), SEQUENCE_FIRST);
  assert_int_equal(sequences_follow(sequences, 7, &b, 21, &lost), SEQUENCE_NEXT);
  sequences_destroy(sequences);
}

static void connection_that_is_gone_is_forgotten(void **state) {
  (void)state;
  const struct stream stream = {.named = true};
  struct sequences *sequences = sequences_create();
  uint64_t lost;
  for (uint32_t connection = 1; connection <= 3; connection++) {
    sequences_follow(sequences, connection, &stream, 1, &lost);
  }
  sequences_forget_connection(sequences, 1);
  sequences_forget_connection(sequences, 9);
  assert_int_equal(sequences_follow(sequences, 1, &stream, 2, &lost), SEQUENCE_FIRST);
  assert_int_equal(sequences_follow(sequences, 2, &stream, 2, &lost), SEQUENCE_NEXT);
  assert_int_equal(sequences_follow(sequences, 3, &stream, 3, &lost), SEQUENCE_GAP);
  sequences_destroy(sequences);
}

/* ---- Latencies. */

static void add_total(struct latency *latency, uint64_t nanoseconds) {
  latency_add(latency, &(struct frame_times){.published_ns = nanoseconds}, true);
}

static void no_frame_has_no_latency(void **state) {
  (void)state;
  const struct latency latency = {.count = 0};
  uint64_t p50, p99, max;
  latency_summary(&latency, &p50, &p99, &max);
  assert_true(p50 == 0 && p99 == 0 && max == 0);
}

static void quantiles_are_samples_by_nearest_rank(void **state) {
  (void)state;
  struct latency latency = {.count = 0};
  uint64_t p50, p99, max;
  for (unsigned i = 200; i > 0; i--) {
    add_total(&latency, i * 1000000u);
  }
  latency_summary(&latency, &p50, &p99, &max);
  assert_int_equal(p50, 100000);
  assert_int_equal(p99, 198000);
  assert_int_equal(max, 200000);
}

static void only_the_newest_samples_count(void **state) {
  (void)state;
  struct latency latency = {.count = 0};
  uint64_t p50, p99, max;
  add_total(&latency, UINT64_MAX);
  latency_summary(&latency, &p50, &p99, &max);
  assert_int_equal(max, UINT32_MAX);
  for (unsigned i = 0; i < LATENCY_SAMPLES; i++) {
    add_total(&latency, 7000);
  }
  latency_summary(&latency, &p50, &p99, &max);
  assert_true(p50 == 7 && p99 == 7 && max == 7);
}

static void a_histogram_without_durations_has_no_quantiles(void **state) {
  (void)state;
  const struct histogram histogram = {.count = 0};
  assert_int_equal(histogram_quantile(&histogram, 500), 0);
  assert_int_equal(histogram_quantile(&histogram, 999), 0);
}

static void bounds_rise_and_each_is_in_its_own_bucket(void **state) {
  (void)state;
  for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
    struct histogram histogram = {.count = 0};
    const uint64_t bound_ns = histogram_bounds_us[i] * 1000ull;
    assert_true(i == 0 || histogram_bounds_us[i] > histogram_bounds_us[i - 1]);
    histogram_add(&histogram, bound_ns);
    histogram_add(&histogram, bound_ns + 1000);
    assert_int_equal(histogram.buckets[i], 1);
    assert_int_equal(histogram.buckets[i + 1], 1);
  }
}

static void quantiles_of_a_histogram_lie_within_their_bucket(void **state) {
  (void)state;
  struct histogram histogram = {.count = 0};
  for (uint64_t i = 1; i <= 1000; i++) {
    histogram_add(&histogram, i * 1000000);
  }
  assert_int_equal(histogram_quantile(&histogram, 500), 500000);
  assert_int_equal(histogram_quantile(&histogram, 990), 990000);
  assert_int_equal(histogram.max_us, 1000000);
  histogram_add(&histogram, 70000000000);
  assert_int_equal(histogram_quantile(&histogram, 1000), 70000000);
}

static void gaps_are_between_publications_and_answers_are_none(void **state) {
  (void)state;
  struct latency latency = {.count = 0};
  const struct {
    uint64_t at_ns;
    bool published;
  } frames[] = {{5000000, true}, {6000000, false}, {15000000, true}};
  for (size_t i = 0; i < 3; i++) {
    latency_add(&latency, &(struct frame_times){.published_ns = frames[i].at_ns},
                frames[i].published);
  }
  assert_int_equal(latency.gaps.count, 1);
  assert_int_equal(latency.gaps.max_us, 10000);
  assert_int_equal(latency.stages[STAGE_TOTAL].count, 3);
}

/* ---- Jobs. */

static void workers_take_the_job_that_is_due_first_and_has_bands_left(void **state) {
  (void)state;
  struct job late = {.due_ns = 30, .cursor = 4ull << 32};
  struct job soon = {.due_ns = 20, .cursor = 2ull << 32 | 1};
  struct job handed_out = {.due_ns = 10, .cursor = 2ull << 32 | 2};
  struct job *const jobs[] = {NULL, &late, &handed_out, &soon, NULL};
  uint32_t band = 99;
  assert_ptr_equal(job_first(jobs, 5), &soon);
  assert_true(job_take_band(&soon, &band));
  assert_int_equal(band, 1);
  assert_false(job_take_band(&soon, &band));
  assert_ptr_equal(job_first(jobs, 5), &late);
  assert_null(job_first(jobs, 1));
}

/* ---- The clock. */

static uint64_t kernel_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* uv_now() stands still in a turn, and a stamp with it; ours is read from the kernel. */
static void on_turn(uv_timer_t *timer) {
  unsigned *reads = timer->data;
  for (; *reads < 10000; (*reads)++) {
    const uint64_t before = kernel_ns(), now = monotonic_ns(), after = kernel_ns();
    if (now < before || now > after) {
      break;
    }
  }
}

static void time_goes_on_within_one_turn_of_the_loop(void **state) {
  (void)state;
  uv_loop_t loop;
  unsigned reads = 0;
  uv_timer_t timer = {.data = &reads};
  uv_loop_init(&loop);
  uv_timer_init(&loop, &timer);
  uv_timer_start(&timer, on_turn, 0, 0);
  uv_run(&loop, UV_RUN_DEFAULT);
  uv_close((uv_handle_t *)&timer, NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&loop), 0);
  assert_int_equal(reads, 10000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_between_are_lost),
      cmocka_unit_test(equal_number_is_a_duplicate),
      cmocka_unit_test(smaller_number_or_a_jump_is_a_restart),
      cmocka_unit_test(each_connection_and_stream_is_followed_by_itself),
      cmocka_unit_test(connection_that_is_gone_is_forgotten),
      cmocka_unit_test(no_frame_has_no_latency),
      cmocka_unit_test(quantiles_are_samples_by_nearest_rank),
      cmocka_unit_test(only_the_newest_samples_count),
      cmocka_unit_test(a_histogram_without_durations_has_no_quantiles),
      cmocka_unit_test(bounds_rise_and_each_is_in_its_own_bucket),
      cmocka_unit_test(quantiles_of_a_histogram_lie_within_their_bucket),
      cmocka_unit_test(gaps_are_between_publications_and_answers_are_none),
      cmocka_unit_test(workers_take_the_job_that_is_due_first_and_has_bands_left),
      cmocka_unit_test(time_goes_on_within_one_turn_of_the_loop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
