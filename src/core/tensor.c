#include <labelcal/tensor.h>

static const struct {
  const char *word;
  size_t size;
} types[LCAL_TYPE_COUNT] = {
    [LCAL_F32] = {"f32", 4},
    [LCAL_F16] = {"f16", 2},
    [LCAL_BF16] = {"bf16", 2},
    [LCAL_U8] = {"u8", 1},
};

static const char *const layouts[LCAL_LAYOUT_COUNT] = {[LCAL_CHW] = "CHW", [LCAL_HWC] = "HWC"};

static const char *const kinds[LCAL_KIND_COUNT] = {
    [LCAL_PROBABILITIES] = "probabilities", [LCAL_LOGITS] = "logits"};

size_t lcal_type_size(lcal_type type) {
  return (unsigned)type < LCAL_TYPE_COUNT ? types[type].size : 0;
}

const char *lcal_type_word(lcal_type type) {
  return (unsigned)type < LCAL_TYPE_COUNT ? types[type].word : "unknown";
}

const char *lcal_layout_word(lcal_layout layout) {
  return (unsigned)layout < LCAL_LAYOUT_COUNT ? layouts[layout] : "unknown";
}

const char *lcal_kind_word(lcal_kind kind) {
  return (unsigned)kind < LCAL_KIND_COUNT ? kinds[kind] : "unknown";
}

int lcal_tensor_bytes(uint32_t classes, uint32_t height, uint32_t width, lcal_type type,
                      size_t *bytes) {
  size_t total;
  return !__builtin_mul_overflow((size_t)classes, (size_t)height, &total) &&
         !__builtin_mul_overflow(total, (size_t)width, &total) &&
         !__builtin_mul_overflow(total, lcal_type_size(type), bytes);
}

lcal_status lcal_tensor_init(lcal_tensor *tensor, const uint32_t shape[3], lcal_layout layout,
                             lcal_type type, lcal_kind kind, const void *data, size_t bytes,
                             lcal_error *error) {
  if ((unsigned)layout >= LCAL_LAYOUT_COUNT || (unsigned)type >= LCAL_TYPE_COUNT ||
      (unsigned)kind >= LCAL_KIND_COUNT) {
    return lcal_error_set(error, LCAL_BAD_TENSOR,
                          "tensor: layout, type or kind is none of the known ones");
  }
  int planes = layout == LCAL_CHW;
  uint32_t classes = planes ? shape[0] : shape[2];
  uint32_t height = planes ? shape[1] : shape[0];
  uint32_t width = planes ? shape[2] : shape[1];
  if (height == 0 || width == 0) {
    return lcal_error_set(error, LCAL_BAD_TENSOR,
                          "tensor.shape: [%u, %u, %u] has a side of 0; send three positive numbers",
                          shape[0], shape[1], shape[2]);
  }
  if (classes < LCAL_CLASSES_MIN || classes > LCAL_CLASSES_MAX) {
    return lcal_error_set(error, LCAL_BAD_TENSOR,
                          "tensor.shape: %u classes (%s); 2 to 1024 are possible", classes,
                          lcal_layout_word(layout));
  }
  if (type == LCAL_U8 && kind == LCAL_LOGITS) {
    return lcal_error_set(error, LCAL_BAD_TENSOR,
                          "tensor.kind: logits cannot be u8; send f32, f16 or bf16");
  }
  size_t expected;
  if (!lcal_tensor_bytes(classes, height, width, type, &expected)) {
    return lcal_error_set(error, LCAL_BAD_TENSOR,
                          "tensor.shape: [%u, %u, %u] of %s does not fit in memory", shape[0],
                          shape[1], shape[2], lcal_type_word(type));
  }
  if (bytes != expected) {
    return lcal_error_set(error, LCAL_BAD_TENSOR,
                          "tensor.data: %zu bytes, but [%u, %u, %u] of %s needs %zu", bytes,
                          shape[0], shape[1], shape[2], lcal_type_word(type), expected);
  }
  *tensor = (lcal_tensor){.data = data,
                          .classes = classes,
                          .height = height,
                          .width = width,
                          .layout = layout,
                          .type = type,
                          .kind = kind,
                          .stride = planes ? (size_t)height * width : classes};
  return LCAL_OK;
}

double lcal_tolerance(lcal_type type, lcal_kind kind, uint32_t classes, double sum_tolerance) {
  if (kind == LCAL_LOGITS) {
    return sum_tolerance;
  }
  switch (type) {
  case LCAL_U8: {
    double rounding = (double)classes / 510.0;
    return sum_tolerance + (rounding < 0.5 ? rounding : 0.5);
  }
  case LCAL_BF16:
    return sum_tolerance + 0x1p-8;
  case LCAL_F16:
    return sum_tolerance + 0x1p-10;
  case LCAL_F32:
  case LCAL_TYPE_COUNT:
    break;
  }
  return sum_tolerance;
}

size_t lcal_label_size(uint32_t classes) {
  return classes <= 255 ? 1 : 2;
}

uint16_t lcal_label_void(uint32_t classes) {
  return classes <= 255 ? 255 : 65535;
}
