#include "cli/bench_frames.h"

#include "cli/ask.h"
#include "scene/source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ADAPTED 30u
#define STRIDE  10u /* pictures of the camera from one frame to the next: one second */

/* ---- a recording's pixels */

static float value_at(const lcal_tensor *tensor, size_t index) {
  const unsigned char *at = (const unsigned char *)tensor->data;
  uint16_t bits;
  float value;
  switch (tensor->type) {
  case LCAL_U8:
    return (float)at[index] / 255.0f;
  case LCAL_F16:
    memcpy(&bits, at + 2 * index, sizeof bits);
    return lcal_f16_to_f32(bits);
  case LCAL_BF16:
    memcpy(&bits, at + 2 * index, sizeof bits);
    return lcal_bf16_to_f32(bits);
  default:
    memcpy(&value, at + 4 * index, sizeof value);
    return value;
  }
}

static void softmax(float *p, uint32_t classes) {
  float most = p[0];
  for (uint32_t k = 1; k < classes; k++) {
    most = p[k] > most ? p[k] : most;
  }
  for (uint32_t k = 0; k < classes; k++) {
    p[k] = expf(p[k] - most);
  }
}

static void sum_to_one(float *p, uint32_t classes) {
  float sum = 0.0f;
  for (uint32_t k = 0; k < classes; k++) {
    sum += p[k];
  }
  for (uint32_t k = 0; k < classes; k++) {
    p[k] /= sum;
  }
}

static void decode(float *to, const lcal_tensor *tensor) {
  size_t pixels = (size_t)tensor->height * tensor->width;
  size_t by_class = tensor->layout == LCAL_CHW ? tensor->stride : 1;
  size_t by_pixel = tensor->layout == LCAL_CHW ? 1 : tensor->stride;
  for (size_t i = 0; i < pixels; i++) {
    float *p = to + i * tensor->classes;
    for (uint32_t k = 0; k < tensor->classes; k++) {
      p[k] = value_at(tensor, k * by_class + i * by_pixel);
    }
    if (tensor->kind == LCAL_LOGITS) {
      softmax(p, tensor->classes);
    }
    if (tensor->kind == LCAL_LOGITS || tensor->type != LCAL_F32) {
      sum_to_one(p, tensor->classes);
    }
  }
}

/* ---- either source */

static lcal_status open_recording(bench_frames *frames, const char *path, uint32_t classes_max,
                                  lcal_error *error) {
  lcal_tensor tensor;
  lcal_status status = lcal_recording_open(&frames->recording, path, error);
  if (status != LCAL_OK) {
    return status;
  }
  size_t count = lcal_recording_frames(frames->recording);
  if (count == 0) {
    return lcal_error_set(error, LCAL_BAD_DATA, "%s: it has no frames to measure with", path);
  }
  status = lcal_recording_frame(frames->recording, 0, &tensor, error);
  if (status != LCAL_OK) {
    return status;
  }
  if (tensor.classes > classes_max) {
    return lcal_error_set(error, LCAL_BAD_DATA,
                          "%s: it has %u classes and a case has %u; name cases of as many or more "
                          "(--case)",
                          path, tensor.classes, classes_max);
  }
  frames->classes = tensor.classes;
  frames->height = tensor.height;
  frames->width = tensor.width;
  frames->adapted = count > 2 * ADAPTED ? ADAPTED : (uint32_t)(count + 1) / 2;
  frames->decoded =
      need(calloc((size_t)tensor.height * tensor.width, tensor.classes * sizeof *frames->decoded));
  return LCAL_OK;
}

static lcal_status open_camera(bench_frames *frames, lcal_error *error) {
  const scene_options options = {
      .seed = 1, .drift = {SCENE_DUSK, SCENE_DUSK, 0}, .type = LCAL_F32, .layout = LCAL_HWC};
  frames->classes = SCENE_CLASSES;
  frames->height = SCENE_HEIGHT;
  frames->width = SCENE_WIDTH;
  frames->adapted = ADAPTED;
  return scene_source_create(&frames->camera, &options, error);
}

lcal_status bench_frames_open(bench_frames *frames, const char *recording, uint32_t classes_max,
                              lcal_error *error) {
  *frames = (bench_frames){0};
  return recording ? open_recording(frames, recording, classes_max, error)
                   : open_camera(frames, error);
}

void bench_frames_close(bench_frames *frames) {
  lcal_recording_close(frames->recording);
  scene_source_destroy(frames->camera);
  free(frames->decoded);
  *frames = (bench_frames){0};
}

static lcal_status load(bench_frames *frames, size_t number, lcal_error *error) {
  if (frames->camera) {
    const scene_shot *shot = scene_source_shoot(frames->camera, (uint32_t)number * STRIDE);
    frames->p = (const float *)shot->tensor.data;
    return LCAL_OK;
  }
  lcal_tensor tensor;
  lcal_status status = lcal_recording_frame(frames->recording, number, &tensor, error);
  if (status == LCAL_OK) {
    decode(frames->decoded, &tensor);
    frames->p = frames->decoded;
  }
  return status;
}

lcal_status bench_frames_load_adapted(bench_frames *frames, uint32_t i, lcal_error *error) {
  return load(frames, i, error);
}

lcal_status bench_frames_load(bench_frames *frames, uint32_t i, lcal_error *error) {
  size_t number = (size_t)frames->adapted + i;
  size_t count = frames->recording ? lcal_recording_frames(frames->recording) : SIZE_MAX;
  if (number >= count) {
    size_t after = count - frames->adapted;
    number = after > 0 ? frames->adapted + i % after : i % count;
  }
  return load(frames, number, error);
}
