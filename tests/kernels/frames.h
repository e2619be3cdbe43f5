/* Random and adversarial frames between guard pages, for the comparison of the tiers. */
#ifndef TESTS_KERNELS_FRAMES_H
#define TESTS_KERNELS_FRAMES_H

#include <labelcal/calibrator.h>

/* A small generator of numbers with a seed of its own (xorshift64*, Vigna 2016). */
struct random {
  uint64_t state;
};
uint64_t random_next(struct random *random);
uint32_t random_below(struct random *random, uint32_t end); /* 0 .. end-1 */
float random_unit(struct random *random);                   /* [0, 1) */

/* Memory that ends where an unreadable page begins, or (odd) begins where one ends, at any
 * alignment. */
struct guarded {
  unsigned char *data;
  size_t bytes;
  void *pages;
  size_t mapped;
};
struct guarded guarded_create(size_t bytes, int at_end);
void guarded_destroy(struct guarded *guarded);

/* What the values of a frame are like. */
enum frame_flavour {
  FLAVOUR_SHARP,   /* as networks answer: one high, the rest small */
  FLAVOUR_FLAT,    /* nearly uniform */
  FLAVOUR_ONE_HOT, /* 0 and 1 */
  FLAVOUR_TIES,    /* few different values, so that classes tie */
  FLAVOUR_EDGES,   /* sums at the edge of the tolerance */
  FLAVOUR_TINY,    /* with subnormal values */
  FLAVOUR_WILD,    /* with NaN, infinities, -0, negative values */
  FLAVOUR_VOID,    /* every pixel void */
  FLAVOUR_COUNT
};

struct frame_shape {
  uint32_t classes, height, width;
  lcal_layout layout;
  lcal_type type;
  lcal_kind kind;
  size_t stride; /* values */
};

/* Bytes from the first value to the last. */
size_t frame_bytes(const struct frame_shape *shape);

/* Fills a tensor's memory (any alignment) with values of a flavour. */
void frame_fill(struct random *random, const struct frame_shape *shape, enum frame_flavour flavour,
                double sum_tolerance, unsigned char *data);
#endif
