/* Drives the embedded camera down its street: takes pictures, sends, records, scores. */
#ifndef CLI_CAMERA_DRIVE_H
#define CLI_CAMERA_DRIVE_H

#include "cli/camera_score.h"
#include "scene/source.h"

#include <labelcal/client.h>

typedef struct camera_options {
  scene_options scene;
  uint32_t frames;     /* 0: until interrupts() come */
  double rate;         /* frames a second; 0: as fast as they are drawn */
  int lock_step;       /* the next frame after the last one's labels */
  int send;            /* 0: no daemon is asked */
  int progress;        /* a line on stderr as it goes */
  const char *stream;  /* a valid name; borrowed, as those below */
  const char *domain;  /* "": the stream's */
  const char *record;  /* a directory, or NULL */
  const char *picture; /* a PNG file of the last frame, or NULL */
} camera_options;

/* What became of the frames. */
typedef struct camera_report {
  uint32_t frames;   /* taken */
  uint32_t sent;     /* to the daemon */
  uint32_t labelled; /* and came back */
  uint32_t plain;    /* of these, published as the argmax: warm-up, bypass or a guard */
  uint64_t pixels;   /* of the labelled */
  uint64_t changed;  /* of these, relabelled */
  double seconds;
  camera_score *score; /* for the caller to destroy; NULL if it could not be made */
} camera_report;

/* Drives until `frames` are taken or interrupts() come. *report is filled on errors too: with
 * what was done before. LCAL_TIMEOUT: nothing came back; a refusal of the daemon; statuses of
 * client.h and recording.h. */
lcal_status camera_drive(camera_report *report, const camera_options *options,
                         const lcal_client_options *client, lcal_error *error);

#endif
