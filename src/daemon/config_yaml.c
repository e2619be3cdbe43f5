#include "daemon/config_yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

/* One open list or map. */
struct level {
  struct node *node;
  struct node *last; /* child */
  char *key;         /* of the value to come, in a map */
  bool key_refused;
  struct place key_place;
};

struct builder {
  yaml_parser_t parser;
  const char *text; /* all of it, to place the faults that libyaml gives in bytes */
  size_t length;
  struct problems *problems;
  struct node *root;
  struct level levels[CONFIG_DEPTH_MAX];
  unsigned depth;
  unsigned documents;
  bool stop; /* the rest cannot be read */
};

void node_free(struct node *node) {
  while (node) {
    struct node *next = node->next;
    node_free(node->children);
    free(node->text);
    free(node->key);
    free(node);
    node = next;
  }
}

const struct node *node_child(const struct node *map, const char *key, size_t length) {
  if (!map || map->kind != NODE_MAP) {
    return NULL;
  }
  for (const struct node *child = map->children; child; child = child->next) {
    if (strncmp(child->key, key, length) == 0 && child->key[length] == '\0') {
      return child;
    }
  }
  return NULL;
}

static struct place place_of(const yaml_mark_t *mark) {
  return (struct place){(uint32_t)mark->line + 1, (uint32_t)mark->column + 1};
}

static void out_of_memory(struct builder *builder) {
  builder->problems->out_of_memory = true;
  builder->stop = true;
}

/* Complains of what is being read, by its dotted path. */
static void complain(struct builder *builder, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void complain(struct builder *builder, struct place place, const char *format, ...) {
  char path[256] = "";
  size_t used = 0;
  for (unsigned i = 0; i < builder->depth && used < sizeof path; i++) {
    /* A list or map within a list has no name of its own, nor has what a list holds. */
    const char *key =
        i + 1 < builder->depth ? builder->levels[i + 1].node->key : builder->levels[i].key;
    if (key) {
      used += (size_t)snprintf(path + used, sizeof path - used, used > 0 ? ".%s" : "%s", key);
    }
  }
  char what[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(what, sizeof what, format, arguments);
  va_end(arguments);
  problems_add(builder->problems, place, path[0] ? path : NULL, "%s", what);
}

/* The scalar's text without its NULs, which are complained of. */
static char *scalar_text(struct builder *builder, const yaml_event_t *event, bool *refused) {
  const char *value = (const char *)event->data.scalar.value;
  size_t length = event->data.scalar.length;
  if (memchr(value, '\0', length)) {
    complain(builder, place_of(&event->start_mark), "a NUL character is refused");
    *refused = true;
  }
  char *text = strndup(value, length);
  if (!text) {
    out_of_memory(builder);
  }
  return text;
}

/* Anchors and tags are complained of; the value then counts as absent. */
static bool decorated(struct builder *builder, struct place place, const yaml_char_t *anchor,
                      const yaml_char_t *tag) {
  if (anchor) {
    complain(builder, place, "the anchor &%s is refused: write the value out",
             (const char *)anchor);
  }
  if (tag) {
    complain(builder, place, "the tag %s is refused: write the value alone", (const char *)tag);
  }
  return anchor || tag;
}

/* Ends libyaml's work on what can no longer be followed. */
static void give_up(struct builder *builder, struct place place, const char *what) {
  complain(builder, place, "%s", what);
  builder->stop = true;
}

static struct level *innermost(struct builder *builder) {
  return builder->depth > 0 ? &builder->levels[builder->depth - 1] : NULL;
}

static bool key_expected(struct builder *builder) {
  const struct level *level = innermost(builder);
  return level && level->node->kind == NODE_MAP && !level->key;
}

/* A name of the innermost map. A second value of one name is dropped. */
static void take_key(struct builder *builder, const yaml_event_t *event) {
  struct level *level = innermost(builder);
  struct place place = place_of(&event->start_mark);
  bool refused = decorated(builder, place, event->data.scalar.anchor, event->data.scalar.tag);
  char *text = scalar_text(builder, event, &refused);
  if (!text) {
    return;
  }
  const struct node *first = node_child(level->node, text, strlen(text));
  level->key = text;
  if (first && !refused) {
    complain(builder, place, "given again; it is already in line %u", first->key_place.line);
    refused = true;
  }
  level->key_refused = refused;
  level->key_place = place;
}

/* Hangs `node` (owned from here on) into the innermost list or map. */
static void attach(struct builder *builder, struct node *node) {
  struct level *level = innermost(builder);
  if (!level) {
    builder->root = node;
    return;
  }
  node->key = level->key;
  node->key_place = level->key_place;
  node->refused = node->refused || level->key_refused;
  level->key = NULL;
  level->key_refused = false;
  if (level->last) {
    level->last->next = node;
  } else {
    level->node->children = node;
  }
  level->last = node;
}

static struct node *new_node(struct builder *builder, enum node_kind kind,
                             const yaml_mark_t *mark) {
  struct node *node = calloc(1, sizeof *node);
  if (!node) {
    out_of_memory(builder);
    return NULL;
  }
  node->kind = kind;
  node->place = place_of(mark);
  return node;
}

static void take_scalar(struct builder *builder, const yaml_event_t *event) {
  if (key_expected(builder)) {
    take_key(builder, event);
    return;
  }
  struct node *node = new_node(builder, NODE_SCALAR, &event->start_mark);
  if (!node) {
    return;
  }
  node->refused =
      decorated(builder, node->place, event->data.scalar.anchor, event->data.scalar.tag);
  node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
  node->text = scalar_text(builder, event, &node->refused);
  attach(builder, node);
}

static void take_alias(struct builder *builder, const yaml_event_t *event) {
  struct place place = place_of(&event->start_mark);
  complain(builder, place, "the alias *%s is refused: write the value out",
           (const char *)event->data.alias.anchor);
  if (key_expected(builder)) {
    builder->stop = true;
    return;
  }
  struct node *node = new_node(builder, NODE_SCALAR, &event->start_mark);
  if (!node) {
    return;
  }
  node->refused = true;
  attach(builder, node);
}

static void take_start(struct builder *builder, const yaml_event_t *event, enum node_kind kind) {
  struct place place = place_of(&event->start_mark);
  if (key_expected(builder)) {
    give_up(builder, place, "a key must be a name, not a list or mapping");
    return;
  }
  if (builder->depth == CONFIG_DEPTH_MAX) {
    give_up(builder, place, "nested too deep");
    return;
  }
  struct node *node = new_node(builder, kind, &event->start_mark);
  if (!node) {
    return;
  }
  bool list = kind == NODE_LIST;
  node->refused = decorated(
      builder, place, list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor,
      list ? event->data.sequence_start.tag : event->data.mapping_start.tag);
  attach(builder, node);
  builder->levels[builder->depth++] = (struct level){.node = node};
}

static void take_event(struct builder *builder, const yaml_event_t *event) {
  switch (event->type) {
  case YAML_DOCUMENT_START_EVENT:
    if (builder->documents++ > 0) {
      give_up(builder, place_of(&event->start_mark), "a second document is refused");
    }
    break;
  case YAML_ALIAS_EVENT:
    take_alias(builder, event);
    break;
  case YAML_SCALAR_EVENT:
    take_scalar(builder, event);
    break;
  case YAML_SEQUENCE_START_EVENT:
    take_start(builder, event, NODE_LIST);
    break;
  case YAML_MAPPING_START_EVENT:
    take_start(builder, event, NODE_MAP);
    break;
  case YAML_SEQUENCE_END_EVENT:
  case YAML_MAPPING_END_EVENT:
    builder->depth--;
    break;
  default:
    break;
  }
}

/* The place of a byte: libyaml's reader gives no more. */
static struct place place_of_byte(const char *text, size_t offset) {
  struct place place = {1, 1};
  for (size_t i = 0; i < offset; i++) {
    if (text[i] == '\n') {
      place.line++;
      place.column = 1;
    } else if (((unsigned char)text[i] & 0xC0) != 0x80) {
      place.column++;
    }
  }
  return place;
}

static void take_fault(struct builder *builder) {
  const yaml_parser_t *parser = &builder->parser;
  builder->stop = true;
  if (parser->error == YAML_MEMORY_ERROR) {
    out_of_memory(builder);
    return;
  }
  if (parser->error == YAML_READER_ERROR) {
    size_t offset =
        parser->problem_offset < builder->length ? parser->problem_offset : builder->length;
    problems_add(builder->problems, place_of_byte(builder->text, offset), NULL, "%s",
                 parser->problem);
    return;
  }
  if (parser->context) {
    problems_add(builder->problems, place_of(&parser->problem_mark), NULL,
                 "%s, %s that begins in line %zu", parser->problem, parser->context,
                 parser->context_mark.line + 1);
  } else {
    problems_add(builder->problems, place_of(&parser->problem_mark), NULL, "%s", parser->problem);
  }
}

struct node *node_parse(const char *text, size_t length, struct problems *problems) {
  struct builder builder = {.text = text, .length = length, .problems = problems};
  if (!yaml_parser_initialize(&builder.parser)) {
    problems->out_of_memory = true;
    return NULL;
  }
  yaml_parser_set_encoding(&builder.parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&builder.parser, (const unsigned char *)text, length);
  bool ended = false;
  while (!ended && !builder.stop) {
    yaml_event_t event;
    if (!yaml_parser_parse(&builder.parser, &event)) {
      take_fault(&builder);
      break;
    }
    take_event(&builder, &event);
    ended = event.type == YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
  }
  yaml_parser_delete(&builder.parser);
  for (unsigned i = 0; i < CONFIG_DEPTH_MAX; i++) {
    free(builder.levels[i].key);
  }
  if (ended && !builder.stop && builder.documents == 0) {
    problems_add(problems, (struct place){1, 1}, NULL, "nothing in it: write at least one key");
  }
  if (builder.stop) {
    node_free(builder.root);
    return NULL;
  }
  return builder.root;
}

/* Reads all of `fd`, at most `capacity` bytes: the count, or -1 with errno. */
static ssize_t read_all(int fd, char *buffer, size_t capacity) {
  size_t length = 0;
  while (length < capacity) {
    ssize_t n = read(fd, buffer + length, capacity - length);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return -1;
    }
    if (n == 0) {
      break;
    }
    length += (size_t)n;
  }
  return (ssize_t)length;
}

struct node *node_read_file(const char *path, struct problems *problems) {
  struct node *root = NULL;
  char *text = NULL;
  /* O_NONBLOCK: opening a FIFO must not wait for its writer. */
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) {
    problems_add(problems, PLACE_NONE, NULL, "cannot be opened: %s", strerror(errno));
    goto done;
  }
  if (!S_ISREG(status.st_mode)) {
    problems_add(problems, PLACE_NONE, NULL, "is not a regular file");
    goto done;
  }
  text = malloc(CONFIG_FILE_MAX + 1);
  if (!text) {
    problems->out_of_memory = true;
    goto done;
  }
  ssize_t length = read_all(fd, text, CONFIG_FILE_MAX + 1);
  if (length < 0) {
    problems_add(problems, PLACE_NONE, NULL, "cannot be read: %s", strerror(errno));
  } else if (length > (ssize_t)CONFIG_FILE_MAX) {
    problems_add(problems, PLACE_NONE, NULL, "is longer than %u bytes", CONFIG_FILE_MAX);
  } else {
    root = node_parse(text, (size_t)length, problems);
  }
done:
  free(text);
  if (fd >= 0) {
    close(fd);
  }
  return root;
}
