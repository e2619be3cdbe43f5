/* Messages, and bytes that only look like some. */
#include "seeds.h"

#include "wire/commands.h"
#include "wire/control.h"
#include "wire/framing.h"
#include "wire/json.h"
#include "wire/ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* msgpack that costs a careless reader much; each is refused. */
static void seed_bombs(const char *target) {
  static const struct {
    const char *name;
    const char *bytes;
    size_t length;
  } bombs[] = {
      {"bomb-array32",
       "\x81\xa1"
       "a\xdd\x04\x00\x00\x00",
       8},
      {"bomb-map32", "\xdf\xff\xff\xff\xff", 5},
      {"bomb-bin32",
       "\x81\xa1"
       "a\xc6\xff\xff\xff\xff",
       8},
      {"bomb-ext32",
       "\x81\xa1"
       "a\xc9\xff\xff\xff\xff\x01",
       9},
      {"key-twice",
       "\x82\xa1"
       "a\x01\xa1"
       "a\x02",
       7},
      {"key-of-no-string", "\x81\x01\x02", 3},
      {"never-used",
       "\x81\xa1"
       "a\xc1",
       4},
      {"stamp",
       "\x81\xa1"
       "a\xd6\xff\x00\x00\x00\x00",
       9},
  };
  char deep[80];
  for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
    seed(target, bombs[i].name, bombs[i].bytes, bombs[i].length);
  }
  memcpy(deep,
         "\x81\xa1"
         "a",
         3);
  memset(deep + 3, '\x91', sizeof deep - 4);
  deep[sizeof deep - 1] = '\xc0';
  seed(target, "deep", deep, sizeof deep);
}

static void seed_frame(const char *name, const lcal_frame *frame, const char *topic) {
  size_t before = topic ? strlen(topic) + 1 : 0;
  size_t size = lcal_frame_size(frame);
  uint8_t *bytes = fuzz_block(before + size);
  if (topic) {
    memcpy(bytes, topic, before);
  }
  REQUIRE(lcal_frame_write(frame, bytes + before, size) == size);
  seed("frame", name, bytes, before + size);
  free(bytes);
}

/* Four pixels of three classes, of every type, layout and kind. */
void seed_frames(void) {
  static const float values[12] = {.7f, .1f, .3f, 0, .2f, .8f, .3f, 0, .1f, .1f, .4f, 1.0f};
  lcal_frame frame = {.stream = "cam", .seq = 7, .stamp_ns = 1700000000000000000u, .adapt = 1};
  for (int type = 0; type < LCAL_TYPE_COUNT; type++) {
    uint8_t data[sizeof values];
    size_t size = lcal_type_size((lcal_type)type);
    for (int i = 0; i < 12; i++) {
      uint16_t half = type == LCAL_F16 ? lcal_f32_to_f16(values[i]) : lcal_f32_to_bf16(values[i]);
      uint8_t byte = (uint8_t)(values[i] * 255);
      const void *value = size == 4   ? (const void *)&values[i]
                          : size == 2 ? (const void *)&half
                                      : &byte;
      memcpy(data + (size_t)i * size, value, size);
    }
    for (int layout = 0; layout < LCAL_LAYOUT_COUNT; layout++) {
      char name[64];
      const uint32_t shape[2][3] = {{3, 2, 2}, {2, 2, 3}};
      bool logits = layout == 1 && type != LCAL_U8;
      REQUIRE(lcal_tensor_init(&frame.tensor, shape[layout], (lcal_layout)layout, (lcal_type)type,
                               logits ? LCAL_LOGITS : LCAL_PROBABILITIES, data, 12 * size,
                               NULL) == LCAL_OK);
      snprintf(name, sizeof name, "%s-%s", lcal_type_word((lcal_type)type),
               lcal_layout_word((lcal_layout)layout));
      seed_frame(name, &frame, NULL);
    }
    frame.out_height = frame.out_width = 4;
    snprintf(frame.domain, sizeof frame.domain, "night");
    frame.want = LCAL_WANT_ARGMAX | LCAL_WANT_CONFIDENCE | (type ? 0 : LCAL_WANT_SCORES);
    frame.deadline_ns = 1000000;
    frame.adapt = type % 2;
    seed_frame(lcal_type_word((lcal_type)type), &frame, type ? "cam" : NULL);
    frame.out_height = frame.out_width = frame.want = 0;
  }
  frame.has_ring = 1;
  frame.ring_id = 1ull << 63;
  frame.ring_generation = 2;
  seed_frame("ring", &frame, NULL);
  seed_bombs("frame");
}

void seed_labels(void) {
  uint8_t bytes[4096];
  const uint8_t map[8] = {0, 1, 2, 255, 0, 0, 1, 1};
  const float scores[8] = {.5f, .5f, 1};
  lcal_labels labels = {.stream = "cam",
                        .bank = "default",
                        .domain = "default",
                        .rule = "euclidean",
                        .height = 2,
                        .width = 2,
                        .label_bytes = 1,
                        .labels = {map, 4},
                        .state = LCAL_STATE_CALIBRATED,
                        .epoch = 9,
                        .version = 3,
                        .committed = 1,
                        .pixels = 4,
                        .voids = 1};
  seed("labels", "labels", bytes, lcal_labels_write(&labels, 0, bytes, sizeof bytes));
  labels.argmax = labels.calibrated = labels.confidence = (lcal_bytes){map, 4};
  labels.scores = (lcal_bytes){(const uint8_t *)scores, sizeof scores};
  snprintf(labels.guard, sizeof labels.guard, "max_void");
  seed("labels", "all-maps", bytes, lcal_labels_write(&labels, 1, bytes, sizeof bytes));
  labels.label_bytes = 2;
  labels.labels.length = labels.argmax.length = labels.calibrated.length = 8;
  seed("labels", "u16", bytes, lcal_labels_write(&labels, 1, bytes, sizeof bytes));

  lcal__labels_packet packet = {.labels = labels, .slot = 1, .generation = 4};
  packet.maps[LCAL__MAP_LABELS] = (struct lcal__range){64, 8};
  packet.maps[LCAL__MAP_SCORES] = (struct lcal__range){UINT64_MAX, 32};
  seed("labels", "packet", bytes, lcal__labels_packet_write(&packet, bytes, sizeof bytes));
  lcal__attach attach = {.stream = "cam", .slots = 3, .slot_bytes = 8192};
  lcal__attached attached = {.id = 1, .slots = 3, .slot_bytes = 8192};
  lcal__release release = {.slot = 1, .generation = 2};
  for (int ring = 0; ring < 2; ring++) {
    seed("labels", ring ? "labels-attach" : "attach", bytes,
         lcal__attach_write(&attach, (enum lcal__ring)ring, bytes, sizeof bytes));
    seed("labels", ring ? "labels-attached" : "attached", bytes,
         lcal__attached_write(&attached, (enum lcal__ring)ring, bytes, sizeof bytes));
  }
  seed("labels", "release", bytes, lcal__release_write(&release, bytes, sizeof bytes));

  lcal_error_message error = {.error = {LCAL_BUSY, "the queue is full \xe2\x80\x93 ask again"},
                              .id = "id",
                              .stream = "cam",
                              .seq = 5,
                              .has_seq = 1};
  seed("labels", "error", bytes, lcal_error_write(&error, bytes, sizeof bytes));
  lcal__writer writer;
  lcal__writer_fix(&writer, bytes, sizeof bytes);
  lcal__begin_event(&writer, "snapshot_written", 17, "generation 3 was written");
  lcal__put_u64(&writer, "generation", 3);
  lcal__end(&writer);
  seed("labels", "event", bytes, lcal__writer_fitted(&writer));
  lcal__writer_fix(&writer, bytes, sizeof bytes);
  lcal__begin_result(&writer, "id", "prototypes");
  lcal__put_bin(&writer, "sum", scores, sizeof scores);
  lcal__put_bin(&writer, "prototypes", scores, sizeof scores);
  lcal__put_bin(&writer, "count", map, sizeof map);
  lcal__put_bin(&writer, "other", map, 7);
  lcal__put_f64(&writer, "real", 1e300);
  lcal__put_i64(&writer, "below", INT64_MIN);
  lcal__put_u64(&writer, "above", UINT64_MAX);
  lcal__put_nil(&writer, "nil");
  lcal__put_pair(&writer, "pair", 1, 2);
  lcal__end_result(&writer);
  size_t length = lcal__writer_fitted(&writer);
  seed("labels", "result", bytes, length);
  lcal_bytes map_of_result;
  REQUIRE(lcal__scan_find(bytes, length, "result", &map_of_result));
  uint8_t status[4096];
  lcal__writer_fix(&writer, status, sizeof status);
  lcal__put_status(&writer, map_of_result);
  seed("labels", "status", status, lcal__writer_fitted(&writer));
  seed_bombs("labels");
}

static const char *const arguments_of[LCAL__COMMAND_COUNT] = {
    [LCAL__COMMAND_PROTOTYPES] = "{\"bank\":\"default\",\"domain\":\"night\"}",
    [LCAL__COMMAND_LOAD_STATISTICS] =
        "{\"bank\":\"default\",\"domain\":\"night\",\"mode\":\"add\",\"frames\":1,\"extra\":"
        "{\"a\":\"AAAA\"},\"weight\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"count\":"
        "\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"sum\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
    [LCAL__COMMAND_DOMAIN] = "{\"stream\":\"cam\",\"domain\":\"night\"}",
    [LCAL__COMMAND_DOMAIN_DELETE] = "{\"bank\":\"default\",\"domain\":\"night\"}",
    [LCAL__COMMAND_FREEZE] = "{\"stream\":\"cam\"}",
    [LCAL__COMMAND_RESET] = "{\"bank\":\"default\",\"class\":\"car\"}",
    [LCAL__COMMAND_ROLLBACK] = "{\"bank\":\"default\",\"generation\":12}",
    [LCAL__COMMAND_GENERATIONS] = "{\"bank\":\"default\"}",
    [LCAL__COMMAND_SET_RULE] = "{\"bank\":\"default\",\"rule\":\"cosine\"}",
};

void seed_control(void) {
  for (unsigned i = 0; i < LCAL__COMMAND_COUNT; i++) {
    char text[1024];
    char name[64];
    uint8_t *bytes = NULL;
    size_t length = 0;
    const char *word = lcal__commands[i].word;
    snprintf(text, sizeof text,
             "{\"v\":1,\"type\":\"command\",\"id\":\"1\",\"command\":\"%s\"%s%s}", word,
             arguments_of[i] ? ",\"args\":" : "", arguments_of[i] ? arguments_of[i] : "");
    seed("control", word, text, strlen(text));
    REQUIRE(lcal__json_read_command(text, strlen(text), &bytes, &length, NULL) == LCAL_OK);
    snprintf(name, sizeof name, "%s.msgpack", word);
    seed("control", name, bytes, length);
    free(bytes);
  }
  static const char deep[] = "{\"a\":[[[[[[[[[[]]]]]]]]]],\"b\":{\"c\":-1.5e300,\"d\":null}}";
  seed("control", "deep-json", deep, sizeof deep - 1);
  seed_bombs("control");
}

/* What a peer says: a greeting, then messages; cut in pieces by the second byte. */
void seed_framing(void) {
  static const enum lcal__sp_protocol peers[2] = {LCAL__SP_PUSH, LCAL__SP_REQ};
  for (unsigned kind = 0; kind < 4; kind++) {
    uint8_t bytes[256] = {(uint8_t)kind, (uint8_t)(kind * 41)};
    char name[32];
    size_t at = 2;
    lcal__greeting_write(bytes + at, peers[kind & 1]);
    at += LCAL__GREETING_SIZE;
    for (unsigned i = 0; i < 3; i++) {
      static const uint8_t body[32] = {0, 0, 0, 1, 0x80, 0, 0, 2, 'b', 'o', 'd', 'y'};
      size_t length = i * 14;
      at += lcal__head_write(bytes + at, (kind & 2) == 0, length);
      memcpy(bytes + at, body, length);
      at += length;
    }
    snprintf(name, sizeof name, "messages-%u", kind);
    seed("framing", name, bytes, at);
    (void)lcal__head_write(bytes + 2 + LCAL__GREETING_SIZE, (kind & 2) == 0, 1ull << 62);
    snprintf(name, sizeof name, "announced-%u", kind);
    seed("framing", name, bytes, at);
    (void)lcal__head_write(bytes + 2 + LCAL__GREETING_SIZE, (kind & 2) == 0, 99999);
    snprintf(name, sizeof name, "long-%u", kind);
    seed("framing", name, bytes, at);
  }
}
