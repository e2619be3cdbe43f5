/* The statistics of method.md: for every valid pixel p with argmax c and confidence m,
 * S[c] += m*p, w[c] += m, n[c] += 1. They add: the statistics of two recordings, cameras or
 * vehicles are the sum of theirs. */
#ifndef LABELCAL_STATISTICS_H
#define LABELCAL_STATISTICS_H

#include <labelcal/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lcal_statistics {
  uint32_t classes; /* C */
  double *sum;      /* S, C x C, row c: the confidence-weighted sum of pixels with argmax c */
  double *weight;   /* w, C: sums of confidence; decayed and windowed like S */
  uint64_t *count;  /* n, C: pixels since the last reset; never decayed or windowed */
  uint64_t frames;  /* committed since the last reset */
  uint64_t pixels;  /* valid pixels committed since the last reset */
} lcal_statistics;

/* Empty statistics of C classes, in one heap block that lcal_statistics_destroy frees.
 * LCAL_ARGUMENT for C outside 2..1024, LCAL_MEMORY. */
LCAL_API lcal_status lcal_statistics_create(lcal_statistics **statistics, uint32_t classes,
                                            lcal_error *error);
LCAL_API void lcal_statistics_destroy(lcal_statistics *statistics); /* NULL is fine */

/* The arrays, frames and pixels of `from`; both have the same C. */
LCAL_API void lcal_statistics_copy(lcal_statistics *to, const lcal_statistics *from);
LCAL_API void lcal_statistics_clear(lcal_statistics *statistics);

/* T <- keep*T + F for S and w; n, frames and pixels add. keep = 1 merges two sets;
 * keep = 2^(-delta/half_life) is the ema of method.md, "Forgetting". */
LCAL_API void lcal_statistics_add(lcal_statistics *statistics, const lcal_statistics *other,
                                  double keep);

/* Forgets class k: its S row, w and n; pixels falls by that n. */
LCAL_API void lcal_statistics_reset_class(lcal_statistics *statistics, uint32_t k);

/* LCAL_OK if S and w are all finite and >= 0, else LCAL_BAD_FIELD naming array and index. */
LCAL_API lcal_status lcal_statistics_check(const lcal_statistics *statistics, lcal_error *error);

/* mu (C x C, caller's): mu_k = S[k]/w[k], one-hot e_k while w[k] <= min_weight. */
LCAL_API void lcal_statistics_prototypes(const lcal_statistics *statistics, double min_weight,
                                         double *prototypes);

#ifdef __cplusplus
}
#endif
#endif
