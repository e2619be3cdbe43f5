/* Writes msgpack: into memory that grows, into a caller's buffer, or nowhere to learn the size.
 * Maps and arrays count their own entries, so a writer just puts what it has. Failures stick:
 * ask once, at the end. */
#ifndef WIRE_WRITER_H
#define WIRE_WRITER_H

#include "wire/scan.h"

#include <msgpack.h>
#include <stdbool.h>

typedef struct lcal__writer {
  msgpack_packer packer; /* writes through this struct, so it must stay where it is */
  msgpack_sbuffer grown; /* the memory that grows */
  uint8_t *fixed;        /* or the caller's buffer */
  size_t capacity;
  bool grows;
  bool failed;
  size_t length; /* bytes put so far, also those that did not fit */
  uint32_t depth;
  struct {
    size_t header; /* where its header lies */
    uint32_t count;
    bool map;
  } open[LCAL__DEPTH_MAX];
} lcal__writer;

/* Starts a writer that grows; end it by lcal__writer_take or lcal__writer_drop. */
void lcal__writer_grow(lcal__writer *writer);

/* The same with room[0..capacity), malloc'd and taken over, to begin with: what fits there cannot
 * fail for memory. */
void lcal__writer_grow_from(lcal__writer *writer, void *room, size_t capacity);

/* Starts a writer into buffer[0..capacity); NULL, 0 only counts. Needs no end. */
void lcal__writer_fix(lcal__writer *writer, void *buffer, size_t capacity);

/* Hands over what grew, for the caller to free(). LCAL_MEMORY if some of it found no memory. */
lcal_status lcal__writer_take(lcal__writer *writer, uint8_t **bytes, size_t *length,
                              lcal_error *error);
void lcal__writer_drop(lcal__writer *writer);

/* The bytes written to a fixed buffer; 0 if they did not fit. */
size_t lcal__writer_fitted(const lcal__writer *writer);

/* One entry of the open map, or, with key NULL, one item of the open array or the top value. */
void lcal__put_u64(lcal__writer *writer, const char *key, uint64_t value);
void lcal__put_i64(lcal__writer *writer, const char *key, int64_t value);
void lcal__put_f64(lcal__writer *writer, const char *key, double value);
void lcal__put_flag(lcal__writer *writer, const char *key, bool value);
void lcal__put_nil(lcal__writer *writer, const char *key);
void lcal__put_text(lcal__writer *writer, const char *key, const char *text);
void lcal__put_sentence(lcal__writer *writer, const char *key, const char *text); /* whole UTF-8
                                                       of a text that may be cut in a character */
void lcal__put_bin(lcal__writer *writer, const char *key, const void *data, size_t length);
void lcal__put_pair(lcal__writer *writer, const char *key, uint64_t first, uint64_t second);
void lcal__put_raw(lcal__writer *writer, const char *key, lcal_bytes encoded); /* one value */

/* The words whose bits are set. */
void lcal__put_words(lcal__writer *writer, const char *key, uint32_t bits,
                     const char *const *words);

/* A bin of `length` bytes, at most 2^32 - 1, that lcal__put_bytes gives next, in pieces. */
void lcal__put_bin_header(lcal__writer *writer, const char *key, size_t length);

/* Bytes as they are: pieces of a bin, or a topic in front of the top map. */
void lcal__put_bytes(lcal__writer *writer, const void *data, size_t length);

/* A topic and its zero byte, in front of the top map. */
void lcal__put_topic(lcal__writer *writer, const char *topic);

/* Opens a map or array, to be closed by lcal__end; at most LCAL__DEPTH_MAX are open at once. */
void lcal__begin_map(lcal__writer *writer, const char *key);
void lcal__begin_array(lcal__writer *writer, const char *key);
void lcal__end(lcal__writer *writer);

/* Opens a message's map: v and type. */
void lcal__begin_message(lcal__writer *writer, const char *type);

#endif
