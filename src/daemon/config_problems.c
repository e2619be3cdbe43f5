#include "daemon/config_problems.h"

#include "daemon/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static char *format_text(const char *key, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static char *format_text(const char *key, const char *format, va_list arguments) {
  struct text text;
  FILE *stream = text_open(&text);
  if (!stream) {
    return NULL;
  }
  if (key) {
    fprintf(stream, "%s: ", key);
  }
  vfprintf(stream, format, arguments);
  return text_close(&text, stream, NULL);
}

void problems_add(struct problems *problems, struct place place, const char *key,
                  const char *format, ...) {
  if (problems->count == problems->capacity) {
    size_t capacity = problems->capacity ? 2 * problems->capacity : 16;
    struct problem *items = realloc(problems->items, capacity * sizeof *items);
    if (!items) {
      problems->out_of_memory = true;
      return;
    }
    problems->items = items;
    problems->capacity = capacity;
  }
  va_list arguments;
  va_start(arguments, format);
  char *text = format_text(key, format, arguments);
  va_end(arguments);
  if (!text) {
    problems->out_of_memory = true;
    return;
  }
  problems->items[problems->count++] = (struct problem){place, text};
}

bool problems_any(const struct problems *problems) {
  return problems->count > 0 || problems->out_of_memory;
}

static int by_place(const void *left, const void *right) {
  const struct problem *a = left;
  const struct problem *b = right;
  if (a->place.line != b->place.line) {
    return a->place.line < b->place.line ? -1 : 1;
  }
  if (a->place.column != b->place.column) {
    return a->place.column < b->place.column ? -1 : 1;
  }
  return strcmp(a->text, b->text);
}

void problems_print(struct problems *problems, FILE *out) {
  if (problems->count > 0) {
    qsort(problems->items, problems->count, sizeof *problems->items, by_place);
  }
  for (size_t i = 0; i < problems->count; i++) {
    const struct problem *problem = &problems->items[i];
    bool flag = problem->place.line == 0 && problem->place.column > 0;
    text_print_clean(flag ? "labelcald" : problems->file, out);
    if (problem->place.line > 0) {
      fprintf(out, ":%u:%u", problem->place.line, problem->place.column);
    }
    fputs(": ", out);
    text_print_clean(problem->text, out);
    putc('\n', out);
  }
  if (problems->out_of_memory) {
    text_print_clean(problems->file, out);
    fputs(": out of memory while reading the configuration\n", out);
  }
}

void problems_free(struct problems *problems) {
  for (size_t i = 0; i < problems->count; i++) {
    free(problems->items[i].text);
  }
  free(problems->items);
  problems->items = NULL;
  problems->count = problems->capacity = 0;
}
