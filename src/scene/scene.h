/* A procedural street, seen by a camera that drives along it: trees, houses, parked and moving
 * cars, people. A picture depends on (seed, number) alone, to the bit on any machine, and the
 * labels are exact: each is the class of the thing that was painted there.
 *
 * Classes are Cityscapes' nineteen in their usual order. Trains and motorcycles never appear. */
#ifndef SCENE_SCENE_H
#define SCENE_SCENE_H

#include <stdint.h>

#define SCENE_HEIGHT 256
#define SCENE_WIDTH  512
#define SCENE_PIXELS (SCENE_HEIGHT * SCENE_WIDTH)
#define SCENE_FPS    10.0 /* frames a second of the street's time */

#define SCENE_CLASS_MAP(X)                                                                         \
  X(ROAD, "road")                                                                                  \
  X(SIDEWALK, "sidewalk")                                                                          \
  X(BUILDING, "building")                                                                          \
  X(WALL, "wall")                                                                                  \
  X(FENCE, "fence")                                                                                \
  X(POLE, "pole")                                                                                  \
  X(TRAFFIC_LIGHT, "traffic light")                                                                \
  X(TRAFFIC_SIGN, "traffic sign")                                                                  \
  X(VEGETATION, "vegetation")                                                                      \
  X(TERRAIN, "terrain")                                                                            \
  X(SKY, "sky")                                                                                    \
  X(PERSON, "person")                                                                              \
  X(RIDER, "rider")                                                                                \
  X(CAR, "car")                                                                                    \
  X(TRUCK, "truck")                                                                                \
  X(BUS, "bus")                                                                                    \
  X(TRAIN, "train")                                                                                \
  X(MOTORCYCLE, "motorcycle")                                                                      \
  X(BICYCLE, "bicycle")

enum scene_class {
#define SCENE_CLASS_ENUM(symbol, name) SCENE_##symbol,
  SCENE_CLASS_MAP(SCENE_CLASS_ENUM)
#undef SCENE_CLASS_ENUM
      SCENE_CLASSES
};

/* What shines by itself once it is dark; an index of scene_condition's lamps. */
enum scene_glow {
  SCENE_GLOW_NONE,
  SCENE_GLOW_WINDOW,
  SCENE_GLOW_LAMP,
  SCENE_GLOW_TAIL,
  SCENE_GLOWS
};

/* One picture before any weather or sensor, row by row from the top left. 2.3 MB. */
typedef struct scene_frame {
  float light[3][SCENE_PIXELS]; /* red, green, blue reflected in full daylight, linear, 0..1 */
  float depth[SCENE_PIXELS];    /* metres along the road from the camera; the sky is far away */
  uint8_t glow[SCENE_PIXELS];   /* scene_glow */
  uint8_t labels[SCENE_PIXELS]; /* scene_class */
} scene_frame;

/* By scene_class, as in Cityscapes. */
extern const char *const scene_class_names[SCENE_CLASSES];

/* Paints picture `number` of the street `seed`; every pixel of *frame is written. */
void scene_render(scene_frame *frame, uint32_t seed, uint32_t number);

#endif
