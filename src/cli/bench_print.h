/* What labelcal bench found, for people and for programs. */
#ifndef CLI_BENCH_PRINT_H
#define CLI_BENCH_PRINT_H

#include "cli/bench_cases.h"
#include "cli/bench_time.h"

#include <stdio.h>

typedef struct bench_row {
  bench_case bench;
  uint32_t threads;
  bench_result result;
} bench_row;

/* The processor's name, as the system tells it; "unknown" where it does not. */
typedef char bench_cpu[128];
const char *bench_cpu_name(bench_cpu name);

/* `source`: what the data is of. */
void bench_print(const bench_row *rows, size_t count, const char *source, FILE *stream);

/* One line of JSON. */
lcal_status bench_print_json(const bench_row *rows, size_t count, FILE *stream, lcal_error *error);

#endif
