#include "wire/messages.h"

#include <stddef.h>
#include <string.h>

/* What the tables read into. */
struct reading {
  lcal_frame frame;
  const msgpack_object *tensor, *ring, *shape;
  unsigned layout, type, kind;
  lcal_bytes data;
  uint64_t out_shape[2];
};

static const char *const frame_type[] = {"frame", NULL};
static const char *const layouts[] = {"CHW", "HWC", NULL};
static const char *const types[] = {"f32", "f16", "bf16", "u8", NULL};
static const char *const kinds[] = {"probabilities", "logits", NULL};
static const char *const wants[] = {"argmax", "confidence", "calibrated", "scores", NULL};

#define AT(member) .offset = offsetof(struct reading, member)

static const lcal__field ring_fields[] = {
    {"id", LCAL__UINT, AT(frame.ring_id), .doc = "the ring's, from the handshake"},
    {"slot", LCAL__UINT, AT(frame.ring_slot), .doc = "counted from 0"},
    {"generation", LCAL__UINT, AT(frame.ring_generation),
     .doc = "the slot's, even: as it was when the data was whole"},
};

const lcal__table lcal__ring_table = LCAL__TABLE("tensor.ring", "tensor.ring.", ring_fields);

static const lcal__field tensor_fields[] = {
    {"shape", LCAL__ANY, AT(shape), .type = "[int, int, int]",
     .doc = "[C,H,W] or [H,W,C], as `layout` says; C from 2 to 1024"},
    {"layout", LCAL__WORD, AT(layout), .words = layouts, .doc = "`CHW` or `HWC`"},
    {"type", LCAL__WORD, AT(type), .words = types, .doc = "`f32`, `f16`, `bf16` or `u8`"},
    {"kind", LCAL__WORD, AT(kind), .words = kinds,
     .doc = "`probabilities`, or `logits` (not `u8`)"},
    {"data", LCAL__BIN, true, AT(data), .doc = "the values, of exactly that size"},
    {"ring", LCAL__MAP, true, AT(ring), .nested = &lcal__ring_table,
     .doc = "or where they lie in shared memory; by PUSH and REQ only"},
};

const lcal__table lcal__tensor_table = LCAL__TABLE("tensor", "tensor.", tensor_fields);

static const lcal__field frame_fields[] = {
    {"v", LCAL__VERSION, .doc = "1"},
    {"type", LCAL__TYPE, .words = frame_type, .doc = "`frame`"},
    {"stream", LCAL__NAME, AT(frame.stream), .doc = "the camera's name"},
    {"seq", LCAL__UINT, AT(frame.seq), .doc = "the sender's counter, +1 a frame"},
    {"stamp_ns", LCAL__UINT, AT(frame.stamp_ns),
     .doc = "capture time by the sender's clock, ns since 1970"},
    {"tensor", LCAL__MAP, AT(tensor), .nested = &lcal__tensor_table, .doc = "see below"},
    {"domain", LCAL__NAME, true, AT(frame.domain),
     .doc = "adapt and label with this domain; absent: the stream's"},
    {"adapt", LCAL__FLAG, true, AT(frame.adapt), .doc = "false: label only"},
    {"out_shape", LCAL__PAIR, true, AT(out_shape), .min = 1, .type = "[int, int]",
     .doc = "[H,W] of the maps, each at least the tensor's and at most 8192"},
    {"want", LCAL__WORDS, true, AT(frame.want), .words = wants,
     .doc = "also send `argmax`, `confidence`, `calibrated` (in shadow), `scores` (calibrate "
            "only, at most 64 MiB)"},
    {"deadline_ns", LCAL__UINT, true, AT(frame.deadline_ns), .min = 1,
     .doc = "ns from received_ns after which labels are worthless: dropped unstarted"},
};

const lcal__table lcal__frame_table = LCAL__TABLE("frame", "", frame_fields);

/* The stream, seq and ring of a frame that may be refused: an error names them, seq is followed,
 * and the ring's slot is to be released whatever else is wrong. */
static void salvage(struct reading *reading, const msgpack_object *map) {
  lcal_frame *frame = &reading->frame;
  const msgpack_object *tensor = lcal__map_find(map, "tensor");
  const msgpack_object *ring = tensor ? lcal__map_find(tensor, "ring") : NULL;
  frame->has_stream = lcal__field_read(&lcal__frame_table, map, "stream", reading);
  frame->has_seq = lcal__field_read(&lcal__frame_table, map, "seq", reading);
  frame->has_ring = ring && ring->type == MSGPACK_OBJECT_MAP &&
                    lcal__fields_read(&lcal__ring_table, ring, reading, NULL) == LCAL_OK;
}

static bool shape_read(const msgpack_object *object, uint32_t shape[3]) {
  if (object->type != MSGPACK_OBJECT_ARRAY || object->via.array.size != 3) {
    return false;
  }
  for (int i = 0; i < 3; i++) {
    uint64_t side;
    if (!lcal__object_uint(&object->via.array.ptr[i], 1, UINT32_MAX, &side)) {
      return false;
    }
    shape[i] = (uint32_t)side;
  }
  return true;
}

/* Whether H x W x C float32 scores are more than a message may carry. */
static bool scores_too_large(uint64_t height, uint64_t width, uint64_t classes) {
  uint64_t bytes;
  return __builtin_mul_overflow(height, width, &bytes) ||
         __builtin_mul_overflow(bytes, classes * sizeof(float), &bytes) || bytes > LCAL_SCORES_MAX;
}

/* What the table cannot see of out_shape and want, as far as the shape is one. */
static lcal_status check_output(const struct reading *reading, const uint32_t *shape, int calibrate,
                                lcal_error *error) {
  if (reading->frame.want & LCAL_WANT_SCORES && !calibrate) {
    return lcal_error_set(error, LCAL_BAD_FIELD,
                          "want: scores are sent in answer to calibrate only");
  }
  if (!shape) {
    return LCAL_OK;
  }
  bool planes = reading->layout == LCAL_CHW;
  uint32_t height = planes ? shape[1] : shape[0];
  uint32_t width = planes ? shape[2] : shape[1];
  uint32_t classes = planes ? shape[0] : shape[2];
  const uint64_t *out = reading->out_shape;
  if (out[0] > 0 && (out[0] < height || out[1] < width)) {
    return lcal_error_set(error, LCAL_BAD_FIELD,
                          "out_shape: below the tensor's %u x %u; labels are made at its size or "
                          "larger",
                          height, width);
  }
  if (reading->frame.want & LCAL_WANT_SCORES &&
      scores_too_large(out[0] ? out[0] : height, out[0] ? out[1] : width, classes)) {
    return lcal_error_set(error, LCAL_BAD_FIELD, "want: scores of this size exceed 64 MiB");
  }
  return LCAL_OK;
}

static lcal_status make_tensor(struct reading *reading, const uint32_t *shape, lcal_error *error) {
  if (!shape) {
    return lcal_error_set(error, LCAL_BAD_TENSOR, "tensor.shape: not three positive integers");
  }
  lcal_layout layout = (lcal_layout)reading->layout;
  lcal_type type = (lcal_type)reading->type;
  size_t bytes = reading->data.length;
  if (reading->ring) {
    /* The daemon compares this size with the slot's; one beyond size_t fails below. */
    (void)lcal_tensor_bytes(shape[0], shape[1], shape[2], type, &bytes);
  }
  return lcal_tensor_init(&reading->frame.tensor, shape, layout, type, (lcal_kind)reading->kind,
                          reading->data.data, bytes, error);
}

/* protocol.md's order: version, missing keys, bad values, tensor, size. */
static lcal_status judge(struct reading *reading, const lcal__document *document, int calibrate,
                         lcal_error *error) {
  const msgpack_object *map = &document->unpacked.data;
  lcal_status status = lcal__fields_complete(&lcal__frame_table, map, error);
  if (status != LCAL_OK) {
    return status;
  }
  const msgpack_object *tensor = lcal__map_find(map, "tensor");
  bool has_data = lcal__map_find(tensor, "data");
  bool has_ring = lcal__map_find(tensor, "ring");
  if (tensor->type == MSGPACK_OBJECT_MAP && !has_data && !has_ring) {
    return lcal_error_set(error, LCAL_MISSING_FIELD,
                          "tensor.data: absent, and so is tensor.ring; one is required");
  }
  status = lcal__fields_parse(&lcal__frame_table, map, reading, error);
  if (status != LCAL_OK) {
    return status;
  }
  if (has_data && has_ring) {
    return lcal_error_set(error, LCAL_BAD_FIELD, "tensor: has both data and ring; send one");
  }
  if (document->topic.data && !lcal__bytes_are(document->topic, reading->frame.stream)) {
    return lcal_error_set(error, LCAL_BAD_FIELD, "stream: not the topic in front of the frame");
  }
  uint32_t sides[3];
  const uint32_t *shape = shape_read(reading->shape, sides) ? sides : NULL;
  status = check_output(reading, shape, calibrate, error);
  if (status != LCAL_OK) {
    return status;
  }
  status = make_tensor(reading, shape, error);
  if (status != LCAL_OK) {
    return status;
  }
  if (reading->out_shape[0] > LCAL_SIDE_MAX || reading->out_shape[1] > LCAL_SIDE_MAX) {
    return lcal_error_set(error, LCAL_TOO_LARGE, "out_shape: a side is larger than %u",
                          LCAL_SIDE_MAX);
  }
  reading->frame.out_height = (uint32_t)reading->out_shape[0];
  reading->frame.out_width = (uint32_t)reading->out_shape[1];
  return LCAL_OK;
}

lcal_status lcal_frame_read(lcal_frame *frame, const void *body, size_t length, int calibrate,
                            lcal_error *error) {
  struct reading reading = {.frame = {.adapt = 1}};
  lcal__document document;
  /* A request carries no topic: there a first byte below 0x80 is no map. */
  lcal_status status =
      calibrate ? lcal__document_open(&document, body, length, &lcal__message_limits, error)
                : lcal__document_open_body(&document, body, length, &lcal__message_limits, error);
  if (status == LCAL_OK) {
    salvage(&reading, &document.unpacked.data);
    status = judge(&reading, &document, calibrate, error);
  }
  lcal__document_close(&document);
  *frame = reading.frame;
  return status;
}

static void shape_of(const lcal_tensor *tensor, uint32_t shape[3]) {
  bool planes = tensor->layout == LCAL_CHW;
  shape[0] = planes ? tensor->classes : tensor->height;
  shape[1] = planes ? tensor->height : tensor->width;
  shape[2] = planes ? tensor->width : tensor->classes;
}

static bool is_name(const lcal_name name) {
  return lcal_name_valid(name, strnlen(name, sizeof(lcal_name)));
}

/* Whether the view is one that lcal_tensor_init makes, or that with gaps. */
static bool tensor_is_valid(const lcal_tensor *tensor) {
  lcal_tensor dense;
  uint32_t shape[3];
  size_t bytes;
  shape_of(tensor, shape);
  return lcal_tensor_bytes(tensor->classes, tensor->height, tensor->width, tensor->type, &bytes) &&
         bytes <= UINT32_MAX &&
         lcal_tensor_init(&dense, shape, tensor->layout, tensor->type, tensor->kind, NULL, bytes,
                          NULL) == LCAL_OK &&
         tensor->stride >= dense.stride;
}

static bool output_is_valid(const lcal_frame *frame) {
  if (frame->out_height == 0 && frame->out_width == 0) {
    return true;
  }
  return frame->out_height >= frame->tensor.height && frame->out_width >= frame->tensor.width &&
         frame->out_height <= LCAL_SIDE_MAX && frame->out_width <= LCAL_SIDE_MAX;
}

/* Whether *frame is one that a daemon may take. */
static bool is_valid(const lcal_frame *frame) {
  return is_name(frame->stream) && (frame->domain[0] == '\0' || is_name(frame->domain)) &&
         tensor_is_valid(&frame->tensor) && (frame->has_ring || frame->tensor.data) &&
         output_is_valid(frame) && frame->want < LCAL_WANT_SCORES << 1;
}

/* The values of a view, dense. */
static void put_data(lcal__writer *writer, const lcal_tensor *tensor) {
  size_t size = lcal_type_size(tensor->type);
  size_t plane = (size_t)tensor->height * tensor->width;
  size_t runs = tensor->layout == LCAL_CHW ? tensor->classes : plane;
  size_t run = tensor->layout == LCAL_CHW ? plane : tensor->classes;
  if (tensor->stride == run) {
    run *= runs;
    runs = 1;
  }
  lcal__put_bin_header(writer, "data", runs * run * size);
  for (size_t i = 0; i < runs; i++) {
    lcal__put_bytes(writer, (const uint8_t *)tensor->data + i * tensor->stride * size, run * size);
  }
}

static void put_tensor(lcal__writer *writer, const lcal_frame *frame) {
  const lcal_tensor *tensor = &frame->tensor;
  uint32_t shape[3];
  shape_of(tensor, shape);
  lcal__begin_map(writer, "tensor");
  lcal__begin_array(writer, "shape");
  for (int i = 0; i < 3; i++) {
    lcal__put_u64(writer, NULL, shape[i]);
  }
  lcal__end(writer);
  lcal__put_text(writer, "layout", layouts[tensor->layout]);
  lcal__put_text(writer, "type", types[tensor->type]);
  lcal__put_text(writer, "kind", kinds[tensor->kind]);
  if (frame->has_ring) {
    lcal__begin_map(writer, "ring");
    lcal__put_u64(writer, "id", frame->ring_id);
    lcal__put_u64(writer, "slot", frame->ring_slot);
    lcal__put_u64(writer, "generation", frame->ring_generation);
    lcal__end(writer);
  } else {
    put_data(writer, tensor);
  }
  lcal__end(writer);
}

static void put_frame(lcal__writer *writer, const lcal_frame *frame) {
  lcal__begin_message(writer, "frame");
  lcal__put_text(writer, "stream", frame->stream);
  lcal__put_u64(writer, "seq", frame->seq);
  lcal__put_u64(writer, "stamp_ns", frame->stamp_ns);
  if (frame->domain[0]) {
    lcal__put_text(writer, "domain", frame->domain);
  }
  if (!frame->adapt) {
    lcal__put_flag(writer, "adapt", false);
  }
  if (frame->out_height) {
    lcal__put_pair(writer, "out_shape", frame->out_height, frame->out_width);
  }
  if (frame->want) {
    lcal__put_words(writer, "want", frame->want, wants);
  }
  if (frame->deadline_ns) {
    lcal__put_u64(writer, "deadline_ns", frame->deadline_ns);
  }
  put_tensor(writer, frame);
  lcal__end(writer);
}

size_t lcal_frame_size(const lcal_frame *frame) {
  lcal__writer writer;
  lcal__writer_fix(&writer, NULL, 0);
  if (is_valid(frame)) {
    put_frame(&writer, frame);
  }
  return writer.length;
}

size_t lcal_frame_write(const lcal_frame *frame, void *buffer, size_t capacity) {
  lcal__writer writer;
  lcal__writer_fix(&writer, buffer, capacity);
  if (is_valid(frame)) {
    put_frame(&writer, frame);
  }
  return lcal__writer_fitted(&writer);
}
