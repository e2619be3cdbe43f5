/* Probabilities of more classes than a network has, for measurements: each class is split in
 * subclasses, and how sure the network is stays as it was. */
#ifndef CLI_BENCH_SPLIT_H
#define CLI_BENCH_SPLIT_H

#include <stdint.h>

/* The class of which `subclass` is a part; class c's own are c, c + classes, c + 2*classes, ... */
static inline uint32_t bench_split_parent(uint32_t subclass, uint32_t classes) {
  return subclass % classes;
}

/* One pixel. `to` gets `finer` (>= classes) values: the argmax of `p` goes whole to the one of its
 * subclasses that `region` draws, every other class in shares that `pixel` draws. So the largest
 * value, and but for rounding the sum of each class, is p's. */
void bench_split(float *to, uint32_t finer, const float *p, uint32_t classes, uint32_t region,
                 uint32_t pixel);

#endif
