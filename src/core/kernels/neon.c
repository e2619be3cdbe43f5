#include "core/kernels/vector_neon.h"

#include "core/kernels/wide_input.h"
#include "core/kernels/wide_output.h"

void lcal__neon_input(const struct lcal__frame *frame, uint32_t band, uint32_t thread) {
  wide_input(frame, band, thread);
}

void lcal__neon_output(const struct lcal__frame *frame, uint32_t band, uint32_t thread) {
  wide_output(frame, band, thread);
}
