#include "wire/scan.h"

#include <stdbool.h>
#include <string.h>

const struct lcal__scan_limits lcal__message_limits = {
    .map_entries = LCAL__MAP_ENTRIES_MAX,
    .array_items = 1024,
    .envelope = LCAL_ENVELOPE_MAX,
};

enum kind { INVALID, SCALAR, STR, BIN, EXT, ARRAY, MAP };

/* The first byte, length field and size of one value. */
struct token {
  enum kind kind;
  size_t header; /* bytes before the contents */
  uint64_t size; /* bytes of contents; of an array its items, of a map its entries */
};

/* Formats 0xc0 to 0xdf: the bytes of a length field, and what is added to it. */
static const struct {
  uint8_t kind, width, size;
} formats[32] = {
    {SCALAR, 0, 0}, {INVALID, 0, 0}, {SCALAR, 0, 0}, {SCALAR, 0, 0}, /* nil, -, false, true */
    {BIN, 1, 0},    {BIN, 2, 0},     {BIN, 4, 0},                    /* bin 8, 16, 32 */
    {EXT, 1, 1},    {EXT, 2, 1},     {EXT, 4, 1},                    /* ext: a byte of type too */
    {SCALAR, 0, 4}, {SCALAR, 0, 8},                                  /* float 32, 64 */
    {SCALAR, 0, 1}, {SCALAR, 0, 2},  {SCALAR, 0, 4}, {SCALAR, 0, 8}, /* uint */
    {SCALAR, 0, 1}, {SCALAR, 0, 2},  {SCALAR, 0, 4}, {SCALAR, 0, 8}, /* int */
    {EXT, 0, 2},    {EXT, 0, 3},     {EXT, 0, 5},    {EXT, 0, 9},    /* fixext 1, 2, 4, 8 */
    {EXT, 0, 17},                                                    /* fixext 16 */
    {STR, 1, 0},    {STR, 2, 0},     {STR, 4, 0},                    /* str 8, 16, 32 */
    {ARRAY, 2, 0},  {ARRAY, 4, 0},                                   /* array 16, 32 */
    {MAP, 2, 0},    {MAP, 4, 0},                                     /* map 16, 32 */
};

/* The token at `at`; INVALID if the byte is none or the length field is cut. */
static struct token token_read(const uint8_t *at, const uint8_t *end) {
  uint8_t first = *at;
  if (first < 0x80 || first >= 0xe0) {
    return (struct token){SCALAR, 1, 0};
  }
  if (first < 0x90) {
    return (struct token){MAP, 1, first & 0x0fu};
  }
  if (first < 0xa0) {
    return (struct token){ARRAY, 1, first & 0x0fu};
  }
  if (first < 0xc0) {
    return (struct token){STR, 1, first & 0x1fu};
  }
  unsigned row = first - 0xc0u;
  size_t width = formats[row].width;
  if ((size_t)(end - at) <= width) {
    return (struct token){INVALID, 1, 0};
  }
  uint64_t size = 0;
  for (size_t i = 1; i <= width; i++) {
    size = size << 8 | at[i];
  }
  return (struct token){(enum kind)formats[row].kind, 1 + width, size + formats[row].size};
}

/* Bytes that follow the header at least: an item of an array takes one, an entry of a map two. */
static uint64_t least_bytes(const struct token *token) {
  return token->kind == MAP ? 2 * token->size : token->size;
}

/* Whether the contents are bytes that count as envelope. */
static bool is_plain(enum kind kind) {
  return kind == SCALAR || kind == STR || kind == EXT;
}

/* One open map or array. */
struct level {
  uint64_t left; /* values still to come; of a map, keys count too */
  bool map;
  uint32_t keys;
  uint64_t mark[LCAL__MAP_ENTRIES_MAX];
  lcal_bytes key[LCAL__MAP_ENTRIES_MAX];
};

struct scan {
  const uint8_t *start, *at, *end;
  const struct lcal__scan_limits *limits;
  size_t outside; /* bytes so far outside all bins */
  uint32_t depth;
  struct level levels[LCAL__DEPTH_MAX];
  lcal_error *error;
};

static lcal_status malformed(const struct scan *scan, const char *what) {
  return lcal_error_set(scan->error, LCAL_MALFORMED, "byte %zu: %s",
                        (size_t)(scan->at - scan->start), what);
}

/* The length and the first seven bytes: keys of up to seven are told apart by this alone. */
static uint64_t key_mark(const lcal_bytes *key) {
  uint64_t mark = key->length < 255 ? key->length : 255;
  for (size_t i = 0; i < 7; i++) {
    mark = mark << 8 | (i < key->length ? key->data[i] : 0u);
  }
  return mark;
}

/* Whether the open map has no such key yet; then it has. */
static bool key_is_new(struct level *level, lcal_bytes key) {
  uint64_t mark = key_mark(&key);
  for (uint32_t i = 0; i < level->keys; i++) {
    if (level->mark[i] == mark && level->key[i].length == key.length &&
        memcmp(level->key[i].data, key.data, key.length) == 0) {
      return false;
    }
  }
  if (level->keys < LCAL__MAP_ENTRIES_MAX) {
    level->mark[level->keys] = mark;
    level->key[level->keys++] = key;
  }
  return true;
}

static lcal_status open_level(struct scan *scan, const struct token *token) {
  if (scan->depth == LCAL__DEPTH_MAX) {
    return malformed(scan, "maps and arrays nest deeper than 8 levels");
  }
  if (token->kind == MAP && token->size > scan->limits->map_entries) {
    return malformed(scan, "a map has too many entries");
  }
  if (token->kind == ARRAY && token->size > scan->limits->array_items) {
    return malformed(scan, "an array is too long");
  }
  struct level *level = &scan->levels[scan->depth++];
  level->map = token->kind == MAP;
  level->left = least_bytes(token);
  level->keys = 0;
  return LCAL_OK;
}

/* Counts the value that was just read in its map or array, and judges it if it is a key. */
static lcal_status place_value(struct scan *scan, const struct token *token) {
  if (scan->depth == 0) {
    return token->kind == MAP ? LCAL_OK : malformed(scan, "the message is not a map");
  }
  struct level *level = &scan->levels[scan->depth - 1];
  bool is_key = level->map && level->left % 2 == 0;
  level->left--;
  if (!is_key) {
    return LCAL_OK;
  }
  if (token->kind != STR) {
    return malformed(scan, "a key is not a string");
  }
  lcal_bytes key = {scan->at + token->header, (size_t)token->size};
  return key_is_new(level, key) ? LCAL_OK : malformed(scan, "a map has a key twice");
}

static lcal_status scan_value(struct scan *scan) {
  if (scan->at == scan->end) {
    return malformed(scan, "the message ends within its map");
  }
  struct token token = token_read(scan->at, scan->end);
  if (token.kind == INVALID) {
    return malformed(scan, "not a msgpack value");
  }
  if (least_bytes(&token) > (uint64_t)(scan->end - scan->at) - token.header) {
    return malformed(scan, "a value is longer than the rest of the message");
  }
  scan->outside += token.header + (is_plain(token.kind) ? (size_t)token.size : 0);
  if (scan->outside > scan->limits->envelope) {
    return malformed(scan, "too many bytes outside of binaries");
  }
  lcal_status status = place_value(scan, &token);
  if (status != LCAL_OK) {
    return status;
  }
  if (token.kind == MAP || token.kind == ARRAY) {
    status = open_level(scan, &token);
    scan->at += token.header;
  } else {
    scan->at += token.header + (size_t)token.size;
  }
  return status;
}

lcal_status lcal__scan(const void *bytes, size_t length, const struct lcal__scan_limits *limits,
                       lcal_error *error) {
  struct scan scan; /* not cleared: levels are large, and filled when opened */
  scan.start = scan.at = bytes;
  scan.end = scan.start + length;
  scan.limits = limits;
  scan.outside = 0;
  scan.depth = 0;
  scan.error = error;
  do {
    lcal_status status = scan_value(&scan);
    if (status != LCAL_OK) {
      return status;
    }
    while (scan.depth > 0 && scan.levels[scan.depth - 1].left == 0) {
      scan.depth--;
    }
  } while (scan.depth > 0);
  return scan.at == scan.end ? LCAL_OK : malformed(&scan, "bytes follow the map");
}

/* The end of the value at `at`, all of which lies before `end`. */
static const uint8_t *skip_value(const uint8_t *at, const uint8_t *end) {
  for (uint64_t left = 1; left > 0; left--) {
    struct token token = token_read(at, end);
    at += token.header;
    if (token.kind == MAP || token.kind == ARRAY) {
      left += least_bytes(&token);
    } else {
      at += token.size;
    }
  }
  return at;
}

int lcal__scan_find(const void *bytes, size_t length, const char *key, lcal_bytes *value) {
  const uint8_t *at = bytes;
  const uint8_t *end = at + length;
  struct token map = token_read(at, end);
  at += map.header;
  for (uint64_t i = 0; i < map.size; i++) {
    struct token token = token_read(at, end);
    const uint8_t *text = at + token.header;
    at = skip_value(at, end);
    value->data = at;
    at = skip_value(at, end);
    value->length = (size_t)(at - value->data);
    if (token.size == strlen(key) && memcmp(text, key, token.size) == 0) {
      return 1;
    }
  }
  return 0;
}
