#include "wire/base64.h"

#include <stdbool.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t lcal__base64_size(size_t length) {
  return (length / 3 + (length % 3 != 0)) * 4;
}

void lcal__base64_encode(const uint8_t *bytes, size_t length, char *text) {
  for (size_t i = 0; i < length; i += 3) {
    size_t left = length - i;
    uint32_t word = (uint32_t)bytes[i] << 16;
    word |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
    word |= left > 2 ? bytes[i + 2] : 0;
    *text++ = alphabet[word >> 18];
    *text++ = alphabet[word >> 12 & 63];
    *text++ = left > 1 ? alphabet[word >> 6 & 63] : '=';
    *text++ = left > 2 ? alphabet[word & 63] : '=';
  }
  *text = '\0';
}

/* The six bits of a character; 64 if it is none. */
static uint32_t value_of(char c) {
  if (c >= 'A' && c <= 'Z') {
    return (uint32_t)(c - 'A');
  }
  if (c >= 'a' && c <= 'z') {
    return (uint32_t)(c - 'a' + 26);
  }
  if (c >= '0' && c <= '9') {
    return (uint32_t)(c - '0' + 52);
  }
  return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* Three bytes of four characters, of which the last `padding` are '='. */
static bool decode_group(const char *text, unsigned padding, uint8_t bytes[3]) {
  uint32_t word = 0;
  for (unsigned i = 0; i < 4; i++) {
    uint32_t value = i < 4 - padding ? value_of(text[i]) : 0;
    if (value > 63 || (i >= 4 - padding && text[i] != '=')) {
      return false;
    }
    word = word << 6 | value;
  }
  bytes[0] = (uint8_t)(word >> 16);
  bytes[1] = (uint8_t)(word >> 8);
  bytes[2] = (uint8_t)word;
  /* Bits that padding leaves over are zero, so that each run of bytes has one text. */
  return (word & ((1u << 8 * padding) - 1)) == 0;
}

int lcal__base64_decode(const char *text, size_t length, uint8_t *bytes, size_t *count) {
  *count = 0;
  if (length % 4 != 0) {
    return 0;
  }
  for (size_t i = 0; i < length; i += 4) {
    bool last = i + 4 == length;
    unsigned padding = !last || text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
    uint8_t group[3];
    if (!decode_group(text + i, padding, group)) {
      return 0;
    }
    for (unsigned k = 0; k < 3 - padding; k++) {
      bytes[(*count)++] = group[k];
    }
  }
  return 1;
}
