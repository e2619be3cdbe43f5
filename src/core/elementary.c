#include "core/elementary.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static double power_of_two(int exponent) { /* -1022..1023 */
  uint64_t bits = (uint64_t)(exponent + 1023) << 52;
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

double lcal__exp2(double x) {
  /* ln(2)^k / k!: Taylor's series, whose rest at |r| <= 1/2 is below 5e-18. */
  static const double series[] = {
      0x1.0000000000000p+0,  0x1.62e42fefa39efp-1,  0x1.ebfbdff82c58fp-3,  0x1.c6b08d704a0c0p-5,
      0x1.3b2ab6fba4e77p-7,  0x1.5d87fe78a6731p-10, 0x1.430912f86c787p-13, 0x1.ffcbfc588b0c7p-17,
      0x1.62c0223a5c824p-20, 0x1.b5253d395e7c4p-24, 0x1.e4cf5158b8ecap-28, 0x1.e8cac7351bb25p-32,
      0x1.c3bd650fc2986p-36, 0x1.816193166d0f9p-40};
  if (x < -1100) {
    return 0;
  }
  double whole = floor(x + 0.5);
  double r = x - whole; /* exact */
  double power = series[13];
  for (int k = 12; k >= 0; k--) {
    power = fma(power, r, series[k]);
  }
  if (!(whole >= -1021)) { /* two steps: only the last one may round, and NaN comes this way */
    return isnan(x) ? x : power * power_of_two((int)whole + 200) * 0x1p-200;
  }
  return power * power_of_two((int)whole);
}

double lcal__ln(double x) {
  /* x = 2^n m with m in [sqrt(1/2), sqrt(2)); with f = m - 1, s = f / (2 + f):
   * ln m = f - f^2/2 + s (f^2/2 + R), R = s^2 (2/3 + 2/5 s^2 + ...). */
  if (isinf(x)) {
    return x;
  }
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int n = (int)(bits >> 52) - 1023;
  bits = (bits & 0xfffffffffffffu) | 0x3ff0000000000000u;
  double m;
  memcpy(&m, &bits, sizeof m);
  if (m > 0x1.6a09e667f3bcdp+0) {
    m *= 0.5;
    n++;
  }
  double f = m - 1;
  double s = f / (2 + f);
  double square = s * s;
  double rest = 2.0 / 23;
  for (int odd = 21; odd >= 3; odd -= 2) {
    rest = fma(rest, square, 2.0 / odd);
  }
  rest *= square;
  double half = 0.5 * f * f;
  /* ln 2 in two parts: n times the first is exact. */
  double high = n * 0x1.62e42fee00000p-1;
  double low = n * 0x1.a39ef35793c76p-33;
  return high - ((half - fma(s, half + rest, low)) - f);
}
