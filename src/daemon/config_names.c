/* The types that name classes, rules and maps. */
#include "daemon/config_string.h"

#include <stdlib.h>
#include <string.h>

static const char *const cityscapes19[] = {
    "road",         "sidewalk",   "building", "wall",       "fence",  "pole",  "traffic light",
    "traffic sign", "vegetation", "terrain",  "sky",        "person", "rider", "car",
    "truck",        "bus",        "train",    "motorcycle", "bicycle"};

static const char *const camvid11[] = {"sky",      "building",   "pole",        "road",
                                       "pavement", "tree",       "sign symbol", "fence",
                                       "car",      "pedestrian", "bicyclist"};

static const struct {
  const char *word;
  const char *const *names;
  uint32_t count;
} presets[] = {
    {"cityscapes19", cityscapes19, sizeof cityscapes19 / sizeof *cityscapes19},
    {"camvid11", camvid11, sizeof camvid11 / sizeof *camvid11},
};

/* The name of class k of a preset, or of a bare count (NULL). */
static void preset_name(const char *const *names, uint32_t k, lcal_name name) {
  if (names) {
    snprintf(name, sizeof(lcal_name), "%s", names[k]);
  } else {
    snprintf(name, sizeof(lcal_name), "class_%u", k);
  }
}

static uint32_t class_index(const struct config *config, const char *name) {
  uint32_t k = 0;
  while (k < config->class_count && strcmp(config->classes[k], name) != 0) {
    k++;
  }
  return k;
}

/* Fills `names` from a list; every fault is told. */
static bool parse_class_list(const struct config_reader *reader, const struct config_key *key,
                             const struct node *list, lcal_name *names) {
  bool good = true;
  uint32_t k = 0;
  for (const struct node *item = list->children; item; item = item->next, k++) {
    names[k][0] = '\0';
    if (!config_is_string(reader, key, item)) {
      good = false;
      continue;
    }
    size_t length = strlen(item->text);
    if (!lcal_text_valid(item->text, length)) {
      good = config_refuse(reader, item,
                           "the class name \"%.64s\" must be 1 to 64 bytes of UTF-8 without "
                           "control characters",
                           item->text);
      continue;
    }
    for (uint32_t i = 0; i < k; i++) {
      if (strcmp(names[i], item->text) == 0) {
        good = config_refuse(reader, item, "the class \"%s\" is listed twice (class %u)",
                             item->text, i);
      }
    }
    memcpy(names[k], item->text, length + 1);
  }
  return good;
}

static uint32_t list_length(const struct node *list) {
  uint32_t count = 0;
  for (const struct node *item = list->children; item; item = item->next) {
    count++;
  }
  return count;
}

static bool parse_classes(const struct config_reader *reader, const struct config_key *key,
                          const struct node *node, void *field) {
  const char *const *preset = NULL;
  uint32_t count = 0;
  if (node->kind == NODE_LIST) {
    count = list_length(node);
  } else if (node->kind == NODE_SCALAR) {
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
      if (strcmp(node->text, presets[i].word) == 0) {
        preset = presets[i].names;
        count = presets[i].count;
      }
    }
    if (!preset && node->plain && node->text[0] != '0' && strlen(node->text) <= 4 &&
        node->text[strspn(node->text, "0123456789")] == '\0') {
      count = (uint32_t)strtoul(node->text, NULL, 10);
    }
  }
  if (count < LCAL_CLASSES_MIN || count > LCAL_CLASSES_MAX) {
    return config_expected(reader, key, node);
  }
  lcal_name *names = calloc(count, sizeof *names);
  if (!names) {
    return config_out_of_memory(reader);
  }
  if (node->kind == NODE_LIST) {
    if (!parse_class_list(reader, key, node, names)) {
      free(names);
      return false;
    }
  } else {
    for (uint32_t k = 0; k < count; k++) {
      preset_name(preset, k, names[k]);
    }
  }
  lcal_name **classes = field;
  free(*classes);
  *classes = names;
  reader->config->class_count = count;
  return true;
}

static bool is_preset(const struct config *config, const char *const *names, uint32_t count) {
  bool same = config->class_count == count;
  for (uint32_t k = 0; same && k < count; k++) {
    lcal_name name;
    preset_name(names, k, name);
    same = strcmp(config->classes[k], name) == 0;
  }
  return same;
}

static void print_classes(const struct config *config, const struct config_key *key,
                          const void *field, FILE *out) {
  (void)key;
  for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
    if (is_preset(config, presets[i].names, presets[i].count)) {
      fputs(presets[i].word, out);
      return;
    }
  }
  if (is_preset(config, NULL, config->class_count)) {
    fprintf(out, "%u", config->class_count);
    return;
  }
  const lcal_name *names = *(lcal_name *const *)field;
  for (uint32_t k = 0; k < config->class_count; k++) {
    fputs(k == 0 ? "[" : ", ", out);
    config_print_string(names[k], out);
  }
  putc(']', out);
}

/* What a field of one pointer owns. */
static void release_pointer(void *field) {
  void **pointer = field;
  free(*pointer);
  *pointer = NULL;
}

const struct config_type type_classes = {
    "a list of 2 to 1024 names, cityscapes19, camvid11, or a count from 2 to 1024", parse_classes,
    print_classes, release_pointer};

/* Rules of rules.md that this version does not have yet. */
static const char *const later_rules[] = {"layout", "logda_layout", "em_layout", "em_aligned",
                                          "affine"};

static bool parse_rule(const struct config_reader *reader, const struct config_key *key,
                       const struct node *node, void *field) {
  if (!config_is_string(reader, key, node)) {
    return false;
  }
  const lcal_rule *rule = lcal_rule_find(node->text, strlen(node->text));
  if (rule) {
    *(const lcal_rule **)field = rule;
    return true;
  }
  for (size_t i = 0; i < sizeof later_rules / sizeof *later_rules; i++) {
    if (strcmp(node->text, later_rules[i]) == 0) {
      return config_refuse(reader, node, "the rule %s is not built yet", node->text);
    }
  }
  return config_expected(reader, key, node);
}

static void print_rule(const struct config *config, const struct config_key *key, const void *field,
                       FILE *out) {
  (void)config;
  (void)key;
  fputs((*(const lcal_rule *const *)field)->name, out);
}

const struct config_type type_rule = {"a rule's name", parse_rule, print_rule, NULL};

/* Flags, one a class; NULL for none. */
static bool parse_class_set(const struct config_reader *reader, const struct config_key *key,
                            const struct node *node, void *field) {
  if (node->kind != NODE_LIST) {
    return config_expected(reader, key, node);
  }
  const struct config *config = reader->config;
  uint8_t *flags = calloc(config->class_count, 1);
  if (!flags) {
    return config_out_of_memory(reader);
  }
  bool good = true;
  for (const struct node *item = node->children; item; item = item->next) {
    if (!config_is_string(reader, key, item)) {
      good = false;
      continue;
    }
    uint32_t k = class_index(config, item->text);
    if (k == config->class_count && reader->classes_refused) {
      continue;
    }
    if (k == config->class_count) {
      good = config_refuse(reader, item, "\"%.64s\" is not a class of the model", item->text);
    } else if (flags[k]) {
      good = config_refuse(reader, item, "\"%s\" is listed twice", item->text);
    } else {
      flags[k] = 1;
    }
  }
  if (!good || !node->children) {
    free(flags);
    flags = NULL;
  }
  if (good) {
    release_pointer(field);
    *(uint8_t **)field = flags;
  }
  return good;
}

static void print_class_set(const struct config *config, const struct config_key *key,
                            const void *field, FILE *out) {
  (void)key;
  const uint8_t *flags = *(uint8_t *const *)field;
  const char *separator = "";
  putc('[', out);
  for (uint32_t k = 0; flags && k < config->class_count; k++) {
    if (flags[k]) {
      fputs(separator, out);
      config_print_string(config->classes[k], out);
      separator = ", ";
    }
  }
  putc(']', out);
}

const struct config_type type_class_set = {"a list of class names", parse_class_set,
                                           print_class_set, release_pointer};

/* Bits of lcal_want, in the order of the key's words. */
static bool parse_want(const struct config_reader *reader, const struct config_key *key,
                       const struct node *node, void *field) {
  if (node->kind != NODE_LIST) {
    return config_expected(reader, key, node);
  }
  uint32_t want = 0;
  bool good = true;
  for (const struct node *item = node->children; item; item = item->next) {
    size_t i = 0;
    while (i < key->word_count &&
           (item->kind != NODE_SCALAR || strcmp(item->text, key->words[i]) != 0)) {
      i++;
    }
    if (i == key->word_count) {
      good = config_expected(reader, key, item);
    } else if (want & 1u << i) {
      good = config_refuse(reader, item, "%s is listed twice", item->text);
    } else {
      want |= 1u << i;
    }
  }
  if (good) {
    *(uint32_t *)field = want;
  }
  return good;
}

static void print_want(const struct config *config, const struct config_key *key, const void *field,
                       FILE *out) {
  (void)config;
  const char *separator = "";
  putc('[', out);
  for (size_t i = 0; i < key->word_count; i++) {
    if (*(const uint32_t *)field & 1u << i) {
      fprintf(out, "%s%s", separator, key->words[i]);
      separator = ", ";
    }
  }
  putc(']', out);
}

const struct config_type type_want = {"a list of", parse_want, print_want, NULL};
