#include "scene/random.h"
#include "scene/street.h"

static void tint(scene_texel *texel, float red, float green, float blue) {
  texel->rgb[0] = red;
  texel->rgb[1] = green;
  texel->rgb[2] = blue;
}

static void scale(scene_texel *texel, float factor) {
  for (int i = 0; i < 3; i++) {
    texel->rgb[i] *= factor;
  }
}

/* Glass shows the sky in some windows, a dark room in others; some rooms are lit at night. */
static void glass(uint32_t window, float v, scene_texel *texel) {
  float bright = scene_unit(window) < 0.3f ? 0.30f : 0.05f;
  bright *= 0.8f + 0.4f * scene_range(window, 1, 0.0f, 1.0f) + 0.1f * v;
  tint(texel, bright * 0.85f, bright * 0.95f, bright * 1.1f);
  if (scene_range(window, 2, 0.0f, 1.0f) < 0.35f) {
    texel->glow = SCENE_GLOW_WINDOW;
  }
}

static int shop_front(const scene_face *face, float u, float v, scene_texel *texel) {
  float pitch = scene_range(face->id, 13, 3.5f, 5.5f);
  float s = scene_modulo(u, pitch);
  uint32_t shop = scene_hash(face->id, 14, (uint32_t)scene_floor(u / pitch));
  if (v > 2.7f) {
    tint(texel, scene_range(shop, 1, 0.05f, 0.6f), scene_range(shop, 2, 0.05f, 0.5f),
         scene_range(shop, 3, 0.05f, 0.5f));
  } else if (s > 0.4f && s < pitch - 0.4f && v > 0.5f) {
    glass(shop, v, texel);
  } else {
    scale(texel, 0.6f);
  }
  return 1;
}

/* A house: storeys with windows, perhaps shops below, a cornice above. */
static int facade(const scene_face *face, float u, float v, scene_texel *texel) {
  float grain = scene_noise(face->id, u * 3.0f, v * 9.0f);
  float stain = scene_noise(face->id ^ 0x5u, u * 0.3f, v * 0.25f);
  scale(texel, 0.75f + 0.25f * grain + 0.25f * stain);
  float storey = scene_range(face->id, 10, 2.9f, 3.6f);
  float pitch = scene_range(face->id, 11, 1.9f, 3.4f);
  float height = face->top - face->bottom;
  if (v > height - 0.5f) {
    scale(texel, 0.7f);
    return 1;
  }
  int has_shops = scene_range(face->id, 12, 0.0f, 1.0f) < 0.4f && height > 7.0f;
  if (has_shops && v < 3.3f) {
    return shop_front(face, u, v, texel);
  }
  float s = scene_modulo(u, pitch) / pitch;
  float t = scene_modulo(v, storey) / storey;
  float wide = scene_range(face->id, 15, 0.2f, 0.36f);
  float ledge = 0.28f;
  if (s > 0.5f - wide && s < 0.5f + wide && t > ledge && t < 0.8f && v < height - 0.8f) {
    uint32_t window = scene_hash(face->id ^ 0x77u, (uint32_t)scene_floor(u / pitch),
                                 (uint32_t)scene_floor(v / storey));
    int frame = s < 0.53f - wide || s > 0.47f + wide || t < ledge + 0.03f || t > 0.77f ||
                (s > 0.49f && s < 0.51f);
    if (frame) {
      scale(texel, 1.25f);
    } else {
      glass(window, v, texel);
    }
  } else if (t > ledge - 0.03f && t <= ledge && s > 0.45f - wide && s < 0.55f + wide) {
    scale(texel, 1.2f);
  }
  return 1;
}

static int masonry(const scene_face *face, float u, float v, scene_texel *texel) {
  int32_t course = scene_floor(v / 0.25f);
  float shifted = u + ((course & 1) ? 0.3f : 0.0f);
  uint32_t stone = scene_hash(face->id, (uint32_t)scene_floor(shifted / 0.6f), (uint32_t)course);
  float grain = scene_noise(face->id, u * 12.0f, v * 12.0f);
  int joint = scene_modulo(v, 0.25f) < 0.025f || scene_modulo(shifted, 0.6f) < 0.025f;
  scale(texel, (0.7f + 0.25f * scene_unit(stone) + 0.2f * grain) * (joint ? 0.7f : 1.0f));
  return 1;
}

/* Planks or bars with dark gaps. As in Cityscapes, what is seen through a fence is fence. */
static int planks(const scene_face *face, float u, float v, scene_texel *texel) {
  float pitch = scene_range(face->id, 1, 0.12f, 0.3f);
  float filled = scene_range(face->id, 2, 0.35f, 0.85f);
  float height = face->top - face->bottom;
  int rail = (v > 0.2f && v < 0.3f) || (v > height - 0.2f && v < height - 0.1f);
  uint32_t plank = scene_hash(face->id, (uint32_t)scene_floor(u / pitch), 3u);
  if (scene_modulo(u, pitch) < pitch * filled || rail) {
    scale(texel, 0.8f + 0.3f * scene_unit(plank));
  } else {
    tint(texel, 0.035f, 0.045f, 0.03f);
  }
  return 1;
}

static void paint_colours(uint32_t id, float colour[3]) {
  static const float palette[8][3] = {
      {0.42f, 0.36f, 0.26f}, {0.24f, 0.11f, 0.08f}, {0.33f, 0.32f, 0.31f}, {0.55f, 0.53f, 0.48f},
      {0.40f, 0.27f, 0.14f}, {0.20f, 0.19f, 0.19f}, {0.34f, 0.19f, 0.15f}, {0.30f, 0.34f, 0.38f}};
  const float *base = palette[scene_hash(id, 16, 0) % 8u];
  float bright = scene_range(id, 17, 0.75f, 1.2f);
  for (int i = 0; i < 3; i++) {
    colour[i] = base[i] * bright;
  }
}

/* A house of `depth` metres on the z-range [near, far]: its front and the end the camera sees. */
static void house(const scene_view *view, enum street_side side, uint32_t id, float frontage,
                  float near, float far, float height) {
  float sign = street_sign(side);
  scene_face face = {.x0 = sign * frontage,
                     .z0 = near,
                     .x1 = sign * frontage,
                     .z1 = far,
                     .top = height,
                     .light = side == STREET_LEFT ? view->light_right : view->light_left,
                     .id = id,
                     .label = SCENE_BUILDING,
                     .material = facade};
  paint_colours(id, face.colour);
  canvas_face(view, &face);
  face.x1 = sign * (frontage + 12.0f);
  face.z1 = near;
  face.light = view->light_back;
  canvas_face(view, &face);
}

static void city(const scene_view *view, enum street_side side, const street_section *section,
                 float z, float begin) {
  float split = scene_range(section->id, 3, 0.35f, 1.4f);
  float middle = split < 0.75f ? begin + (STREET_SECTION - begin) * split : STREET_SECTION;
  uint32_t first = scene_hash(section->id, 4, 0);
  uint32_t second = scene_hash(section->id, 4, 1);
  house(view, side, first, section->frontage, z + begin, z + middle,
        scene_range(first, 5, 7.0f, 20.0f));
  if (middle < STREET_SECTION) {
    house(view, side, second, section->frontage, z + middle, z + STREET_SECTION,
          scene_range(second, 5, 7.0f, 20.0f));
  }
}

/* A wall or a fence along the sidewalk, open where a path leads in. */
static void enclosure(const scene_view *view, enum street_side side, const street_section *section,
                      float z, float begin) {
  uint32_t id = scene_hash(section->id, 6, 0);
  int is_wall = scene_range(id, 7, 0.0f, 1.0f) < 0.45f;
  float sign = street_sign(side);
  float gate = scene_range(id, 8, 4.0f, 18.0f);
  scene_face face = {.x0 = sign * (section->walk + 0.05f),
                     .x1 = sign * (section->walk + 0.05f),
                     .top =
                         is_wall ? scene_range(id, 9, 0.8f, 2.2f) : scene_range(id, 9, 0.9f, 1.7f),
                     .light = side == STREET_LEFT ? view->light_right : view->light_left,
                     .id = id,
                     .label = is_wall ? SCENE_WALL : SCENE_FENCE,
                     .material = is_wall ? masonry : planks};
  static const float stone[3] = {0.30f, 0.28f, 0.25f};
  static const float paints[4][3] = {
      {0.22f, 0.13f, 0.07f}, {0.50f, 0.50f, 0.48f}, {0.06f, 0.09f, 0.07f}, {0.12f, 0.12f, 0.13f}};
  const float *paint = is_wall ? stone : paints[scene_hash(id, 10, 0) % 4u];
  for (int i = 0; i < 3; i++) {
    face.colour[i] = paint[i] * scene_range(id, 11, 0.8f, 1.2f);
  }
  face.z0 = z + begin;
  face.z1 = z + gate;
  if (gate > begin) {
    canvas_face(view, &face);
  }
  face.z0 = z + (gate + 3.0f > begin ? gate + 3.0f : begin);
  face.z1 = z + STREET_SECTION;
  canvas_face(view, &face);
}

void buildings_paint(const scene_view *view, enum street_side side, int32_t index, float z) {
  street_section section = street_at(view->seed, side, index);
  float begin = section.crossing ? CROSSING_CORNER : 0.0f;
  if (section.kind == STREET_CITY) {
    city(view, side, &section, z, begin);
    return;
  }
  if (section.kind == STREET_GARDENS) {
    float near = z + begin + scene_range(section.id, 3, 1.0f, 4.0f);
    float far = z + STREET_SECTION - scene_range(section.id, 4, 1.0f, 4.0f);
    uint32_t id = scene_hash(section.id, 5, 0);
    house(view, side, id, section.frontage, near, far, scene_range(id, 5, 5.5f, 10.0f));
  }
  if (scene_range(section.id, 12, 0.0f, 1.0f) < (section.kind == STREET_PARK ? 0.35f : 0.85f)) {
    enclosure(view, side, &section, z, begin);
  }
}
