/* msgpack to JSON, and commands from JSON. */
#include "wire/commands.h"
#include "wire/control.h"
#include "wire/json.h"
#include "wire_edit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void drop(lcal_bytes bytes) {
  free((void *)(uintptr_t)bytes.data);
}

static void assert_json(lcal_bytes map, const char *expected) {
  char *text;
  size_t length;
  assert_int_equal(lcal__json_write(map, &text, &length, NULL), LCAL_OK);
  assert_string_equal(text, expected);
  assert_int_equal(length, strlen(expected));
  free(text);
}

static void what_is_not_a_map_is_not_written(void **state) {
  (void)state;
  char *text;
  size_t length;
  lcal_error error;
  assert_int_equal(lcal__json_write(RAW("\x90"), &text, &length, &error), LCAL_MALFORMED);
  assert_int_equal(lcal__json_write(RAW("\x81\xa1"), &text, &length, &error), LCAL_MALFORMED);
}

static void every_kind_of_value_is_written(void **state) {
  (void)state;
  assert_json(RAW("\x80"), "{}");
  assert_json(RAW("\x84\xa1"
                  "a\xc0\xa1"
                  "b\xc3\xa1"
                  "c\xff\xa1"
                  "d\x92\x01\xa1x"),
              "{\"a\":null,\"b\":true,\"c\":-1,\"d\":[1,\"x\"]}");
  assert_json(RAW("\x81\xa1"
                  "a\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00"),
              "{\"a\":1.5}");
  assert_json(RAW("\x81\xa1"
                  "a\xca\x3f\xc0\x00\x00"),
              "{\"a\":1.5}");
  assert_json(RAW("\x81\xa1"
                  "a\xd4\x01x"),
              "{\"a\":null}");
  assert_json(RAW("\x81\xa1"
                  "a\xa3q\"\xff"),
              "{\"a\":\"q\\\"\"}");
}

static void numbers_that_json_lacks_become_null_or_digits(void **state) {
  (void)state;
  assert_json(RAW("\x81\xa1"
                  "a\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"),
              "{\"a\":null}");
  assert_json(RAW("\x81\xa1"
                  "a\xca\x7f\xc0\x00\x00"),
              "{\"a\":null}");
  assert_json(RAW("\x82\xa1"
                  "a\xcf\x7f\xff\xff\xff\xff\xff\xff\xff\xa1"
                  "b\xcf\x80\x00\x00\x00\x00\x00\x00\x00"),
              "{\"a\":9223372036854775807,\"b\":\"9223372036854775808\"}");
}

static void strings_of_no_bytes_are_strings(void **state) {
  (void)state;
  assert_json(RAW("\x82\xa0\xa0\xa1"
                  "a\x91\xa0"),
              "{\"\":\"\",\"a\":[\"\"]}");
}

static void statistics_become_numbers_and_other_bins_base64(void **state) {
  (void)state;
  static const double sum[4] = {1, 0.5, INFINITY, 0};
  static const float thresholds[2] = {0.75f, INFINITY};
  static const uint64_t count[2] = {3, UINT64_MAX};
  lcal__writer writer;
  lcal__writer_grow(&writer);
  lcal__begin_map(&writer, NULL);
  lcal__put_bin(&writer, "sum", sum, sizeof sum);
  lcal__put_bin(&writer, "weight", sum, 2 * sizeof *sum);
  lcal__put_bin(&writer, "count", count, sizeof count);
  lcal__put_bin(&writer, "thresholds", thresholds, sizeof thresholds);
  lcal__put_bin(&writer, "prototypes", thresholds, 3); /* no whole number of floats */
  lcal__begin_map(&writer, "extra");
  lcal__put_bin(&writer, "layout", "foob", 4);
  lcal__end(&writer);
  lcal__end(&writer);
  uint8_t *bytes;
  size_t length;
  assert_int_equal(lcal__writer_take(&writer, &bytes, &length, NULL), LCAL_OK);
  assert_json((lcal_bytes){bytes, length},
              "{\"sum\":[1.0,0.5,null,0.0],\"weight\":[1.0,0.5],"
              "\"count\":[3,\"18446744073709551615\"],\"thresholds\":[0.75,null],"
              "\"prototypes\":\"AABA\",\"extra\":{\"layout\":\"Zm9vYg==\"}}");
  free(bytes);
}

static lcal_status read_json(const char *text, lcal_bytes *bytes) {
  uint8_t *data = NULL;
  size_t length = 0;
  lcal_error error = {LCAL_OK, ""};
  lcal_status status = lcal__json_read_command(text, strlen(text), &data, &length, &error);
  *bytes = (lcal_bytes){data, length};
  assert_true(status == LCAL_OK || error.message[0] != '\0');
  return status;
}

static void what_is_not_one_json_object_is_malformed(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "{",
      "[]",
      "1",
      "\"x\"",
      "null",
      "{} {}",
      "{\"v\":1,}",
      "{\"v\":1,\"v\":1}",
      "{\"args\":{\"a\":1,\"a\":2}}",
      "{\"v\":18446744073709551616}",
      "{\"v\":1e999}",
      "{\"v\":NaN}",
      "{\"v\":\"\\u0000\"}",
      "{\"a\\u0000b\":1}",
      "{\"v\":\"\xff\"}",
      "{\"a\":[[[[[[[[1]]]]]]]]}", /* nine levels */
      "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    lcal_bytes bytes;
    assert_int_equal(read_json(bad[i], &bytes), LCAL_MALFORMED);
    assert_null(bytes.data);
  }
  lcal_bytes bytes;
  assert_int_equal(read_json("{\"a\":[[[[[[[1]]]]]]]}", &bytes), LCAL_OK);
  assert_int_equal(lcal__scan(bytes.data, bytes.length, &lcal__message_limits, NULL), LCAL_OK);
  drop(bytes);
}

static void deep_or_wide_json_is_malformed(void **state) {
  (void)state;
  size_t length = 1u << 20;
  char *text = malloc(length + 1);
  memset(text, '[', length);
  text[length] = '\0';
  lcal_bytes bytes;
  assert_int_equal(read_json(text, &bytes), LCAL_MALFORMED);
  size_t at = (size_t)sprintf(text, "{\"a\":{");
  for (int i = 0; i < 257; i++) {
    at += (size_t)sprintf(text + at, "%s\"%d\":1", i ? "," : "", i);
  }
  sprintf(text + at, "}}");
  assert_int_equal(read_json(text, &bytes), LCAL_MALFORMED);
  assert_int_equal(read_json(text + 5, &bytes), LCAL_MALFORMED); /* trailing brace */
  free(text);
}

static void a_command_in_json_is_the_same_in_msgpack(void **state) {
  (void)state;
  lcal_bytes bytes;
  assert_int_equal(read_json("{\"v\":1,\"type\":\"command\",\"id\":\"x\",\"command\":\"reset\","
                             "\"args\":{\"bank\":\"default\",\"class\":-1,\"a\":[true,null,1.5]}}",
                             &bytes),
                   LCAL_OK);
  assert_json(bytes, "{\"v\":1,\"type\":\"command\",\"id\":\"x\",\"command\":\"reset\","
                     "\"args\":{\"bank\":\"default\",\"class\":-1,\"a\":[true,null,1.5]}}");
  drop(bytes);
}

static void strings_become_bins_where_a_commands_argument_is_one(void **state) {
  (void)state;
  lcal_bytes bytes;
  assert_int_equal(read_json("{\"v\":1,\"type\":\"command\",\"id\":\"x\","
                             "\"command\":\"load_statistics\",\"sum\":\"Zg==\",\"args\":{"
                             "\"bank\":\"b\",\"domain\":\"d\",\"sum\":\"Zg==\",\"weight\":\"Zm8=\","
                             "\"count\":\"\",\"frames\":1,\"mode\":\"add\","
                             "\"extra\":{\"layout\":\"Zm9v\"}}}",
                             &bytes),
                   LCAL_OK);
  lcal__document document;
  lcal__request request;
  lcal__arguments arguments;
  assert_int_equal(
      lcal__document_open(&document, bytes.data, bytes.length, &lcal__message_limits, NULL),
      LCAL_OK);
  assert_int_equal(lcal__request_read(&request, &document, NULL), LCAL_OK);
  assert_int_equal(
      lcal__arguments_read(lcal__command_find(request.command), request.args, &arguments, NULL),
      LCAL_OK);
  assert_int_equal(arguments.sum.length, 1);
  assert_memory_equal(arguments.sum.data, "f", 1);
  assert_int_equal(arguments.weight.length, 2);
  assert_int_equal(arguments.count.length, 0);
  const msgpack_object *layout = lcal__map_find(arguments.extra, "layout");
  assert_int_equal(layout->via.bin.size, 3);
  /* Elsewhere a string stays one. */
  assert_true(lcal__object_is(lcal__map_find(&document.unpacked.data, "sum"), "Zg=="));
  lcal__document_close(&document);
  drop(bytes);
}

static void bins_that_are_not_base64_are_bad_fields(void **state) {
  (void)state;
  lcal_bytes bytes;
  assert_int_equal(read_json("{\"command\":\"load_statistics\",\"args\":{\"sum\":\"x\"}}", &bytes),
                   LCAL_BAD_FIELD);
  assert_int_equal(
      read_json("{\"command\":\"load_statistics\",\"args\":{\"extra\":{\"e\":\"x\"}}}", &bytes),
      LCAL_BAD_FIELD);
  /* What is no string stays what it is, for the arguments' table to refuse. */
  assert_int_equal(read_json("{\"command\":\"load_statistics\",\"args\":{\"sum\":[1]}}", &bytes),
                   LCAL_OK);
  drop(bytes);
  assert_int_equal(read_json("{\"command\":\"what\",\"args\":{\"sum\":\"x\"}}", &bytes), LCAL_OK);
  drop(bytes);
  assert_int_equal(read_json("{\"command\":7,\"args\":7}", &bytes), LCAL_OK);
  drop(bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_not_a_map_is_not_written),
      cmocka_unit_test(what_is_not_one_json_object_is_malformed),
      cmocka_unit_test(deep_or_wide_json_is_malformed),
      cmocka_unit_test(bins_that_are_not_base64_are_bad_fields),
      cmocka_unit_test(every_kind_of_value_is_written),
      cmocka_unit_test(numbers_that_json_lacks_become_null_or_digits),
      cmocka_unit_test(strings_of_no_bytes_are_strings),
      cmocka_unit_test(statistics_become_numbers_and_other_bins_base64),
      cmocka_unit_test(a_command_in_json_is_the_same_in_msgpack),
      cmocka_unit_test(strings_become_bins_where_a_commands_argument_is_one),
  };
  return cmocka_run_group_tests_name("wire: json", tests, NULL, NULL);
}
