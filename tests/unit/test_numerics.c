/* What the arithmetic of the whole process must be like, and what values at the edge of their
 * types must come to. Linked with the daemon, so that every library it loads is here too. */
#include "core/half.h"
#include "core/kernels/scalar.h"
#include "daemon/daemon.h"

#include <labelcal/calibrator.h>
#include <labelcal/domain.h>

#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef __SSE__
#include <xmmintrin.h>
#endif

/* A dense HWC frame through a calibrator of so many threads (bands in reverse order). */
struct frame {
  uint32_t height, width, classes, threads;
  lcal_type type;
  lcal_kind kind;
  const void *values;
  const uint8_t *mask;
  uint8_t *labels, *confidence;
  float *scores;
};

/* Its statistics, to destroy; its counts in *result (whose statistics are gone). */
static lcal_statistics *run(const struct frame *frame, lcal_result *result) {
  lcal_calibrator *calibrator = NULL;
  lcal_statistics *kept = NULL;
  lcal_tensor tensor;
  size_t bytes = 0;
  assert_true(lcal_tensor_bytes(frame->classes, frame->height, frame->width, frame->type, &bytes));
  assert_int_equal(lcal_tensor_init(&tensor,
                                    (uint32_t[]){frame->height, frame->width, frame->classes},
                                    LCAL_HWC, frame->type, frame->kind, frame->values, bytes, NULL),
                   LCAL_OK);
  lcal_pass pass = {.tensor = &tensor,
                    .sum_tolerance = 0.01,
                    .mask = frame->mask,
                    .want_statistics = 1,
                    .calibrated = frame->labels,
                    .confidence = frame->confidence,
                    .scores = frame->scores};
  uint32_t threads = frame->threads ? frame->threads : 1;
  assert_int_equal(lcal_calibrator_create(&calibrator, threads, NULL), LCAL_OK);
  assert_int_equal(lcal_calibrator_begin(calibrator, &pass, NULL), LCAL_OK);
  for (uint32_t band = lcal_calibrator_bands(calibrator, 0); band-- > 0;) {
    lcal_calibrator_band(calibrator, 0, band, band % threads);
  }
  *result = *lcal_calibrator_end(calibrator);
  assert_int_equal(lcal_statistics_create(&kept, frame->classes, NULL), LCAL_OK);
  lcal_statistics_copy(kept, result->statistics);
  result->statistics = NULL;
  lcal_calibrator_destroy(calibrator);
  return kept;
}

static void *compare_nan(void *verdict) {
  volatile float nan32 = NAN;
  volatile double nan64 = (double)NAN;
  volatile double least = 4.9406564584124654e-324;
  volatile float small = 1e-40f;
  int *right = verdict;
  *right = isnan(nan32) && nan32 != nan32 && isnan(nan64) && !(nan64 < 1) && least * 1 > 0 &&
           small * 1 > 0 && fegetround() == FE_TONEAREST;
#ifdef __SSE__
  /* Neither flush to zero nor denormals are zero. */
  *right = *right && (_mm_getcsr() & 0x8040u) == 0;
#endif
  return NULL;
}

static void no_library_turned_off_nan_or_subnormals(void **state) {
  (void)state;
  int right = 0;
  pthread_t thread;
  void (*volatile stop)(struct daemon * daemon) = daemon_stop; /* so the daemon is linked in */
  assert_true(stop != NULL);
  compare_nan(&right);
  assert_true(right);
  right = 0;
  assert_int_equal(pthread_create(&thread, NULL, compare_nan, &right), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_true(right);
}

static void not_a_number_is_found_in_statistics(void **state) {
  (void)state;
  static const double values[] = {(double)NAN, (double)-NAN, (double)INFINITY, -1e-300};
  lcal_statistics *statistics = NULL;
  assert_int_equal(lcal_statistics_create(&statistics, 2, NULL), LCAL_OK);
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    statistics->sum[3] = values[i];
    assert_int_equal(lcal_statistics_check(statistics, NULL), LCAL_BAD_FIELD);
    statistics->sum[3] = 0;
    statistics->weight[1] = values[i];
    assert_int_equal(lcal_statistics_check(statistics, NULL), LCAL_BAD_FIELD);
    statistics->weight[1] = 0;
  }
  assert_int_equal(lcal_statistics_check(statistics, NULL), LCAL_OK);
  lcal_statistics_destroy(statistics);
}

static void products_are_rounded_before_they_are_added(void **state) {
  (void)state;
  lcal_statistics *sum = NULL, *other = NULL;
  assert_int_equal(lcal_statistics_create(&sum, 2, NULL), LCAL_OK);
  assert_int_equal(lcal_statistics_create(&other, 2, NULL), LCAL_OK);
  /* (1 + e)^2 - (1 + 2e) is 0 in two steps, e^2 in one. */
  for (size_t i = 0; i < 4; i++) {
    sum->sum[i] = 1 + 0x1p-30;
    other->sum[i] = -(1 + 0x1p-29);
  }
  sum->weight[0] = sum->weight[1] = 1 + 0x1p-30;
  other->weight[0] = other->weight[1] = -(1 + 0x1p-29);
  lcal_statistics_add(sum, other, 1 + 0x1p-30);
  for (size_t i = 0; i < 4; i++) {
    assert_true(sum->sum[i] == 0);
  }
  assert_true(sum->weight[0] == 0 && sum->weight[1] == 0);
  lcal_statistics_destroy(sum);
  lcal_statistics_destroy(other);
}

/* All 65 536 values of two bytes as one plane of one class, read from every alignment. */
static void read_all(lcal_type type, float (*expected)(uint16_t bits)) {
  unsigned char *memory = malloc(2 * 65536 + 16);
  float tile[64];
  assert_non_null(memory);
  for (size_t offset = 0; offset < 16; offset++) {
    lcal_tensor tensor = {.data = memory + offset,
                          .classes = 1,
                          .height = 256,
                          .width = 256,
                          .layout = LCAL_CHW,
                          .type = type,
                          .stride = 65536};
    for (uint32_t i = 0; i < 65536; i++) {
      uint16_t bits = (uint16_t)i;
      memcpy(memory + offset + 2 * (size_t)i, &bits, sizeof bits);
    }
    for (uint32_t i = 0; i < 65536; i += 64) {
      lcal__scalar_read(&tensor, i, 64, tile, 64);
      for (uint32_t j = 0; j < 64; j++) {
        float value = expected((uint16_t)(i + j));
        /* -0 is read as 0; every other value keeps its bits, NaN stays NaN. */
        assert_true(isnan(value) ? isnan(tile[j])
                                 : lcal__bits_of_float(tile[j]) ==
                                       (value == 0 ? 0 : lcal__bits_of_float(value)));
      }
    }
  }
  free(memory);
}

static float half_by_definition(uint16_t half) {
  int exponent = half >> 10 & 31;
  int mantissa = half & 1023;
  double size = exponent == 31 ? (mantissa ? (double)NAN : (double)INFINITY)
                : exponent     ? ldexp(mantissa + 1024, exponent - 25)
                               : ldexp(mantissa, -24);
  return (float)(half & 0x8000 ? -size : size);
}

static float bfloat_by_definition(uint16_t bfloat) {
  int exponent = bfloat >> 7 & 255;
  int mantissa = bfloat & 127;
  double size = exponent == 255 ? (mantissa ? (double)NAN : (double)INFINITY)
                : exponent      ? ldexp(mantissa + 128, exponent - 134)
                                : ldexp(mantissa, -133);
  return (float)(bfloat & 0x8000 ? -size : size);
}

static void every_half_and_bfloat_is_read_alike_at_every_alignment(void **state) {
  (void)state;
  read_all(LCAL_F16, half_by_definition);
  read_all(LCAL_BF16, bfloat_by_definition);
}

static void tensors_at_every_alignment_give_the_same_bits(void **state) {
  (void)state;
  enum { PIXELS = 15 * 17, VALUES = PIXELS * 3 };
  float values[VALUES];
  uint16_t halves[VALUES], bfloats[VALUES];
  for (size_t i = 0; i < VALUES; i++) {
    values[i] = i % 3 == 0 ? 0.5f : i % 3 == 1 ? 0.375f : 0.125f;
    halves[i] = lcal_f32_to_f16(values[i]);
    bfloats[i] = lcal_f32_to_bf16(values[i]);
  }
  const void *sources[] = {[LCAL_F32] = values, [LCAL_F16] = halves, [LCAL_BF16] = bfloats};
  for (int type = LCAL_F32; type <= LCAL_BF16; type++) {
    size_t bytes = VALUES * lcal_type_size((lcal_type)type);
    for (size_t offset = 0; offset < 16; offset++) {
      unsigned char *memory = malloc(bytes + offset); /* of exactly this size, for the sanitizer */
      assert_non_null(memory);
      memcpy(memory + offset, sources[type], bytes);
      struct frame frame = {.height = 15,
                            .width = 17,
                            .classes = 3,
                            .type = (lcal_type)type,
                            .values = memory + offset};
      lcal_result result;
      lcal_statistics *statistics = run(&frame, &result);
      assert_int_equal(result.voids, 0);
      assert_int_equal(statistics->count[0], PIXELS);
      assert_true(statistics->weight[0] == PIXELS * 0.5);
      assert_true(statistics->sum[1] == PIXELS * 0.5 * 0.375);
      assert_true(result.input_confidence == PIXELS * 0.5);
      lcal_statistics_destroy(statistics);
      free(memory);
    }
  }
}

static void sums_of_four_million_pixels_keep_their_digits(void **state) {
  (void)state;
  enum { SIDE = 2048, PIXELS = SIDE * SIDE };
  float *values = malloc((size_t)PIXELS * 2 * sizeof *values);
  lcal_result result;
  assert_non_null(values);
  for (size_t j = 0; j < PIXELS; j++) {
    values[2 * j] = 0.9f;
    values[2 * j + 1] = 0.1f;
  }
  struct frame frame = {.height = SIDE, .width = SIDE, .classes = 2, .values = values};
  lcal_statistics *statistics = run(&frame, &result);
  /* float32 alone would be off by more than 1e-4. */
  assert_true(fabs(statistics->weight[0] / (PIXELS * (double)0.9f) - 1) < 1e-6);
  assert_true(fabs(statistics->sum[1] / (PIXELS * (double)0.9f * (double)0.1f) - 1) < 1e-6);
  assert_true(fabs(result.input_confidence / (PIXELS * (double)0.9f) - 1) < 1e-6);
  lcal_statistics_destroy(statistics);
  free(values);
}

static void sums_of_a_hundred_thousand_frames_keep_their_digits(void **state) {
  (void)state;
  enum { FRAMES = 100000 };
  lcal_adaptation adaptation;
  lcal_domain *domain = NULL;
  lcal_statistics *frame = NULL;
  lcal_adaptation_default(&adaptation);
  adaptation.forgetting = LCAL_CUMULATIVE;
  assert_int_equal(lcal_domain_create(&domain, 2, &adaptation, NULL), LCAL_OK);
  assert_int_equal(lcal_statistics_create(&frame, 2, NULL), LCAL_OK);
  frame->sum[0] = frame->weight[0] = 1e6 * 0.1;
  frame->count[0] = frame->pixels = 1000000;
  frame->frames = 1;
  for (int i = 0; i < FRAMES; i++) {
    lcal_domain_prepare(domain, &adaptation, frame, 0);
    lcal_domain_install(domain);
  }
  const lcal_statistics *sum = lcal_domain_statistics(domain);
  assert_true(fabs(sum->weight[0] / (FRAMES * 1e6 * 0.1) - 1) < 1e-11);
  assert_true(fabs(sum->sum[0] / (FRAMES * 1e6 * 0.1) - 1) < 1e-11);
  assert_int_equal(sum->count[0], FRAMES * UINT64_C(1000000)); /* beyond 32 bits */
  lcal_statistics_destroy(frame);
  lcal_domain_destroy(domain);
}

static void any_number_of_threads_gives_the_same_bits(void **state) {
  (void)state;
  enum { HEIGHT = 400, WIDTH = 300, CLASSES = 8 };
  static const uint32_t threads[] = {1, 2, 3, 7, 64};
  float *values = malloc((size_t)HEIGHT * WIDTH * CLASSES * sizeof *values);
  lcal_statistics *first = NULL;
  lcal_result first_result, result;
  uint32_t seed = 1;
  assert_non_null(values);
  for (size_t j = 0; j < (size_t)HEIGHT * WIDTH; j++) {
    seed = seed * 1664525u + 1013904223u;
    float p = (float)(seed >> 8) * 0x1p-24f;
    values[j * CLASSES] = p;
    values[j * CLASSES + 1] = 1 - p;
    /* Parts whose size differs from band to band, so that float64 has to round their sums. */
    for (size_t c = 2; c < CLASSES; c++) {
      int size = (int)((j / WIDTH / 20 * 7 + c * 5) % 41);
      float part = ldexpf((1 - p) * 0.0625f, -size);
      values[j * CLASSES + c] = part;
      values[j * CLASSES + 1] -= part;
    }
  }
  for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
    struct frame frame = {.height = HEIGHT,
                          .width = WIDTH,
                          .classes = CLASSES,
                          .threads = threads[i],
                          .values = values};
    lcal_statistics *statistics = run(&frame, i == 0 ? &first_result : &result);
    if (i == 0) {
      first = statistics;
      continue;
    }
    assert_memory_equal(statistics->sum, first->sum, sizeof(double) * CLASSES * CLASSES);
    assert_memory_equal(statistics->weight, first->weight, sizeof(double) * CLASSES);
    assert_memory_equal(&result, &first_result, offsetof(lcal_result, statistics));
    lcal_statistics_destroy(statistics);
  }
  lcal_statistics_destroy(first);
  free(values);
}

static void a_pixel_that_is_no_number_is_as_if_masked_out(void **state) {
  (void)state;
  static const float bad[] = {NAN, INFINITY, -INFINITY};
  float values[9][3];
  uint8_t mask[9], labels[9];
  for (size_t kind = 0; kind < LCAL_KIND_COUNT; kind++) {
    for (size_t b = 0; b < 3; b++) {
      for (size_t c = 0; c < 3; c++) {
        for (size_t j = 0; j < 9; j++) {
          values[j][0] = 0.5f;
          values[j][1] = 0.25f;
          values[j][2] = 0.25f;
          mask[j] = j != 4;
        }
        struct frame frame = {.height = 3,
                              .width = 3,
                              .classes = 3,
                              .kind = (lcal_kind)kind,
                              .values = values,
                              .mask = mask,
                              .labels = labels};
        lcal_result result;
        lcal_statistics *masked = run(&frame, &result);
        frame.mask = NULL;
        values[4][c] = bad[b];
        lcal_statistics *poisoned = run(&frame, &result);
        assert_int_equal(result.voids, 1);
        assert_int_equal(labels[4], 255);
        assert_memory_equal(poisoned->sum, masked->sum, 9 * sizeof(double));
        assert_memory_equal(poisoned->weight, masked->weight, 3 * sizeof(double));
        assert_int_equal(poisoned->pixels, 8);
        lcal_statistics_destroy(masked);
        lcal_statistics_destroy(poisoned);
      }
    }
  }
}

static void softmax_neither_overflows_nor_divides_by_zero(void **state) {
  (void)state;
  enum { CLASSES = 1024 };
  static const float scales[] = {0, 1e-30f, 1, 88, 89, 104, 1e4f, 3e38f};
  static float tile[CLASSES];
  for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
    for (int sign = -1; sign <= 1; sign += 2) {
      for (int up = 0; up < 2; up++) {
        double sum = 0;
        for (size_t c = 0; c < CLASSES; c++) {
          tile[c] = (float)sign * scales[i] * (up ? (float)c / CLASSES : 1);
        }
        lcal__scalar_softmax(CLASSES, 1, tile, 1);
        for (size_t c = 0; c < CLASSES; c++) {
          assert_true(tile[c] >= 0 && tile[c] <= 1);
          assert_true(up || tile[c] == 1.0f / CLASSES);
          sum += (double)tile[c];
        }
        assert_true(fabs(sum - 1) < 1e-5);
      }
    }
  }
}

static void u8_pixels_are_valid_by_what_rounding_can_do_to_their_sum(void **state) {
  (void)state;
  /* Of 5 classes rounding adds or takes at most 2.5, and sum_tolerance 2.55: 250 to 260. */
  static const uint8_t values[][5] = {{255, 0, 0, 0, 0},  {250, 0, 0, 0, 0},  {249, 0, 0, 0, 0},
                                      {90, 90, 80, 0, 0}, {90, 90, 81, 0, 0}, {51, 51, 51, 51, 51},
                                      {1, 1, 1, 1, 250},  {0, 0, 0, 0, 0}};
  static const uint8_t expected[] = {0, 0, 255, 0, 255, 0, 4, 255};
  uint8_t labels[8], confidence[8];
  float scores[8 * 5];
  struct frame frame = {.height = 2,
                        .width = 4,
                        .classes = 5,
                        .type = LCAL_U8,
                        .values = values,
                        .labels = labels,
                        .confidence = confidence,
                        .scores = scores};
  lcal_result result;
  lcal_statistics_destroy(run(&frame, &result));
  assert_memory_equal(labels, expected, sizeof expected);
  assert_int_equal(result.voids, 3);
  for (size_t j = 0; j < 8; j++) {
    for (size_t c = 0; c < 5; c++) { /* as sent, never renormalised */
      assert_true(expected[j] == 255 ? isnan(scores[5 * j + c])
                                     : scores[5 * j + c] == (float)values[j][c] / 255.0f);
    }
  }
  assert_true(confidence[0] == 255 && confidence[2] == 0 && confidence[6] == 250);
}

static void a_class_is_never_taken_for_void(void **state) {
  (void)state;
  static uint8_t values[3][256];
  uint16_t labels[3];
  values[0][255] = 255;
  values[1][254] = 255;
  struct frame frame = {.height = 1,
                        .width = 3,
                        .classes = 256,
                        .type = LCAL_U8,
                        .values = values,
                        .labels = (uint8_t *)labels};
  lcal_result result;
  lcal_statistics_destroy(run(&frame, &result));
  assert_true(labels[0] == 255 && labels[1] == 254 && labels[2] == 65535);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_library_turned_off_nan_or_subnormals),
      cmocka_unit_test(not_a_number_is_found_in_statistics),
      cmocka_unit_test(products_are_rounded_before_they_are_added),
      cmocka_unit_test(every_half_and_bfloat_is_read_alike_at_every_alignment),
      cmocka_unit_test(tensors_at_every_alignment_give_the_same_bits),
      cmocka_unit_test(sums_of_four_million_pixels_keep_their_digits),
      cmocka_unit_test(sums_of_a_hundred_thousand_frames_keep_their_digits),
      cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
      cmocka_unit_test(a_pixel_that_is_no_number_is_as_if_masked_out),
      cmocka_unit_test(softmax_neither_overflows_nor_divides_by_zero),
      cmocka_unit_test(u8_pixels_are_valid_by_what_rounding_can_do_to_their_sum),
      cmocka_unit_test(a_class_is_never_taken_for_void),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
