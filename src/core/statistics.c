#include <labelcal/statistics.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

lcal_status lcal_statistics_create(lcal_statistics **statistics, uint32_t classes,
                                   lcal_error *error) {
  if (classes < LCAL_CLASSES_MIN || classes > LCAL_CLASSES_MAX) {
    return lcal_error_set(error, LCAL_ARGUMENT, "statistics: %u classes; 2 to 1024 are possible",
                          classes);
  }
  /* C <= 1024: at most 8.4 MB, no overflow. */
  size_t square = (size_t)classes * classes;
  size_t arrays = (square + classes) * sizeof(double) + classes * sizeof(uint64_t);
  lcal_statistics *block = calloc(1, sizeof *block + arrays);
  if (!block) {
    return lcal_error_set(error, LCAL_MEMORY, "statistics: no memory for %zu bytes", arrays);
  }
  block->classes = classes;
  block->sum = (double *)(block + 1);
  block->weight = block->sum + square;
  block->count = (uint64_t *)(block->weight + classes);
  *statistics = block;
  return LCAL_OK;
}

void lcal_statistics_destroy(lcal_statistics *statistics) {
  free(statistics);
}

void lcal_statistics_copy(lcal_statistics *to, const lcal_statistics *from) {
  size_t classes = to->classes;
  memcpy(to->sum, from->sum, classes * classes * sizeof *to->sum);
  memcpy(to->weight, from->weight, classes * sizeof *to->weight);
  memcpy(to->count, from->count, classes * sizeof *to->count);
  to->frames = from->frames;
  to->pixels = from->pixels;
}

void lcal_statistics_clear(lcal_statistics *statistics) {
  size_t classes = statistics->classes;
  memset(statistics->sum, 0, classes * classes * sizeof *statistics->sum);
  memset(statistics->weight, 0, classes * sizeof *statistics->weight);
  memset(statistics->count, 0, classes * sizeof *statistics->count);
  statistics->frames = 0;
  statistics->pixels = 0;
}

void lcal_statistics_add(lcal_statistics *statistics, const lcal_statistics *other, double keep) {
  size_t classes = statistics->classes;
  for (size_t i = 0; i < classes * classes; i++) {
    statistics->sum[i] = keep * statistics->sum[i] + other->sum[i];
  }
  for (size_t k = 0; k < classes; k++) {
    statistics->weight[k] = keep * statistics->weight[k] + other->weight[k];
    statistics->count[k] += other->count[k];
  }
  statistics->frames += other->frames;
  statistics->pixels += other->pixels;
}

void lcal_statistics_reset_class(lcal_statistics *statistics, uint32_t k) {
  size_t classes = statistics->classes;
  memset(statistics->sum + k * classes, 0, classes * sizeof *statistics->sum);
  statistics->weight[k] = 0;
  uint64_t gone = statistics->count[k];
  statistics->count[k] = 0;
  statistics->pixels -= gone < statistics->pixels ? gone : statistics->pixels;
}

lcal_status lcal_statistics_check(const lcal_statistics *statistics, lcal_error *error) {
  size_t classes = statistics->classes;
  for (size_t i = 0; i < classes * classes; i++) {
    if (!isfinite(statistics->sum[i]) || statistics->sum[i] < 0) {
      return lcal_error_set(error, LCAL_BAD_FIELD,
                            "sum[%zu][%zu] is %g; every value must be finite and not negative",
                            i / classes, i % classes, statistics->sum[i]);
    }
  }
  for (size_t k = 0; k < classes; k++) {
    if (!isfinite(statistics->weight[k]) || statistics->weight[k] < 0) {
      return lcal_error_set(error, LCAL_BAD_FIELD,
                            "weight[%zu] is %g; every value must be finite and not negative", k,
                            statistics->weight[k]);
    }
  }
  return LCAL_OK;
}

void lcal_statistics_prototypes(const lcal_statistics *statistics, double min_weight,
                                double *prototypes) {
  size_t classes = statistics->classes;
  for (size_t k = 0; k < classes; k++) {
    double weight = statistics->weight[k];
    for (size_t i = 0; i < classes; i++) {
      double one_hot = i == k ? 1.0 : 0.0;
      prototypes[k * classes + i] =
          weight > min_weight ? statistics->sum[k * classes + i] / weight : one_hot;
    }
  }
}
