#include "wire/text.h"

#include <stdbool.h>

#define NO_CHARACTER UINT32_MAX

/* The character at text[*at], which moves past it; NO_CHARACTER for anything but the shortest
 * UTF-8 form of a Unicode scalar value. */
static uint32_t next_character(const uint8_t *text, size_t length, size_t *at) {
  static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
  uint8_t first = text[*at];
  size_t bytes = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (bytes == 0 || first >= 0xf8 || bytes > length - *at) {
    return NO_CHARACTER;
  }
  uint32_t character = bytes == 1 ? first : first & (0x7fu >> bytes);
  for (size_t i = 1; i < bytes; i++) {
    uint8_t byte = text[*at + i];
    if ((byte & 0xc0) != 0x80) {
      return NO_CHARACTER;
    }
    character = character << 6 | (byte & 0x3fu);
  }
  if (character < least[bytes] || character > 0x10ffff ||
      (character >= 0xd800 && character <= 0xdfff)) {
    return NO_CHARACTER;
  }
  *at += bytes;
  return character;
}

static bool is_control(uint32_t character) {
  return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

static size_t prefix(const char *text, size_t length, bool controls) {
  size_t at = 0;
  while (at < length) {
    size_t start = at;
    uint32_t character = next_character((const uint8_t *)text, length, &at);
    if (character == NO_CHARACTER || (!controls && is_control(character))) {
      return start;
    }
  }
  return length;
}

size_t lcal__text_prefix(const char *text, size_t length) {
  return prefix(text, length, false);
}

size_t lcal__utf8_prefix(const char *text, size_t length) {
  return prefix(text, length, true);
}

/* Not isalnum(): that follows the locale. */
static bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

int lcal_name_valid(const char *name, size_t length) {
  if (length < 1 || length > LCAL_NAME_MAX || !is_letter_or_digit(name[0])) {
    return 0;
  }
  for (size_t i = 1; i < length; i++) {
    char c = name[i];
    if (!is_letter_or_digit(c) && c != '.' && c != '_' && c != '-') {
      return 0;
    }
  }
  return 1;
}

int lcal_text_valid(const char *text, size_t length) {
  return length >= 1 && length <= LCAL_NAME_MAX && lcal__text_prefix(text, length) == length;
}
