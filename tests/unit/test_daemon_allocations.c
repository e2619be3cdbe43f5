/* What workers allocate: buffers for a frame larger than any before, and nothing else. The program
 * is linked with --wrap of each function that allocates. */
#include "daemon_case.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CONNECTION 5u
#define FRAMES     20u

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_reallocarray(void *block, size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_reallocarray(void *block, size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static atomic_uint by_workers;

static void notice(void) {
  char name[16];
  if (pthread_getname_np(pthread_self(), name, sizeof name) == 0 &&
      strncmp(name, "worker", 6) == 0) {
    atomic_fetch_add(&by_workers, 1);
  }
}

void *__wrap_malloc(size_t size) {
  notice();
  return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
  notice();
  return __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size) {
  notice();
  return __real_realloc(block, size);
}

void *__wrap_reallocarray(void *block, size_t count, size_t size) {
  notice();
  return __real_reallocarray(block, count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  notice();
  return __real_aligned_alloc(alignment, size);
}

/* Allocations of the workers during so many frames of `stream`; each is labelled before the next.
 */
static unsigned during(const char *stream, uint32_t out_side, unsigned frames) {
  static uint64_t seq;
  atomic_store(&by_workers, 0);
  for (unsigned i = 0; i < frames; i++) {
    lcal_frame frame = daemon_case_frame(stream, ++seq);
    frame.out_height = frame.out_width = out_side;
    frame.want = i % 2 == 0 ? LCAL_WANT_ARGMAX | LCAL_WANT_CONFIDENCE : 0;
    daemon_case_arrive(&frame, CONNECTION);
    daemon_case_settle();
  }
  return atomic_load(&by_workers);
}

static void workers_allocate_nothing_once_a_streams_sizes_are_known(void **state) {
  (void)state;
  static const char *const streams[] = {"fading", "recent", "after", "shadow"};
  daemon_case_start(
      "banks:\n"
      "  fading: {adaptation: {rule: kl}}\n"
      "  recent: {adaptation: {forgetting: window, window: 3}}\n"
      "  after: {adaptation: {order: update_first, forgetting: cumulative, warmup_frames: 5}}\n"
      "streams:\n"
      "  fading: {bank: fading}\n"
      "  recent: {bank: recent}\n"
      "  after: {bank: after}\n"
      "  shadow: {mode: shadow, want: [calibrated]}\n");
  for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
    assert_int_not_equal(during(streams[i], 40, 2), 0);
    assert_int_equal(during(streams[i], 40, FRAMES), 0);
    assert_int_equal(during(streams[i], 30, FRAMES), 0); /* smaller: the buffers do */
    assert_int_equal(during(streams[i], 0, FRAMES), 0);
    assert_int_not_equal(during(streams[i], 80, 2), 0);
    assert_int_equal(during(streams[i], 80, FRAMES), 0);
    assert_int_equal(daemon_case_stream(streams[i])->counters.labelled, 4 * FRAMES + 4);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(workers_allocate_nothing_once_a_streams_sizes_are_known,
                                daemon_case_tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
