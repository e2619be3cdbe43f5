#include "cli/soak_camera.h"

#include "cli/sending.h"
#include "scene/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every so many frames: primes, so that all meet all. */
#define REFUSED_EVERY 47u
#define GAP_EVERY     61u
#define LEAP_EVERY    83u
#define REDIAL_EVERY  53u

#define FAILED_MAX 20u /* sends in a row before it gives up */
#define HOUR_NS    3600000000000u

/* The ways of a frame to the daemon; camera i takes the i-th, and again from the start. */
static const struct way {
  const char *word;
  lcal_status (*send)(lcal_client *client, const lcal_frame *frame, lcal_error *error);
} ways[] = {
    {"socket", lcal_client_send},
};

static const struct way *way_of(uint32_t index) {
  return &ways[index % (sizeof ways / sizeof *ways)];
}

static lcal_status keep_shot(lcal_tensor *kept, const scene_shot *shot, lcal_error *error) {
  void *data = malloc(shot->bytes);
  if (!data) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for a picture of %zu bytes", shot->bytes);
  }
  memcpy(data, shot->tensor.data, shot->bytes);
  *kept = shot->tensor;
  kept->data = data;
  return LCAL_OK;
}

lcal_status soak_camera_create(soak_camera *camera, uint32_t index, double rate,
                               const lcal_client_options *options, lcal_error *error) {
  const scene_options scene = {.seed = index + 1,
                               .type = (lcal_type)(index % LCAL_TYPE_COUNT),
                               .layout = (lcal_layout)(index / LCAL_TYPE_COUNT % 2)};
  scene_source *source = NULL;
  *camera =
      (soak_camera){.index = index, .rate = rate, .options = *options, .way = way_of(index)->word};
  snprintf(camera->stream, sizeof camera->stream, "soak-%" PRIu32, index);
  lcal_status status = scene_source_create(&source, &scene, error);
  for (uint32_t i = 0; i < SOAK_SHOTS && status == LCAL_OK; i++) {
    status = keep_shot(&camera->shots[i], scene_source_shoot(source, 20 * i), error);
  }
  scene_source_destroy(source);
  return status;
}

static int every(uint64_t number, unsigned so_many) {
  return number % so_many == so_many - 1;
}

/* One class fewer than the model has: a view of the same data. */
static void spoil(lcal_tensor *tensor) {
  tensor->classes--;
  if (tensor->layout == LCAL_HWC) {
    tensor->stride = tensor->classes;
  }
}

static lcal_frame make_frame(const soak_camera *camera, uint64_t number) {
  uint64_t leap_ns = number / LEAP_EVERY % 2 == 1 ? HOUR_NS : 0;
  lcal_frame frame = {.seq = number,
                      .stamp_ns = clock_ns(CLOCK_REALTIME) - leap_ns,
                      .tensor = camera->shots[number % SOAK_SHOTS],
                      .adapt = 1};
  memcpy(frame.stream, camera->stream, sizeof frame.stream);
  if (every(number, REFUSED_EVERY)) {
    spoil(&frame.tensor);
  }
  return frame;
}

static lcal_status redial(soak_camera *camera) {
  lcal_client_destroy(camera->client);
  camera->client = NULL;
  return lcal_client_create(&camera->client, &camera->options, &camera->error);
}

/* Whether it goes on after a send. One that failed was not whole: its number is used again. */
static int go_on(soak_camera *camera, lcal_status sent, unsigned *failures) {
  if (sent == LCAL_OK) {
    *failures = 0;
    camera->numbers++;
    return 1;
  }
  camera->failed++;
  camera->redials++;
  ++*failures;
  camera->status = *failures < FAILED_MAX ? redial(camera) : sent;
  return camera->status == LCAL_OK;
}

static void *drive(void *argument) {
  soak_camera *camera = argument;
  const struct way *way = way_of(camera->index);
  uint64_t began_ns = clock_ns(CLOCK_MONOTONIC);
  uint64_t fresh = 0; /* the first number of this connection */
  unsigned failures = 0;
  camera->status = lcal_client_create(&camera->client, &camera->options, &camera->error);
  for (uint64_t turn = 0; camera->status == LCAL_OK && !atomic_load(camera->ending); turn++) {
    if (every(turn, GAP_EVERY) && camera->numbers > fresh && failures == 0) {
      camera->numbers++; /* left out: the next one shows it */
    }
    const lcal_frame frame = make_frame(camera, camera->numbers);
    if (!go_on(camera, way->send(camera->client, &frame, &camera->error), &failures)) {
      break;
    }
    if (camera->index % 3 == 2 && every(turn, REDIAL_EVERY)) {
      camera->redials++;
      fresh = camera->numbers;
      camera->status = redial(camera);
    }
    sleep_until(began_ns + (uint64_t)((double)(turn + 1) * 1e9 / camera->rate));
  }
  return NULL;
}

lcal_status soak_camera_start(soak_camera *camera, const atomic_int *ending, lcal_error *error) {
  camera->ending = ending;
  int fault = pthread_create(&camera->thread, NULL, drive, camera);
  camera->started = fault == 0;
  return fault == 0
             ? LCAL_OK
             : lcal_error_set(error, LCAL_SYSTEM, "cannot start a camera: %s", strerror(fault));
}

void soak_camera_join(soak_camera *camera) {
  if (camera->started) {
    pthread_join(camera->thread, NULL);
    camera->started = 0;
  }
}

void soak_camera_free(soak_camera *camera) {
  lcal_client_destroy(camera->client);
  camera->client = NULL;
  for (uint32_t i = 0; i < SOAK_SHOTS; i++) {
    free((void *)(uintptr_t)camera->shots[i].data);
    camera->shots[i].data = NULL;
  }
}
