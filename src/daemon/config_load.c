#include "build_config.h"
#include "daemon/config_check.h"
#include "daemon/config_string.h"
#include "daemon/config_url.h"
#include "daemon/realtime.h"

#include <stdlib.h>
#include <string.h>

const struct config_bank *config_bank_find(const struct config *config, const char *name) {
  for (size_t i = 0; i < config->bank_count; i++) {
    if (strcmp(config->banks[i].name, name) == 0) {
      return &config->banks[i];
    }
  }
  return NULL;
}

const struct config_stream *config_stream_find(const struct config *config, const char *name,
                                               bool *named) {
  for (size_t i = 1; i < config->stream_count; i++) {
    if (strcmp(config->streams[i].name, name) == 0) {
      *named = true;
      return &config->streams[i];
    }
  }
  *named = false;
  return &config->streams[0];
}

static void release_fields(enum config_owner owner, void *fields) {
  for (size_t row = 0; row < config_key_count; row++) {
    const struct config_key *key = &config_keys[row];
    if (key->owner == owner && key->type && key->type->release) {
      key->type->release((char *)fields + key->offset);
    }
  }
}

void config_free(struct config *config) {
  if (!config) {
    return;
  }
  for (size_t i = 0; i < config->bank_count; i++) {
    release_fields(OWNER_BANK, &config->banks[i]);
  }
  for (size_t i = 0; i < config->stream_count; i++) {
    release_fields(OWNER_STREAM, &config->streams[i]);
  }
  release_fields(OWNER_CONFIG, config);
  free(config->banks);
  free(config->streams);
  free(config);
}

const struct node *config_find_node(const struct node *tree, const char *path,
                                    const char *instance) {
  const struct node *node = tree;
  while (node && *path) {
    size_t length = strcspn(path, ".");
    bool star = length == 1 && *path == '*' && instance;
    node = star ? node_child(node, instance, strlen(instance)) : node_child(node, path, length);
    path += length + (path[length] == '.');
  }
  return node;
}

/* ---- Names: unknown keys, sections that are none. */

/* Levenshtein's distance, cut at 3. */
static unsigned distance(const char *a, const char *b) {
  size_t width = strlen(b);
  unsigned row[64];
  if (width >= sizeof row / sizeof *row || strlen(a) > width + 2) {
    return 3;
  }
  for (size_t j = 0; j <= width; j++) {
    row[j] = (unsigned)j;
  }
  for (size_t i = 0; a[i]; i++) {
    unsigned diagonal = row[0];
    row[0] = (unsigned)i + 1;
    for (size_t j = 0; j < width; j++) {
      unsigned replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      unsigned inserted = (row[j] < diagonal ? row[j] : diagonal) + 1;
      row[j + 1] = replaced < inserted ? replaced : inserted;
    }
  }
  return row[width] < 3 ? row[width] : 3;
}

static void refuse_unknown(const struct config_reader *reader, const struct node *node,
                           size_t section) {
  size_t first = section == SIZE_MAX ? 0 : section + 1;
  size_t end = section == SIZE_MAX ? config_key_count : config_section_end(section);
  unsigned depth = section == SIZE_MAX ? 0 : config_key_depth(&config_keys[section]) + 1;
  const char *nearest = NULL;
  unsigned least = 3;
  for (size_t row = first; row < end; row++) {
    const char *leaf = config_key_leaf(&config_keys[row]);
    if (config_key_depth(&config_keys[row]) == depth && distance(node->key, leaf) < least) {
      least = distance(node->key, leaf);
      nearest = leaf;
    }
  }
  if (nearest) {
    problems_add(reader->problems, node->key_place, reader->name, "unknown key; did you mean %s?",
                 nearest);
  } else {
    problems_add(reader->problems, node->key_place, reader->name, "unknown key");
  }
}

/* The name of a bank or stream. */
static void check_instance(const struct config_reader *reader, const struct node *node) {
  if (!lcal_name_valid(node->key, strlen(node->key))) {
    problems_add(reader->problems, node->key_place, reader->name, "\"%.64s\" must be %s", node->key,
                 type_name.noun);
  }
}

static void check_names(struct config_reader *reader, const struct node *map, size_t section,
                        const char *prefix) {
  for (const struct node *node = map->children; node; node = node->next) {
    if (node->refused) {
      continue;
    }
    char name[512];
    snprintf(name, sizeof name, "%s%s%.200s", prefix, prefix[0] ? "." : "", node->key);
    reader->name = name;
    size_t row = config_key_below(section, node->key);
    if (row == SIZE_MAX) {
      refuse_unknown(reader, node, section);
    } else if (!config_keys[row].type) {
      if (strcmp(config_key_leaf(&config_keys[row]), "*") == 0) {
        check_instance(reader, node);
      }
      if (node->kind != NODE_MAP) {
        config_refuse(reader, node, "must be a mapping: keys below it, indented, or {} for none");
      } else {
        check_names(reader, node, row, name);
      }
    }
    reader->name = NULL;
  }
}

/* ---- Values. */

static bool has_refused(const struct node *node) {
  for (const struct node *child = node->children; child; child = child->next) {
    if (has_refused(child)) {
      return true;
    }
  }
  return node->refused;
}

/* The default of a key, which can only fail where it expands to something that is refused. */
static void parse_initial(struct config_reader *reader, const struct config_key *key, void *field) {
  struct node *node = node_parse(key->initial, strlen(key->initial), reader->problems);
  bool in_file = reader->in_file;
  reader->in_file = false;
  if (node) {
    key->type->parse(reader, key, node, field);
  }
  reader->in_file = in_file;
  node_free(node);
}

static const char *missing_capability(const struct config_key *key) {
  switch (key->need) {
  case NEED_LATER:
    return "not built yet: leave it at its default";
  case NEED_HTTP:
    return LCAL_HAVE_HTTP ? NULL : "this labelcald was built without HTTP (libwebsockets)";
  case NEED_PNG:
    return LCAL_HAVE_PNG ? NULL : "this labelcald was built without PNG (libpng)";
  default:
    return NULL;
  }
}

/* What needs a capability that is not there may only stand at its default, or be off. */
static void check_capability(struct config_reader *reader, const struct config_key *key,
                             const struct node *node, const void *field) {
  const char *missing = missing_capability(key);
  if (!missing || reader->trusted) {
    return;
  }
  union {
    void *align;
    unsigned char bytes[64];
  } initial = {0};
  reader->muted = true;
  parse_initial(reader, key, &initial);
  reader->muted = false;
  char *is = config_value_text(reader->config, key, field);
  char *was = config_value_text(reader->config, key, &initial);
  if (!is || !was) {
    config_out_of_memory(reader);
  } else if (strcmp(is, was) != 0 && !(key->absent && strcmp(is, key->absent) == 0)) {
    config_refuse(reader, node, "%s", missing);
  }
  free(is);
  free(was);
  if (key->type->release) {
    key->type->release(&initial);
  }
}

/* One key of one owner: from its own node, else from `inherited`, else the default. Whatever
 * is wrong, the field holds a valid value afterwards, so that the rest can be checked. */
static void load_key(struct config_reader *reader, const struct config_key *key,
                     const struct node *node, const struct node *inherited, const char *instance,
                     void *owner) {
  char *name = config_key_name(key, instance);
  void *field = (char *)owner + key->offset;
  if (!name) {
    config_out_of_memory(reader);
    return;
  }
  reader->name = name;
  reader->in_file = true;
  bool done = node && !has_refused(node) && key->type->parse(reader, key, node, field);
  if (done) {
    check_capability(reader, key, node, field);
  } else {
    reader->classes_refused |= node && key->type == &type_classes;
    /* A fault of what is inherited was told where it stands. */
    reader->muted = node || inherited;
    done = inherited && !has_refused(inherited) && key->type->parse(reader, key, inherited, field);
    if (!done) {
      parse_initial(reader, key, field);
    }
  }
  reader->muted = false;
  reader->name = NULL;
  free(name);
}

/* All keys of one owner. `own` is its mapping in the file, `inherited` that of `default`; either
 * may be NULL. */
static void load_owner(struct config_reader *reader, enum config_owner owner, const char *instance,
                       const struct node *own, const struct node *inherited, void *fields) {
  for (size_t row = 0; row < config_key_count; row++) {
    const struct config_key *key = &config_keys[row];
    if (key->type && key->owner == owner) {
      const char *star = strstr(key->path, "*.");
      const char *path = star ? star + 2 : key->path;
      load_key(reader, key, config_find_node(own, path, NULL),
               config_find_node(inherited, path, NULL), instance, fields);
    }
  }
}

/* The banks or streams of the file, `default` first, in an array of their structs (whose first
 * member is the name); NULL if memory is short. */
static void *load_instances(struct config_reader *reader, const struct node *tree,
                            const char *section, enum config_owner owner, size_t size,
                            size_t *count) {
  const struct node *map = node_child(tree, section, strlen(section));
  size_t capacity = 1;
  for (const struct node *node = map ? map->children : NULL; node; node = node->next) {
    capacity++;
  }
  char *all = calloc(capacity, size);
  if (!all) {
    return NULL;
  }
  const struct node *pattern = node_child(map, "default", strlen("default"));
  snprintf(all, sizeof(lcal_name), "default");
  load_owner(reader, owner, all, pattern, NULL, all);
  *count = 1;
  for (const struct node *node = map ? map->children : NULL; node; node = node->next) {
    bool instance =
        node->kind == NODE_MAP && !node->refused && lcal_name_valid(node->key, strlen(node->key));
    if (instance && strcmp(node->key, "default") != 0) {
      char *one = all + *count * size;
      snprintf(one, sizeof(lcal_name), "%s", node->key);
      load_owner(reader, owner, one, node, pattern, one);
      ++*count;
    }
  }
  return all;
}

_Static_assert(offsetof(struct config_bank, name) == 0, "load_instances() fills the name");
_Static_assert(offsetof(struct config_stream, name) == 0, "load_instances() fills the name");

/* ---- What follows from the values. */

/* --http beats the file. */
static void override_http(struct config_reader *reader, const char *text) {
  const struct config_key *key = config_key_find("listen.http");
  struct node node = {.kind = NODE_SCALAR, .text = strdup(text)};
  node.plain = strcmp(text, key->absent) == 0; /* a shell's quotes are not YAML's */
  reader->name = "--http";
  reader->in_file = false;
  reader->elsewhere = PLACE_FLAG;
  reader->http_by_flag = true;
  if (!node.text) {
    config_out_of_memory(reader);
  } else if (key->type->parse(reader, key, &node, &reader->config->http)) {
    check_capability(reader, key, &node, &reader->config->http);
  }
  free(node.text);
  reader->elsewhere = PLACE_NONE;
}

static void finish(struct config *config) {
  for (size_t i = 0; i < config->bank_count; i++) {
    config->banks[i].adaptation.protect = config->banks[i].protect;
  }
  cpu_set_t cpus;
  const uint32_t count = realtime_cpus(config, &cpus);
  config->threads = config->threads_wanted > 0 ? config->threads_wanted : count;
#if !LCAL_HAVE_HTTP
  free(config->http);
  config->http = NULL;
#endif
}

struct config *config_from_tree(const struct node *tree, const struct config_overrides *overrides,
                                struct problems *problems) {
  struct config *config = calloc(1, sizeof *config);
  if (!config) {
    problems->out_of_memory = true;
    return NULL;
  }
  struct config_reader reader = {
      .problems = problems,
      .runtime_dir = overrides ? overrides->runtime_dir : NULL,
      .state_dir = overrides ? overrides->state_dir : NULL,
      .config = config,
      .in_file = true,
      .trusted = !overrides,
  };
  if (tree && tree->kind == NODE_MAP) {
    check_names(&reader, tree, SIZE_MAX, "");
  } else if (tree) {
    problems_add(problems, tree->place, NULL, "must be a mapping of keys");
  }
  load_owner(&reader, OWNER_CONFIG, NULL, tree, NULL, config);
  config->banks = load_instances(&reader, tree, "banks", OWNER_BANK, sizeof *config->banks,
                                 &config->bank_count);
  config->streams = load_instances(&reader, tree, "streams", OWNER_STREAM, sizeof *config->streams,
                                   &config->stream_count);
  if (!config->banks || !config->streams) {
    problems->out_of_memory = true;
    config_free(config);
    return NULL;
  }
  if (overrides && overrides->http) {
    override_http(&reader, overrides->http);
  }
  finish(config);
  if (!reader.trusted && !problems->out_of_memory) {
    config_check(&reader, tree);
  }
  return config;
}

lcal_status config_load(struct config **config, const char *path,
                        const struct config_overrides *overrides, FILE *errors) {
  struct problems problems = {.file = path ? path : "defaults"};
  struct node *tree = path ? node_read_file(path, &problems) : NULL;
  struct config *loaded = NULL;
  if (tree || !path) {
    loaded = config_from_tree(tree, overrides, &problems);
  }
  node_free(tree);
  lcal_status status = problems_any(&problems) ? LCAL_BAD_CONFIG : LCAL_OK;
  if (status != LCAL_OK) {
    problems_print(&problems, errors);
    config_free(loaded);
    loaded = NULL;
  }
  problems_free(&problems);
  *config = loaded;
  return status;
}
