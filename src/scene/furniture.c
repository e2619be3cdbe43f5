/* What stands beside the road: lamps, traffic lights, signs, bicycles. */
#include "scene/random.h"
#include "scene/street.h"

static int plain(const scene_face *face, float u, float v, scene_texel *texel) {
  (void)face;
  (void)u;
  (void)v;
  (void)texel;
  return 1;
}

static void pole(const scene_view *view, float x, float z, float width, float height) {
  scene_face face = {.light = view->light_back, .label = SCENE_POLE, .material = plain};
  face.colour[0] = 0.16f;
  face.colour[1] = 0.17f;
  face.colour[2] = 0.17f;
  canvas_board(view, face, x, z, width, 0.0f, height);
}

static int lamp_head(const scene_face *face, float u, float v, scene_texel *texel) {
  (void)face;
  (void)u;
  if (v < 0.14f) {
    texel->glow = SCENE_GLOW_LAMP;
    texel->rgb[0] = texel->rgb[1] = texel->rgb[2] = 0.5f;
  }
  return 1;
}

static void street_lamp(const scene_view *view, float x, float z, float sign) {
  scene_face face = {.light = view->light_back, .label = SCENE_POLE, .material = lamp_head};
  face.colour[0] = face.colour[1] = face.colour[2] = 0.2f;
  pole(view, x, z, 0.16f, 6.5f);
  canvas_board(view, face, x - sign * 0.9f, z, 1.9f, 6.4f, 6.6f);
}

static int traffic_light(const scene_face *face, float u, float v, scene_texel *texel) {
  static const float bulbs[3][3] = {{0.1f, 0.9f, 0.45f}, {1.0f, 0.6f, 0.1f}, {1.0f, 0.12f, 0.08f}};
  int lit = face->phase < 0.45f ? 0 : face->phase < 0.5f ? 1 : 2;
  for (int i = 0; i < 3; i++) {
    float x = u - 0.17f;
    float y = v - 0.18f - 0.3f * (float)i;
    if (x * x + y * y > 0.012f) {
      continue;
    }
    texel->glow = i != lit ? SCENE_GLOW_NONE : i == 2 ? SCENE_GLOW_TAIL : SCENE_GLOW_WINDOW;
    for (int k = 0; k < 3; k++) {
      texel->rgb[k] = bulbs[i][k] * (i == lit ? 1.0f : 0.08f);
    }
  }
  return 1;
}

static void traffic_lights(const scene_view *view, uint32_t id, float x, float z, float height) {
  scene_face face = {.light = 1.0f, .id = id, .label = SCENE_TRAFFIC_LIGHT};
  face.material = traffic_light;
  face.colour[0] = face.colour[1] = face.colour[2] = 0.025f;
  face.phase =
      scene_modulo((float)(view->number % 3600u) / 240.0f + scene_range(id, 1, 0.0f, 1.0f), 1.0f);
  canvas_board(view, face, x, z - 0.1f, 0.34f, height, height + 0.98f);
}

static void signal_mast(const scene_view *view, uint32_t id, float x, float z, float sign) {
  pole(view, x, z, 0.14f, 3.4f);
  traffic_lights(view, id, x, z, 2.3f);
  if (scene_range(id, 2, 0.0f, 1.0f) < 0.5f) { /* an arm over the road with a second one */
    scene_face arm = {.light = view->light_back, .label = SCENE_POLE, .material = plain};
    arm.colour[0] = arm.colour[1] = arm.colour[2] = 0.16f;
    pole(view, x, z, 0.16f, 5.9f);
    canvas_board(view, arm, x - sign * 1.8f, z, 3.6f, 5.7f, 5.85f);
    traffic_lights(view, id, x - sign * 3.5f, z, 4.8f);
  }
}

static int disc(const scene_face *face, float u, float v, scene_texel *texel) {
  float radius = (face->top - face->bottom) * 0.5f;
  float x = (u - radius) / radius;
  float y = (v - radius) / radius;
  float r = x * x + y * y;
  if (r > 1.0f) {
    return 0;
  }
  int rim = r > 0.6f;
  int bar = y > -0.2f && y < 0.2f && face->id % 2u;
  if (!rim && !bar) {
    texel->rgb[0] = texel->rgb[1] = texel->rgb[2] = 0.75f;
  }
  return 1;
}

static int triangle(const scene_face *face, float u, float v, scene_texel *texel) {
  float size = face->top - face->bottom;
  float x = (u / size - 0.5f) * 2.0f;
  float y = v / size;
  x = x < 0.0f ? -x : x;
  if (x > 1.0f - y) {
    return 0;
  }
  if (x < 0.72f - y && y > 0.15f) {
    texel->rgb[0] = texel->rgb[1] = texel->rgb[2] = 0.75f;
  }
  return 1;
}

static int plate(const scene_face *face, float u, float v, scene_texel *texel) {
  float height = face->top - face->bottom;
  int text =
      v > height * 0.3f && v < height * 0.7f && scene_noise(face->id, u * 14.0f, v * 8.0f) > 0.5f;
  if (text) {
    texel->rgb[0] = texel->rgb[1] = texel->rgb[2] = 0.8f;
  }
  return 1;
}

static void sign_post(const scene_view *view, uint32_t id, float x, float z) {
  static const float colours[4][3] = {
      {0.60f, 0.04f, 0.05f}, {0.60f, 0.05f, 0.05f}, {0.04f, 0.14f, 0.50f}, {0.75f, 0.60f, 0.06f}};
  static scene_material *const shapes[4] = {disc, triangle, plate, plate};
  uint32_t shape = scene_hash(id, 1, 0) % 4u;
  scene_face face = {.light = view->light_back, .id = id, .label = SCENE_TRAFFIC_SIGN};
  face.material = shapes[shape];
  for (int i = 0; i < 3; i++) {
    face.colour[i] = colours[shape][i];
  }
  float size = scene_range(id, 2, 0.65f, 0.9f);
  pole(view, x, z, 0.08f, 2.3f + size * 0.5f);
  canvas_board(view, face, x, z - 0.05f, size, 2.1f, 2.1f + size);
}

/* How far a point is from the segment a-b, squared. */
static float off_segment(float u, float v, const float a[2], const float b[2]) {
  float x = b[0] - a[0];
  float y = b[1] - a[1];
  float t = ((u - a[0]) * x + (v - a[1]) * y) / (x * x + y * y);
  t = t < 0.0f ? 0.0f : t > 1.0f ? 1.0f : t;
  x = a[0] + t * x - u;
  y = a[1] + t * y - v;
  return x * x + y * y;
}

/* A bicycle from the side: two wheels and a frame. */
static int bicycle(const scene_face *face, float u, float v, scene_texel *texel) {
  static const float frame[6][2][2] = {
      {{0.35f, 0.33f}, {0.65f, 0.8f}},  {{0.65f, 0.8f}, {1.2f, 0.82f}},
      {{0.35f, 0.33f}, {0.78f, 0.33f}}, {{0.78f, 0.33f}, {1.2f, 0.8f}},
      {{1.35f, 0.33f}, {1.18f, 1.0f}},  {{0.55f, 0.95f}, {0.75f, 0.95f}}};
  (void)face;
  for (int wheel = 0; wheel < 2; wheel++) {
    float x = u - (wheel ? 1.35f : 0.35f);
    float y = v - 0.33f;
    float r = x * x + y * y;
    if (r < 0.34f * 0.34f && r > 0.26f * 0.26f) {
      texel->rgb[0] = texel->rgb[1] = texel->rgb[2] = 0.02f;
      return 1;
    }
  }
  for (int i = 0; i < 6; i++) {
    if (off_segment(u, v, frame[i][0], frame[i][1]) < 0.0016f) {
      return 1;
    }
  }
  return 0;
}

static void bicycle_stand(const scene_view *view, uint32_t id, float x, float z) {
  uint32_t count = 1u + scene_hash(id, 1, 0) % 4u;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t one = scene_hash(id, 2, i);
    scene_face face = {.light = view->light_back, .id = one, .label = SCENE_BICYCLE};
    face.material = bicycle;
    for (uint32_t k = 0; k < 3; k++) {
      face.colour[k] = scene_range(one, 3u + k, 0.02f, 0.35f);
    }
    canvas_board(view, face, x, z + 0.7f * (float)i, 1.7f, 0.0f, 1.1f);
  }
}

void furniture_paint(const scene_view *view, enum street_side side, int32_t index, float z) {
  street_section section = street_at(view->seed, side, index);
  float sign = street_sign(side);
  if (section.crossing) {
    signal_mast(view, section.id, sign * 6.2f, z + (side == STREET_RIGHT ? 0.2f : CROSSING_CORNER),
                sign);
  }
  if ((index & 1) == (side == STREET_LEFT)) {
    street_lamp(view, sign * 6.3f, z + 16.0f, sign);
  }
  if (scene_range(section.id, 63, 0.0f, 1.0f) < 0.6f) {
    sign_post(view, scene_hash(section.id, 64, 0), sign * 6.2f,
              z + scene_range(section.id, 65, 13.0f, 23.0f));
  }
  if (scene_range(section.id, 66, 0.0f, 1.0f) < 0.35f) {
    bicycle_stand(view, scene_hash(section.id, 67, 0), sign * (section.walk - 0.9f),
                  z + scene_range(section.id, 68, 15.0f, 20.0f));
  }
}
