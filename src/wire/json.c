#include "wire/json.h"

#include "wire/base64.h"
#include "wire/commands.h"
#include "wire/control.h"
#include "wire/text.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- msgpack to JSON. NULL: no memory. */

static json_t *json_of(const msgpack_object *object);

static json_t *json_of_u64(uint64_t value) {
  if (value <= INT64_MAX) {
    return json_integer((json_int_t)value);
  }
  return json_sprintf("%" PRIu64, value);
}

static json_t *json_of_f64(double value) {
  return isfinite(value) ? json_real(value) : json_null();
}

/* The elements of a bin, which may lie at any alignment. */
static json_t *f64_at(const char *bytes) {
  double value;
  memcpy(&value, bytes, sizeof value);
  return json_of_f64(value);
}

static json_t *f32_at(const char *bytes) {
  float value;
  memcpy(&value, bytes, sizeof value);
  return json_of_f64((double)value);
}

static json_t *u64_at(const char *bytes) {
  uint64_t value;
  memcpy(&value, bytes, sizeof value);
  return json_of_u64(value);
}

static const struct element {
  const char *key;
  size_t size;
  json_t *(*at)(const char *bytes);
} elements[] = {
    {"sum", sizeof(double), f64_at},       {"weight", sizeof(double), f64_at},
    {"count", sizeof(uint64_t), u64_at},   {"prototypes", sizeof(float), f32_at},
    {"thresholds", sizeof(float), f32_at},
};

static const struct element *element_of(const msgpack_object *key) {
  for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
    if (lcal__object_is(key, elements[i].key)) {
      return &elements[i];
    }
  }
  return NULL;
}

static json_t *json_of_numbers(const struct element *element, const msgpack_object_bin *bin) {
  json_t *array = json_array();
  for (size_t at = 0; array && at < bin->size; at += element->size) {
    if (json_array_append_new(array, element->at(bin->ptr + at)) != 0) {
      json_decref(array);
      return NULL;
    }
  }
  return array;
}

static json_t *json_of_base64(const msgpack_object_bin *bin) {
  char *text = malloc(lcal__base64_size(bin->size) + 1);
  if (!text) {
    return NULL;
  }
  lcal__base64_encode((const uint8_t *)bin->ptr, bin->size, text);
  json_t *string = json_string_nocheck(text);
  free(text);
  return string;
}

static json_t *json_of_array(const msgpack_object_array *from) {
  json_t *array = json_array();
  for (uint32_t i = 0; array && i < from->size; i++) {
    if (json_array_append_new(array, json_of(&from->ptr[i])) != 0) {
      json_decref(array);
      return NULL;
    }
  }
  return array;
}

/* What is whole UTF-8 of a string; msgpack-c has no pointer for one of no bytes. */
static json_t *json_of_str(const msgpack_object_str *str) {
  const char *text = str->size > 0 ? str->ptr : "";
  return json_stringn_nocheck(text, lcal__utf8_prefix(text, str->size));
}

static json_t *json_of_map(const msgpack_object_map *map) {
  json_t *object = json_object();
  for (uint32_t i = 0; object && i < map->size; i++) {
    const msgpack_object *key = &map->ptr[i].key;
    const msgpack_object *from = &map->ptr[i].val;
    const struct element *element = element_of(key);
    bool numbers =
        from->type == MSGPACK_OBJECT_BIN && element && from->via.bin.size % element->size == 0;
    json_t *value = numbers ? json_of_numbers(element, &from->via.bin) : json_of(from);
    json_t *name = json_of_str(&key->via.str);
    /* Refuses a name or value that is NULL; the value is its own in any case. */
    int failed = json_object_set_new(object, json_string_value(name), value) != 0;
    json_decref(name);
    if (failed) {
      json_decref(object);
      return NULL;
    }
  }
  return object;
}

static json_t *json_of(const msgpack_object *object) {
  switch (object->type) {
  case MSGPACK_OBJECT_BOOLEAN:
    return json_boolean(object->via.boolean);
  case MSGPACK_OBJECT_POSITIVE_INTEGER:
    return json_of_u64(object->via.u64);
  case MSGPACK_OBJECT_NEGATIVE_INTEGER:
    return json_integer(object->via.i64);
  case MSGPACK_OBJECT_FLOAT32:
  case MSGPACK_OBJECT_FLOAT64:
    return json_of_f64(object->via.f64);
  case MSGPACK_OBJECT_STR:
    return json_of_str(&object->via.str);
  case MSGPACK_OBJECT_BIN:
    return json_of_base64(&object->via.bin);
  case MSGPACK_OBJECT_ARRAY:
    return json_of_array(&object->via.array);
  case MSGPACK_OBJECT_MAP:
    return json_of_map(&object->via.map);
  case MSGPACK_OBJECT_NIL:
  case MSGPACK_OBJECT_EXT: /* never written by us */
    break;
  }
  return json_null();
}

lcal_status lcal__json_write(lcal_bytes map, char **text, size_t *length, lcal_error *error) {
  lcal__document document;
  lcal_status status =
      lcal__document_open(&document, map.data, map.length, &lcal__answer_limits, error);
  if (status == LCAL_OK) {
    json_t *json = json_of(&document.unpacked.data);
    errno = 0;
    char *made = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (made && errno != ENOMEM) { /* jansson leaves out what its buffer cannot grow for */
      *text = made;
      *length = strlen(made);
    } else {
      free(made);
      status = lcal_error_set(error, LCAL_MEMORY, "no memory for a map as JSON");
    }
  }
  lcal__document_close(&document);
  return status;
}

/* ---- JSON to msgpack. A table says which strings of an object are bins. */

/* Of an object whose strings are all bins. */
static const lcal__table bins_table = {"bins", "", NULL, 0};

static bool is_bin(const lcal__table *table, const char *key) {
  const lcal__field *field = table ? lcal__field_find(table, key) : NULL;
  return table == &bins_table || (field && field->kind == LCAL__BIN);
}

/* The table of an object within an object. */
static const lcal__table *table_within(const lcal__table *table, const char *key) {
  const lcal__field *field = table && key ? lcal__field_find(table, key) : NULL;
  if (field && field->kind == LCAL__BINS) {
    return &bins_table;
  }
  return field ? field->nested : NULL;
}

static lcal_status put_base64(lcal__writer *writer, const char *key, const json_t *value,
                              lcal_error *error) {
  size_t length = json_string_length(value);
  size_t count = 0;
  uint8_t *bytes = malloc(length / 4 * 3 + 1);
  if (!bytes) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for the bytes of %s", key);
  }
  lcal_status status = LCAL_OK;
  if (lcal__base64_decode(json_string_value(value), length, bytes, &count)) {
    lcal__put_bin(writer, key, bytes, count);
  } else {
    status = lcal_error_set(error, LCAL_BAD_FIELD, "%s: not base64, as bins in JSON must be", key);
  }
  free(bytes);
  return status;
}

static lcal_status put_value(lcal__writer *writer, const char *key, json_t *value,
                             const lcal__table *table, unsigned level, lcal_error *error);

/* The inside of an object, whose table is given, or of an array. */
static lcal_status put_items(lcal__writer *writer, json_t *container, const lcal__table *table,
                             unsigned level, lcal_error *error) {
  const char *key;
  json_t *value;
  size_t i;
  lcal_status status = LCAL_OK;
  json_object_foreach(container, key, value) {
    status = status == LCAL_OK ? put_value(writer, key, value, table, level, error) : status;
  }
  json_array_foreach(container, i, value) {
    status = status == LCAL_OK ? put_value(writer, NULL, value, NULL, level, error) : status;
  }
  return status;
}

/* Puts one value, which is an entry of the object that `table` is of. */
static lcal_status put_value(lcal__writer *writer, const char *key, json_t *value,
                             const lcal__table *table, unsigned level, lcal_error *error) {
  switch (json_typeof(value)) {
  case JSON_OBJECT:
  case JSON_ARRAY: {
    if (level > LCAL__DEPTH_MAX || json_object_size(value) > LCAL__MAP_ENTRIES_MAX) {
      return lcal_error_set(error, LCAL_MALFORMED,
                            "nested deeper than 8 levels, or an object of more than 256 entries");
    }
    if (json_is_object(value)) {
      lcal__begin_map(writer, key);
    } else {
      lcal__begin_array(writer, key);
    }
    lcal_status status = put_items(writer, value, table_within(table, key), level + 1, error);
    lcal__end(writer);
    return status;
  }
  case JSON_STRING:
    if (key && is_bin(table, key)) {
      return put_base64(writer, key, value, error);
    }
    lcal__put_text(writer, key, json_string_value(value));
    break;
  case JSON_INTEGER:
    lcal__put_i64(writer, key, json_integer_value(value));
    break;
  case JSON_REAL:
    lcal__put_f64(writer, key, json_real_value(value));
    break;
  case JSON_TRUE:
  case JSON_FALSE:
    lcal__put_flag(writer, key, json_is_true(value));
    break;
  case JSON_NULL:
    lcal__put_nil(writer, key);
    break;
  }
  return LCAL_OK;
}

/* Puts the request that `root` is. */
static lcal_status put_command(lcal__writer *writer, json_t *root, lcal_error *error) {
  const char *word = json_string_value(json_object_get(root, "command"));
  const lcal__command *command = word ? lcal__command_find(word) : NULL;
  lcal__field args = {"args", LCAL__MAP, .nested = command ? command->arguments : NULL};
  lcal__table request = {"command", "", &args, 1};
  lcal__begin_map(writer, NULL);
  lcal_status status = put_items(writer, root, &request, 2, error);
  lcal__end(writer);
  return status;
}

/* A text on its way to jansson. */
struct source {
  const char *at, *end;
  bool no_memory;
};

/* Byte by byte, to look at errno in between: where its buffer cannot grow jansson leaves out a
 * part of the text and goes on, and where it reads a number it forgets errno. */
static size_t next_byte(void *buffer, size_t room, void *context) {
  struct source *source = context;
  (void)room;
  source->no_memory |= errno == ENOMEM;
  if (source->no_memory || source->at == source->end) {
    return 0;
  }
  *(char *)buffer = *source->at++;
  return 1;
}

lcal_status lcal__json_read_command(const char *text, size_t text_length, uint8_t **bytes,
                                    size_t *length, lcal_error *error) {
  struct source source = {.at = text, .end = text + text_length};
  json_error_t where;
  errno = 0;
  json_t *root = json_load_callback(next_byte, &source, JSON_REJECT_DUPLICATES, &where);
  if (source.no_memory || errno == ENOMEM) {
    json_decref(root);
    return lcal_error_set(error, LCAL_MEMORY, "no memory to read a command as JSON");
  }
  if (!root) {
    return lcal_error_set(error, LCAL_MALFORMED, "not JSON: line %d, column %d: %s", where.line,
                          where.column, where.text);
  }
  if (!json_is_object(root) || json_object_size(root) > LCAL__MAP_ENTRIES_MAX) {
    json_decref(root);
    return lcal_error_set(error, LCAL_MALFORMED, "not a JSON object of at most 256 entries");
  }
  lcal__writer writer;
  lcal__writer_grow(&writer);
  lcal_status status = put_command(&writer, root, error);
  json_decref(root);
  if (status != LCAL_OK) {
    lcal__writer_drop(&writer);
    return status;
  }
  return lcal__writer_take(&writer, bytes, length, error);
}
