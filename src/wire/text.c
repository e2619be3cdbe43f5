#include "wire/text.h"

#include "core/utf8.h"

#include <stdbool.h>

static size_t prefix(const char *text, size_t length, bool controls) {
  size_t at = 0;
  while (at < length) {
    size_t start = at;
    uint32_t character = lcal__utf8_next((const uint8_t *)text, length, &at);
    if (character == LCAL__NO_CHARACTER || (!controls && lcal__is_control(character))) {
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
