/* What labelcal bench measures: sizes, types and layouts of tensors, and what of them is named. */
#ifndef CLI_BENCH_CASES_H
#define CLI_BENCH_CASES_H

#include <labelcal/tensor.h>

#define BENCH_SIZES 5
/* Every size in every type and layout, and the upsampled one. */
#define BENCH_CASES (BENCH_SIZES * LCAL_TYPE_COUNT * LCAL_LAYOUT_COUNT + 1)

typedef struct bench_case {
  uint32_t classes, height, width;
  uint32_t out_height, out_width;
  lcal_type type;
  lcal_layout layout;
  lcal_kind kind;
} bench_case;

typedef char bench_name[48];

/* Case `index` of BENCH_CASES. */
bench_case bench_case_at(size_t index);

/* "19x1024x2048/f32/CHW", or "upsampled". */
const char *bench_case_name(bench_name name, const bench_case *bench);

/* Bytes of its tensor. */
size_t bench_case_bytes(const bench_case *bench);

/* Marks the cases whose names begin with `prefix`; how many there are. */
size_t bench_cases_mark(unsigned char marks[BENCH_CASES], const char *prefix);

#endif
