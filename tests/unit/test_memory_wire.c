/* Memory that runs out while messages are read and written: the status says so, it is never
 * mistaken for a fault of the message. */
#include "allocations.h"
#include "wire/commands.h"
#include "wire/control.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const float values[2 * 3 * 4] = {1};

/* A message to read. */
struct body {
  uint8_t bytes[4096];
  size_t length;
};

static lcal_status read_frame(void *context, lcal_error *error) {
  const struct body *body = context;
  lcal_frame frame;
  return lcal_frame_read(&frame, body->bytes, body->length, 1, error);
}

static lcal_status read_labels(void *context, lcal_error *error) {
  const struct body *body = context;
  lcal_labels labels;
  return lcal_labels_read(&labels, body->bytes, body->length, error);
}

static lcal_status read_error(void *context, lcal_error *error) {
  const struct body *body = context;
  lcal_error_message message;
  return lcal_error_read(&message, body->bytes, body->length, error);
}

static lcal_status read_event(void *context, lcal_error *error) {
  const struct body *body = context;
  lcal_event event;
  return lcal_event_read(&event, body->bytes, body->length, error);
}

static lcal_status read_result(void *context, lcal_error *error) {
  const struct body *body = context;
  lcal__result result;
  return lcal__result_read(&result, body->bytes, body->length, error);
}

static lcal_status read_status(void *context, lcal_error *error) {
  const struct body *body = context;
  lcal_bytes status;
  return lcal__status_read(&status, body->bytes, body->length, error);
}

static lcal_status read_type(void *context, lcal_error *error) {
  const struct body *body = context;
  lcal_message type = LCAL_MESSAGE_COUNT;
  lcal_status status = lcal_message_type(&type, body->bytes, body->length, error);
  assert_true((status == LCAL_OK) == (type != LCAL_MESSAGE_COUNT));
  return status;
}

static void write_frame(struct body *body) {
  lcal_frame frame = {.stream = "front", .seq = 7};
  assert_int_equal(lcal_tensor_init(&frame.tensor, (uint32_t[]){4, 2, 3}, LCAL_CHW, LCAL_F32,
                                    LCAL_PROBABILITIES, values, sizeof values, NULL),
                   LCAL_OK);
  body->length = lcal_frame_write(&frame, body->bytes, sizeof body->bytes);
}

static void write_labels(struct body *body) {
  lcal_labels labels = {.stream = "front",
                        .bank = "default",
                        .domain = "default",
                        .rule = "kl",
                        .height = 2,
                        .width = 3,
                        .label_bytes = 1,
                        .labels = {(const uint8_t *)"abcdef", 6}};
  body->length = lcal_labels_write(&labels, 1, body->bytes, sizeof body->bytes);
}

static void write_error(struct body *body) {
  lcal_error_message message = {.error = {LCAL_BUSY, "the queue is full"}, .stream = "front"};
  body->length = lcal_error_write(&message, body->bytes, sizeof body->bytes);
}

static void write_event(struct body *body) {
  lcal__writer writer;
  lcal__writer_fix(&writer, body->bytes, sizeof body->bytes);
  lcal__begin_event(&writer, "reloaded", 1, "the configuration was reloaded");
  lcal__end(&writer);
  body->length = lcal__writer_fitted(&writer);
}

static void write_result(struct body *body) {
  lcal__writer writer;
  lcal__writer_fix(&writer, body->bytes, sizeof body->bytes);
  lcal__begin_result(&writer, "1", "status");
  lcal__end_result(&writer);
  body->length = lcal__writer_fitted(&writer);
}

static void write_status(struct body *body) {
  lcal__writer writer;
  lcal__writer_fix(&writer, body->bytes, sizeof body->bytes);
  lcal__put_status(&writer, (lcal_bytes){(const uint8_t *)"\x80", 1});
  body->length = lcal__writer_fitted(&writer);
}

static void reading_a_message_without_memory_is_no_fault_of_the_message(void **state) {
  (void)state;
  static const struct {
    void (*write)(struct body *body);
    attempt read;
  } rows[] = {{write_frame, read_frame}, {write_labels, read_labels}, {write_error, read_error},
              {write_event, read_event}, {write_result, read_result}, {write_status, read_status},
              {write_labels, read_type}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct body body = {0};
    rows[i].write(&body);
    assert_int_not_equal(body.length, 0);
    assert_int_equal(every_allocation_fails(rows[i].read, &body), 1);
  }
}

/* A request of several times the writer's first 8 KiB. */
static lcal_status grow(void *context, lcal_error *error) {
  static const char text[4000] = {0};
  lcal__writer writer;
  uint8_t *bytes = context;
  size_t length = 77;
  lcal__writer_grow(&writer);
  lcal__begin_map(&writer, NULL);
  for (int i = 0; i < 20; i++) {
    lcal__put_bin(&writer, "bytes", text, sizeof text);
  }
  lcal__end(&writer);
  lcal_status status = lcal__writer_take(&writer, &bytes, &length, error);
  if (status == LCAL_OK) {
    assert_true(length > 20 * sizeof text && bytes[2] == 20);
    free(bytes);
  } else {
    assert_true(bytes == context && length == 77);
  }
  return status;
}

static void a_message_that_cannot_grow_is_not_handed_over(void **state) {
  (void)state;
  uint8_t before;
  assert_true(every_allocation_fails(grow, &before) >= 3);
}

static lcal_status write_json(void *context, lcal_error *error) {
  const lcal_bytes *map = context;
  char *text = NULL;
  size_t length = 77;
  lcal_status status = lcal__json_write(*map, &text, &length, error);
  assert_true((status == LCAL_OK) == (text != NULL));
  if (text) {
    assert_string_equal(text, "{\"sum\":[1.0,0.5,0.0,0.0],\"digest\":\"AAAAAAA=\","
                              "\"large\":\"18446744073709551615\",\"small\":1,\"below\":-1,"
                              "\"share\":0.5,\"name\":\"front\",\"list\":[true,\"x\"]}");
  }
  free(text);
  return status;
}

static void json_of_a_map_is_whole_or_not_written(void **state) {
  (void)state;
  static const double sum[4] = {1, 0.5, 0, 0};
  lcal__writer writer;
  uint8_t bytes[512];
  lcal__writer_fix(&writer, bytes, sizeof bytes);
  lcal__begin_map(&writer, NULL);
  lcal__put_bin(&writer, "sum", sum, sizeof sum);
  lcal__put_bin(&writer, "digest", sum, 5);
  lcal__put_u64(&writer, "large", UINT64_MAX);
  lcal__put_u64(&writer, "small", 1);
  lcal__put_i64(&writer, "below", -1);
  lcal__put_f64(&writer, "share", 0.5);
  lcal__put_text(&writer, "name", "front");
  lcal__begin_array(&writer, "list");
  lcal__put_flag(&writer, NULL, true);
  lcal__put_text(&writer, NULL, "x");
  lcal__end(&writer);
  lcal__end(&writer);
  lcal_bytes map = {bytes, lcal__writer_fitted(&writer)};
  assert_int_not_equal(map.length, 0);
  assert_true(every_allocation_fails(write_json, &map) > 20);
}

static lcal_status read_json(void *context, lcal_error *error) {
  const char *text = context;
  uint8_t *bytes = NULL;
  size_t length = 0;
  lcal_status status = lcal__json_read_command(text, strlen(text), &bytes, &length, error);
  assert_true((status == LCAL_OK) == (bytes != NULL));
  free(bytes);
  return status;
}

static void a_command_in_json_without_memory_is_no_fault_of_the_command(void **state) {
  (void)state;
  char text[] =
      "{\"v\": 1, \"type\": \"command\", \"id\": \"1\", \"command\": \"load_statistics\","
      " \"args\": {\"mode\": \"add\", \"sum\": \"AAAA\", \"list\": [1.5, null, true, -1]}}";
  assert_true(every_allocation_fails(read_json, text) > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reading_a_message_without_memory_is_no_fault_of_the_message),
      cmocka_unit_test(a_message_that_cannot_grow_is_not_handed_over),
      cmocka_unit_test(json_of_a_map_is_whole_or_not_written),
      cmocka_unit_test(a_command_in_json_without_memory_is_no_fault_of_the_command),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
