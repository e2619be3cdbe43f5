/* The structure of hostile bytes. */
#include "wire/scan.h"
#include "wire_edit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static lcal_status scan(const void *bytes, size_t length) {
  /* A block of exactly that size, so that ASan sees a read beyond it. */
  uint8_t *copy = malloc(length ? length : 1);
  if (length > 0) {
    memcpy(copy, bytes, length);
  }
  lcal_error error = {LCAL_OK, ""};
  lcal_status status = lcal__scan(copy, length, &lcal__message_limits, &error);
  free(copy);
  assert_int_equal(error.code, status);
  assert_true(status == LCAL_OK || error.message[0] != '\0');
  return status;
}

#define REFUSED(literal) assert_int_equal(scan((literal), sizeof(literal) - 1), LCAL_MALFORMED)
#define TAKEN(literal)   assert_int_equal(scan((literal), sizeof(literal) - 1), LCAL_OK)

static void what_is_not_one_map_is_malformed(void **state) {
  (void)state;
  REFUSED("");
  REFUSED("\xc0");
  REFUSED("\x01");
  REFUSED("\x90");
  REFUSED("\xa1x");
  REFUSED("\xc4\x01x");
  REFUSED("{\"v\":1}");
  TAKEN("\x80");
  TAKEN("\x81\xa1v\x01");
}

static void bytes_after_the_map_are_malformed(void **state) {
  (void)state;
  REFUSED("\x80\x80");
  REFUSED("\x80\xc0");
  REFUSED("\x81\xa1v\x01\x00");
}

static void the_byte_that_msgpack_never_uses_is_malformed(void **state) {
  (void)state;
  REFUSED("\xc1");
  REFUSED("\x81\xa1v\xc1");
}

static void every_format_is_walked_to_its_end(void **state) {
  (void)state;
  TAKEN("\x81\xa1k\xc4\x02xy");
  TAKEN("\x81\xa1k\xc5\x00\x02xy");
  TAKEN("\x81\xa1k\xc6\x00\x00\x00\x02xy");
  TAKEN("\x81\xa1k\xc7\x02\x05xy");
  TAKEN("\x81\xa1k\xc8\x00\x02\x05xy");
  TAKEN("\x81\xa1k\xc9\x00\x00\x00\x02\x05xy");
  TAKEN("\x81\xa1k\xca"
        "1234");
  TAKEN("\x81\xa1k\xcb"
        "12345678");
  TAKEN("\x81\xa1k\xcc"
        "1");
  TAKEN("\x81\xa1k\xcd"
        "12");
  TAKEN("\x81\xa1k\xce"
        "1234");
  TAKEN("\x81\xa1k\xcf"
        "12345678");
  TAKEN("\x81\xa1k\xd0"
        "1");
  TAKEN("\x81\xa1k\xd1"
        "12");
  TAKEN("\x81\xa1k\xd2"
        "1234");
  TAKEN("\x81\xa1k\xd3"
        "12345678");
  TAKEN("\x81\xa1k\xd4t1");
  TAKEN("\x81\xa1k\xd5t12");
  TAKEN("\x81\xa1k\xd6t1234");
  TAKEN("\x81\xa1k\xd7t12345678");
  TAKEN("\x81\xa1k\xd8t1234567812345678");
  TAKEN("\x81\xa1k\xd9\x02xy");
  TAKEN("\x81\xa1k\xda\x00\x02xy");
  TAKEN("\x81\xa1k\xdb\x00\x00\x00\x02xy");
  TAKEN("\x81\xa1k\xdc\x00\x02\x01\x02");
  TAKEN("\x81\xa1k\xdd\x00\x00\x00\x02\x01\x02");
  TAKEN("\xde\x00\x01\xa1k\xc0");
  TAKEN("\xdf\x00\x00\x00\x01\xa1k\xff");
}

static void what_the_scan_takes_msgpack_c_unpacks(void **state) {
  (void)state;
  /* Every message of up to three bytes after `81 a1 6b`. */
  for (uint32_t value = 0; value < 1u << 24; value += value < 1u << 16 ? 1 : 251) {
    uint8_t bytes[6] = {
        0x81, 0xa1, 'k', (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16)};
    for (size_t length = 4; length <= 6; length++) {
      if (lcal__scan(bytes, length, &lcal__message_limits, NULL) != LCAL_OK) {
        continue;
      }
      msgpack_unpacked unpacked;
      msgpack_unpacked_init(&unpacked);
      size_t offset = 0;
      assert_int_equal(msgpack_unpack_next(&unpacked, (char *)bytes, length, &offset),
                       MSGPACK_UNPACK_SUCCESS);
      assert_int_equal(offset, length);
      msgpack_unpacked_destroy(&unpacked);
    }
  }
}

static void lengths_beyond_the_message_are_malformed(void **state) {
  (void)state;
  REFUSED("\x81");
  REFUSED("\x81\xa2v");
  REFUSED("\x82\xa1v\x01");
  REFUSED("\x81\xa1v\xc6\xff\xff\xff\xff");
  REFUSED("\x81\xa1v\xc4\x05"
          "1234");
  REFUSED("\x81\xa1v\xdb\x7f\xff\xff\xff");
  REFUSED("\x81\xa1v\xc9\xff\xff\xff\xff\x01");
  REFUSED("\x81\xa1v\xcf"
          "1234567");
  REFUSED("\x81\xa1v\xdd\x04\x00\x00\x00"); /* array of 2^26: 1.8 GB in msgpack-c */
  REFUSED("\x81\xa1v\xdd\xff\xff\xff\xff");
  REFUSED("\xdf\x04\x00\x00\x00");
  REFUSED("\xdf\xff\xff\xff\xff");
  REFUSED("\xdf\x00\x00");
}

/* A map of `levels - 1` nested arrays (or maps) around one nil. */
static lcal_status scan_nested(unsigned levels, bool maps) {
  uint8_t bytes[64] = {0x81, 0xa1, 'k'};
  size_t length = 3;
  for (unsigned i = 1; i < levels; i++) {
    if (maps) {
      memcpy(bytes + length, "\x81\xa1k", 3);
      length += 3;
    } else {
      bytes[length++] = 0x91;
    }
  }
  bytes[length++] = 0xc0;
  return scan(bytes, length);
}

static void eight_levels_are_taken_and_nine_are_not(void **state) {
  (void)state;
  assert_int_equal(scan_nested(9, false), LCAL_MALFORMED);
  assert_int_equal(scan_nested(9, true), LCAL_MALFORMED);
  REFUSED("\x81\xa1k\x91\x91\x91\x91\x91\x91\x91\x90"); /* an empty level is one too */
  assert_int_equal(scan_nested(8, false), LCAL_OK);
  assert_int_equal(scan_nested(8, true), LCAL_OK);
}

static lcal_status scan_map_of(uint32_t entries, const struct lcal__scan_limits *limits) {
  lcal__writer writer;
  lcal__writer_grow(&writer);
  lcal__begin_map(&writer, NULL);
  for (uint32_t i = 0; i < entries; i++) {
    char key[16];
    snprintf(key, sizeof key, "key_%08u", i);
    lcal__put_u64(&writer, key, i);
  }
  lcal__end(&writer);
  uint8_t *bytes;
  size_t length;
  assert_int_equal(lcal__writer_take(&writer, &bytes, &length, NULL), LCAL_OK);
  lcal_status status = lcal__scan(bytes, length, limits, NULL);
  free(bytes);
  return status;
}

static void maps_have_at_most_256_entries_unless_the_limits_say_more(void **state) {
  (void)state;
  static const struct lcal__scan_limits wide = {
      .map_entries = 1000, .array_items = 1, .envelope = 1u << 20};
  assert_int_equal(scan_map_of(257, &lcal__message_limits), LCAL_MALFORMED);
  assert_int_equal(scan_map_of(1001, &wide), LCAL_MALFORMED);
  assert_int_equal(scan_map_of(256, &lcal__message_limits), LCAL_OK);
  assert_int_equal(scan_map_of(1000, &wide), LCAL_OK);
}

static lcal_status scan_array_of(uint32_t items, const struct lcal__scan_limits *limits) {
  lcal__writer writer;
  lcal__writer_grow(&writer);
  lcal__begin_map(&writer, NULL);
  lcal__begin_array(&writer, "k");
  for (uint32_t i = 0; i < items; i++) {
    lcal__put_u64(&writer, NULL, 0);
  }
  lcal__end(&writer);
  lcal__end(&writer);
  uint8_t *bytes;
  size_t length;
  assert_int_equal(lcal__writer_take(&writer, &bytes, &length, NULL), LCAL_OK);
  lcal_status status = lcal__scan(bytes, length, limits, NULL);
  free(bytes);
  return status;
}

static void arrays_have_at_most_1024_items_unless_the_limits_say_more(void **state) {
  (void)state;
  static const struct lcal__scan_limits wide = {
      .map_entries = 256, .array_items = 2000, .envelope = 1u << 20};
  assert_int_equal(scan_array_of(1025, &lcal__message_limits), LCAL_MALFORMED);
  assert_int_equal(scan_array_of(2001, &wide), LCAL_MALFORMED);
  assert_int_equal(scan_array_of(1024, &lcal__message_limits), LCAL_OK);
  assert_int_equal(scan_array_of(2000, &wide), LCAL_OK);
}

/* A map of one entry, in all `envelope` bytes outside of a bin of `bin` bytes (none: SIZE_MAX). */
static lcal_status scan_sized(size_t envelope, size_t bin) {
  lcal__writer writer;
  lcal__writer_grow(&writer);
  size_t frame = 3 + 3 + 5; /* map 16, the key "ke", str 32 */
  size_t bin_header = bin == SIZE_MAX ? 0 : 2 + 5;
  lcal__begin_map(&writer, NULL);
  if (bin != SIZE_MAX) {
    static uint8_t zeros[1u << 20];
    lcal__put_bin(&writer, "b", zeros, bin);
  }
  size_t length = envelope - frame - bin_header;
  uint8_t *text = malloc(length + 5);
  memset(text, 'x', length + 5);
  text[0] = 0xdb;
  for (int i = 0; i < 4; i++) {
    text[1 + i] = (uint8_t)(length >> (24 - 8 * i));
  }
  lcal__put_raw(&writer, "ke", (lcal_bytes){text, length + 5});
  free(text);
  lcal__end(&writer);
  uint8_t *bytes;
  assert_int_equal(lcal__writer_take(&writer, &bytes, &length, NULL), LCAL_OK);
  assert_int_equal(length, envelope + (bin == SIZE_MAX ? 0 : bin));
  lcal_status status = scan(bytes, length);
  free(bytes);
  return status;
}

static void at_most_64_kib_lie_outside_of_bins(void **state) {
  (void)state;
  assert_int_equal(scan_sized(65537, SIZE_MAX), LCAL_MALFORMED);
  assert_int_equal(scan_sized(65537, 1u << 20), LCAL_MALFORMED);
  assert_int_equal(scan_sized(65536, SIZE_MAX), LCAL_OK);
  assert_int_equal(scan_sized(65536, 1u << 20), LCAL_OK);
}

static void a_mebibyte_of_nils_is_malformed_before_it_costs_memory(void **state) {
  (void)state;
  size_t length = 1u << 20;
  uint8_t *bytes = malloc(length);
  memset(bytes, 0xc0, length);
  assert_int_equal(scan(bytes, length), LCAL_MALFORMED);
  memcpy(bytes, "\x81\xa1k\xdd\x00\x0f\xff\xf8", 8);
  assert_int_equal(scan(bytes, length), LCAL_MALFORMED);
  static const struct lcal__scan_limits long_arrays = {
      .map_entries = 256, .array_items = UINT32_MAX, .envelope = 65536};
  assert_int_equal(lcal__scan(bytes, length, &long_arrays, NULL), LCAL_MALFORMED);
  free(bytes);
}

static void keys_are_strings(void **state) {
  (void)state;
  REFUSED("\x81\x01\x01");
  REFUSED("\x81\xc0\x01");
  REFUSED("\x81\xc4\x01v\x01");
  REFUSED("\x81\x90\x01");
  REFUSED("\x81\x80\x01");
  REFUSED("\x81\xd4tv\x01");
  REFUSED("\x81\xa1k\x81\x02\x03");
  REFUSED("\x81\xa1k\x91\x81\x02\x03");
  TAKEN("\x81\xa0\x01"); /* an empty one too */
}

static void duplicate_keys_are_malformed_in_any_map(void **state) {
  (void)state;
  REFUSED("\x82\xa1v\x01\xa1v\x02");
  REFUSED("\x83\xa1v\x01\xa1w\x02\xa1v\x02");
  REFUSED("\x82\xa1v\x01\xd9\x01v\x02"); /* the same key in another width */
  REFUSED("\x82\xa0\x01\xa0\x02");
  REFUSED("\x81\xa1m\x82\xa1v\x01\xa1v\x02");
  REFUSED("\x81\xa1m\x92\x80\x82\xa1v\x01\xa1v\x02");
  REFUSED("\x82\xab"
          "long_key_01\x01\xab"
          "long_key_01\x02");
  TAKEN("\x82\xab"
        "long_key_01\x01\xab"
        "long_key_02\x02");
  TAKEN("\x82\xa1v\x01\xa2v\x00\x02"); /* a zero byte is part of a key */
  TAKEN("\x82\xa1v\x81\xa1v\x01\xa1w\x81\xa1v\x01");
}

static void keys_alike_but_for_their_length_differ(void **state) {
  (void)state;
  /* 256 and 512 letters: their lengths are equal in the low byte. */
  lcal__writer writer;
  lcal__writer_grow(&writer);
  char key[513];
  memset(key, 'x', 512);
  lcal__begin_map(&writer, NULL);
  key[512] = '\0';
  lcal__put_u64(&writer, key, 1);
  key[256] = '\0';
  lcal__put_u64(&writer, key, 1);
  lcal__end(&writer);
  uint8_t *bytes;
  size_t length;
  assert_int_equal(lcal__writer_take(&writer, &bytes, &length, NULL), LCAL_OK);
  assert_int_equal(scan(bytes, length), LCAL_OK);
  free(bytes);
}

static void values_are_found_by_key_in_the_top_map_alone(void **state) {
  (void)state;
  lcal_bytes map = RAW("\x83\xa1"
                       "a\x81\xa1z\x07\xa1"
                       "b\x92\x01\x02\xa1"
                       "c\xc4\x01x");
  lcal_bytes value;
  assert_false(lcal__scan_find(map.data, map.length, "z", &value));
  assert_false(lcal__scan_find(map.data, map.length, "", &value));
  assert_true(lcal__scan_find(map.data, map.length, "b", &value));
  assert_int_equal(value.length, 3);
  assert_memory_equal(value.data, "\x92\x01\x02", 3);
  assert_true(lcal__scan_find(map.data, map.length, "c", &value));
  assert_memory_equal(value.data, "\xc4\x01x", 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_not_one_map_is_malformed),
      cmocka_unit_test(bytes_after_the_map_are_malformed),
      cmocka_unit_test(the_byte_that_msgpack_never_uses_is_malformed),
      cmocka_unit_test(lengths_beyond_the_message_are_malformed),
      cmocka_unit_test(eight_levels_are_taken_and_nine_are_not),
      cmocka_unit_test(maps_have_at_most_256_entries_unless_the_limits_say_more),
      cmocka_unit_test(arrays_have_at_most_1024_items_unless_the_limits_say_more),
      cmocka_unit_test(at_most_64_kib_lie_outside_of_bins),
      cmocka_unit_test(a_mebibyte_of_nils_is_malformed_before_it_costs_memory),
      cmocka_unit_test(keys_are_strings),
      cmocka_unit_test(duplicate_keys_are_malformed_in_any_map),
      cmocka_unit_test(keys_alike_but_for_their_length_differ),
      cmocka_unit_test(every_format_is_walked_to_its_end),
      cmocka_unit_test(what_the_scan_takes_msgpack_c_unpacks),
      cmocka_unit_test(values_are_found_by_key_in_the_top_map_alone),
  };
  return cmocka_run_group_tests_name("wire: scan", tests, NULL, NULL);
}
