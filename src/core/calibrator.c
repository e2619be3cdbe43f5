/* A frame in hand: its checks, its bands, the memory they work in, and the sum of what they gave.
 * The work itself is the kernels'. */
#include "core/kernels/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 64u /* of every array: a cache line, and the widest vectors */

/* A band has at least so many pixels, and there are at most so many bands. */
#define BAND_PIXELS        16384u
#define BANDS_MAX          64u
/* Of the output more: each of its bands makes p and scores of its input rows anew. */
#define OUTPUT_BAND_PIXELS 131072u

struct lcal_calibrator {
  const struct lcal__kernels *kernels;
  uint32_t threads;
  struct lcal__frame frame;
  lcal_tensor tensor; /* of the frame in hand */
  lcal_result result;
  lcal_statistics *statistics; /* of the frame; NULL until wanted, or of another C */
  void *memory;                /* everything below struct lcal__frame points into */
  size_t capacity;
};

lcal_status lcal_calibrator_create(lcal_calibrator **calibrator, uint32_t threads,
                                   lcal_error *error) {
  if (threads == 0) {
    return lcal_error_set(error, LCAL_ARGUMENT, "calibrator: 0 threads; at least 1 is needed");
  }
  lcal_calibrator *made = calloc(1, sizeof *made);
  if (!made) {
    return lcal_error_set(error, LCAL_MEMORY, "calibrator: no memory");
  }
  made->kernels = lcal__kernels();
  made->threads = threads;
  *calibrator = made;
  return LCAL_OK;
}

void lcal_calibrator_destroy(lcal_calibrator *calibrator) {
  if (calibrator) {
    lcal_statistics_destroy(calibrator->statistics);
    free(calibrator->memory);
    free(calibrator);
  }
}

static lcal_status check_tensor(const lcal_tensor *tensor, lcal_error *error) {
  if (!tensor || !tensor->data) {
    return lcal_error_set(error, LCAL_ARGUMENT, "pass: no tensor, or one without data");
  }
  if ((unsigned)tensor->layout >= LCAL_LAYOUT_COUNT || (unsigned)tensor->type >= LCAL_TYPE_COUNT ||
      (unsigned)tensor->kind >= LCAL_KIND_COUNT || tensor->classes < LCAL_CLASSES_MIN ||
      tensor->classes > LCAL_CLASSES_MAX || tensor->height == 0 || tensor->width == 0 ||
      (tensor->type == LCAL_U8 && tensor->kind == LCAL_LOGITS)) {
    return lcal_error_set(error, LCAL_BAD_TENSOR,
                          "tensor: %u classes, %u x %u pixels, %s %s; make it by lcal_tensor_init",
                          tensor->classes, tensor->height, tensor->width,
                          lcal_type_word(tensor->type), lcal_kind_word(tensor->kind));
  }
  uint64_t pixels = (uint64_t)tensor->height * tensor->width;
  if (pixels > UINT32_MAX) { /* keeps the integer sums of u8 exact, and every size in range */
    return lcal_error_set(error, LCAL_TOO_LARGE, "tensor: %u x %u pixels; 2^32-1 are possible",
                          tensor->height, tensor->width);
  }
  if (tensor->stride < (tensor->layout == LCAL_CHW ? pixels : tensor->classes)) {
    return lcal_error_set(error, LCAL_BAD_TENSOR,
                          "tensor.stride: %zu values, less than a class plane or pixel has",
                          tensor->stride);
  }
  return LCAL_OK;
}

static lcal_status check_pass(const lcal_pass *pass, lcal_error *error) {
  lcal_status status = check_tensor(pass->tensor, error);
  if (status) {
    return status;
  }
  const lcal_tensor *tensor = pass->tensor;
  const lcal_coefficients *coefficients = pass->coefficients;
  if (coefficients && coefficients->classes != tensor->classes) {
    return lcal_error_set(error, LCAL_WRONG_CLASSES,
                          "tensor: %u classes, but the coefficients have %u", tensor->classes,
                          coefficients->classes);
  }
  if (coefficients && !coefficients->rule) {
    return lcal_error_set(error, LCAL_ARGUMENT, "pass: coefficients that were never built");
  }
  if (!(pass->sum_tolerance >= 0) || isinf(pass->sum_tolerance)) {
    return lcal_error_set(error, LCAL_BAD_FIELD,
                          "sum_tolerance: %g; a finite number, 0 or more, is needed",
                          pass->sum_tolerance);
  }
  if (pass->out_height == 0 && pass->out_width == 0) {
    return LCAL_OK;
  }
  if (pass->out_height < tensor->height || pass->out_width < tensor->width) {
    return lcal_error_set(error, LCAL_BAD_FIELD,
                          "out_shape: [%u, %u] is smaller than the tensor's [%u, %u]",
                          pass->out_height, pass->out_width, tensor->height, tensor->width);
  }
  if (pass->out_height > LCAL_SIDE_MAX || pass->out_width > LCAL_SIDE_MAX) {
    return lcal_error_set(error, LCAL_TOO_LARGE, "out_shape: [%u, %u]; sides of 8192 are possible",
                          pass->out_height, pass->out_width);
  }
  return LCAL_OK;
}

static uint32_t divide_up(uint32_t n, uint32_t by) {
  return n / by + (n % by != 0);
}

static uint32_t rows_per_band(uint32_t pixels, uint32_t height, uint32_t width) {
  uint32_t enough = divide_up(pixels, width);
  uint32_t few = divide_up(height, BANDS_MAX);
  return enough > few ? enough : few;
}

/* By how much two values have to lie apart so that their interpolations do: of what is at most M,
 * each has two roundings, so they are off by less than 2^-22 M together. 2^-20 M is taken; M is
 * 1 + tau for p, and four times the slack of the scores is no less. */
static void find_margins(struct lcal__frame *frame) {
  const lcal_coefficients *coefficients = frame->pass.coefficients;
  frame->margin[0] = (float)(0x1p-20 * (1 + frame->tau));
  if (coefficients) {
    frame->margin[1] = (float)(4 * lcal_slack(coefficients->classes, coefficients->a,
                                              coefficients->b, frame->tau));
  }
}

/* Everything of the frame that depends on no memory. */
static void plan(lcal_calibrator *calibrator, const lcal_pass *pass) {
  struct lcal__frame *frame = &calibrator->frame;
  calibrator->tensor = *pass->tensor;
  const lcal_tensor *tensor = &calibrator->tensor;
  memset(frame, 0, sizeof *frame);
  frame->pass = *pass;
  frame->pass.tensor = tensor;
  if (pass->out_height == 0) {
    frame->pass.out_height = tensor->height;
    frame->pass.out_width = tensor->width;
  }
  frame->upsampling =
      frame->pass.out_height != tensor->height || frame->pass.out_width != tensor->width;
  frame->tau = lcal_tolerance(tensor->type, tensor->kind, tensor->classes, pass->sum_tolerance);
  if (pass->coefficients) {
    lcal_type type = tensor->kind == LCAL_LOGITS ? LCAL_F32 : tensor->type;
    frame->threshold = pass->coefficients->threshold[type];
    /* Thresholds solved for less tolerance than this frame has prove nothing about it. */
    frame->certify = pass->certify && frame->tau <= pass->coefficients->tolerance[type];
  }
  frame->rows_per_band[0] = rows_per_band(BAND_PIXELS, tensor->height, tensor->width);
  frame->bands[0] = divide_up(tensor->height, frame->rows_per_band[0]);
  if (frame->upsampling) {
    frame->rows_per_band[1] =
        rows_per_band(OUTPUT_BAND_PIXELS, frame->pass.out_height, frame->pass.out_width);
    frame->bands[1] = divide_up(frame->pass.out_height, frame->rows_per_band[1]);
    find_margins(frame);
  }
}

/* Arrays laid one after the other from `base`; with NULL they are only measured. */
struct arena {
  unsigned char *base;
  size_t bytes;
  int overflow;
};

static void *take(struct arena *arena, size_t count, size_t size) {
  size_t bytes, end;
  if (__builtin_mul_overflow(count, size, &bytes) ||
      __builtin_add_overflow(bytes, ALIGNMENT - 1, &bytes) ||
      __builtin_add_overflow(arena->bytes, bytes - bytes % ALIGNMENT, &end)) {
    arena->overflow = 1;
    return NULL;
  }
  void *array = arena->base ? arena->base + arena->bytes : NULL;
  arena->bytes = end;
  return array;
}

static void lay_out_partials(struct lcal__frame *frame, struct arena *arena) {
  size_t classes = frame->pass.tensor->classes;
  size_t bands = frame->bands[0];
  size_t rows = frame->pass.want_statistics ? bands * classes : 0;
  frame->partial = take(arena, bands, sizeof *frame->partial);
  frame->output_partial = take(arena, frame->bands[1], sizeof *frame->output_partial);
  double *sum = take(arena, rows * classes, sizeof *sum);
  double *weight = take(arena, rows, sizeof *weight);
  uint64_t *count = take(arena, bands * classes, sizeof *count);
  for (size_t band = 0; arena->base && band < bands; band++) {
    struct lcal__partial *partial = &frame->partial[band];
    partial->sum = sum + (rows ? band * classes * classes : 0);
    partial->weight = weight + (rows ? band * classes : 0);
    partial->count = count + band * classes;
  }
}

static void lay_out_scratch(struct lcal__frame *frame, uint32_t threads, struct arena *arena) {
  size_t classes = frame->pass.tensor->classes;
  size_t width = frame->upsampling ? lcal__padded(frame->pass.tensor->width) : 0;
  size_t out_width = frame->upsampling ? lcal__padded(frame->pass.out_width) : 0;
  struct lcal__scratch *all = take(arena, threads, sizeof *all);
  frame->scratch = all;
  for (uint32_t thread = 0; thread < threads; thread++) {
    struct lcal__scratch scratch = {.between = {.row = {-1, -1}}};
    scratch.p = take(arena, classes * LCAL__TILE, sizeof *scratch.p);
    scratch.v = take(arena, classes * LCAL__TILE, sizeof *scratch.v);
    scratch.lanes = take(arena, classes <= LCAL__FEW ? classes * classes * LCAL__LANES : 0,
                         sizeof *scratch.lanes);
    scratch.held = take(arena, classes * LCAL__TILE, sizeof *scratch.held);
    scratch.gathered = take(arena, classes * (LCAL__TILE + LCAL__LANES), sizeof *scratch.gathered);
    scratch.interpolated = take(arena, classes, sizeof *scratch.interpolated);
    for (int i = 0; i < 2; i++) {
      struct lcal__row *row = &scratch.rows[i];
      row->y = -1;
      row->have = take(arena, width, sizeof *row->have);
      row->p = take(arena, width * classes, sizeof *row->p);
      row->score = take(arena, width * classes, sizeof *row->score);
      row->across_have = take(arena, out_width, sizeof *row->across_have);
      row->across_p = take(arena, out_width * classes, sizeof *row->across_p);
      row->across_score = take(arena, out_width * classes, sizeof *row->across_score);
    }
    scratch.between.label = take(arena, out_width, sizeof *scratch.between.label);
    scratch.between.argmax = take(arena, out_width, sizeof *scratch.between.argmax);
    scratch.between.block_label = take(arena, out_width, sizeof *scratch.between.block_label);
    scratch.between.block_argmax = take(arena, out_width, sizeof *scratch.between.block_argmax);
    for (int i = 0; i < 2; i++) {
      scratch.between.rivals[i] = take(arena, classes + 1, sizeof *scratch.between.rivals[i]);
    }
    if (all) {
      all[thread] = scratch;
    }
  }
}

static void lay_out(lcal_calibrator *calibrator, struct arena *arena) {
  struct lcal__frame *frame = &calibrator->frame;
  const lcal_tensor *tensor = frame->pass.tensor;
  size_t pixels = frame->upsampling ? (size_t)tensor->height * tensor->width : 0;
  lay_out_partials(frame, arena);
  lay_out_scratch(frame, calibrator->threads, arena);
  frame->input_label = take(arena, pixels, sizeof *frame->input_label);
  frame->input_argmax = take(arena, pixels, sizeof *frame->input_argmax);
  size_t sides = frame->upsampling ? 1 : 0;
  frame->rows = take(arena, sides * frame->pass.out_height, sizeof *frame->rows);
  frame->columns = take(arena, sides * frame->pass.out_width, sizeof *frame->columns);
  for (int i = 0; i < 2; i++) {
    size_t columns = sides * lcal__padded(frame->pass.out_width);
    frame->column_at[i] = take(arena, columns, sizeof *frame->column_at[i]);
    frame->column_weight[i] = take(arena, columns, sizeof *frame->column_weight[i]);
  }
}

/* The two input pixels of each of n_out output pixels of a side: half-pixel centres, clamped. A
 * second pixel of weight 0 is the first one again, so that it never matters. */
static void make_taps(struct lcal__tap *taps, uint32_t n_in, uint32_t n_out) {
  int64_t whole = 2 * (int64_t)n_out;
  for (uint32_t o = 0; o < n_out; o++) {
    int64_t numerator = (2 * (int64_t)o + 1) * n_in - n_out;
    int64_t first = numerator < 0 ? -1 : numerator / whole; /* floor: it is above -whole */
    int64_t rest = numerator - first * whole;
    int64_t second = rest == 0 ? first : first + 1;
    taps[o].at[0] = (uint32_t)(first < 0 ? 0 : first);
    taps[o].at[1] = (uint32_t)(second < n_in ? second : n_in - 1);
    taps[o].weight[1] = (float)((double)rest / (double)whole);
    taps[o].weight[0] = 1.0f - taps[o].weight[1];
  }
}

/* The columns' taps for the wide tiers; beyond the last one it is there again. */
static void spread_columns(struct lcal__frame *frame) {
  size_t width = frame->pass.out_width;
  for (size_t x = 0; x < lcal__padded(width); x++) {
    const struct lcal__tap *tap = &frame->columns[x < width ? x : width - 1];
    size_t block = x - x % LCAL__LANES;
    const struct lcal__tap *first = &frame->columns[block < width ? block : width - 1];
    for (int i = 0; i < 2; i++) {
      frame->column_at[i][x] = tap->at[i] - first->at[0];
      frame->column_weight[i][x] = tap->weight[i];
    }
  }
}

static lcal_status ensure_memory(lcal_calibrator *calibrator, lcal_error *error) {
  struct arena arena = {0};
  lay_out(calibrator, &arena);
  if (arena.overflow) {
    return lcal_error_set(error, LCAL_TOO_LARGE, "frame: its scratch does not fit in memory");
  }
  if (arena.bytes > calibrator->capacity) {
    free(calibrator->memory);
    calibrator->capacity = 0;
    calibrator->memory = aligned_alloc(ALIGNMENT, arena.bytes);
    if (!calibrator->memory) {
      return lcal_error_set(error, LCAL_MEMORY, "frame: no memory for %zu bytes of scratch",
                            arena.bytes);
    }
    calibrator->capacity = arena.bytes;
  }
  arena = (struct arena){.base = calibrator->memory};
  lay_out(calibrator, &arena);
  uint32_t classes = calibrator->tensor.classes;
  if (!calibrator->frame.pass.want_statistics ||
      (calibrator->statistics && calibrator->statistics->classes == classes)) {
    return LCAL_OK;
  }
  lcal_statistics_destroy(calibrator->statistics);
  calibrator->statistics = NULL;
  return lcal_statistics_create(&calibrator->statistics, classes, error);
}

lcal_status lcal_calibrator_begin(lcal_calibrator *calibrator, const lcal_pass *pass,
                                  lcal_error *error) {
  lcal_status status = check_pass(pass, error);
  if (status) {
    return status;
  }
  plan(calibrator, pass);
  status = ensure_memory(calibrator, error);
  if (status) {
    return status;
  }
  struct lcal__frame *frame = &calibrator->frame;
  if (frame->upsampling) {
    make_taps(frame->rows, calibrator->tensor.height, frame->pass.out_height);
    make_taps(frame->columns, calibrator->tensor.width, frame->pass.out_width);
    spread_columns(frame);
  }
  return LCAL_OK;
}

uint32_t lcal_calibrator_stages(const lcal_calibrator *calibrator) {
  return calibrator->frame.upsampling ? 2 : 1;
}

uint32_t lcal_calibrator_bands(const lcal_calibrator *calibrator, uint32_t stage) {
  return stage < 2 ? calibrator->frame.bands[stage] : 0;
}

void lcal_calibrator_band(lcal_calibrator *calibrator, uint32_t stage, uint32_t band,
                          uint32_t thread) {
  if (stage == 0) {
    calibrator->kernels->input(&calibrator->frame, band, thread);
  } else {
    calibrator->kernels->output(&calibrator->frame, band, thread);
  }
}

/* One band's statistics, added to the frame's. */
static void add_partial(lcal_statistics *statistics, const struct lcal__partial *partial) {
  size_t classes = statistics->classes;
  for (size_t c = 0; c < classes; c++) {
    if (partial->count[c] == 0) {
      continue;
    }
    double *sum = statistics->sum + c * classes;
    const double *more = partial->sum + c * classes;
    for (size_t i = 0; i < classes; i++) {
      sum[i] += more[i];
    }
    statistics->weight[c] += partial->weight[c];
    statistics->count[c] += partial->count[c];
    statistics->pixels += partial->count[c];
  }
}

/* From sums of the integers of a u8 tensor to sums of p. */
static void scale_u8(lcal_statistics *statistics) {
  size_t classes = statistics->classes;
  for (size_t i = 0; i < classes * classes; i++) {
    statistics->sum[i] /= 65025.0;
  }
  for (size_t c = 0; c < classes; c++) {
    statistics->weight[c] /= 255.0;
  }
}

static void sum_statistics(lcal_calibrator *calibrator) {
  lcal_statistics_clear(calibrator->statistics);
  for (uint32_t band = 0; band < calibrator->frame.bands[0]; band++) {
    add_partial(calibrator->statistics, &calibrator->frame.partial[band]);
  }
  if (calibrator->tensor.type == LCAL_U8) {
    scale_u8(calibrator->statistics);
  }
  calibrator->statistics->frames = 1;
  calibrator->result.statistics = calibrator->statistics;
}

const lcal_result *lcal_calibrator_end(lcal_calibrator *calibrator) {
  const struct lcal__frame *frame = &calibrator->frame;
  lcal_result *result = &calibrator->result;
  *result =
      (lcal_result){.pixels = (uint64_t)frame->pass.out_height * frame->pass.out_width,
                    .input_pixels = (uint64_t)calibrator->tensor.height * calibrator->tensor.width};
  for (uint32_t band = 0; band < frame->bands[0]; band++) {
    const struct lcal__partial *partial = &frame->partial[band];
    result->input_voids += partial->voids;
    result->input_changed += partial->changed;
    result->certified += partial->certified;
    result->input_confidence += partial->confidence;
  }
  if (calibrator->tensor.type == LCAL_U8) {
    result->input_confidence /= 255.0;
  }
  if (frame->upsampling) {
    for (uint32_t band = 0; band < frame->bands[1]; band++) {
      result->voids += frame->output_partial[band].voids;
      result->changed += frame->output_partial[band].changed;
    }
  } else {
    result->voids = result->input_voids;
    result->changed = result->input_changed;
  }
  if (frame->pass.want_statistics) {
    sum_statistics(calibrator);
  }
  return result;
}

lcal_status lcal_calibrate(lcal_calibrator *calibrator, const lcal_pass *pass, lcal_result *result,
                           lcal_error *error) {
  lcal_status status = lcal_calibrator_begin(calibrator, pass, error);
  if (status) {
    return status;
  }
  for (uint32_t stage = 0; stage < lcal_calibrator_stages(calibrator); stage++) {
    for (uint32_t band = 0; band < lcal_calibrator_bands(calibrator, stage); band++) {
      lcal_calibrator_band(calibrator, stage, band, 0);
    }
  }
  *result = *lcal_calibrator_end(calibrator);
  return LCAL_OK;
}
