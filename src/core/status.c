#include <labelcal/status.h>

#include "core/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
  const char *word;
  int exit;
  const char *text;
} table[LCAL_STATUS_COUNT] = {
#define ROW(symbol, word, exit, text) [LCAL_##symbol] = {word, exit, text},
    LCAL_STATUS_MAP(ROW)
#undef ROW
};

const char *lcal_status_word(lcal_status status) {
  return (unsigned)status < LCAL_STATUS_COUNT ? table[status].word : "unknown";
}

const char *lcal_status_text(lcal_status status) {
  return (unsigned)status < LCAL_STATUS_COUNT ? table[status].text : "unknown status";
}

int lcal_status_exit(lcal_status status) {
  return (unsigned)status < LCAL_STATUS_COUNT ? table[status].exit : 1;
}

lcal_status lcal_status_of_word(const char *word, unsigned long length) {
  for (int i = 0; i < LCAL_STATUS_COUNT; i++) {
    if (strlen(table[i].word) == length && memcmp(table[i].word, word, length) == 0) {
      return (lcal_status)i;
    }
  }
  return LCAL_STATUS_COUNT;
}

/* A sentence quotes names, paths and pieces of files. What of it is no character, or would move a
 * terminal's cursor, becomes a question mark; a character that was cut goes. */
static void clean(char *message, int cut) {
  size_t length = strlen(message);
  size_t at = 0;
  while (at < length) {
    size_t start = at;
    uint32_t character = lcal__utf8_next((const uint8_t *)message, length, &at);
    if (character == LCAL__NO_CHARACTER && cut && length - start < 4 &&
        (message[start] & 0xc0) == 0xc0) {
      message[start] = '\0';
      return;
    }
    if (character == LCAL__NO_CHARACTER) {
      message[at++] = '?';
    } else if (lcal__is_control(character)) {
      memset(message + start, '?', at - start);
    }
  }
}

lcal_status lcal_error_set(lcal_error *error, lcal_status code, const char *format, ...) {
  if (error) {
    va_list arguments;
    va_start(arguments, format);
    error->code = code;
    int length = vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    clean(error->message, length >= (int)sizeof error->message);
  }
  return code;
}
