#include "core/kernels/vector_avx512.h"

#include "core/kernels/wide_input.h"
#include "core/kernels/wide_output.h"

void lcal__avx512_input(const struct lcal__frame *frame, uint32_t band, uint32_t thread) {
  wide_input(frame, band, thread);
}

void lcal__avx512_output(const struct lcal__frame *frame, uint32_t band, uint32_t thread) {
  wide_output(frame, band, thread);
}
