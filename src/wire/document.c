#include "wire/document.h"

#include <string.h>

lcal_status lcal__document_open(lcal__document *document, const void *bytes, size_t length,
                                const struct lcal__scan_limits *limits, lcal_error *error) {
  msgpack_unpacked_init(&document->unpacked);
  document->map = (lcal_bytes){bytes, length};
  document->topic = (lcal_bytes){NULL, 0};
  lcal_status status = lcal__scan(bytes, length, limits, error);
  if (status != LCAL_OK) {
    return status;
  }
  size_t offset = 0;
  /* What passed the scan parses; the only way left to fail is memory. */
  if (msgpack_unpack_next(&document->unpacked, bytes, length, &offset) != MSGPACK_UNPACK_SUCCESS) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory to read a message of %zu bytes", length);
  }
  return LCAL_OK;
}

void lcal__document_close(lcal__document *document) {
  msgpack_unpacked_destroy(&document->unpacked);
}

int lcal__bytes_are(lcal_bytes bytes, const char *text) {
  return bytes.length == strlen(text) && memcmp(bytes.data, text, bytes.length) == 0;
}

int lcal__object_is(const msgpack_object *object, const char *text) {
  return object->type == MSGPACK_OBJECT_STR &&
         lcal__bytes_are((lcal_bytes){(const uint8_t *)object->via.str.ptr, object->via.str.size},
                         text);
}

const msgpack_object *lcal__map_find(const msgpack_object *map, const char *key) {
  if (map->type != MSGPACK_OBJECT_MAP) {
    return NULL;
  }
  for (uint32_t i = 0; i < map->via.map.size; i++) {
    if (lcal__object_is(&map->via.map.ptr[i].key, key)) {
      return &map->via.map.ptr[i].val;
    }
  }
  return NULL;
}

lcal_status lcal__document_open_body(lcal__document *document, const void *body, size_t length,
                                     const struct lcal__scan_limits *limits, lcal_error *error) {
  const uint8_t *bytes = body;
  if (length == 0 || bytes[0] >= 0x80) {
    return lcal__document_open(document, body, length, limits, error);
  }
  const uint8_t *zero = memchr(bytes, 0, length < LCAL_NAME_MAX + 1 ? length : LCAL_NAME_MAX + 1);
  if (!zero) {
    msgpack_unpacked_init(&document->unpacked);
    return lcal_error_set(error, LCAL_MALFORMED,
                          "neither a map nor a topic of at most 64 bytes and a zero byte");
  }
  size_t end = (size_t)(zero - bytes);
  lcal_status status = lcal__document_open(document, zero + 1, length - end - 1, limits, error);
  document->topic = (lcal_bytes){bytes, end};
  return status;
}
