/* Painting in perspective with a depth test: upright faces, marks on the ground.
 *
 * The street's coordinates, in metres: x to the right of the middle of the road, height above
 * the road, z along the road from the camera. The road bends by shifting x with z squared. */
#ifndef SCENE_CANVAS_H
#define SCENE_CANVAS_H

#include "scene/scene.h"

#define CANVAS_FOCAL 430.0f  /* pixels */
#define CANVAS_NEAR  0.6f    /* metres; nothing nearer is painted */
#define CANVAS_FAR   170.0f  /* metres; nothing upright beyond */
#define CANVAS_SKY   1000.0f /* depth of the sky */

/* Where the camera is and what light there is, in one picture. */
typedef struct scene_view {
  scene_frame *frame;
  uint32_t seed;
  uint32_t number;
  double time;      /* seconds */
  double z;         /* metres driven */
  float x;          /* of the camera */
  float height;     /* of the camera */
  float horizon;    /* row of the picture, from the top */
  float bend;       /* 1/m */
  float light_left; /* on faces that look to the left, 0..1 */
  float light_right;
  float light_back; /* on faces that look at the camera */
  float shadow;     /* what the ground keeps of its light in a shadow */
  float clouds;     /* 0 clear .. 1 overcast */
} scene_view;

/* What a material says of one point of a face. */
typedef struct scene_texel {
  float rgb[3];
  uint8_t label; /* scene_class */
  uint8_t glow;  /* scene_glow */
} scene_texel;

typedef struct scene_face scene_face;

/* The point `u` metres from the face's first edge, `v` above its bottom. False: nothing is
 * there. *texel comes with the face's colour and label, and no glow. */
typedef int scene_material(const scene_face *face, float u, float v, scene_texel *texel);

/* An upright rectangle that stands on the line (x0, z0)-(x1, z1). */
struct scene_face {
  float x0, z0, x1, z1;
  float bottom, top;
  float light; /* that falls on it */
  float colour[3];
  uint32_t id;   /* decides everything random about it */
  float phase;   /* of a moving thing, in turns */
  uint8_t label; /* scene_class */
  scene_material *material;
};

void canvas_face(const scene_view *view, const scene_face *face);

/* A face across the street at depth z, `width` wide around x, its bottom at `bottom`. */
void canvas_board(const scene_view *view, scene_face face, float x, float z, float width,
                  float bottom, float top);

/* Darkens an ellipse on the ground; to be painted before anything that stands on it. */
void canvas_shadow(const scene_view *view, float x, float z, float half_width, float half_length);

/* The column where (x, z) is seen. */
float canvas_column(const scene_view *view, float x, float z);

#endif
