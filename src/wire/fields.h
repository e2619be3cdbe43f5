/* Tables of fields: what a message's map, or a command's arguments, may hold. A table reads a
 * hostile msgpack map into a C struct, and docs/protocol.md's tables are the same rows. */
#ifndef WIRE_FIELDS_H
#define WIRE_FIELDS_H

#include "wire/document.h"

#include <stdbool.h>

typedef enum lcal__kind {                 /* what the value must be        the struct's member */
                          LCAL__VERSION,  /* the integer 1                 none */
                          LCAL__TYPE,     /* the word words[0]             none */
                          LCAL__UINT,     /* an integer in min..max        uint64_t */
                          LCAL__FLAG,     /* a boolean                     int */
                          LCAL__NAME,     /* a name (lcal_name_valid)      lcal_name */
                          LCAL__TEXT,     /* 1..max bytes of text          char[max + 1] */
                          LCAL__SENTENCE, /* any UTF-8, cut to max bytes   char[max + 1] */
                          LCAL__WORD,     /* one of words                  unsigned: its index */
                          LCAL__WORDS,    /* an array of words             uint32_t: a bit each */
                          LCAL__PAIR,     /* two integers in min..max      uint64_t[2] */
                          LCAL__BIN,      /* a bin                         lcal_bytes, a view */
                          LCAL__BINS,     /* a map of bins by name         const msgpack_object * */
                          LCAL__ARRAY,    /* an array                      const msgpack_object * */
                          LCAL__MAP,      /* a map, of `nested` if given   const msgpack_object * */
                          LCAL__CLASS,    /* a class's index or name       const msgpack_object * */
                          LCAL__ANY       /* anything, judged later        const msgpack_object * */
} lcal__kind;

struct lcal__table;

typedef struct lcal__field {
  const char *key;
  lcal__kind kind;
  bool optional;
  size_t offset;                    /* of the member in the struct that the table reads into */
  uint64_t min, max;                /* see kinds; max 0: no bound */
  const char *const *words;         /* ended by NULL */
  const struct lcal__table *nested; /* of MAP: its offsets are of the same struct */
  const char *type;                 /* for docs: the type's name where the kind's is too vague */
  const char *doc;                  /* for docs: what it means */
} lcal__field;

typedef struct lcal__table {
  const char *name;   /* in docs: "frame" */
  const char *prefix; /* in front of keys in messages: "tensor." */
  const lcal__field *fields;
  size_t count;
} lcal__table;

#define LCAL__TABLE(name, prefix, rows)                                                            \
  { name, prefix, rows, sizeof(rows) / sizeof *(rows) }

/* Reads *map into *out by lcal__fields_complete, then lcal__fields_parse. Members of optional
 * keys that are absent keep the values they had; unknown keys are passed over. */
lcal_status lcal__fields_read(const lcal__table *table, const msgpack_object *map, void *out,
                              lcal_error *error);

/* Whether the version is 1 (LCAL_UNSUPPORTED_VERSION) and every required key is there, those of
 * nested maps too (LCAL_MISSING_FIELD, the first in the table's order). */
lcal_status lcal__fields_complete(const lcal__table *table, const msgpack_object *map,
                                  lcal_error *error);

/* Reads what is there. LCAL_BAD_FIELD: the first bad value in the table's order. */
lcal_status lcal__fields_parse(const lcal__table *table, const msgpack_object *map, void *out,
                               lcal_error *error);

/* The row of `key`, or NULL. */
const lcal__field *lcal__field_find(const lcal__table *table, const char *key);

/* Reads the row of `key` alone: what may be said of a message that is refused. 0 if the key is
 * absent or its value bad. */
int lcal__field_read(const lcal__table *table, const msgpack_object *map, const char *key,
                     void *out);

/* Reads an integer of any width in min..max; 0 if *object is anything else. */
int lcal__object_uint(const msgpack_object *object, uint64_t min, uint64_t max, uint64_t *value);

/* The type of a row as docs/protocol.md writes it: "u64", "str", "[str]", "bin" ... */
const char *lcal__field_type(const lcal__field *field);

#endif
