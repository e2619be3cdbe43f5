#include "scene/random.h"
#include "scene/street.h"

#include <math.h>

static float absolute(float x) {
  return x < 0.0f ? -x : x;
}

static void clothe(const scene_face *face, uint32_t garment, scene_texel *texel) {
  float tone = scene_range(face->id, 10u + garment, 0.02f, 0.35f);
  for (uint32_t i = 0; i < 3; i++) {
    texel->rgb[i] = tone * scene_range(face->id, 20u + 4u * garment + i, 0.4f, 1.3f);
  }
}

static void skin(const scene_face *face, scene_texel *texel) {
  float tone = scene_range(face->id, 9, 0.12f, 0.42f);
  texel->rgb[0] = tone * 1.15f;
  texel->rgb[1] = tone * 0.8f;
  texel->rgb[2] = tone * 0.6f;
}

/* Head, hair and trunk above the hips, `v` measured from the ground a person stands on. */
static int upper_body(const scene_face *face, float x, float v, scene_texel *texel) {
  float head_y = (v - 1.6f) / 0.13f;
  float head_x = x / 0.1f;
  if (head_x * head_x + head_y * head_y < 1.0f) {
    if (head_y > 0.3f || (face->id & 4u)) {
      float hair = scene_range(face->id, 8, 0.01f, 0.12f);
      texel->rgb[0] = hair * 1.3f;
      texel->rgb[1] = hair;
      texel->rgb[2] = hair * 0.7f;
    } else {
      skin(face, texel);
    }
    return 1;
  }
  float shoulders = v > 1.38f ? 0.24f - (v - 1.38f) * 1.4f : 0.24f;
  if (v < 0.8f || v > 1.48f || absolute(x) > shoulders) {
    return 0;
  }
  if (v < 0.9f && absolute(x) > 0.17f) {
    skin(face, texel);
  } else {
    clothe(face, 0, texel);
    for (int i = 0; i < 3; i++) {
      texel->rgb[i] *= absolute(x) > 0.16f ? 0.8f : 1.0f;
    }
  }
  return 1;
}

static int walker(const scene_face *face, float u, float v, scene_texel *texel) {
  float size = (face->top - face->bottom) / 1.75f;
  float x = (u - 0.4f) / size;
  v /= size;
  if (upper_body(face, x, v, texel)) {
    return 1;
  }
  if (v > 0.85f) {
    return 0;
  }
  /* Legs swing as a triangle wave. */
  float swing = absolute(face->phase - 0.5f) * 4.0f - 1.0f;
  float reach = 0.17f * swing * (0.85f - v) / 0.85f;
  int leg = absolute(x - 0.07f - reach) < 0.085f || absolute(x + 0.07f + reach) < 0.085f;
  if (v < 0.08f) {
    texel->rgb[0] = texel->rgb[1] = texel->rgb[2] = 0.03f;
  } else {
    clothe(face, 1, texel);
  }
  return leg;
}

static int cyclist(const scene_face *face, float u, float v, scene_texel *texel) {
  float x = u - 0.4f;
  if (upper_body(face, x, v - 0.08f, texel)) {
    return 1;
  }
  float lift = face->phase < 0.5f ? 0.12f : -0.02f;
  int leg = (absolute(x - 0.13f) < 0.075f && v > 0.3f + lift) ||
            (absolute(x + 0.13f) < 0.075f && v > 0.4f - lift);
  clothe(face, 1, texel);
  return v < 0.95f && leg;
}

/* A bicycle from behind or before. */
static int narrow_bicycle(const scene_face *face, float u, float v, scene_texel *texel) {
  (void)face;
  float x = absolute(u - 0.4f);
  if (v < 0.68f && x < 0.045f) {
    texel->rgb[0] = texel->rgb[1] = texel->rgb[2] = 0.02f;
    return 1;
  }
  int handlebar = v > 0.98f && v < 1.04f && x < 0.3f;
  int pedals = v > 0.26f && v < 0.31f && x < 0.16f;
  int frame = v >= 0.68f && v < 1.0f && x < 0.05f;
  return handlebar || pedals || frame;
}

static float gait(const scene_view *view, uint32_t id, float turns_a_second) {
  float turn = (float)fmod(view->time * (double)turns_a_second, 1.0);
  return scene_modulo(turn + scene_range(id, 41, 0.0f, 1.0f), 1.0f);
}

static void person(const scene_view *view, uint32_t id, float x, float z) {
  scene_face face = {.id = id,
                     .light = view->light_back,
                     .label = SCENE_PERSON,
                     .phase = gait(view, id, 1.0f),
                     .material = walker};
  canvas_board(view, face, x, z, 0.8f, 0.0f, scene_range(id, 42, 1.5f, 1.9f));
}

static void rider(const scene_view *view, uint32_t id, float x, float z) {
  scene_face face = {.id = id,
                     .light = view->light_back,
                     .label = SCENE_RIDER,
                     .phase = gait(view, id, 0.8f),
                     .material = cyclist};
  canvas_board(view, face, x, z, 0.8f, 0.0f, 1.85f);
  face.label = SCENE_BICYCLE;
  face.material = narrow_bicycle;
  for (uint32_t i = 0; i < 3; i++) {
    face.colour[i] = scene_range(id, 43u + i, 0.02f, 0.3f);
  }
  canvas_board(view, face, x, z - 0.05f, 0.8f, 0.0f, 1.1f);
}

/* A row of places that moves along the street: `paint` is called for each one taken. */
static void stream(const scene_view *view, uint32_t row, double spacing, double speed, float share,
                   float x, void (*paint)(const scene_view *, uint32_t, float, float)) {
  double passed = (view->z - view->time * speed) / spacing;
  int64_t first = (int64_t)floor(passed);
  int64_t last = first + (int64_t)(90.0 / spacing);
  for (int64_t place = first; place <= last; place++) {
    uint32_t id = scene_hash(view->seed ^ (row << 8), 44, (uint32_t)place);
    if (scene_range(id, 45, 0.0f, 1.0f) < share) {
      float z = (float)(((double)place - passed) * spacing);
      paint(view, id, x + scene_range(id, 46, -0.5f, 0.5f),
            z + scene_range(id, 47, 0.0f, (float)spacing * 0.6f));
    }
  }
}

/* Over the zebra stripes, from one sidewalk to the other. */
static void crossing_people(const scene_view *view, int32_t index) {
  float z = (float)((double)index * (double)STREET_SECTION - view->z);
  uint32_t crossing = scene_hash(view->seed, 48, (uint32_t)index);
  for (uint32_t i = 0; i < 4; i++) {
    uint32_t id = scene_hash(crossing, 49, i);
    float way = scene_range(id, 50, 0.0f, 1.0f) < 0.5f ? -1.0f : 1.0f;
    float walked = (float)fmod(view->time * 1.3, 40.0) + scene_range(id, 51, 0.0f, 40.0f);
    float x = way * (scene_modulo(walked, 40.0f) - 20.0f);
    if (absolute(x) < 9.0f && z > 1.0f) {
      person(view, id, x, z + scene_range(id, 52, 0.7f, 2.7f));
    }
  }
}

void people_paint(const scene_view *view) {
  float crowd = scene_range(view->seed, 53, 0.15f, 0.6f);
  stream(view, 1, 7.0, 1.3, crowd, 6.9f, person);
  stream(view, 2, 8.0, -1.2, crowd, 7.2f, person);
  stream(view, 3, 7.0, 1.2, crowd, -7.3f, person);
  stream(view, 4, 8.0, -1.4, crowd, -6.8f, person);
  stream(view, 5, 30.0, 4.5, 0.6f, 3.2f, rider);
  stream(view, 6, 40.0, -4.5, 0.5f, -3.1f, rider);
  int32_t first = (int32_t)floor(view->z / (double)STREET_SECTION);
  for (int32_t index = first; index < first + 5; index++) {
    if (street_at(view->seed, STREET_RIGHT, index).crossing) {
      crossing_people(view, index);
    }
  }
}
