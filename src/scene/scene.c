#include "scene/scene.h"
#include "scene/random.h"
#include "scene/street.h"

#include <math.h>

#define SPEED 8.0 /* metres a second */

const char *const scene_class_names[SCENE_CLASSES] = {
#define SCENE_CLASS_NAME(symbol, name) name,
    SCENE_CLASS_MAP(SCENE_CLASS_NAME)
#undef SCENE_CLASS_NAME
};

street_section street_at(uint32_t seed, enum street_side side, int32_t index) {
  /* Three sections in a row are built alike, as streets are. */
  uint32_t quarter = scene_hash(seed, 11u + (uint32_t)side, (uint32_t)(index + 3000) / 3u);
  float draw = scene_unit(quarter);
  street_section section = {.id = scene_hash(seed, 21u + (uint32_t)side, (uint32_t)index)};
  section.crossing = (uint32_t)(index + 7000) % 7u == scene_hash(seed, 31u, 0u) % 7u;
  if (draw < 0.5f) {
    section.kind = STREET_CITY;
    section.walk = scene_range(quarter, 1, 8.4f, 10.0f);
    section.frontage = section.walk;
    section.reach = scene_range(section.id, 2, 2.0f, 8.0f);
  } else if (draw < 0.82f) {
    section.kind = STREET_GARDENS;
    section.walk = scene_range(quarter, 1, 7.6f, 8.4f);
    section.frontage = section.walk + scene_range(quarter, 2, 4.0f, 7.0f);
  } else {
    section.kind = STREET_PARK;
    section.walk = scene_range(quarter, 1, 7.6f, 8.6f);
    section.frontage = 60.0f;
  }
  return section;
}

static scene_view view_at(scene_frame *frame, uint32_t seed, uint32_t number) {
  scene_view view = {.frame = frame, .seed = seed, .number = number};
  view.time = (double)number / SCENE_FPS;
  view.z = view.time * SPEED;
  float t = (float)fmod(view.time, 4096.0);
  view.x = 1.6f + 0.5f * scene_noise(seed ^ 0x31u, t * 0.2f, 0.0f);
  view.height = scene_range(seed, 5, 1.3f, 1.55f);
  view.horizon =
      scene_range(seed, 6, 98.0f, 116.0f) + 2.0f * scene_noise(seed ^ 0x32u, t * 2.0f, 0.0f);
  view.bend =
      0.0018f * (scene_noise(seed ^ 0x33u, (float)fmod(view.z, 65536.0) * 0.008f, 0.0f) - 0.5f);
  view.clouds = scene_range(seed, 7, 0.0f, 1.0f);
  float sun = 1.0f - 0.8f * view.clouds;
  float around = scene_range(seed, 8, 0.0f, 1.0f);
  view.light_left = 0.62f + 0.38f * sun * (1.0f - around);
  view.light_right = 0.62f + 0.38f * sun * around;
  view.light_back = scene_range(seed, 9, 0.6f, 0.9f);
  view.shadow = 1.0f - 0.6f * sun;
  return view;
}

void scene_render(scene_frame *frame, uint32_t seed, uint32_t number) {
  scene_view view = view_at(frame, seed, number);
  backdrop_paint(&view);
  traffic_shadows(&view);
  int32_t first = (int32_t)floor(view.z / (double)STREET_SECTION) - 1;
  for (int32_t index = first; index < first + 9; index++) {
    float z = (float)((double)index * (double)STREET_SECTION - view.z);
    for (int side = 0; side < STREET_SIDES; side++) {
      buildings_paint(&view, (enum street_side)side, index, z);
      plants_paint(&view, (enum street_side)side, index, z);
      furniture_paint(&view, (enum street_side)side, index, z);
    }
  }
  traffic_paint(&view);
  people_paint(&view);
}
