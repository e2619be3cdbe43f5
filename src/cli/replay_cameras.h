/* Several cameras that send one recording at once. */
#ifndef CLI_REPLAY_CAMERAS_H
#define CLI_REPLAY_CAMERAS_H

#include "cli/replay_drive.h"

#define REPLAY_CAMERAS_MAX 256u

typedef struct replay_camera {
  replay_options options;
  replay_result result;
  lcal_status status; /* how its drive ended */
  lcal_error error;
} replay_camera;

/* Cameras after `options`, named NAME-0, NAME-1, ...; one alone is called NAME. Their phases are
 * spread over a frame's time, their fresh domains (if none is named) are their own. `maps`: label
 * maps are kept. Free them whatever is returned. LCAL_MEMORY, LCAL_ARGUMENT: the names get too
 * long; errors of replay_result_init. */
lcal_status replay_cameras_create(replay_camera **cameras, uint32_t count,
                                  const replay_options *options, const lcal_recording *recording,
                                  int maps, lcal_error *error);
void replay_cameras_free(replay_camera *cameras, uint32_t count); /* NULL is fine */

/* Drives all of them, each in a thread and with a connection of its own. Returns the first status
 * that is not LCAL_OK; every camera has its own, and what it did, too. LCAL_SYSTEM: there are not
 * threads enough for all. */
lcal_status replay_cameras_drive(replay_camera *cameras, uint32_t count,
                                 const lcal_client_options *client, lcal_error *error);

/* All of them together: counts, the longest time, all latencies; nothing that is of one stream
 * alone. For the caller to free. LCAL_MEMORY. */
lcal_status replay_cameras_sum(replay_result *sum, const replay_camera *cameras, uint32_t count,
                               lcal_error *error);

#endif
