/* The output stage of the scalar tier: bilinear label maps larger than the input. Most output
 * pixels lie in cells whose four corners agree and need nothing more; p and scores of input
 * pixels are made for the others only, once while a row of them is in use. */
#include "core/kernels/scalar.h"

#include <math.h>
#include <string.h>

/* The four input pixels of an output pixel and their weights. */
struct cell {
  size_t y[2], x[2];
  const struct lcal__tap *row, *column;
  uint16_t label[4], argmax[4]; /* (0,0) (0,1) (1,0) (1,1): y, x */
};

static struct lcal__row *row_of(const struct lcal__frame *frame, struct lcal__scratch *scratch,
                                size_t y) {
  struct lcal__row *row = &scratch->rows[y % 2];
  if (row->y != (int64_t)y) {
    row->y = (int64_t)y;
    memset(row->have, 0, frame->pass.tensor->width);
  }
  return row;
}

static void fill_p(const lcal_tensor *tensor, size_t pixel, float *p) {
  if (tensor->type == LCAL_U8) {
    uint8_t v[LCAL_CLASSES_MAX];
    lcal__scalar_read_u8(tensor, pixel, 1, v, 1);
    for (size_t c = 0; c < tensor->classes; c++) {
      p[c] = (float)v[c] / 255.0f;
    }
  } else {
    lcal__scalar_read(tensor, pixel, 1, p, 1);
    if (tensor->kind == LCAL_LOGITS) {
      lcal__scalar_softmax(tensor->classes, 1, p, 1);
    }
  }
}

/* p (C) of an input pixel that is not void, or its scores. */
static const float *pixel_values(const struct lcal__frame *frame, struct lcal__scratch *scratch,
                                 size_t y, size_t x, int scores) {
  const lcal_tensor *tensor = frame->pass.tensor;
  size_t classes = tensor->classes;
  struct lcal__row *row = row_of(frame, scratch, y);
  float *p = row->p + x * classes;
  float *score = row->score + x * classes;
  if (!(row->have[x] & LCAL__HAVE_P)) {
    fill_p(tensor, y * tensor->width + x, p);
    row->have[x] |= LCAL__HAVE_P;
  }
  if (scores && !(row->have[x] & LCAL__HAVE_SCORES)) {
    for (uint32_t k = 0; k < classes; k++) {
      lcal__scalar_score(frame->pass.coefficients, k, p, 1, 1, &score[k]);
    }
    row->have[x] |= LCAL__HAVE_SCORES;
  }
  return scores ? score : p;
}

/* Interpolated p or scores of classes from .. to-1, into out[from ..]. */
static void interpolate(const struct lcal__frame *frame, struct lcal__scratch *scratch,
                        const struct cell *cell, int scores, size_t from, size_t to, float *out) {
  const float *v[4];
  for (size_t i = 0; i < 4; i++) {
    v[i] = pixel_values(frame, scratch, cell->y[i / 2], cell->x[i % 2], scores);
  }
  const float *wx = cell->column->weight;
  const float *wy = cell->row->weight;
  for (size_t k = from; k < to; k++) {
    float top = fmaf(wx[1], v[1][k], wx[0] * v[0][k]);
    float low = fmaf(wx[1], v[3][k], wx[0] * v[2][k]);
    out[k] = fmaf(wy[1], low, wy[0] * top);
  }
}

static uint16_t highest(const float *values, uint32_t classes) {
  uint16_t best = 0;
  for (uint32_t k = 1; k < classes; k++) {
    best = values[k] > values[best] ? (uint16_t)k : best;
  }
  return best;
}

static int all_equal(const uint16_t *corner) {
  return corner[0] == corner[1] && corner[0] == corner[2] && corner[0] == corner[3];
}

static int any_void(const uint16_t *corner) {
  return corner[0] == LCAL__VOID || corner[1] == LCAL__VOID || corner[2] == LCAL__VOID ||
         corner[3] == LCAL__VOID;
}

/* The class of the cell: of its corners where they agree, else of what is interpolated. */
static uint16_t decide(const struct lcal__frame *frame, struct lcal__scratch *scratch,
                       const struct cell *cell, const uint16_t *corner, int scores) {
  uint32_t classes = frame->pass.tensor->classes;
  if (all_equal(corner)) {
    return corner[0];
  }
  interpolate(frame, scratch, cell, scores, 0, classes, scratch->interpolated);
  return highest(scratch->interpolated, classes);
}

static struct cell cell_at(const struct lcal__frame *frame, size_t y, size_t x) {
  struct cell cell = {.row = &frame->rows[y], .column = &frame->columns[x]};
  for (size_t i = 0; i < 2; i++) {
    cell.y[i] = cell.row->at[i];
    cell.x[i] = cell.column->at[i];
  }
  for (size_t i = 0; i < 4; i++) {
    size_t at = cell.y[i / 2] * frame->pass.tensor->width + cell.x[i % 2];
    cell.label[i] = frame->input_label[at];
    cell.argmax[i] = frame->input_argmax[at];
  }
  return cell;
}

static void write_values(const struct lcal__frame *frame, struct lcal__scratch *scratch,
                         const struct cell *cell, size_t at, uint16_t argmax) {
  const lcal_pass *pass = &frame->pass;
  size_t classes = pass->tensor->classes;
  if (pass->confidence) {
    pass->confidence[at] = 0;
    if (argmax != LCAL__VOID) {
      interpolate(frame, scratch, cell, 0, argmax, argmax + 1u, scratch->interpolated);
      pass->confidence[at] = lcal__scalar_confidence(scratch->interpolated[argmax]);
    }
  }
  if (pass->scores) {
    float *score = pass->scores + at * classes;
    if (argmax != LCAL__VOID) {
      interpolate(frame, scratch, cell, pass->coefficients != NULL, 0, classes, score);
    }
    for (size_t k = 0; k < classes && argmax == LCAL__VOID; k++) {
      score[k] = NAN;
    }
  }
}

static void label_pixel(const struct lcal__frame *frame, struct lcal__scratch *scratch, size_t y,
                        size_t x, struct lcal__output_partial *partial) {
  const lcal_pass *pass = &frame->pass;
  uint32_t classes = pass->tensor->classes;
  size_t at = y * pass->out_width + x;
  struct cell cell = cell_at(frame, y, x);
  uint16_t argmax = LCAL__VOID, label = LCAL__VOID;
  if (any_void(cell.argmax)) {
    partial->voids++;
  } else {
    argmax = decide(frame, scratch, &cell, cell.argmax, 0);
    int keeps = !pass->coefficients || pass->coefficients->protect[argmax];
    label = keeps ? argmax : decide(frame, scratch, &cell, cell.label, 1);
    partial->changed += label != argmax;
  }
  lcal__scalar_put_label(pass->calibrated, classes, at, label);
  lcal__scalar_put_label(pass->argmax, classes, at, argmax);
  write_values(frame, scratch, &cell, at, argmax);
}

void lcal__scalar_output(const struct lcal__frame *frame, uint32_t band, uint32_t thread) {
  struct lcal__scratch *scratch = &frame->scratch[thread];
  struct lcal__output_partial *partial = &frame->output_partial[band];
  struct lcal__run run = lcal__begin_output(frame, band, scratch);
  for (size_t y = run.first; y < run.end; y++) {
    for (size_t x = 0; x < frame->pass.out_width; x++) {
      label_pixel(frame, scratch, y, x, partial);
    }
  }
}
