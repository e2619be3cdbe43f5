/* What a client reads from its daemon: labels, errors, events, results, status, and the packets
 * of the rings. Every reader gets every input. */
#include "tree.h"

#include "wire/control.h"
#include "wire/json.h"
#include "wire/ring.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define CODES (CODE(MALFORMED) | CODE(UNSUPPORTED_VERSION) | CODE(MISSING_FIELD) | CODE(BAD_FIELD))

/* Maps of the size that shape and dtype ask for. */
static void fit(msgpack_object *map, msgpack_zone *zone) {
  static const char *const keys[] = {"labels", "argmax", "calibrated", "confidence", "scores"};
  const msgpack_object *shape = tree_find(map, "shape");
  const msgpack_object *dtype = tree_find(map, "dtype");
  if (!shape || !dtype || shape->type != MSGPACK_OBJECT_ARRAY || shape->via.array.size != 2) {
    return;
  }
  size_t pixels =
      tree_number(&shape->via.array.ptr[0], 64) * tree_number(&shape->via.array.ptr[1], 64);
  size_t size = lcal__object_is(dtype, "u16") ? 2 * pixels : pixels;
  for (int i = 0; i < 5; i++) {
    msgpack_object *bin = tree_find(map, keys[i]);
    if (bin) {
      tree_resize(bin, i == 4 ? 8 * pixels : i == 3 ? pixels : size, zone);
    }
  }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  static const lcal__table *const tables[] = {&lcal__labels_table,
                                              &lcal__labels_table,
                                              &lcal__slot_table,
                                              &lcal__error_table,
                                              &lcal__event_table,
                                              &lcal__result_table,
                                              &lcal__status_table,
                                              &lcal__attach_table,
                                              &lcal__attached_table,
                                              &lcal__release_table,
                                              &lcal__labels_attach_table,
                                              &lcal__labels_attached_table,
                                              NULL};
  static const struct tree_rules rules = {tables, fit};
  return tree_mutate_body(data, size, max_size, seed, &rules);
}

static void require_same(const lcal_labels *a, const lcal_labels *b) {
  REQUIRE(strcmp(a->stream, b->stream) == 0 && strcmp(a->bank, b->bank) == 0 &&
          strcmp(a->domain, b->domain) == 0 && strcmp(a->rule, b->rule) == 0 &&
          strcmp(a->guard, b->guard) == 0);
  REQUIRE(a->seq == b->seq && a->stamp_ns == b->stamp_ns && a->epoch == b->epoch &&
          a->version == b->version && a->committed == b->committed && a->state == b->state);
  REQUIRE(a->height == b->height && a->width == b->width && a->label_bytes == b->label_bytes);
  REQUIRE(a->pixels == b->pixels && a->changed == b->changed && a->voids == b->voids &&
          a->certified == b->certified && a->missed == b->missed);
  REQUIRE(a->received_ns == b->received_ns && a->started_ns == b->started_ns &&
          a->published_ns == b->published_ns);
}

static void read_labels(const uint8_t *data, size_t size) {
  lcal_labels labels;
  lcal_labels again;
  lcal_error error;
  lcal_status status = lcal_labels_read(&labels, data, size, &error);
  if (status != LCAL_OK) {
    fuzz_refused(status, &error, CODES);
    return;
  }
  const lcal_bytes views[] = {labels.labels, labels.argmax, labels.calibrated, labels.confidence,
                              labels.scores};
  uint64_t pixels = (uint64_t)labels.height * labels.width;
  for (int i = 0; i < 5; i++) {
    fuzz_within(views[i], data, size);
  }
  REQUIRE(labels.labels.length == pixels * labels.label_bytes && pixels > 0);
  REQUIRE(!labels.confidence.data || labels.confidence.length == pixels);
  for (int topic = 0; topic < 2; topic++) {
    size_t length = lcal_labels_size(&labels, topic);
    uint8_t *bytes = fuzz_block(length);
    REQUIRE(length > 0 && lcal_labels_write(&labels, topic, bytes, length) == length);
    REQUIRE(lcal_labels_read(&again, bytes, length, &error) == LCAL_OK);
    require_same(&labels, &again);
    REQUIRE(memcmp(again.labels.data, labels.labels.data, labels.labels.length) == 0);
    REQUIRE((again.scores.data == NULL) == (labels.scores.data == NULL));
    free(bytes);
  }
}

static void read_packet(const uint8_t *data, size_t size) {
  lcal__labels_packet packet;
  lcal__labels_packet again;
  lcal_error error;
  uint8_t bytes[LCAL__RING_PACKET_MAX];
  lcal_status status = lcal__labels_packet_read(&packet, data, size, &error);
  if (status != LCAL_OK) {
    fuzz_refused(status, &error, CODES);
    return;
  }
  size_t length = lcal__labels_packet_write(&packet, bytes, sizeof bytes);
  REQUIRE(length > 0);
  REQUIRE(lcal__labels_packet_read(&again, bytes, length, &error) == LCAL_OK);
  require_same(&packet.labels, &again.labels);
  REQUIRE(memcmp(packet.maps, again.maps, sizeof packet.maps) == 0);
  REQUIRE(packet.slot == again.slot && packet.generation == again.generation);
}

static void read_side_channel(const uint8_t *data, size_t size) {
  uint8_t bytes[LCAL__RING_PACKET_MAX];
  lcal_error error;
  for (int i = 0; i < 2; i++) {
    enum lcal__ring ring = (enum lcal__ring)i;
    lcal__attach attach;
    lcal__attached attached;
    lcal_status status = lcal__attach_read(&attach, ring, data, size, &error);
    if (status == LCAL_OK) {
      REQUIRE(lcal__attach_write(&attach, ring, bytes, sizeof bytes) > 0);
    } else {
      fuzz_refused(status, &error, CODES);
    }
    status = lcal__attached_read(&attached, ring, data, size, &error);
    if (status == LCAL_OK) {
      REQUIRE(lcal__attached_write(&attached, ring, bytes, sizeof bytes) > 0);
    } else {
      fuzz_refused(status, &error, CODES);
    }
  }
  lcal__release release;
  lcal_status status = lcal__release_read(&release, data, size, &error);
  if (status == LCAL_OK) {
    REQUIRE(lcal__release_write(&release, bytes, sizeof bytes) > 0);
  } else {
    fuzz_refused(status, &error, CODES);
  }
}

static void read_error(const uint8_t *data, size_t size) {
  lcal_error_message message;
  lcal_error_message again;
  lcal_error error;
  uint8_t bytes[LCAL_ERROR_MESSAGE_MAX];
  lcal_status status = lcal_error_read(&message, data, size, &error);
  if (status != LCAL_OK) {
    fuzz_refused(status, &error, CODES);
    return;
  }
  size_t length = lcal_error_write(&message, bytes, sizeof bytes);
  REQUIRE(length > 0);
  REQUIRE(lcal_error_read(&again, bytes, length, &error) == LCAL_OK);
  REQUIRE(message.error.code == again.error.code && message.has_seq == again.has_seq);
  REQUIRE(strcmp(message.error.message, again.error.message) == 0);
  REQUIRE(strcmp(message.id, again.id) == 0 && strcmp(message.stream, again.stream) == 0);
}

/* A map that the command line prints: JSON that any reader takes. */
static void print_map(lcal_bytes map, const uint8_t *data, size_t size) {
  char *text = NULL;
  size_t length = 0;
  lcal_error error;
  fuzz_within(map, data, size);
  lcal_status status = lcal__json_write(map, &text, &length, &error);
  if (status != LCAL_OK) {
    fuzz_refused(status, &error, CODE(MALFORMED));
    return;
  }
  REQUIRE(strlen(text) == length);
  json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
  REQUIRE(json_is_object(json));
  json_decref(json);
  free(text);
}

static void read_rest(const uint8_t *data, size_t size) {
  lcal_error error;
  lcal_event event;
  lcal__result result;
  lcal_bytes map = {0};
  lcal_message type;
  lcal_status status = lcal_message_type(&type, data, size, &error);
  if (status == LCAL_OK) {
    REQUIRE((unsigned)type < LCAL_MESSAGE_COUNT);
  } else {
    fuzz_refused(status, &error, CODES);
  }
  status = lcal_event_read(&event, data, size, &error);
  if (status == LCAL_OK) {
    REQUIRE(type == LCAL_MESSAGE_EVENT && strnlen(event.event, sizeof event.event) < 32);
    REQUIRE(strnlen(event.message, sizeof event.message) < sizeof event.message);
  } else {
    fuzz_refused(status, &error, CODES);
  }
  status = lcal__result_read(&result, data, size, &error);
  if (status == LCAL_OK) {
    print_map(result.result, data, size);
  } else {
    fuzz_refused(status, &error, CODES);
  }
  status = lcal__status_read(&map, data, size, &error);
  if (status == LCAL_OK) {
    print_map(map, data, size);
  } else {
    fuzz_refused(status, &error, CODES);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  read_labels(data, size);
  read_packet(data, size);
  read_side_channel(data, size);
  read_error(data, size);
  read_rest(data, size);
  print_map((lcal_bytes){data, size}, data, size);
  return 0;
}
