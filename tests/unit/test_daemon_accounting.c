/* What becomes of frames between the inbox and a worker: sent = labelled + dropped + refused +
 * lost, and a refused frame creates nothing. */
#include "daemon_case.h"

#include "daemon/intake.h"
#include "daemon/request.h"
#include "daemon/scheduler.h"
#include "daemon/streams.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CONNECTION 77777u

static void arrive(const char *stream, uint64_t seq) {
  const lcal_frame frame = daemon_case_frame(stream, seq);
  daemon_case_arrive(&frame, CONNECTION);
}

/* A frame that every daemon of this model refuses. */
static void arrive_refused(const char *stream, uint64_t seq) {
  static const uint8_t pixels[2] = {1, 2};
  static const uint32_t shape[3] = {2, 1, 1};
  lcal_frame frame = daemon_case_frame(stream, seq);
  lcal_tensor_init(&frame.tensor, shape, LCAL_CHW, LCAL_U8, LCAL_PROBABILITIES, pixels,
                   sizeof pixels, NULL);
  daemon_case_arrive(&frame, CONNECTION);
}

static uint64_t accounted(const char *stream) {
  const struct stream *found = daemon_case_stream(stream);
  return found->counters.labelled + stream_dropped(found) + found->counters.refused +
         found->counters.lost;
}

static uint64_t refusals(lcal_status code) {
  return daemon_case->counters.refused[code];
}

/* ---- Refused. */

static void ring_reference_is_ring_unknown_whatever_else_is_wrong(void **state) {
  (void)state;
  daemon_case_start("");
  lcal_frame frame = daemon_case_frame("cam", 1);
  static const uint32_t shape[3] = {2, 2, 2}; /* not the model's classes */
  lcal_tensor_init(&frame.tensor, shape, LCAL_CHW, LCAL_U8, LCAL_PROBABILITIES, NULL, 8, NULL);
  frame.has_ring = 1;
  frame.ring_id = 5;
  daemon_case_arrive(&frame, CONNECTION);
  assert_int_equal(refusals(LCAL_RING_UNKNOWN), 1);
  assert_int_equal(refusals(LCAL_WRONG_CLASSES), 0);
}

static void refused_frame_creates_no_stream_and_no_domain(void **state) {
  (void)state;
  daemon_case_start("limits: {pixels: 3}");
  lcal_frame frame = daemon_case_frame("cam", 1);
  snprintf(frame.domain, sizeof frame.domain, "night");
  daemon_case_arrive(&frame, CONNECTION);
  assert_int_equal(refusals(LCAL_TOO_LARGE), 1);
  assert_null(stream_find(daemon_case, "cam"));
  assert_null(bank_domain(daemon_case_bank(), "night"));
}

static void unnamed_stream_is_refused_where_only_named_ones_are_accepted(void **state) {
  (void)state;
  daemon_case_start("streams: {accept_unnamed: false, front: {}}");
  arrive("cam", 1);
  arrive("front", 1);
  daemon_case_settle();
  assert_int_equal(refusals(LCAL_UNKNOWN_STREAM), 1);
  assert_int_equal(daemon_case_stream("front")->counters.labelled, 1);
}

static void stream_beyond_the_limit_is_refused(void **state) {
  (void)state;
  daemon_case_start("limits: {streams: 1}");
  arrive("a", 1);
  arrive("b", 1);
  daemon_case_settle();
  assert_int_equal(refusals(LCAL_TOO_MANY_STREAMS), 1);
  assert_int_equal(daemon_case->stream_count, 1);
}

static void domain_beyond_the_limit_is_refused_and_creates_no_stream(void **state) {
  (void)state;
  daemon_case_start("banks: {default: {domains: 1}}");
  lcal_frame frame = daemon_case_frame("cam", 1);
  snprintf(frame.domain, sizeof frame.domain, "night");
  daemon_case_arrive(&frame, CONNECTION);
  assert_int_equal(refusals(LCAL_TOO_MANY_DOMAINS), 1);
  assert_int_equal(daemon_case->stream_count, 0);
}

/* A frame by `calibrate`, of a peer that has hung up. */
static void ask(const char *stream, const char *domain) {
  static const struct connection_role role = {.most_in_flight = 100};
  static struct connection gone = {.role = &role, .state = CONNECTION_CLOSED, .holds = 1};
  lcal_frame frame = daemon_case_frame(stream, 1);
  snprintf(frame.domain, sizeof frame.domain, "%s", domain);
  const size_t size = lcal_frame_size(&frame);
  struct message *message = message_create(4 + size);
  assert_non_null(message);
  memcpy(message->bytes, "\x80\0\0\1", 4);
  assert_int_equal(lcal_frame_write(&frame, message->bytes + 4, size), size);
  struct request *request = request_create(&gone, message);
  assert_non_null(request);
  frame_requested(daemon_case, request);
}

static void request_refused_as_busy_creates_no_stream_and_no_domain(void **state) {
  (void)state;
  daemon_case_start("limits: {calibrate_queue: 1}");
  arrive("cam", 1); /* in hand: the loop has not turned */
  ask("waits", "");
  ask("late", "night");
  assert_int_equal(daemon_case->counters.calibrate_refused[LCAL_BUSY], 1);
  assert_non_null(stream_find(daemon_case, "waits"));
  assert_null(stream_find(daemon_case, "late"));
  assert_null(bank_domain(daemon_case_bank(), "night"));
  daemon_case_settle();
  assert_int_equal(daemon_case_stream("waits")->counters.labelled, 1);
}

static void frame_after_the_stop_began_is_refused(void **state) {
  (void)state;
  daemon_case_start("");
  daemon_case->stopping = true;
  arrive("cam", 1);
  daemon_case->stopping = false;
  assert_int_equal(refusals(LCAL_SHUTTING_DOWN), 1);
  assert_int_equal(daemon_case->stream_count, 0);
}

/* ---- Lost. */

static void refused_frame_advances_the_sequence(void **state) {
  (void)state;
  daemon_case_start("");
  arrive("cam", 1);
  daemon_case_settle();
  arrive_refused("cam", 2);
  arrive("cam", 3);
  daemon_case_settle();
  assert_int_equal(daemon_case_stream("cam")->counters.lost, 0);
  assert_int_equal(daemon_case_stream("cam")->counters.refused, 1);
  assert_int_equal(accounted("cam"), 3);
}

static void frame_too_broken_for_its_seq_is_lost_with_the_next(void **state) {
  (void)state;
  daemon_case_start("");
  arrive("cam", 1);
  daemon_case_settle();
  daemon_case_arrive_bytes("\x81\xa6stream\xa3"
                           "cam",
                           12, CONNECTION);
  assert_int_equal(daemon_case_stream("cam")->counters.refused, 0);
  arrive("cam", 3);
  daemon_case_settle();
  assert_int_equal(daemon_case_stream("cam")->counters.lost, 1);
  assert_int_equal(accounted("cam"), 3);
}

static void another_connection_has_a_sequence_of_its_own(void **state) {
  (void)state;
  daemon_case_start("");
  arrive("cam", 100);
  daemon_case_settle();
  const lcal_frame frame = daemon_case_frame("cam", 1);
  daemon_case_arrive(&frame, CONNECTION + 1);
  daemon_case_settle();
  assert_int_equal(daemon_case_stream("cam")->counters.lost, 0);
  assert_int_equal(daemon_case_stream("cam")->counters.restarts, 0);
}

/* ---- Dropped. */

static void the_newest_frames_wait_and_older_ones_are_dropped_by_depth(void **state) {
  (void)state;
  daemon_case_start("streams: {default: {depth: 2}}");
  arrive("cam", 1); /* in hand: nothing comes back while the loop does not turn */
  arrive("cam", 2);
  arrive("cam", 3);
  arrive("cam", 4);
  const struct stream *stream = daemon_case_stream("cam");
  assert_int_equal(stream->counters.dropped[DROP_DEPTH], 1);
  assert_int_equal(stream->oldest->header.seq, 3);
  assert_int_equal(stream->newest->header.seq, 4);
  daemon_case_settle();
  assert_int_equal(stream->counters.labelled, 3);
  assert_int_equal(accounted("cam"), 4);
}

static void missed_counts_since_the_last_labels(void **state) {
  (void)state;
  daemon_case_start("");
  arrive("cam", 1);
  arrive("cam", 2); /* dropped for 5 */
  arrive("cam", 5); /* 3 and 4 are lost */
  assert_int_equal(daemon_case_stream("cam")->missed, 3);
  daemon_case_settle();
  assert_int_equal(daemon_case_stream("cam")->missed, 0);
}

static void the_oldest_waiting_frame_of_all_is_dropped_when_too_much_waits(void **state) {
  (void)state;
  const lcal_frame one = daemon_case_frame("a", 1);
  char config[128];
  snprintf(config, sizeof config, "limits: {queued_bytes: %zu}\nstreams: {default: {depth: 9}}",
           2 * lcal_frame_size(&one));
  daemon_case_start(config);
  arrive("a", 1); /* in hand */
  arrive("b", 1);
  arrive("a", 2);
  arrive("a", 3);
  assert_int_equal(daemon_case_stream("b")->counters.dropped[DROP_OVERLOAD], 1);
  assert_int_equal(daemon_case_stream("a")->waiting, 2);
  assert_int_equal(daemon_case->counters.overloads, 1);
  daemon_case_settle();
  assert_int_equal(accounted("a"), 3);
  assert_int_equal(accounted("b"), 1);
}

static void frame_past_its_deadline_is_never_started(void **state) {
  (void)state;
  daemon_case_start("");
  arrive("cam", 1);
  lcal_frame frame = daemon_case_frame("cam", 2);
  frame.deadline_ns = 1;
  daemon_case_arrive(&frame, CONNECTION); /* waits for 1, which takes longer */
  daemon_case_settle();
  const struct stream *stream = daemon_case_stream("cam");
  assert_int_equal(stream->counters.dropped[DROP_DEADLINE], 1);
  assert_int_equal(stream->counters.labelled, 1);
}

static void arrive_due(const char *stream, uint64_t deadline_ns) {
  lcal_frame frame = daemon_case_frame(stream, 1);
  frame.deadline_ns = deadline_ns;
  daemon_case_arrive(&frame, CONNECTION);
}

/* The stream whose frame is next of those that wait; nothing of them expires. */
static void assert_next(const char *stream) {
  struct frame *frame = scheduler_take(daemon_case, daemon_case_bank(), 1);
  assert_non_null(frame);
  assert_string_equal(frame->stream->name, stream);
  stream_drop(daemon_case, frame, DROP_SHUTDOWN);
}

static void the_earlier_deadline_goes_first_then_the_older_frame(void **state) {
  (void)state;
  daemon_case_start("");
  arrive("first", 1); /* in hand */
  arrive_due("patient", 3600000000000u);
  arrive("older", 1);
  arrive_due("soon", 20000000u);
  arrive_due("sooner", 10000000u);
  arrive("newer", 1);
  assert_next("sooner");
  assert_next("soon");
  assert_next("older"); /* no deadline is one of a second */
  assert_next("newer");
  assert_next("patient");
  assert_null(scheduler_take(daemon_case, daemon_case_bank(), 1));
}

/* By their frames' ages alone it would always be the same one's turn. */
static void cameras_that_send_too_much_take_turns(void **state) {
  (void)state;
  static const char *const names[] = {"a", "b", "c"};
  daemon_case_start("");
  arrive("first", 1); /* in hand */
  for (uint64_t seq = 1; seq < 10; seq++) {
    for (size_t i = 0; i < 3; i++) {
      arrive(names[i], seq);
    }
    assert_next(names[(seq - 1) % 3]);
  }
}

static struct job *begun_by_hand(struct frame *frame) {
  struct job *job = bank_job(daemon_case, daemon_case_bank(), JOB_FRAME);
  job->frame = frame;
  job->domain = daemon_case_domain();
  return job;
}

static void frame_that_waits_for_a_worker_past_its_deadline_is_dropped(void **state) {
  (void)state;
  daemon_case_start("");
  arrive("first", 1); /* in hand */
  arrive_due("late", 1);
  struct frame *frame = scheduler_take(daemon_case, daemon_case_bank(), 1);
  assert_non_null(frame);
  daemon_case_settle();
  struct job *job = begun_by_hand(frame);
  assert_int_equal(job_advance(job), 0);
  assert_int_equal(job->error.code, LCAL_DEADLINE);
  bank_job_done(daemon_case, job);
  assert_int_equal(daemon_case_stream("late")->counters.dropped[DROP_DEADLINE], 1);
  assert_int_equal(accounted("late"), 1);
}

/* ---- All of it. */

static void every_frame_sent_is_accounted_for(void **state) {
  (void)state;
  daemon_case_start("streams: {default: {depth: 3}}");
  arrive("cam", 1);
  daemon_case_settle();
  uint64_t seq = 1;
  srand(7);
  for (int i = 0; i < 2000; i++) {
    seq += rand() % 10 == 0 ? (uint64_t)(rand() % 4) + 2 : 1;
    if (rand() % 7 == 0) {
      arrive_refused("cam", seq);
    } else {
      arrive("cam", seq);
    }
    if (rand() % 3 == 0) {
      uv_run(&daemon_case->loop, UV_RUN_NOWAIT);
    }
  }
  daemon_case_settle();
  const struct stream *stream = daemon_case_stream("cam");
  assert_int_equal(accounted("cam"), seq);
  assert_true(stream->counters.labelled > 0 && stream->counters.lost > 0 &&
              stream->counters.refused > 0);
}

static void duplicate_is_labelled_all_the_same(void **state) {
  (void)state;
  daemon_case_start("");
  arrive("cam", 1);
  daemon_case_settle();
  arrive("cam", 1);
  daemon_case_settle();
  assert_int_equal(daemon_case_stream("cam")->counters.duplicates, 1);
  assert_int_equal(daemon_case_stream("cam")->counters.labelled, 2);
}

/* ---- Streams that fall silent. */

static void silent_unnamed_stream_is_forgotten_and_a_named_one_is_not(void **state) {
  (void)state;
  daemon_case_start("streams: {default: {silent_after_s: 1, forget_after_s: 2}, front: {}}");
  arrive("cam", 1);
  arrive("front", 1);
  daemon_case_settle();
  const uint64_t now_ns = monotonic_ns();
  streams_tick(daemon_case, now_ns + 1500000000u);
  assert_true(daemon_case_stream("cam")->silent);
  streams_tick(daemon_case, now_ns + 3000000000u);
  assert_null(stream_find(daemon_case, "cam"));
  assert_non_null(stream_find(daemon_case, "front"));
}

static void stream_with_a_frame_in_hand_is_not_forgotten(void **state) {
  (void)state;
  daemon_case_start("streams: {default: {forget_after_s: 1}}");
  arrive("cam", 1);
  streams_tick(daemon_case, monotonic_ns() + 3000000000u);
  assert_non_null(stream_find(daemon_case, "cam"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_teardown(name, daemon_case_tear_down)
      TEST(ring_reference_is_ring_unknown_whatever_else_is_wrong),
      TEST(refused_frame_creates_no_stream_and_no_domain),
      TEST(unnamed_stream_is_refused_where_only_named_ones_are_accepted),
      TEST(stream_beyond_the_limit_is_refused),
      TEST(domain_beyond_the_limit_is_refused_and_creates_no_stream),
      TEST(request_refused_as_busy_creates_no_stream_and_no_domain),
      TEST(frame_after_the_stop_began_is_refused),
      TEST(refused_frame_advances_the_sequence),
      TEST(frame_too_broken_for_its_seq_is_lost_with_the_next),
      TEST(another_connection_has_a_sequence_of_its_own),
      TEST(the_newest_frames_wait_and_older_ones_are_dropped_by_depth),
      TEST(missed_counts_since_the_last_labels),
      TEST(the_oldest_waiting_frame_of_all_is_dropped_when_too_much_waits),
      TEST(frame_past_its_deadline_is_never_started),
      TEST(the_earlier_deadline_goes_first_then_the_older_frame),
      TEST(cameras_that_send_too_much_take_turns),
      TEST(frame_that_waits_for_a_worker_past_its_deadline_is_dropped),
      TEST(every_frame_sent_is_accounted_for),
      TEST(duplicate_is_labelled_all_the_same),
      TEST(silent_unnamed_stream_is_forgotten_and_a_named_one_is_not),
      TEST(stream_with_a_frame_in_hand_is_not_forgotten),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
