#include "wire/writer.h"

#include "wire/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Headers whose count is filled in at the end: map 16, array 32. */
static const uint8_t map_header[3] = {0xde};
static const uint8_t array_header[5] = {0xdd};

static int write_bytes(void *data, const char *bytes, size_t length) {
  lcal__writer *writer = data;
  size_t start = writer->length;
  if (writer->failed || __builtin_add_overflow(start, length, &writer->length)) {
    writer->failed = true;
    return -1;
  }
  if (writer->grows) {
    writer->failed = msgpack_sbuffer_write(&writer->grown, bytes, length) != 0;
  } else if (writer->length <= writer->capacity && length > 0) {
    memcpy(writer->fixed + start, bytes, length);
  }
  return writer->failed ? -1 : 0;
}

static void start(lcal__writer *writer) {
  msgpack_sbuffer_init(&writer->grown);
  msgpack_packer_init(&writer->packer, writer, write_bytes);
  writer->length = 0;
  writer->depth = 0;
  writer->failed = false;
}

void lcal__writer_grow(lcal__writer *writer) {
  start(writer);
  writer->grows = true;
  writer->fixed = NULL;
  writer->capacity = 0;
}

void lcal__writer_grow_from(lcal__writer *writer, void *room, size_t capacity) {
  lcal__writer_grow(writer);
  writer->grown.data = room;
  writer->grown.alloc = capacity;
}

void lcal__writer_fix(lcal__writer *writer, void *buffer, size_t capacity) {
  start(writer);
  writer->grows = false;
  writer->fixed = buffer;
  writer->capacity = capacity;
}

lcal_status lcal__writer_take(lcal__writer *writer, uint8_t **bytes, size_t *length,
                              lcal_error *error) {
  assert(writer->depth == 0);
  if (writer->failed) {
    lcal__writer_drop(writer);
    return lcal_error_set(error, LCAL_MEMORY, "no memory for a message of more than %zu bytes",
                          writer->length);
  }
  *length = writer->grown.size;
  *bytes = (uint8_t *)msgpack_sbuffer_release(&writer->grown);
  return LCAL_OK;
}

void lcal__writer_drop(lcal__writer *writer) {
  msgpack_sbuffer_destroy(&writer->grown);
  msgpack_sbuffer_init(&writer->grown);
}

size_t lcal__writer_fitted(const lcal__writer *writer) {
  assert(writer->depth == 0);
  return !writer->failed && writer->length <= writer->capacity ? writer->length : 0;
}

static void put_string(lcal__writer *writer, const char *text) {
  msgpack_pack_str_with_body(&writer->packer, text, strlen(text));
}

/* Counts one entry or item of what is open, and writes its key. */
static void put_key(lcal__writer *writer, const char *key) {
  if (writer->depth > 0) {
    assert(writer->open[writer->depth - 1].map == (key != NULL));
    writer->open[writer->depth - 1].count++;
  }
  if (key) {
    put_string(writer, key);
  }
}

void lcal__put_u64(lcal__writer *writer, const char *key, uint64_t value) {
  put_key(writer, key);
  msgpack_pack_uint64(&writer->packer, value);
}

void lcal__put_i64(lcal__writer *writer, const char *key, int64_t value) {
  put_key(writer, key);
  msgpack_pack_int64(&writer->packer, value);
}

void lcal__put_f64(lcal__writer *writer, const char *key, double value) {
  put_key(writer, key);
  msgpack_pack_double(&writer->packer, value);
}

void lcal__put_flag(lcal__writer *writer, const char *key, bool value) {
  put_key(writer, key);
  if (value) {
    msgpack_pack_true(&writer->packer);
  } else {
    msgpack_pack_false(&writer->packer);
  }
}

void lcal__put_nil(lcal__writer *writer, const char *key) {
  put_key(writer, key);
  msgpack_pack_nil(&writer->packer);
}

void lcal__put_text(lcal__writer *writer, const char *key, const char *text) {
  put_key(writer, key);
  put_string(writer, text);
}

void lcal__put_sentence(lcal__writer *writer, const char *key, const char *text) {
  put_key(writer, key);
  msgpack_pack_str_with_body(&writer->packer, text, lcal__utf8_prefix(text, strlen(text)));
}

void lcal__put_bin_header(lcal__writer *writer, const char *key, size_t length) {
  assert(length <= UINT32_MAX);
  put_key(writer, key);
  msgpack_pack_bin(&writer->packer, length);
}

void lcal__put_bytes(lcal__writer *writer, const void *data, size_t length) {
  (void)write_bytes(writer, data, length); /* failures stick */
}

void lcal__put_bin(lcal__writer *writer, const char *key, const void *data, size_t length) {
  lcal__put_bin_header(writer, key, length);
  lcal__put_bytes(writer, data, length);
}

void lcal__put_pair(lcal__writer *writer, const char *key, uint64_t first, uint64_t second) {
  put_key(writer, key);
  msgpack_pack_array(&writer->packer, 2);
  msgpack_pack_uint64(&writer->packer, first);
  msgpack_pack_uint64(&writer->packer, second);
}

void lcal__put_raw(lcal__writer *writer, const char *key, lcal_bytes encoded) {
  put_key(writer, key);
  lcal__put_bytes(writer, encoded.data, encoded.length);
}

void lcal__put_topic(lcal__writer *writer, const char *topic) {
  lcal__put_bytes(writer, topic, strlen(topic) + 1);
}

static void begin(lcal__writer *writer, const char *key, bool map) {
  put_key(writer, key);
  assert(writer->depth < LCAL__DEPTH_MAX);
  writer->open[writer->depth].header = writer->length;
  writer->open[writer->depth].count = 0;
  writer->open[writer->depth++].map = map;
  if (map) {
    lcal__put_bytes(writer, map_header, sizeof map_header);
  } else {
    lcal__put_bytes(writer, array_header, sizeof array_header);
  }
}

void lcal__begin_map(lcal__writer *writer, const char *key) {
  begin(writer, key, true);
}

void lcal__begin_array(lcal__writer *writer, const char *key) {
  begin(writer, key, false);
}

void lcal__end(lcal__writer *writer) {
  assert(writer->depth > 0);
  writer->depth--;
  size_t header = writer->open[writer->depth].header;
  uint32_t count = writer->open[writer->depth].count;
  bool map = writer->open[writer->depth].map;
  assert(!map || count <= UINT16_MAX);
  size_t end = header + (map ? sizeof map_header : sizeof array_header);
  if (writer->failed || (!writer->grows && end > writer->capacity)) {
    return;
  }
  uint8_t *bytes = writer->grows ? (uint8_t *)writer->grown.data : writer->fixed;
  for (size_t at = end - 1; at > header; at--) {
    bytes[at] = (uint8_t)count;
    count >>= 8;
  }
}

void lcal__begin_message(lcal__writer *writer, const char *type) {
  lcal__begin_map(writer, NULL);
  lcal__put_u64(writer, "v", LCAL_PROTOCOL_VERSION);
  lcal__put_text(writer, "type", type);
}

void lcal__put_words(lcal__writer *writer, const char *key, uint32_t bits,
                     const char *const *words) {
  lcal__begin_array(writer, key);
  for (unsigned i = 0; words[i]; i++) {
    if (bits & 1u << i) {
      lcal__put_text(writer, NULL, words[i]);
    }
  }
  lcal__end(writer);
}
