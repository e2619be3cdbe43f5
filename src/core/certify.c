/* method.md, "Certified argmax": from which confidence on no other class can win. */
#include "core/certify.h"

#include <labelcal/rules.h>

#include <float.h>
#include <math.h>

#define TOLERANCES_MAX 8
#define LANES          32u

/* The largest |x[i]|; infinity if one of them is not finite. */
static double largest_of(const float *x, size_t count) {
  float largest = 0;
  int finite = 1;
  for (size_t i = 0; i < count; i++) {
    float size = fabsf(x[i]);
    finite &= size <= FLT_MAX;
    largest = size > largest ? size : largest;
  }
  return finite ? (double)largest : (double)INFINITY;
}

double lcal_slack(uint32_t classes, const float *a, const float *b, double tolerance) {
  return 4.0 * classes * 0x1p-24 * largest_of(a, (size_t)classes * classes) * (1 + tolerance) +
         0x1p-22 * largest_of(b, classes);
}

/* The least and the largest float32 difference of two rows so far, in many lanes, so that a
 * compiler makes vectors of them. */
struct extremes {
  float low[LANES], high[LANES];
};

static void clear(struct extremes *extremes) {
  for (size_t l = 0; l < LANES; l++) {
    extremes->low[l] = INFINITY;
    extremes->high[l] = -INFINITY;
  }
}

/* Takes in x[i] - y[i] of from <= i < to. */
static void take_in(struct extremes *extremes, const float *x, const float *y, size_t from,
                    size_t to) {
  float *low = extremes->low, *high = extremes->high;
  size_t i = from;
  for (; i + LANES <= to; i += LANES) {
    for (size_t l = 0; l < LANES; l++) {
      float d = x[i + l] - y[i + l];
      low[l] = d < low[l] ? d : low[l];
      high[l] = d > high[l] ? d : high[l];
    }
  }
  for (size_t l = 0; i + l < to; l++) {
    float d = x[i + l] - y[i + l];
    low[l] = d < low[l] ? d : low[l];
    high[l] = d > high[l] ? d : high[l];
  }
}

/* Leaves the least in low[0] and the largest in high[0]. */
static void fold(struct extremes *extremes) {
  float *low = extremes->low, *high = extremes->high;
  for (size_t half = LANES / 2; half > 0; half /= 2) {
    for (size_t l = 0; l < half; l++) {
      low[l] = low[l + half] < low[l] ? low[l + half] : low[l];
      high[l] = high[l + half] > high[l] ? high[l + half] : high[l];
    }
  }
}

/* Least m from which slope*m + offset > limit for all larger m up to where the line was found
 * above the limit; negative: from 0 on. */
static double root(double slope, double offset, double limit) {
  return slope > 0 ? (limit - offset) / slope : -1;
}

/* The least m in [0, 1+tau] from which class c surely beats k, negative for all, NaN for none.
 * own = d_{k,c}, rest = e_k, beta = b_c - b_k. */
static double solve(double own, double rest, double beta, double tau, double slack) {
  if (!((1 + tau) * own + beta > slack)) { /* at m = 1+tau nothing is left for the others */
    return NAN;
  }
  if (rest < 0) {
    return root(own - rest, (1 + tau) * rest + beta, slack);
  }
  /* The others have at least 1-tau-m: nothing from m = 1-tau on. */
  double knee = 1 - tau;
  double above = root(own, beta, slack);
  if (above >= knee || knee <= 0) {
    return above;
  }
  return root(own - rest, knee * rest + beta, slack);
}

/* Raises *t to m, rounded up to a float32 strictly above it. */
static void raise_to(float *t, double m) {
  if (isnan(m)) {
    *t = INFINITY;
  } else if (m >= 0) {
    float up = (float)m;
    up = (double)up > m ? up : nextafterf(up, INFINITY);
    *t = up > *t ? up : *t;
  }
}

void lcal__certify(uint32_t classes, const float *a, const float *b, uint32_t count,
                   const double *tolerance, float *const *t) {
  double slack[TOLERANCES_MAX];
  for (uint32_t n = 0; n < count; n++) {
    slack[n] = lcal_slack(classes, a, b, tolerance[n]);
    for (size_t k = 0; k < classes; k++) {
      t[n][k] = 0;
    }
  }
  for (size_t c = 0; c < classes; c++) {
    for (size_t k = 0; k < c; k++) {
      const float *a_c = a + c * classes;
      const float *a_k = a + k * classes;
      double at_c = (double)a_c[c] - (double)a_k[c];
      double at_k = (double)a_c[k] - (double)a_k[k];
      double beta = (double)b[c] - (double)b[k];
      struct extremes others;
      clear(&others);
      take_in(&others, a_c, a_k, 0, k);
      take_in(&others, a_c, a_k, k + 1, c);
      take_in(&others, a_c, a_k, c + 1, classes);
      fold(&others);
      /* e for c against k is the least d over i != c, for k against c the least -d over i != k.
       * Rounding kept the order: a float32 step further out is beyond what was rounded. */
      double rest_c = fmin(at_k, (double)nextafterf(others.low[0], -INFINITY));
      double rest_k = -fmax(at_c, (double)nextafterf(others.high[0], INFINITY));
      for (uint32_t n = 0; n < count; n++) {
        raise_to(&t[n][c], solve(at_c, rest_c, beta, tolerance[n], slack[n]));
        raise_to(&t[n][k], solve(-at_k, rest_k, -beta, tolerance[n], slack[n]));
      }
    }
  }
}

void lcal_certify(uint32_t classes, const float *a, const float *b, double tolerance, float *t) {
  lcal__certify(classes, a, b, 1, &tolerance, &t);
}
