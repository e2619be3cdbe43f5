/* Names, text, base64, and the writer. */
#include "wire/base64.h"
#include "wire/text.h"
#include "wire/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NAME(literal) lcal_name_valid((literal), sizeof(literal) - 1)
#define TEXT(literal) lcal_text_valid((literal), sizeof(literal) - 1)

static void names_are_1_to_64_of_their_alphabet(void **state) {
  (void)state;
  char name[65];
  memset(name, 'x', sizeof name);
  assert_false(lcal_name_valid(name, 65));
  assert_false(NAME(""));
  assert_false(NAME(".a"));
  assert_false(NAME("_a"));
  assert_false(NAME("-a"));
  assert_false(NAME("a b"));
  assert_false(NAME("a/b"));
  assert_false(NAME("a\0b"));
  assert_false(NAME("a\n"));
  assert_false(NAME("\xc3\xa9"));
  assert_true(lcal_name_valid(name, 64));
  assert_true(NAME("0"));
  assert_true(NAME("Cam.0_left-front"));
  /* Every byte, as the second character. */
  for (int c = 0; c < 256; c++) {
    char two[2] = {'a', (char)c};
    int good =
        strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", c) && c != 0;
    assert_int_equal(lcal_name_valid(two, 2), good);
  }
}

static void text_is_shortest_form_utf8_without_control_characters(void **state) {
  (void)state;
  assert_false(TEXT(""));
  assert_false(TEXT("a\0b"));
  assert_false(TEXT("a\n"));
  assert_false(TEXT("\x7f"));
  assert_false(TEXT("\xc2\x80")); /* C1 */
  assert_false(TEXT("\xc2\x9f"));
  assert_false(TEXT("\x80"));
  assert_false(TEXT("\xff"));
  assert_false(TEXT("\xc3"));
  assert_false(TEXT("\xc0\x80"));         /* overlong */
  assert_false(TEXT("\xc1\xbf"));         /* overlong */
  assert_false(TEXT("\xe0\x9f\xbf"));     /* overlong */
  assert_false(TEXT("\xf0\x8f\xbf\xbf")); /* overlong */
  assert_false(TEXT("\xed\xa0\x80"));     /* surrogate */
  assert_false(TEXT("\xf4\x90\x80\x80")); /* beyond U+10FFFF */
  assert_false(TEXT("\xf8\x88\x80\x80\x80"));
  assert_false(TEXT("\xe2\x82"
                    "a"));
  assert_true(TEXT("traffic sign"));
  assert_true(TEXT("\xc2\xa0"));
  assert_true(TEXT("stra\xc3\x9f"
                   "e"));
  assert_true(TEXT("\xe2\x82\xac"));
  assert_true(TEXT("\xf0\x9f\x9a\xb2"));
  assert_true(TEXT("\xf4\x8f\xbf\xbf"));
}

static void a_cut_text_keeps_its_whole_characters(void **state) {
  (void)state;
  assert_int_equal(lcal__utf8_prefix("a\n\xe2\x82\xac", 5), 5);
  assert_int_equal(lcal__utf8_prefix("a\n\xe2\x82\xac", 4), 2);
  assert_int_equal(lcal__text_prefix("a\n\xe2\x82\xac", 5), 1);
  assert_int_equal(lcal__utf8_prefix("\xe2", 1), 0);
  assert_int_equal(lcal__utf8_prefix("", 0), 0);
}

static void base64_is_that_of_rfc_4648(void **state) {
  (void)state;
  static const char *const pairs[][2] = {{"", ""},
                                         {"f", "Zg=="},
                                         {"fo", "Zm8="},
                                         {"foo", "Zm9v"},
                                         {"foob", "Zm9vYg=="},
                                         {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    char text[16];
    uint8_t bytes[16];
    size_t length = strlen(pairs[i][0]);
    size_t count;
    lcal__base64_encode((const uint8_t *)pairs[i][0], length, text);
    assert_string_equal(text, pairs[i][1]);
    assert_int_equal(lcal__base64_size(length), strlen(text));
    assert_true(lcal__base64_decode(text, strlen(text), bytes, &count));
    assert_int_equal(count, length);
    assert_memory_equal(bytes, pairs[i][0], length);
  }
}

static void every_byte_survives_base64(void **state) {
  (void)state;
  uint8_t bytes[256];
  uint8_t back[258];
  char text[345];
  size_t count;
  for (int i = 0; i < 256; i++) {
    bytes[i] = (uint8_t)(i * 37);
  }
  lcal__base64_encode(bytes, sizeof bytes, text);
  assert_true(lcal__base64_decode(text, strlen(text), back, &count));
  assert_int_equal(count, sizeof bytes);
  assert_memory_equal(back, bytes, sizeof bytes);
}

static void a_sentence_is_clean_whatever_it_quotes(void **state) {
  (void)state;
  lcal_error error;
  lcal_error_set(&error, LCAL_BAD_DATA, "near '%s'", "a\n\x1b[2J\x7f\xc2\x9b\xff\xc3");
  assert_string_equal(error.message, "near 'a?\?[2J?\?\?\?\?'");
  lcal_error_set(&error, LCAL_BAD_DATA, "%s", "\xc3\xa9 and \xe2\x82\xac");
  assert_string_equal(error.message, "\xc3\xa9 and \xe2\x82\xac");
}

static void a_sentence_that_is_cut_ends_with_a_whole_character(void **state) {
  (void)state;
  static const size_t fits = sizeof((lcal_error *)0)->message - 1;
  char text[300];
  lcal_error error;
  for (size_t before = fits - 3; before <= fits; before++) {
    memset(text, 'x', before);
    strcpy(text + before, "\xe2\x82\xac");
    lcal_error_set(&error, LCAL_BAD_DATA, "%s", text);
    assert_int_equal(strlen(error.message), before == fits - 3 ? fits : before);
  }
}

static void what_is_not_base64_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "Z",    "Zg",   "Zg=",  "====", "Z===", "Zg==Zg==", "Zm9v\n", "Zm 9v===",
      "Zm9-", "Zh==", "Zm9=", "Zg=v", "=Zg=", "Zm9v====", "Zm9\xc3"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    uint8_t bytes[16];
    size_t count;
    assert_false(lcal__base64_decode(bad[i], strlen(bad[i]), bytes, &count));
  }
}

/* One of everything. */
static void put_all(lcal__writer *writer) {
  static const char *const words[] = {"a", "b", "c", NULL};
  lcal__begin_map(writer, NULL);
  lcal__put_u64(writer, "u64", UINT64_MAX);
  lcal__put_i64(writer, "i64", -5);
  lcal__put_f64(writer, "f64", 0.5);
  lcal__put_flag(writer, "flag", true);
  lcal__put_nil(writer, "nil");
  lcal__put_text(writer, "text", "t");
  lcal__put_sentence(writer, "sentence", "cut\xc3");
  lcal__put_bin(writer, "bin", "xyz", 3);
  lcal__put_pair(writer, "pair", 1, 2);
  lcal__put_words(writer, "words", 5, words);
  lcal__put_raw(writer, "raw", (lcal_bytes){(const uint8_t *)"\x92\x01\x02", 3});
  lcal__begin_array(writer, "array");
  lcal__begin_map(writer, NULL);
  lcal__end(writer);
  lcal__put_u64(writer, NULL, 7);
  lcal__end(writer);
  lcal__end(writer);
}

static void what_is_written_passes_the_scan_and_counts_right(void **state) {
  (void)state;
  lcal__writer writer;
  lcal__writer_grow(&writer);
  put_all(&writer);
  uint8_t *bytes;
  size_t length;
  assert_int_equal(lcal__writer_take(&writer, &bytes, &length, NULL), LCAL_OK);
  assert_int_equal(lcal__scan(bytes, length, &lcal__message_limits, NULL), LCAL_OK);
  assert_memory_equal(bytes, "\xde\x00\x0c", 3);
  lcal_bytes value;
  assert_true(lcal__scan_find(bytes, length, "sentence", &value));
  assert_memory_equal(value.data,
                      "\xa3"
                      "cut",
                      4);
  assert_true(lcal__scan_find(bytes, length, "words", &value));
  assert_int_equal(value.length, 9);
  assert_memory_equal(value.data,
                      "\xdd\x00\x00\x00\x02\xa1"
                      "a\xa1"
                      "c",
                      9);
  assert_true(lcal__scan_find(bytes, length, "array", &value));
  assert_memory_equal(value.data, "\xdd\x00\x00\x00\x02\xde\x00\x00\x07", 9);
  free(bytes);
}

static void every_buffer_that_is_too_small_gives_nothing_and_is_not_overrun(void **state) {
  (void)state;
  lcal__writer writer;
  lcal__writer_fix(&writer, NULL, 0);
  put_all(&writer);
  size_t needed = writer.length;
  for (size_t capacity = 0; capacity <= needed; capacity++) {
    uint8_t *buffer = malloc(capacity + 1);
    buffer[capacity] = 0xaa;
    lcal__writer_fix(&writer, buffer, capacity);
    put_all(&writer);
    assert_int_equal(lcal__writer_fitted(&writer), capacity == needed ? needed : 0);
    assert_int_equal(buffer[capacity], 0xaa);
    free(buffer);
  }
}

/* AddressSanitizer ends a program that asks for too much, unless it is told not to. It finds this
 * by its name, which the build hides. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void) {
  return "allocator_may_return_null=1";
}

static void a_length_that_no_memory_has_fails_at_the_end(void **state) {
  (void)state;
  uint8_t buffer[8];
  lcal__writer writer;
  lcal__writer_fix(&writer, buffer, sizeof buffer);
  lcal__put_bytes(&writer, "x", 1);
  lcal__put_bytes(&writer, "x", SIZE_MAX);
  lcal__put_bytes(&writer, "x", 1);
  assert_int_equal(lcal__writer_fitted(&writer), 0);
  lcal__writer_grow(&writer);
  lcal__put_bytes(&writer, "x", SIZE_MAX / 4);
  lcal__put_text(&writer, NULL, "more");
  uint8_t *bytes;
  size_t length;
  lcal_error error;
  assert_int_equal(lcal__writer_take(&writer, &bytes, &length, &error), LCAL_MEMORY);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_1_to_64_of_their_alphabet),
      cmocka_unit_test(text_is_shortest_form_utf8_without_control_characters),
      cmocka_unit_test(a_cut_text_keeps_its_whole_characters),
      cmocka_unit_test(a_sentence_is_clean_whatever_it_quotes),
      cmocka_unit_test(a_sentence_that_is_cut_ends_with_a_whole_character),
      cmocka_unit_test(what_is_not_base64_is_refused),
      cmocka_unit_test(base64_is_that_of_rfc_4648),
      cmocka_unit_test(every_byte_survives_base64),
      cmocka_unit_test(every_buffer_that_is_too_small_gives_nothing_and_is_not_overrun),
      cmocka_unit_test(a_length_that_no_memory_has_fails_at_the_end),
      cmocka_unit_test(what_is_written_passes_the_scan_and_counts_right),
  };
  return cmocka_run_group_tests_name("wire: text and writer", tests, NULL, NULL);
}
