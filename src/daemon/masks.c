#include "daemon/masks.h"

#include "build_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#if LCAL_HAVE_PNG
#include <png.h>
#endif

struct masks {
  size_t count;
  struct mask each[];
};

#if LCAL_HAVE_PNG
/* Reads as RGB: a dark grey or blue must not round to black. */
static lcal_status read_rgb(const char *path, uint64_t most_pixels, png_image *image, uint8_t **rgb,
                            lcal_error *error) {
  struct stat file;
  if (stat(path, &file) != 0 || !S_ISREG(file.st_mode)) {
    return lcal_error_set(error, LCAL_BAD_CONFIG, "mask %s: %s", path,
                          errno != 0 ? strerror(errno) : "not a regular file");
  }
  if (!png_image_begin_read_from_file(image, path)) {
    return lcal_error_set(error, LCAL_BAD_CONFIG, "mask %s: %s", path, image->message);
  }
  image->format = PNG_FORMAT_RGB;
  if ((uint64_t)image->width * image->height > most_pixels) {
    return lcal_error_set(error, LCAL_BAD_CONFIG, "mask %s: %ux%u is beyond limits.pixels", path,
                          image->width, image->height);
  }
  *rgb = malloc(PNG_IMAGE_SIZE(*image));
  if (*rgb == NULL) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for the mask %s", path);
  }
  static const png_color black = {0, 0, 0};
  if (!png_image_finish_read(image, &black, *rgb, 0, NULL)) {
    return lcal_error_set(error, LCAL_BAD_CONFIG, "mask %s: %s", path, image->message);
  }
  return LCAL_OK;
}

static lcal_status load(struct mask *mask, uint64_t most_pixels, lcal_error *error) {
  png_image image = {.version = PNG_IMAGE_VERSION};
  uint8_t *rgb = NULL;
  errno = 0;
  const lcal_status status = read_rgb(mask->path, most_pixels, &image, &rgb, error);
  png_image_free(&image);
  if (status != LCAL_OK || rgb == NULL) {
    free(rgb);
    return status;
  }
  mask->height = image.height;
  mask->width = image.width;
  const size_t pixels = (size_t)image.height * image.width;
  mask->pixels = rgb; /* packed in place: byte i is written after 3i was read; thrice the size */
  for (size_t i = 0; i < pixels; i++) {
    mask->pixels[i] = (rgb[3 * i] | rgb[3 * i + 1] | rgb[3 * i + 2]) != 0;
  }
  return LCAL_OK;
}
#else
static lcal_status load(struct mask *mask, uint64_t most_pixels, lcal_error *error) {
  (void)most_pixels;
  return lcal_error_set(error, LCAL_BAD_CONFIG, "mask %s: this labelcald is built without PNG",
                        mask->path);
}
#endif

lcal_status masks_load(struct masks **masks, const struct config *config, lcal_error *error) {
  struct masks *made = calloc(1, sizeof *made + config->stream_count * sizeof made->each[0]);
  if (made == NULL) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for the masks");
  }
  for (size_t i = 0; i < config->stream_count; i++) {
    const char *path = config->streams[i].mask;
    if (path == NULL || masks_find(made, path) != NULL) {
      continue;
    }
    struct mask *mask = &made->each[made->count++];
    mask->path = strdup(path);
    if (mask->path == NULL) {
      masks_free(made);
      return lcal_error_set(error, LCAL_MEMORY, "no memory for the masks");
    }
    const lcal_status status = load(mask, config->limits.pixels, error);
    if (status != LCAL_OK) {
      masks_free(made);
      return status;
    }
  }
  *masks = made;
  return LCAL_OK;
}

const struct mask *masks_find(const struct masks *masks, const char *path) {
  for (size_t i = 0; path != NULL && i < masks->count; i++) {
    if (strcmp(masks->each[i].path, path) == 0) {
      return &masks->each[i];
    }
  }
  return NULL;
}

void masks_free(struct masks *masks) {
  if (masks == NULL) {
    return;
  }
  for (size_t i = 0; i < masks->count; i++) {
    free(masks->each[i].path);
    free(masks->each[i].pixels);
  }
  free(masks);
}
