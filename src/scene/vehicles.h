/* Cars, lorries and buses as boxes with painted faces. */
#ifndef SCENE_VEHICLES_H
#define SCENE_VEHICLES_H

#include "scene/canvas.h"

enum vehicle_kind { VEHICLE_CAR, VEHICLE_TRUCK, VEHICLE_BUS };

typedef struct vehicle {
  enum vehicle_kind kind;
  float x, z;   /* of the middle of its end nearest to the camera */
  int oncoming; /* that end is the front */
  int parked;   /* its lights are off */
  uint32_t id;
} vehicle;

float vehicle_length(enum vehicle_kind kind);
float vehicle_width(enum vehicle_kind kind);
void vehicle_paint(const scene_view *view, const vehicle *one);

#endif
