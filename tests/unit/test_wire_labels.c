/* Labels, as messages and as packets of the labels ring, and errors. */
#include "wire/ring.h"
#include "wire_edit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t maps[6] = {1, 2, 3, 4, 255, 6};
static const uint8_t scores[6 * 2 * 4] = {9, 8, 7};

static lcal_labels full_labels(void) {
  return (lcal_labels){.stream = "front",
                       .seq = 7,
                       .stamp_ns = 1700000000000000000u,
                       .bank = "default",
                       .domain = "night",
                       .rule = "euclidean",
                       .height = 2,
                       .width = 3,
                       .label_bytes = 1,
                       .labels = {maps, 6},
                       .argmax = {maps, 6},
                       .calibrated = {maps, 6},
                       .confidence = {maps, 6},
                       .scores = {scores, sizeof scores},
                       .state = LCAL_STATE_GUARDED,
                       .epoch = 1700000000000000001u,
                       .version = 12,
                       .committed = 1,
                       .guard = "min_confidence",
                       .pixels = 6,
                       .changed = 2,
                       .voids = 1,
                       .certified = 3,
                       .missed = 4,
                       .received_ns = 5,
                       .started_ns = 6,
                       .published_ns = 7};
}

static lcal_bytes write_labels(const lcal_labels *labels, int topic) {
  size_t size = lcal_labels_size(labels, topic);
  assert_int_not_equal(size, 0);
  uint8_t *bytes = malloc(size);
  assert_int_equal(lcal_labels_write(labels, topic, bytes, size), size);
  return (lcal_bytes){bytes, size};
}

static void drop(lcal_bytes bytes) {
  free((void *)(uintptr_t)bytes.data);
}

static void assert_same_head(const lcal_labels *a, const lcal_labels *b) {
  assert_string_equal(a->stream, b->stream);
  assert_int_equal(a->seq, b->seq);
  assert_int_equal(a->stamp_ns, b->stamp_ns);
  assert_string_equal(a->bank, b->bank);
  assert_string_equal(a->domain, b->domain);
  assert_string_equal(a->rule, b->rule);
  assert_int_equal(a->height, b->height);
  assert_int_equal(a->width, b->width);
  assert_int_equal(a->label_bytes, b->label_bytes);
  assert_int_equal(a->state, b->state);
  assert_int_equal(a->epoch, b->epoch);
  assert_int_equal(a->version, b->version);
  assert_int_equal(a->committed, b->committed);
  assert_string_equal(a->guard, b->guard);
  assert_int_equal(a->pixels, b->pixels);
  assert_int_equal(a->changed, b->changed);
  assert_int_equal(a->voids, b->voids);
  assert_int_equal(a->certified, b->certified);
  assert_int_equal(a->missed, b->missed);
  assert_int_equal(a->received_ns, b->received_ns);
  assert_int_equal(a->started_ns, b->started_ns);
  assert_int_equal(a->published_ns, b->published_ns);
}

static void assert_same_map(lcal_bytes a, lcal_bytes b) {
  assert_int_equal(a.length, b.length);
  assert_int_equal(a.data == NULL, b.data == NULL);
  if (a.data) {
    assert_memory_equal(a.data, b.data, b.length);
  }
}

static void labels_come_back_as_they_were_written(void **state) {
  (void)state;
  for (int topic = 0; topic <= 1; topic++) {
    for (int plain = 0; plain <= 1; plain++) {
      lcal_labels labels = full_labels();
      if (plain) {
        labels.argmax = labels.calibrated = labels.confidence = labels.scores =
            (lcal_bytes){NULL, 0};
        labels.guard[0] = '\0';
        labels.committed = 0;
      }
      lcal_bytes bytes = write_labels(&labels, topic);
      lcal_labels read;
      assert_int_equal(lcal_labels_read(&read, bytes.data, bytes.length, NULL), LCAL_OK);
      assert_same_head(&read, &labels);
      assert_same_map(read.labels, labels.labels);
      assert_same_map(read.argmax, labels.argmax);
      assert_same_map(read.calibrated, labels.calibrated);
      assert_same_map(read.confidence, labels.confidence);
      assert_same_map(read.scores, labels.scores);
      drop(bytes);
    }
  }
}

static void the_topic_is_the_streams_name_and_a_zero_byte(void **state) {
  (void)state;
  lcal_labels labels = full_labels();
  lcal_bytes with = write_labels(&labels, 1);
  lcal_bytes without = write_labels(&labels, 0);
  assert_int_equal(with.length, without.length + 6);
  assert_memory_equal(with.data, "front", 6);
  assert_memory_equal(with.data + 6, without.data, without.length);
  lcal_labels read;
  ((uint8_t *)(uintptr_t)with.data)[0] = 'F';
  assert_int_equal(lcal_labels_read(&read, with.data, with.length, NULL), LCAL_BAD_FIELD);
  drop(with);
  drop(without);
}

static void labels_of_sixteen_bits_take_two_bytes_a_pixel(void **state) {
  (void)state;
  lcal_labels labels = full_labels();
  labels.height = 1;
  labels.label_bytes = 2;
  labels.scores = (lcal_bytes){NULL, 0};
  assert_int_equal(lcal_labels_size(&labels, 0), 0); /* confidence has 6 bytes for 3 pixels */
  labels.confidence.length = 3;
  lcal_bytes bytes = write_labels(&labels, 0);
  lcal_labels read;
  assert_int_equal(lcal_labels_read(&read, bytes.data, bytes.length, NULL), LCAL_OK);
  assert_int_equal(read.label_bytes, 2);
  assert_int_equal(read.labels.length, 6);
  drop(bytes);
}

static void labels_that_contradict_themselves_are_not_written(void **state) {
  (void)state;
  uint8_t buffer[2048];
  lcal_labels labels;
#define NOT_WRITTEN(change)                                                                        \
  do {                                                                                             \
    labels = full_labels();                                                                        \
    change;                                                                                        \
    assert_int_equal(lcal_labels_size(&labels, 0), 0);                                             \
    assert_int_equal(lcal_labels_write(&labels, 1, buffer, sizeof buffer), 0);                     \
  } while (0)
  NOT_WRITTEN(labels.stream[0] = '\0');
  NOT_WRITTEN(labels.bank[0] = '/');
  NOT_WRITTEN(labels.domain[0] = '\0');
  NOT_WRITTEN(labels.rule[0] = '\0');
  NOT_WRITTEN(labels.height = 0);
  NOT_WRITTEN(labels.width = 4);
  NOT_WRITTEN(labels.label_bytes = 3);
  NOT_WRITTEN(labels.labels.data = NULL);
  NOT_WRITTEN(labels.labels.length = 5);
  NOT_WRITTEN(labels.argmax.length = 5);
  NOT_WRITTEN(labels.calibrated.length = 7);
  NOT_WRITTEN(labels.confidence.length = 1);
  NOT_WRITTEN(labels.scores.length = 25);
  NOT_WRITTEN(labels.state = LCAL_STATE_COUNT);
  labels = full_labels();
  for (size_t capacity = 0; capacity < lcal_labels_size(&labels, 1); capacity++) {
    assert_int_equal(lcal_labels_write(&labels, 1, buffer, capacity), 0);
  }
}

static void every_key_of_labels_is_required_or_optional_as_its_table_says(void **state) {
  (void)state;
  lcal_labels labels = full_labels();
  lcal_bytes bytes = write_labels(&labels, 0);
  for (size_t i = 0; i < lcal__labels_table.count; i++) {
    const lcal__field *field = &lcal__labels_table.fields[i];
    lcal_bytes changed = edited(bytes, field->key, NULL);
    lcal_error error;
    lcal_labels read;
    lcal_status status = lcal_labels_read(&read, changed.data, changed.length, &error);
    assert_int_equal(status, field->optional ? LCAL_OK : LCAL_MISSING_FIELD);
    drop(changed);
  }
  drop(bytes);
}

static void every_key_of_labels_is_refused_when_it_is_wrong(void **state) {
  (void)state;
  static const struct {
    const char *key;
    lcal_bytes value;
  } changes[] = {
#define WRONG(key, literal)                                                                        \
  {                                                                                                \
    key, {                                                                                         \
      (const uint8_t *)(literal), sizeof(literal) - 1                                              \
    }                                                                                              \
  }
      WRONG("type", "\xa5"
                    "frame"),
      WRONG("stream", "\xa0"),
      WRONG("seq", "\xff"),
      WRONG("stamp_ns", "\xc0"),
      WRONG("bank", "\x01"),
      WRONG("domain", "\xa1/"),
      WRONG("shape", "\x92\x00\x03"),
      WRONG("shape", "\x91\x06"),
      WRONG("shape", "\x92\x03\x03"),
      WRONG("shape", "\x92\xcf\x00\x00\x00\x01\x00\x00\x00\x02\x03"),
      WRONG("shape", "\x92\xce\xff\xff\xff\xff\xce\xff\xff\xff\xff"),
      WRONG("dtype", "\xa3"
                     "u16"),
      WRONG("dtype", "\xa2"
                     "u9"),
      WRONG("labels", "\xc4\x00"),
      WRONG("labels", "\xa1x"),
      WRONG("labels", "\xc4\x01x"),
      WRONG("labels", "\x92\x00\x06"),
      WRONG("argmax", "\xc4\x01x"),
      WRONG("calibrated", "\xc0"),
      WRONG("confidence", "\xc4\x01x"),
      WRONG("scores", "\xc4\x01x"),
      WRONG("scores", "\xc4\x00"),
      WRONG("state", "\xa4"
                     "best"),
      WRONG("epoch", "\xff"),
      WRONG("version", "\xa1"
                       "1"),
      WRONG("committed", "\x01"),
      WRONG("guard", "\xb0"
                     "0123456789abcdef"),
      WRONG("guard", "\xa1\x01"),
      WRONG("rule", "\xa0"),
      WRONG("pixels", "\xff"),
      WRONG("changed", "\xff"),
      WRONG("void", "\xff"),
      WRONG("certified", "\xff"),
      WRONG("missed", "\xff"),
      WRONG("received_ns", "\xff"),
      WRONG("started_ns", "\xff"),
      WRONG("published_ns", "\xff"),
  };
  lcal_labels labels = full_labels();
  lcal_bytes bytes = write_labels(&labels, 0);
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    lcal_bytes changed = edited(bytes, changes[i].key, &changes[i].value);
    lcal_error error = {LCAL_OK, ""};
    lcal_labels read;
    lcal_status status = lcal_labels_read(&read, changed.data, changed.length, &error);
    if (status != LCAL_BAD_FIELD) {
      print_error("row %zu: %s\n", i, changes[i].key);
    }
    assert_int_equal(status, LCAL_BAD_FIELD);
    drop(changed);
  }
  drop(bytes);
}

static lcal__labels_packet full_packet(void) {
  lcal__labels_packet packet = {.labels = full_labels(), .slot = 2, .generation = 1u << 20};
  packet.labels.labels = packet.labels.argmax = packet.labels.calibrated =
      packet.labels.confidence = packet.labels.scores = (lcal_bytes){NULL, 0};
  packet.maps[LCAL__MAP_LABELS] = (struct lcal__range){0, 6};
  packet.maps[LCAL__MAP_CONFIDENCE] = (struct lcal__range){4096, 6};
  packet.maps[LCAL__MAP_SCORES] = (struct lcal__range){8192, 48};
  return packet;
}

static void a_packet_of_the_labels_ring_comes_back_as_it_was_written(void **state) {
  (void)state;
  lcal__labels_packet packet = full_packet();
  uint8_t buffer[LCAL__RING_PACKET_MAX];
  size_t length = lcal__labels_packet_write(&packet, buffer, sizeof buffer);
  assert_int_not_equal(length, 0);
  lcal__labels_packet read;
  assert_int_equal(lcal__labels_packet_read(&read, buffer, length, NULL), LCAL_OK);
  assert_same_head(&read.labels, &packet.labels);
  assert_memory_equal(read.maps, packet.maps, sizeof packet.maps);
  assert_int_equal(read.slot, 2);
  assert_int_equal(read.generation, 1u << 20);
  assert_null(read.labels.labels.data);
}

static void a_packet_with_a_wrong_range_is_refused(void **state) {
  (void)state;
  lcal__labels_packet packet = full_packet();
  uint8_t buffer[LCAL__RING_PACKET_MAX];
  lcal_bytes bytes = {buffer, lcal__labels_packet_write(&packet, buffer, sizeof buffer)};
  static const struct {
    const char *path;
    lcal_bytes value;
    lcal_status status;
  } changes[] = {
      {"ring", {NULL, 0}, LCAL_MISSING_FIELD},
      {"ring.slot", {NULL, 0}, LCAL_MISSING_FIELD},
      {"ring.generation", {(const uint8_t *)"\xff", 1}, LCAL_BAD_FIELD},
      {"labels", {NULL, 0}, LCAL_MISSING_FIELD},
      {"labels",
       {(const uint8_t *)"\xc4\x06"
                         "123456",
        8},
       LCAL_BAD_FIELD},
      {"labels", {(const uint8_t *)"\x92\x00\x05", 3}, LCAL_BAD_FIELD},
      {"labels", {(const uint8_t *)"\x92\xff\x06", 3}, LCAL_BAD_FIELD},
      {"labels", {(const uint8_t *)"\x93\x00\x06\x00", 4}, LCAL_BAD_FIELD},
      {"confidence", {(const uint8_t *)"\x92\x00\x00", 3}, LCAL_BAD_FIELD},
      {"scores", {(const uint8_t *)"\x92\x00\x07", 3}, LCAL_BAD_FIELD},
  };
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    lcal_bytes changed =
        edited(bytes, changes[i].path, changes[i].value.data ? &changes[i].value : NULL);
    lcal__labels_packet read;
    assert_int_equal(lcal__labels_packet_read(&read, changed.data, changed.length, NULL),
                     changes[i].status);
    drop(changed);
  }
  /* Labels as bins are no packet, and a packet is no labels message. */
  lcal_labels labels = full_labels();
  lcal_bytes message = write_labels(&labels, 0);
  lcal__labels_packet read;
  assert_int_equal(lcal__labels_packet_read(&read, message.data, message.length, NULL),
                   LCAL_MISSING_FIELD);
  assert_int_equal(lcal_labels_read(&labels, bytes.data, bytes.length, NULL), LCAL_BAD_FIELD);
  drop(message);
}

static void every_code_of_the_protocol_travels_in_an_error(void **state) {
  (void)state;
  for (int code = LCAL_WIRE_FIRST; code <= LCAL_WIRE_LAST; code++) {
    lcal_error_message message = {
        .error = {(lcal_status)code, "seq: not an integer"}, .seq = UINT64_MAX, .has_seq = 1};
    memset(message.id, 'i', LCAL_NAME_MAX);
    memset(message.stream, 's', LCAL_NAME_MAX);
    uint8_t buffer[LCAL_ERROR_MESSAGE_MAX];
    size_t length = lcal_error_write(&message, buffer, sizeof buffer);
    assert_int_not_equal(length, 0);
    lcal_error_message read;
    assert_int_equal(lcal_error_read(&read, buffer, length, NULL), LCAL_OK);
    assert_int_equal(read.error.code, code);
    assert_string_equal(read.error.message, message.error.message);
    assert_string_equal(read.id, message.id);
    assert_string_equal(read.stream, message.stream);
    assert_true(read.has_seq);
    assert_int_equal(read.seq, UINT64_MAX);
    assert_int_equal(lcal_error_write(&message, buffer, length - 1), 0);
  }
}

static void the_longest_error_fits_and_is_cut_to_whole_characters(void **state) {
  (void)state;
  lcal_error_message message = {.error = {LCAL_BAD_FIELD, ""}, .seq = UINT64_MAX, .has_seq = 1};
  memset(message.id, 'i', LCAL_NAME_MAX);
  memset(message.stream, 's', LCAL_NAME_MAX);
  for (size_t i = 0; i < sizeof message.error.message - 1; i++) {
    message.error.message[i] = i % 2 ? '\xa9' : '\xc3'; /* ends in half a character */
  }
  uint8_t buffer[LCAL_ERROR_MESSAGE_MAX];
  size_t length = lcal_error_write(&message, buffer, sizeof buffer);
  assert_int_not_equal(length, 0);
  lcal_error_message read;
  assert_int_equal(lcal_error_read(&read, buffer, length, NULL), LCAL_OK);
  assert_int_equal(strlen(read.error.message), 254);
}

static void a_code_that_the_protocol_lacks_goes_out_as_busy_and_does_not_come_in(void **state) {
  (void)state;
  lcal_error_message message = {.error = {LCAL_MEMORY, "no memory"}};
  uint8_t buffer[LCAL_ERROR_MESSAGE_MAX];
  size_t length = lcal_error_write(&message, buffer, sizeof buffer);
  lcal_error_message read;
  assert_int_equal(lcal_error_read(&read, buffer, length, NULL), LCAL_OK);
  assert_int_equal(read.error.code, LCAL_BUSY);
  assert_string_equal(read.id, "");
  assert_false(read.has_seq);
  lcal_bytes words[] = {RAW("\xa6memory"), RAW("\xa2ok"), RAW("\xa4what"), RAW("\x01")};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    lcal_bytes changed = edited((lcal_bytes){buffer, length}, "code", &words[i]);
    assert_int_equal(lcal_error_read(&read, changed.data, changed.length, NULL), LCAL_BAD_FIELD);
    drop(changed);
  }
}

static void a_long_sentence_is_read_as_far_as_it_fits(void **state) {
  (void)state;
  lcal_error_message message = {.error = {LCAL_BUSY, "x"}};
  uint8_t buffer[LCAL_ERROR_MESSAGE_MAX];
  size_t length = lcal_error_write(&message, buffer, sizeof buffer);
  uint8_t sentence[3 + 400] = {0xda, 400 >> 8, 400 & 0xff};
  memset(sentence + 3, 'y', 400);
  lcal_bytes value = {sentence, sizeof sentence};
  lcal_bytes changed = edited((lcal_bytes){buffer, length}, "message", &value);
  lcal_error_message read;
  assert_int_equal(lcal_error_read(&read, changed.data, changed.length, NULL), LCAL_OK);
  assert_int_equal(strlen(read.error.message), sizeof read.error.message - 1);
  drop(changed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_key_of_labels_is_refused_when_it_is_wrong),
      cmocka_unit_test(every_key_of_labels_is_required_or_optional_as_its_table_says),
      cmocka_unit_test(labels_that_contradict_themselves_are_not_written),
      cmocka_unit_test(a_packet_with_a_wrong_range_is_refused),
      cmocka_unit_test(a_code_that_the_protocol_lacks_goes_out_as_busy_and_does_not_come_in),
      cmocka_unit_test(the_longest_error_fits_and_is_cut_to_whole_characters),
      cmocka_unit_test(labels_come_back_as_they_were_written),
      cmocka_unit_test(the_topic_is_the_streams_name_and_a_zero_byte),
      cmocka_unit_test(labels_of_sixteen_bits_take_two_bytes_a_pixel),
      cmocka_unit_test(a_packet_of_the_labels_ring_comes_back_as_it_was_written),
      cmocka_unit_test(every_code_of_the_protocol_travels_in_an_error),
      cmocka_unit_test(a_long_sentence_is_read_as_far_as_it_fits),
  };
  return cmocka_run_group_tests_name("wire: labels and errors", tests, NULL, NULL);
}
