#include "scene/random.h"
#include "scene/street.h"

#include <math.h>

static void put(const scene_view *view, int pixel, float depth, const float rgb[3], uint8_t label) {
  for (int i = 0; i < 3; i++) {
    view->frame->light[i][pixel] = rgb[i];
  }
  view->frame->depth[pixel] = depth;
  view->frame->glow[pixel] = SCENE_GLOW_NONE;
  view->frame->labels[pixel] = label;
}

static void sky_pixel(const scene_view *view, int row, int column, float shift) {
  static const float zenith[3] = {0.16f, 0.33f, 0.72f};
  static const float cloud[3] = {0.80f, 0.80f, 0.82f};
  float up = (view->horizon - (float)row) / 110.0f;
  up = up < 0.0f ? 0.0f : up > 1.0f ? 1.0f : up;
  float x = ((float)column - shift) * 0.012f / (0.35f + up) + (float)view->time * 0.01f;
  float y = 2.2f / (0.25f + up);
  float cover = 0.65f * scene_noise(view->seed ^ 0x51u, x, y) +
                0.35f * scene_noise(view->seed ^ 0x52u, x * 2.7f, y * 2.7f);
  float white = (cover - 0.62f + 0.5f * view->clouds) * 4.0f;
  white = white < 0.0f ? 0.0f : white > 1.0f ? 1.0f : white;
  float haze = (1.0f - up) * (1.0f - up);
  float rgb[3];
  for (int i = 0; i < 3; i++) {
    float clear = zenith[i] + (0.78f - zenith[i]) * haze;
    rgb[i] = clear + (cloud[i] * (0.75f + 0.25f * cover) - clear) * white;
  }
  put(view, row * SCENE_WIDTH + column, CANVAS_SKY, rgb, SCENE_SKY);
}

/* Far hills with trees, and far houses: what closes the street's end. */
static void skyline_column(const scene_view *view, int column, float shift) {
  static const float green[3] = {0.10f, 0.15f, 0.09f};
  static const float stone[3] = {0.30f, 0.29f, 0.29f};
  float x = ((float)column - shift) * 0.02f;
  float trees = 5.0f + 14.0f * scene_noise(view->seed ^ 0x61u, x, 0.5f) +
                4.0f * scene_noise(view->seed ^ 0x62u, x * 9.0f, 0.5f);
  uint32_t house = scene_hash(view->seed, 0x63u, (uint32_t)scene_floor(x * 1.7f));
  float roof = scene_unit(house) < 0.4f ? 6.0f + 16.0f * scene_range(house, 1, 0.0f, 1.0f) : 0.0f;
  float top = trees > roof ? trees : roof;
  int first = (int)(view->horizon - top);
  for (int row = first < 0 ? 0 : first; row < (int)view->horizon + 1; row++) {
    int is_house = view->horizon - (float)row <= roof && roof > trees - 4.0f;
    const float *colour = is_house ? stone : green;
    float grain = 0.8f + 0.4f * scene_noise(view->seed ^ 0x64u, x * 25.0f, (float)row * 0.5f);
    float rgb[3];
    for (int i = 0; i < 3; i++) {
      rgb[i] = colour[i] * grain * (is_house ? scene_range(house, 2, 0.7f, 1.3f) : 1.0f);
    }
    put(view, row * SCENE_WIDTH + column, 260.0f, rgb,
        is_house ? SCENE_BUILDING : SCENE_VEGETATION);
  }
}

/* What lies at one point of the ground. */
typedef struct ground_point {
  float x, z;  /* from the middle of the road; along the street, absolute modulo 4096 m */
  float local; /* metres from the section's start */
  float depth; /* from the camera */
  const street_section *section;
} ground_point;

static void asphalt(const scene_view *view, const ground_point *at, float rgb[3]) {
  float tone = 0.085f + 0.03f * scene_range(view->seed, 90, 0.0f, 1.0f);
  float patch = scene_noise(view->seed ^ 0x71u, at->x * 0.35f, at->z * 0.11f);
  float grain = scene_noise(view->seed ^ 0x72u, at->x * 9.0f, at->z * 5.0f);
  float track = scene_modulo(at->x + 3.5f, 3.5f) - 1.75f;
  track = track < 0.0f ? -track : track;
  float wear = track > 0.5f && track < 1.1f ? 1.12f : 1.0f;
  float lit = tone * (0.75f + 0.4f * patch + 0.25f * grain) * wear;
  rgb[0] = lit * 1.02f;
  rgb[1] = lit;
  rgb[2] = lit * 1.03f;
}

static int is_marking(const ground_point *at) {
  float a = at->x < 0.0f ? -at->x : at->x;
  int crossing = at->section->crossing && at->local < CROSSING_CORNER;
  if (crossing) {
    int zebra = at->local < CROSSING_ZEBRA && at->local > 0.3f && a < STREET_KERB - 0.3f;
    int stop = at->local < CROSSING_END + 0.5f && at->local > CROSSING_END && at->x < -0.1f &&
               at->x > -STREET_LANE;
    return stop || (zebra && scene_modulo(at->x + 60.0f, 1.0f) < 0.5f);
  }
  int dash = a < 0.09f && scene_modulo(at->z, 8.0f) < 4.0f;
  int edge = a > STREET_LANE - 0.06f && a < STREET_LANE + 0.08f;
  return dash || edge;
}

static void paving(const scene_view *view, const ground_point *at, float rgb[3]) {
  float a = at->x < 0.0f ? -at->x : at->x;
  float tone = scene_range(view->seed, 91, 0.15f, 0.24f);
  float grain = scene_noise(view->seed ^ 0x73u, at->x * 7.0f, at->z * 4.0f);
  float stain = scene_noise(view->seed ^ 0x74u, at->x * 0.8f, at->z * 0.3f);
  int32_t i = scene_floor(at->x / 0.6f);
  int32_t j = scene_floor(at->z / 0.6f);
  float slab = scene_unit(scene_hash(view->seed ^ 0x75u, (uint32_t)i, (uint32_t)j));
  int joint = at->depth < 25.0f &&
              (scene_modulo(at->x + 60.0f, 0.6f) < 0.03f || scene_modulo(at->z, 0.6f) < 0.05f);
  float lit = tone * (0.72f + 0.2f * grain + 0.2f * stain + 0.12f * slab) * (joint ? 0.6f : 1.0f);
  if (a < STREET_KERB + 0.18f) {
    lit = 0.27f;
  }
  rgb[0] = lit * 1.06f;
  rgb[1] = lit * 1.01f;
  rgb[2] = lit * 0.95f;
}

static void grass(const scene_view *view, const ground_point *at, float rgb[3]) {
  float dry = scene_noise(view->seed ^ 0x76u, at->x * 0.3f, at->z * 0.2f);
  float blade = scene_noise(view->seed ^ 0x77u, at->x * 8.0f, at->z * 3.0f);
  float lit = 0.7f + 0.6f * blade;
  rgb[0] = (0.09f + 0.12f * dry * dry) * lit;
  rgb[1] = (0.16f + 0.03f * dry) * lit;
  rgb[2] = (0.045f + 0.03f * dry) * lit;
}

static uint8_t ground_class(const ground_point *at) {
  float a = at->x < 0.0f ? -at->x : at->x;
  int side_street =
      at->section->crossing && at->local >= CROSSING_ZEBRA && at->local < CROSSING_END;
  if (a < STREET_KERB || (side_street && a < 45.0f)) {
    return SCENE_ROAD;
  }
  int corner = at->section->crossing && at->local < CROSSING_CORNER && a < 45.0f;
  return a < at->section->walk || corner ? SCENE_SIDEWALK : SCENE_TERRAIN;
}

static void ground_pixel(const scene_view *view, const ground_point *at, int pixel) {
  static const float paint[3] = {0.55f, 0.55f, 0.53f};
  float rgb[3];
  uint8_t label = ground_class(at);
  if (label == SCENE_SIDEWALK) {
    paving(view, at, rgb);
  } else if (label == SCENE_TERRAIN) {
    grass(view, at, rgb);
  } else {
    asphalt(view, at, rgb);
    if (is_marking(at)) {
      float worn = 0.6f + 0.5f * scene_noise(view->seed ^ 0x78u, at->x * 6.0f, at->z * 2.0f);
      for (int i = 0; i < 3; i++) {
        rgb[i] = paint[i] * worn;
      }
    }
  }
  int sun_left = view->light_left > view->light_right;
  if (at->section->reach > 0.0f && (at->x < 0.0f) == sun_left) {
    float a = at->x < 0.0f ? -at->x : at->x;
    int shaded = at->section->frontage - a < at->section->reach;
    for (int i = 0; i < 3 && shaded; i++) {
      rgb[i] *= view->shadow;
    }
  }
  put(view, pixel, at->depth, rgb, label);
}

static void ground_row(const scene_view *view, int row) {
  float depth = CANVAS_FOCAL * view->height / ((float)row + 0.5f - view->horizon);
  depth = depth > 600.0f ? 600.0f : depth;
  double z = view->z + (double)depth;
  int32_t index = (int32_t)floor(z / (double)STREET_SECTION);
  street_section sections[STREET_SIDES] = {street_at(view->seed, STREET_LEFT, index),
                                           street_at(view->seed, STREET_RIGHT, index)};
  ground_point at = {.z = (float)fmod(z, 4096.0),
                     .local = (float)(z - (double)index * (double)STREET_SECTION),
                     .depth = depth};
  for (int column = 0; column < SCENE_WIDTH; column++) {
    at.x = ((float)column + 0.5f - (float)SCENE_WIDTH * 0.5f) * depth / CANVAS_FOCAL + view->x -
           view->bend * depth * depth;
    at.section = &sections[at.x < 0.0f ? STREET_LEFT : STREET_RIGHT];
    ground_pixel(view, &at, row * SCENE_WIDTH + column);
  }
}

void backdrop_paint(const scene_view *view) {
  /* The street's far end turns with the bend, and the sky with it. */
  float shift = view->bend * 200.0f * CANVAS_FOCAL;
  for (int row = 0; row < SCENE_HEIGHT; row++) {
    if ((float)row + 0.5f > view->horizon + 0.5f) {
      ground_row(view, row);
      continue;
    }
    for (int column = 0; column < SCENE_WIDTH; column++) {
      sky_pixel(view, row, column, shift);
    }
  }
  for (int column = 0; column < SCENE_WIDTH; column++) {
    skyline_column(view, column, shift);
  }
}
