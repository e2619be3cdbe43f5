/* Frames: read from hostile bytes, and written. */
#include "wire/messages.h"
#include "wire_edit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t values[4 * 2 * 3 * 4] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

/* A frame of 4 classes, 2 x 3 pixels, with every optional key. */
static lcal_frame full_frame(void) {
  lcal_frame frame = {.stream = "front",
                      .seq = 7,
                      .stamp_ns = 1700000000000000000u,
                      .domain = "night",
                      .adapt = 0,
                      .out_height = 4,
                      .out_width = 6,
                      .want = LCAL_WANT_ARGMAX | LCAL_WANT_CALIBRATED,
                      .deadline_ns = 50000000,
                      .has_stream = 1,
                      .has_seq = 1};
  uint32_t shape[3] = {4, 2, 3};
  assert_int_equal(lcal_tensor_init(&frame.tensor, shape, LCAL_CHW, LCAL_F32, LCAL_PROBABILITIES,
                                    values, sizeof values, NULL),
                   LCAL_OK);
  return frame;
}

static lcal_bytes write_frame(const lcal_frame *frame) {
  size_t size = lcal_frame_size(frame);
  assert_int_not_equal(size, 0);
  uint8_t *bytes = malloc(size);
  assert_int_equal(lcal_frame_write(frame, bytes, size), size);
  return (lcal_bytes){bytes, size};
}

static void drop(lcal_bytes bytes) {
  free((void *)(uintptr_t)bytes.data);
}

static void assert_same_frame(const lcal_frame *a, const lcal_frame *b) {
  assert_string_equal(a->stream, b->stream);
  assert_int_equal(a->seq, b->seq);
  assert_int_equal(a->stamp_ns, b->stamp_ns);
  assert_string_equal(a->domain, b->domain);
  assert_int_equal(a->adapt, b->adapt);
  assert_int_equal(a->out_height, b->out_height);
  assert_int_equal(a->out_width, b->out_width);
  assert_int_equal(a->want, b->want);
  assert_int_equal(a->deadline_ns, b->deadline_ns);
  assert_int_equal(a->has_ring, b->has_ring);
  assert_int_equal(a->tensor.classes, b->tensor.classes);
  assert_int_equal(a->tensor.height, b->tensor.height);
  assert_int_equal(a->tensor.width, b->tensor.width);
  assert_int_equal(a->tensor.layout, b->tensor.layout);
  assert_int_equal(a->tensor.type, b->tensor.type);
  assert_int_equal(a->tensor.kind, b->tensor.kind);
}

static void a_frame_comes_back_as_it_was_written(void **state) {
  (void)state;
  lcal_frame frame = full_frame();
  lcal_bytes bytes = write_frame(&frame);
  lcal_frame read;
  assert_int_equal(lcal_frame_read(&read, bytes.data, bytes.length, 0, NULL), LCAL_OK);
  assert_same_frame(&read, &frame);
  assert_true(read.has_stream && read.has_seq);
  assert_memory_equal(read.tensor.data, values, sizeof values);
  /* A view of the message, not a copy. */
  assert_true((const uint8_t *)read.tensor.data > bytes.data &&
              (const uint8_t *)read.tensor.data < bytes.data + bytes.length);
  drop(bytes);
}

static void a_plain_frame_has_the_defaults(void **state) {
  (void)state;
  lcal_frame frame = {.stream = "a", .adapt = 1, .tensor = full_frame().tensor};
  lcal_bytes bytes = write_frame(&frame);
  lcal_frame read;
  assert_int_equal(lcal_frame_read(&read, bytes.data, bytes.length, 0, NULL), LCAL_OK);
  assert_same_frame(&read, &frame);
  drop(bytes);
}

static void a_ring_reference_comes_back_in_place_of_data(void **state) {
  (void)state;
  lcal_frame frame = full_frame();
  frame.tensor.data = NULL;
  frame.has_ring = 1;
  frame.ring_id = UINT64_MAX;
  frame.ring_slot = 3;
  frame.ring_generation = 12;
  lcal_bytes bytes = write_frame(&frame);
  lcal_frame read;
  assert_int_equal(lcal_frame_read(&read, bytes.data, bytes.length, 1, NULL), LCAL_OK);
  assert_same_frame(&read, &frame);
  assert_null(read.tensor.data);
  assert_int_equal(read.ring_id, UINT64_MAX);
  assert_int_equal(read.ring_slot, 3);
  assert_int_equal(read.ring_generation, 12);
  drop(bytes);
}

static void a_view_with_gaps_is_written_dense(void **state) {
  (void)state;
  static const uint8_t gaps[] = {1, 2, 3, 0, 0, 4, 5, 6, 0, 0};
  static const uint8_t dense[] = {1, 2, 3, 4, 5, 6};
  for (int layout = LCAL_CHW; layout <= LCAL_HWC; layout++) {
    lcal_frame frame = {.stream = "a", .adapt = 1};
    frame.tensor = (lcal_tensor){.data = gaps,
                                 .classes = layout == LCAL_CHW ? 2 : 3,
                                 .height = 1,
                                 .width = layout == LCAL_CHW ? 3 : 2,
                                 .layout = (lcal_layout)layout,
                                 .type = LCAL_U8,
                                 .stride = 5};
    lcal_bytes bytes = write_frame(&frame);
    lcal_frame read;
    assert_int_equal(lcal_frame_read(&read, bytes.data, bytes.length, 0, NULL), LCAL_OK);
    assert_memory_equal(read.tensor.data, dense, sizeof dense);
    drop(bytes);
  }
}

static void a_frame_that_no_daemon_takes_is_not_written(void **state) {
  (void)state;
  lcal_frame frame = full_frame();
  uint8_t buffer[1024];
#define NOT_WRITTEN(change)                                                                        \
  do {                                                                                             \
    frame = full_frame();                                                                          \
    change;                                                                                        \
    assert_int_equal(lcal_frame_size(&frame), 0);                                                  \
    assert_int_equal(lcal_frame_write(&frame, buffer, sizeof buffer), 0);                          \
  } while (0)
  NOT_WRITTEN(frame.stream[0] = '\0');
  NOT_WRITTEN(frame.stream[0] = '-');
  NOT_WRITTEN(memset(frame.stream, 'x', sizeof frame.stream));
  NOT_WRITTEN(frame.domain[0] = ' ');
  NOT_WRITTEN(frame.out_height = 1);
  NOT_WRITTEN(frame.out_height = 0);
  NOT_WRITTEN(frame.out_width = 8193);
  NOT_WRITTEN(frame.want = 16);
  NOT_WRITTEN(frame.tensor.data = NULL);
  NOT_WRITTEN(frame.tensor.classes = 1);
  NOT_WRITTEN(frame.tensor.height = 0);
  NOT_WRITTEN(frame.tensor.stride = 5);
  NOT_WRITTEN(frame.tensor.type = LCAL_TYPE_COUNT);
  frame = full_frame();
  size_t size = lcal_frame_size(&frame);
  for (size_t capacity = 0; capacity < size; capacity++) {
    assert_int_equal(lcal_frame_write(&frame, buffer, capacity), 0);
  }
}

/* What reading gives after one change of a full frame. */
static lcal_status read_changed(const char *path, const lcal_bytes *value, int calibrate,
                                lcal_frame *read, lcal_error *error) {
  lcal_frame frame = full_frame();
  lcal_bytes bytes = write_frame(&frame);
  lcal_bytes changed = edited(bytes, path, value);
  drop(bytes);
  *error = (lcal_error){LCAL_OK, ""};
  lcal_status status = lcal_frame_read(read, changed.data, changed.length, calibrate, error);
  drop(changed);
  assert_int_equal(error->code, status);
  return status;
}

static void every_required_key_is_missed_by_name(void **state) {
  (void)state;
  static const char *const required[] = {
      "v",           "type",        "stream",       "seq",
      "stamp_ns",    "tensor",      "tensor.shape", "tensor.layout",
      "tensor.type", "tensor.kind", "tensor.data",
  };
  for (size_t i = 0; i < sizeof required / sizeof *required; i++) {
    lcal_frame read;
    lcal_error error;
    assert_int_equal(read_changed(required[i], NULL, 0, &read, &error), LCAL_MISSING_FIELD);
    assert_memory_equal(error.message, required[i], strlen(required[i]));
  }
}

static void every_optional_key_may_be_absent(void **state) {
  (void)state;
  static const char *const optional[] = {"domain", "adapt", "out_shape", "want", "deadline_ns"};
  for (size_t i = 0; i < sizeof optional / sizeof *optional; i++) {
    lcal_frame read;
    lcal_error error;
    assert_int_equal(read_changed(optional[i], NULL, 0, &read, &error), LCAL_OK);
  }
}

/* 65 letters, with the header of a str 8. */
#define LONG_NAME                                                                                  \
  "\xd9\x41"                                                                                       \
  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define RING "\x83\xa2id\x01\xa4slot\x02\xaageneration\x04"

static const struct {
  const char *path;
  lcal_bytes value;
  lcal_status status;
} changes[] = {
    {"v", {NULL, 0}, LCAL_MISSING_FIELD},
#define CHANGE(path, literal, status)                                                              \
  { path, {(const uint8_t *)(literal), sizeof(literal) - 1}, status }
    CHANGE("v", "\x02", LCAL_UNSUPPORTED_VERSION),
    CHANGE("v", "\x00", LCAL_UNSUPPORTED_VERSION),
    CHANGE("v", "\xff", LCAL_UNSUPPORTED_VERSION),
    CHANGE("v", "\xcd\x00\x01", LCAL_OK),
    CHANGE("v", "\xd2\x00\x00\x00\x01", LCAL_OK),
    CHANGE("type", "\xa6labels", LCAL_BAD_FIELD),
    CHANGE("type",
           "\xc4\x05"
           "frame",
           LCAL_BAD_FIELD),
    CHANGE("stream", "\x01", LCAL_BAD_FIELD),
    CHANGE("stream", "\xa0", LCAL_BAD_FIELD),
    CHANGE("stream",
           "\xa3"
           "a\0b",
           LCAL_BAD_FIELD),
    CHANGE("stream", "\xa2\xc3\xa9", LCAL_BAD_FIELD),
    CHANGE("stream", "\xa2.a", LCAL_BAD_FIELD),
    CHANGE("stream",
           "\xa3"
           "a/b",
           LCAL_BAD_FIELD),
    CHANGE("stream", LONG_NAME, LCAL_BAD_FIELD),
    CHANGE("stream",
           "\xc4\x01"
           "a",
           LCAL_BAD_FIELD),
    CHANGE("stream",
           "\xd4\x01"
           "a",
           LCAL_BAD_FIELD),
    CHANGE("stream",
           "\xa4"
           "A._-",
           LCAL_OK),
    CHANGE("seq", "\xff", LCAL_BAD_FIELD),
    CHANGE("seq", "\xd3\x80\x00\x00\x00\x00\x00\x00\x00", LCAL_BAD_FIELD),
    CHANGE("seq", "\xca\x3f\x80\x00\x00", LCAL_BAD_FIELD),
    CHANGE("seq",
           "\xa1"
           "1",
           LCAL_BAD_FIELD),
    CHANGE("seq", "\xc0", LCAL_BAD_FIELD),
    CHANGE("seq", "\xc3", LCAL_BAD_FIELD),
    CHANGE("seq", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", LCAL_OK),
    CHANGE("seq", "\xd3\x00\x00\x00\x00\x00\x00\x00\x05", LCAL_OK),
    CHANGE("stamp_ns", "\xd0\xff", LCAL_BAD_FIELD),
    CHANGE("stamp_ns", "\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", LCAL_BAD_FIELD),
    CHANGE("tensor", "\x90", LCAL_BAD_FIELD),
    CHANGE("tensor", "\xc0", LCAL_BAD_FIELD),
    CHANGE("tensor", "\x80", LCAL_MISSING_FIELD),
    CHANGE("tensor.layout",
           "\xa3"
           "chw",
           LCAL_BAD_FIELD),
    CHANGE("tensor.layout", "\x00", LCAL_BAD_FIELD),
    CHANGE("tensor.type",
           "\xa3"
           "f64",
           LCAL_BAD_FIELD),
    CHANGE("tensor.type",
           "\xa2"
           "f3",
           LCAL_BAD_FIELD),
    CHANGE("tensor.kind", "\xa5logit", LCAL_BAD_FIELD),
    CHANGE("tensor.kind", "\x91\xa6logits", LCAL_BAD_FIELD),
    CHANGE("tensor.kind", "\xa6logits", LCAL_OK),
    CHANGE("tensor.data", "\xa1x", LCAL_BAD_FIELD),
    CHANGE("tensor.data", "\xc0", LCAL_BAD_FIELD),
    CHANGE("tensor.data", "\xd4\x01x", LCAL_BAD_FIELD),
    CHANGE("tensor.data", "\xc4\x00", LCAL_BAD_TENSOR),
    CHANGE("tensor.data", "\xc4\x01x", LCAL_BAD_TENSOR),
    CHANGE("tensor.ring", RING, LCAL_BAD_FIELD), /* and data */
    CHANGE("tensor.ring", "\xc0", LCAL_BAD_FIELD),
    CHANGE("tensor.ring", "\x80", LCAL_MISSING_FIELD),
    CHANGE("tensor.shape", "\x06", LCAL_BAD_TENSOR),
    CHANGE("tensor.shape", "\x92\x04\x06", LCAL_BAD_TENSOR),
    CHANGE("tensor.shape", "\x94\x04\x02\x03\x01", LCAL_BAD_TENSOR),
    CHANGE("tensor.shape", "\x93\x04\x00\x03", LCAL_BAD_TENSOR),
    CHANGE("tensor.shape", "\x93\x04\xfe\xfd", LCAL_BAD_TENSOR),
    CHANGE("tensor.shape",
           "\x93\x04\xa1"
           "2\x03",
           LCAL_BAD_TENSOR),
    CHANGE("tensor.shape", "\x93\x01\x02\x0c", LCAL_BAD_FIELD), /* out_shape below it */
    CHANGE("tensor.shape", "\x93\x01\x04\x06", LCAL_BAD_TENSOR),
    CHANGE("tensor.shape", "\x93\x04\x02\x04", LCAL_BAD_TENSOR),
    CHANGE("tensor.shape", "\x93\xcf\x00\x00\x00\x01\x00\x00\x00\x04\x02\x03", LCAL_BAD_TENSOR),
    CHANGE("domain", "\xa0", LCAL_BAD_FIELD),
    CHANGE("domain", "\xc0", LCAL_BAD_FIELD),
    CHANGE("adapt", "\x00", LCAL_BAD_FIELD),
    CHANGE("adapt", "\xc0", LCAL_BAD_FIELD),
    CHANGE("adapt", "\xc3", LCAL_OK),
    CHANGE("out_shape", "\x04", LCAL_BAD_FIELD),
    CHANGE("out_shape", "\x91\x04", LCAL_BAD_FIELD),
    CHANGE("out_shape", "\x93\x04\x06\x01", LCAL_BAD_FIELD),
    CHANGE("out_shape", "\x92\x00\x06", LCAL_BAD_FIELD),
    CHANGE("out_shape", "\x92\xff\x06", LCAL_BAD_FIELD),
    CHANGE("out_shape", "\x92\x01\x06", LCAL_BAD_FIELD),
    CHANGE("out_shape", "\x92\x04\x02", LCAL_BAD_FIELD),
    CHANGE("out_shape", "\x92\x04\xca\x40\xc0\x00\x00", LCAL_BAD_FIELD),
    CHANGE("out_shape", "\x92\x02\x03", LCAL_OK),
    CHANGE("out_shape", "\x92\xcd\x20\x00\xcd\x20\x00", LCAL_OK),
    CHANGE("out_shape", "\x92\xcd\x20\x01\x06", LCAL_TOO_LARGE),
    CHANGE("out_shape", "\x92\x04\xcf\xff\xff\xff\xff\xff\xff\xff\xff", LCAL_TOO_LARGE),
    CHANGE("want",
           "\xa6"
           "argmax",
           LCAL_BAD_FIELD),
    CHANGE("want", "\x91\x01", LCAL_BAD_FIELD),
    CHANGE("want",
           "\x91\xa4"
           "best",
           LCAL_BAD_FIELD),
    CHANGE("want", "\x91\xa6scores", LCAL_BAD_FIELD),
    CHANGE("want", "\x90", LCAL_OK),
    CHANGE("want",
           "\x92\xaa"
           "confidence\xaa"
           "confidence",
           LCAL_OK),
    CHANGE("deadline_ns", "\x00", LCAL_BAD_FIELD),
    CHANGE("deadline_ns", "\xff", LCAL_BAD_FIELD),
    CHANGE("deadline_ns", "\x01", LCAL_OK),
    CHANGE("unknown", "\xd4\x01x", LCAL_OK),
    CHANGE("tensor.unknown", "\x81\xa1k\x91\xc0", LCAL_OK),
};

static void every_key_is_refused_by_name_when_it_is_wrong(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    lcal_frame read;
    lcal_error error;
    const lcal_bytes *value = changes[i].value.data ? &changes[i].value : NULL;
    lcal_status status = read_changed(changes[i].path, value, 0, &read, &error);
    if (status != changes[i].status) {
      print_error("%s, row %zu: %s (%s)\n", changes[i].path, i, lcal_status_word(status),
                  error.message);
    }
    assert_int_equal(status, changes[i].status);
    if (status == LCAL_BAD_FIELD && strcmp(changes[i].path, "tensor.shape") != 0) {
      size_t head = strcspn(changes[i].path, ".");
      assert_memory_equal(error.message, changes[i].path, head);
    }
  }
}

static void the_first_wrong_thing_in_the_protocols_order_is_reported(void **state) {
  (void)state;
  lcal_frame frame = full_frame();
  lcal_bytes bytes = write_frame(&frame);
  /* Wrong in every way, then mended one by one. */
  static const struct {
    const char *path;
    lcal_bytes value, mended;
  } steps[] = {
      {"out_shape",
       {(const uint8_t *)"\x92\xcd\x20\x01\x06", 5},
       {(const uint8_t *)"\x92\x04\x06", 3}},
      {"tensor.shape",
       {(const uint8_t *)"\x93\x03\x02\x03", 4},
       {(const uint8_t *)"\x93\x04\x02\x03", 4}},
      {"want", {(const uint8_t *)"\x91\xa6scores", 8}, {(const uint8_t *)"\x90", 1}},
      {"tensor.kind", {NULL, 0}, {(const uint8_t *)"\xa6logits", 7}},
      {"v", {(const uint8_t *)"\x02", 1}, {(const uint8_t *)"\x01", 1}},
  };
  static const lcal_status expected[] = {LCAL_UNSUPPORTED_VERSION, LCAL_MISSING_FIELD,
                                         LCAL_BAD_FIELD,           LCAL_BAD_TENSOR,
                                         LCAL_TOO_LARGE,           LCAL_OK};
  for (size_t i = 0; i < 5; i++) {
    lcal_bytes next = edited(bytes, steps[i].path, steps[i].value.data ? &steps[i].value : NULL);
    drop(bytes);
    bytes = next;
  }
  lcal_frame read;
  for (size_t i = 0; i < 5; i++) {
    assert_int_equal(lcal_frame_read(&read, bytes.data, bytes.length, 0, NULL), expected[i]);
    lcal_bytes next = edited(bytes, steps[4 - i].path, &steps[4 - i].mended);
    drop(bytes);
    bytes = next;
  }
  assert_int_equal(lcal_frame_read(&read, bytes.data, bytes.length, 0, NULL), LCAL_OK);
  drop(bytes);
}

static void scores_are_for_calibrate_and_at_most_64_mib(void **state) {
  (void)state;
  lcal_frame read;
  lcal_error error;
  lcal_bytes scores = RAW("\x91\xa6scores");
  assert_int_equal(read_changed("want", &scores, 0, &read, &error), LCAL_BAD_FIELD);
  assert_int_equal(read_changed("want", &scores, 1, &read, &error), LCAL_OK);
  assert_int_equal(read.want, LCAL_WANT_SCORES);
  /* 4 classes of float32: 2048 x 2048 is 64 MiB. */
  lcal_frame frame = full_frame();
  frame.want = LCAL_WANT_SCORES;
  frame.out_height = 2048;
  frame.out_width = 2049;
  lcal_bytes bytes = write_frame(&frame);
  assert_int_equal(lcal_frame_read(&read, bytes.data, bytes.length, 1, NULL), LCAL_BAD_FIELD);
  drop(bytes);
  frame.out_width = 2048;
  bytes = write_frame(&frame);
  assert_int_equal(lcal_frame_read(&read, bytes.data, bytes.length, 1, NULL), LCAL_OK);
  /* Sizes whose product does not fit 64 bits are too large too. */
  lcal_bytes vast =
      RAW("\x92\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
  lcal_bytes changed = edited(bytes, "out_shape", &vast);
  assert_int_equal(lcal_frame_read(&read, changed.data, changed.length, 1, NULL), LCAL_BAD_FIELD);
  drop(changed);
  drop(bytes);
}

static void a_topic_must_be_the_streams_name(void **state) {
  (void)state;
  lcal_frame frame = full_frame();
  lcal_bytes bytes = write_frame(&frame);
  static const struct {
    const char *topic;
    size_t length;
    lcal_status status;
  } topics[] = {
      {"fron", 5, LCAL_BAD_FIELD},
      {"frontx", 7, LCAL_BAD_FIELD},
      {"", 1, LCAL_BAD_FIELD},
      {"front", 5, LCAL_MALFORMED},   /* no zero byte */
      {"front\0", 7, LCAL_MALFORMED}, /* two of them */
      {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 65, LCAL_BAD_FIELD},
      {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 66, LCAL_MALFORMED},
      {"front", 6, LCAL_OK},
  };
  for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
    size_t length = topics[i].length + bytes.length;
    uint8_t *body = malloc(length);
    memcpy(body, topics[i].topic, topics[i].length);
    memcpy(body + topics[i].length, bytes.data, bytes.length);
    lcal_frame read;
    assert_int_equal(lcal_frame_read(&read, body, length, 0, NULL), topics[i].status);
    /* A request has no topic. */
    assert_int_equal(lcal_frame_read(&read, body, length, 1, NULL), LCAL_MALFORMED);
    free(body);
  }
  drop(bytes);
}

static void a_refused_frame_keeps_its_stream_seq_and_ring(void **state) {
  (void)state;
  lcal_frame read;
  lcal_error error;
  lcal_bytes two = RAW("\x02");
  assert_int_equal(read_changed("v", &two, 0, &read, &error), LCAL_UNSUPPORTED_VERSION);
  assert_true(read.has_stream && read.has_seq && !read.has_ring);
  assert_string_equal(read.stream, "front");
  assert_int_equal(read.seq, 7);

  lcal_bytes bad_name = RAW("\xa1/");
  assert_int_equal(read_changed("stream", &bad_name, 0, &read, &error), LCAL_BAD_FIELD);
  assert_true(!read.has_stream && read.has_seq);
  assert_string_equal(read.stream, "");

  lcal_bytes ring = RAW(RING);
  assert_int_equal(read_changed("tensor.ring", &ring, 0, &read, &error), LCAL_BAD_FIELD);
  assert_true(read.has_ring);
  assert_int_equal(read.ring_id, 1);
  assert_int_equal(read.ring_slot, 2);
  assert_int_equal(read.ring_generation, 4);

  lcal_bytes half = RAW("\x82\xa2id\x01\xa4slot\x02");
  assert_int_equal(read_changed("tensor.ring", &half, 0, &read, &error), LCAL_MISSING_FIELD);
  assert_false(read.has_ring);

  lcal_bytes negative = RAW("\xff");
  assert_int_equal(read_changed("seq", &negative, 0, &read, &error), LCAL_BAD_FIELD);
  assert_true(read.has_stream && !read.has_seq);

  assert_int_equal(lcal_frame_read(&read, "\x80\x80", 2, 0, NULL), LCAL_MALFORMED);
  assert_true(!read.has_stream && !read.has_seq && !read.has_ring);
}

static void the_words_are_the_cores(void **state) {
  (void)state;
  for (int layout = 0; layout < LCAL_LAYOUT_COUNT; layout++) {
    assert_string_equal(lcal__tensor_table.fields[1].words[layout],
                        lcal_layout_word((lcal_layout)layout));
  }
  for (int type = 0; type < LCAL_TYPE_COUNT; type++) {
    assert_string_equal(lcal__tensor_table.fields[2].words[type], lcal_type_word((lcal_type)type));
  }
  for (int kind = 0; kind < LCAL_KIND_COUNT; kind++) {
    assert_string_equal(lcal__tensor_table.fields[3].words[kind], lcal_kind_word((lcal_kind)kind));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_required_key_is_missed_by_name),
      cmocka_unit_test(every_key_is_refused_by_name_when_it_is_wrong),
      cmocka_unit_test(the_first_wrong_thing_in_the_protocols_order_is_reported),
      cmocka_unit_test(scores_are_for_calibrate_and_at_most_64_mib),
      cmocka_unit_test(a_topic_must_be_the_streams_name),
      cmocka_unit_test(a_refused_frame_keeps_its_stream_seq_and_ring),
      cmocka_unit_test(a_frame_that_no_daemon_takes_is_not_written),
      cmocka_unit_test(every_optional_key_may_be_absent),
      cmocka_unit_test(a_frame_comes_back_as_it_was_written),
      cmocka_unit_test(a_plain_frame_has_the_defaults),
      cmocka_unit_test(a_ring_reference_comes_back_in_place_of_data),
      cmocka_unit_test(a_view_with_gaps_is_written_dense),
      cmocka_unit_test(the_words_are_the_cores),
  };
  return cmocka_run_group_tests_name("wire: frame", tests, NULL, NULL);
}
