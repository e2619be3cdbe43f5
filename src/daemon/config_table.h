/* The one table of labelcald.yaml's keys. The parser, --check-config, reload's diff and merge,
 * config/labelcald.yaml and docs/config.md come from it. */
#ifndef DAEMON_CONFIG_TABLE_H
#define DAEMON_CONFIG_TABLE_H

#include "daemon/config.h"
#include "daemon/config_yaml.h"

struct config_key;

/* What a value is read with. */
struct config_reader {
  struct problems *problems;
  bool muted; /* faults are not told: they were, or will be, elsewhere */
  const char *runtime_dir, *state_dir;
  struct config *config;  /* being filled; classes come before whatever names one */
  const char *name;       /* of the key in hand, with the bank's or stream's */
  bool in_file;           /* the value in hand has a place there */
  struct place elsewhere; /* what stands for it otherwise */
  bool http_by_flag;      /* --http beat the file */
  bool classes_refused;   /* names of classes cannot be checked */
  bool trusted;           /* the values were checked before, against all else too */
};

/* Complains of a value at its place; always false. */
bool config_refuse(const struct config_reader *reader, const struct node *node, const char *format,
                   ...) __attribute__((format(printf, 3, 4)));

/* Notes that memory was short; always false. */
bool config_out_of_memory(const struct config_reader *reader);

/* How a kind of value is read and written. Two values are equal if they print alike. */
struct config_type {
  const char *noun; /* "a whole number", for errors and docs */
  /* Fills the field (what it owned is released), or leaves it alone and returns false after
   * complaining. */
  bool (*parse)(const struct config_reader *reader, const struct config_key *key,
                const struct node *node, void *field);
  /* As YAML on one line, which parse() reads back to the same value. */
  void (*print)(const struct config *config, const struct config_key *key, const void *field,
                FILE *out);
  void (*release)(void *field); /* what the field owns; NULL: nothing */
};

extern const struct config_type type_u32, type_u64, type_milliseconds, type_real, type_words,
    type_flag, type_mode, type_name, type_text, type_classes, type_rule, type_class_set, type_want,
    type_cpus, type_urls, type_path, type_http;

/* Which struct a key's field is in. */
enum config_owner { OWNER_CONFIG, OWNER_BANK, OWNER_STREAM };

/* What a value other than the default (or none) needs. */
enum config_need { NEED_NONE, NEED_LATER, NEED_HTTP, NEED_PNG };

struct config_key {
  const char *path;               /* dotted; `*` stands for a bank's or stream's name */
  const struct config_type *type; /* NULL: a section, which has keys below it */
  const char *initial;            /* the default, as YAML */
  enum config_owner owner;
  size_t offset;
  double min, max;          /* of numbers */
  const char *unit;         /* of numbers: "frames" */
  const char *const *words; /* the words of type_words and type_flag, in the field's order */
  size_t word_count;
  const char *absent; /* the word for no value: "null", "off"; NULL: there must be one */
  bool reload;        /* taken over by reload; else it needs a restart */
  enum config_need need;
  const char *doc; /* a sentence or two */
};

/* Sections stand before their keys; both stand in labelcald.yaml's order. */
extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* The key's last component ("depth"; "*" for a bank or stream), and how many sections it is in. */
const char *config_key_leaf(const struct config_key *key);
unsigned config_key_depth(const struct config_key *key);

/* The rows below a section: one past the last. */
size_t config_section_end(size_t section);

/* The row of `name` directly below a section's row (SIZE_MAX: the top), `*` matching what no
 * other does; SIZE_MAX if there is none. */
size_t config_key_below(size_t section, const char *name);

/* The row of a path, which must be one of the table's. */
const struct config_key *config_key_find(const char *path);

/* The path with `*` replaced by `instance`, for the caller to free; NULL if memory is short. */
char *config_key_name(const struct config_key *key, const char *instance);

/* What may stand there: "a whole number of frames from 1 to 1024, or null". */
void config_key_describe(const struct config_key *key, FILE *out);

/* The key's field in `owner`: the config, bank or stream that key->owner says. */
const void *config_field(const struct config_key *key, const void *owner);

/* The value as YAML, for the caller to free; NULL if memory is short. */
char *config_value_text(const struct config *config, const struct config_key *key,
                        const void *field);

/* A config from a tree (NULL: the defaults). Without `overrides` the tree is taken for one that
 * a config printed: nothing expands, and what was checked before is not checked again. Look at
 * `problems`; NULL if memory is short. */
struct config *config_from_tree(const struct node *tree, const struct config_overrides *overrides,
                                struct problems *problems);
#endif
