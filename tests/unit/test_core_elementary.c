/* The project's own exp2, ln and float32 exp, against long double libm. */
#include "core/elementary.h"
#include "core/half.h"
#include "core/kernels/scalar.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* |value - truth| in units of the last place of truth in float64. */
static double ulps(double value, long double truth) {
  double rounded = (double)truth;
  double unit = nextafter(rounded, INFINITY) - rounded;
  return (double)(fabsl((long double)value - truth) / (long double)unit);
}

static void exp2_of_nan_is_nan_and_far_below_is_zero(void **state) {
  (void)state;
  assert_true(isnan(lcal__exp2(NAN)));
  assert_true(lcal__exp2(-INFINITY) == 0);
  assert_true(lcal__exp2(-1e300) == 0);
  assert_true(lcal__exp2(-1100.5) == 0);
  assert_true(lcal__exp2(-1076) == 0);
}

static void exp2_of_whole_numbers_is_exact(void **state) {
  (void)state;
  for (int n = 0; n >= -1074; n--) {
    assert_true(lcal__exp2(n) == ldexp(1, n));
  }
  assert_true(lcal__exp2(-0.0) == 1);
}

/* valgrind computes long double in 64 bits, which can judge nothing of 64 bits. */
static void skip_without_long_double(void) {
  volatile long double one = 1;
  if (one + LDBL_EPSILON == one) {
    skip();
  }
}

static void exp2_is_within_an_ulp(void **state) {
  (void)state;
  skip_without_long_double();
  for (int i = 1; i < 200000; i++) {
    double x = -i * 0.00511;
    assert_true(ulps(lcal__exp2(x), exp2l((long double)x)) < 1);
    double small = -1.0 / i;
    assert_true(ulps(lcal__exp2(small), exp2l((long double)small)) < 1);
  }
  for (int i = 0; i < 20000; i++) {
    double x = -1021 - i * 0.0026;
    assert_true(ulps(lcal__exp2(x), exp2l((long double)x)) < 1.5);
  }
}

static void ln_is_within_an_ulp(void **state) {
  (void)state;
  skip_without_long_double();
  for (int i = 1; i < 200000; i++) {
    double x = i * 1e-6;
    assert_true(ulps(lcal__ln(x), logl((long double)x)) < 1 || x == 1);
    double near_one = 1 + (i - 100000) * 1e-9;
    assert_true(ulps(lcal__ln(near_one), logl((long double)near_one)) < 1 || near_one == 1);
    double wide = ldexp(1 + i * 4e-6, i % 2000 - 1000);
    assert_true(ulps(lcal__ln(wide), logl((long double)wide)) < 1);
  }
  assert_true(lcal__ln(1) == 0);
  assert_true(isinf(lcal__ln(INFINITY)));
}

static void exp32_is_one_at_zero_and_zero_below_the_cut(void **state) {
  (void)state;
  assert_true(lcal__exp32(0) == 1);
  assert_true(lcal__exp32(-0.0f) == 1);
  assert_true(lcal__exp32(nextafterf(-87, -INFINITY)) == 0);
  assert_true(lcal__exp32(-INFINITY) == 0);
  assert_true(lcal__exp32(-3e38f) == 0);
  assert_true(lcal__exp32(-87) > 1.17549435e-38f); /* never subnormal */
}

static void exp32_is_within_an_ulp_and_never_rises(void **state) {
  (void)state;
  float last = 1;
  uint32_t end = lcal__bits_of_float(-87.0f);
  for (uint32_t bits = lcal__bits_of_float(-0.0f); bits <= end; bits += 997) {
    float x = lcal__float_of_bits(bits);
    float value = lcal__exp32(x);
    double truth = exp((double)x);
    double unit = (double)(nextafterf((float)truth, INFINITY) - (float)truth);
    assert_true(fabs((double)value - truth) < unit);
    assert_true(value <= last);
    last = value;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exp2_of_nan_is_nan_and_far_below_is_zero),
      cmocka_unit_test(exp2_of_whole_numbers_is_exact),
      cmocka_unit_test(exp2_is_within_an_ulp),
      cmocka_unit_test(ln_is_within_an_ulp),
      cmocka_unit_test(exp32_is_one_at_zero_and_zero_below_the_cut),
      cmocka_unit_test(exp32_is_within_an_ulp_and_never_rises),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
