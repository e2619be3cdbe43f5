#include "wire/ring.h"

#include <stddef.h>
#include <string.h>

static const char *const type[] = {"labels", NULL};
static const char *const dtypes[] = {"u8", "u16", NULL};
static const char *const states[] = {"warmup", "calibrated", "frozen", "shadow",
                                     "bypass", "guarded",    NULL};

const char *lcal_state_word(lcal_state state) {
  return (unsigned)state < LCAL_STATE_COUNT ? states[state] : "unknown";
}

/* What the table reads into. */
struct reading {
  lcal_labels labels;
  uint64_t shape[2];
  unsigned dtype;
  unsigned state;
  const msgpack_object *maps[LCAL__MAPS]; /* bins in a message, ranges in a packet */
  const msgpack_object *ring;
  uint64_t slot, generation;
};

#define AT(member) .offset = offsetof(struct reading, member)

static const lcal__field fields[] = {
    {"v", LCAL__VERSION, .doc = "1"},
    {"type", LCAL__TYPE, .words = type, .doc = "`labels`"},
    {"stream", LCAL__NAME, AT(labels.stream), .doc = "the frame's"},
    {"seq", LCAL__UINT, AT(labels.seq), .doc = "the frame's"},
    {"stamp_ns", LCAL__UINT, AT(labels.stamp_ns), .doc = "as sent"},
    {"bank", LCAL__NAME, AT(labels.bank), .doc = "whose statistics were used"},
    {"domain", LCAL__NAME, AT(labels.domain), .doc = "of that bank"},
    {"shape", LCAL__PAIR, AT(shape), .min = 1, .max = UINT32_MAX, .doc = "[H,W] of every map"},
    {"dtype", LCAL__WORD, AT(dtype), .words = dtypes,
     .doc = "`u8`; `u16` where the model has more than 255 classes"},
    {"labels", LCAL__ANY, AT(maps[LCAL__MAP_LABELS]), .type = "bin",
     .doc = "class indices by rows; void pixels 255 (`u16`: 65535)"},
    {"argmax", LCAL__ANY, true, AT(maps[LCAL__MAP_ARGMAX]), .type = "bin",
     .doc = "the model's own, same dtype and void"},
    {"calibrated", LCAL__ANY, true, AT(maps[LCAL__MAP_CALIBRATED]), .type = "bin",
     .doc = "the rule's labels, where `labels` are the argmax"},
    {"confidence", LCAL__ANY, true, AT(maps[LCAL__MAP_CONFIDENCE]), .type = "bin",
     .doc = "u8: min(255, floor(255 m + 1/2)); void 0"},
    {"scores", LCAL__ANY, true, AT(maps[LCAL__MAP_SCORES]), .type = "bin",
     .doc = "f32, [H,W,C]; void NaN"},
    {"state", LCAL__WORD, AT(state), .words = states,
     .doc = "`warmup`, `calibrated`, `frozen`, `shadow`, `bypass` or `guarded`"},
    {"epoch", LCAL__UINT, AT(labels.epoch), .doc = "ns since 1970 of the daemon's start"},
    {"version", LCAL__UINT, AT(labels.version), .doc = "of the coefficients used"},
    {"committed", LCAL__FLAG, AT(labels.committed), .doc = "the frame's statistics were taken in"},
    {"guard", LCAL__TEXT, true, AT(labels.guard), .max = sizeof((lcal_labels *)0)->guard - 1,
     .doc = "the guard that tripped first"},
    {"rule", LCAL__NAME, AT(labels.rule), .doc = "the bank's"},
    {"pixels", LCAL__UINT, AT(labels.pixels), .doc = "H x W"},
    {"changed", LCAL__UINT, AT(labels.changed),
     .doc = "pixels whose calibrated label is not the argmax, also in shadow; void never"},
    {"void", LCAL__UINT, AT(labels.voids), .doc = "void pixels of the map"},
    {"certified", LCAL__UINT, AT(labels.certified),
     .doc = "valid input pixels with m >= t_c; 0 where no rule was applied"},
    {"missed", LCAL__UINT, AT(labels.missed),
     .doc = "frames of this stream lost, or dropped by depth, deadline or overload, since its "
            "last labels"},
    {"received_ns", LCAL__UINT, AT(labels.received_ns), .doc = "daemon's CLOCK_MONOTONIC"},
    {"started_ns", LCAL__UINT, AT(labels.started_ns), .doc = "the same clock"},
    {"published_ns", LCAL__UINT, AT(labels.published_ns), .doc = "the same clock"},
};

const lcal__table lcal__labels_table = LCAL__TABLE("labels", "", fields);

/* What a packet has besides: the slot in which its maps lie. */
static const lcal__field slot_fields[] = {
    {"slot", LCAL__UINT, AT(slot), .doc = "counted from 0"},
    {"generation", LCAL__UINT, AT(generation), .doc = "the slot's, when the maps were whole"},
};

const lcal__table lcal__slot_table = LCAL__TABLE("labels ring slot", "ring.", slot_fields);

static const lcal__field ring_fields[] = {
    {"ring", LCAL__MAP, AT(ring), .nested = &lcal__slot_table, .doc = "where the maps lie"},
};

static const lcal__table ring_table = LCAL__TABLE("labels ring", "", ring_fields);

static const char *const map_words[LCAL__MAPS] = {"labels", "argmax", "calibrated", "confidence",
                                                  "scores"};

/* Whether every map there is (length not 0) has the size that shape and dtype ask for. */
static lcal_status check_maps(const lcal_labels *labels, const struct lcal__range *maps,
                              lcal_error *error) {
  uint64_t pixels = (uint64_t)labels->height * labels->width;
  uint64_t size;
  if (__builtin_mul_overflow(pixels, labels->label_bytes, &size) || size > UINT32_MAX ||
      maps[LCAL__MAP_LABELS].length != size) {
    return lcal_error_set(error, LCAL_BAD_FIELD, "labels: not shape x dtype");
  }
  for (int i = 0; i < LCAL__MAPS; i++) {
    uint64_t length = maps[i].length;
    bool good = i == LCAL__MAP_SCORES       ? length % (pixels * sizeof(float)) == 0
                : i == LCAL__MAP_CONFIDENCE ? length == pixels
                                            : length == size;
    if (length > 0 && (!good || length > UINT32_MAX)) {
      return lcal_error_set(error, LCAL_BAD_FIELD, "%s: not shape x its type", map_words[i]);
    }
  }
  return LCAL_OK;
}

static lcal_status finish(struct reading *reading, const struct lcal__range *maps,
                          lcal_error *error) {
  lcal_labels *labels = &reading->labels;
  labels->height = (uint32_t)reading->shape[0];
  labels->width = (uint32_t)reading->shape[1];
  labels->label_bytes = reading->dtype + 1;
  labels->state = (lcal_state)reading->state;
  return check_maps(labels, maps, error);
}

static lcal_status read_message(struct reading *reading, const lcal__document *document,
                                lcal_error *error) {
  struct lcal__range maps[LCAL__MAPS] = {0};
  lcal_bytes views[LCAL__MAPS] = {0};
  lcal_status status =
      lcal__fields_read(&lcal__labels_table, &document->unpacked.data, reading, error);
  if (status != LCAL_OK) {
    return status;
  }
  if (document->topic.data && !lcal__bytes_are(document->topic, reading->labels.stream)) {
    return lcal_error_set(error, LCAL_BAD_FIELD, "stream: not the topic in front of the labels");
  }
  for (int i = 0; i < LCAL__MAPS; i++) {
    const msgpack_object *map = reading->maps[i];
    if (map && (map->type != MSGPACK_OBJECT_BIN || map->via.bin.size == 0)) {
      return lcal_error_set(error, LCAL_BAD_FIELD, "%s: not a bin of some bytes", map_words[i]);
    }
    if (map) {
      views[i] = (lcal_bytes){(const uint8_t *)map->via.bin.ptr, map->via.bin.size};
      maps[i].length = views[i].length;
    }
  }
  reading->labels.labels = views[LCAL__MAP_LABELS];
  reading->labels.argmax = views[LCAL__MAP_ARGMAX];
  reading->labels.calibrated = views[LCAL__MAP_CALIBRATED];
  reading->labels.confidence = views[LCAL__MAP_CONFIDENCE];
  reading->labels.scores = views[LCAL__MAP_SCORES];
  return finish(reading, maps, error);
}

lcal_status lcal_labels_read(lcal_labels *labels, const void *body, size_t length,
                             lcal_error *error) {
  struct reading reading = {0};
  lcal__document document;
  lcal_status status =
      lcal__document_open_body(&document, body, length, &lcal__message_limits, error);
  if (status == LCAL_OK) {
    status = read_message(&reading, &document, error);
  }
  lcal__document_close(&document);
  *labels = reading.labels;
  return status;
}

static lcal_status read_ranges(lcal__labels_packet *packet, struct reading *reading,
                               const msgpack_object *map, lcal_error *error) {
  lcal_status status = lcal__fields_read(&lcal__labels_table, map, reading, error);
  if (status == LCAL_OK) {
    status = lcal__fields_read(&ring_table, map, reading, error);
  }
  if (status != LCAL_OK) {
    return status;
  }
  packet->slot = reading->slot;
  packet->generation = reading->generation;
  for (int i = 0; i < LCAL__MAPS; i++) {
    const msgpack_object *range = reading->maps[i];
    if (range &&
        (range->type != MSGPACK_OBJECT_ARRAY || range->via.array.size != 2 ||
         !lcal__object_uint(&range->via.array.ptr[0], 0, UINT64_MAX, &packet->maps[i].offset) ||
         !lcal__object_uint(&range->via.array.ptr[1], 1, UINT64_MAX, &packet->maps[i].length))) {
      return lcal_error_set(error, LCAL_BAD_FIELD, "%s: not [offset, length]", map_words[i]);
    }
  }
  return finish(reading, packet->maps, error);
}

lcal_status lcal__labels_packet_read(lcal__labels_packet *packet, const void *bytes, size_t length,
                                     lcal_error *error) {
  struct reading reading = {0};
  lcal__document document;
  lcal_status status = lcal__document_open(&document, bytes, length, &lcal__message_limits, error);
  *packet = (lcal__labels_packet){0};
  if (status == LCAL_OK) {
    status = read_ranges(packet, &reading, &document.unpacked.data, error);
  }
  lcal__document_close(&document);
  packet->labels = reading.labels;
  return status;
}

static bool is_name(const lcal_name name) {
  return lcal_name_valid(name, strnlen(name, sizeof(lcal_name)));
}

static bool is_valid(const lcal_labels *labels, const struct lcal__range *maps) {
  return is_name(labels->stream) && is_name(labels->bank) && is_name(labels->domain) &&
         is_name(labels->rule) && labels->height > 0 && labels->width > 0 &&
         (labels->label_bytes == 1 || labels->label_bytes == 2) &&
         (unsigned)labels->state < LCAL_STATE_COUNT && check_maps(labels, maps, NULL) == LCAL_OK;
}

/* A map as a bin, or with `data` NULL as where it lies. */
static void put_map(lcal__writer *writer, int i, const uint8_t *data,
                    const struct lcal__range *map) {
  if (data) {
    lcal__put_bin(writer, map_words[i], data, (size_t)map->length);
  } else {
    lcal__put_pair(writer, map_words[i], map->offset, map->length);
  }
}

/* All keys but those a packet has besides; `data` NULL: the maps are ranges. The map stays
 * open. */
static void put_labels(lcal__writer *writer, const lcal_labels *labels,
                       const struct lcal__range *maps, const uint8_t *const *data) {
  lcal__begin_message(writer, "labels");
  lcal__put_text(writer, "stream", labels->stream);
  lcal__put_u64(writer, "seq", labels->seq);
  lcal__put_u64(writer, "stamp_ns", labels->stamp_ns);
  lcal__put_text(writer, "bank", labels->bank);
  lcal__put_text(writer, "domain", labels->domain);
  lcal__put_pair(writer, "shape", labels->height, labels->width);
  lcal__put_text(writer, "dtype", dtypes[labels->label_bytes - 1]);
  for (int i = 0; i < LCAL__MAPS; i++) {
    if (maps[i].length > 0) {
      put_map(writer, i, data ? data[i] : NULL, &maps[i]);
    }
  }
  lcal__put_text(writer, "state", states[labels->state]);
  lcal__put_u64(writer, "epoch", labels->epoch);
  lcal__put_u64(writer, "version", labels->version);
  lcal__put_flag(writer, "committed", labels->committed);
  if (labels->guard[0]) {
    lcal__put_text(writer, "guard", labels->guard);
  }
  lcal__put_text(writer, "rule", labels->rule);
  lcal__put_u64(writer, "pixels", labels->pixels);
  lcal__put_u64(writer, "changed", labels->changed);
  lcal__put_u64(writer, "void", labels->voids);
  lcal__put_u64(writer, "certified", labels->certified);
  lcal__put_u64(writer, "missed", labels->missed);
  lcal__put_u64(writer, "received_ns", labels->received_ns);
  lcal__put_u64(writer, "started_ns", labels->started_ns);
  lcal__put_u64(writer, "published_ns", labels->published_ns);
}

static void put_body(lcal__writer *writer, const lcal_labels *labels, int topic) {
  const lcal_bytes views[LCAL__MAPS] = {labels->labels, labels->argmax, labels->calibrated,
                                        labels->confidence, labels->scores};
  struct lcal__range maps[LCAL__MAPS] = {0};
  const uint8_t *data[LCAL__MAPS];
  for (int i = 0; i < LCAL__MAPS; i++) {
    data[i] = views[i].data;
    maps[i].length = views[i].data ? views[i].length : 0;
  }
  if (!is_valid(labels, maps)) {
    return;
  }
  if (topic) {
    lcal__put_topic(writer, labels->stream);
  }
  put_labels(writer, labels, maps, data);
  lcal__end(writer);
}

size_t lcal_labels_size(const lcal_labels *labels, int topic) {
  lcal__writer writer;
  lcal__writer_fix(&writer, NULL, 0);
  put_body(&writer, labels, topic);
  return writer.length;
}

size_t lcal_labels_write(const lcal_labels *labels, int topic, void *buffer, size_t capacity) {
  lcal__writer writer;
  lcal__writer_fix(&writer, buffer, capacity);
  put_body(&writer, labels, topic);
  return lcal__writer_fitted(&writer);
}

size_t lcal__labels_packet_write(const lcal__labels_packet *packet, void *buffer, size_t capacity) {
  lcal__writer writer;
  lcal__writer_fix(&writer, buffer, capacity);
  if (is_valid(&packet->labels, packet->maps)) {
    put_labels(&writer, &packet->labels, packet->maps, NULL);
    lcal__begin_map(&writer, "ring");
    lcal__put_u64(&writer, "slot", packet->slot);
    lcal__put_u64(&writer, "generation", packet->generation);
    lcal__end(&writer);
    lcal__end(&writer);
  }
  return lcal__writer_fitted(&writer);
}
