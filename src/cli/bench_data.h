/* The tensors that labelcal bench measures on, and the coefficients they are labelled with. */
#ifndef CLI_BENCH_DATA_H
#define CLI_BENCH_DATA_H

#include "cli/bench_cases.h"
#include "cli/bench_frames.h"

#include <labelcal/rules.h>

#define BENCH_TOLERANCE 1e-3 /* sum_tolerance of coefficients and passes */

/* Memory as large tensors have it: on huge pages where the system gives them, all pages present.
 * LCAL_MEMORY. */
lcal_status bench_pages_take(void **pages, size_t bytes, lcal_error *error);
void bench_pages_give(void *pages, size_t bytes); /* NULL is fine */

/* Fills `memory` with the case's tensor, frames side by side, each the middle of its own, and
 * makes *tensor a view of it. */
lcal_status bench_data_fill(bench_frames *frames, const bench_case *bench, void *memory,
                            lcal_tensor *tensor, lcal_error *error);

/* Coefficients of the first rule (euclidean) from the statistics of the adapted frames, for
 * `classes` classes; to lcal_coefficients_destroy(). */
lcal_status bench_data_adapt(bench_frames *frames, uint32_t classes,
                             lcal_coefficients **coefficients, lcal_error *error);

#endif
