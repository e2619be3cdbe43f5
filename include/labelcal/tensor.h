/* Views of probability tensors as networks send them: f32, f16, bf16 or u8, CHW or HWC,
 * probabilities or logits, at any alignment. A view owns nothing. */
#ifndef LABELCAL_TENSOR_H
#define LABELCAL_TENSOR_H

#include <labelcal/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LCAL_CLASSES_MIN 2u
#define LCAL_CLASSES_MAX 1024u
#define LCAL_SIDE_MAX    8192u /* of out_shape */

/* The words of each enumeration, in order, are those of protocol.md. */
typedef enum lcal_type { LCAL_F32, LCAL_F16, LCAL_BF16, LCAL_U8, LCAL_TYPE_COUNT } lcal_type;
typedef enum lcal_layout { LCAL_CHW, LCAL_HWC, LCAL_LAYOUT_COUNT } lcal_layout;
typedef enum lcal_kind { LCAL_PROBABILITIES, LCAL_LOGITS, LCAL_KIND_COUNT } lcal_kind;

/* A read-only view of one frame's tensor; little-endian values. */
typedef struct lcal_tensor {
  const void *data; /* first value; any alignment; not owned */
  uint32_t classes; /* C, 2..1024 */
  uint32_t height;  /* H, pixels */
  uint32_t width;   /* W, pixels */
  lcal_layout layout;
  lcal_type type;
  lcal_kind kind;
  size_t stride; /* values from one class plane to the next (CHW, >= H*W), or from one pixel to
                    the next (HWC, >= C) */
} lcal_tensor;

/* Makes *tensor a dense view of `bytes` bytes at `data`. `shape` is [C,H,W] or [H,W,C], as
 * `layout` says. Refuses (LCAL_BAD_TENSOR, *tensor unchanged) a zero side, C outside 2..1024,
 * u8 logits, and `bytes` other than shape times the size of the type. */
LCAL_API lcal_status lcal_tensor_init(lcal_tensor *tensor, const uint32_t shape[3],
                                      lcal_layout layout, lcal_type type, lcal_kind kind,
                                      const void *data, size_t bytes, lcal_error *error);

/* Bytes of a dense C x H x W tensor in *bytes; false if that does not fit a size_t. */
LCAL_API int lcal_tensor_bytes(uint32_t classes, uint32_t height, uint32_t width, lcal_type type,
                               size_t *bytes);

/* Bytes of one value: 4, 2, 2, 1. */
LCAL_API size_t lcal_type_size(lcal_type type);

LCAL_API const char *lcal_type_word(lcal_type type);       /* "f32" ... */
LCAL_API const char *lcal_layout_word(lcal_layout layout); /* "CHW", "HWC" */
LCAL_API const char *lcal_kind_word(lcal_kind kind);       /* "probabilities", "logits" */

/* tau of method.md, "Input": sum_tolerance plus what honest rounding to the type can do to a
 * sum: min(C/510, 0.5) for u8, 2^-8 bf16, 2^-10 f16, 0 for f32 and logits. */
LCAL_API double lcal_tolerance(lcal_type type, lcal_kind kind, uint32_t classes,
                               double sum_tolerance);

/* Bytes of one label: 1 for C <= 255, else 2 (u16). */
LCAL_API size_t lcal_label_size(uint32_t classes);

/* The label of a void pixel: 255, or 65535 where labels are u16. */
LCAL_API uint16_t lcal_label_void(uint32_t classes);

/* IEEE 754 half and bfloat16 to float32: exact, subnormals and NaN kept. */
LCAL_API float lcal_f16_to_f32(uint16_t half);
LCAL_API float lcal_bf16_to_f32(uint16_t bfloat);

/* float32 to half and bfloat16: round to nearest even, overflow to infinity, NaN stays quiet. */
LCAL_API uint16_t lcal_f32_to_f16(float value);
LCAL_API uint16_t lcal_f32_to_bf16(float value);

#ifdef __cplusplus
}
#endif
#endif
