"""Defects of the arithmetic: rows U1 to U10."""
from defect import Defect

KERNELS = "src/core/kernels/"
FLAGS = "tests/oracle/test_compilation.py::test_no_object_is_compiled_to_change_bits"


def compiled_with(flags):
    """File, old and new of a defect that compiles the core with more flags."""
    return ("src/core/meson.build", "c_args: core_arguments,",
            f"c_args: core_arguments + [{flags}],")


DEFECTS = [
    Defect("U1", "float32 values are read through a pointer that need not be aligned",
           KERNELS + "scalar.c",
           "  float value;\n  memcpy(&value, from, sizeof value);\n  return value + 0.0f;",
           "  return *(const float *)(const void *)from + 0.0f;",
           "unit:numerics:tensors_at_every*", "asan"),
    Defect("U2", "the core is compiled with -ffast-math",
           *compiled_with("'-ffast-math'"), "unit:numerics:not_a_number*"),
    Defect("U2", "the core is compiled with a flag that a compiler may make nothing of here",
           *compiled_with("'-fno-signed-zeros'"), FLAGS),
    Defect("U3", "products and sums contract into one rounding",
           *compiled_with("'-ffp-contract=fast', '-march=haswell'"),
           "unit:numerics:products_are*"),
    Defect("U3", "the compiler may choose whether to contract",
           *compiled_with("'-ffp-contract=on'"), FLAGS),
    Defect("U4", "halves below the normal ones are read as 0",
           "src/core/half.h", "bits = magnitude < (1u << 23) ? subnormal : bits;",
           "bits = magnitude < (1u << 23) ? 0 : bits;", "unit:numerics:every_half*"),
    Defect("U4", "floats are cut, not rounded, to halves",
           "src/core/half.c", "return (bits + half + (bits >> shift & 1u)) >> shift;",
           "return half ? bits >> shift : bits;", "unit:core_tensor:floats_round_to_the_nearest_half*"),
    Defect("U5", "floats are cut, not rounded, to bfloat16",
           "src/core/half.c", "return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);",
           "return (uint16_t)(bits >> 16);",
           "unit:core_tensor:floats_round_to_the_nearest_bfloat*"),
    Defect("U5", "a NaN keeps no bit of its own in bfloat16",
           "src/core/half.c", "return (uint16_t)(bits >> 16 | 0x40u);",
           "return (uint16_t)(bits >> 16 & 0xff80u);", "unit:core_tensor:every_bfloat*"),
    Defect("U6", "confidence is summed up in float32",
           KERNELS + "kernels.h", "  double confidence;\n  double *sum; ",
           "  float confidence;\n  double *sum; ", "unit:numerics:sums_of_four_million*"),
    Defect("U6", "sums of frames are rounded to float32",
           "src/core/statistics.c",
           "statistics->sum[i] = keep * statistics->sum[i] + other->sum[i];",
           "statistics->sum[i] = (float)(keep * statistics->sum[i] + other->sum[i]);",
           "unit:numerics:sums_of_a_hundred_thousand*"),
    Defect("U7", "the bands of a frame depend on the number of threads",
           "src/core/calibrator.c",
           "frame->rows_per_band[0] = rows_per_band(tensor->height, tensor->width);",
           "frame->rows_per_band[0] = rows_per_band(tensor->height, tensor->width)"
           " / calibrator->threads + 1;",
           "unit:numerics:any_number_of_threads*"),
    Defect("U7", "bands are added up in another order",
           "src/core/calibrator.c",
           "add_partial(calibrator->statistics, &calibrator->frame.partial[band]);",
           "add_partial(calibrator->statistics, &calibrator->frame.partial[(band + "
           "calibrator->threads) % calibrator->frame.bands[0]]);",
           "unit:numerics:any_number_of_threads*"),
    Defect("U8", "a pixel with an infinite value is valid",
           KERNELS + "scalar_input.c", " & (uint32_t)(row[j] <= FLT_MAX)", "",
           "unit:numerics:a_pixel_that_is_no_number*"),
    Defect("U8", "statistics that are not finite count as good",
           "src/core/statistics.c",
           "if (!isfinite(statistics->sum[i]) || statistics->sum[i] < 0) {",
           "if (statistics->sum[i] < 0) {", "unit:numerics:not_a_number*"),
    Defect("U9", "softmax does not take away the largest logit",
           KERNELS + "scalar.c", "lcal__exp32(tile[c * stride + j] - largest)",
           "lcal__exp32(tile[c * stride + j])", "unit:numerics:softmax*"),
    Defect("U9", "the exponential underflows to numbers below the normal ones",
           KERNELS + "scalar.c", "if (!(x >= -87.0f)) {", "if (!(x >= -100.0f)) {",
           "unit:core_elementary:exp32_is_one*"),
    Defect("U10", "u8 sums have no room for rounding",
           "src/core/tensor.c",
           "return sum_tolerance + (rounding < 0.5 ? rounding : 0.5);", "return sum_tolerance;",
           "unit:numerics:u8_pixels*"),
    Defect("U10", "256 classes have labels of one byte, whose 255 is void",
           "src/core/tensor.c", "return classes <= 255 ? 1 : 2;",
           "return classes <= 256 ? 1 : 2;", "unit:numerics:a_class_is_never*"),
]
