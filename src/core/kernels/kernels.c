#include "core/kernels/kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <stdlib.h>
#include <string.h>

static int always(void) {
  return 1;
}

#if defined(__x86_64__)
/* clang 14's __builtin_cpu_supports() does not know f16c. */
static int has_f16c(void) {
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

static int has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi2") && has_f16c();
}

static int has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi2");
}
#endif

/* Best first; the last one runs everywhere. */
static const struct lcal__kernels tiers[] = {
#if defined(__x86_64__)
    {"avx512", has_avx512, lcal__avx512_input, lcal__avx512_output},
    {"avx2", has_avx2, lcal__avx2_input, lcal__avx2_output},
#endif
#if defined(__aarch64__)
    {"neon", always, lcal__neon_input, lcal__neon_output},
#endif
    {"scalar", always, lcal__scalar_input, lcal__scalar_output},
};

static const size_t count = sizeof tiers / sizeof *tiers;

const struct lcal__kernels *lcal__tier_at(size_t index) {
  return index < count ? &tiers[index] : NULL;
}

const struct lcal__kernels *lcal__kernels(void) {
  const char *wanted = getenv("LABELCAL_CPU");
  for (size_t i = 0; wanted && i < count; i++) {
    if (strcmp(tiers[i].name, wanted) == 0 && tiers[i].supported()) {
      return &tiers[i];
    }
  }
  size_t best = 0;
  while (!tiers[best].supported()) {
    best++;
  }
  return &tiers[best];
}

const char *lcal_tier(void) {
  return lcal__kernels()->name;
}
