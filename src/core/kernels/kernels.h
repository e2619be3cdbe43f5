/* One table of functions a CPU tier. The scalar tier is the specification (docs/method.md,
 * "Exactness"): every other one gives its bits. */
#ifndef CORE_KERNELS_KERNELS_H
#define CORE_KERNELS_KERNELS_H

#include <labelcal/calibrator.h>

#include <string.h>

/* Pixels a tile holds: what is read from the tensor at once, in raster order. */
#define LCAL__TILE  128u
/* Pixel j of a tile adds into lane j mod 16. */
#define LCAL__LANES 16u
/* Up to so many classes a table of them is a few vectors, and sums are kept by lane. */
#define LCAL__FEW   32u
/* A void pixel in `input_label` and `input_argmax`: no class, as C <= 1024. */
#define LCAL__VOID  0xffffu

/* What one band of the input gave. For u8 tensors sums, weights and confidence are the exact
 * integers of the values as sent (65025, 255 and 255 times the rest), held in doubles. */
struct lcal__partial {
  uint64_t voids, changed, certified;
  double confidence;
  double *sum;     /* C x C; row c holds something only where count[c] is not 0 */
  double *weight;  /* C; likewise */
  uint64_t *count; /* C; the band clears it */
};

/* What one band of the output gave, where it is larger than the input. */
struct lcal__output_partial {
  uint64_t voids, changed;
};

/* Two input pixels and the weights with which they make an output row or column. */
struct lcal__tap {
  uint32_t at[2];
  float weight[2];
};

/* What of an input pixel, or of sixteen, is there. */
enum { LCAL__HAVE_P = 1, LCAL__HAVE_SCORES = 2 };

/* A row of input pixels as the output stage wants them: filled pixel by pixel, W x C, by the scalar
 * tier; by the wide ones class-major, sixteen pixels at a time, and then interpolated along x to
 * the output's width. Padded to whole vectors (lcal__padded). */
struct lcal__row {
  int64_t y;     /* the input row; -1 = none */
  uint8_t *have; /* LCAL__HAVE_P and so on, of a pixel or of sixteen */
  float *p;
  float *score;
  uint8_t *across_have; /* the same of sixteen output pixels */
  float *across_p;      /* of each sixteen C x 16 */
  float *across_score;
};

/* What the corners say of the output pixels between two input rows; wide tiers only. */
struct lcal__between {
  int64_t row[2];                       /* -1 = none */
  uint16_t *label, *argmax;             /* of a pixel */
  uint16_t *block_label, *block_argmax; /* of sixteen */
  uint16_t *rivals[2]; /* C + 1, of sixteen at a time, for p and for scores: how many classes may be
                          the highest, then these classes */
};

/* The scratch of one thread. Tiles are class-major: value (c, j) lies at c * LCAL__TILE + j. */
struct lcal__scratch {
  float *p;                 /* C tiles: probabilities (not u8) */
  uint8_t *v;               /* C tiles: u8 values as sent */
  uint32_t *lanes;          /* C x C x 16: sums of few classes' u8 values; wide tiers */
  uint8_t *held;            /* C tiles: u8 values of the pixels that wait to be scored */
  float *gathered;          /* C tiles: p of the pixels that are scored, side by side */
  struct lcal__row rows[2]; /* upsampling; row y is kept in rows[y % 2] */
  struct lcal__between between;
  float *interpolated; /* C */
};

/* Whole vectors that hold n values, and two more: two may be loaded from any of them on. */
static inline size_t lcal__padded(size_t n) {
  return (n + LCAL__LANES - 1) / LCAL__LANES * LCAL__LANES + 2 * LCAL__LANES;
}

/* A frame in hand: what a band needs to know. Only what its band owns is written. */
struct lcal__frame {
  lcal_pass pass; /* out_height, out_width are set */
  double tau;
  const float *threshold; /* C, for the tensor's type; NULL without coefficients */
  int certify;            /* thresholds may be trusted to skip scores */
  int upsampling;
  uint32_t rows_per_band[2]; /* of the input, of the output */
  uint32_t bands[2];
  struct lcal__partial *partial;               /* bands[0] */
  struct lcal__output_partial *output_partial; /* bands[1] */
  struct lcal__scratch *scratch;               /* by thread */
  uint16_t *input_label, *input_argmax;        /* H x W, upsampling only */
  struct lcal__tap *rows, *columns;            /* of the output, upsampling only */
  float margin[2]; /* p, scores: what lies further apart stays so when it is interpolated */
  /* The columns' taps as vectors, padded: their places from that of the first of their sixteen. */
  uint32_t *column_at[2];
  float *column_weight[2];
};

/* The input pixels of a band in raster order, or its output rows. */
struct lcal__run {
  size_t first, end;
};

/* Begins a band of the input: its partial is empty. */
static inline struct lcal__run lcal__begin_input(const struct lcal__frame *frame, uint32_t band) {
  const lcal_tensor *tensor = frame->pass.tensor;
  struct lcal__partial *partial = &frame->partial[band];
  size_t width = tensor->width, rows = frame->rows_per_band[0];
  size_t row = band * rows, end = row + rows;
  partial->voids = partial->changed = partial->certified = 0;
  partial->confidence = 0;
  memset(partial->count, 0, tensor->classes * sizeof *partial->count);
  return (struct lcal__run){row * width, (end < tensor->height ? end : tensor->height) * width};
}

/* Counts pixels of class c; its row is cleared before the first of them. */
static inline void lcal__count_class(struct lcal__partial *partial, uint32_t classes, uint32_t c,
                                     uint32_t count) {
  if (partial->count[c] == 0) {
    partial->weight[c] = 0;
    memset(partial->sum + (size_t)c * classes, 0, classes * sizeof *partial->sum);
  }
  partial->count[c] += count;
}

/* Begins a band of the output: its rows; nothing is kept of another frame. */
static inline struct lcal__run lcal__begin_output(const struct lcal__frame *frame, uint32_t band,
                                                  struct lcal__scratch *scratch) {
  struct lcal__output_partial *partial = &frame->output_partial[band];
  size_t first = (size_t)band * frame->rows_per_band[1], end = first + frame->rows_per_band[1];
  partial->voids = partial->changed = 0;
  scratch->rows[0].y = scratch->rows[1].y = -1;
  scratch->between.row[0] = scratch->between.row[1] = -1;
  return (struct lcal__run){first, end < frame->pass.out_height ? end : frame->pass.out_height};
}

struct lcal__kernels {
  const char *name;
  int (*supported)(void);
  /* Labels and statistics of the input pixels of one band. */
  void (*input)(const struct lcal__frame *frame, uint32_t band, uint32_t thread);
  /* Label maps of one band of output rows, from what all input bands left. */
  void (*output)(const struct lcal__frame *frame, uint32_t band, uint32_t thread);
};

/* The tier to run: the best this CPU has; or $LABELCAL_CPU's, where it names one it has. */
const struct lcal__kernels *lcal__kernels(void);

/* The tiers of this build, best first; NULL behind the last. */
const struct lcal__kernels *lcal__tier_at(size_t index);

void lcal__scalar_input(const struct lcal__frame *frame, uint32_t band, uint32_t thread);
void lcal__scalar_output(const struct lcal__frame *frame, uint32_t band, uint32_t thread);
void lcal__avx512_input(const struct lcal__frame *frame, uint32_t band, uint32_t thread);
void lcal__avx512_output(const struct lcal__frame *frame, uint32_t band, uint32_t thread);
void lcal__avx2_input(const struct lcal__frame *frame, uint32_t band, uint32_t thread);
void lcal__avx2_output(const struct lcal__frame *frame, uint32_t band, uint32_t thread);
void lcal__neon_input(const struct lcal__frame *frame, uint32_t band, uint32_t thread);
void lcal__neon_output(const struct lcal__frame *frame, uint32_t band, uint32_t thread);

#endif
