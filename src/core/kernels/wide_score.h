/* Scores of the pixels whose argmax is not certified. They are gathered over the tiles of a band
 * until a batch is full, so that no lane of a vector is idle. */
#ifndef CORE_KERNELS_WIDE_SCORE_H
#define CORE_KERNELS_WIDE_SCORE_H

#include "core/kernels/scalar.h"
#include "core/kernels/wide.h"

/* Takes K classes from k on into account: scores of V vectors of pixels, class after class of p. */
WIDE_INLINE void score_classes(const lcal_coefficients *coefficients, uint32_t k, uint32_t K,
                               uint32_t V, const float *p, vf *highest, vu *class) {
  uint32_t classes = coefficients->classes;
  const float *a = coefficients->a + (size_t)k * classes;
  vf score[5][4];
  for (uint32_t r = 0; r < K; r++) {
    for (uint32_t v = 0; v < V; v++) {
      score[r][v] = vf_set(0);
    }
  }
  for (size_t i = 0; i < classes; i++) {
    vf x[4];
    for (uint32_t v = 0; v < V; v++) {
      x[v] = vf_load(p + i * WIDE_STRIDE + v * WIDE_LANES);
    }
    for (uint32_t r = 0; r < K; r++) {
      vf weight = vf_set(a[r * classes + i]);
      for (uint32_t v = 0; v < V; v++) {
        score[r][v] = vf_fma(weight, x[v], score[r][v]);
      }
    }
  }
  for (uint32_t r = 0; r < K; r++) {
    vf b = vf_set(coefficients->b[k + r]);
    for (uint32_t v = 0; v < V; v++) {
      vf s = vf_add(score[r][v], b);
      if (k + r == 0) { /* the best so far whatever it is, as in the scalar tier */
        highest[v] = s;
      } else {
        class[v] = vu_choose(vf_gt(s, highest[v]), vu_set(k + r), class[v]);
        highest[v] = vf_max(s, highest[v]);
      }
    }
  }
}

/* The best class of V vectors of pixels. */
WIDE_INLINE void score_vectors(const lcal_coefficients *coefficients, uint32_t V, const float *p,
                               uint32_t *best) {
  uint32_t classes = coefficients->classes;
  vf highest[4];
  vu class[4];
  for (uint32_t v = 0; v < V; v++) {
    highest[v] = vf_set(0);
    class[v] = vu_set(0);
  }
  uint32_t k = 0;
  for (; k + 5 <= classes; k += 5) {
    score_classes(coefficients, k, 5, V, p, highest, class);
  }
  if (k < classes && classes >= 4) {
    /* Scores that were seen already win nothing by being seen again. */
    score_classes(coefficients, classes - 4, 4, V, p, highest, class);
  } else {
    for (; k < classes; k++) {
      score_classes(coefficients, k, 1, V, p, highest, class);
    }
  }
  for (uint32_t v = 0; v < V; v++) {
    vu_store(best + v * WIDE_LANES, class[v]);
  }
}

WIDE_APART void score_batch(const lcal_coefficients *coefficients, const float *p, uint32_t *best) {
  score_vectors(coefficients, WIDE_VECTORS, p, best);
}

WIDE_APART void score_vector(const lcal_coefficients *coefficients, const float *p,
                             uint32_t *best) {
  score_vectors(coefficients, 1, p, best);
}

static inline void put_label(const struct lcal__frame *frame, size_t pixel, uint32_t label) {
  if (frame->upsampling) {
    frame->input_label[pixel] = (uint16_t)label;
  } else {
    lcal__scalar_put_label(frame->pass.calibrated, frame->pass.tensor->classes, pixel,
                           (uint16_t)label);
  }
}

/* v / 255 in each lane, v a whole number up to 255, as the division rounds it: the inverse in two
 * parts, so that only the last step rounds what matters: right for all 256. */
static inline vf vf_of_byte(vf v) {
  const float inverse = 1.0f / 255.0f;
  const float rest = (float)(1.0 / 255.0 - (double)inverse);
  return vf_fma(v, vf_set(inverse), vf_mul(v, vf_set(rest)));
}

/* Labels of the first `count` pixels whose p are side by side; `pixel` is less the band's first.
 * How many labels changed. */
WIDE_APART uint64_t label_pixels(const struct lcal__frame *frame, const float *p, size_t first,
                                 const uint32_t *pixel, const uint32_t *argmax, uint32_t count) {
  const lcal_coefficients *coefficients = frame->pass.coefficients;
  uint32_t best[LCAL__TILE];
  uint64_t changed = 0;
  uint32_t done = 0;
  for (; done + WIDE_BATCH <= count; done += WIDE_BATCH) {
    score_batch(coefficients, p + done, best + done);
  }
  for (; done < count; done += WIDE_LANES) {
    score_vector(coefficients, p + done, best + done);
  }
  for (uint32_t n = 0; n < count; n += WIDE_LANES) {
    uint32_t live = lanes_of_count(count - n);
    vk same = vu_eq(vu_load(best + n), vu_load(argmax + n));
    uint32_t differ = ~vk_bits(same) & live;
    changed += (uint64_t)__builtin_popcount(differ);
    for (; differ; differ &= differ - 1) {
      uint32_t at = n + (uint32_t)__builtin_ctz(differ);
      put_label(frame, first + pixel[at], best[at]);
    }
  }
  return changed;
}

/* Labels of those that wait as soon as they fill a batch; the rest, less than a vector, moves to
 * its beginning. */
WIDE_INLINE uint64_t label_full_batch(const struct lcal__frame *frame, float *p, size_t first,
                                      struct wide_waiting *waiting) {
  if (waiting->count < WIDE_BATCH) {
    return 0;
  }
  uint64_t changed = label_pixels(frame, p, first, waiting->pixel, waiting->argmax, WIDE_BATCH);
  for (size_t c = 0, classes = frame->pass.coefficients->classes; c < classes; c++) {
    vf_store(p + c * WIDE_STRIDE, vf_load(p + c * WIDE_STRIDE + WIDE_BATCH));
  }
  vu_store(waiting->pixel, vu_load(waiting->pixel + WIDE_BATCH));
  vu_store(waiting->argmax, vu_load(waiting->argmax + WIDE_BATCH));
  waiting->count -= WIDE_BATCH;
  return changed;
}
#endif
