/* Frames as the daemon reads them, from the bytes to label maps. */
#include "calibrate.h"
#include "tree.h"

#include "wire/messages.h"

#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 65536u

/* A data bin of the size that shape and type ask for. */
static void fit(msgpack_object *map, msgpack_zone *zone) {
  msgpack_object *tensor = tree_find(map, "tensor");
  const msgpack_object *shape = tensor ? tree_find(tensor, "shape") : NULL;
  msgpack_object *data = tensor ? tree_find(tensor, "data") : NULL;
  const msgpack_object *type = tensor ? tree_find(tensor, "type") : NULL;
  if (!shape || !data || !type || shape->type != MSGPACK_OBJECT_ARRAY) {
    return;
  }
  size_t size = lcal__object_is(type, "u8") ? 1 : lcal__object_is(type, "f32") ? 4 : 2;
  for (uint32_t i = 0; i < shape->via.array.size; i++) {
    size_t side = tree_number(&shape->via.array.ptr[i], 4096);
    size = size * side <= VALUES_MAX ? size * side : 0;
  }
  if (size > 0) {
    tree_resize(data, size, zone);
  }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  static const lcal__table *const tables[] = {&lcal__frame_table, &lcal__tensor_table,
                                              &lcal__ring_table, NULL};
  static const struct tree_rules rules = {tables, fit};
  return tree_mutate_body(data, size, max_size, seed, &rules);
}

static void require_same(const lcal_frame *a, const lcal_frame *b) {
  REQUIRE(strcmp(a->stream, b->stream) == 0 && strcmp(a->domain, b->domain) == 0);
  REQUIRE(a->seq == b->seq && a->stamp_ns == b->stamp_ns && a->deadline_ns == b->deadline_ns);
  REQUIRE(a->adapt == b->adapt && a->want == b->want);
  REQUIRE(a->out_height == b->out_height && a->out_width == b->out_width);
  REQUIRE(a->has_ring == b->has_ring && a->ring_id == b->ring_id && a->ring_slot == b->ring_slot &&
          a->ring_generation == b->ring_generation);
  const lcal_tensor *s = &a->tensor;
  const lcal_tensor *t = &b->tensor;
  REQUIRE(s->classes == t->classes && s->height == t->height && s->width == t->width);
  REQUIRE(s->layout == t->layout && s->type == t->type && s->kind == t->kind);
  REQUIRE(s->stride == t->stride && (s->data == NULL) == (t->data == NULL));
}

static size_t bytes_of(const lcal_tensor *tensor) {
  size_t bytes = 0;
  REQUIRE(lcal_tensor_bytes(tensor->classes, tensor->height, tensor->width, tensor->type, &bytes));
  return bytes;
}

/* What was read can be written, and reads back the same. */
static void write_again(const lcal_frame *frame) {
  size_t size = lcal_frame_size(frame);
  if (bytes_of(&frame->tensor) > UINT32_MAX) {
    REQUIRE(size == 0 && frame->has_ring); /* a slot may be larger than any message */
    return;
  }
  REQUIRE(size > 0);
  uint8_t *bytes = fuzz_block(size);
  lcal_frame again;
  lcal_error error;
  REQUIRE(lcal_frame_write(frame, bytes, size) == size);
  REQUIRE(lcal_frame_write(frame, bytes, size - 1) == 0);
  REQUIRE(lcal_frame_write(frame, bytes, size) == size);
  REQUIRE(lcal_frame_read(&again, bytes, size, 1, &error) == LCAL_OK);
  require_same(frame, &again);
  if (frame->tensor.data) {
    REQUIRE(memcmp(frame->tensor.data, again.tensor.data, bytes_of(&frame->tensor)) == 0);
  }
  free(bytes);
}

static void accepted(const lcal_frame *frame, const uint8_t *data, size_t size) {
  const lcal_tensor *tensor = &frame->tensor;
  REQUIRE(frame->has_stream && frame->has_seq);
  REQUIRE((tensor->data != NULL) != (frame->has_ring != 0));
  REQUIRE(tensor->classes >= LCAL_CLASSES_MIN && tensor->classes <= LCAL_CLASSES_MAX);
  fuzz_within((lcal_bytes){tensor->data, tensor->data ? bytes_of(tensor) : 0}, data, size);
  REQUIRE(frame->out_height <= LCAL_SIDE_MAX && frame->out_width <= LCAL_SIDE_MAX);
  write_again(frame);
  if (tensor->data) {
    calibrate_frame(tensor, frame->out_height, frame->out_width);
  }
}

static void receive(const uint8_t *data, size_t size, int calibrate) {
  lcal_frame frame;
  lcal_error error;
  lcal_status status = lcal_frame_read(&frame, data, size, calibrate, &error);
  REQUIRE(!frame.has_stream || lcal_name_valid(frame.stream, strlen(frame.stream)));
  if (status == LCAL_OK) {
    accepted(&frame, data, size);
  } else {
    fuzz_refused(status, &error,
                 CODE(MALFORMED) | CODE(UNSUPPORTED_VERSION) | CODE(MISSING_FIELD) |
                     CODE(BAD_FIELD) | CODE(BAD_TENSOR) | CODE(TOO_LARGE));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  receive(data, size, 0);
  receive(data, size, 1);
  return 0;
}
