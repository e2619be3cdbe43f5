#include "daemon/config_print.h"

#include "daemon/config_string.h"
#include "daemon/text.h"

#include <stdlib.h>
#include <string.h>

#define COMMENT_WIDTH 96

static void indent(FILE *out, unsigned depth) {
  fprintf(out, "%*s", 2 * (int)depth, "");
}

/* Comment lines before a key: "(r)" where reload takes it over, the doc, what may stand there. */
static void write_comment(const struct config_key *key, unsigned depth, FILE *out) {
  struct text room;
  FILE *stream = text_open(&room);
  if (!stream) {
    return;
  }
  fprintf(stream, "%s%s", key->reload ? "(r) " : "", key->doc ? key->doc : "");
  if (key->type) {
    fputs(" [", stream);
    config_key_describe(key, stream);
    putc(']', stream);
  }
  char *text = text_close(&room, stream, NULL);
  size_t width = COMMENT_WIDTH - 2 * depth;
  char *line = text;
  while (line && strlen(line) > width) {
    char *end = line + width;
    while (end > line && *end != ' ') {
      end--;
    }
    indent(out, depth);
    fprintf(out, "# %.*s\n", (int)(end - line), line);
    line = end + 1;
  }
  if (line && line[0]) {
    indent(out, depth);
    fprintf(out, "# %s\n", line);
  }
  free(text);
}

static void write_rows(const struct config_writer *writer, size_t first, size_t end,
                       const char *instance);

static void write_instances(const struct config_writer *writer, size_t row) {
  const struct config_key *key = &config_keys[row];
  const char *const *name = key->owner == OWNER_BANK ? writer->banks : writer->streams;
  for (; *name; name++) {
    indent(writer->out, config_key_depth(key));
    config_print_string(*name, writer->out);
    fputs(":\n", writer->out);
    write_rows(writer, row + 1, config_section_end(row), *name);
  }
}

static void write_rows(const struct config_writer *writer, size_t first, size_t end,
                       const char *instance) {
  for (size_t row = first; row < end; row++) {
    const struct config_key *key = &config_keys[row];
    unsigned depth = config_key_depth(key);
    const char *leaf = config_key_leaf(key);
    if (strcmp(leaf, "*") == 0) {
      write_instances(writer, row);
      row = config_section_end(row) - 1;
      continue;
    }
    if (writer->comments) {
      fputs(depth == 0 ? "\n" : "", writer->out);
      write_comment(key, depth, writer->out);
    }
    indent(writer->out, depth);
    fprintf(writer->out, "%s:", leaf);
    if (key->type) {
      putc(' ', writer->out);
      writer->value(writer, key, instance);
    }
    putc('\n', writer->out);
  }
}

void config_write(const struct config_writer *writer) {
  write_rows(writer, 0, config_key_count, NULL);
}

const void *config_owner(const struct config *config, const struct config_key *key,
                         const char *instance) {
  bool named;
  switch (key->owner) {
  case OWNER_BANK:
    return config_bank_find(config, instance);
  case OWNER_STREAM:
    return config_stream_find(config, instance, &named);
  default:
    return config;
  }
}

const char **config_bank_names(const struct config *config) {
  const char **names = calloc(config->bank_count + 1, sizeof *names);
  for (size_t i = 0; names && i < config->bank_count; i++) {
    names[i] = config->banks[i].name;
  }
  return names;
}

const char **config_stream_names(const struct config *config) {
  const char **names = calloc(config->stream_count + 1, sizeof *names);
  for (size_t i = 0; names && i < config->stream_count; i++) {
    names[i] = config->streams[i].name;
  }
  return names;
}

static void write_effective(const struct config_writer *writer, const struct config_key *key,
                            const char *instance) {
  const void *owner = config_owner(writer->config, key, instance);
  key->type->print(writer->config, key, config_field(key, owner), writer->out);
}

void config_print(const struct config *config, FILE *out) {
  const char **banks = config_bank_names(config);
  const char **streams = config_stream_names(config);
  if (banks && streams) {
    struct config_writer writer = {
        .out = out, .value = write_effective, .banks = banks, .streams = streams, .config = config};
    config_write(&writer);
  }
  free(banks);
  free(streams);
}
