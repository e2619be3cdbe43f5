#include "daemon/config_check.h"

#include "daemon/config_url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Complains of a key at its place: its own or, for a bank or stream, that of `default`; with
 * `item`, of that item of its list. */
static void complain(struct config_reader *reader, const struct node *tree, const char *path,
                     const char *instance, size_t item, const char *what) {
  if (reader->http_by_flag && strcmp(path, "listen.http") == 0) {
    problems_add(reader->problems, PLACE_FLAG, "--http", "%s", what);
    return;
  }
  const struct config_key key = {.path = path};
  const struct node *node = config_find_node(tree, path, instance);
  if (!node && instance) {
    node = config_find_node(tree, path, "default");
  }
  if (node && node->kind == NODE_LIST && node->children) {
    node = node->children;
    for (; item > 0 && node->next; item--) {
      node = node->next;
    }
  }
  char *name = config_key_name(&key, instance);
  problems_add(reader->problems, node ? node->place : PLACE_NONE, name ? name : path, "%s", what);
  free(name);
}

static bool below(const char *path, const char *directory) {
  size_t length = directory ? strlen(directory) : 0;
  return length > 0 && strncmp(path, directory, length) == 0 && path[length] == '/';
}

/* Only in the runtime directory, which is ours alone, is a socket's file known to be our own. */
static void check_listener(struct config_reader *reader, const struct node *tree, const char *path,
                           size_t item, const char *text) {
  struct url url;
  char what[512];
  if (url_parse(&url, text, NULL) != LCAL_OK) {
    return; /* told when it was read */
  }
  if (url.scheme == URL_IPC && !below(url.path, reader->runtime_dir)) {
    snprintf(what, sizeof what, "%s: an ipc path must lie below the runtime directory, %s", text,
             reader->runtime_dir ? reader->runtime_dir : "which is not known");
    complain(reader, tree, path, NULL, item, what);
  }
  if (!url.loopback && !reader->config->allow_remote) {
    snprintf(what, sizeof what,
             "%s: other machines can reach it; set listen.allow_remote: true if that is meant",
             text);
    complain(reader, tree, path, NULL, item, what);
  }
}

/* The n-th URL that anything listens on, with its key; NULL past the last. HTTP comes last. */
static const char *listener(const struct config *config, size_t n, char path[32], size_t *item) {
  for (int e = 0; e < ENDPOINT_COUNT; e++) {
    if (n < config->listen[e].count) {
      snprintf(path, 32, "listen.%s", endpoint_words[e]);
      *item = n;
      return config->listen[e].items[n];
    }
    n -= config->listen[e].count;
  }
  snprintf(path, 32, "listen.http");
  *item = 0;
  return n == 0 ? config->http : NULL;
}

/* What two listeners may not share: an ipc path, or a tcp or http host and port. */
static bool same_address(const char *url, const char *other) {
  const char *address = strstr(url, "://");
  const char *other_address = strstr(other, "://");
  return address && other_address && strcmp(address, other_address) == 0;
}

static void check_listeners(struct config_reader *reader, const struct node *tree) {
  char path[32];
  char other_path[32];
  size_t item;
  size_t other_item;
  const char *url;
  for (size_t n = 0; (url = listener(reader->config, n, path, &item)) != NULL; n++) {
    check_listener(reader, tree, path, item, url);
    for (size_t m = 0; m < n; m++) {
      const char *other = listener(reader->config, m, other_path, &other_item);
      if (same_address(url, other)) {
        char what[512];
        snprintf(what, sizeof what, "%s: %s already listens there", url, other_path);
        complain(reader, tree, path, NULL, item, what);
        break;
      }
    }
  }
}

static void check_bank(struct config_reader *reader, const struct node *tree,
                       const struct config_bank *bank) {
  const struct config *config = reader->config;
  if (bank->adaptation.forgetting != LCAL_WINDOW) {
    return;
  }
  size_t bytes = lcal_domain_window_bytes(config->class_count, bank->adaptation.window);
  if (bytes > config->limits.window_bytes) {
    char what[256];
    snprintf(
        what, sizeof what,
        "%u frames of %u classes take %zu bytes a domain, more than limits.window_bytes (%llu)",
        bank->adaptation.window, config->class_count, bytes,
        (unsigned long long)config->limits.window_bytes);
    complain(reader, tree, "banks.*.adaptation.window", bank->name, 0, what);
  }
}

/* Whether a bank or stream has a key from `default`, where it was looked at already. */
static bool inherits(const struct node *tree, const char *path, const char *instance) {
  return strcmp(instance, "default") != 0 && !config_find_node(tree, path, instance);
}

static void check_stream(struct config_reader *reader, const struct node *tree,
                         const struct config_stream *stream) {
  char what[512];
  if (!inherits(tree, "streams.*.bank", stream->name) &&
      !config_bank_find(reader->config, stream->bank)) {
    snprintf(what, sizeof what, "there is no bank %s; add it below banks", stream->bank);
    complain(reader, tree, "streams.*.bank", stream->name, 0, what);
  }
  struct stat status;
  if (!stream->mask || inherits(tree, "streams.*.mask", stream->name)) {
    return;
  }
  if (stat(stream->mask, &status) != 0) {
    snprintf(what, sizeof what, "%.300s: %s", stream->mask, strerror(errno));
    complain(reader, tree, "streams.*.mask", stream->name, 0, what);
  } else if (!S_ISREG(status.st_mode)) {
    snprintf(what, sizeof what, "%.300s is not a regular file", stream->mask);
    complain(reader, tree, "streams.*.mask", stream->name, 0, what);
  }
}

void config_check(struct config_reader *reader, const struct node *tree) {
  const struct config *config = reader->config;
  check_listeners(reader, tree);
  for (size_t i = 0; i < config->bank_count; i++) {
    check_bank(reader, tree, &config->banks[i]);
  }
  for (size_t i = 0; i < config->stream_count; i++) {
    check_stream(reader, tree, &config->streams[i]);
  }
}
