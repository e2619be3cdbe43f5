#include "daemon/config_string.h"
#include "daemon/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool config_refuse(const struct config_reader *reader, const struct node *node, const char *format,
                   ...) {
  if (!reader->muted) {
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    problems_add(reader->problems, reader->in_file ? node->place : reader->elsewhere, reader->name,
                 "%s", what);
  }
  return false;
}

bool config_out_of_memory(const struct config_reader *reader) {
  reader->problems->out_of_memory = true;
  return false;
}

/* What stands in the file, cut to fit a message. */
static const char *found(const struct node *node, char *buffer, size_t size) {
  if (node->kind == NODE_LIST) {
    return "a list";
  }
  if (node->kind == NODE_MAP) {
    return "a mapping";
  }
  if (node->plain && node->text[0] == '\0') {
    return "nothing";
  }
  snprintf(buffer, size, node->plain ? "%.60s" : "the string \"%.60s\"", node->text);
  return buffer;
}

bool config_expected(const struct config_reader *reader, const struct config_key *key,
                     const struct node *node) {
  struct text text;
  FILE *stream = text_open(&text);
  if (stream) {
    config_key_describe(key, stream);
  }
  char *wanted = text_close(&text, stream, NULL);
  char buffer[96];
  config_refuse(reader, node, "must be %s, not %s", wanted ? wanted : key->type->noun,
                found(node, buffer, sizeof buffer));
  free(wanted);
  return false;
}

bool config_is_absent(const struct config_key *key, const struct node *node) {
  return key->absent && node->kind == NODE_SCALAR && node->plain &&
         strcmp(node->text, key->absent) == 0;
}

/* Whether YAML takes the plain scalar for something other than a string. */
static const char *other_type(const char *text) {
  static const char *const booleans[] = {"true", "false", "yes", "no", "on", "off", "y", "n"};
  for (size_t i = 0; i < sizeof booleans / sizeof *booleans; i++) {
    if (strcasecmp(text, booleans[i]) == 0) {
      return "true or false";
    }
  }
  if (strcasecmp(text, "null") == 0 || strcmp(text, "~") == 0) {
    return "null";
  }
  const char *digits = text + strspn(text, "+-");
  if (isdigit((unsigned char)*digits) || *digits == '.') {
    char *end;
    strtod(digits, &end);
    if (end != digits && *end == '\0') {
      return "a number";
    }
  }
  return NULL;
}

bool config_is_string(const struct config_reader *reader, const struct config_key *key,
                      const struct node *node) {
  if (node->kind != NODE_SCALAR || node->text[0] == '\0') {
    return config_expected(reader, key, node);
  }
  const char *other = node->plain ? other_type(node->text) : NULL;
  if (other) {
    return config_refuse(reader, node, "%.60s reads as %s: put it in quotes", node->text, other);
  }
  return true;
}

char *config_expand(const struct config_reader *reader, const struct config_key *key,
                    const struct node *node) {
  if (!config_is_string(reader, key, node)) {
    return NULL;
  }
  const struct {
    const char *word, *value;
  } variables[] = {
      {"${RUNTIME_DIRECTORY}", reader->runtime_dir},
      {"${STATE_DIRECTORY}", reader->state_dir},
  };
  struct text text;
  FILE *stream = text_open(&text);
  if (!stream) {
    config_out_of_memory(reader);
    return NULL;
  }
  const char *c = node->text;
  while (*c) {
    size_t i = 0;
    while (i < 2 && strncmp(c, variables[i].word, strlen(variables[i].word)) != 0) {
      i++;
    }
    if (i < 2 && variables[i].value) {
      fputs(variables[i].value, stream);
      c += strlen(variables[i].word);
    } else if (strncmp(c, "${", 2) == 0) {
      config_refuse(reader, node,
                    "only ${RUNTIME_DIRECTORY} and ${STATE_DIRECTORY} expand, not %.60s", c);
      free(text_close(&text, stream, NULL));
      return NULL;
    } else {
      putc(*c++, stream);
    }
  }
  char *expanded = text_close(&text, stream, NULL);
  if (!expanded) {
    config_out_of_memory(reader);
  }
  return expanded;
}

static bool needs_quotes(const char *text) {
  if (!isalpha((unsigned char)*text) || other_type(text)) {
    return true;
  }
  for (const char *c = text; *c; c++) {
    if (!isalnum((unsigned char)*c) && !strchr("_.-", *c)) {
      return true;
    }
  }
  return false;
}

void config_print_string(const char *text, FILE *out) {
  if (!needs_quotes(text)) {
    fputs(text, out);
    return;
  }
  putc('"', out);
  for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
    /* YAML breaks lines at U+0085, U+2028 and U+2029 and drops U+FEFF unless escaped. */
    if (*c == 0xC2 && c[1] == 0x85) {
      fputs("\\N", out);
      c += 1;
    } else if (*c == 0xE2 && c[1] == 0x80 && (c[2] == 0xA8 || c[2] == 0xA9)) {
      fputs(c[2] == 0xA8 ? "\\L" : "\\P", out);
      c += 2;
    } else if (*c == 0xEF && c[1] == 0xBB && c[2] == 0xBF) {
      fputs("\\uFEFF", out);
      c += 2;
    } else if (*c == '"' || *c == '\\') {
      fprintf(out, "\\%c", *c);
    } else if (*c < 0x20 || *c == 0x7F) {
      fprintf(out, "\\x%02X", *c);
    } else {
      putc(*c, out);
    }
  }
  putc('"', out);
}

bool config_list_add(struct config_list *list, char *item) {
  char **items = item ? realloc(list->items, (list->count + 1) * sizeof *items) : NULL;
  if (!items) {
    free(item);
    return false;
  }
  list->items = items;
  list->items[list->count++] = item;
  return true;
}

void config_list_free(struct config_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    free(list->items[i]);
  }
  free(list->items);
  *list = (struct config_list){0};
}
