/* Trees and hedges. */
#include "scene/random.h"
#include "scene/street.h"

static int bark(const scene_face *face, float u, float v, scene_texel *texel) {
  float lit = 0.7f + 0.6f * scene_noise(face->id ^ 4u, u * 20.0f, v * 3.0f);
  for (int i = 0; i < 3; i++) {
    texel->rgb[i] *= lit;
  }
  return 1;
}

static int foliage(const scene_face *face, float u, float v, scene_texel *texel) {
  float half = (face->top - face->bottom) * 0.5f;
  float x = (u - half * 0.9f) / (half * 0.9f);
  float y = (v - half) / half;
  float edge = 0.55f + 0.6f * scene_noise(face->id, u * 1.3f, v * 1.3f) +
               0.25f * scene_noise(face->id ^ 1u, u * 5.0f, v * 5.0f);
  if (x * x + y * y > edge) {
    return 0;
  }
  float leaves = scene_noise(face->id ^ 2u, u * 6.0f, v * 6.0f);
  float clump = scene_noise(face->id ^ 3u, u * 1.6f, v * 1.6f);
  float lit = 0.35f + 0.5f * leaves + 0.5f * clump + 0.25f * y;
  for (int i = 0; i < 3; i++) {
    texel->rgb[i] *= lit;
  }
  return 1;
}

static int hedge(const scene_face *face, float u, float v, scene_texel *texel) {
  float height = face->top - face->bottom;
  if (v > height * (0.75f + 0.3f * scene_noise(face->id, u * 0.7f, 0.0f) +
                    0.1f * scene_noise(face->id, u * 4.0f, 5.0f))) {
    return 0;
  }
  float lit = 0.4f + 0.5f * scene_noise(face->id ^ 2u, u * 6.0f, v * 6.0f) +
              0.4f * scene_noise(face->id ^ 3u, u * 1.2f, v * 1.2f);
  for (int i = 0; i < 3; i++) {
    texel->rgb[i] *= lit;
  }
  return 1;
}

static void leaf_colour(uint32_t id, float colour[3]) {
  float dry = scene_range(id, 31, 0.0f, 1.0f);
  colour[0] = 0.07f + 0.10f * dry * dry;
  colour[1] = 0.15f + 0.03f * dry;
  colour[2] = 0.04f;
}

static void tree(const scene_view *view, uint32_t id, float x, float z) {
  scene_face face = {.light = view->light_back, .id = id, .label = SCENE_VEGETATION};
  float radius = scene_range(id, 1, 1.4f, 2.9f);
  float trunk = scene_range(id, 2, 2.0f, 3.0f);
  face.material = bark;
  face.colour[0] = 0.085f;
  face.colour[1] = 0.065f;
  face.colour[2] = 0.05f;
  canvas_board(view, face, x, z, scene_range(id, 3, 0.2f, 0.4f), 0.0f, trunk + radius * 0.5f);
  face.material = foliage;
  leaf_colour(id, face.colour);
  canvas_board(view, face, x, z - 0.3f, radius * 1.8f, trunk - 0.2f, trunk - 0.2f + radius * 2.0f);
}

/* Rows of trees behind the sidewalk, and a thicket that closes a park. */
static void greenery(const scene_view *view, enum street_side side, const street_section *section,
                     float z, float begin) {
  float sign = street_sign(side);
  float reach = section->kind == STREET_PARK ? 16.0f : section->frontage - section->walk - 1.5f;
  uint32_t count = section->kind == STREET_PARK ? 6u : 2u;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t id = scene_hash(section->id, 51, i);
    tree(view, id, sign * (section->walk + 1.2f + scene_range(id, 5, 0.0f, reach)),
         z + scene_range(id, 6, begin, STREET_SECTION));
  }
  scene_face face = {.z0 = z + begin,
                     .z1 = z + STREET_SECTION,
                     .light = side == STREET_LEFT ? view->light_right : view->light_left,
                     .id = section->id,
                     .label = SCENE_VEGETATION,
                     .material = hedge};
  leaf_colour(section->id, face.colour);
  float x = section->walk + (section->kind == STREET_PARK ? 20.0f : 0.8f);
  int has_hedge = section->kind == STREET_PARK || scene_range(section->id, 53, 0.0f, 1.0f) < 0.5f;
  face.x0 = face.x1 = sign * x;
  face.top = section->kind == STREET_PARK ? scene_range(section->id, 54, 4.0f, 9.0f)
                                          : scene_range(section->id, 54, 1.2f, 2.4f);
  if (has_hedge) {
    canvas_face(view, &face);
  }
}

void plants_paint(const scene_view *view, enum street_side side, int32_t index, float z) {
  street_section section = street_at(view->seed, side, index);
  if (section.kind != STREET_CITY) {
    greenery(view, side, &section, z, section.crossing ? CROSSING_CORNER : 0.0f);
  }
  if (scene_range(section.id, 61, 0.0f, 1.0f) < 0.45f) { /* along the kerb */
    for (uint32_t i = 0; i < 2; i++) {
      tree(view, scene_hash(section.id, 62, i), street_sign(side) * 6.7f,
           z + 17.0f + 5.0f * (float)i);
    }
  }
}
