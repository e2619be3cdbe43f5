#include "scene/vehicles.h"
#include "scene/random.h"

typedef struct shape {
  float length, width, height;
  uint8_t label;
  scene_material *end, *side;
} shape;

static float absolute(float x) {
  return x < 0.0f ? -x : x;
}

static void grey(scene_texel *texel, float tone) {
  texel->rgb[0] = texel->rgb[1] = texel->rgb[2] = tone;
}

static void scale(scene_texel *texel, float factor) {
  for (int i = 0; i < 3; i++) {
    texel->rgb[i] *= factor;
  }
}

/* A face's phase: 0 the rear, 1 the front; 2 more: parked. */
static int is_front(const scene_face *face) {
  return face->phase == 1.0f || face->phase == 3.0f;
}

static int is_parked(const scene_face *face) {
  return face->phase >= 2.0f;
}

static void glass(const scene_face *face, float v, scene_texel *texel) {
  float tone = scene_range(face->id, 3, 0.03f, 0.10f) * (0.7f + 0.5f * v);
  texel->rgb[0] = tone * 0.9f;
  texel->rgb[1] = tone;
  texel->rgb[2] = tone * 1.1f;
}

static void end_light(const scene_face *face, scene_texel *texel) {
  if (is_front(face)) {
    grey(texel, 0.7f);
    texel->glow = is_parked(face) ? SCENE_GLOW_NONE : SCENE_GLOW_LAMP;
    return;
  }
  grey(texel, 0.03f);
  texel->rgb[0] = 0.45f;
  texel->glow = is_parked(face) ? SCENE_GLOW_NONE : SCENE_GLOW_TAIL;
}

static int car_end(const scene_face *face, float u, float v, scene_texel *texel) {
  float x = absolute(u - 0.89f);
  v += face->bottom;
  float half =
      v < 0.85f ? 0.89f - 0.1f * (v < 0.3f ? 0.3f - v : 0.0f) : 0.86f - (v - 0.85f) * 0.36f;
  if (v > 1.4f && x > 0.5f) {
    return 0;
  }
  if (v < 0.22f) {
    grey(texel, 0.012f);
    return x > 0.6f && x < 0.85f;
  }
  if (x > half) {
    return 0;
  }
  if (v > 0.93f && v < 1.38f && x < half - 0.09f) {
    glass(face, v, texel);
  } else if (v > 0.62f && v < 0.8f && x > 0.56f && x < 0.85f) {
    end_light(face, texel);
  } else if (v > 0.42f && v < 0.54f && x < 0.26f) {
    grey(texel, 0.6f);
  } else if (v < 0.4f || (is_front(face) && v > 0.56f && v < 0.7f && x < 0.5f)) {
    scale(texel, 0.3f);
  } else {
    scale(texel, 0.75f + 0.35f * v);
  }
  return 1;
}

/* The roof line at `s` metres from the front. */
static float car_roof(float s) {
  if (s < 1.1f) {
    return 0.78f + 0.14f * s;
  }
  if (s < 1.9f) {
    return 0.93f + (s - 1.1f) * 0.66f;
  }
  return s < 3.8f ? 1.46f : 1.46f - (s - 3.8f) * 0.9f;
}

static int is_wheel(float s, float v, float place, float radius, scene_texel *texel) {
  float x = s - place;
  float y = v - radius;
  float r = (x * x + y * y) / (radius * radius);
  if (r < 1.0f) {
    grey(texel, r < 0.4f ? 0.2f : 0.015f);
  }
  return r < 1.0f;
}

static int car_side(const scene_face *face, float u, float v, scene_texel *texel) {
  float s = is_front(face) ? u : 4.3f - u;
  float roof = car_roof(s);
  if (is_wheel(s, v, 0.85f, 0.32f, texel) || is_wheel(s, v, 3.4f, 0.32f, texel)) {
    return 1;
  }
  if (v > roof || v < 0.25f) {
    return 0;
  }
  int pillar = s > 2.55f && s < 2.65f;
  if (v > 0.93f && v < roof - 0.08f && s > 1.35f && s < 3.9f && !pillar) {
    glass(face, v, texel);
  } else {
    scale(texel, (v < 0.4f ? 0.5f : 0.8f + 0.25f * v));
    if ((s > 1.5f && s < 1.53f) || (s > 2.58f && s < 2.61f)) {
      scale(texel, 0.5f);
    }
  }
  return 1;
}

static int truck_end(const scene_face *face, float u, float v, scene_texel *texel) {
  float x = absolute(u - 1.2f);
  if (v < 0.45f) {
    grey(texel, 0.012f);
    return x > 0.6f && x < 1.1f;
  }
  if (v < 0.95f) {
    grey(texel, 0.03f);
    if (x > 0.85f && v > 0.65f && v < 0.85f) {
      end_light(face, texel);
    }
  } else if (is_front(face)) {
    if (v > 1.5f && v < 2.3f && x < 1.05f) {
      glass(face, v * 0.5f, texel);
    } else if (v > 2.6f) {
      grey(texel, 0.5f);
    }
  } else if (x < 0.03f || x > 1.15f || v > 3.15f) {
    scale(texel, 0.5f);
  }
  return 1;
}

static int truck_side(const scene_face *face, float u, float v, scene_texel *texel) {
  float s = is_front(face) ? u : 7.5f - u;
  if (is_wheel(s, v, 1.1f, 0.48f, texel) || is_wheel(s, v, 5.4f, 0.48f, texel) ||
      is_wheel(s, v, 6.5f, 0.48f, texel)) {
    return 1;
  }
  if (v < 0.5f || (s < 1.9f && v > 2.6f)) {
    return 0;
  }
  if (v < 0.95f) {
    grey(texel, 0.03f);
  } else if (s < 1.9f) {
    if (v > 1.5f && v < 2.2f && s > 0.5f && s < 1.4f) {
      glass(face, v * 0.5f, texel);
    }
  } else if (s < 2.1f) {
    grey(texel, 0.02f);
  } else if (v > 1.6f && v < 2.4f && s > 3.0f && s < 6.5f) {
    grey(texel, scene_range(face->id, 8, 0.1f, 0.7f));
  }
  return 1;
}

static int bus_end(const scene_face *face, float u, float v, scene_texel *texel) {
  float x = absolute(u - 1.25f);
  if (v < 0.35f) {
    grey(texel, 0.012f);
    return x > 0.7f && x < 1.15f;
  }
  if (v > 1.1f && v < (is_front(face) ? 2.4f : 2.2f) && x < 1.1f) {
    glass(face, v * 0.5f, texel);
  } else if (v > 2.5f && v < 2.8f && x < 0.9f) {
    grey(texel, 0.02f);
    if (scene_noise(face->id, u * 9.0f, v * 6.0f) > 0.6f) {
      texel->rgb[0] = 0.8f;
      texel->rgb[1] = 0.45f;
      texel->glow = SCENE_GLOW_WINDOW;
    }
  } else if (v > 0.65f && v < 0.85f && x > 0.85f) {
    end_light(face, texel);
  }
  return 1;
}

static int bus_side(const scene_face *face, float u, float v, scene_texel *texel) {
  float s = is_front(face) ? u : 11.0f - u;
  if (is_wheel(s, v, 2.6f, 0.48f, texel) || is_wheel(s, v, 8.2f, 0.48f, texel)) {
    return 1;
  }
  if (v < 0.35f) {
    return 0;
  }
  if (v > 1.15f && v < 2.3f && scene_modulo(s, 1.5f) > 0.1f) {
    glass(face, v * 0.5f, texel);
    if (scene_range(face->id, 9, 0.0f, 1.0f) < 0.7f) {
      texel->glow = SCENE_GLOW_WINDOW;
    }
  } else if (v > 0.8f && v < 0.95f) {
    grey(texel, 0.6f);
  }
  return 1;
}

static const shape shapes[] = {
    [VEHICLE_CAR] = {4.3f, 1.78f, 1.47f, SCENE_CAR, car_end, car_side},
    [VEHICLE_TRUCK] = {7.5f, 2.4f, 3.3f, SCENE_TRUCK, truck_end, truck_side},
    [VEHICLE_BUS] = {11.0f, 2.5f, 3.0f, SCENE_BUS, bus_end, bus_side},
};

float vehicle_length(enum vehicle_kind kind) {
  return shapes[kind].length;
}

float vehicle_width(enum vehicle_kind kind) {
  return shapes[kind].width;
}

static void body_colour(const vehicle *one, float colour[3]) {
  static const float cars[10][3] = {
      {0.02f, 0.02f, 0.022f}, {0.30f, 0.31f, 0.32f}, {0.62f, 0.62f, 0.61f}, {0.10f, 0.105f, 0.11f},
      {0.35f, 0.03f, 0.03f},  {0.03f, 0.07f, 0.24f}, {0.16f, 0.17f, 0.18f}, {0.62f, 0.62f, 0.61f},
      {0.05f, 0.12f, 0.07f},  {0.38f, 0.30f, 0.18f}};
  static const float buses[3][3] = {
      {0.55f, 0.42f, 0.06f}, {0.45f, 0.04f, 0.05f}, {0.50f, 0.52f, 0.53f}};
  static const float trucks[3][3] = {
      {0.60f, 0.60f, 0.60f}, {0.10f, 0.18f, 0.40f}, {0.42f, 0.25f, 0.10f}};
  uint32_t draw = scene_hash(one->id, 1, 0);
  const float *base = one->kind == VEHICLE_CAR   ? cars[draw % 10u]
                      : one->kind == VEHICLE_BUS ? buses[draw % 3u]
                                                 : trucks[draw % 3u];
  for (int i = 0; i < 3; i++) {
    colour[i] = base[i] * scene_range(one->id, 2, 0.8f, 1.2f);
  }
}

static void paint_ends(const scene_view *view, const vehicle *one, scene_face face) {
  const shape *form = &shapes[one->kind];
  face.light = view->light_back;
  face.material = form->end;
  if (one->kind != VEHICLE_CAR) {
    canvas_board(view, face, one->x, one->z, form->width, 0.0f, form->height);
    return;
  }
  /* The cabin stands back from the bumper; what shows between them is the bonnet or the boot. */
  canvas_board(view, face, one->x, one->z, form->width, 0.0f, 0.92f);
  float back = one->oncoming ? 1.4f : 0.4f;
  canvas_board(view, face, one->x, one->z + back, form->width, 0.85f, form->height);
  face.bottom = 0.0f;
  canvas_board(view, face, one->x, one->z + back * 0.6f, form->width - 0.1f, 0.8f, 0.93f);
}

void vehicle_paint(const scene_view *view, const vehicle *one) {
  const shape *form = &shapes[one->kind];
  scene_face face = {.id = one->id,
                     .label = form->label,
                     .phase = (one->oncoming ? 1.0f : 0.0f) + (one->parked ? 2.0f : 0.0f),
                     .z0 = one->z,
                     .z1 = one->z + form->length,
                     .top = form->height,
                     .material = form->side};
  body_colour(one, face.colour);
  float half = form->width * 0.5f;
  int seen_from_left = one->x > view->x;
  face.x0 = face.x1 = one->x + (seen_from_left ? -half : half);
  face.light = seen_from_left ? view->light_left : view->light_right;
  canvas_face(view, &face);
  paint_ends(view, one, face);
}
