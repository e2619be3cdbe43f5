/* Mutates a msgpack message as the tree that it is: whole values are changed, moved, added and
 * taken away, with the keys and words of the messages' own tables, and headers always agree with
 * what follows. libFuzzer's own mutations, which break the structure, are mixed in. */
#ifndef FUZZ_TREE_H
#define FUZZ_TREE_H

#include "fuzz.h"

#include "wire/fields.h"

struct tree_rules {
  const lcal__table *const *tables; /* whose keys and words are put in; ended by NULL */
  /* Makes sizes agree with each other again (data with shape); what it needs it takes from the
   * zone. Called most of the time. */
  void (*fit)(msgpack_object *map, msgpack_zone *zone);
};

/* LLVMFuzzerCustomMutator for one map. */
size_t tree_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed,
                   const struct tree_rules *rules);

/* The same where a topic may stand in front of the map; it is left alone most of the time. */
size_t tree_mutate_body(uint8_t *data, size_t size, size_t max_size, unsigned seed,
                        const struct tree_rules *rules);

/* For fit(): the value of a key to be changed, or NULL; and a bin of this size, of the bytes that
 * it had, over and over. */
msgpack_object *tree_find(msgpack_object *map, const char *key);
void tree_resize(msgpack_object *bin, size_t size, msgpack_zone *zone);

/* A whole number's value, or 0 if it is none or beyond `most`. */
size_t tree_number(const msgpack_object *object, size_t most);

#endif
