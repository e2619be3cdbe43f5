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

/* ---- Input pixels. */

/* Sixteen pixels into a tile. */
static inline void read_group(const lcal_tensor *tensor, size_t first, uint32_t count,
                              struct lcal__scratch *scratch) {
  float *to = scratch->p;
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
    lcal__scalar_read_u8(tensor, first, count, scratch->v, LCAL__TILE);
    for (size_t c = 0; c < tensor->classes * (size_t)LCAL__TILE; c += LCAL__TILE) {
      vf_store(to + c, vf_of_byte(vf_load_u8(scratch->v + c)));
    }
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
  if (!(row->have[g] & LCAL__HAVE_P)) {
    uint32_t left = tensor->width - before;
    read_group(tensor, (size_t)row->y * tensor->width + before,
               left < WIDE_LANES ? left : WIDE_LANES, scratch);
    if (tensor->kind == LCAL_LOGITS) {
      softmax_group(classes, scratch->p);
    }
    for (size_t c = 0; c < classes; c++) {
      vf_store(p + c * stride, vf_add(vf_load(scratch->p + c * LCAL__TILE), vf_set(0)));
    }
    row->have[g] |= LCAL__HAVE_P;
  }
  if (wanted & ~row->have[g] & LCAL__HAVE_SCORES) {
    uint32_t k = 0;
    for (; k + 8 <= classes; k += 8) {
      store_scores(frame->pass.coefficients, k, 8, p, score, stride);
    }
    for (; k < classes; k++) {
      store_scores(frame->pass.coefficients, k, 1, p, score, stride);
    }
    row->have[g] |= LCAL__HAVE_SCORES;
  }
}

/* ---- Along x. */

/* The output pixels of block b: how many, and the input columns below them. */
struct wide_columns {
  uint32_t count, first, last;
};

static inline struct wide_columns columns_of(const struct lcal__frame *frame, uint32_t b) {
  const struct lcal__tap *tap = frame->columns + (size_t)b * WIDE_LANES;
  uint32_t left = frame->pass.out_width - b * WIDE_LANES;
  uint32_t count = left < WIDE_LANES ? left : WIDE_LANES;
  return (struct wide_columns){count, tap[0].at[0], tap[count - 1].at[1]};
}

/* Where the input pixels of a block's output pixels are, from the first one on, and their weights.
 */
struct wide_block {
  struct wide_columns columns;
  vu at[2];
  vf weight[2];
};

static inline struct wide_block block_at(const struct lcal__frame *frame, uint32_t b) {
  size_t x = (size_t)b * WIDE_LANES;
  return (struct wide_block){
      .columns = columns_of(frame, b),
      .at = {vu_load(frame->column_at[0] + x), vu_load(frame->column_at[1] + x)},
      .weight = {vf_load(frame->column_weight[0] + x), vf_load(frame->column_weight[1] + x)}};
}

static inline void interpolate_across(uint32_t classes, const struct wide_block *block,
                                      const float *from, size_t stride, float *to) {
  from += block->columns.first;
  for (size_t k = 0; k < classes; k++) {
    /* No more than 17 columns lie below 16 output pixels. */
    vf left = vf_lookup_32(from, block->at[0]), right = vf_lookup_32(from, block->at[1]);
    vf_store(to, vf_fma(block->weight[1], right, vf_mul(block->weight[0], left)));
    from += stride;
    to += WIDE_LANES;
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
  size_t classes = frame->pass.tensor->classes, at = b * classes * WIDE_LANES;
  size_t stride = lcal__padded(frame->pass.tensor->width);
  struct wide_block block = block_at(frame, b);
  for (uint32_t g = block.columns.first / WIDE_LANES; g <= block.columns.last / WIDE_LANES; g++) {
    fill_group(frame, scratch, row, g, wanted);
  }
  if (missing & LCAL__HAVE_P) {
    interpolate_across((uint32_t)classes, &block, row->p, stride, row->across_p + at);
  }
  if (missing & LCAL__HAVE_SCORES) {
    interpolate_across((uint32_t)classes, &block, row->score, stride, row->across_score + at);
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
  const uint16_t *top = map + (size_t)y[0] * frame->pass.tensor->width;
  const uint16_t *low = map + (size_t)y[1] * frame->pass.tensor->width;
  for (uint32_t b = 0; b * WIDE_LANES < frame->pass.out_width; b++) {
    struct wide_columns columns = columns_of(frame, b);
    block[b] = one_label(top, low, columns.first, columns.last);
    for (uint32_t l = 0; l < columns.count && block[b] == WIDE_MIXED; l++) {
      uint32_t x = b * WIDE_LANES + l;
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

/* Classes at the corners of a block, at most four: leaders that others have to beat. */
static inline uint32_t find_leaders(const struct lcal__frame *frame, const uint16_t *map,
                                    const uint32_t y[2], uint32_t b, uint32_t *leader) {
  struct wide_columns columns = columns_of(frame, b);
  uint32_t count = 0;
  for (uint32_t i = 0; i < 2; i++) {
    const uint16_t *row = map + (size_t)y[i] * frame->pass.tensor->width;
    for (uint32_t x = columns.first; x <= columns.last && count < 4; x++) {
      uint32_t known = row[x] == LCAL__VOID;
      for (uint32_t n = 0; n < count && !known; n++) {
        known = leader[n] == row[x];
      }
      if (!known) {
        leader[count++] = row[x];
      }
    }
  }
  return count;
}

/* The classes that may be the highest somewhere between the two rows: those that no leader
 * exceeds, in each lane above and below, by so much that no rounding makes them equal. */
static inline void find_rivals(uint32_t classes, const float *above, const float *below,
                               const uint32_t *leader, uint32_t count, float margin,
                               uint16_t *rivals) {
  vf high[4], low[4];
  uint16_t found = 0;
  for (uint32_t n = 0; n < count; n++) {
    high[n] = vf_sub(vf_load(above + leader[n] * WIDE_LANES), vf_set(margin));
    low[n] = vf_sub(vf_load(below + leader[n] * WIDE_LANES), vf_set(margin));
  }
  for (uint32_t k = 0; k < classes; k++) {
    vf top = vf_load(above + k * WIDE_LANES), bottom = vf_load(below + k * WIDE_LANES);
    uint32_t beaten = 0;
    for (uint32_t n = 0; n < count; n++) {
      beaten |= vk_bits(vk_and(vf_gt(high[n], top), vf_gt(low[n], bottom)));
    }
    if (beaten != 0xffffu) {
      rivals[++found] = (uint16_t)k;
    }
  }
  rivals[0] = found;
}

/* The rival with the highest interpolated value in each lane; the first where two are equal. */
WIDE_INLINE vu highest_rival(const uint16_t *rivals, const struct lcal__tap *tap,
                             const float *above, const float *below) {
  vf top = vf_set(tap->weight[0]), low = vf_set(tap->weight[1]);
  size_t at = (size_t)rivals[1] * WIDE_LANES;
  vf best = vf_fma(low, vf_load(below + at), vf_mul(top, vf_load(above + at)));
  vu class = vu_set(rivals[1]);
  for (uint32_t n = 2; n <= rivals[0]; n++) {
    at = (size_t)rivals[n] * WIDE_LANES;
    vf value = vf_fma(low, vf_load(below + at), vf_mul(top, vf_load(above + at)));
    class = vu_choose(vf_gt(value, best), vu_set(rivals[n]), class);
    best = vf_max(value, best);
  }
  return class;
}

/* How a block is decided in all the output rows between two input rows. */
struct wide_choice {
  vu agreed;              /* the classes of the pixels whose corners agree */
  vk mixed;               /* the others: theirs is the highest rival */
  const uint16_t *rivals; /* NULL: all corners agree */
  const float *above, *below;
};

WIDE_INLINE struct wide_choice choose_by(const struct lcal__frame *frame,
                                         struct lcal__scratch *scratch, uint32_t b, int scores) {
  const struct lcal__between *between = &scratch->between;
  uint16_t one = scores ? between->block_label[b] : between->block_argmax[b];
  if (one != WIDE_MIXED) {
    return (struct wide_choice){.agreed = vu_set(one), .mixed = vk_of(0)};
  }
  uint32_t classes = frame->pass.tensor->classes;
  int wanted = scores ? LCAL__HAVE_SCORES : LCAL__HAVE_P;
  const uint32_t y[2] = {(uint32_t)between->row[0], (uint32_t)between->row[1]};
  const struct lcal__row *top = row_across(frame, scratch, y[0], b, wanted);
  const struct lcal__row *low = row_across(frame, scratch, y[1], b, wanted);
  size_t at = (size_t)b * classes * WIDE_LANES;
  const float *above = (scores ? top->across_score : top->across_p) + at;
  const float *below = (scores ? low->across_score : low->across_p) + at;
  uint32_t leader[4];
  uint32_t count =
      find_leaders(frame, scores ? frame->input_label : frame->input_argmax, y, b, leader);
  uint16_t *rivals = between->rivals[scores];
  find_rivals(classes, above, below, leader, count, frame->margin[scores], rivals);
  vu agreed = vu_load_u16((scores ? between->label : between->argmax) + (size_t)b * WIDE_LANES);
  return (struct wide_choice){.agreed = agreed,
                              .mixed = vu_eq(agreed, vu_set(WIDE_MIXED)),
                              .rivals = rivals,
                              .above = above,
                              .below = below};
}

WIDE_INLINE vu chosen(const struct wide_choice *choice, const struct lcal__tap *tap) {
  return choice->rivals
             ? vu_choose(choice->mixed,
                         highest_rival(choice->rivals, tap, choice->above, choice->below),
                         choice->agreed)
             : choice->agreed;
}

/* What is the same in all the rows of a band. */
struct wide_output_band {
  int bytes;   /* label maps are u8 */
  int protect; /* a class is protected */
};

/* The confidence of a block's pixels: the interpolated p of their argmax. */
static inline void put_confidence(const struct lcal__frame *frame, struct lcal__scratch *scratch,
                                  const struct lcal__tap *tap, uint32_t b, uint32_t count,
                                  vu argmax, uint8_t *to) {
  const struct lcal__row *top = row_across(frame, scratch, tap->at[0], b, LCAL__HAVE_P);
  const struct lcal__row *low = row_across(frame, scratch, tap->at[1], b, LCAL__HAVE_P);
  uint32_t class[WIDE_LANES];
  vu_store(class, argmax);
  for (uint32_t l = 0; l < count; l++) {
    to[l] = 0;
    if (class[l] != LCAL__VOID) {
      size_t at = ((size_t)b * frame->pass.tensor->classes + class[l]) * WIDE_LANES + l;
      to[l] = lcal__scalar_confidence(
          fmaf(tap->weight[1], low->across_p[at], tap->weight[0] * top->across_p[at]));
    }
  }
}

/* The protected argmax, or else the label; lanes from `count` on hold no class. */
static inline vu keep_protected(const uint8_t *protect, uint32_t count, vu argmax, vu label) {
  uint32_t class[WIDE_LANES], other[WIDE_LANES];
  vu_store(class, argmax);
  vu_store(other, label);
  for (uint32_t l = 0; l < count; l++) {
    other[l] = class[l] != LCAL__VOID && protect[class[l]] ? class[l] : other[l];
  }
  return vu_load(other);
}

/* Output rows that lie between the same two input rows. */
struct wide_rows {
  size_t y;
  uint32_t count;
};

/* A block whose corners agree, in the argmax and in the label: no row needs a look of its own. */
WIDE_INLINE void fill_block(const struct lcal__frame *frame, const struct wide_output_band *band,
                            const struct wide_rows *rows, size_t x, uint32_t count, uint16_t label,
                            struct lcal__output_partial *partial) {
  const lcal_pass *pass = &frame->pass;
  vu class = vu_set(label);
  for (uint32_t r = 0; r < rows->count; r++) {
    size_t at = (rows->y + r) * pass->out_width + x;
    put_classes(pass->calibrated, band->bytes, at, count, class);
    put_classes(pass->argmax, band->bytes, at, count, class);
  }
  partial->voids += label == LCAL__VOID ? (uint64_t)count * rows->count : 0;
}

/* Any other block. */
WIDE_INLINE void decide_block(const struct lcal__frame *frame, struct lcal__scratch *scratch,
                              const struct wide_output_band *band, const struct wide_rows *rows,
                              uint32_t b, uint32_t count, struct lcal__output_partial *partial) {
  const lcal_pass *pass = &frame->pass;
  uint32_t live = lanes_of_count(count);
  struct wide_choice by_p = choose_by(frame, scratch, b, 0), by_score = by_p;
  if (pass->coefficients) {
    by_score = choose_by(frame, scratch, b, 1);
  }
  for (uint32_t r = 0; r < rows->count; r++) {
    const struct lcal__tap *tap = &frame->rows[rows->y + r];
    size_t at = (rows->y + r) * pass->out_width + b * WIDE_LANES;
    vu argmax = chosen(&by_p, tap);
    vu label = pass->coefficients ? chosen(&by_score, tap) : argmax;
    if (band->protect) {
      label = keep_protected(pass->coefficients->protect, count, argmax, label);
    }
    uint32_t void_bits = vk_bits(vu_eq(argmax, vu_set(LCAL__VOID)));
    uint32_t same_bits = vk_bits(vu_eq(argmax, label));
    partial->voids += (uint64_t)__builtin_popcount(void_bits & live);
    partial->changed += (uint64_t)__builtin_popcount(~same_bits & live);
    put_classes(pass->calibrated, band->bytes, at, count, label);
    put_classes(pass->argmax, band->bytes, at, count, argmax);
    if (pass->confidence) {
      put_confidence(frame, scratch, tap, b, count, argmax, pass->confidence + at);
    }
  }
}

WIDE_INLINE void output_rows(const struct lcal__frame *frame, struct lcal__scratch *scratch,
                             const struct wide_output_band *band, const struct wide_rows *rows,
                             struct lcal__output_partial *partial) {
  const lcal_pass *pass = &frame->pass;
  const struct lcal__between *between = look_between(frame, scratch, &frame->rows[rows->y]);
  for (uint32_t b = 0; b * WIDE_LANES < pass->out_width; b++) {
    uint32_t count = columns_of(frame, b).count;
    uint16_t one = between->block_argmax[b];
    uint16_t other = pass->coefficients ? between->block_label[b] : one;
    if (one != WIDE_MIXED && one == other && !pass->confidence) {
      fill_block(frame, band, rows, b * WIDE_LANES, count, one, partial);
    } else {
      decide_block(frame, scratch, band, rows, b, count, partial);
    }
  }
}

static inline int same_rows(const struct lcal__tap *a, const struct lcal__tap *b) {
  return a->at[0] == b->at[0] && a->at[1] == b->at[1];
}

static inline void wide_output(const struct lcal__frame *frame, uint32_t band, uint32_t thread) {
  struct lcal__scratch *scratch = &frame->scratch[thread];
  struct lcal__output_partial *partial = &frame->output_partial[band];
  if (frame->pass.scores) {
    lcal__scalar_output(frame, band, thread);
    return;
  }
  struct lcal__run run = lcal__begin_output(frame, band, scratch);
  uint32_t classes = frame->pass.tensor->classes;
  const lcal_coefficients *coefficients = frame->pass.coefficients;
  struct wide_output_band its = {.bytes = lcal_label_size(classes) == 1,
                                 .protect = coefficients &&
                                            memchr(coefficients->protect, 1, classes) != NULL};
  for (size_t y = run.first; y < run.end;) {
    struct wide_rows rows = {.y = y, .count = 1};
    while (y + rows.count < run.end && same_rows(&frame->rows[y], &frame->rows[y + rows.count])) {
      rows.count++;
    }
    output_rows(frame, scratch, &its, &rows, partial);
    y += rows.count;
  }
}
#endif
