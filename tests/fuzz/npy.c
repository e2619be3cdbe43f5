/* .npy files: as arrays, and as the tensors of a recording that fits them. */
#include "calibrate.h"
#include "fuzz.h"
#include "recording.h"

#include "recording/meta.h"
#include "recording/npy.h"

#include <stdlib.h>
#include <string.h>

#define CLASSES_MAX 64u
#define FRAMES_MAX  64u

/* What was read can be written, and reads back the same. */
static void write_again(const struct lcal__npy *npy) {
  size_t length = LCAL__NPY_HEADER + npy->data_bytes;
  uint8_t *bytes = fuzz_block(length);
  struct lcal__npy again = {0};
  lcal__npy_header((char *)bytes, npy->descr, npy->shape, npy->dimensions);
  if (npy->data_bytes > 0) {
    memcpy(bytes + LCAL__NPY_HEADER, npy->data, npy->data_bytes);
  }
  REQUIRE(lcal__npy_parse(&again, bytes, length) == NULL);
  REQUIRE(strcmp(npy->descr, again.descr) == 0 && npy->dimensions == again.dimensions);
  REQUIRE(memcmp(npy->shape, again.shape, npy->dimensions * sizeof *npy->shape) == 0);
  REQUIRE(again.data == bytes + LCAL__NPY_HEADER && again.data_bytes == npy->data_bytes);
  free(bytes);
}

/* meta.json of an array of this type and number of classes. */
static void write_meta(const char *descr, lcal_layout layout, uint32_t classes) {
  static const char *const descrs[LCAL_TYPE_COUNT] = {"<f4", "<f2", "<u2", "|u1"};
  const char *words[CLASSES_MAX];
  char names[CLASSES_MAX][8];
  int type = 0;
  while (type < LCAL_TYPE_COUNT - 1 && strcmp(descrs[type], descr) != 0) {
    type++;
  }
  for (uint32_t k = 0; k < classes; k++) {
    snprintf(names[k], sizeof names[k], "c%u", k);
    words[k] = names[k];
  }
  lcal_recording_meta meta = {.class_count = classes,
                              .classes = words,
                              .kind = LCAL_PROBABILITIES,
                              .type = (lcal_type)type,
                              .layout = layout,
                              .fps = 30,
                              .ignore_label = 255};
  char *text = NULL;
  size_t length = 0;
  FILE *file = open_memstream(&text, &length);
  REQUIRE(file != NULL && lcal__meta_write(&meta, file) == 0 && fclose(file) == 0);
  recording_write(RECORDING_META, text, length);
  free(text);
}

/* Opens the recording that was written; every frame and its truth can be used. */
static void replay(void) {
  lcal_recording *recording = NULL;
  lcal_error error;
  lcal_status status = lcal_recording_open(&recording, recording_folder(), &error);
  if (status != LCAL_OK) {
    REQUIRE(recording == NULL);
    fuzz_refused(status, &error, CODE(BAD_DATA));
    return;
  }
  lcal_score *score = NULL;
  REQUIRE(lcal_score_create(&score, lcal_recording_meta_of(recording), &error) == LCAL_OK);
  for (size_t i = 0; i < lcal_recording_frames(recording) && i < 4; i++) {
    lcal_tensor tensor;
    uint32_t height = 0;
    uint32_t width = 0;
    REQUIRE(lcal_recording_frame(recording, i, &tensor, &error) == LCAL_OK);
    calibrate_frame(&tensor, 0, 0);
    const uint8_t *truth = lcal_recording_truth(recording, i, &height, &width);
    if (truth) {
      lcal_score_add(score, truth, truth, 1, (size_t)height * width);
      REQUIRE(!(lcal_score_miou(score) < 100)); /* a map against itself; NaN: nothing is scored */
    }
  }
  lcal_score_destroy(score);
  lcal_recording_close(recording);
}

/* The array as frames of either layout. */
static void replay_probs(const struct lcal__npy *npy, const uint8_t *data, size_t size) {
  for (int layout = 0; layout < LCAL_LAYOUT_COUNT; layout++) {
    size_t classes = npy->shape[layout == LCAL_CHW ? 1 : 3];
    if (classes >= LCAL_CLASSES_MIN && classes <= CLASSES_MAX) {
      write_meta(npy->descr, (lcal_layout)layout, (uint32_t)classes);
      recording_write(RECORDING_PROBS, data, size);
      recording_write(RECORDING_LABELS, NULL, 0);
      replay();
    }
  }
}

/* The array as the truth of frames of one pixel. */
static void replay_labels(const struct lcal__npy *npy, const uint8_t *data, size_t size) {
  const size_t shape[4] = {npy->shape[0], 2, 1, 1};
  uint8_t probs[LCAL__NPY_HEADER + 2 * FRAMES_MAX] = {0};
  if (shape[0] <= FRAMES_MAX) {
    lcal__npy_header((char *)probs, "|u1", shape, 4);
    write_meta("|u1", LCAL_CHW, 2);
    recording_write(RECORDING_PROBS, probs, LCAL__NPY_HEADER + 2 * shape[0]);
    recording_write(RECORDING_LABELS, data, size);
    replay();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct lcal__npy npy = {0};
  const char *fault = lcal__npy_parse(&npy, data, size);
  if (fault) {
    REQUIRE(fault[0] != '\0' && strchr(fault, '\n') == NULL);
    return 0;
  }
  REQUIRE(npy.dimensions >= 1 && npy.dimensions <= LCAL__NPY_DIMENSIONS);
  fuzz_within((lcal_bytes){npy.data, npy.data_bytes}, data, size);
  write_again(&npy);
  if (npy.dimensions == 4) {
    replay_probs(&npy, data, size);
  } else if (npy.dimensions == 3) {
    replay_labels(&npy, data, size);
  }
  return 0;
}
