#include "daemon/text.h"

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

/* Room for the cleaned form of a byte or two. */
#define CLEAN_MAX 5

/* The cleaned form of what *text begins with, and steps over that; its length. */
static size_t clean_one(const unsigned char **text, char form[CLEAN_MAX]) {
  const unsigned char *c = *text;
  *text += 1;
  if (*c < 0x20 || *c == 0x7F) {
    return (size_t)snprintf(form, CLEAN_MAX, "\\x%02x", *c);
  }
  if (*c == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0) { /* U+0080 to U+009F */
    *text += 1;
    return (size_t)snprintf(form, CLEAN_MAX, "\\x%02x", c[1]);
  }
  form[0] = (char)*c;
  return 1;
}

void text_print_clean(const char *text, FILE *out) {
  char form[CLEAN_MAX];
  for (const unsigned char *c = (const unsigned char *)text; *c;) {
    const size_t length = clean_one(&c, form);
    fwrite(form, 1, length, out);
  }
}

size_t text_clean(const char *text, char *line, size_t size) {
  char form[CLEAN_MAX];
  size_t used = 0;
  for (const unsigned char *c = (const unsigned char *)text; *c;) {
    const size_t length = clean_one(&c, form);
    if (length > size - used) {
      break;
    }
    memcpy(line + used, form, length);
    used += length;
  }
  return used;
}
