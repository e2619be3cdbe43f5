#include "cli/bench_cases.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const uint32_t sizes[BENCH_SIZES][3] = {
    {19, 1024, 2048}, {19, 512, 1024}, {19, 128, 256}, {66, 512, 1024}, {150, 512, 512}};

/* What a network that answers at an eighth of the image sends. */
static const bench_case upsampled = {.classes = 19,
                                     .height = 128,
                                     .width = 256,
                                     .out_height = 1024,
                                     .out_width = 2048,
                                     .type = LCAL_F16,
                                     .layout = LCAL_CHW,
                                     .kind = LCAL_LOGITS};

bench_case bench_case_at(size_t index) {
  if (index + 1 >= BENCH_CASES) {
    return upsampled;
  }
  const uint32_t *size = sizes[index / (LCAL_TYPE_COUNT * LCAL_LAYOUT_COUNT)];
  return (bench_case){.classes = size[0],
                      .height = size[1],
                      .width = size[2],
                      .out_height = size[1],
                      .out_width = size[2],
                      .type = (lcal_type)(index / LCAL_LAYOUT_COUNT % LCAL_TYPE_COUNT),
                      .layout = (lcal_layout)(index % LCAL_LAYOUT_COUNT),
                      .kind = LCAL_PROBABILITIES};
}

const char *bench_case_name(bench_name name, const bench_case *bench) {
  if (bench->out_height != bench->height) {
    snprintf(name, sizeof(bench_name), "upsampled");
  } else {
    snprintf(name, sizeof(bench_name), "%" PRIu32 "x%" PRIu32 "x%" PRIu32 "/%s/%s", bench->classes,
             bench->height, bench->width, lcal_type_word(bench->type),
             lcal_layout_word(bench->layout));
  }
  return name;
}

size_t bench_case_bytes(const bench_case *bench) {
  return (size_t)bench->classes * bench->height * bench->width * lcal_type_size(bench->type);
}

size_t bench_cases_mark(unsigned char marks[BENCH_CASES], const char *prefix) {
  size_t count = 0;
  for (size_t i = 0; i < BENCH_CASES; i++) {
    bench_case bench = bench_case_at(i);
    bench_name name;
    if (strncmp(bench_case_name(name, &bench), prefix, strlen(prefix)) == 0) {
      marks[i] = 1;
      count++;
    }
  }
  return count;
}
