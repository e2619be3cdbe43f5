/* A camera of a soak: sends at its rate, now and then a frame that is refused, a gap, a stamp from
 * another time, and some of them hang up and dial again. It counts what it did. */
#ifndef CLI_SOAK_CAMERA_H
#define CLI_SOAK_CAMERA_H

#include <labelcal/client.h>

#include <pthread.h>
#include <stdatomic.h>

#define SOAK_SHOTS 3u

typedef struct soak_camera {
  lcal_name stream;
  const char *way; /* how its frames travel: "socket" */
  /* Its thread's own while it runs. */
  uint32_t index;
  double rate;
  const atomic_int *ending;
  lcal_client_options options;
  lcal_client *client;
  lcal_tensor shots[SOAK_SHOTS]; /* their data is owned */
  pthread_t thread;
  int started;
  /* What it did. */
  uint64_t numbers;   /* given to frames: sent, or left out on purpose */
  uint64_t failed;    /* sends that failed; their numbers were not used */
  uint64_t redials;   /* what was on its way then may be swallowed */
  lcal_status status; /* why it gave up */
  lcal_error error;
} soak_camera;

/* Draws its pictures: camera `index` of those whose daemon is at `options`. LCAL_MEMORY. */
lcal_status soak_camera_create(soak_camera *camera, uint32_t index, double rate,
                               const lcal_client_options *options, lcal_error *error);

/* Sends until *ending; its connection then stands until soak_camera_free. LCAL_SYSTEM. */
lcal_status soak_camera_start(soak_camera *camera, const atomic_int *ending, lcal_error *error);
void soak_camera_join(soak_camera *camera);
void soak_camera_free(soak_camera *camera);

#endif
