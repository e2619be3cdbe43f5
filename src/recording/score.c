#include <labelcal/recording.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct lcal_score {
  uint32_t classes;
  uint32_t ignore_label;
  uint32_t evaluate_count; /* 0: classes in labels or predictions */
  uint32_t *evaluate;
  uint64_t *pixels; /* C x (C+1): row = truth, column = prediction, the last = void */
};

lcal_status lcal_score_create(lcal_score **score, const lcal_recording_meta *meta,
                              lcal_error *error) {
  size_t classes = meta->class_count;
  lcal_score *made = calloc(1, sizeof *made);
  if (made) {
    made->classes = meta->class_count;
    made->ignore_label = meta->ignore_label;
    made->evaluate_count = meta->evaluate ? meta->evaluate_count : 0;
    made->pixels = calloc(classes * (classes + 1), sizeof *made->pixels);
    made->evaluate = calloc(made->evaluate_count + 1u, sizeof *made->evaluate);
  }
  if (!made || !made->pixels || !made->evaluate) {
    lcal_score_destroy(made);
    return lcal_error_set(error, LCAL_MEMORY, "no memory to score %u classes", meta->class_count);
  }
  for (uint32_t i = 0; i < made->evaluate_count; i++) {
    made->evaluate[i] = meta->evaluate[i];
  }
  *score = made;
  return LCAL_OK;
}

void lcal_score_destroy(lcal_score *score) {
  if (score) {
    free(score->pixels);
    free(score->evaluate);
    free(score);
  }
}

void lcal_score_add(lcal_score *score, const uint8_t *truth, const void *labels, size_t label_bytes,
                    size_t n) {
  const uint8_t *bytes = labels;
  size_t columns = (size_t)score->classes + 1;
  for (size_t i = 0; i < n; i++) {
    uint32_t t = truth[i];
    uint32_t label = bytes[i * label_bytes];
    if (label_bytes == 2) {
      uint16_t wide;
      memcpy(&wide, bytes + 2 * i, sizeof wide); /* labels off the wire have any alignment */
      label = wide;
    }
    if (t != score->ignore_label && t < score->classes) {
      score->pixels[t * columns + (label < score->classes ? label : score->classes)]++;
    }
  }
}

double lcal_score_iou(const lcal_score *score, uint32_t k) {
  size_t columns = (size_t)score->classes + 1;
  if (k >= score->classes) {
    return NAN;
  }
  uint64_t hit = score->pixels[k * columns + k];
  uint64_t all = 0;
  for (uint32_t i = 0; i < columns; i++) {
    all += score->pixels[k * columns + i];
  }
  for (uint32_t i = 0; i < score->classes; i++) {
    all += score->pixels[i * columns + k];
  }
  all -= hit;
  return all ? 100.0 * (double)hit / (double)all : NAN;
}

double lcal_score_miou(const lcal_score *score) {
  uint32_t count = score->evaluate_count ? score->evaluate_count : score->classes;
  uint32_t seen = 0;
  double sum = 0;
  for (uint32_t i = 0; i < count; i++) {
    double iou = lcal_score_iou(score, score->evaluate_count ? score->evaluate[i] : i);
    if (!isnan(iou)) {
      sum += iou;
      seen++;
    }
  }
  return seen ? sum / seen : NAN;
}

double lcal_score_accuracy(const lcal_score *score) {
  size_t columns = (size_t)score->classes + 1;
  uint64_t hits = 0;
  uint64_t all = 0;
  for (uint32_t t = 0; t < score->classes; t++) {
    hits += score->pixels[t * columns + t];
    for (uint32_t p = 0; p < columns; p++) {
      all += score->pixels[t * columns + p];
    }
  }
  return all ? 100.0 * (double)hits / (double)all : NAN;
}
