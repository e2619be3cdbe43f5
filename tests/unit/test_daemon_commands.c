#include "daemon/command.h"
#include "daemon_case.h"
#include "wire/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The door of a test: it keeps the last answer. */
struct door {
  struct answer_sink sink;
  uint8_t bytes[65536];
  size_t length;
  lcal_status code;
  unsigned answers;
};

static void on_send(struct answer_sink *sink, const void *bytes, size_t length, lcal_status code) {
  struct door *door = (struct door *)sink;
  assert_true(length <= sizeof door->bytes);
  memcpy(door->bytes, bytes, length);
  door->length = length;
  door->code = code;
  door->answers++;
}

static struct door door = {.sink.send = on_send};

static int set_up(void **state) {
  daemon_case_start("banks: {default: {domains: 2}}\n"
                    "streams: {cam: {}, front: {mode: shadow}}\n");
  door.answers = 0;
  *state = daemon_case;
  return 0;
}

/* Sends a request whose arguments are `keys` (name, text pairs; ended by NULL). */
static void ask(struct daemon *daemon, const char *id, const char *command,
                const char *const *keys) {
  lcal__writer writer;
  uint8_t buffer[4096];
  lcal__writer_fix(&writer, buffer, sizeof buffer);
  lcal__begin_message(&writer, "command");
  lcal__put_text(&writer, "id", id);
  lcal__put_text(&writer, "command", command);
  lcal__begin_map(&writer, "args");
  for (; keys && *keys; keys += 2) {
    lcal__put_text(&writer, keys[0], keys[1]);
  }
  lcal__end(&writer);
  lcal__end(&writer);
  size_t length = lcal__writer_fitted(&writer);
  assert_true(length > 0);
  command_receive(daemon, buffer, length, &door.sink);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The answer must be this error, of this request; its sentence is returned. */
static const char *assert_refused(lcal_status code, const char *id) {
  static lcal_error_message message;
  lcal_error error;
  assert_int_equal(door.code, code);
  assert_int_equal(lcal_error_read(&message, door.bytes, door.length, &error), LCAL_OK);
  assert_int_equal(message.error.code, code);
  assert_string_equal(message.id, id);
  return message.error.message;
}

/* The answer must be a result; the document holds its result map's views. */
static const msgpack_object *open_result(lcal__document *document) {
  lcal_error error;
  assert_int_equal(door.code, LCAL_OK);
  assert_int_equal(
      lcal__document_open(document, door.bytes, door.length, &lcal__answer_limits, &error),
      LCAL_OK);
  const msgpack_object *map = lcal__map_find(&document->unpacked.data, "result");
  assert_non_null(map);
  return map;
}

static void assert_result_text(const char *key, const char *text) {
  lcal__document document;
  const msgpack_object *value = lcal__map_find(open_result(&document), key);
  assert_non_null(value);
  assert_true(lcal__object_is(value, text));
  lcal__document_close(&document);
}

static void bytes_that_are_no_map_are_malformed(void **state) {
  command_receive(*state, "\xc0", 1, &door.sink);
  assert_refused(LCAL_MALFORMED, "");
  command_receive(*state, "", 0, &door.sink);
  assert_refused(LCAL_MALFORMED, "");
}

static void the_command_is_judged_before_its_arguments(void **state) {
  ask(*state, "a", "explode", ARGS("bank", "not a name!"));
  assert_refused(LCAL_UNKNOWN_COMMAND, "a");
}

static void arguments_are_judged_before_the_names_in_them(void **state) {
  ask(*state, "a", "set_rule", ARGS("bank", "nowhere", "rule", "magic"));
  assert_non_null(strstr(assert_refused(LCAL_BAD_FIELD, "a"), "magic"));
  ask(*state, "b", "reset", ARGS("bank", "nowhere", "class", "unicorn"));
  assert_refused(LCAL_BAD_FIELD, "b");
  ask(*state, "c", "domain_delete", ARGS("bank", "nowhere", "domain", "default"));
  assert_refused(LCAL_BAD_FIELD, "c");
}

static void names_that_are_not_there_are_named(void **state) {
  ask(*state, "a", "reset", ARGS("bank", "nowhere"));
  assert_non_null(strstr(assert_refused(LCAL_UNKNOWN_BANK, "a"), "nowhere"));
  ask(*state, "b", "reset", ARGS("bank", "default", "domain", "nowhere"));
  assert_refused(LCAL_UNKNOWN_DOMAIN, "b");
  ask(*state, "c", "freeze", ARGS("stream", "nobody"));
  assert_refused(LCAL_UNKNOWN_STREAM, "c");
}

static void shutting_down_is_said_to_what_is_right_otherwise(void **state) {
  struct daemon *daemon = *state;
  daemon->stopping = true;
  ask(daemon, "a", "status", NULL);
  assert_refused(LCAL_SHUTTING_DOWN, "a");
  ask(daemon, "b", "freeze", ARGS("stream", "nobody"));
  assert_refused(LCAL_UNKNOWN_STREAM, "b");
}

static void requests_and_errors_are_counted(void **state) {
  struct daemon *daemon = *state;
  ask(daemon, "a", "status", NULL);
  ask(daemon, "b", "explode", NULL);
  ask(daemon, "c", "freeze", ARGS("stream", "nobody"));
  assert_int_equal(daemon->counters.commands, 3);
  assert_int_equal(daemon->counters.command_errors, 2);
  assert_int_equal(door.answers, 3);
}

static void a_mode_sets_all_streams_or_the_one_named(void **state) {
  struct daemon *daemon = *state;
  lcal__document document;
  ask(daemon, "a", "freeze", NULL);
  const msgpack_object *streams = lcal__map_find(open_result(&document), "streams");
  assert_int_equal(streams->via.map.size, 2);
  assert_true(lcal__object_is(lcal__map_find(streams, "front"), "frozen"));
  assert_true(lcal__object_is(lcal__map_find(streams, "cam"), "frozen"));
  lcal__document_close(&document);
  ask(daemon, "b", "bypass", ARGS("stream", "cam"));
  assert_int_equal(stream_find(daemon, "cam")->mode, MODE_BYPASS);
  assert_int_equal(stream_find(daemon, "front")->mode, MODE_FREEZE);
  ask(daemon, "c", "resume", NULL);
  assert_int_equal(stream_find(daemon, "front")->mode, MODE_ADAPT);
}

static void a_stream_in_warmup_resumes_as_warmup(void **state) {
  struct daemon *daemon = *state;
  lcal__document document;
  daemon->banks[0].adaptation.warmup_frames = 1;
  ask(daemon, "a", "resume", ARGS("stream", "cam"));
  const msgpack_object *streams = lcal__map_find(open_result(&document), "streams");
  assert_true(lcal__object_is(lcal__map_find(streams, "cam"), "warmup"));
  lcal__document_close(&document);
}

static void a_domain_is_created_for_its_stream(void **state) {
  struct daemon *daemon = *state;
  ask(daemon, "a", "domain", ARGS("stream", "cam", "domain", "tunnel"));
  assert_result_text("previous", "default");
  assert_non_null(bank_domain(&daemon->banks[0], "tunnel"));
  assert_string_equal(stream_find(daemon, "cam")->domain, "tunnel");
}

static void one_domain_too_many_changes_nothing(void **state) {
  struct daemon *daemon = *state;
  ask(daemon, "a", "domain", ARGS("stream", "cam", "domain", "one"));
  ask(daemon, "b", "domain", ARGS("stream", "cam", "domain", "two"));
  assert_refused(LCAL_TOO_MANY_DOMAINS, "b");
  assert_string_equal(stream_find(daemon, "cam")->domain, "one");
}

static void a_changing_command_takes_effect_once(void **state) {
  struct daemon *daemon = *state;
  ask(daemon, "once", "domain", ARGS("stream", "cam", "domain", "tunnel"));
  ask(daemon, "else", "domain", ARGS("stream", "cam", "domain", "default"));
  ask(daemon, "once", "domain", ARGS("stream", "cam", "domain", "tunnel"));
  assert_result_text("previous", "default");
  assert_string_equal(stream_find(daemon, "cam")->domain, "default");
}

static void an_id_used_for_another_change_is_a_bad_field(void **state) {
  ask(*state, "once", "freeze", ARGS("stream", "cam"));
  ask(*state, "once", "freeze", ARGS("stream", "front"));
  assert_refused(LCAL_BAD_FIELD, "once");
  ask(*state, "once", "status", NULL); /* queries simply run */
  assert_int_equal(door.code, LCAL_OK);
}

static void a_rule_that_is_set_says_the_previous_one(void **state) {
  struct daemon *daemon = *state;
  ask(daemon, "a", "set_rule", ARGS("bank", "default", "rule", "kl"));
  assert_result_text("previous", "euclidean");
  assert_string_equal(daemon->banks[0].adaptation.rule->name, "kl");
}

static void only_changes_that_were_made_are_events(void **state) {
  struct daemon *daemon = *state;
  uint64_t before = daemon->counters.events;
  ask(daemon, "a", "streams", NULL);
  ask(daemon, "b", "freeze", ARGS("stream", "nobody"));
  assert_int_equal(daemon->counters.events, before);
  ask(daemon, "c", "freeze", NULL);
  ask(daemon, "c", "freeze", NULL);
  assert_int_equal(daemon->counters.events, before + 1);
}

static void a_stream_before_its_first_frame_has_the_state_of_its_mode(void **state) {
  lcal__document document;
  ask(*state, "a", "streams", NULL);
  const msgpack_object *rows = lcal__map_find(open_result(&document), "streams");
  assert_int_equal(rows->via.array.size, 2);
  for (uint32_t i = 0; i < 2; i++) {
    const msgpack_object *row = &rows->via.array.ptr[i];
    bool front = lcal__object_is(lcal__map_find(row, "name"), "front");
    assert_true(lcal__object_is(lcal__map_find(row, "state"), front ? "shadow" : "calibrated"));
  }
  lcal__document_close(&document);
}

/* Turns the loop until the door has one more answer. */
static bool is_answered(void *context) {
  return door.answers > *(const unsigned *)context;
}

static void ask_and_wait(struct daemon *daemon, const char *id, const char *command,
                         const char *const *keys) {
  unsigned before = door.answers;
  ask(daemon, id, command, keys);
  daemon_case_until(is_answered, &before);
}

static void a_reset_answers_with_the_version_of_each_domain(void **state) {
  struct daemon *daemon = *state;
  lcal__document document;
  uint64_t version = 0, before = lcal_domain_version(daemon_case_domain()->state);
  ask(daemon, "a", "domain", ARGS("stream", "cam", "domain", "tunnel"));
  ask_and_wait(daemon, "b", "reset", ARGS("bank", "default"));
  const msgpack_object *versions = lcal__map_find(open_result(&document), "version");
  assert_int_equal(versions->via.map.size, 2);
  assert_true(lcal__object_uint(lcal__map_find(versions, "default"), 0, UINT64_MAX, &version));
  assert_int_equal(version, before + 1);
  lcal__document_close(&document);
}

static void prototypes_of_the_default_domain_need_no_name(void **state) {
  lcal__document document;
  ask_and_wait(*state, "a", "prototypes", ARGS("bank", "default"));
  const msgpack_object *map = open_result(&document);
  assert_int_equal(lcal__map_find(map, "sum")->via.bin.size,
                   CASE_CLASSES * CASE_CLASSES * sizeof(double));
  assert_int_equal(lcal__map_find(map, "thresholds")->via.bin.size, CASE_CLASSES * sizeof(float));
  lcal__document_close(&document);
}

static void a_rollback_to_nothing_is_refused(void **state) {
  struct daemon *daemon = *state;
  lcal__writer writer;
  uint8_t buffer[256];
  unsigned before = door.answers;
  lcal__writer_fix(&writer, buffer, sizeof buffer);
  lcal__begin_message(&writer, "command");
  lcal__put_text(&writer, "id", "a");
  lcal__put_text(&writer, "command", "rollback");
  lcal__begin_map(&writer, "args");
  lcal__put_text(&writer, "bank", "default");
  lcal__put_u64(&writer, "generation", 4711);
  lcal__end(&writer);
  lcal__end(&writer);
  command_receive(daemon, buffer, lcal__writer_fitted(&writer), &door.sink);
  daemon_case_until(is_answered, &before);
  assert_refused(LCAL_BAD_GENERATION, "a");
}

static void snapshots_are_listed_once_they_are_durable(void **state) {
  lcal__document document;
  uint64_t written = 0, listed = 0;
  ask_and_wait(*state, "a", "snapshot", NULL);
  const msgpack_object *rows = lcal__map_find(open_result(&document), "snapshots");
  assert_int_equal(rows->via.array.size, 1);
  assert_true(lcal__object_uint(lcal__map_find(&rows->via.array.ptr[0], "generation"), 1,
                                UINT64_MAX, &written));
  lcal__document_close(&document);
  ask_and_wait(*state, "b", "generations", ARGS("bank", "default"));
  rows = lcal__map_find(open_result(&document), "generations");
  assert_int_equal(rows->via.array.size, 1);
  assert_true(lcal__object_uint(lcal__map_find(&rows->via.array.ptr[0], "generation"), 1,
                                UINT64_MAX, &listed));
  assert_int_equal(listed, written);
  lcal__document_close(&document);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, daemon_case_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(bytes_that_are_no_map_are_malformed),
      TEST(the_command_is_judged_before_its_arguments),
      TEST(arguments_are_judged_before_the_names_in_them),
      TEST(names_that_are_not_there_are_named),
      TEST(shutting_down_is_said_to_what_is_right_otherwise),
      TEST(requests_and_errors_are_counted),
      TEST(a_mode_sets_all_streams_or_the_one_named),
      TEST(a_stream_in_warmup_resumes_as_warmup),
      TEST(a_domain_is_created_for_its_stream),
      TEST(one_domain_too_many_changes_nothing),
      TEST(a_changing_command_takes_effect_once),
      TEST(an_id_used_for_another_change_is_a_bad_field),
      TEST(a_rule_that_is_set_says_the_previous_one),
      TEST(only_changes_that_were_made_are_events),
      TEST(a_stream_before_its_first_frame_has_the_state_of_its_mode),
      TEST(a_reset_answers_with_the_version_of_each_domain),
      TEST(prototypes_of_the_default_domain_need_no_name),
      TEST(a_rollback_to_nothing_is_refused),
      TEST(snapshots_are_listed_once_they_are_durable),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
