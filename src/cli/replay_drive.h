/* Sends a recording to the daemon and takes its labels. */
#ifndef CLI_REPLAY_DRIVE_H
#define CLI_REPLAY_DRIVE_H

#include "cli/replay_result.h"

#include <labelcal/client.h>

typedef struct replay_options {
  const char *stream;
  const char *domain; /* NULL: a fresh one, deleted afterwards unless `keep` */
  int keep;
  int lock_step;   /* the next frame after the last one's labels */
  double rate;     /* else frames a second; 0: as fast as the daemon takes them */
  double phase;    /* at a rate: by what part of a frame's time it is later than others */
  uint32_t rounds; /* the recording so often */
  int progress;    /* a line on stderr as it goes */
} replay_options;

/* The stream and, if none is named, a fresh domain: to *result, once, before the drive. */
lcal_status replay_name(replay_result *result, const replay_options *options, lcal_error *error);

/* Drives until all is sent, interrupts() come, or the daemon refuses, is gone or stays silent.
 * *result is filled on errors too: with what was done before. LCAL_TIMEOUT: nothing came back.
 * Other statuses are those of client.h. */
lcal_status replay_drive(replay_result *result, const replay_options *options,
                         const lcal_client_options *client, lcal_error *error);

#endif
