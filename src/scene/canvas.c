#include "scene/canvas.h"

static int clamp_int(int value, int low, int high) {
  return value < low ? low : value > high ? high : value;
}

/* The first pixel whose centre is at or beyond `edge`, within 0..limit. */
static int first_pixel(float edge, int limit) {
  if (edge <= 0.0f) {
    return 0;
  }
  if (edge >= (float)limit) {
    return limit;
  }
  int pixel = (int)(edge + 0.5f);
  return clamp_int(pixel, 0, limit);
}

float canvas_column(const scene_view *view, float x, float z) {
  return (float)SCENE_WIDTH * 0.5f + CANVAS_FOCAL * (x - view->x + view->bend * z * z) / z;
}

static void put(scene_frame *frame, int pixel, float depth, float light, const scene_texel *texel) {
  for (int i = 0; i < 3; i++) {
    frame->light[i][pixel] = texel->rgb[i] * light;
  }
  frame->depth[pixel] = depth;
  frame->glow[pixel] = texel->glow;
  frame->labels[pixel] = texel->label;
}

/* One column of a face: its distance `z` and place `u` along the face are the same all the way
 * down. */
static void face_column(const scene_view *view, const scene_face *face, int column, float z,
                        float u) {
  float scale = CANVAS_FOCAL / z;
  int row = first_pixel(view->horizon + (view->height - face->top) * scale, SCENE_HEIGHT);
  int end = first_pixel(view->horizon + (view->height - face->bottom) * scale, SCENE_HEIGHT);
  for (; row < end; row++) {
    int pixel = row * SCENE_WIDTH + column;
    if (z >= view->frame->depth[pixel]) {
      continue;
    }
    float v = view->height - ((float)row + 0.5f - view->horizon) / scale - face->bottom;
    scene_texel texel = {{face->colour[0], face->colour[1], face->colour[2]}, face->label, 0};
    if (face->material(face, u, v, &texel)) {
      put(view->frame, pixel, z, face->light, &texel);
    }
  }
}

void canvas_face(const scene_view *view, const scene_face *face) {
  float x0 = face->x0;
  float z0 = face->z0;
  float x1 = face->x1;
  float z1 = face->z1;
  float across = x1 - x0;
  float along = z1 - z0;
  float length = __builtin_sqrtf(across * across + along * along);
  float u0 = 0.0f;
  float u1 = length;
  if ((z0 < CANVAS_NEAR && z1 < CANVAS_NEAR) || (z0 > CANVAS_FAR && z1 > CANVAS_FAR)) {
    return;
  }
  if (z0 < CANVAS_NEAR) {
    float t = (CANVAS_NEAR - z0) / along;
    x0 += across * t;
    u0 = length * t;
    z0 = CANVAS_NEAR;
  } else if (z1 < CANVAS_NEAR) {
    float t = (CANVAS_NEAR - z0) / along;
    x1 = x0 + across * t;
    u1 = length * t;
    z1 = CANVAS_NEAR;
  }
  float left = canvas_column(view, x0, z0);
  float right = canvas_column(view, x1, z1);
  float near_left = 1.0f / z0;
  float near_right = 1.0f / z1;
  if (left > right) {
    float swap = left;
    left = right;
    right = swap;
    swap = near_left;
    near_left = near_right;
    near_right = swap;
    swap = u0;
    u0 = u1;
    u1 = swap;
  }
  int end = first_pixel(right, SCENE_WIDTH);
  for (int column = first_pixel(left, SCENE_WIDTH); column < end; column++) {
    /* 1/z and u/z are linear on the screen, z and u are not. */
    float t = ((float)column + 0.5f - left) / (right - left);
    float inverse = near_left + (near_right - near_left) * t;
    float over = u0 * near_left + (u1 * near_right - u0 * near_left) * t;
    face_column(view, face, column, 1.0f / inverse, over / inverse);
  }
}

void canvas_board(const scene_view *view, scene_face face, float x, float z, float width,
                  float bottom, float top) {
  face.x0 = x - width * 0.5f;
  face.x1 = x + width * 0.5f;
  face.z0 = z;
  face.z1 = z;
  face.bottom = bottom;
  face.top = top;
  canvas_face(view, &face);
}

void canvas_shadow(const scene_view *view, float x, float z, float half_width, float half_length) {
  float nearest = z - half_length;
  float farthest = z + half_length;
  if (farthest <= CANVAS_NEAR || nearest > CANVAS_FAR) {
    return;
  }
  nearest = nearest < CANVAS_NEAR ? CANVAS_NEAR : nearest;
  float ground = CANVAS_FOCAL * view->height;
  int row = first_pixel(view->horizon + ground / farthest, SCENE_HEIGHT);
  int end = first_pixel(view->horizon + ground / nearest, SCENE_HEIGHT);
  for (; row < end; row++) {
    float depth = ground / ((float)row + 0.5f - view->horizon);
    float t = (depth - z) / half_length;
    float half = t * t < 1.0f ? half_width * __builtin_sqrtf(1.0f - t * t) : 0.0f;
    int last = first_pixel(canvas_column(view, x + half, depth), SCENE_WIDTH);
    for (int column = first_pixel(canvas_column(view, x - half, depth), SCENE_WIDTH); column < last;
         column++) {
      for (int i = 0; i < 3; i++) {
        view->frame->light[i][row * SCENE_WIDTH + column] *= view->shadow;
      }
    }
  }
}
