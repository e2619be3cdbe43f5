#include "daemon/answers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)

/* A requester: how often it was answered, and with what last. */
struct requester {
  struct answer_sink sink;
  unsigned answered;
  size_t length;
  uint8_t bytes[64];
  lcal_status code;
};

static void on_send(struct answer_sink *sink, const void *bytes, size_t length, lcal_status code) {
  struct requester *requester = (struct requester *)sink;
  requester->answered++;
  requester->length = length;
  requester->code = code;
  memcpy(requester->bytes, bytes, length < sizeof requester->bytes ? length : 0);
}

static struct requester somebody(void) {
  return (struct requester){.sink.send = on_send};
}

struct fixture {
  struct answers *answers;
  uint64_t now;
};

static int setup(void **state) {
  struct fixture *fixture = calloc(1, sizeof *fixture);
  fixture->answers = answers_create();
  fixture->now = 5 * SECOND;
  *state = fixture;
  return 0;
}

static int teardown(void **state) {
  struct fixture *fixture = *state;
  answers_destroy(fixture->answers);
  free(fixture);
  return 0;
}

static enum answers_verdict ask(struct fixture *fixture, const char *id, const char *request,
                                struct requester *requester, struct answer **answer) {
  return answers_begin(fixture->answers, id, request, strlen(request), fixture->now,
                       &requester->sink, answer);
}

/* Asks what must be new and answers it. */
static void ask_and_answer(struct fixture *fixture, const char *id, const char *request,
                           const char *text, lcal_status code) {
  struct requester requester = somebody();
  struct answer *answer = NULL;
  assert_int_equal(ask(fixture, id, request, &requester, &answer), ANSWERS_NEW);
  answers_finish(fixture->answers, answer, text, strlen(text), code, fixture->now, &requester.sink);
  assert_int_equal(requester.answered, 1);
}

static void the_same_id_with_other_bytes_is_another_request(void **state) {
  struct fixture *fixture = *state;
  struct requester requester = somebody();
  struct answer *answer = NULL;
  ask_and_answer(fixture, "a", "reset", "done", LCAL_OK);
  assert_int_equal(ask(fixture, "a", "reseT", &requester, &answer), ANSWERS_OTHER);
  assert_int_equal(ask(fixture, "a", "reset!", &requester, &answer), ANSWERS_OTHER);
  assert_int_equal(requester.answered, 0);
}

static void a_running_id_with_other_bytes_is_another_request(void **state) {
  struct fixture *fixture = *state;
  struct requester first = somebody(), second = somebody();
  struct answer *answer = NULL, *none = NULL;
  assert_int_equal(ask(fixture, "a", "reset", &first, &answer), ANSWERS_NEW);
  assert_int_equal(ask(fixture, "a", "other", &second, &none), ANSWERS_OTHER);
  answers_finish(fixture->answers, answer, "x", 1, LCAL_OK, fixture->now, &first.sink);
  assert_int_equal(second.answered, 0);
}

static void an_error_is_kept_like_a_result(void **state) {
  struct fixture *fixture = *state;
  struct requester requester = somebody();
  struct answer *answer = NULL;
  ask_and_answer(fixture, "a", "delete", "no such domain", LCAL_UNKNOWN_DOMAIN);
  assert_int_equal(ask(fixture, "a", "delete", &requester, &answer), ANSWERS_AGAIN);
  assert_int_equal(requester.answered, 1);
  assert_int_equal(requester.code, LCAL_UNKNOWN_DOMAIN);
  assert_memory_equal(requester.bytes, "no such domain", requester.length);
}

static void the_same_request_waits_for_the_one_under_way(void **state) {
  struct fixture *fixture = *state;
  struct requester first = somebody(), others[3] = {somebody(), somebody(), somebody()};
  struct answer *answer = NULL, *none = NULL;
  assert_int_equal(ask(fixture, "a", "snapshot", &first, &answer), ANSWERS_NEW);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(ask(fixture, "a", "snapshot", &others[i], &none), ANSWERS_AGAIN);
    assert_int_equal(others[i].answered, 0);
  }
  answers_finish(fixture->answers, answer, "done", 4, LCAL_OK, fixture->now, &first.sink);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(others[i].answered, 1);
    assert_memory_equal(others[i].bytes, "done", 4);
  }
}

static void an_answer_is_forgotten_after_ten_minutes(void **state) {
  struct fixture *fixture = *state;
  struct requester requester = somebody();
  struct answer *answer = NULL;
  ask_and_answer(fixture, "a", "reset", "done", LCAL_OK);
  fixture->now += 600 * SECOND;
  assert_int_equal(ask(fixture, "a", "reset", &requester, &answer), ANSWERS_AGAIN);
  fixture->now += 1;
  assert_int_equal(ask(fixture, "a", "reset", &requester, &answer), ANSWERS_NEW);
  answers_finish(fixture->answers, answer, "x", 1, LCAL_OK, fixture->now, &requester.sink);
}

static void one_more_than_1024_forgets_the_oldest_alone(void **state) {
  struct fixture *fixture = *state;
  struct requester requester = somebody();
  struct answer *answer = NULL;
  char id[16];
  for (unsigned i = 0; i <= ANSWERS_MAX; i++) {
    snprintf(id, sizeof id, "%u", i);
    ask_and_answer(fixture, id, "reset", "done", LCAL_OK);
  }
  assert_int_equal(ask(fixture, "1", "reset", &requester, &answer), ANSWERS_AGAIN);
  assert_int_equal(ask(fixture, "1024", "reset", &requester, &answer), ANSWERS_AGAIN);
  assert_int_equal(ask(fixture, "0", "reset", &requester, &answer), ANSWERS_NEW);
  answers_finish(fixture->answers, answer, "x", 1, LCAL_OK, fixture->now, &requester.sink);
}

static void requests_count_in_the_16_mib(void **state) {
  struct fixture *fixture = *state;
  struct requester requester = somebody();
  struct answer *answer = NULL;
  size_t length = 6u << 20;
  char *large = malloc(length + 1);
  assert_non_null(large);
  memset(large, 'x', length);
  large[length] = '\0';
  ask_and_answer(fixture, "a", large, "done", LCAL_OK);
  ask_and_answer(fixture, "b", large, "done", LCAL_OK);
  assert_int_equal(ask(fixture, "a", large, &requester, &answer), ANSWERS_AGAIN);
  ask_and_answer(fixture, "c", large, "done", LCAL_OK);
  assert_int_equal(ask(fixture, "b", large, &requester, &answer), ANSWERS_AGAIN);
  assert_int_equal(ask(fixture, "a", large, &requester, &answer), ANSWERS_NEW);
  answers_finish(fixture->answers, answer, "x", 1, LCAL_OK, fixture->now, &requester.sink);
  free(large);
}

static void a_running_request_is_never_forgotten(void **state) {
  struct fixture *fixture = *state;
  struct requester first = somebody(), again = somebody();
  struct answer *running = NULL, *none = NULL;
  char id[16];
  assert_int_equal(ask(fixture, "slow", "snapshot", &first, &running), ANSWERS_NEW);
  for (unsigned i = 0; i < 2 * ANSWERS_MAX; i++) {
    snprintf(id, sizeof id, "%u", i);
    ask_and_answer(fixture, id, "reset", "done", LCAL_OK);
  }
  fixture->now += 3600 * SECOND;
  assert_int_equal(ask(fixture, "slow", "snapshot", &again, &none), ANSWERS_AGAIN);
  answers_finish(fixture->answers, running, "done", 4, LCAL_OK, fixture->now, &first.sink);
  assert_int_equal(again.answered, 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(the_same_id_with_other_bytes_is_another_request),
      TEST(a_running_id_with_other_bytes_is_another_request),
      TEST(an_error_is_kept_like_a_result),
      TEST(the_same_request_waits_for_the_one_under_way),
      TEST(an_answer_is_forgotten_after_ten_minutes),
      TEST(one_more_than_1024_forgets_the_oldest_alone),
      TEST(requests_count_in_the_16_mib),
      TEST(a_running_request_is_never_forgotten),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
