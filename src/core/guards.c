#include <labelcal/calibrator.h>

#include <math.h>

static const char *const words[LCAL_GUARD_COUNT] = {
    [LCAL_GUARD_MAX_VOID] = "max_void",
    [LCAL_GUARD_MIN_CONFIDENCE] = "min_confidence",
    [LCAL_GUARD_MAX_CHANGED] = "max_changed",
    [LCAL_GUARD_MASK] = "mask",
};

const char *lcal_guard_word(lcal_guard guard) {
  return (unsigned)guard < LCAL_GUARD_COUNT ? words[guard] : NULL;
}

static double share(uint64_t part, uint64_t whole) {
  return whole ? (double)part / (double)whole : 0;
}

uint32_t lcal_guards_judge(const lcal_guards *guards, const lcal_result *result,
                           int mask_mismatch) {
  uint64_t valid = result->input_pixels - result->input_voids;
  uint32_t tripped = 0;
  /* A limit that is off is NaN: no comparison with it holds. */
  if (share(result->input_voids, result->input_pixels) > guards->max_void) {
    tripped |= 1u << LCAL_GUARD_MAX_VOID;
  }
  if (!isnan(guards->min_confidence) &&
      (valid == 0 || result->input_confidence / (double)valid < guards->min_confidence)) {
    tripped |= 1u << LCAL_GUARD_MIN_CONFIDENCE;
  }
  if (share(result->input_changed, valid) > guards->max_changed) {
    tripped |= 1u << LCAL_GUARD_MAX_CHANGED;
  }
  if (mask_mismatch) {
    tripped |= 1u << LCAL_GUARD_MASK;
  }
  return tripped;
}

lcal_guard lcal_guards_first(uint32_t tripped) {
  for (int guard = LCAL_GUARD_NONE + 1; guard < LCAL_GUARD_COUNT; guard++) {
    if (tripped & 1u << guard) {
      return (lcal_guard)guard;
    }
  }
  return LCAL_GUARD_NONE;
}

int lcal_guards_forbid_commit(uint32_t tripped) {
  return (tripped & ~(1u << LCAL_GUARD_MAX_CHANGED)) != 0;
}
