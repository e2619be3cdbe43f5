/* Requests, arguments, results, events, status, and the ring's handshake. */
#include "wire/commands.h"
#include "wire/control.h"
#include "wire/ring.h"
#include "wire_edit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void drop(lcal_bytes bytes) {
  free((void *)(uintptr_t)bytes.data);
}

static lcal_bytes take(lcal__writer *writer) {
  uint8_t *bytes;
  size_t length;
  assert_int_equal(lcal__writer_take(writer, &bytes, &length, NULL), LCAL_OK);
  return (lcal_bytes){bytes, length};
}

static lcal_bytes a_request(const char *command, const lcal_bytes *args) {
  lcal__writer writer;
  lcal__writer_grow(&writer);
  lcal__put_request(&writer, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", command, args);
  return take(&writer);
}

static lcal_status read_request(lcal__request *request, lcal_bytes bytes) {
  lcal__document document;
  lcal_status status =
      lcal__document_open(&document, bytes.data, bytes.length, &lcal__message_limits, NULL);
  if (status == LCAL_OK) {
    status = lcal__request_read(request, &document, NULL);
  }
  lcal__document_close(&document);
  return status;
}

static void a_wrong_request_is_refused_and_keeps_its_id(void **state) {
  (void)state;
  static const struct {
    const char *key;
    lcal_bytes value;
    lcal_status status;
    bool has_id;
  } changes[] = {
#define CHANGE(key, literal, status, has_id)                                                       \
  {key, {(const uint8_t *)(literal), sizeof(literal) - 1}, status, has_id}
      {"v", {NULL, 0}, LCAL_MISSING_FIELD, true},
      {"type", {NULL, 0}, LCAL_MISSING_FIELD, true},
      {"id", {NULL, 0}, LCAL_MISSING_FIELD, false},
      {"command", {NULL, 0}, LCAL_MISSING_FIELD, true},
      CHANGE("v", "\x02", LCAL_UNSUPPORTED_VERSION, true),
      CHANGE("type", "\xa6result", LCAL_BAD_FIELD, true),
      CHANGE("id", "\xa0", LCAL_BAD_FIELD, false),
      CHANGE("id", "\x01", LCAL_BAD_FIELD, false),
      CHANGE("id", "\xa2\xff\xfe", LCAL_BAD_FIELD, false),
      CHANGE("id", "\xa1\n", LCAL_BAD_FIELD, false),
      CHANGE("id", "\xa2\xc3\xa9", LCAL_OK, true),
      CHANGE("command", "\x01", LCAL_BAD_FIELD, true),
      CHANGE("command", "\xa0", LCAL_BAD_FIELD, true),
      CHANGE("command", "\xa4what", LCAL_OK, true), /* the dispatcher's to refuse */
      CHANGE("args", "\x90", LCAL_BAD_FIELD, true),
      CHANGE("args", "\xc0", LCAL_BAD_FIELD, true),
      CHANGE("args", "\x80", LCAL_OK, true),
  };
  lcal_bytes bytes = a_request("status", NULL);
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    lcal_bytes changed =
        edited(bytes, changes[i].key, changes[i].value.data ? &changes[i].value : NULL);
    lcal__request request;
    assert_int_equal(read_request(&request, changed), changes[i].status);
    assert_int_equal(request.id[0] != '\0', changes[i].has_id);
    drop(changed);
  }
  drop(bytes);
}

static void an_id_has_1_to_64_bytes(void **state) {
  (void)state;
  uint8_t id[2 + 65] = {0xd9, 65};
  memset(id + 2, 'x', 65);
  lcal_bytes bytes = a_request("status", NULL);
  lcal_bytes long_id = {id, 67};
  lcal_bytes changed = edited(bytes, "id", &long_id);
  lcal__request request;
  assert_int_equal(read_request(&request, changed), LCAL_BAD_FIELD);
  drop(changed);
  id[1] = 64;
  long_id.length = 66;
  changed = edited(bytes, "id", &long_id);
  assert_int_equal(read_request(&request, changed), LCAL_OK);
  assert_int_equal(strlen(request.id), 64);
  drop(changed);
  drop(bytes);
}

static void a_request_comes_back_as_it_was_written(void **state) {
  (void)state;
  lcal_bytes args = RAW("\x81\xa4"
                        "bank\xa7"
                        "default");
  lcal_bytes bytes = a_request("generations", &args);
  lcal__document document;
  assert_int_equal(
      lcal__document_open(&document, bytes.data, bytes.length, &lcal__message_limits, NULL),
      LCAL_OK);
  lcal__request request;
  assert_int_equal(lcal__request_read(&request, &document, NULL), LCAL_OK);
  assert_string_equal(request.command, "generations");
  lcal__arguments arguments;
  assert_int_equal(
      lcal__arguments_read(lcal__command_find("generations"), request.args, &arguments, NULL),
      LCAL_OK);
  assert_string_equal(arguments.bank, "default");
  lcal__document_close(&document);
  drop(bytes);
}

static void the_table_has_every_command_once(void **state) {
  (void)state;
  static const char *const words[] = {
      "status",      "streams",  "prototypes", "load_statistics", "domain", "domain_delete",
      "freeze",      "resume",   "shadow",     "bypass",          "reset",  "snapshot",
      "generations", "rollback", "reload",     "set_rule",
  };
  assert_int_equal(sizeof words / sizeof *words, LCAL__COMMAND_COUNT);
  for (size_t i = 0; i < LCAL__COMMAND_COUNT; i++) {
    const lcal__command *command = lcal__command_find(words[i]);
    assert_non_null(command);
    assert_ptr_equal(command, &lcal__commands[i]);
    bool asks = i == LCAL__COMMAND_STATUS || i == LCAL__COMMAND_STREAMS ||
                i == LCAL__COMMAND_PROTOTYPES || i == LCAL__COMMAND_GENERATIONS;
    assert_int_equal(command->changes, !asks);
  }
  assert_null(lcal__command_find("stat"));
  assert_null(lcal__command_find(""));
}

/* One row of arguments: the command, its encoded args, and what reading gives. */
static const struct {
  const char *command;
  lcal_bytes args;
  lcal_status status;
} argument_rows[] = {
#define ARGS(command, literal, status)                                                             \
  { command, {(const uint8_t *)(literal), sizeof(literal) - 1}, status }
#define BANK                                                                                       \
  "\xa4"                                                                                           \
  "bank\xa1"                                                                                       \
  "b"
#define DOMAIN                                                                                     \
  "\xa6"                                                                                           \
  "domain\xa1"                                                                                     \
  "d"
#define STREAM "\xa6stream\xa1s"
#define SETS                                                                                       \
  "\xa3sum\xc4\x01x\xa6weight\xc4\x01x\xa5"                                                        \
  "count\xc4\x01x\xa6"                                                                             \
  "frames\x05"
    ARGS("status", "\x80", LCAL_OK),
    ARGS("status", "\x81" BANK, LCAL_OK), /* unknown keys are passed over */
    ARGS("prototypes", "\x80", LCAL_MISSING_FIELD),
    ARGS("prototypes", "\x81" BANK, LCAL_OK),
    ARGS("prototypes", "\x82" BANK DOMAIN, LCAL_OK),
    ARGS("prototypes",
         "\x82" BANK "\xa6"
         "domain\xc0",
         LCAL_BAD_FIELD),
    ARGS("prototypes",
         "\x81\xa4"
         "bank\xa0",
         LCAL_BAD_FIELD),
    ARGS("load_statistics", "\x82" BANK DOMAIN, LCAL_MISSING_FIELD),
    ARGS("load_statistics", "\x86" BANK DOMAIN SETS, LCAL_MISSING_FIELD),
    ARGS("load_statistics",
         "\x87" BANK DOMAIN SETS "\xa4mode\xa3"
         "put",
         LCAL_BAD_FIELD),
    ARGS("load_statistics",
         "\x87" BANK DOMAIN SETS "\xa4mode\xa3"
         "add",
         LCAL_OK),
    ARGS("load_statistics", "\x87" BANK DOMAIN SETS "\xa4mode\xa7replace", LCAL_OK),
    ARGS("load_statistics",
         "\x88" BANK DOMAIN SETS "\xa4mode\xa3"
         "add\xa5"
         "extra\x80",
         LCAL_OK),
    ARGS("load_statistics",
         "\x88" BANK DOMAIN SETS "\xa4mode\xa3"
         "add\xa5"
         "extra\x81\xa1x\xc4\x00",
         LCAL_OK),
    ARGS("load_statistics",
         "\x88" BANK DOMAIN SETS "\xa4mode\xa3"
         "add\xa5"
         "extra\x81\xa1x\x01",
         LCAL_BAD_FIELD),
    ARGS("load_statistics",
         "\x88" BANK DOMAIN SETS "\xa4mode\xa3"
         "add\xa5"
         "extra\x90",
         LCAL_BAD_FIELD),
    ARGS("load_statistics",
         "\x87" BANK DOMAIN "\xa3sum\xa1x\xa6weight\xc4\x01x\xa5"
         "count\xc4\x01x\xa6"
         "frames\x05"
         "\xa4mode\xa3"
         "add",
         LCAL_BAD_FIELD),
    ARGS("load_statistics",
         "\x87" BANK DOMAIN "\xa3sum\xc4\x01x\xa6weight\xc4\x01x\xa5"
         "count\xc4\x01x\xa6"
         "frames\xff"
         "\xa4mode\xa3"
         "add",
         LCAL_BAD_FIELD),
    ARGS("domain", "\x81" STREAM, LCAL_MISSING_FIELD),
    ARGS("domain", "\x81" DOMAIN, LCAL_MISSING_FIELD),
    ARGS("domain", "\x82" STREAM DOMAIN, LCAL_OK),
    ARGS("domain_delete", "\x81" BANK, LCAL_MISSING_FIELD),
    ARGS("domain_delete", "\x82" BANK DOMAIN, LCAL_OK),
    ARGS("freeze", "\x80", LCAL_OK),
    ARGS("freeze", "\x81" STREAM, LCAL_OK),
    ARGS("resume", "\x81\xa6stream\x01", LCAL_BAD_FIELD),
    ARGS("shadow",
         "\x81\xa6stream\xa3"
         "a b",
         LCAL_BAD_FIELD),
    ARGS("bypass", "\x81" STREAM, LCAL_OK),
    ARGS("reset", "\x80", LCAL_MISSING_FIELD),
    ARGS("reset", "\x81" BANK, LCAL_OK),
    ARGS("reset",
         "\x83" BANK DOMAIN "\xa5"
         "class\x03",
         LCAL_OK),
    ARGS("reset",
         "\x82" BANK "\xa5"
         "class\xa7traffic",
         LCAL_OK),
    ARGS("reset",
         "\x82" BANK "\xa5"
         "class\xff",
         LCAL_BAD_FIELD),
    ARGS("reset",
         "\x82" BANK "\xa5"
         "class\xa0",
         LCAL_BAD_FIELD),
    ARGS("reset",
         "\x82" BANK "\xa5"
         "class\xc0",
         LCAL_BAD_FIELD),
    ARGS("reset",
         "\x82" BANK "\xa5"
         "class\xa2"
         "a\n",
         LCAL_BAD_FIELD),
    ARGS("snapshot", "\x80", LCAL_OK),
    ARGS("snapshot",
         "\x81\xa4"
         "bank\xc2",
         LCAL_BAD_FIELD),
    ARGS("generations", "\x80", LCAL_MISSING_FIELD),
    ARGS("rollback", "\x81" BANK, LCAL_MISSING_FIELD),
    ARGS("rollback",
         "\x82" BANK "\xaa"
         "generation\xa1"
         "1",
         LCAL_BAD_FIELD),
    ARGS("rollback",
         "\x82" BANK "\xaa"
         "generation\x01",
         LCAL_OK),
    ARGS("reload", "\x80", LCAL_OK),
    ARGS("set_rule", "\x81" BANK, LCAL_MISSING_FIELD),
    ARGS("set_rule", "\x82" BANK "\xa4rule\xa0", LCAL_BAD_FIELD),
    ARGS("set_rule", "\x82" BANK "\xa4rule\xa2kl", LCAL_OK),
};

static void every_commands_arguments_are_read_by_its_table(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof argument_rows / sizeof *argument_rows; i++) {
    lcal__document document;
    lcal__arguments arguments;
    lcal_error error = {LCAL_OK, ""};
    assert_int_equal(lcal__document_open(&document, argument_rows[i].args.data,
                                         argument_rows[i].args.length, &lcal__message_limits, NULL),
                     LCAL_OK);
    lcal_status status = lcal__arguments_read(lcal__command_find(argument_rows[i].command),
                                              &document.unpacked.data, &arguments, &error);
    if (status != argument_rows[i].status) {
      print_error("row %zu, %s: %s\n", i, argument_rows[i].command, error.message);
    }
    assert_int_equal(status, argument_rows[i].status);
    assert_true(status == LCAL_OK || strncmp(error.message, "args.", 5) == 0);
    lcal__document_close(&document);
  }
}

static void arguments_that_are_absent_are_empty(void **state) {
  (void)state;
  lcal__arguments arguments;
  memset(&arguments, 'x', sizeof arguments);
  assert_int_equal(lcal__arguments_read(lcal__command_find("snapshot"), NULL, &arguments, NULL),
                   LCAL_OK);
  assert_string_equal(arguments.bank, "");
  assert_null(arguments.class_key);
  assert_null(arguments.extra);
  assert_int_equal(lcal__arguments_read(lcal__command_find("reset"), NULL, &arguments, NULL),
                   LCAL_MISSING_FIELD);
}

static lcal_bytes a_result(void) {
  lcal__writer writer;
  lcal__writer_grow(&writer);
  lcal__begin_result(&writer, "id-1", "status");
  lcal__put_f64(&writer, "uptime_s", 1.5);
  lcal__begin_array(&writer, "banks");
  lcal__begin_map(&writer, NULL);
  lcal__put_text(&writer, "name", "default");
  lcal__end(&writer);
  lcal__end(&writer);
  lcal__end_result(&writer);
  return take(&writer);
}

static void a_result_comes_back_as_it_was_written(void **state) {
  (void)state;
  lcal_bytes bytes = a_result();
  lcal__result result;
  assert_int_equal(lcal__result_read(&result, bytes.data, bytes.length, NULL), LCAL_OK);
  assert_string_equal(result.id, "id-1");
  assert_string_equal(result.command, "status");
  lcal__document document;
  assert_int_equal(lcal__document_open(&document, result.result.data, result.result.length,
                                       &lcal__answer_limits, NULL),
                   LCAL_OK);
  const msgpack_object *uptime = lcal__map_find(&document.unpacked.data, "uptime_s");
  assert_true(uptime->via.f64 == 1.5);
  const msgpack_object *banks = lcal__map_find(&document.unpacked.data, "banks");
  assert_int_equal(banks->via.array.size, 1);
  assert_true(lcal__object_is(lcal__map_find(&banks->via.array.ptr[0], "name"), "default"));
  lcal__document_close(&document);

  static const char *const keys[] = {"v", "type", "id", "command", "result"};
  for (size_t i = 0; i < 5; i++) {
    lcal_bytes changed = edited(bytes, keys[i], NULL);
    assert_int_equal(lcal__result_read(&result, changed.data, changed.length, NULL),
                     LCAL_MISSING_FIELD);
    drop(changed);
  }
  lcal_bytes nil = RAW("\xc0");
  lcal_bytes changed = edited(bytes, "result", &nil);
  assert_int_equal(lcal__result_read(&result, changed.data, changed.length, NULL), LCAL_BAD_FIELD);
  drop(changed);
  drop(bytes);
}

static void a_result_may_be_larger_than_a_request(void **state) {
  (void)state;
  lcal__writer writer;
  lcal__writer_grow(&writer);
  lcal__begin_result(&writer, "id", "streams");
  lcal__begin_array(&writer, "streams");
  for (int i = 0; i < 2000; i++) {
    lcal__put_text(&writer, NULL, "a stream among very many others of this daemon");
  }
  lcal__end(&writer);
  lcal__end_result(&writer);
  lcal_bytes bytes = take(&writer);
  lcal__result result;
  assert_int_equal(lcal__result_read(&result, bytes.data, bytes.length, NULL), LCAL_OK);
  lcal_message type;
  assert_int_equal(lcal_message_type(&type, bytes.data, bytes.length, NULL), LCAL_OK);
  assert_int_equal(type, LCAL_MESSAGE_RESULT);
  lcal__request request;
  assert_int_equal(read_request(&request, bytes), LCAL_MALFORMED);
  drop(bytes);
}

static void an_event_comes_back_as_it_was_written(void **state) {
  (void)state;
  lcal__writer writer;
  lcal__writer_grow(&writer);
  lcal__begin_event(&writer, "sequence_gap", 1700000000000000000u, "front lost 3 frames");
  lcal__put_text(&writer, "stream", "front");
  lcal__put_u64(&writer, "lost", 3);
  lcal__end(&writer);
  lcal_bytes bytes = take(&writer);
  assert_memory_equal(bytes.data, "event", 6);
  lcal_event event;
  assert_int_equal(lcal_event_read(&event, bytes.data, bytes.length, NULL), LCAL_OK);
  assert_string_equal(event.event, "sequence_gap");
  assert_int_equal(event.stamp_ns, 1700000000000000000u);
  assert_string_equal(event.message, "front lost 3 frames");
  lcal_bytes map = {bytes.data + 6, bytes.length - 6};
  lcal_bytes wrong = RAW("\xc4\x01x");
  lcal_bytes changed = edited(map, "message", &wrong);
  assert_int_equal(lcal_event_read(&event, changed.data, changed.length, NULL), LCAL_BAD_FIELD);
  drop(changed);
  changed = edited(map, "event", NULL);
  assert_int_equal(lcal_event_read(&event, changed.data, changed.length, NULL), LCAL_MISSING_FIELD);
  drop(changed);
  drop(bytes);
}

static void a_status_message_carries_the_status_map(void **state) {
  (void)state;
  lcal_bytes map = RAW("\x82\xa5"
                       "build\xa1"
                       "1\xa7"
                       "threads\x02");
  lcal__writer writer;
  lcal__writer_grow(&writer);
  lcal__put_status(&writer, map);
  lcal_bytes bytes = take(&writer);
  assert_memory_equal(bytes.data, "status", 7);
  lcal_bytes read;
  assert_int_equal(lcal__status_read(&read, bytes.data, bytes.length, NULL), LCAL_OK);
  assert_int_equal(read.length, map.length);
  assert_memory_equal(read.data, map.data, map.length);
  assert_int_equal(lcal__status_read(&read, bytes.data, bytes.length - 1, NULL), LCAL_MALFORMED);
  drop(bytes);
}

static void the_type_of_every_message_is_told(void **state) {
  (void)state;
  for (int i = 0; i < LCAL_MESSAGE_COUNT; i++) {
    lcal__writer writer;
    lcal__writer_grow(&writer);
    lcal__begin_message(&writer, lcal__message_words[i]);
    lcal__end(&writer);
    lcal_bytes bytes = take(&writer);
    lcal_message type = LCAL_MESSAGE_COUNT;
    assert_int_equal(lcal_message_type(&type, bytes.data, bytes.length, NULL), LCAL_OK);
    assert_int_equal(type, i);
    drop(bytes);
  }
  lcal_message type = LCAL_MESSAGE_COUNT;
#define TYPE_OF(literal) lcal_message_type(&type, literal, sizeof(literal) - 1, NULL)
  assert_int_equal(TYPE_OF(""), LCAL_MALFORMED);
  assert_int_equal(TYPE_OF("\x80"), LCAL_MISSING_FIELD);
  assert_int_equal(TYPE_OF("\x82\xa1v\x01\xa4type\xa4what"), LCAL_BAD_FIELD);
  assert_int_equal(TYPE_OF("\x82\xa1v\x02\xa4type\xa5"
                           "frame"),
                   LCAL_UNSUPPORTED_VERSION);
  assert_int_equal(type, LCAL_MESSAGE_COUNT);
}

static void the_packets_of_the_ring_come_back_as_they_were_written(void **state) {
  (void)state;
  uint8_t buffer[LCAL__RING_PACKET_MAX];
  lcal__attach attach = {.stream = "front", .slots = 4, .slot_bytes = 1u << 20};
  size_t length = lcal__attach_write(&attach, LCAL__RING, buffer, sizeof buffer);
  lcal__attach attach_back;
  assert_int_equal(lcal__attach_read(&attach_back, LCAL__RING, buffer, length, NULL), LCAL_OK);
  assert_string_equal(attach_back.stream, "front");
  assert_int_equal(attach_back.slots, 4);
  assert_int_equal(attach_back.slot_bytes, 1u << 20);

  attach = (lcal__attach){.stream = ""};
  length = lcal__attach_write(&attach, LCAL__LABELS_RING, buffer, sizeof buffer);
  assert_int_equal(lcal__attach_read(&attach_back, LCAL__LABELS_RING, buffer, length, NULL),
                   LCAL_OK);
  assert_string_equal(attach_back.stream, "");
  assert_int_equal(lcal__attach_read(&attach_back, LCAL__RING, buffer, length, NULL),
                   LCAL_MISSING_FIELD);

  lcal__attached attached = {.id = UINT64_MAX, .slots = 4, .slot_bytes = 8192};
  lcal__attached attached_back;
  length = lcal__attached_write(&attached, LCAL__RING, buffer, sizeof buffer);
  assert_int_equal(lcal__attached_read(&attached_back, LCAL__RING, buffer, length, NULL), LCAL_OK);
  assert_int_equal(attached_back.id, UINT64_MAX);
  length = lcal__attached_write(&attached, LCAL__LABELS_RING, buffer, sizeof buffer);
  assert_int_equal(lcal__attached_read(&attached_back, LCAL__LABELS_RING, buffer, length, NULL),
                   LCAL_OK);
  assert_int_equal(attached_back.slots, 4);
  assert_int_equal(attached_back.slot_bytes, 8192);

  lcal__release release = {.slot = 3, .generation = 8};
  lcal__release release_back;
  length = lcal__release_write(&release, buffer, sizeof buffer);
  assert_int_equal(lcal__release_read(&release_back, buffer, length, NULL), LCAL_OK);
  assert_int_equal(release_back.slot, 3);
  assert_int_equal(release_back.generation, 8);
  assert_int_equal(lcal__release_write(&release, buffer, length - 1), 0);
}

static void a_ring_of_a_wrong_size_is_refused(void **state) {
  (void)state;
  static const struct {
    uint64_t slots, slot_bytes;
    lcal_status status;
  } rows[] = {{0, 4096, LCAL_BAD_FIELD}, {64, 4096, LCAL_BAD_FIELD}, {1, 0, LCAL_BAD_FIELD},
              {1, 4095, LCAL_BAD_FIELD}, {1, 4097, LCAL_BAD_FIELD},  {1, 4096, LCAL_OK},
              {63, 1ull << 40, LCAL_OK}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint8_t buffer[LCAL__RING_PACKET_MAX];
    lcal__attach attach = {"front", rows[i].slots, rows[i].slot_bytes};
    size_t length = lcal__attach_write(&attach, LCAL__RING, buffer, sizeof buffer);
    assert_int_equal(lcal__attach_read(&attach, LCAL__RING, buffer, length, NULL), rows[i].status);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_wrong_request_is_refused_and_keeps_its_id),
      cmocka_unit_test(an_id_has_1_to_64_bytes),
      cmocka_unit_test(every_commands_arguments_are_read_by_its_table),
      cmocka_unit_test(a_ring_of_a_wrong_size_is_refused),
      cmocka_unit_test(a_request_comes_back_as_it_was_written),
      cmocka_unit_test(the_table_has_every_command_once),
      cmocka_unit_test(arguments_that_are_absent_are_empty),
      cmocka_unit_test(a_result_comes_back_as_it_was_written),
      cmocka_unit_test(a_result_may_be_larger_than_a_request),
      cmocka_unit_test(an_event_comes_back_as_it_was_written),
      cmocka_unit_test(a_status_message_carries_the_status_map),
      cmocka_unit_test(the_type_of_every_message_is_told),
      cmocka_unit_test(the_packets_of_the_ring_come_back_as_they_were_written),
  };
  return cmocka_run_group_tests_name("wire: control, state and rings", tests, NULL, NULL);
}
