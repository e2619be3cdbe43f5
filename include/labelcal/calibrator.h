/* Labels and statistics of one frame, cut in bands that depend on H and W alone, so that any
 * number of threads gives the same bits (method.md, "Exactness").
 *
 * One frame at a time:
 *   lcal_calibrator_begin(c, &pass, &error)
 *   for each stage s, when the one before has ended: every band, on any threads, in any order
 *     lcal_calibrator_band(c, s, band, thread)
 *   lcal_calibrator_end(c)            -> lcal_result, the statistics added in band order
 * lcal_calibrate() does all of that on the calling thread. */
#ifndef LABELCAL_CALIBRATOR_H
#define LABELCAL_CALIBRATOR_H

#include <labelcal/domain.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lcal_calibrator lcal_calibrator; /* scratch of one frame in hand; opaque */

/* What to do with a frame. All pointers are borrowed until end(). Output maps are out_height x
 * out_width (0, 0: the tensor's size), labels of lcal_label_size(C) bytes in native order; any
 * of them may be NULL. */
typedef struct lcal_pass {
  const lcal_tensor *tensor;
  double sum_tolerance;
  const lcal_coefficients *coefficients; /* NULL: no rule is applied, calibrated = argmax */
  int certify;                           /* 0: score every pixel; the same bits, slower */
  const uint8_t *mask;                   /* H x W, 0 = not in the statistics; NULL: all are */
  int want_statistics;                   /* accumulate S, w, n of this frame */
  uint32_t out_height, out_width;        /* >= the tensor's sides, <= 8192 */
  void *calibrated;                      /* the rule's label map */
  void *argmax;                          /* the argmax map (of interpolated p when upsampling) */
  uint8_t *confidence;                   /* min(255, floor(255*m + 1/2)); void 0 */
  float *scores;                         /* out_height x out_width x C; void NaN; where no rule
                                            is applied, p itself */
} lcal_pass;

/* What a frame gave. Counts over output pixels unless "input" is said. */
typedef struct lcal_result {
  uint64_t pixels;       /* out_height * out_width */
  uint64_t voids;        /* void pixels of the map */
  uint64_t changed;      /* calibrated label is not the argmax; void never */
  uint64_t certified;    /* valid input pixels with m >= t_c; 0 where no rule was applied */
  uint64_t input_pixels; /* H * W */
  uint64_t input_voids;
  uint64_t input_changed;
  double input_confidence;           /* sum of m over valid input pixels, masked ones too */
  const lcal_statistics *statistics; /* of this frame (frames = 1), if wanted; borrowed until
                                        the next begin() */
} lcal_result;

/* A calibrator for up to `threads` threads at once (>= 1). */
LCAL_API lcal_status lcal_calibrator_create(lcal_calibrator **calibrator, uint32_t threads,
                                            lcal_error *error);
LCAL_API void lcal_calibrator_destroy(lcal_calibrator *calibrator); /* NULL is fine */

/* Takes a frame in hand: checks sizes, grows scratch if the frame is larger than any before
 * (the only allocation). LCAL_BAD_FIELD and LCAL_TOO_LARGE (out_shape, sum_tolerance),
 * LCAL_BAD_TENSOR, LCAL_WRONG_CLASSES (the coefficients have others), LCAL_ARGUMENT, LCAL_MEMORY;
 * then there is no frame in hand. */
LCAL_API lcal_status lcal_calibrator_begin(lcal_calibrator *calibrator, const lcal_pass *pass,
                                           lcal_error *error);

/* Stages of the frame in hand (1, or 2 when upsampling: input pixels, then output rows), and
 * the bands of one: a function of H and W (of the input, of the output) alone. */
LCAL_API uint32_t lcal_calibrator_stages(const lcal_calibrator *calibrator);
LCAL_API uint32_t lcal_calibrator_bands(const lcal_calibrator *calibrator, uint32_t stage);

/* Works on one band with the scratch of `thread` (< threads). Bands of one stage may run at
 * once; each must run exactly once. No allocation, no lock, no system call. */
LCAL_API void lcal_calibrator_band(lcal_calibrator *calibrator, uint32_t stage, uint32_t band,
                                   uint32_t thread);

/* Sums the bands in their order. The result is valid until the next begin(). */
LCAL_API const lcal_result *lcal_calibrator_end(lcal_calibrator *calibrator);

/* begin, every band on this thread, end; *result is copied. */
LCAL_API lcal_status lcal_calibrate(lcal_calibrator *calibrator, const lcal_pass *pass,
                                    lcal_result *result, lcal_error *error);

/* The guards that judge a result (method.md, "Guards"): a bit (1 << lcal_guard) for each that
 * trips. `mask_mismatch`: the stream's mask has another size than the frame. */
LCAL_API uint32_t lcal_guards_judge(const lcal_guards *guards, const lcal_result *result,
                                    int mask_mismatch);

/* The guard to name: the first that tripped in method.md's order, or LCAL_GUARD_NONE. */
LCAL_API lcal_guard lcal_guards_first(uint32_t tripped);

/* Whether the tripped guards forbid the commit (all but max_changed do). */
LCAL_API int lcal_guards_forbid_commit(uint32_t tripped);

/* The name of the kernel tier this process runs: $LABELCAL_CPU's, where it names one that the CPU
 * has, else the best. */
LCAL_API const char *lcal_tier(void);

#ifdef __cplusplus
}
#endif
#endif
