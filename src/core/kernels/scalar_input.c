/* The input stage of the scalar tier: a band, tile by tile, each in plain passes over its
 * class-major copy: read, argmax, validity, labels, statistics. */
#include "core/kernels/scalar.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* What is known of the pixels of one tile. */
struct tile {
  size_t first; /* pixel, in raster order */
  uint32_t count;
  uint32_t argmax[LCAL__TILE];
  float m[LCAL__TILE];
  uint32_t v[LCAL__TILE]; /* m as sent, of u8 */
  uint32_t valid[LCAL__TILE];
  uint32_t counted[LCAL__TILE]; /* valid and not masked out */
  uint16_t label[LCAL__TILE];
};

static void find_argmax(uint32_t classes, struct tile *tile, const float *p) {
  float best[LCAL__TILE];
  for (size_t j = 0; j < tile->count; j++) {
    best[j] = p[j];
    tile->argmax[j] = 0;
  }
  for (uint32_t c = 1; c < classes; c++) {
    const float *row = p + (size_t)c * LCAL__TILE;
    for (size_t j = 0; j < tile->count; j++) {
      int more = row[j] > best[j];
      best[j] = more ? row[j] : best[j];
      tile->argmax[j] = more ? c : tile->argmax[j];
    }
  }
}

static void find_argmax_u8(uint32_t classes, struct tile *tile, const uint8_t *v) {
  for (size_t j = 0; j < tile->count; j++) {
    tile->v[j] = v[j];
    tile->argmax[j] = 0;
  }
  for (uint32_t c = 1; c < classes; c++) {
    const uint8_t *row = v + (size_t)c * LCAL__TILE;
    for (size_t j = 0; j < tile->count; j++) {
      int more = row[j] > tile->v[j];
      tile->v[j] = more ? row[j] : tile->v[j];
      tile->argmax[j] = more ? c : tile->argmax[j];
    }
  }
}

/* valid[j]: all values are finite, and not negative unless they are logits. */
static void check_values(uint32_t classes, struct tile *tile, const float *p, float least) {
  for (size_t j = 0; j < tile->count; j++) {
    tile->valid[j] = 1;
  }
  for (size_t c = 0; c < classes; c++) {
    const float *row = p + c * LCAL__TILE;
    for (size_t j = 0; j < tile->count; j++) {
      tile->valid[j] &= (uint32_t)(row[j] >= least) & (uint32_t)(row[j] <= FLT_MAX);
    }
  }
}

static void check_sums(uint32_t classes, double tau, struct tile *tile, const float *p) {
  double sum[LCAL__TILE] = {0};
  for (size_t c = 0; c < classes; c++) {
    const float *row = p + c * LCAL__TILE;
    for (size_t j = 0; j < tile->count; j++) {
      sum[j] += (double)row[j];
    }
  }
  for (size_t j = 0; j < tile->count; j++) {
    tile->valid[j] &= fabs(sum[j] - 1) <= tau;
  }
}

static void check_sums_u8(uint32_t classes, double tau, struct tile *tile, const uint8_t *v) {
  uint32_t sum[LCAL__TILE] = {0};
  for (size_t c = 0; c < classes; c++) {
    const uint8_t *row = v + c * LCAL__TILE;
    for (size_t j = 0; j < tile->count; j++) {
      sum[j] += row[j];
    }
  }
  for (size_t j = 0; j < tile->count; j++) {
    double off = fabs((double)sum[j] / 255.0 - 1);
    /* The exact sum, rounded C times, is within 1e-12 of this one. */
    if (fabs(off - tau) < 1e-9) {
      off = fabs(lcal__scalar_sum_u8(classes, v, 0, j) - 1);
    }
    tile->valid[j] = off <= tau;
  }
}

static void zero_voids(uint32_t classes, const struct tile *tile, float *p) {
  for (size_t j = 0; j < tile->count; j++) {
    for (size_t c = 0; c < classes && !tile->valid[j]; c++) {
      p[c * LCAL__TILE + j] = 0;
    }
  }
}

/* Reads the tile and finds argmax, m and validity of its pixels. */
static void read_tile(const struct lcal__frame *frame, const struct lcal__scratch *scratch,
                      struct tile *tile) {
  const lcal_tensor *tensor = frame->pass.tensor;
  uint32_t classes = tensor->classes;
  if (tensor->type == LCAL_U8) {
    lcal__scalar_read_u8(tensor, tile->first, tile->count, scratch->v, LCAL__TILE);
    find_argmax_u8(classes, tile, scratch->v);
    check_sums_u8(classes, frame->tau, tile, scratch->v);
    for (size_t j = 0; j < tile->count; j++) {
      tile->m[j] = (float)tile->v[j] / 255.0f;
    }
  } else {
    float *p = scratch->p;
    lcal__scalar_read(tensor, tile->first, tile->count, p, LCAL__TILE);
    find_argmax(classes, tile, p);
    if (tensor->kind == LCAL_LOGITS) {
      check_values(classes, tile, p, -FLT_MAX);
      zero_voids(classes, tile, p);
      lcal__scalar_softmax(classes, tile->count, p, LCAL__TILE);
    } else {
      check_values(classes, tile, p, 0);
      check_sums(classes, frame->tau, tile, p);
    }
    zero_voids(classes, tile, p);
    for (size_t j = 0; j < tile->count; j++) {
      tile->m[j] = p[tile->argmax[j] * LCAL__TILE + j];
    }
  }
  for (size_t j = 0; j < tile->count; j++) {
    tile->counted[j] =
        tile->valid[j] && (!frame->pass.mask || frame->pass.mask[tile->first + j] != 0);
  }
}

/* p of the listed pixels side by side, as score() takes them. */
static void gather(uint32_t classes, const struct lcal__scratch *scratch, lcal_type type,
                   const uint32_t *list, uint32_t count) {
  for (size_t c = 0; c < classes; c++) {
    float *to = scratch->gathered + c * LCAL__TILE;
    const float *p = scratch->p + c * LCAL__TILE;
    const uint8_t *v = scratch->v + c * LCAL__TILE;
    for (size_t n = 0; n < count; n++) {
      to[n] = type == LCAL_U8 ? (float)v[list[n]] / 255.0f : p[list[n]];
    }
  }
}

/* best[n]: the class with the highest score of the n-th listed pixel. Scores go to the map. */
static void score_listed(const struct lcal__frame *frame, const struct lcal__scratch *scratch,
                         const struct tile *tile, const uint32_t *list, uint32_t count,
                         uint16_t *best) {
  const lcal_coefficients *coefficients = frame->pass.coefficients;
  uint32_t classes = coefficients->classes;
  float score[LCAL__TILE], highest[LCAL__TILE];
  float *map = frame->upsampling ? NULL : frame->pass.scores;
  gather(classes, scratch, frame->pass.tensor->type, list, count);
  for (uint32_t k = 0; k < classes; k++) {
    lcal__scalar_score(coefficients, k, scratch->gathered, LCAL__TILE, count, score);
    for (size_t n = 0; n < count; n++) {
      int more = k == 0 || score[n] > highest[n];
      highest[n] = more ? score[n] : highest[n];
      best[n] = more ? (uint16_t)k : best[n];
      if (map) {
        map[(tile->first + list[n]) * classes + k] = score[n];
      }
    }
  }
}

/* Labels of the valid pixels by the rule; how many are certified. */
static uint64_t label_by_rule(const struct lcal__frame *frame, const struct lcal__scratch *scratch,
                              struct tile *tile) {
  const lcal_coefficients *coefficients = frame->pass.coefficients;
  uint32_t list[LCAL__TILE], count = 0;
  uint16_t best[LCAL__TILE] = {0};
  uint64_t certified = 0;
  int score_all = !frame->upsampling && frame->pass.scores;
  for (uint32_t j = 0; j < tile->count; j++) {
    uint32_t c = tile->argmax[j];
    if (!tile->valid[j]) {
      continue;
    }
    int sure = tile->m[j] >= frame->threshold[c];
    int kept = coefficients->protect[c] || (sure && frame->certify);
    certified += (uint64_t)sure;
    tile->label[j] = kept ? (uint16_t)c : LCAL__VOID; /* until the scores say */
    if (!kept || score_all) {
      list[count++] = j;
    }
  }
  if (count > 0) {
    score_listed(frame, scratch, tile, list, count, best);
  }
  for (uint32_t n = 0; n < count; n++) {
    if (tile->label[list[n]] == LCAL__VOID) {
      tile->label[list[n]] = best[n];
    }
  }
  return certified;
}

static void label_tile(const struct lcal__frame *frame, const struct lcal__scratch *scratch,
                       struct tile *tile, struct lcal__partial *partial) {
  for (size_t j = 0; j < tile->count; j++) {
    tile->label[j] = tile->valid[j] ? (uint16_t)tile->argmax[j] : LCAL__VOID;
  }
  if (frame->pass.coefficients) {
    partial->certified += label_by_rule(frame, scratch, tile);
  }
  for (size_t j = 0; j < tile->count; j++) {
    partial->voids += !tile->valid[j];
    partial->changed += tile->valid[j] && tile->label[j] != tile->argmax[j];
  }
}

/* Where no rule is applied the scores are p; void pixels have none. */
static void write_plain_scores(const struct lcal__frame *frame, const struct lcal__scratch *scratch,
                               const struct tile *tile) {
  const lcal_tensor *tensor = frame->pass.tensor;
  size_t classes = tensor->classes;
  for (size_t j = 0; j < tile->count; j++) {
    float *score = frame->pass.scores + (tile->first + j) * classes;
    for (size_t c = 0; c < classes; c++) {
      size_t at = c * LCAL__TILE + j;
      if (!tile->valid[j]) {
        score[c] = NAN;
      } else if (!frame->pass.coefficients) {
        score[c] = tensor->type == LCAL_U8 ? (float)scratch->v[at] / 255.0f : scratch->p[at];
      }
    }
  }
}

static void write_maps(const struct lcal__frame *frame, const struct lcal__scratch *scratch,
                       const struct tile *tile) {
  const lcal_pass *pass = &frame->pass;
  uint32_t classes = pass->tensor->classes;
  for (size_t j = 0; j < tile->count; j++) {
    size_t at = tile->first + j;
    uint16_t argmax = tile->valid[j] ? (uint16_t)tile->argmax[j] : LCAL__VOID;
    if (frame->upsampling) {
      frame->input_label[at] = tile->label[j];
      frame->input_argmax[at] = argmax;
      continue;
    }
    lcal__scalar_put_label(pass->calibrated, classes, at, tile->label[j]);
    lcal__scalar_put_label(pass->argmax, classes, at, argmax);
    if (pass->confidence) {
      pass->confidence[at] = tile->valid[j] ? lcal__scalar_confidence(tile->m[j]) : 0;
    }
  }
  if (pass->scores && !frame->upsampling) {
    write_plain_scores(frame, scratch, tile);
  }
}

/* The sum of the lanes, by halves. */
static double fold(float *lane) {
  for (size_t half = LCAL__LANES / 2; half > 0; half /= 2) {
    for (size_t l = 0; l < half; l++) {
      lane[l] += lane[l + half];
    }
  }
  return (double)lane[0];
}

static void add_confidence(const struct tile *tile, lcal_type type, struct lcal__partial *partial) {
  float lane[LCAL__LANES] = {0};
  for (size_t j = 0; j < tile->count; j++) {
    if (tile->valid[j] && type == LCAL_U8) {
      partial->confidence += tile->v[j]; /* an exact integer */
    } else if (tile->valid[j]) {
      lane[j % LCAL__LANES] += tile->m[j];
    }
  }
  partial->confidence += fold(lane);
}

/* m p and m of the listed pixels, which have class c, into S[c] and w[c]. */
static void add_class(uint32_t classes, const float *p, const struct tile *tile, uint32_t c,
                      const uint32_t *list, uint32_t count, struct lcal__partial *partial) {
  double *sum = partial->sum + (size_t)c * classes;
  float lane[LCAL__LANES] = {0};
  for (size_t n = 0; n < count; n++) {
    lane[list[n] % LCAL__LANES] += tile->m[list[n]];
  }
  partial->weight[c] += fold(lane);
  for (size_t i = 0; i < classes; i++) {
    const float *row = p + i * LCAL__TILE;
    memset(lane, 0, sizeof lane);
    for (size_t n = 0; n < count; n++) {
      float *at = &lane[list[n] % LCAL__LANES];
      *at = fmaf(tile->m[list[n]], row[list[n]], *at);
    }
    sum[i] += fold(lane);
  }
}

static void add_class_u8(uint32_t classes, const uint8_t *v, const struct tile *tile, uint32_t c,
                         const uint32_t *list, uint32_t count, struct lcal__partial *partial) {
  double *sum = partial->sum + (size_t)c * classes;
  uint32_t total = 0;
  for (size_t n = 0; n < count; n++) {
    total += tile->v[list[n]];
  }
  partial->weight[c] += (double)total;
  for (size_t i = 0; i < classes; i++) {
    const uint8_t *row = v + i * LCAL__TILE;
    total = 0; /* at most 128 * 255 * 255 */
    for (size_t n = 0; n < count; n++) {
      total += tile->v[list[n]] * row[list[n]];
    }
    sum[i] += (double)total;
  }
}

/* The statistics of the tile, class by class of those that are in it. */
static void add_statistics(uint32_t classes, const struct lcal__scratch *scratch, lcal_type type,
                           struct tile *tile, struct lcal__partial *partial) {
  for (uint32_t first = 0; first < tile->count; first++) {
    if (!tile->counted[first]) {
      continue;
    }
    uint32_t c = tile->argmax[first];
    uint32_t list[LCAL__TILE], count = 0;
    for (uint32_t j = first; j < tile->count; j++) {
      if (tile->counted[j] && tile->argmax[j] == c) {
        list[count++] = j;
        tile->counted[j] = 0;
      }
    }
    lcal__count_class(partial, classes, c, count);
    if (type == LCAL_U8) {
      add_class_u8(classes, scratch->v, tile, c, list, count, partial);
    } else {
      add_class(classes, scratch->p, tile, c, list, count, partial);
    }
  }
}

void lcal__scalar_input(const struct lcal__frame *frame, uint32_t band, uint32_t thread) {
  const lcal_tensor *tensor = frame->pass.tensor;
  const struct lcal__scratch *scratch = &frame->scratch[thread];
  struct lcal__partial *partial = &frame->partial[band];
  struct lcal__run run = lcal__begin_input(frame, band);
  size_t pixel = run.first;
  while (pixel < run.end) {
    struct tile tile;
    tile.first = pixel;
    tile.count = run.end - pixel < LCAL__TILE ? (uint32_t)(run.end - pixel) : LCAL__TILE;
    read_tile(frame, scratch, &tile);
    label_tile(frame, scratch, &tile, partial);
    write_maps(frame, scratch, &tile);
    add_confidence(&tile, tensor->type, partial);
    if (frame->pass.want_statistics) {
      add_statistics(tensor->classes, scratch, tensor->type, &tile, partial);
    }
    pixel += tile.count;
  }
}
