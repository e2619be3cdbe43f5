/* What the classifier sees of a pixel: the mean colours of windows on it and around it, how rough
 * its surroundings are, and where in the picture it is. */
#ifndef SCENE_PIXEL_FEATURES_H
#define SCENE_PIXEL_FEATURES_H

#include "scene/scene.h"

#define FEATURES     40
#define FEATURES_RUN 64 /* pixels of a row that are described at once */

/* Furthest reach of a window from its pixel, and the picture's size with that border. */
#define FEATURES_BORDER  52
#define FEATURES_ROWS    (SCENE_HEIGHT + 2 * FEATURES_BORDER + 1)
#define FEATURES_COLUMNS (SCENE_WIDTH + 2 * FEATURES_BORDER + 1)

enum features_sum { SUM_RED, SUM_GREEN, SUM_BLUE, SUM_SQUARE, SUM_ACROSS, SUM_DOWN, SUMS };

/* Sums over all pixels above and left of a corner: four of them give any window's sum. They wrap
 * modulo 2^32, and windows are small enough that their sums do not. 5 MB. */
typedef struct scene_features {
  uint32_t sums[SUMS][FEATURES_ROWS][FEATURES_COLUMNS];
} scene_features;

/* Takes a picture (three planes, as scene_photograph makes them). */
void scene_features_prepare(scene_features *features, const uint8_t *picture);

/* Features of FEATURES_RUN pixels from (row, column), column a multiple of FEATURES_RUN. */
void scene_features_run(const scene_features *features, int row, int column,
                        float out[FEATURES][FEATURES_RUN]);

#endif
