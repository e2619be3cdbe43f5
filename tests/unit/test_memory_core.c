/* Memory that runs out in the core: nothing is made, nothing is left behind, what was there
 * stays usable. */
#include "allocations.h"

#include <labelcal/calibrator.h>
#include <labelcal/domain.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static char nothing; /* what outputs point to before; a failure leaves it there */

static lcal_status make_statistics(void *context, lcal_error *error) {
  (void)context;
  lcal_statistics *made = (lcal_statistics *)(void *)&nothing;
  lcal_status status = lcal_statistics_create(&made, 19, error);
  if (status) {
    assert_ptr_equal(made, &nothing);
    return status;
  }
  lcal_statistics_destroy(made);
  return LCAL_OK;
}

static lcal_status make_coefficients(void *context, lcal_error *error) {
  (void)context;
  lcal_coefficients *made = (lcal_coefficients *)(void *)&nothing;
  lcal_status status = lcal_coefficients_create(&made, 19, error);
  if (status) {
    assert_ptr_equal(made, &nothing);
    return status;
  }
  lcal_coefficients_destroy(made);
  return LCAL_OK;
}

static lcal_status make_domain(void *context, lcal_error *error) {
  lcal_domain *made = (lcal_domain *)(void *)&nothing;
  lcal_status status = lcal_domain_create(&made, 19, context, error);
  if (status) {
    assert_ptr_equal(made, &nothing);
    return status;
  }
  lcal_domain_destroy(made);
  return LCAL_OK;
}

static void objects_are_made_whole_or_not_at_all(void **state) {
  (void)state;
  lcal_adaptation adaptation;
  lcal_adaptation_default(&adaptation);
  assert_int_equal(every_allocation_fails(make_statistics, NULL), 1);
  assert_int_equal(every_allocation_fails(make_coefficients, NULL), 1);
  assert_int_equal(every_allocation_fails(make_domain, &adaptation), 5);
  adaptation.forgetting = LCAL_WINDOW;
  adaptation.window = 7;
  assert_int_equal(every_allocation_fails(make_domain, &adaptation), 9);
}

/* A frame's two sizes: the second needs more memory than the first. */
struct frames {
  lcal_pass pass[2];
  uint8_t labels[64];
};

static const float values[] = {0.9f, 0.1f, 0.2f, 0.8f, 0.6f, 0.4f, 0.3f, 0.7f};

/* A small frame, then a large one; a frame that failed is begun once more, and gives its labels. */
static lcal_status calibrate(void *context, lcal_error *error) {
  static const uint8_t expected[] = {0, 1, 0, 1};
  struct frames *frames = context;
  lcal_calibrator *calibrator = (lcal_calibrator *)(void *)&nothing;
  lcal_status status = lcal_calibrator_create(&calibrator, 2, error);
  if (status) {
    assert_ptr_equal(calibrator, &nothing);
    return status;
  }
  for (int i = 0; i < 2; i++) {
    lcal_result result = {.pixels = 77};
    memset(frames->labels, 77, sizeof frames->labels);
    lcal_status one = lcal_calibrate(calibrator, &frames->pass[i], &result, error);
    if (one) {
      status = one;
      assert_int_equal(result.pixels, 77);
      assert_int_equal(frames->labels[0], 77);
      assert_int_equal(lcal_calibrate(calibrator, &frames->pass[i], &result, NULL), LCAL_OK);
    }
    assert_int_equal(result.input_pixels, 4);
    assert_int_equal(result.statistics->pixels, 4);
    if (i == 0) {
      assert_memory_equal(frames->labels, expected, sizeof expected);
    } else {
      assert_true(frames->labels[0] == 0 && frames->labels[63] == 1);
    }
  }
  lcal_calibrator_destroy(calibrator);
  return status;
}

static void a_frame_that_found_no_memory_may_be_begun_again(void **state) {
  (void)state;
  lcal_tensor tensor;
  struct frames frames;
  assert_int_equal(lcal_tensor_init(&tensor, (uint32_t[]){2, 2, 2}, LCAL_HWC, LCAL_F32,
                                    LCAL_PROBABILITIES, values, sizeof values, NULL),
                   LCAL_OK);
  frames.pass[0] = (lcal_pass){
      .tensor = &tensor, .sum_tolerance = 0.01, .want_statistics = 1, .calibrated = frames.labels};
  frames.pass[1] = frames.pass[0];
  frames.pass[1].out_height = frames.pass[1].out_width = 8;
  assert_int_equal(every_allocation_fails(calibrate, &frames), 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(objects_are_made_whole_or_not_at_all),
      cmocka_unit_test(a_frame_that_found_no_memory_may_be_begun_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
