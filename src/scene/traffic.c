/* Who drives and parks where. Lanes are endless rows of places that move at the lane's speed;
 * whether a place is taken, and by what, is decided by its number. */
#include "scene/random.h"
#include "scene/street.h"
#include "scene/vehicles.h"

#include <math.h>

#define VEHICLES_MAX 96

typedef struct traffic {
  vehicle vehicles[VEHICLES_MAX]; /* in sight */
  uint32_t count;
} traffic;

static void add(traffic *all, vehicle one) {
  if (all->count < VEHICLES_MAX && one.z > -vehicle_length(one.kind) && one.z < CANVAS_FAR) {
    all->vehicles[all->count++] = one;
  }
}

static enum vehicle_kind kind_of(uint32_t id, float trucks, float buses) {
  float draw = scene_range(id, 71, 0.0f, 1.0f);
  return draw < trucks ? VEHICLE_TRUCK : draw < trucks + buses ? VEHICLE_BUS : VEHICLE_CAR;
}

static void park(traffic *all, const scene_view *view, enum street_side side, int32_t index) {
  street_section section = street_at(view->seed, side, index);
  float z = (float)((double)index * (double)STREET_SECTION - view->z);
  float share = scene_range(section.id, 72, 0.0f, 0.75f);
  for (uint32_t place = section.crossing ? 3u : 0u; place < 4u; place++) {
    uint32_t id = scene_hash(section.id, 73, place);
    if (scene_range(id, 74, 0.0f, 1.0f) > share) {
      continue;
    }
    add(all, (vehicle){.kind = VEHICLE_CAR,
                       .x = street_sign(side) * STREET_PARKED,
                       .z = z + 6.0f * (float)place + scene_range(id, 75, 0.4f, 1.4f),
                       .oncoming = side == STREET_LEFT,
                       .parked = 1,
                       .id = id});
  }
}

static void oncoming_lane(traffic *all, const scene_view *view) {
  const double spacing = 26.0;
  const double speed = 9.0;
  double passed = (view->z + view->time * speed) / spacing;
  int64_t first = (int64_t)floor(passed) - 1;
  float share = scene_range(view->seed, 76, 0.25f, 0.75f);
  for (int64_t place = first; place < first + 9; place++) {
    uint32_t id = scene_hash(view->seed, 77, (uint32_t)place);
    if (scene_range(id, 78, 0.0f, 1.0f) > share) {
      continue;
    }
    add(all, (vehicle){.kind = kind_of(id, 0.14f, 0.12f),
                       .x = -1.75f,
                       .z = (float)(((double)place - passed) * spacing) +
                            scene_range(id, 79, 0.0f, 12.0f),
                       .oncoming = 1,
                       .id = id});
  }
}

/* Somebody ahead in our lane: drops back to a following distance and drives off again. */
static void lead(traffic *all, const scene_view *view) {
  uint32_t turn = view->number / 200u;
  uint32_t id = scene_hash(view->seed, 80, turn);
  float t = (float)(view->number % 200u) / 100.0f - 1.0f;
  float nearest = scene_range(id, 81, 9.0f, 30.0f);
  if (scene_range(id, 82, 0.0f, 1.0f) < 0.75f) {
    add(all, (vehicle){.kind = kind_of(id, 0.2f, 0.2f),
                       .x = 1.75f,
                       .z = nearest + (CANVAS_FAR - nearest) * t * t,
                       .id = id});
  }
}

static void gather(traffic *all, const scene_view *view) {
  int32_t first = (int32_t)floor(view->z / (double)STREET_SECTION) - 1;
  all->count = 0;
  oncoming_lane(all, view);
  lead(all, view);
  for (int32_t index = first; index < first + 8; index++) {
    park(all, view, STREET_LEFT, index);
    park(all, view, STREET_RIGHT, index);
  }
}

void traffic_shadows(const scene_view *view) {
  traffic all;
  gather(&all, view);
  for (uint32_t i = 0; i < all.count; i++) {
    const vehicle *one = &all.vehicles[i];
    float half = vehicle_length(one->kind) * 0.5f;
    scene_view dark = *view;
    dark.shadow = 0.35f; /* under a vehicle, whatever the sun */
    canvas_shadow(&dark, one->x, one->z + half, vehicle_width(one->kind) * 0.62f, half * 1.12f);
  }
}

void traffic_paint(const scene_view *view) {
  traffic all;
  gather(&all, view);
  for (uint32_t i = 0; i < all.count; i++) {
    vehicle_paint(view, &all.vehicles[i]);
  }
}
