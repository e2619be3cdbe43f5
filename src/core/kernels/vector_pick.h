/* Picking bytes where the instruction set has nothing for it: by a list of their places. */
#ifndef CORE_KERNELS_VECTOR_PICK_H
#define CORE_KERNELS_VECTOR_PICK_H

#include <stdint.h>

typedef struct {
  uint32_t count;
  uint8_t lane[64];
} pick;

static inline pick pick_of(uint64_t bits) {
  pick some;
  some.count = 0;
  for (; bits; bits &= bits - 1) {
    some.lane[some.count++] = (uint8_t)__builtin_ctzll(bits);
  }
  return some;
}
/* Those of 64 bytes side by side, then anything: at most 64 are written. */
static inline void pick_bytes(uint8_t *to, const pick *some, const uint8_t *from) {
  for (uint32_t i = 0; i < some->count; i++) {
    to[i] = from[some->lane[i]];
  }
}
#endif
