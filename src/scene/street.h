/* How the street is laid out: sections of 24 m on either side, the same whenever they are asked
 * for. Distances are from the middle of the road. */
#ifndef SCENE_STREET_H
#define SCENE_STREET_H

#include "scene/canvas.h"

#define STREET_SECTION 24.0f /* metres along the road */
#define STREET_LANE    3.5f  /* half width of the two lanes */
#define STREET_KERB    5.8f  /* beyond the parking lane */
#define STREET_PARKED  4.7f  /* middle of the parking lane */

/* In a section with a crossing, metres from its start: */
#define CROSSING_ZEBRA  3.0f  /* stripes up to here */
#define CROSSING_END    12.0f /* a side street between */
#define CROSSING_CORNER 15.0f /* sidewalk again, houses from here */

enum street_kind { STREET_CITY, STREET_GARDENS, STREET_PARK };

/* One side of one section. */
typedef struct street_section {
  enum street_kind kind;
  int crossing;
  float walk;     /* where the sidewalk ends */
  float frontage; /* where houses begin */
  float reach;    /* how far from `frontage` towards the road a house's shadow falls */
  uint32_t id;
} street_section;

enum street_side { STREET_LEFT, STREET_RIGHT, STREET_SIDES };

/* -1 on the left, 1 on the right. */
static inline float street_sign(enum street_side side) {
  return side == STREET_LEFT ? -1.0f : 1.0f;
}

street_section street_at(uint32_t seed, enum street_side side, int32_t index);

/* Sky, skyline and ground: everything that is not upright. Writes every pixel. */
void backdrop_paint(const scene_view *view);

/* What stands beside the road in one section, which begins `z` metres from the camera: houses,
 * walls and fences; trees and hedges; lamps, traffic lights, signs and bicycles. */
void buildings_paint(const scene_view *view, enum street_side side, int32_t index, float z);
void plants_paint(const scene_view *view, enum street_side side, int32_t index, float z);
void furniture_paint(const scene_view *view, enum street_side side, int32_t index, float z);

/* Cars, lorries, buses and bicycles that drive or stand on the road; first their shadows. */
void traffic_shadows(const scene_view *view);
void traffic_paint(const scene_view *view);

/* People on the sidewalks and across the zebra stripes. */
void people_paint(const scene_view *view);

#endif
