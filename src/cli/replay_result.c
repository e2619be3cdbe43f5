#include "cli/replay_result.h"

#include <stdlib.h>
#include <string.h>

const char *const labelling_words[LABELLINGS] = {"argmax", "calibrated"};
const char *const replay_fate_words[REPLAY_FATES] = {"dropped", "refused", "lost"};

static lcal_status keep_maps(replay_result *result, lcal_error *error) {
  size_t bytes = (size_t)result->height * result->width;
  if (__builtin_mul_overflow(bytes, result->label_bytes, &bytes) ||
      __builtin_mul_overflow(bytes, lcal_recording_frames(result->recording), &bytes)) {
    bytes = SIZE_MAX;
  }
  for (int i = 0; i < LABELLINGS; i++) {
    result->maps[i] = malloc(bytes);
    if (!result->maps[i]) {
      return lcal_error_set(error, LCAL_MEMORY,
                            "no memory to keep the label maps of %zu frames: save a slice",
                            lcal_recording_frames(result->recording));
    }
    memset(result->maps[i], 0xff, bytes); /* void, be it 255 or 65535 */
  }
  return LCAL_OK;
}

lcal_status replay_result_init(replay_result *result, const lcal_recording *recording, int maps,
                               lcal_error *error) {
  const lcal_recording_meta *meta = lcal_recording_meta_of(recording);
  lcal_tensor tensor;
  *result =
      (replay_result){.recording = recording, .label_bytes = lcal_label_size(meta->class_count)};
  if (lcal_recording_frames(recording) == 0) {
    return lcal_error_set(error, LCAL_BAD_DATA,
                          "the recording has no frames, or the slice takes "
                          "none of them");
  }
  lcal_status status = lcal_recording_frame(recording, 0, &tensor, error);
  if (status != LCAL_OK) {
    return status;
  }
  result->height = tensor.height;
  result->width = tensor.width;
  int has_truth = lcal_recording_truth(recording, 0, &result->height, &result->width) != NULL;
  for (int i = 0; i < LABELLINGS && has_truth && status == LCAL_OK; i++) {
    status = lcal_score_create(&result->score[i], meta, error);
  }
  return status == LCAL_OK && maps ? keep_maps(result, error) : status;
}

void replay_result_free(replay_result *result) {
  for (int i = 0; i < LABELLINGS; i++) {
    lcal_score_destroy(result->score[i]);
    free(result->maps[i]);
  }
  free(result->latency_us);
  *result = (replay_result){0};
}

static lcal_status add_latency(replay_result *result, const lcal_labels *labels,
                               lcal_error *error) {
  if (result->labelled == result->latency_capacity) {
    size_t capacity = result->latency_capacity > 0 ? 2 * result->latency_capacity : 256;
    uint64_t *grown = realloc(result->latency_us, capacity * sizeof *grown);
    if (!grown) {
      return lcal_error_set(error, LCAL_MEMORY, "no memory for the latencies");
    }
    result->latency_us = grown;
    result->latency_capacity = capacity;
  }
  result->latency_us[result->labelled] = (labels->published_ns - labels->received_ns) / 1000u;
  return LCAL_OK;
}

static void count_guard(replay_result *result, const char *guard) {
  for (unsigned i = 0; guard[0] != '\0' && i < GUARDS_MAX; i++) {
    if (result->guards[i].name[0] == '\0') {
      memcpy(result->guards[i].name, guard, sizeof result->guards[i].name);
    }
    if (strcmp(result->guards[i].name, guard) == 0) {
      result->guards[i].frames++;
      return;
    }
  }
}

static void count(replay_result *result, const lcal_labels *labels) {
  result->labelled++;
  result->pixels += labels->pixels;
  result->changed += labels->changed;
  result->voids += labels->voids;
  result->states[labels->state]++;
  count_guard(result, labels->guard);
  memcpy(result->bank, labels->bank, sizeof result->bank);
  memcpy(result->rule, labels->rule, sizeof result->rule);
}

lcal_status replay_result_add(replay_result *result, size_t i, const lcal_labels *labels,
                              lcal_error *error) {
  size_t pixels = (size_t)result->height * result->width;
  size_t bytes = pixels * result->label_bytes;
  /* In shadow `labels` are the argmax, and what would have been published stands beside them. */
  const lcal_bytes came[LABELLINGS] = {labels->argmax, labels->calibrated.data ? labels->calibrated
                                                                               : labels->labels};
  uint32_t height, width;
  const uint8_t *truth = lcal_recording_truth(result->recording, i, &height, &width);
  if (labels->height != result->height || labels->width != result->width ||
      came[ARGMAX].length != bytes || came[CALIBRATED].length != bytes) {
    return lcal_error_set(error, LCAL_BAD_FIELD,
                          "the labels of frame %zu are not the %u x %u maps that were asked for: "
                          "labelcald and labelcal are of different versions",
                          i, result->height, result->width);
  }
  lcal_status status = add_latency(result, labels, error);
  if (status != LCAL_OK) {
    return status;
  }
  count(result, labels);
  for (int k = 0; k < LABELLINGS; k++) {
    if (truth) {
      lcal_score_add(result->score[k], truth, came[k].data, result->label_bytes, pixels);
    }
    if (result->maps[k]) {
      memcpy(result->maps[k] + i * bytes, came[k].data, bytes);
    }
  }
  return LCAL_OK;
}
