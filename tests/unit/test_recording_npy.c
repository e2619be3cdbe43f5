/* .npy headers from hostile bytes, and Python's slices. */
#include "recording/npy.h"
#include "recording/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOOD "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }"

/* A version 1 file of `text`, padded with blanks and a newline, and `data` bytes of data; parsed
 * from a block of exactly its size, so that a read beyond it is seen. */
static const char *parse(const char *text, size_t data, struct lcal__npy *npy) {
  size_t text_bytes = strlen(text) + 5;
  size_t length = 10 + text_bytes + data;
  uint8_t *bytes = malloc(length);
  assert_non_null(bytes);
  memset(bytes, ' ', length);
  memcpy(bytes, "\x93NUMPY\x01\x00", 8);
  bytes[8] = (uint8_t)text_bytes;
  bytes[9] = (uint8_t)(text_bytes >> 8);
  memcpy(bytes + 10, text, strlen(text));
  bytes[10 + text_bytes - 1] = '\n';
  const char *fault = lcal__npy_parse(npy, bytes, length);
  free(bytes);
  return fault;
}

static void header_that_is_not_numpys_is_refused(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "[]",
      "{}",
      "{'descr': '|u1', 'fortran_order': False}",
      "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), 'more': 1}",
      "{'descr' '|u1', 'fortran_order': False, 'shape': (2, 3)}",
      "{'descr': '|u1' 'fortran_order': False, 'shape': (2, 3)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)} x",
      "{'descr': '|u1, 'fortran_order': False, 'shape': (2, 3)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': 2, 3}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (6)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': ()}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (,)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (2 3)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (-2, 3)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3.0)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1, 2, 3)}",
      "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}",
      "{'descr': '|u1', 'fortran_order': 0, 'shape': (2, 3)}",
      "{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3)}",
      "{'descr': '|O8', 'fortran_order': False, 'shape': (2, 3)}",
      "{'descr': '\\x7cu1', 'fortran_order': False, 'shape': (2, 3)}",
      "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (2, 3)}",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct lcal__npy npy = {0};
    if (!parse(texts[i], 6, &npy)) {
      fail_msg("accepted %s", texts[i]);
    }
  }
}

static void data_of_another_size_than_the_shape_is_refused(void **state) {
  (void)state;
  struct lcal__npy npy = {0};
  assert_non_null(strstr(parse(GOOD, 5, &npy), "truncated"));
  assert_non_null(strstr(parse(GOOD, 7, &npy), "goes on"));
  assert_non_null(strstr(
      parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 6, &npy), "truncated"));
}

static void shape_that_overflows_is_refused(void **state) {
  (void)state;
  struct lcal__npy npy = {0};
  assert_non_null(parse("{'descr': '|u1', 'fortran_order': False, 'shape': "
                        "(4294967296, 4294967296), }",
                        0, &npy));
  assert_non_null(parse("{'descr': '|u1', 'fortran_order': False, 'shape': "
                        "(99999999999999999999999999, 0), }",
                        0, &npy));
}

static void header_cut_anywhere_is_refused(void **state) {
  (void)state;
  char whole[LCAL__NPY_HEADER];
  struct lcal__npy npy = {0};
  lcal__npy_header(whole, "<f2", (const size_t[]){3, 4}, 2);
  for (size_t length = 0; length < sizeof whole; length++) {
    uint8_t *cut = malloc(length + 1);
    assert_non_null(cut);
    memcpy(cut, whole, length);
    assert_non_null(lcal__npy_parse(&npy, cut, length));
    free(cut);
  }
}

static void version_3_is_refused_and_version_2_is_read(void **state) {
  (void)state;
  struct lcal__npy npy = {0};
  uint8_t bytes[12 + sizeof GOOD + 6] = "\x93NUMPY\x03\x00";
  bytes[8] = sizeof GOOD;
  memcpy(bytes + 12, GOOD "\n", sizeof GOOD);
  assert_non_null(lcal__npy_parse(&npy, bytes, sizeof bytes));
  bytes[6] = 2;
  assert_null(lcal__npy_parse(&npy, bytes, sizeof bytes));
  bytes[10] = 1; /* a header of 64 KiB more than there is */
  assert_non_null(lcal__npy_parse(&npy, bytes, sizeof bytes));
}

static void header_of_numpy_is_read(void **state) {
  (void)state;
  struct lcal__npy npy = {0};
  assert_null(parse(GOOD, 6, &npy));
  assert_string_equal(npy.descr, "|u1");
  assert_int_equal(npy.dimensions, 2);
  assert_int_equal(npy.shape[0], 2);
  assert_int_equal(npy.shape[1], 3);
  assert_int_equal(npy.data_bytes, 6);
  assert_null(parse("{\"shape\":(2,),'fortran_order':False,'descr':'<f8'}", 16, &npy));
  assert_int_equal(npy.dimensions, 1);
  assert_null(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 19, 2, 2)}", 0, &npy));
}

static void header_as_written_is_read_back(void **state) {
  (void)state;
  static const size_t shape[] = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};
  static const size_t ones[] = {1, 1, 1, 1};
  uint8_t bytes[LCAL__NPY_HEADER + 4] = {0};
  struct lcal__npy npy = {0};
  for (size_t dimensions = 1; dimensions <= 4; dimensions++) {
    lcal__npy_header((char *)bytes, "<f4", ones, dimensions);
    assert_null(lcal__npy_parse(&npy, bytes, sizeof bytes));
    assert_int_equal(npy.dimensions, dimensions);
    assert_ptr_equal(npy.data, bytes + LCAL__NPY_HEADER);
  }
  lcal__npy_header((char *)bytes, "<f4", shape, 4); /* the longest there is */
  assert_non_null(strstr(lcal__npy_parse(&npy, bytes, sizeof bytes), "larger than memory"));
}

static void malformed_slice_is_refused(void **state) {
  (void)state;
  static const char *const paths[] = {"a[]",        "a[5]",   "a[1:2:0]", "a[:::]",
                                      "a[1:2:3:4]", "a[x:]",  "a[1.0:]",  "a[-:]",
                                      "a[1 2:]",    "a[:2]]", "a[0:2,]",  "a[--1:]"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    struct lcal__slice slice;
    size_t length = 0;
    lcal_error error;
    if (lcal__slice_parse(&slice, paths[i], &length, &error) != LCAL_ARGUMENT) {
      fail_msg("accepted %s", paths[i]);
    }
    assert_non_null(strstr(error.message, "a["));
  }
}

/* [slice] of 10 frames, and what CPython 3.11's range(10)[slice] gives: first, step, count. */
static void slice_takes_what_python_takes(void **state) {
  (void)state;
  static const struct {
    const char *path;
    size_t first;
    int64_t step;
    size_t count;
  } rows[] = {
      {"a", 0, 1, 10},
      {"a[:]", 0, 1, 10},
      {"a[::]", 0, 1, 10},
      {"a[0:62]", 0, 1, 10},
      {"a[2:5]", 2, 1, 3},
      {"a[ 2 : 5 ]", 2, 1, 3},
      {"a[5::2]", 5, 2, 3},
      {"a[4::2]", 4, 2, 3},
      {"a[-3:]", 7, 1, 3},
      {"a[:-3]", 0, 1, 7},
      {"a[-30:2]", 0, 1, 2},
      {"a[::-1]", 9, -1, 10},
      {"a[::-3]", 9, -3, 4},
      {"a[8:2:-2]", 8, -2, 3},
      {"a[2:8:-1]", 0, -1, 0},
      {"a[-1:-30:-1]", 9, -1, 10},
      {"a[30:]", 0, 1, 0},
      {"a[5:5]", 0, 1, 0},
      {"a[7:3]", 0, 1, 0},
      {"a[+1:+3]", 1, 1, 2},
      {"a[-99999999999999999999:99999999999999999999]", 0, 1, 10},
      {"a[::9223372036854775807]", 0, INT64_MAX, 1},
      {"a[9::-9223372036854775807]", 9, -INT64_MAX, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct lcal__slice slice;
    size_t length = 0;
    size_t first = 0;
    size_t count = 0;
    int64_t step = 0;
    assert_int_equal(lcal__slice_parse(&slice, rows[i].path, &length, NULL), LCAL_OK);
    assert_int_equal(length, 1);
    lcal__slice_resolve(&slice, 10, &first, &step, &count);
    if (first != rows[i].first || step != rows[i].step || count != rows[i].count) {
      fail_msg("%s: first %zu, count %zu", rows[i].path, first, count);
    }
    lcal__slice_resolve(&slice, 0, &first, &step, &count);
    assert_int_equal(count, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(header_that_is_not_numpys_is_refused),
      cmocka_unit_test(data_of_another_size_than_the_shape_is_refused),
      cmocka_unit_test(shape_that_overflows_is_refused),
      cmocka_unit_test(header_cut_anywhere_is_refused),
      cmocka_unit_test(version_3_is_refused_and_version_2_is_read),
      cmocka_unit_test(header_of_numpy_is_read),
      cmocka_unit_test(header_as_written_is_read_back),
      cmocka_unit_test(malformed_slice_is_refused),
      cmocka_unit_test(slice_takes_what_python_takes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
