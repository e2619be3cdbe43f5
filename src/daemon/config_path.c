/* The types that name places: URLs, paths, CPUs. */
#include "daemon/config_string.h"
#include "daemon/config_url.h"

#include <stdlib.h>
#include <string.h>

static void release_list(void *field) {
  config_list_free(field);
}

static void print_list(const struct config *config, const struct config_key *key, const void *field,
                       FILE *out) {
  (void)config;
  (void)key;
  const struct config_list *list = field;
  putc('[', out);
  for (size_t i = 0; i < list->count; i++) {
    fputs(i > 0 ? ", " : "", out);
    config_print_string(list->items[i], out);
  }
  putc(']', out);
}

/* One URL of a socket, expanded; NULL after a complaint. */
static char *parse_url(const struct config_reader *reader, const struct config_key *key,
                       const struct node *node, bool http) {
  char *text = config_expand(reader, key, node);
  struct url url;
  lcal_error error;
  if (!text) {
    return NULL;
  }
  bool tcp_or_ipc = strncmp(text, "tcp://", 6) == 0 || strncmp(text, "ipc://", 6) == 0;
  if (http ? strncmp(text, "http://", 7) != 0 : !tcp_or_ipc) {
    config_refuse(reader, node, "%.128s: must begin with %s", text,
                  http ? "http://" : "ipc:// or tcp://");
  } else if (url_parse(&url, text, &error) != LCAL_OK) {
    config_refuse(reader, node, "%.128s: %s", text, error.message);
  } else {
    return text;
  }
  free(text);
  return NULL;
}

/* A refused URL becomes an empty one, so that the others can still be checked. */
static bool parse_urls(const struct config_reader *reader, const struct config_key *key,
                       const struct node *node, void *field) {
  if (node->kind != NODE_LIST) {
    return config_expected(reader, key, node);
  }
  struct config_list list = {0};
  for (const struct node *item = node->children; item; item = item->next) {
    char *text = parse_url(reader, key, item, false);
    if (!config_list_add(&list, text ? text : strdup(""))) {
      config_list_free(&list);
      return config_out_of_memory(reader);
    }
  }
  config_list_free(field);
  *(struct config_list *)field = list;
  return true;
}

const struct config_type type_urls = {"a list of ipc:// or tcp:// URLs", parse_urls, print_list,
                                      release_list};

static void release_text(void *field) {
  char **text = field;
  free(*text);
  *text = NULL;
}

static void print_text(const struct config *config, const struct config_key *key, const void *field,
                       FILE *out) {
  (void)config;
  const char *text = *(char *const *)field;
  if (text) {
    config_print_string(text, out);
  } else {
    fputs(key->absent, out);
  }
}

static bool take_text(void *field, char *text) {
  release_text(field);
  *(char **)field = text;
  return true;
}

static bool parse_path(const struct config_reader *reader, const struct config_key *key,
                       const struct node *node, void *field) {
  if (config_is_absent(key, node)) {
    return take_text(field, NULL);
  }
  char *text = config_expand(reader, key, node);
  return text && take_text(field, text);
}

const struct config_type type_path = {"a path", parse_path, print_text, release_text};

static bool parse_http(const struct config_reader *reader, const struct config_key *key,
                       const struct node *node, void *field) {
  if (config_is_absent(key, node)) {
    return take_text(field, NULL);
  }
  char *text = parse_url(reader, key, node, true);
  return text && take_text(field, text);
}

const struct config_type type_http = {"http://HOST:PORT", parse_http, print_text, release_text};

/* CPU numbers, kept as text. */
static bool parse_cpus(const struct config_reader *reader, const struct config_key *key,
                       const struct node *node, void *field) {
  struct config_list list = {0};
  bool good = true;
  if (config_is_absent(key, node)) {
    config_list_free(field);
    return true;
  }
  if (node->kind != NODE_LIST || !node->children) {
    return config_expected(reader, key, node);
  }
  for (const struct node *item = node->children; item; item = item->next) {
    uint32_t cpu;
    if (!type_u32.parse(reader, key, item, &cpu)) {
      good = false;
    } else if (!config_list_add(&list, strdup(item->text))) {
      good = config_out_of_memory(reader);
    }
  }
  if (!good) {
    config_list_free(&list);
    return false;
  }
  config_list_free(field);
  *(struct config_list *)field = list;
  return true;
}

static void print_cpus(const struct config *config, const struct config_key *key, const void *field,
                       FILE *out) {
  (void)config;
  const struct config_list *list = field;
  if (list->count == 0) {
    fputs(key->absent, out);
    return;
  }
  for (size_t i = 0; i < list->count; i++) {
    fprintf(out, "%s%s", i == 0 ? "[" : ", ", list->items[i]);
  }
  putc(']', out);
}

const struct config_type type_cpus = {"a list of CPU numbers", parse_cpus, print_cpus,
                                      release_list};
