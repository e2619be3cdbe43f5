/* Takes a tensor of any values through the whole method and checks what must hold of any: labels
 * are classes or void, counts add up, certificates and the order of bands change no bit. Tensors
 * too large for a fuzzing run are passed over. */
#ifndef FUZZ_CALIBRATE_H
#define FUZZ_CALIBRATE_H

#include <labelcal/calibrator.h>

void calibrate_frame(const lcal_tensor *tensor, uint32_t out_height, uint32_t out_width);

/* Labels some pixels with coefficients that came from anywhere. */
void calibrate_with(const lcal_coefficients *coefficients);

#endif
