#include <labelcal/status.h>

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

lcal_status lcal_error_set(lcal_error *error, lcal_status code, const char *format, ...) {
  if (error) {
    va_list arguments;
    va_start(arguments, format);
    error->code = code;
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
  }
  return code;
}
