/* YAML as a tree of maps, lists and scalars, read strictly: one document, at most 64 KiB and
 * 8 levels; anchors, aliases, tags, duplicate keys and NUL are refused. What the scalars mean is
 * the table's business (config_table.h). */
#ifndef DAEMON_CONFIG_YAML_H
#define DAEMON_CONFIG_YAML_H

#include "daemon/config_problems.h"

#define CONFIG_FILE_MAX  65536u
#define CONFIG_DEPTH_MAX 8u

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
  enum node_kind kind;
  bool plain;         /* a scalar written without quotes */
  bool refused;       /* already complained of: its value means nothing */
  char *text;         /* a scalar's; UTF-8 without NUL */
  struct place place; /* of the value */
  char *key;          /* in a map: its name there; else NULL */
  struct place key_place;
  struct node *children, *next; /* of a list or map, in the file's order */
};

/* Reads a regular file. NULL when it holds no readable document; the reasons are in `problems`.
 * A tree may come with problems too (duplicate keys, tags): look at both. */
struct node *node_read_file(const char *path, struct problems *problems);

/* The same from memory. */
struct node *node_parse(const char *text, size_t length, struct problems *problems);

void node_free(struct node *node); /* NULL is fine */

/* The value of key[0..length) in a map; NULL if it is absent or `map` is no map (or NULL). */
const struct node *node_child(const struct node *map, const char *key, size_t length);
#endif
