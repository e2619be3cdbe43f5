#include "daemon/text.h"

#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>

/* Room for `more` bytes and a zero. */
static bool grow(struct text *text, size_t more) {
  size_t capacity = text->capacity;
  while (text->length + more >= capacity) {
    capacity = 2 * capacity;
  }
  char *bytes = realloc(text->bytes, capacity);
  if (bytes == NULL) {
    return false;
  }
  text->bytes = bytes;
  text->capacity = capacity;
  return true;
}

static ssize_t write_text(void *cookie, const char *bytes, size_t count) {
  struct text *text = cookie;
  if (!text->failed && text->length + count >= text->capacity) {
    text->failed = !grow(text, count);
  }
  if (text->failed) {
    return 0; /* an error of the stream */
  }
  memcpy(text->bytes + text->length, bytes, count);
  text->length += count;
  return (ssize_t)count;
}

FILE *text_open(struct text *text) {
  *text = (struct text){.bytes = malloc(BUFSIZ), .capacity = BUFSIZ};
  FILE *stream = NULL;
  if (text->bytes != NULL) {
    stream = fopencookie(text, "w", (cookie_io_functions_t){.write = write_text});
  }
  if (stream == NULL) {
    free(text->bytes);
    text->bytes = NULL;
  }
  return stream;
}

char *text_close(struct text *text, FILE *stream, size_t *length) {
  if (stream == NULL) {
    return NULL;
  }
  if (fclose(stream) != 0 || text->failed) {
    free(text->bytes);
    return NULL;
  }
  text->bytes[text->length] = '\0';
  if (length != NULL) {
    *length = text->length;
  }
  return text->bytes;
}

/* Room for the cleaned form of a character, or of a byte that is none. */
#define CLEAN_MAX 5

/* The cleaned form of what text[*at] begins, and steps over that; its length. */
static size_t clean_one(const char *text, size_t length, size_t *at, char form[CLEAN_MAX]) {
  const size_t start = *at;
  const uint32_t character = lcal__utf8_next((const uint8_t *)text, length, at);
  if (character == LCAL__NO_CHARACTER) {
    *at += 1;
    return (size_t)snprintf(form, CLEAN_MAX, "\\x%02x", (unsigned char)text[start]);
  }
  if (lcal__is_control(character)) {
    return (size_t)snprintf(form, CLEAN_MAX, "\\x%02x", (unsigned char)character);
  }
  memcpy(form, text + start, *at - start);
  return *at - start;
}

void text_print_clean(const char *text, FILE *out) {
  char form[CLEAN_MAX];
  const size_t length = strlen(text);
  for (size_t at = 0; at < length;) {
    const size_t bytes = clean_one(text, length, &at, form);
    fwrite(form, 1, bytes, out);
  }
}

size_t text_clean(const char *text, char *line, size_t size) {
  char form[CLEAN_MAX];
  const size_t length = strlen(text);
  size_t used = 0;
  for (size_t at = 0; at < length;) {
    const size_t bytes = clean_one(text, length, &at, form);
    if (bytes > size - used) {
      break;
    }
    memcpy(line + used, form, bytes);
    used += bytes;
  }
  return used;
}
