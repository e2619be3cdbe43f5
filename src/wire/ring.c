#include "wire/ring.h"

#include <stddef.h>

static const char *const attach_type[] = {"attach", NULL};
static const char *const attached_type[] = {"attached", NULL};
static const char *const release_type[] = {"release", NULL};

#define V                                                                                          \
  { "v", LCAL__VERSION, .doc = "1" }
#define SLOTS(struct_name)                                                                         \
  {                                                                                                \
    "slots", LCAL__UINT, .offset = offsetof(struct_name, slots), .min = 1,                         \
                         .max = LCAL__RING_SLOTS_MAX, .doc = "1 to 63"                             \
  }
#define SLOT_BYTES(struct_name)                                                                    \
  {                                                                                                \
    "slot_bytes", LCAL__UINT, .offset = offsetof(struct_name, slot_bytes),                         \
                              .min = LCAL__RING_SLOT_UNIT,                                         \
                              .doc = "of each slot: a multiple of 4096"                            \
  }

static const lcal__field attach_fields[] = {
    V,
    {"type", LCAL__TYPE, .words = attach_type, .doc = "`attach`"},
    {"stream", LCAL__NAME, .offset = offsetof(lcal__attach, stream),
     .doc = "whose frames the ring will hold"},
    SLOTS(lcal__attach),
    SLOT_BYTES(lcal__attach),
};

static const lcal__field attached_fields[] = {
    V,
    {"type", LCAL__TYPE, .words = attached_type, .doc = "`attached`"},
    {"id", LCAL__UINT, .offset = offsetof(lcal__attached, id),
     .doc = "random; for the frames' `tensor.ring`"},
};

static const lcal__field release_fields[] = {
    V,
    {"type", LCAL__TYPE, .words = release_type, .doc = "`release`"},
    {"slot", LCAL__UINT, .offset = offsetof(lcal__release, slot), .doc = "as in the frame"},
    {"generation", LCAL__UINT, .offset = offsetof(lcal__release, generation),
     .doc = "as in the frame"},
};

static const lcal__field labels_attach_fields[] = {
    V,
    {"type", LCAL__TYPE, .words = attach_type, .doc = "`attach`"},
    {"stream", LCAL__NAME, true, .offset = offsetof(lcal__attach, stream),
     .doc = "whose labels are wanted; absent: all"},
};

static const lcal__field labels_attached_fields[] = {
    V,
    {"type", LCAL__TYPE, .words = attached_type, .doc = "`attached`"},
    SLOTS(lcal__attached),
    SLOT_BYTES(lcal__attached),
};

const lcal__table lcal__attach_table = LCAL__TABLE("ring attach", "", attach_fields);
const lcal__table lcal__attached_table = LCAL__TABLE("ring attached", "", attached_fields);
const lcal__table lcal__release_table = LCAL__TABLE("ring release", "", release_fields);
const lcal__table lcal__labels_attach_table =
    LCAL__TABLE("labels ring attach", "", labels_attach_fields);
const lcal__table lcal__labels_attached_table =
    LCAL__TABLE("labels ring attached", "", labels_attached_fields);

static lcal_status read_packet(const lcal__table *table, void *out, const void *packet,
                               size_t length, lcal_error *error) {
  lcal__document document;
  lcal_status status = lcal__document_open(&document, packet, length, &lcal__message_limits, error);
  if (status == LCAL_OK) {
    status = lcal__fields_read(table, &document.unpacked.data, out, error);
  }
  lcal__document_close(&document);
  return status;
}

static lcal_status check_slot_bytes(uint64_t slot_bytes, lcal_error *error) {
  if (slot_bytes % LCAL__RING_SLOT_UNIT != 0) {
    return lcal_error_set(error, LCAL_BAD_FIELD, "slot_bytes: not a multiple of 4096");
  }
  return LCAL_OK;
}

lcal_status lcal__attach_read(lcal__attach *attach, enum lcal__ring ring, const void *packet,
                              size_t length, lcal_error *error) {
  const lcal__table *table = ring == LCAL__RING ? &lcal__attach_table : &lcal__labels_attach_table;
  *attach = (lcal__attach){0};
  lcal_status status = read_packet(table, attach, packet, length, error);
  return status == LCAL_OK ? check_slot_bytes(attach->slot_bytes, error) : status;
}

lcal_status lcal__attached_read(lcal__attached *attached, enum lcal__ring ring, const void *packet,
                                size_t length, lcal_error *error) {
  const lcal__table *table =
      ring == LCAL__RING ? &lcal__attached_table : &lcal__labels_attached_table;
  *attached = (lcal__attached){0};
  lcal_status status = read_packet(table, attached, packet, length, error);
  return status == LCAL_OK ? check_slot_bytes(attached->slot_bytes, error) : status;
}

lcal_status lcal__release_read(lcal__release *release, const void *packet, size_t length,
                               lcal_error *error) {
  *release = (lcal__release){0};
  return read_packet(&lcal__release_table, release, packet, length, error);
}

size_t lcal__attach_write(const lcal__attach *attach, enum lcal__ring ring, void *buffer,
                          size_t capacity) {
  lcal__writer writer;
  lcal__writer_fix(&writer, buffer, capacity);
  lcal__begin_message(&writer, "attach");
  if (attach->stream[0]) {
    lcal__put_text(&writer, "stream", attach->stream);
  }
  if (ring == LCAL__RING) {
    lcal__put_u64(&writer, "slots", attach->slots);
    lcal__put_u64(&writer, "slot_bytes", attach->slot_bytes);
  }
  lcal__end(&writer);
  return lcal__writer_fitted(&writer);
}

size_t lcal__attached_write(const lcal__attached *attached, enum lcal__ring ring, void *buffer,
                            size_t capacity) {
  lcal__writer writer;
  lcal__writer_fix(&writer, buffer, capacity);
  lcal__begin_message(&writer, "attached");
  if (ring == LCAL__RING) {
    lcal__put_u64(&writer, "id", attached->id);
  } else {
    lcal__put_u64(&writer, "slots", attached->slots);
    lcal__put_u64(&writer, "slot_bytes", attached->slot_bytes);
  }
  lcal__end(&writer);
  return lcal__writer_fitted(&writer);
}

size_t lcal__release_write(const lcal__release *release, void *buffer, size_t capacity) {
  lcal__writer writer;
  lcal__writer_fix(&writer, buffer, capacity);
  lcal__begin_message(&writer, "release");
  lcal__put_u64(&writer, "slot", release->slot);
  lcal__put_u64(&writer, "generation", release->generation);
  lcal__end(&writer);
  return lcal__writer_fitted(&writer);
}
