/* The embedded camera as one thing: street, weather, sensor and network in, tensors out. */
#ifndef SCENE_SOURCE_H
#define SCENE_SOURCE_H

#include "scene/condition.h"

#include <labelcal/tensor.h>

typedef struct scene_source scene_source; /* opaque; one thread at a time */

typedef struct scene_options {
  uint32_t seed;      /* of the street; from 1000000 on the classifier may have learnt it */
  scene_drift drift;  /* what it is photographed under */
  lcal_type type;     /* of the tensor; values are rounded to nearest */
  lcal_layout layout; /* of the tensor */
} scene_options;

/* One picture, and what the network made of it. Maps are SCENE_HEIGHT x SCENE_WIDTH. */
typedef struct scene_shot {
  lcal_tensor tensor;     /* probabilities of SCENE_CLASSES classes, dense */
  size_t bytes;           /* of the tensor */
  const uint8_t *truth;   /* exact labels */
  const uint8_t *argmax;  /* of the tensor's values: the lowest index of equals */
  const uint8_t *picture; /* planes of red, green, blue */
} scene_shot;

/* LCAL_MEMORY. */
lcal_status scene_source_create(scene_source **source, const scene_options *options,
                                lcal_error *error);
void scene_source_destroy(scene_source *source); /* NULL is fine */

/* Takes picture `number`. The shot is valid until the next one. */
const scene_shot *scene_source_shoot(scene_source *source, uint32_t number);

#endif
