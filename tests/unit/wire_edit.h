/* Messages changed in one place, for tests of the wire room. */
#ifndef WIRE_EDIT_H
#define WIRE_EDIT_H

#include "wire/writer.h"

#include <stdlib.h>
#include <string.h>

/* The bytes of a string literal, zero bytes in it too. */
#define RAW(literal) ((lcal_bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

static void edit_object(msgpack_packer *packer, const msgpack_object *object, const char *path,
                        const lcal_bytes *value) {
  if (object->type != MSGPACK_OBJECT_MAP) {
    msgpack_pack_object(packer, *object);
    return;
  }
  size_t head = strcspn(path, ".");
  uint32_t found = 0;
  for (uint32_t i = 0; i < object->via.map.size; i++) {
    const msgpack_object_str *key = &object->via.map.ptr[i].key.via.str;
    found |= key->size == head && memcmp(key->ptr, path, head) == 0;
  }
  bool last = path[head] == '\0';
  uint32_t more = last && value && !found;
  uint32_t less = last && !value && found;
  msgpack_pack_map(packer, object->via.map.size + more - less);
  for (uint32_t i = 0; i < object->via.map.size; i++) {
    const msgpack_object_kv *entry = &object->via.map.ptr[i];
    bool here = entry->key.via.str.size == head && memcmp(entry->key.via.str.ptr, path, head) == 0;
    if (here && last && !value) {
      continue;
    }
    msgpack_pack_object(packer, entry->key);
    if (here && last) {
      packer->callback(packer->data, (const char *)value->data, value->length);
    } else if (here) {
      edit_object(packer, &entry->val, path + head + 1, value);
    } else {
      msgpack_pack_object(packer, entry->val);
    }
  }
  if (more) {
    msgpack_pack_str_with_body(packer, path, head);
    packer->callback(packer->data, (const char *)value->data, value->length);
  }
}

/* `message` with the value at a dotted path put there, replaced, or (NULL) taken away; free() its
 * data. */
static inline lcal_bytes edited(lcal_bytes message, const char *path, const lcal_bytes *value) {
  msgpack_unpacked unpacked;
  msgpack_unpacked_init(&unpacked);
  size_t offset = 0;
  if (msgpack_unpack_next(&unpacked, (const char *)message.data, message.length, &offset) !=
      MSGPACK_UNPACK_SUCCESS) {
    abort();
  }
  msgpack_sbuffer buffer;
  msgpack_sbuffer_init(&buffer);
  msgpack_packer packer;
  msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
  edit_object(&packer, &unpacked.data, path, value);
  msgpack_unpacked_destroy(&unpacked);
  /* A block of exactly that size, so that ASan sees a read beyond it. */
  uint8_t *data = malloc(buffer.size);
  memcpy(data, buffer.data, buffer.size);
  lcal_bytes result = {data, buffer.size};
  msgpack_sbuffer_destroy(&buffer);
  return result;
}

#endif
