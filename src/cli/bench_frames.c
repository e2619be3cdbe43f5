#include "cli/bench_frames.h"

#include "cli/ask.h"
#include "scene/source.h"

#include <stdlib.h>

#define ADAPTED 30u
#define ANY_SUM 1e9 /* a tolerance: what a recording holds is measured with as it is */
#define STRIDE  10u /* pictures of the camera from one frame to the next: one second */

/* ---- a recording's pixels */

/* p of a frame, pixel by pixel: the library's scores where no rule is applied. Values that were
 * rounded to a smaller type sum to 1 again. */
static lcal_status decode(const bench_frames *frames, const lcal_tensor *tensor,
                          lcal_error *error) {
  const lcal_pass pass = {.tensor = tensor, .sum_tolerance = ANY_SUM, .scores = frames->decoded};
  lcal_result result;
  lcal_status status = lcal_calibrate(frames->calibrator, &pass, &result, error);
  if (status != LCAL_OK || tensor->type == LCAL_F32) {
    return status;
  }
  for (size_t i = 0; i < result.pixels; i++) {
    float *p = frames->decoded + i * tensor->classes;
    float sum = 0.0f;
    for (uint32_t k = 0; k < tensor->classes; k++) {
      sum += p[k];
    }
    for (uint32_t k = 0; k < tensor->classes; k++) {
      p[k] /= sum;
    }
  }
  return LCAL_OK;
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
  return lcal_calibrator_create(&frames->calibrator, 1, error);
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
  lcal_calibrator_destroy(frames->calibrator);
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
    status = decode(frames, &tensor, error);
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
