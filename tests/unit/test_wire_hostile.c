/* Every reader on broken copies of every message: whatever comes, a status. */
#include "wire/commands.h"
#include "wire/control.h"
#include "wire/json.h"
#include "wire/ring.h"
#include "wire_edit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- One message of each kind. */

static const uint8_t data[64];

static size_t a_frame(uint8_t *buffer, size_t capacity) {
  lcal_frame frame = {.stream = "front",
                      .seq = 7,
                      .stamp_ns = 1ull << 60,
                      .domain = "night",
                      .out_height = 4,
                      .out_width = 4,
                      .want = 7,
                      .deadline_ns = 1000};
  uint32_t shape[3] = {2, 2, 3};
  assert_int_equal(
      lcal_tensor_init(&frame.tensor, shape, LCAL_HWC, LCAL_F16, LCAL_LOGITS, data, 24, NULL),
      LCAL_OK);
  return lcal_frame_write(&frame, buffer, capacity);
}

static size_t a_frame_in_a_ring(uint8_t *buffer, size_t capacity) {
  lcal_frame frame = {.stream = "front",
                      .seq = 7,
                      .adapt = 1,
                      .has_ring = 1,
                      .ring_id = 1ull << 50,
                      .ring_slot = 2,
                      .ring_generation = 4};
  uint32_t shape[3] = {2, 2, 3};
  assert_int_equal(
      lcal_tensor_init(&frame.tensor, shape, LCAL_CHW, LCAL_U8, LCAL_PROBABILITIES, data, 12, NULL),
      LCAL_OK);
  return lcal_frame_write(&frame, buffer, capacity);
}

static lcal_labels some_labels(void) {
  return (lcal_labels){.stream = "front",
                       .bank = "default",
                       .domain = "default",
                       .rule = "euclidean",
                       .height = 2,
                       .width = 3,
                       .label_bytes = 1,
                       .state = LCAL_STATE_SHADOW,
                       .guard = "mask"};
}

static size_t the_labels(uint8_t *buffer, size_t capacity) {
  lcal_labels labels = some_labels();
  labels.labels = labels.calibrated = labels.confidence = (lcal_bytes){data, 6};
  labels.scores = (lcal_bytes){data, 48};
  return lcal_labels_write(&labels, 1, buffer, capacity);
}

static size_t a_labels_packet(uint8_t *buffer, size_t capacity) {
  lcal__labels_packet packet = {.labels = some_labels(), .slot = 1, .generation = 2};
  packet.maps[LCAL__MAP_LABELS] = (struct lcal__range){0, 6};
  packet.maps[LCAL__MAP_ARGMAX] = (struct lcal__range){64, 6};
  return lcal__labels_packet_write(&packet, buffer, capacity);
}

static size_t an_error(uint8_t *buffer, size_t capacity) {
  lcal_error_message message = {.error = {LCAL_BAD_FIELD, "seq: wrong"},
                                .id = "x",
                                .stream = "front",
                                .seq = 9,
                                .has_seq = 1};
  return lcal_error_write(&message, buffer, capacity);
}

static size_t a_command(uint8_t *buffer, size_t capacity) {
  lcal_bytes args = RAW("\x83\xa4"
                        "bank\xa1"
                        "b\xa6"
                        "domain\xa1"
                        "d\xa5"
                        "class\x03");
  lcal__writer writer;
  lcal__writer_fix(&writer, buffer, capacity);
  lcal__put_request(&writer, "id-1", "reset", &args);
  return lcal__writer_fitted(&writer);
}

static size_t a_result(uint8_t *buffer, size_t capacity) {
  lcal__writer writer;
  lcal__writer_fix(&writer, buffer, capacity);
  lcal__begin_result(&writer, "id-1", "prototypes");
  lcal__put_u64(&writer, "frames", 300);
  lcal__put_bin(&writer, "sum", data, 32);
  lcal__put_f64(&writer, "x", 0.5);
  lcal__end_result(&writer);
  return lcal__writer_fitted(&writer);
}

static size_t an_event(uint8_t *buffer, size_t capacity) {
  lcal__writer writer;
  lcal__writer_fix(&writer, buffer, capacity);
  lcal__begin_event(&writer, "guard", 5, "max_void tripped");
  lcal__put_text(&writer, "stream", "front");
  lcal__end(&writer);
  return lcal__writer_fitted(&writer);
}

static size_t a_status(uint8_t *buffer, size_t capacity) {
  lcal__writer writer;
  lcal__writer_fix(&writer, buffer, capacity);
  lcal__put_status(&writer, RAW("\x81\xa5"
                                "banks\x91\x81\xa4name\xa1x"));
  return lcal__writer_fitted(&writer);
}

static size_t an_attach(uint8_t *buffer, size_t capacity) {
  return lcal__attach_write(&(lcal__attach){"front", 4, 8192}, LCAL__RING, buffer, capacity);
}

static size_t an_attached(uint8_t *buffer, size_t capacity) {
  return lcal__attached_write(&(lcal__attached){77, 4, 8192}, LCAL__LABELS_RING, buffer, capacity);
}

static size_t a_release(uint8_t *buffer, size_t capacity) {
  return lcal__release_write(&(lcal__release){3, 8}, buffer, capacity);
}

static size_t (*const messages[])(uint8_t *, size_t) = {
    a_frame,  a_frame_in_a_ring, the_labels, a_labels_packet, an_error,    a_command,
    a_result, an_event,          a_status,   an_attach,       an_attached, a_release,
};
#define MESSAGES (sizeof messages / sizeof *messages)

/* ---- Every reader. What one takes must be sound: it can be written and read again. */

static lcal_status read_frame(const uint8_t *bytes, size_t length) {
  lcal_frame frame;
  lcal_status calibrate = lcal_frame_read(&frame, bytes, length, 1, NULL);
  lcal_status status = lcal_frame_read(&frame, bytes, length, 0, NULL);
  if (status == LCAL_OK) {
    uint8_t again[1024];
    size_t size = lcal_frame_size(&frame);
    assert_in_range(size, 1, sizeof again);
    assert_int_equal(lcal_frame_write(&frame, again, sizeof again), size);
    assert_int_equal(lcal_frame_read(&frame, again, size, 0, NULL), LCAL_OK);
    if (!frame.has_ring) {
      const uint8_t *end = (const uint8_t *)frame.tensor.data;
      assert_true(end >= again && end < again + size);
    }
  }
  assert_true(calibrate == status || calibrate == LCAL_OK || bytes[0] < 0x80);
  return status;
}

static lcal_status read_labels(const uint8_t *bytes, size_t length) {
  lcal_labels labels;
  lcal_status status = lcal_labels_read(&labels, bytes, length, NULL);
  if (status == LCAL_OK) {
    uint8_t again[1024];
    size_t size = lcal_labels_write(&labels, 1, again, sizeof again);
    assert_int_not_equal(size, 0);
    assert_int_equal(lcal_labels_read(&labels, again, size, NULL), LCAL_OK);
  }
  return status;
}

static lcal_status read_labels_packet(const uint8_t *bytes, size_t length) {
  lcal__labels_packet packet;
  lcal_status status = lcal__labels_packet_read(&packet, bytes, length, NULL);
  if (status == LCAL_OK) {
    uint8_t again[LCAL__RING_PACKET_MAX];
    size_t size = lcal__labels_packet_write(&packet, again, sizeof again);
    assert_int_not_equal(size, 0);
    assert_int_equal(lcal__labels_packet_read(&packet, again, size, NULL), LCAL_OK);
  }
  return status;
}

static lcal_status read_error(const uint8_t *bytes, size_t length) {
  lcal_error_message message;
  lcal_status status = lcal_error_read(&message, bytes, length, NULL);
  if (status == LCAL_OK) {
    uint8_t again[LCAL_ERROR_MESSAGE_MAX];
    size_t size = lcal_error_write(&message, again, sizeof again);
    assert_int_not_equal(size, 0);
    assert_int_equal(lcal_error_read(&message, again, size, NULL), LCAL_OK);
  }
  return status;
}

static lcal_status read_command(const uint8_t *bytes, size_t length) {
  lcal__document document;
  lcal__request request;
  lcal_status status = lcal__document_open(&document, bytes, length, &lcal__message_limits, NULL);
  if (status == LCAL_OK) {
    status = lcal__request_read(&request, &document, NULL);
  }
  for (int i = 0; status == LCAL_OK && i < LCAL__COMMAND_COUNT; i++) {
    lcal__arguments arguments;
    (void)lcal__arguments_read(&lcal__commands[i], request.args, &arguments, NULL);
  }
  lcal__document_close(&document);
  return status;
}

static lcal_status read_result(const uint8_t *bytes, size_t length) {
  lcal__result result;
  lcal_status status = lcal__result_read(&result, bytes, length, NULL);
  if (status == LCAL_OK) {
    char *text;
    size_t count;
    assert_int_equal(lcal__json_write(result.result, &text, &count, NULL), LCAL_OK);
    free(text);
  }
  return status;
}

static lcal_status read_event(const uint8_t *bytes, size_t length) {
  lcal_event event;
  return lcal_event_read(&event, bytes, length, NULL);
}

static lcal_status read_status(const uint8_t *bytes, size_t length) {
  lcal_bytes map;
  lcal_status status = lcal__status_read(&map, bytes, length, NULL);
  if (status == LCAL_OK) {
    assert_int_equal(lcal__scan(map.data, map.length, &lcal__answer_limits, NULL), LCAL_OK);
  }
  return status;
}

static lcal_status read_attach(const uint8_t *bytes, size_t length) {
  lcal__attach attach;
  (void)lcal__attach_read(&attach, LCAL__LABELS_RING, bytes, length, NULL);
  return lcal__attach_read(&attach, LCAL__RING, bytes, length, NULL);
}

static lcal_status read_attached(const uint8_t *bytes, size_t length) {
  lcal__attached attached;
  (void)lcal__attached_read(&attached, LCAL__RING, bytes, length, NULL);
  return lcal__attached_read(&attached, LCAL__LABELS_RING, bytes, length, NULL);
}

static lcal_status read_release(const uint8_t *bytes, size_t length) {
  lcal__release release;
  return lcal__release_read(&release, bytes, length, NULL);
}

static lcal_status read_type(const uint8_t *bytes, size_t length) {
  lcal_message type;
  return lcal_message_type(&type, bytes, length, NULL);
}

/* In the order of the messages; the last reads any. */
static lcal_status (*const readers[])(const uint8_t *, size_t) = {
    read_frame,    read_frame,   read_labels, read_labels_packet, read_error,
    read_command,  read_result,  read_event,  read_status,        read_attach,
    read_attached, read_release, read_type,
};
#define READERS (sizeof readers / sizeof *readers)

/* A block of exactly the message's size, so that ASan sees a read beyond it. */
static uint8_t *make(size_t message, size_t *length) {
  uint8_t buffer[2048];
  *length = messages[message](buffer, sizeof buffer);
  assert_int_not_equal(*length, 0);
  uint8_t *bytes = malloc(*length);
  memcpy(bytes, buffer, *length);
  return bytes;
}

static void every_prefix_of_a_message_is_malformed(void **state) {
  (void)state;
  for (size_t i = 0; i < MESSAGES; i++) {
    size_t length;
    uint8_t *bytes = make(i, &length);
    for (size_t cut = 0; cut < length; cut++) {
      uint8_t *prefix = malloc(cut ? cut : 1);
      memcpy(prefix, bytes, cut);
      for (size_t k = 0; k < READERS; k++) {
        assert_int_equal(readers[k](prefix, cut), LCAL_MALFORMED);
      }
      free(prefix);
    }
    free(bytes);
  }
}

/* msgpack-c would take the memory first, and then have no memory or want more bytes. */
static void what_announces_gigabytes_is_malformed_before_it_costs_memory(void **state) {
  (void)state;
  uint8_t nested[3 + 20 * 5] = {0x81, 0xa1, 'a'};
  for (size_t i = 0; i < 20; i++) {
    memcpy(nested + 3 + 5 * i, "\xdd\x00\x80\x00\x00", 5);
  }
  const lcal_bytes bombs[] = {RAW("\x81\xa1\x61\xdd\x04\x00\x00\x00"),
                              RAW("\x81\xa1\x61\xdf\xff\xff\xff\xff"),
                              RAW("\xdf\xff\xff\xff\xff"),
                              RAW("\x81\xa1\x61\xc6\xff\xff\xff\xff"),
                              {nested, sizeof nested}};
  for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
    for (size_t k = 0; k < READERS; k++) {
      assert_int_equal(readers[k](bombs[i].data, bombs[i].length), LCAL_MALFORMED);
    }
  }
}

static void bytes_after_any_message_are_malformed(void **state) {
  (void)state;
  for (size_t i = 0; i < MESSAGES; i++) {
    size_t length;
    uint8_t *bytes = make(i, &length);
    bytes = realloc(bytes, length + 1);
    bytes[length] = 0x80;
    for (size_t k = 0; k < READERS; k++) {
      assert_int_equal(readers[k](bytes, length + 1), LCAL_MALFORMED);
    }
    free(bytes);
  }
}

static void no_reader_takes_a_message_of_another_type(void **state) {
  (void)state;
  for (size_t i = 0; i < MESSAGES; i++) {
    size_t length;
    uint8_t *bytes = make(i, &length);
    for (size_t k = 0; k < READERS - 1; k++) {
      bool same = readers[k] == readers[i];
      assert_int_equal(readers[k](bytes, length) == LCAL_OK, same);
    }
    assert_int_equal(read_type(bytes, length), LCAL_OK);
    free(bytes);
  }
}

static void no_flipped_bit_does_harm(void **state) {
  (void)state;
  for (size_t i = 0; i < MESSAGES; i++) {
    size_t length;
    uint8_t *bytes = make(i, &length);
    for (size_t bit = 0; bit < 8 * length; bit++) {
      bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
      for (size_t k = 0; k < READERS; k++) {
        lcal_status status = readers[k](bytes, length);
        assert_in_range(status, LCAL_OK, LCAL_TOO_LARGE);
      }
      bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(readers[i](bytes, length), LCAL_OK);
    free(bytes);
  }
}

static void no_replaced_byte_does_harm(void **state) {
  (void)state;
  /* What starts long or nested values, and what ends numbers' ranges. */
  static const uint8_t bytes_put[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                      0xc0, 0xc1, 0xc4, 0xc6, 0xc9, 0xcb, 0xcf, 0xd3,
                                      0xd8, 0xdb, 0xdd, 0xdf, 0xe0, 0xff};
  for (size_t i = 0; i < MESSAGES; i++) {
    size_t length;
    uint8_t *bytes = make(i, &length);
    for (size_t at = 0; at < length; at++) {
      uint8_t kept = bytes[at];
      for (size_t b = 0; b < sizeof bytes_put; b++) {
        bytes[at] = bytes_put[b];
        assert_in_range(readers[i](bytes, length), LCAL_OK, LCAL_TOO_LARGE);
      }
      bytes[at] = kept;
    }
    free(bytes);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_prefix_of_a_message_is_malformed),
      cmocka_unit_test(what_announces_gigabytes_is_malformed_before_it_costs_memory),
      cmocka_unit_test(bytes_after_any_message_are_malformed),
      cmocka_unit_test(no_reader_takes_a_message_of_another_type),
      cmocka_unit_test(no_flipped_bit_does_harm),
      cmocka_unit_test(no_replaced_byte_does_harm),
  };
  return cmocka_run_group_tests_name("wire: hostile bytes", tests, NULL, NULL);
}
