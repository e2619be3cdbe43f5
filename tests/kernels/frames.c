#include "frames.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

uint64_t random_next(struct random *random) {
  uint64_t x = random->state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  random->state = x;
  return x * 0x2545f4914f6cdd1du;
}

uint32_t random_below(struct random *random, uint32_t end) {
  return (uint32_t)((random_next(random) >> 32) * end >> 32);
}

float random_unit(struct random *random) {
  return (float)(random_next(random) >> 40) * 0x1p-24f;
}

struct guarded guarded_create(size_t bytes, int at_end) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t inner = (bytes + page - 1) / page * page;
  struct guarded made = {.bytes = bytes, .mapped = inner + 2 * page};
  made.pages = mmap(NULL, made.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (made.pages == MAP_FAILED ||
      mprotect((unsigned char *)made.pages + page, inner, PROT_READ | PROT_WRITE) != 0) {
    abort();
  }
  made.data = (unsigned char *)made.pages + page + (at_end ? inner - bytes : 0);
  return made;
}

void guarded_destroy(struct guarded *guarded) {
  munmap(guarded->pages, guarded->mapped);
}

size_t frame_bytes(const struct frame_shape *shape) {
  size_t pixels = (size_t)shape->height * shape->width;
  size_t values = shape->layout == LCAL_CHW ? (shape->classes - 1) * shape->stride + pixels
                                            : (pixels - 1) * shape->stride + shape->classes;
  return values * lcal_type_size(shape->type);
}

/* The values of one pixel, not yet of any type. */
static void fill_pixel(struct random *random, uint32_t classes, enum frame_flavour flavour,
                       double tolerance, float *p) {
  float sum = 0;
  uint32_t winner = random_below(random, classes);
  for (uint32_t c = 0; c < classes; c++) {
    float u = random_unit(random);
    switch (flavour) {
    case FLAVOUR_FLAT:
      p[c] = 1 + 0.01f * u;
      break;
    case FLAVOUR_ONE_HOT:
      p[c] = c == winner;
      break;
    case FLAVOUR_TIES:
      p[c] = (float)(1 + random_below(random, 2));
      break;
    default:
      p[c] = u * u * u * u / (float)classes + (c == winner ? 4 * random_unit(random) : 0);
      break;
    }
    sum += p[c];
  }
  float target = 1;
  if (flavour == FLAVOUR_EDGES) {
    target = 1 + (float)tolerance * (random_below(random, 2) ? 1.0f : -1.0f);
  } else if (flavour == FLAVOUR_VOID) {
    target = random_below(random, 2) ? 0 : 3;
  }
  for (uint32_t c = 0; c < classes; c++) {
    p[c] = p[c] / (sum > 0 ? sum : 1) * target;
    if (flavour == FLAVOUR_TINY && c != winner) {
      p[c] = p[c] * 0x1p-130f;
    }
  }
  if (flavour == FLAVOUR_TINY) {
    p[winner] = 1;
  }
}

static const float odd_values[] = {NAN,     INFINITY, -INFINITY, -0.0f,     -1e-30f, -1,
                                   -1e-45f, FLT_MAX,  -FLT_MAX,  0x1p-149f, 65504,   70000};

static void make_wild(struct random *random, uint32_t classes, float *p) {
  if (random_below(random, 8) == 0) {
    uint32_t which = random_below(random, sizeof odd_values / sizeof *odd_values);
    p[random_below(random, classes)] = odd_values[which];
  }
  if (random_below(random, 8) == 0) { /* zeros may have a sign */
    uint32_t c = random_below(random, classes);
    p[c] = p[c] < 1e-3f ? -0.0f : p[c];
  }
}

static void put_value(const struct frame_shape *shape, size_t pixel, uint32_t c, float value,
                      unsigned char *data) {
  size_t at = shape->layout == LCAL_CHW ? c * shape->stride + pixel : pixel * shape->stride + c;
  data += at * lcal_type_size(shape->type);
  uint16_t half;
  switch (shape->type) {
  case LCAL_F16:
    half = lcal_f32_to_f16(value);
    memcpy(data, &half, sizeof half);
    break;
  case LCAL_BF16:
    half = lcal_f32_to_bf16(value);
    memcpy(data, &half, sizeof half);
    break;
  case LCAL_U8:
    value = value * 255 + 0.5f;
    *data = (unsigned char)(value >= 0 ? value < 255 ? value : 255 : 0);
    break;
  default:
    memcpy(data, &value, sizeof value);
  }
}

void frame_fill(struct random *random, const struct frame_shape *shape, enum frame_flavour flavour,
                double sum_tolerance, unsigned char *data) {
  float p[LCAL_CLASSES_MAX];
  size_t pixels = (size_t)shape->height * shape->width;
  double tolerance = lcal_tolerance(shape->type, shape->kind, shape->classes, sum_tolerance);
  for (size_t pixel = 0; pixel < pixels; pixel++) {
    fill_pixel(random, shape->classes, flavour, tolerance, p);
    if (shape->kind == LCAL_LOGITS) {
      for (uint32_t c = 0; c < shape->classes; c++) {
        p[c] = flavour == FLAVOUR_TIES ? p[c] * 100 : 20 * p[c] - 10 * random_unit(random);
      }
    }
    if (flavour == FLAVOUR_WILD) {
      make_wild(random, shape->classes, p);
    }
    for (uint32_t c = 0; c < shape->classes; c++) {
      put_value(shape, pixel, c, p[c], data);
    }
  }
}
