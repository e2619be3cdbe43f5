#include "store/snapshot.h"
#include "wire/document.h"

#include <string.h>

/* The next value if it is a string or an unsigned integer: of those msgpack-c takes no memory,
 * whatever their bytes say. */
static bool next_scalar(const uint8_t *bytes, size_t length, size_t *at,
                        msgpack_unpacked *unpacked) {
  if (*at >= length) {
    return false;
  }
  uint8_t first = bytes[*at];
  bool text = (first & 0xe0) == 0xa0 || first == 0xd9;
  bool number = first < 0x80 || (first >= 0xcc && first <= 0xcf);
  return (text || number) &&
         msgpack_unpack_next(unpacked, (const char *)bytes, length, at) == MSGPACK_UNPACK_SUCCESS;
}

bool lcal__snapshot_peek(const uint8_t *bytes, size_t length, const uint8_t *identity,
                         size_t identity_length, uint64_t *created_ns, bool *same_identity) {
  static const char *const keys[] = {"bank", "generation", "created_ns"};
  size_t at = LCAL__SNAPSHOT_HEADER + 3; /* the map's own header */
  if (length < at || memcmp(bytes, LCAL__SNAPSHOT_MAGIC, 8) != 0) {
    return false;
  }
  msgpack_unpacked unpacked;
  msgpack_unpacked_init(&unpacked);
  bool good = true;
  for (int i = 0; good && i < 3; i++) {
    good = next_scalar(bytes, length, &at, &unpacked) && lcal__object_is(&unpacked.data, keys[i]) &&
           next_scalar(bytes, length, &at, &unpacked);
  }
  good = good && unpacked.data.type == MSGPACK_OBJECT_POSITIVE_INTEGER;
  if (good) {
    *created_ns = unpacked.data.via.u64;
    *same_identity =
        length - at >= identity_length && memcmp(bytes + at, identity, identity_length) == 0;
  }
  msgpack_unpacked_destroy(&unpacked);
  return good;
}
