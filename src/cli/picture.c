#include "cli/picture.h"

#include "build_config.h"

#if LCAL_HAVE_PNG

#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#define PANELS 4

static const uint8_t colours[SCENE_CLASSES][3] = {
    {128, 64, 128},  {244, 35, 232}, {70, 70, 70},  {102, 102, 156}, {190, 153, 153},
    {153, 153, 153}, {250, 170, 30}, {220, 220, 0}, {107, 142, 35},  {152, 251, 152},
    {70, 130, 180},  {220, 20, 60},  {255, 0, 0},   {0, 0, 142},     {0, 0, 70},
    {0, 60, 100},    {0, 80, 100},   {0, 0, 230},   {119, 11, 32}};

static void photograph(uint8_t *out, size_t stride, const uint8_t *picture) {
  for (size_t i = 0; i < SCENE_PIXELS; i++) {
    uint8_t *pixel = out + i / SCENE_WIDTH * stride + i % SCENE_WIDTH * 3;
    for (size_t channel = 0; channel < 3; channel++) {
      pixel[channel] = picture[channel * SCENE_PIXELS + i];
    }
  }
}

/* Void pixels stay black. */
static void map(uint8_t *out, size_t stride, const uint8_t *labels) {
  for (size_t i = 0; i < SCENE_PIXELS; i++) {
    if (labels[i] < SCENE_CLASSES) {
      memcpy(out + i / SCENE_WIDTH * stride + i % SCENE_WIDTH * 3, colours[labels[i]], 3);
    }
  }
}

lcal_status picture_write(const char *path, const uint8_t *picture, const uint8_t *truth,
                          const uint8_t *argmax, const uint8_t *calibrated, lcal_error *error) {
  const uint8_t *maps[PANELS - 1] = {truth, argmax, calibrated};
  size_t panels = calibrated ? PANELS : PANELS - 1;
  size_t stride = panels * SCENE_WIDTH * 3;
  uint8_t *pixels = calloc(SCENE_HEIGHT, stride);
  if (!pixels) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory left for %s", path);
  }
  photograph(pixels, stride, picture);
  for (size_t i = 1; i < panels; i++) {
    map(pixels + i * SCENE_WIDTH * 3, stride, maps[i - 1]);
  }
  png_image image = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)(panels * SCENE_WIDTH),
                     .height = SCENE_HEIGHT,
                     .format = PNG_FORMAT_RGB};
  int written = png_image_write_to_file(&image, path, 0, pixels, 0, NULL);
  free(pixels);
  return written
             ? LCAL_OK
             : lcal_error_set(error, LCAL_SYSTEM, "%s: cannot be written: %s", path, image.message);
}

#else

lcal_status picture_write(const char *path, const uint8_t *picture, const uint8_t *truth,
                          const uint8_t *argmax, const uint8_t *calibrated, lcal_error *error) {
  (void)picture;
  (void)truth;
  (void)argmax;
  (void)calibrated;
  return lcal_error_set(error, LCAL_BAD_CONFIG,
                        "%s: this labelcal was built without libpng: build it with -Dpng=enabled",
                        path);
}

#endif
