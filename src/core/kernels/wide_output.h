/* The output stage of a wide tier: bilinear label maps larger than the input, sixteen output pixels
 * of a row at a time. Where their corners agree they need nothing; for the others p and scores of
 * the input pixels are made sixteen at a time and interpolated along x once for all the output rows
 * that lie between two input rows. The order is the scalar tier's: along x, then along y. */
#ifndef CORE_KERNELS_WIDE_OUTPUT_H
#define CORE_KERNELS_WIDE_OUTPUT_H

#include "core/kernels/scalar.h"
#include "core/kernels/wide_read.h"
#include "core/kernels/wide_score.h"

#include <string.h>

#define WIDE_MIXED 0xfffeu /* corners that do not agree: no class, and not void */

enum { WIDE_HAVE_P = 1, WIDE_HAVE_SCORES = 2 };

/* ---- Input pixels. */

/* Sixteen pixels of a u8 tensor into a tile, as p. */
static inline void read_byte_group(const lcal_tensor *tensor, size_t first, uint32_t count,
                                   float *to) {
  const uint8_t *data = tensor->data;
  for (size_t c = 0; c < tensor->classes; c++) {
    uint8_t some[WIDE_LANES] = {0};
    if (tensor->layout == LCAL_CHW) {
      memcpy(some, data + c * tensor->stride + first, count);
    } else {
      for (uint32_t l = 0; l < count; l++) {
        some[l] = data[(first + l) * tensor->stride + c];
      }
    }
    vf_store(to + c * LCAL__TILE, vf_of_byte(vf_load_u8(some)));
  }
}

static inline void read_group(const lcal_tensor *tensor, size_t first, uint32_t count, float *to) {
  switch (tensor->type) {
  case LCAL_F32:
    copy_group(tensor, LCAL_F32, first, count, to);
    break;
  case LCAL_F16:
    copy_group(tensor, LCAL_F16, first, count, to);
    break;
  case LCAL_BF16:
    copy_group(tensor, LCAL_BF16, first, count, to);
    break;
  case LCAL_U8:
  case LCAL_TYPE_COUNT:
    read_byte_group(tensor, first, count, to);
    break;
  }
}

/* All scores of a vector of pixels, K classes side by side so that no fma waits for another. */
WIDE_INLINE void store_scores(const lcal_coefficients *coefficients, uint32_t k, uint32_t K,
                              const float *p, float *score, size_t stride) {
  uint32_t classes = coefficients->classes;
  const float *a = coefficients->a + (size_t)k * classes;
  vf sum[8];
  for (uint32_t r = 0; r < K; r++) {
    sum[r] = vf_set(0);
  }
  for (size_t i = 0; i < classes; i++) {
    vf x = vf_load(p + i * stride);
    for (uint32_t r = 0; r < K; r++) {
      sum[r] = vf_fma(vf_set(a[r * classes + i]), x, sum[r]);
    }
  }
  for (uint32_t r = 0; r < K; r++) {
    vf_store(score + (k + r) * stride, vf_add(sum[r], vf_set(coefficients->b[k + r])));
  }
}

/* p, and scores if wanted, of pixels 16 g to 16 g + 15 of the row. */
static inline void fill_group(const struct lcal__frame *frame, struct lcal__scratch *scratch,
                              struct lcal__row *row, uint32_t g, int wanted) {
  const lcal_tensor *tensor = frame->pass.tensor;
  uint32_t classes = tensor->classes, before = g * WIDE_LANES;
  size_t stride = lcal__padded(tensor->width);
  float *p = row->p + before, *score = row->score + before;
  if (!(row->have[g] & WIDE_HAVE_P)) {
    uint32_t left = tensor->width - before;
    read_group(tensor, (size_t)row->y * tensor->width + before,
               left < WIDE_LANES ? left : WIDE_LANES, scratch->p);
    if (tensor->kind == LCAL_LOGITS) {
      softmax_group(classes, scratch->p);
    }
    for (size_t c = 0; c < classes; c++) {
      vf_store(p + c * stride, vf_add(vf_load(scratch->p + c * LCAL__TILE), vf_set(0)));
    }
    row->have[g] |= WIDE_HAVE_P;
  }
  if (wanted & ~row->have[g] & WIDE_HAVE_SCORES) {
    uint32_t k = 0;
    for (; k + 8 <= classes; k += 8) {
      store_scores(frame->pass.coefficients, k, 8, p, score, stride);
    }
    for (; k < classes; k++) {
      store_scores(frame->pass.coefficients, k, 1, p, score, stride);
    }
    row->have[g] |= WIDE_HAVE_SCORES;
  }
}

/* ---- Along x. */

/* Where the input pixels of a block's output pixels are, from the first one on, and their weights.
 */
struct wide_block {
  uint32_t first, last; /* input columns */
  vu at[2];
  vf weight[2];
};

static inline struct wide_block block_at(const struct lcal__frame *frame, uint32_t b) {
  uint32_t before = b * WIDE_LANES, left = frame->pass.out_width - before;
  uint32_t at[2][WIDE_LANES];
  float weight[2][WIDE_LANES];
  const struct lcal__tap *taps = frame->columns + before;
  uint32_t end = left < WIDE_LANES ? left - 1 : WIDE_LANES - 1;
  for (uint32_t l = 0; l < WIDE_LANES; l++) {
    const struct lcal__tap *tap = &taps[l < end ? l : end];
    for (uint32_t i = 0; i < 2; i++) {
      at[i][l] = tap->at[i] - taps[0].at[0];
      weight[i][l] = tap->weight[i];
    }
  }
  return (struct wide_block){.first = taps[0].at[0],
                             .last = taps[end].at[1],
                             .at = {vu_load(at[0]), vu_load(at[1])},
                             .weight = {vf_load(weight[0]), vf_load(weight[1])}};
}

static inline void interpolate_across(uint32_t classes, const struct wide_block *block,
                                      const float *from, size_t stride, float *to,
                                      size_t out_stride) {
  from += block->first;
  for (size_t k = 0; k < classes; k++) {
    /* No more than 17 columns lie below 16 output pixels. */
    vf left = vf_lookup_32(from, block->at[0]), right = vf_lookup_32(from, block->at[1]);
    vf_store(to, vf_fma(block->weight[1], right, vf_mul(block->weight[0], left)));
    from += stride;
    to += out_stride;
  }
}

static inline struct lcal__row *wide_row(const struct lcal__frame *frame,
                                         struct lcal__scratch *scratch, uint32_t y) {
  struct lcal__row *row = &scratch->rows[y % 2];
  if (row->y != (int64_t)y) {
    row->y = (int64_t)y;
    memset(row->have, 0, lcal__padded(frame->pass.tensor->width));
    memset(row->across_have, 0, lcal__padded(frame->pass.out_width));
  }
  return row;
}

/* The row with p, and scores if wanted, at the output pixels of block b. */
static inline const struct lcal__row *row_across(const struct lcal__frame *frame,
                                                 struct lcal__scratch *scratch, uint32_t y,
                                                 uint32_t b, int wanted) {
  struct lcal__row *row = wide_row(frame, scratch, y);
  int missing = wanted & ~row->across_have[b];
  if (!missing) {
    return row;
  }
  uint32_t classes = frame->pass.tensor->classes, before = b * WIDE_LANES;
  size_t stride = lcal__padded(frame->pass.tensor->width);
  size_t out_stride = lcal__padded(frame->pass.out_width);
  struct wide_block block = block_at(frame, b);
  for (uint32_t g = block.first / WIDE_LANES; g <= block.last / WIDE_LANES; g++) {
    fill_group(frame, scratch, row, g, wanted);
  }
  if (missing & WIDE_HAVE_P) {
    interpolate_across(classes, &block, row->p, stride, row->across_p + before, out_stride);
  }
  if (missing & WIDE_HAVE_SCORES) {
    interpolate_across(classes, &block, row->score, stride, row->across_score + before, out_stride);
  }
  row->across_have[b] |= (uint8_t)missing;
  return row;
}

/* ---- What the corners say. */

static inline uint16_t agreed(const uint16_t *top, const uint16_t *low,
                              const struct lcal__tap *tap) {
  uint16_t a = top[tap->at[0]], b = top[tap->at[1]], c = low[tap->at[0]], d = low[tap->at[1]];
  if (a == b && a == c && a == d) {
    return a;
  }
  return a == LCAL__VOID || b == LCAL__VOID || c == LCAL__VOID || d == LCAL__VOID ? LCAL__VOID
                                                                                  : WIDE_MIXED;
}

/* The one label of the columns first .. last of two rows, or WIDE_MIXED. */
static inline uint16_t one_label(const uint16_t *top, const uint16_t *low, uint32_t first,
                                 uint32_t last) {
  uint16_t label = top[first];
  uint32_t differs = 0;
  for (uint32_t x = first; x <= last; x++) {
    differs |= (uint32_t)(top[x] ^ label) | (uint32_t)(low[x] ^ label);
  }
  return differs ? WIDE_MIXED : label;
}

static inline void look_at_corners(const struct lcal__frame *frame, const uint16_t *map,
                                   const uint32_t y[2], uint16_t *pixel, uint16_t *block) {
  uint32_t out_width = frame->pass.out_width;
  const uint16_t *top = map + (size_t)y[0] * frame->pass.tensor->width;
  const uint16_t *low = map + (size_t)y[1] * frame->pass.tensor->width;
  for (uint32_t b = 0; b * WIDE_LANES < out_width; b++) {
    uint32_t x = b * WIDE_LANES;
    uint32_t end = out_width - x < WIDE_LANES ? out_width : x + WIDE_LANES;
    block[b] = one_label(top, low, frame->columns[x].at[0], frame->columns[end - 1].at[1]);
    for (; x < end && block[b] == WIDE_MIXED; x++) {
      pixel[x] = agreed(top, low, &frame->columns[x]);
    }
  }
}

static inline const struct lcal__between *look_between(const struct lcal__frame *frame,
                                                       struct lcal__scratch *scratch,
                                                       const struct lcal__tap *tap) {
  struct lcal__between *between = &scratch->between;
  if (between->row[0] != tap->at[0] || between->row[1] != tap->at[1]) {
    between->row[0] = tap->at[0];
    between->row[1] = tap->at[1];
    look_at_corners(frame, frame->input_argmax, tap->at, between->argmax, between->block_argmax);
    if (frame->pass.coefficients) {
      look_at_corners(frame, frame->input_label, tap->at, between->label, between->block_label);
    }
  }
  return between;
}

/* ---- Along y. */

/* The classes of a block's pixels: those of their corners where they agree, else the highest of
 * what is interpolated. */
static inline void decide_block(const struct lcal__frame *frame, struct lcal__scratch *scratch,
                                const struct lcal__tap *tap, uint32_t b, int scores,
                                const uint16_t *corner, uint16_t *class) {
  uint32_t classes = frame->pass.tensor->classes, before = b * WIDE_LANES;
  size_t stride = lcal__padded(frame->pass.out_width);
  uint32_t left = frame->pass.out_width - before;
  uint32_t count = left < WIDE_LANES ? left : WIDE_LANES;
  int wanted = scores ? WIDE_HAVE_SCORES : WIDE_HAVE_P;
  const struct lcal__row *top = row_across(frame, scratch, tap->at[0], b, wanted);
  const struct lcal__row *low = row_across(frame, scratch, tap->at[1], b, wanted);
  const float *above = (scores ? top->across_score : top->across_p) + before;
  const float *below = (scores ? low->across_score : low->across_p) + before;
  vf weight_top = vf_set(tap->weight[0]), weight_low = vf_set(tap->weight[1]);
  vf best = vf_fma(weight_low, vf_load(below), vf_mul(weight_top, vf_load(above)));
  vu found = vu_set(0);
  for (uint32_t k = 1; k < classes; k++) {
    above += stride;
    below += stride;
    vf value = vf_fma(weight_low, vf_load(below), vf_mul(weight_top, vf_load(above)));
    vk more = vf_gt(value, best);
    best = vf_choose(more, value, best);
    found = vu_choose(more, vu_set(k), found);
  }
  uint16_t some[WIDE_LANES];
  vu_store_u16(some, found);
  for (uint32_t l = 0; l < count; l++) {
    class[l] = corner[before + l] == WIDE_MIXED ? some[l] : corner[before + l];
  }
}

static inline void fill_class(uint16_t value, uint16_t *class) {
  for (uint32_t l = 0; l < WIDE_LANES; l++) {
    class[l] = value;
  }
}

static inline void put_block(void *map, uint32_t classes, size_t at, uint32_t count,
                             const uint16_t *class) {
  if (!map) {
    return;
  }
  if (lcal_label_size(classes) == 1) {
    uint8_t narrow[WIDE_LANES];
    for (uint32_t l = 0; l < WIDE_LANES; l++) {
      narrow[l] = (uint8_t) class[l];
    }
    memcpy((uint8_t *)map + at, narrow, count);
  } else {
    memcpy((uint8_t *)map + 2 * at, class, 2 * (size_t)count);
  }
}

/* The confidence of a block's pixels: the interpolated p of their argmax. */
static inline void put_confidence(const struct lcal__frame *frame, struct lcal__scratch *scratch,
                                  const struct lcal__tap *tap, uint32_t b, uint32_t count,
                                  const uint16_t *argmax, uint8_t *to) {
  size_t stride = lcal__padded(frame->pass.out_width);
  const struct lcal__row *top = row_across(frame, scratch, tap->at[0], b, WIDE_HAVE_P);
  const struct lcal__row *low = row_across(frame, scratch, tap->at[1], b, WIDE_HAVE_P);
  for (uint32_t l = 0; l < count; l++) {
    to[l] = 0;
    if (argmax[l] != LCAL__VOID) {
      size_t at = argmax[l] * stride + b * WIDE_LANES + l;
      to[l] = lcal__scalar_confidence(
          fmaf(tap->weight[1], low->across_p[at], tap->weight[0] * top->across_p[at]));
    }
  }
}

/* Labels of a block whose corners do not all agree. */
static inline void label_mixed(const struct lcal__frame *frame, struct lcal__scratch *scratch,
                               const struct lcal__tap *tap, uint32_t b, uint32_t count,
                               uint16_t *argmax, uint16_t *label) {
  const struct lcal__between *between = &scratch->between;
  const lcal_coefficients *coefficients = frame->pass.coefficients;
  if (between->block_argmax[b] == WIDE_MIXED) {
    decide_block(frame, scratch, tap, b, 0, between->argmax, argmax);
  } else {
    fill_class(between->block_argmax[b], argmax);
  }
  if (!coefficients) {
    memcpy(label, argmax, WIDE_LANES * sizeof *label);
    return;
  }
  if (between->block_label[b] == WIDE_MIXED) {
    decide_block(frame, scratch, tap, b, 1, between->label, label);
  } else {
    fill_class(between->block_label[b], label);
  }
  for (uint32_t l = 0; l < count; l++) {
    int keeps = argmax[l] == LCAL__VOID || coefficients->protect[argmax[l]];
    label[l] = keeps ? argmax[l] : label[l];
  }
}

WIDE_INLINE void output_row(const struct lcal__frame *frame, struct lcal__scratch *scratch,
                            size_t y, struct lcal__output_partial *partial) {
  const lcal_pass *pass = &frame->pass;
  const struct lcal__tap *tap = &frame->rows[y];
  const struct lcal__between *between = look_between(frame, scratch, tap);
  uint32_t classes = pass->tensor->classes;
  for (uint32_t b = 0; b * WIDE_LANES < pass->out_width; b++) {
    uint32_t left = pass->out_width - b * WIDE_LANES;
    uint32_t count = left < WIDE_LANES ? left : WIDE_LANES;
    uint16_t argmax[WIDE_LANES] = {0}, label[WIDE_LANES] = {0};
    uint16_t one = between->block_argmax[b];
    uint16_t other = pass->coefficients ? between->block_label[b] : one;
    size_t at = y * pass->out_width + b * WIDE_LANES;
    if (one != WIDE_MIXED && one == other) {
      fill_class(one, argmax);
      partial->voids += one == LCAL__VOID ? count : 0;
      put_block(pass->calibrated, classes, at, count, argmax);
    } else {
      label_mixed(frame, scratch, tap, b, count, argmax, label);
      for (uint32_t l = 0; l < count; l++) {
        partial->voids += argmax[l] == LCAL__VOID;
        partial->changed += label[l] != argmax[l];
      }
      put_block(pass->calibrated, classes, at, count, label);
    }
    put_block(pass->argmax, classes, at, count, argmax);
    if (pass->confidence) {
      put_confidence(frame, scratch, tap, b, count, argmax, pass->confidence + at);
    }
  }
}

static inline void wide_output(const struct lcal__frame *frame, uint32_t band, uint32_t thread) {
  struct lcal__scratch *scratch = &frame->scratch[thread];
  struct lcal__output_partial *partial = &frame->output_partial[band];
  if (frame->pass.scores) {
    lcal__scalar_output(frame, band, thread);
    return;
  }
  size_t y = (size_t)band * frame->rows_per_band[1];
  size_t end = y + frame->rows_per_band[1];
  end = end < frame->pass.out_height ? end : frame->pass.out_height;
  partial->voids = partial->changed = 0;
  scratch->rows[0].y = scratch->rows[1].y = -1; /* of another frame */
  scratch->between.row[0] = scratch->between.row[1] = -1;
  for (; y < end; y++) {
    output_row(frame, scratch, y, partial);
  }
}
#endif
