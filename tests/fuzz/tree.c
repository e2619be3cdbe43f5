#include "tree.h"

#include <math.h>
#include <string.h>

#define SLOTS_MAX 512u

/* A value of the tree and what holds it. */
struct slot {
  msgpack_object *value, *holder; /* holder NULL: the top map */
  uint32_t index;
};

struct tree {
  msgpack_zone *zone;
  const struct tree_rules *rules;
  uint32_t seed;
  struct slot slots[SLOTS_MAX];
  uint32_t count;
};

static uint32_t below(struct tree *tree, uint32_t limit) {
  return limit > 0 ? fuzz_next(&tree->seed) % limit : 0;
}

static void *take(msgpack_zone *zone, size_t size) {
  void *block = msgpack_zone_malloc(zone, size ? size : 1);
  REQUIRE(block != NULL);
  return block;
}

static void collect(struct tree *tree, msgpack_object *value, msgpack_object *holder,
                    uint32_t index) {
  if (tree->count == SLOTS_MAX) {
    return;
  }
  tree->slots[tree->count++] = (struct slot){value, holder, index};
  if (value->type == MSGPACK_OBJECT_MAP) {
    for (uint32_t i = 0; i < value->via.map.size; i++) {
      collect(tree, &value->via.map.ptr[i].val, value, i);
    }
  } else if (value->type == MSGPACK_OBJECT_ARRAY) {
    for (uint32_t i = 0; i < value->via.array.size; i++) {
      collect(tree, &value->via.array.ptr[i], value, i);
    }
  }
}

/* ---- What is put in. */

static msgpack_object text(const char *word) {
  return (msgpack_object){.type = MSGPACK_OBJECT_STR,
                          .via.str = {.size = (uint32_t)strlen(word), .ptr = word}};
}

static const lcal__field *any_field(struct tree *tree) {
  uint32_t tables = 0;
  while (tree->rules->tables[tables]) {
    tables++;
  }
  const lcal__table *table = tree->rules->tables[below(tree, tables)];
  return table->count > 0 ? &table->fields[below(tree, (uint32_t)table->count)] : NULL;
}

static msgpack_object any_key(struct tree *tree) {
  const lcal__field *field = any_field(tree);
  return text(field ? field->key : "v");
}

static msgpack_object any_word(struct tree *tree) {
  const lcal__field *field = any_field(tree);
  uint32_t words = 0;
  while (field && field->words && field->words[words]) {
    words++;
  }
  static const char *const others[] = {"", "a", "default", "cam", "\xc3\xa9", "\xff", "a b"};
  return text(words > 0 ? field->words[below(tree, words)] : others[below(tree, 7)]);
}

static msgpack_object any_value(struct tree *tree) {
  static const uint64_t numbers[] = {0,          1,          2,         3,          254,
                                     255,        256,        1024,      8192,       65535,
                                     UINT32_MAX, 1ull << 32, INT64_MAX, 1ull << 63, UINT64_MAX};
  static const double reals[] = {0, -0.0, 1, 0.5, 1e308, 1e-320, -1, INFINITY, NAN};
  msgpack_object object = {.type = MSGPACK_OBJECT_NIL};
  switch (below(tree, 12)) {
  case 0:
    return object;
  case 1:
    object.type = MSGPACK_OBJECT_BOOLEAN;
    object.via.boolean = below(tree, 2);
    return object;
  case 2:
    object.type = MSGPACK_OBJECT_NEGATIVE_INTEGER;
    object.via.i64 = -1 - (int64_t)(numbers[below(tree, 12)]);
    return object;
  case 3:
    object.type = below(tree, 2) ? MSGPACK_OBJECT_FLOAT32 : MSGPACK_OBJECT_FLOAT64;
    object.via.f64 = reals[below(tree, 9)];
    return object;
  case 4:
    object.type = MSGPACK_OBJECT_BIN;
    return object;
  case 5:
    object.type = below(tree, 2) ? MSGPACK_OBJECT_ARRAY : MSGPACK_OBJECT_MAP;
    return object;
  case 6:
    object.type = MSGPACK_OBJECT_EXT;
    return object;
  case 7:
  case 8:
    return any_word(tree);
  default:
    object.type = MSGPACK_OBJECT_POSITIVE_INTEGER;
    object.via.u64 = numbers[below(tree, 15)];
    return object;
  }
}

/* ---- Changes of one slot. */

static void erase(const struct slot *slot) {
  msgpack_object *holder = slot->holder;
  if (holder->type == MSGPACK_OBJECT_MAP) {
    msgpack_object_kv *entry = holder->via.map.ptr + slot->index;
    holder->via.map.size--;
    memmove(entry, entry + 1, (holder->via.map.size - slot->index) * sizeof *entry);
  } else {
    msgpack_object *item = holder->via.array.ptr + slot->index;
    holder->via.array.size--;
    memmove(item, item + 1, (holder->via.array.size - slot->index) * sizeof *item);
  }
}

/* Adds an entry or item to a map or array. */
static void append(struct tree *tree, msgpack_object *holder, msgpack_object value) {
  if (holder->type == MSGPACK_OBJECT_MAP) {
    uint32_t size = holder->via.map.size;
    msgpack_object_kv *entries = take(tree->zone, (size + 1) * sizeof *entries);
    if (size > 0) {
      memcpy(entries, holder->via.map.ptr, size * sizeof *entries);
    }
    entries[size] = (msgpack_object_kv){.key = any_key(tree), .val = value};
    holder->via.map.ptr = entries;
    holder->via.map.size++;
  } else if (holder->type == MSGPACK_OBJECT_ARRAY) {
    uint32_t size = holder->via.array.size;
    msgpack_object *items = take(tree->zone, (size + 1) * sizeof *items);
    if (size > 0) {
      memcpy(items, holder->via.array.ptr, size * sizeof *items);
    }
    items[size] = value;
    holder->via.array.ptr = items;
    holder->via.array.size++;
  }
}

/* The value becomes the only one of an array or map. */
static void wrap(struct tree *tree, msgpack_object *value) {
  msgpack_object inner = *value;
  *value = (msgpack_object){.type = below(tree, 2) ? MSGPACK_OBJECT_ARRAY : MSGPACK_OBJECT_MAP};
  append(tree, value, inner);
}

/* libFuzzer's mutation of a string's or bin's bytes, or one of a number. */
static void twist(struct tree *tree, msgpack_object *value) {
  if (value->type == MSGPACK_OBJECT_STR || value->type == MSGPACK_OBJECT_BIN) {
    size_t size = value->via.bin.size; /* strings have the same layout */
    size_t most = size + 16;
    uint8_t *bytes = take(tree->zone, most);
    if (size > 0) {
      memcpy(bytes, value->via.bin.ptr, size);
    }
    value->via.bin.size = (uint32_t)LLVMFuzzerMutate(bytes, size, most);
    value->via.bin.ptr = (const char *)bytes;
  } else if (value->type == MSGPACK_OBJECT_POSITIVE_INTEGER) {
    static const uint64_t steps[] = {1, UINT64_MAX, 16, 256};
    value->via.u64 =
        below(tree, 4) ? value->via.u64 + steps[below(tree, 4)] : value->via.u64 << below(tree, 64);
  } else {
    *value = any_value(tree);
  }
}

static void change(struct tree *tree) {
  const struct slot *slot = &tree->slots[tree->count > 1 ? 1 + below(tree, tree->count - 1) : 0];
  if (slot->holder == NULL) {
    append(tree, slot->value, any_value(tree));
    return;
  }
  switch (below(tree, 9)) {
  case 0:
    *slot->value = any_value(tree);
    break;
  case 1:
    erase(slot);
    break;
  case 2:
    append(tree, slot->holder, *slot->value);
    break;
  case 3:
    *slot->value = *tree->slots[below(tree, tree->count)].value;
    break;
  case 4:
    append(tree, tree->slots[below(tree, tree->count)].value, any_value(tree));
    break;
  case 5:
    if (slot->holder->type == MSGPACK_OBJECT_MAP) {
      slot->holder->via.map.ptr[slot->index].key = any_key(tree);
    }
    break;
  case 6:
    wrap(tree, slot->value);
    break;
  default:
    twist(tree, slot->value);
    break;
  }
}

/* ---- The whole. */

/* Whether a value was put into itself, or nests deeper than anything a reader follows. */
static bool too_deep(const msgpack_object *object, unsigned level) {
  bool deep = level > 12;
  if (object->type == MSGPACK_OBJECT_MAP) {
    for (uint32_t i = 0; !deep && i < object->via.map.size; i++) {
      deep = too_deep(&object->via.map.ptr[i].val, level + 1);
    }
  } else if (object->type == MSGPACK_OBJECT_ARRAY) {
    for (uint32_t i = 0; !deep && i < object->via.array.size; i++) {
      deep = too_deep(&object->via.array.ptr[i], level + 1);
    }
  }
  return deep;
}

/* The packed tree in place of data; 0 if it does not fit. */
static size_t store(const msgpack_object *map, uint8_t *data, size_t max_size) {
  msgpack_sbuffer buffer;
  msgpack_packer packer;
  size_t length = 0;
  msgpack_sbuffer_init(&buffer);
  msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
  msgpack_pack_object(&packer, *map);
  if (buffer.size <= max_size) {
    length = buffer.size;
    memcpy(data, buffer.data, length);
  }
  msgpack_sbuffer_destroy(&buffer);
  return length;
}

size_t tree_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed,
                   const struct tree_rules *rules) {
  static const struct lcal__scan_limits limits = {256, 4096, 1u << 20};
  struct tree tree = {.rules = rules, .seed = seed};
  lcal__document document;
  size_t length = 0;
  if (below(&tree, 5) > 0 && lcal__document_open(&document, data, size, &limits, NULL) == LCAL_OK) {
    msgpack_object *map = &document.unpacked.data;
    tree.zone = document.unpacked.zone ? document.unpacked.zone : msgpack_zone_new(8192);
    document.unpacked.zone = tree.zone;
    for (uint32_t i = 1 + below(&tree, 3); i > 0; i--) {
      tree.count = 0;
      if (!too_deep(map, 0)) {
        collect(&tree, map, NULL, 0);
        change(&tree);
      }
    }
    if (!too_deep(map, 0)) {
      if (rules->fit && below(&tree, 8) > 0) {
        rules->fit(map, tree.zone);
      }
      length = store(map, data, max_size);
    }
    lcal__document_close(&document);
  }
  return length > 0 ? length : LLVMFuzzerMutate(data, size, max_size);
}

size_t tree_mutate_body(uint8_t *data, size_t size, size_t max_size, unsigned seed,
                        const struct tree_rules *rules) {
  const uint8_t *zero = size > 0 && data[0] < 0x80 ? memchr(data, 0, size) : NULL;
  size_t topic = zero && seed % 16 > 0 ? (size_t)(zero - data) + 1 : 0;
  return topic + tree_mutate(data + topic, size - topic, max_size - topic, seed, rules);
}

msgpack_object *tree_find(msgpack_object *map, const char *key) {
  for (uint32_t i = 0; map->type == MSGPACK_OBJECT_MAP && i < map->via.map.size; i++) {
    if (lcal__object_is(&map->via.map.ptr[i].key, key)) {
      return &map->via.map.ptr[i].val;
    }
  }
  return NULL;
}

void tree_resize(msgpack_object *bin, size_t size, msgpack_zone *zone) {
  if (bin->type != MSGPACK_OBJECT_BIN || bin->via.bin.size == size) {
    return;
  }
  char *bytes = take(zone, size);
  for (size_t i = 0; i < size; i++) {
    bytes[i] = bin->via.bin.size > 0 ? bin->via.bin.ptr[i % bin->via.bin.size] : 0;
  }
  bin->via.bin.ptr = bytes;
  bin->via.bin.size = (uint32_t)size;
}

size_t tree_number(const msgpack_object *object, size_t most) {
  uint64_t value = 0;
  return lcal__object_uint(object, 0, most, &value) ? (size_t)value : 0;
}
