/* What the embedded camera's labels were worth: argmax and calibrated side by side, over the run
 * and, under a drift, over the frames nearer to either end. */
#ifndef CLI_CAMERA_SCORE_H
#define CLI_CAMERA_SCORE_H

#include "scene/condition.h"

#include <jansson.h>
#include <stdio.h>

typedef struct camera_score camera_score; /* opaque */

/* LCAL_MEMORY. */
lcal_status camera_score_create(camera_score **score, const scene_drift *drift, lcal_error *error);
void camera_score_destroy(camera_score *score); /* NULL is fine */

/* Adds frame `number`: SCENE_PIXELS labels each; `calibrated` NULL: there is none. */
void camera_score_add(camera_score *score, uint32_t number, const uint8_t *truth,
                      const uint8_t *argmax, const uint8_t *calibrated);

/* One line for a terminal: both mIoUs so far. */
void camera_score_glance(const camera_score *score, char *line, size_t capacity);

/* A table for people; or into `object`: argmax, calibrated and segments, percent, null where
 * nothing was scored. -1: out of memory. */
void camera_score_print(const camera_score *score, FILE *out);
int camera_score_json(const camera_score *score, json_t *object);

#endif
