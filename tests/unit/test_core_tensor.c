/* Tensor views, label sizes, and the conversions of half and bfloat16. */
#include <labelcal/tensor.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static lcal_status view(lcal_tensor *tensor, uint32_t a, uint32_t b, uint32_t c, lcal_layout layout,
                        lcal_type type, lcal_kind kind, size_t bytes, lcal_error *error) {
  static const uint8_t data[64];
  return lcal_tensor_init(tensor, (uint32_t[]){a, b, c}, layout, type, kind, data, bytes, error);
}

static void refused_tensors_leave_the_view_unchanged_and_say_why(void **state) {
  (void)state;
  static const struct {
    uint32_t shape[3];
    lcal_layout layout;
    lcal_type type;
    lcal_kind kind;
    size_t bytes;
    const char *says;
  } rows[] = {
      {{3, 0, 4}, LCAL_CHW, LCAL_U8, LCAL_PROBABILITIES, 0, "side of 0"},
      {{3, 4, 0}, LCAL_CHW, LCAL_U8, LCAL_PROBABILITIES, 0, "side of 0"},
      {{0, 4, 3}, LCAL_HWC, LCAL_U8, LCAL_PROBABILITIES, 0, "side of 0"},
      {{1, 2, 2}, LCAL_CHW, LCAL_U8, LCAL_PROBABILITIES, 4, "1 classes"},
      {{2, 2, 1025}, LCAL_HWC, LCAL_U8, LCAL_PROBABILITIES, 4100, "1025 classes"},
      {{3, 2, 2}, LCAL_CHW, LCAL_U8, LCAL_LOGITS, 12, "logits cannot be u8"},
      {{3, 2, 2}, LCAL_CHW, LCAL_F16, LCAL_LOGITS, 23, "23 bytes"},
      {{3, 2, 2}, LCAL_CHW, LCAL_F32, LCAL_LOGITS, 12, "needs 48"},
      {{1024, UINT32_MAX, UINT32_MAX}, LCAL_CHW, LCAL_F32, LCAL_LOGITS, 12, "does not fit"},
      {{3, 2, 2}, LCAL_LAYOUT_COUNT, LCAL_F32, LCAL_LOGITS, 48, "none of the known"},
      {{3, 2, 2}, LCAL_CHW, LCAL_TYPE_COUNT, LCAL_LOGITS, 48, "none of the known"},
      {{3, 2, 2}, LCAL_CHW, LCAL_F32, LCAL_KIND_COUNT, 48, "none of the known"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    lcal_tensor tensor;
    memset(&tensor, 0x5a, sizeof tensor);
    lcal_tensor before = tensor;
    lcal_error error = {0};
    assert_int_equal(view(&tensor, rows[i].shape[0], rows[i].shape[1], rows[i].shape[2],
                          rows[i].layout, rows[i].type, rows[i].kind, rows[i].bytes, &error),
                     LCAL_BAD_TENSOR);
    assert_int_equal(error.code, LCAL_BAD_TENSOR);
    assert_non_null(strstr(error.message, rows[i].says));
    assert_memory_equal(&tensor, &before, sizeof tensor);
  }
}

static void dense_views_have_the_stride_of_their_layout(void **state) {
  (void)state;
  lcal_tensor tensor;
  assert_int_equal(view(&tensor, 3, 2, 4, LCAL_CHW, LCAL_F16, LCAL_PROBABILITIES, 48, NULL),
                   LCAL_OK);
  assert_int_equal(tensor.classes, 3);
  assert_int_equal(tensor.height, 2);
  assert_int_equal(tensor.width, 4);
  assert_int_equal(tensor.stride, 8);
  assert_int_equal(view(&tensor, 2, 4, 3, LCAL_HWC, LCAL_BF16, LCAL_LOGITS, 48, NULL), LCAL_OK);
  assert_int_equal(tensor.classes, 3);
  assert_int_equal(tensor.height, 2);
  assert_int_equal(tensor.width, 4);
  assert_int_equal(tensor.stride, 3);
}

static void sizes_beyond_size_t_are_noticed(void **state) {
  (void)state;
  size_t bytes = 0;
  assert_false(lcal_tensor_bytes(1024, UINT32_MAX, UINT32_MAX, LCAL_U8, &bytes));
  assert_true(lcal_tensor_bytes(19, 1024, 2048, LCAL_F32, &bytes));
  assert_int_equal(bytes, 19u * 1024 * 2048 * 4);
}

static void words_are_those_of_the_protocol(void **state) {
  (void)state;
  static const char *const types[] = {"f32", "f16", "bf16", "u8"};
  static const size_t sizes[] = {4, 2, 2, 1};
  for (int i = 0; i < LCAL_TYPE_COUNT; i++) {
    assert_string_equal(lcal_type_word((lcal_type)i), types[i]);
    assert_int_equal(lcal_type_size((lcal_type)i), sizes[i]);
  }
  assert_string_equal(lcal_type_word(LCAL_TYPE_COUNT), "unknown");
  assert_int_equal(lcal_type_size(LCAL_TYPE_COUNT), 0);
  assert_string_equal(lcal_layout_word(LCAL_CHW), "CHW");
  assert_string_equal(lcal_layout_word(LCAL_HWC), "HWC");
  assert_string_equal(lcal_layout_word(LCAL_LAYOUT_COUNT), "unknown");
  assert_string_equal(lcal_kind_word(LCAL_PROBABILITIES), "probabilities");
  assert_string_equal(lcal_kind_word(LCAL_LOGITS), "logits");
  assert_string_equal(lcal_kind_word(LCAL_KIND_COUNT), "unknown");
}

static void labels_are_one_byte_up_to_255_classes(void **state) {
  (void)state;
  assert_int_equal(lcal_label_size(2), 1);
  assert_int_equal(lcal_label_size(255), 1);
  assert_int_equal(lcal_label_size(256), 2);
  assert_int_equal(lcal_label_void(255), 255);
  assert_int_equal(lcal_label_void(256), 65535);
}

static void tolerance_allows_for_the_rounding_of_each_type(void **state) {
  (void)state;
  assert_true(lcal_tolerance(LCAL_U8, LCAL_PROBABILITIES, 19, 0.01) == 0.01 + 19.0 / 510.0);
  assert_true(lcal_tolerance(LCAL_U8, LCAL_PROBABILITIES, 1000, 0.01) == 0.01 + 0.5);
  assert_true(lcal_tolerance(LCAL_BF16, LCAL_PROBABILITIES, 19, 0.01) == 0.01 + 1.0 / 256);
  assert_true(lcal_tolerance(LCAL_F16, LCAL_PROBABILITIES, 19, 0.01) == 0.01 + 1.0 / 1024);
  assert_true(lcal_tolerance(LCAL_F32, LCAL_PROBABILITIES, 19, 0.01) == 0.01);
  assert_true(lcal_tolerance(LCAL_BF16, LCAL_LOGITS, 19, 0.01) == 0.01);
}

/* The value of a half by its definition. */
static double half_value(uint16_t half) {
  int exponent = half >> 10 & 31;
  double mantissa = half & 1023;
  double magnitude = exponent == 0    ? ldexp(mantissa, -24)
                     : exponent == 31 ? (mantissa == 0 ? INFINITY : NAN)
                                      : ldexp(mantissa + 1024, exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

static void every_half_converts_exactly_and_back(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 65536; i++) {
    uint16_t half = (uint16_t)i;
    float value = lcal_f16_to_f32(half);
    double expected = half_value(half);
    if (isnan(expected)) {
      assert_true(isnan(value));
      assert_true(isnan(lcal_f16_to_f32(lcal_f32_to_f16(value))));
    } else {
      assert_true((double)value == expected);
      assert_int_equal(signbit(value) != 0, half >> 15);
      assert_int_equal(lcal_f32_to_f16(value), half);
    }
  }
}

static void every_bfloat_converts_exactly_and_back(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 65536; i++) {
    uint16_t bfloat = (uint16_t)i;
    float value = lcal_bf16_to_f32(bfloat);
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    assert_int_equal(bits, i << 16);
    uint16_t back = lcal_f32_to_bf16(value);
    if (isnan(value)) {
      assert_int_equal(back, bfloat | 0x40);
    } else {
      assert_int_equal(back, bfloat);
    }
  }
}

static void floats_round_to_the_nearest_half_ties_to_even(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 0x7c00; i++) {
    double low = half_value((uint16_t)i);
    double high = i + 1 == 0x7c00 ? 65536 : half_value((uint16_t)(i + 1));
    float middle = (float)((low + high) / 2); /* exact: one bit more than a half has */
    uint16_t even = (uint16_t)(i % 2 ? i + 1 : i);
    assert_int_equal(lcal_f32_to_f16(middle), even);
    assert_int_equal(lcal_f32_to_f16(-middle), even | 0x8000);
    assert_int_equal(lcal_f32_to_f16(nextafterf(middle, 0)), i);
    assert_int_equal(lcal_f32_to_f16(nextafterf(middle, INFINITY)), i + 1);
  }
  assert_int_equal(lcal_f32_to_f16(65519.f), 0x7bff);
  assert_int_equal(lcal_f32_to_f16(65520.f), 0x7c00);
  assert_int_equal(lcal_f32_to_f16(3e38f), 0x7c00);
  assert_int_equal(lcal_f32_to_f16(1e-45f), 0);
}

static void floats_round_to_the_nearest_bfloat_ties_to_even(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 0x7f80; i++) {
    float middle = lcal_bf16_to_f32((uint16_t)i);
    uint32_t bits = (i << 16) + 0x8000;
    memcpy(&middle, &bits, sizeof bits);
    assert_int_equal(lcal_f32_to_bf16(middle), i % 2 ? i + 1 : i);
    assert_int_equal(lcal_f32_to_bf16(nextafterf(middle, 0)), i);
    assert_int_equal(lcal_f32_to_bf16(nextafterf(middle, INFINITY)), i + 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(refused_tensors_leave_the_view_unchanged_and_say_why),
      cmocka_unit_test(dense_views_have_the_stride_of_their_layout),
      cmocka_unit_test(sizes_beyond_size_t_are_noticed),
      cmocka_unit_test(words_are_those_of_the_protocol),
      cmocka_unit_test(labels_are_one_byte_up_to_255_classes),
      cmocka_unit_test(tolerance_allows_for_the_rounding_of_each_type),
      cmocka_unit_test(every_half_converts_exactly_and_back),
      cmocka_unit_test(every_bfloat_converts_exactly_and_back),
      cmocka_unit_test(floats_round_to_the_nearest_half_ties_to_even),
      cmocka_unit_test(floats_round_to_the_nearest_bfloat_ties_to_even),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
