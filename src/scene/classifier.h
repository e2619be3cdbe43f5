/* A small segmentation network: each pixel's features through one hidden layer to a softmax over
 * the classes. It was trained on the day alone (train.c); what it makes of dusk, fog and noise is
 * its own affair. The same bits on any machine: plain float32 arithmetic in a fixed order. */
#ifndef SCENE_CLASSIFIER_H
#define SCENE_CLASSIFIER_H

#include "scene/pixel_features.h"

#define CLASSIFIER_HIDDEN 64

/* weights.h, as train.c writes it. */
typedef struct scene_weights {
  float hidden[CLASSIFIER_HIDDEN][FEATURES];
  float hidden_bias[CLASSIFIER_HIDDEN];
  float output[SCENE_CLASSES][CLASSIFIER_HIDDEN];
  float output_bias[SCENE_CLASSES];
} scene_weights;

/* The trained weights. Static storage. */
const scene_weights *scene_weights_trained(void);

/* Probabilities of every pixel, planes of SCENE_PIXELS float32 by class (CHW), which sum to 1
 * within rounding. `picture` is three planes of bytes; *scratch is overwritten. */
void scene_classify(float *probabilities, const uint8_t *picture, const scene_weights *weights,
                    scene_features *scratch);

/* The likeliest class of every pixel; of equals the first. */
void scene_argmax(uint8_t *labels, const float *probabilities);

#endif
