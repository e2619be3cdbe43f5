#include "core/kernels/vector_avx2.h"

#include "core/kernels/wide_input.h"

void lcal__avx2_input(const struct lcal__frame *frame, uint32_t band, uint32_t thread) {
  wide_input(frame, band, thread);
}
