#include "cli/replay_cameras.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* What a camera's thread gets. */
struct shift {
  replay_camera *camera;
  const lcal_client_options *client;
  pthread_t thread;
  int started;
};

static lcal_status name_camera(replay_camera *camera, uint32_t index, uint32_t count,
                               lcal_error *error) {
  const char *name = camera->options.stream;
  char text[sizeof(lcal_name) + 16];
  int length = count == 1 ? snprintf(text, sizeof text, "%s", name)
                          : snprintf(text, sizeof text, "%s-%u", name, index);
  if (length < 0 || (size_t)length >= sizeof(lcal_name)) {
    return lcal_error_set(error, LCAL_ARGUMENT,
                          "--stream %s: %s is longer than the %zu characters of a name", name, text,
                          sizeof(lcal_name) - 1);
  }
  lcal_status status = replay_name(&camera->result, &camera->options, error);
  memcpy(camera->result.stream, text, (size_t)length + 1);
  return status;
}

lcal_status replay_cameras_create(replay_camera **cameras, uint32_t count,
                                  const replay_options *options, const lcal_recording *recording,
                                  int maps, lcal_error *error) {
  replay_camera *made = calloc(count, sizeof *made);
  lcal_status status = LCAL_OK;
  *cameras = made;
  if (!made) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for %u cameras", count);
  }
  for (uint32_t i = 0; i < count && status == LCAL_OK; i++) {
    made[i].options = *options;
    made[i].options.phase = (double)i / count;
    status = replay_result_init(&made[i].result, recording, maps, error);
    if (status == LCAL_OK) {
      status = name_camera(&made[i], i, count, error);
    }
  }
  return status;
}

void replay_cameras_free(replay_camera *cameras, uint32_t count) {
  for (uint32_t i = 0; cameras && i < count; i++) {
    replay_result_free(&cameras[i].result);
  }
  free(cameras);
}

static void *work(void *argument) {
  struct shift *shift = argument;
  replay_camera *camera = shift->camera;
  camera->status = replay_drive(&camera->result, &camera->options, shift->client, &camera->error);
  return NULL;
}

/* The last of them in the calling thread, so that one alone has none of its own. */
static lcal_status work_all(struct shift *shifts, uint32_t count, lcal_error *error) {
  lcal_status status = LCAL_OK;
  for (uint32_t i = 0; i + 1 < count && status == LCAL_OK; i++) {
    int fault = pthread_create(&shifts[i].thread, NULL, work, &shifts[i]);
    shifts[i].started = fault == 0;
    if (fault != 0) {
      status = lcal_error_set(error, LCAL_SYSTEM, "cannot start a camera: %s", strerror(fault));
    }
  }
  if (status == LCAL_OK) {
    work(&shifts[count - 1]);
  }
  for (uint32_t i = 0; i < count; i++) {
    if (shifts[i].started) {
      pthread_join(shifts[i].thread, NULL);
    }
  }
  return status;
}

lcal_status replay_cameras_drive(replay_camera *cameras, uint32_t count,
                                 const lcal_client_options *client, lcal_error *error) {
  struct shift *shifts = calloc(count, sizeof *shifts);
  if (!shifts) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for %u cameras", count);
  }
  for (uint32_t i = 0; i < count; i++) {
    shifts[i] = (struct shift){.camera = &cameras[i], .client = client};
  }
  lcal_status status = work_all(shifts, count, error);
  for (uint32_t i = 0; i < count && status == LCAL_OK; i++) {
    if (cameras[i].status != LCAL_OK) {
      status = lcal_error_set(error, cameras[i].status, "%s", cameras[i].error.message);
    }
  }
  free(shifts);
  return status;
}

static void add_counts(replay_result *sum, const replay_result *one) {
  sum->sent += one->sent;
  sum->labelled += one->labelled;
  sum->pixels += one->pixels;
  sum->changed += one->changed;
  sum->voids += one->voids;
  sum->seconds = one->seconds > sum->seconds ? one->seconds : sum->seconds;
  for (int i = 0; i < REPLAY_FATES; i++) {
    sum->fates[i] += one->fates[i];
  }
}

lcal_status replay_cameras_sum(replay_result *sum, const replay_camera *cameras, uint32_t count,
                               lcal_error *error) {
  *sum = (replay_result){.recording = cameras[0].result.recording};
  for (uint32_t i = 0; i < count; i++) {
    add_counts(sum, &cameras[i].result);
  }
  sum->latency_us = calloc(sum->labelled + 1, sizeof *sum->latency_us);
  if (!sum->latency_us) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for the latencies");
  }
  size_t filled = 0;
  for (uint32_t i = 0; i < count; i++) {
    const replay_result *one = &cameras[i].result;
    if (one->labelled > 0) {
      memcpy(sum->latency_us + filled, one->latency_us, one->labelled * sizeof *sum->latency_us);
      filled += one->labelled;
    }
  }
  return LCAL_OK;
}
