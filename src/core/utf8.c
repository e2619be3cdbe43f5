#include "core/utf8.h"

uint32_t lcal__utf8_next(const uint8_t *text, size_t length, size_t *at) {
  static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
  uint8_t first = text[*at];
  size_t bytes = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (bytes == 0 || first >= 0xf8 || bytes > length - *at) {
    return LCAL__NO_CHARACTER;
  }
  uint32_t character = bytes == 1 ? first : first & (0x7fu >> bytes);
  for (size_t i = 1; i < bytes; i++) {
    uint8_t byte = text[*at + i];
    if ((byte & 0xc0) != 0x80) {
      return LCAL__NO_CHARACTER;
    }
    character = character << 6 | (byte & 0x3fu);
  }
  if (character < least[bytes] || character > 0x10ffff ||
      (character >= 0xd800 && character <= 0xdfff)) {
    return LCAL__NO_CHARACTER;
  }
  *at += bytes;
  return character;
}

int lcal__is_control(uint32_t character) {
  return character < 0x20 || (character >= 0x7f && character < 0xa0);
}
