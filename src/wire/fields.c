#include "wire/fields.h"

#include "wire/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int lcal__object_uint(const msgpack_object *object, uint64_t min, uint64_t max, uint64_t *value) {
  /* A positive value in a signed format comes as POSITIVE_INTEGER too. */
  if (object->type != MSGPACK_OBJECT_POSITIVE_INTEGER || object->via.u64 < min ||
      object->via.u64 > max) {
    return 0;
  }
  *value = object->via.u64;
  return 1;
}

static uint64_t greatest(const lcal__field *field) {
  return field->max ? field->max : UINT64_MAX;
}

/* The index in `words` of a string; -1 if it is none of them. */
static int word_index(const msgpack_object *object, const char *const *words) {
  for (int i = 0; words[i]; i++) {
    if (lcal__object_is(object, words[i])) {
      return i;
    }
  }
  return -1;
}

static bool read_words(const lcal__field *field, const msgpack_object *object, uint32_t *bits) {
  if (object->type != MSGPACK_OBJECT_ARRAY) {
    return false;
  }
  uint32_t found = 0;
  for (uint32_t i = 0; i < object->via.array.size; i++) {
    int index = word_index(&object->via.array.ptr[i], field->words);
    if (index < 0) {
      return false;
    }
    found |= 1u << index;
  }
  *bits = found;
  return true;
}

static bool read_pair(const lcal__field *field, const msgpack_object *object, uint64_t *pair) {
  uint64_t first = 0;
  uint64_t second = 0;
  if (object->type != MSGPACK_OBJECT_ARRAY || object->via.array.size != 2 ||
      !lcal__object_uint(&object->via.array.ptr[0], field->min, greatest(field), &first) ||
      !lcal__object_uint(&object->via.array.ptr[1], field->min, greatest(field), &second)) {
    return false;
  }
  pair[0] = first;
  pair[1] = second;
  return true;
}

static bool are_bins(const msgpack_object *object) {
  if (object->type != MSGPACK_OBJECT_MAP) {
    return false;
  }
  for (uint32_t i = 0; i < object->via.map.size; i++) {
    const msgpack_object_kv *entry = &object->via.map.ptr[i];
    if (!lcal_name_valid(entry->key.via.str.ptr, entry->key.via.str.size) ||
        entry->val.type != MSGPACK_OBJECT_BIN) {
      return false;
    }
  }
  return true;
}

static bool is_text(const msgpack_object *object, size_t most) {
  return object->type == MSGPACK_OBJECT_STR && object->via.str.size >= 1 &&
         object->via.str.size <= most &&
         lcal__text_prefix(object->via.str.ptr, object->via.str.size) == object->via.str.size;
}

static void copy_text(char *to, const char *from, size_t length) {
  memcpy(to, from, length);
  to[length] = '\0';
}

static bool read_string(const lcal__field *field, const msgpack_object *object, char *text) {
  if (object->type != MSGPACK_OBJECT_STR) {
    return false;
  }
  const char *from = object->via.str.ptr;
  size_t length = object->via.str.size;
  if (field->kind == LCAL__SENTENCE) {
    if (lcal__utf8_prefix(from, length) != length) {
      return false;
    }
    length = lcal__utf8_prefix(from, length < field->max ? length : (size_t)field->max);
    /* A zero byte would end it in C anyway. */
    length = strnlen(from, length);
  } else if (field->kind == LCAL__NAME ? !lcal_name_valid(from, length)
                                       : !is_text(object, (size_t)field->max)) {
    return false;
  }
  copy_text(text, from, length);
  return true;
}

/* Reads one value into its member, or leaves that as it was and returns false. */
static bool read_value(const lcal__field *field, const msgpack_object *object, void *member) {
  switch (field->kind) {
  case LCAL__VERSION:
    return object->type == MSGPACK_OBJECT_POSITIVE_INTEGER &&
           object->via.u64 == LCAL_PROTOCOL_VERSION;
  case LCAL__TYPE:
    return lcal__object_is(object, field->words[0]);
  case LCAL__UINT:
    return lcal__object_uint(object, field->min, greatest(field), member);
  case LCAL__FLAG:
    if (object->type != MSGPACK_OBJECT_BOOLEAN) {
      return false;
    }
    *(int *)member = object->via.boolean;
    return true;
  case LCAL__NAME:
  case LCAL__TEXT:
  case LCAL__SENTENCE:
    return read_string(field, object, member);
  case LCAL__WORD: {
    int index = word_index(object, field->words);
    if (index >= 0) {
      *(unsigned *)member = (unsigned)index;
    }
    return index >= 0;
  }
  case LCAL__WORDS:
    return read_words(field, object, member);
  case LCAL__PAIR:
    return read_pair(field, object, member);
  case LCAL__BIN:
    if (object->type != MSGPACK_OBJECT_BIN) {
      return false;
    }
    *(lcal_bytes *)member =
        (lcal_bytes){(const uint8_t *)object->via.bin.ptr, object->via.bin.size};
    return true;
  case LCAL__BINS:
    if (!are_bins(object)) {
      return false;
    }
    break;
  case LCAL__ARRAY:
    if (object->type != MSGPACK_OBJECT_ARRAY) {
      return false;
    }
    break;
  case LCAL__MAP:
    if (object->type != MSGPACK_OBJECT_MAP) {
      return false;
    }
    break;
  case LCAL__CLASS:
    if (object->type != MSGPACK_OBJECT_POSITIVE_INTEGER && !is_text(object, LCAL_NAME_MAX)) {
      return false;
    }
    break;
  case LCAL__ANY:
    break;
  }
  *(const msgpack_object **)member = object;
  return true;
}

/* "a, b, c" of a row's words. */
static void join_words(const char *const *words, char *text, size_t capacity) {
  size_t length = 0;
  for (size_t i = 0; words[i] && length < capacity; i++) {
    length += (size_t)snprintf(text + length, capacity - length, "%s%s", i ? ", " : "", words[i]);
  }
}

static void integers_of(const lcal__field *field, char *text, size_t capacity) {
  if (field->max) {
    snprintf(text, capacity, "from %" PRIu64 " to %" PRIu64, field->min, field->max);
  } else {
    snprintf(text, capacity, "of %" PRIu64 " or more", field->min);
  }
}

/* What the value should have been, as in "seq: not an integer of 0 or more". */
static lcal_status bad_field(const lcal__table *table, const lcal__field *field,
                             lcal_error *error) {
  char detail[160] = "";
  const char *what = "";
  switch (field->kind) {
  case LCAL__VERSION:
    what = "the integer 1";
    break;
  case LCAL__TYPE:
  case LCAL__WORD:
    what = "one of ";
    join_words(field->words, detail, sizeof detail);
    break;
  case LCAL__WORDS:
    what = "an array of words out of ";
    join_words(field->words, detail, sizeof detail);
    break;
  case LCAL__UINT:
    what = "an integer ";
    integers_of(field, detail, sizeof detail);
    break;
  case LCAL__PAIR:
    what = "an array of two integers ";
    integers_of(field, detail, sizeof detail);
    break;
  case LCAL__FLAG:
    what = "true or false";
    break;
  case LCAL__NAME:
    what = "a name: 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or digit";
    break;
  case LCAL__TEXT:
    what = "UTF-8 without control characters, ";
    snprintf(detail, sizeof detail, "1 to %" PRIu64 " bytes", field->max);
    break;
  case LCAL__SENTENCE:
    what = "a string of UTF-8";
    break;
  case LCAL__BIN:
    what = "a bin";
    break;
  case LCAL__BINS:
    what = "a map of bins by name";
    break;
  case LCAL__ARRAY:
    what = "an array";
    break;
  case LCAL__MAP:
    what = "a map";
    break;
  case LCAL__CLASS:
    what = "a class's index or name";
    break;
  case LCAL__ANY:
    break;
  }
  return lcal_error_set(error, LCAL_BAD_FIELD, "%s%s: not %s%s", table->prefix, field->key, what,
                        detail);
}

static lcal_status require(const lcal__table *table, const msgpack_object *map, lcal_error *error) {
  for (size_t i = 0; i < table->count; i++) {
    const lcal__field *field = &table->fields[i];
    const msgpack_object *value = lcal__map_find(map, field->key);
    if (!value && !field->optional) {
      return lcal_error_set(error, LCAL_MISSING_FIELD, "%s%s: absent, but required", table->prefix,
                            field->key);
    }
    if (value && field->nested && value->type == MSGPACK_OBJECT_MAP) {
      lcal_status status = require(field->nested, value, error);
      if (status != LCAL_OK) {
        return status;
      }
    }
  }
  return LCAL_OK;
}

lcal_status lcal__fields_complete(const lcal__table *table, const msgpack_object *map,
                                  lcal_error *error) {
  if (table->count > 0 && table->fields[0].kind == LCAL__VERSION) {
    const msgpack_object *version = lcal__map_find(map, table->fields[0].key);
    if (version && !read_value(&table->fields[0], version, NULL)) {
      return lcal_error_set(error, LCAL_UNSUPPORTED_VERSION,
                            "v: not 1, the only version of the protocol known here");
    }
  }
  return require(table, map, error);
}

lcal_status lcal__fields_parse(const lcal__table *table, const msgpack_object *map, void *out,
                               lcal_error *error) {
  for (size_t i = 0; i < table->count; i++) {
    const lcal__field *field = &table->fields[i];
    const msgpack_object *value = lcal__map_find(map, field->key);
    if (!value) {
      continue;
    }
    if (!read_value(field, value, (char *)out + field->offset)) {
      return bad_field(table, field, error);
    }
    if (field->nested) {
      lcal_status status = lcal__fields_parse(field->nested, value, out, error);
      if (status != LCAL_OK) {
        return status;
      }
    }
  }
  return LCAL_OK;
}

lcal_status lcal__fields_read(const lcal__table *table, const msgpack_object *map, void *out,
                              lcal_error *error) {
  lcal_status status = lcal__fields_complete(table, map, error);
  return status == LCAL_OK ? lcal__fields_parse(table, map, out, error) : status;
}

const lcal__field *lcal__field_find(const lcal__table *table, const char *key) {
  for (size_t i = 0; i < table->count; i++) {
    if (strcmp(table->fields[i].key, key) == 0) {
      return &table->fields[i];
    }
  }
  return NULL;
}

int lcal__field_read(const lcal__table *table, const msgpack_object *map, const char *key,
                     void *out) {
  const lcal__field *field = lcal__field_find(table, key);
  const msgpack_object *value = lcal__map_find(map, key);
  return field && value && read_value(field, value, (char *)out + field->offset);
}

const char *lcal__field_type(const lcal__field *field) {
  static const char *const types[] = {
      [LCAL__VERSION] = "int",     [LCAL__TYPE] = "str", [LCAL__UINT] = "u64",
      [LCAL__FLAG] = "bool",       [LCAL__NAME] = "str", [LCAL__TEXT] = "str",
      [LCAL__SENTENCE] = "str",    [LCAL__WORD] = "str", [LCAL__WORDS] = "[str]",
      [LCAL__PAIR] = "[int, int]", [LCAL__BIN] = "bin",  [LCAL__BINS] = "{str: bin}",
      [LCAL__ARRAY] = "array",     [LCAL__MAP] = "map",  [LCAL__CLASS] = "int or str",
      [LCAL__ANY] = "any",
  };
  return field->type ? field->type : types[field->kind];
}
