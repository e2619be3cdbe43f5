#include "cli/bench_data.h"

#include "cli/ask.h"
#include "cli/bench_split.h"
#include "scene/random.h"

#include <labelcal/calibrator.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE  ((size_t)2 << 20)
#define REGION     32u   /* sides of what one subclass is drawn for, pixels */
#define LEAST      1e-6f /* a logit is the logarithm of a probability, of this at least */
#define MIN_WEIGHT 1e-9

/* ---- memory */

static size_t whole_pages(size_t bytes) {
  return (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

lcal_status bench_pages_take(void **pages, size_t bytes, lcal_error *error) {
  size_t size = whole_pages(bytes);
  char *memory =
      mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return lcal_error_set(error, LCAL_MEMORY,
                          "no memory for a tensor of %zu bytes; name smaller cases (--case)",
                          bytes);
  }
  size_t before = (HUGE_PAGE - (uintptr_t)memory % HUGE_PAGE) % HUGE_PAGE;
  if (before > 0) {
    munmap(memory, before);
  }
  if (before < HUGE_PAGE) {
    munmap(memory + before + size, HUGE_PAGE - before);
  }
  *pages = memory + before;
  madvise(*pages, size, MADV_HUGEPAGE); /* where there are none, small ones do */
  memset(*pages, 1, size);
  return LCAL_OK;
}

void bench_pages_give(void *pages, size_t bytes) {
  if (pages) {
    munmap(pages, whole_pages(bytes));
  }
}

/* ---- pixels */

static void put(void *memory, size_t index, lcal_type type, float value) {
  switch (type) {
  case LCAL_U8:
    ((uint8_t *)memory)[index] = (uint8_t)(255.0f * value + 0.5f);
    break;
  case LCAL_F16:
    ((uint16_t *)memory)[index] = lcal_f32_to_f16(value);
    break;
  case LCAL_BF16:
    ((uint16_t *)memory)[index] = lcal_f32_to_bf16(value);
    break;
  default:
    ((float *)memory)[index] = value;
    break;
  }
}

/* A rectangle of a frame, and where it goes to. */
typedef struct patch {
  uint32_t frame;          /* its number, for what is drawn */
  uint32_t from_y, from_x; /* its corner in the frame */
  uint32_t to_y, to_x;     /* and in the tensor */
  uint32_t height, width;
} patch;

static void lay_pixel(const bench_frames *frames, const bench_case *bench, void *memory,
                      const patch *part, uint32_t y, uint32_t x) {
  uint32_t at_y = part->from_y + y;
  uint32_t at_x = part->from_x + x;
  size_t from = (size_t)at_y * frames->width + at_x;
  size_t to = (size_t)(part->to_y + y) * bench->width + part->to_x + x;
  size_t pixels = (size_t)bench->height * bench->width;
  const float *p = frames->p + from * frames->classes;
  float finer[LCAL_CLASSES_MAX];
  if (bench->classes > frames->classes) {
    uint32_t region = scene_hash(part->frame, at_y / REGION, at_x / REGION);
    bench_split(finer, bench->classes, p, frames->classes, region,
                scene_hash(part->frame, at_y, at_x));
    p = finer;
  }
  for (uint32_t k = 0; k < bench->classes; k++) {
    float value = bench->kind == LCAL_LOGITS ? logf(p[k] > LEAST ? p[k] : LEAST) : p[k];
    put(memory, bench->layout == LCAL_CHW ? k * pixels + to : to * bench->classes + k, bench->type,
        value);
  }
}

static void lay(const bench_frames *frames, const bench_case *bench, void *memory,
                const patch *part) {
  for (uint32_t y = 0; y < part->height; y++) {
    for (uint32_t x = 0; x < part->width; x++) {
      lay_pixel(frames, bench, memory, part, y, x);
    }
  }
}

/* Where part `i` of `count` equal ones of `length` begins. */
static uint32_t cut(uint32_t length, uint32_t i, uint32_t count) {
  return (uint32_t)((uint64_t)length * i / count);
}

static lcal_status view(const bench_case *bench, const void *memory, lcal_tensor *tensor,
                        lcal_error *error) {
  const uint32_t chw[3] = {bench->classes, bench->height, bench->width};
  const uint32_t hwc[3] = {bench->height, bench->width, bench->classes};
  return lcal_tensor_init(tensor, bench->layout == LCAL_CHW ? chw : hwc, bench->layout, bench->type,
                          bench->kind, memory, bench_case_bytes(bench), error);
}

lcal_status bench_data_fill(bench_frames *frames, const bench_case *bench, void *memory,
                            lcal_tensor *tensor, lcal_error *error) {
  uint32_t rows = (bench->height + frames->height - 1) / frames->height;
  uint32_t columns = (bench->width + frames->width - 1) / frames->width;
  for (uint32_t i = 0; i < rows * columns; i++) {
    lcal_status status = bench_frames_load(frames, i, error);
    if (status != LCAL_OK) {
      return status;
    }
    patch part = {.frame = frames->adapted + i,
                  .to_y = cut(bench->height, i / columns, rows),
                  .to_x = cut(bench->width, i % columns, columns)};
    part.height = cut(bench->height, i / columns + 1, rows) - part.to_y;
    part.width = cut(bench->width, i % columns + 1, columns) - part.to_x;
    part.from_y = (frames->height - part.height) / 2;
    part.from_x = (frames->width - part.width) / 2;
    lay(frames, bench, memory, &part);
  }
  return view(bench, memory, tensor, error);
}

/* ---- prototypes */

/* Adds the statistics of the adapted frames; `memory` holds one of them. */
static lcal_status add_frames(bench_frames *frames, const bench_case *whole, void *memory,
                              lcal_calibrator *calibrator, lcal_statistics *statistics,
                              lcal_error *error) {
  lcal_status status = LCAL_OK;
  for (uint32_t i = 0; i < frames->adapted && status == LCAL_OK; i++) {
    lcal_pass pass = {.sum_tolerance = BENCH_TOLERANCE, .want_statistics = 1};
    lcal_tensor tensor;
    lcal_result result;
    patch all = {.frame = i, .height = whole->height, .width = whole->width};
    status = bench_frames_load_adapted(frames, i, error);
    if (status != LCAL_OK) {
      break;
    }
    lay(frames, whole, memory, &all);
    status = view(whole, memory, &tensor, error);
    pass.tensor = &tensor;
    if (status == LCAL_OK) {
      status = lcal_calibrate(calibrator, &pass, &result, error);
    }
    if (status == LCAL_OK) {
      lcal_statistics_add(statistics, result.statistics, 1.0);
    }
  }
  return status;
}

lcal_status bench_data_adapt(bench_frames *frames, uint32_t classes,
                             lcal_coefficients **coefficients, lcal_error *error) {
  const bench_case whole = {.classes = classes,
                            .height = frames->height,
                            .width = frames->width,
                            .type = LCAL_F32,
                            .layout = LCAL_CHW,
                            .kind = LCAL_PROBABILITIES};
  lcal_statistics *statistics = NULL;
  lcal_calibrator *calibrator = NULL;
  void *memory = need(malloc(bench_case_bytes(&whole)));
  lcal_status status = lcal_statistics_create(&statistics, classes, error);
  if (status == LCAL_OK) {
    status = lcal_calibrator_create(&calibrator, 1, error);
  }
  if (status == LCAL_OK) {
    status = add_frames(frames, &whole, memory, calibrator, statistics, error);
  }
  if (status == LCAL_OK) {
    status = lcal_coefficients_create(coefficients, classes, error);
  }
  if (status == LCAL_OK) {
    lcal_coefficients_build(*coefficients, lcal_rule_at(0), statistics, MIN_WEIGHT, BENCH_TOLERANCE,
                            NULL);
  }
  lcal_calibrator_destroy(calibrator);
  lcal_statistics_destroy(statistics);
  free(memory);
  return status;
}
