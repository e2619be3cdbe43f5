/* The structure of hostile msgpack bytes, checked before msgpack-c sees them: msgpack-c allocates
 * what a header announces, and keeps duplicate keys, keys of any type, and any depth up to 32. */
#ifndef WIRE_SCAN_H
#define WIRE_SCAN_H

#include <labelcal/wire.h>

#define LCAL__DEPTH_MAX       8u   /* levels of maps and arrays; the top map is the first */
#define LCAL__MAP_ENTRIES_MAX 256u /* of one map in a message */

struct lcal__scan_limits {
  uint32_t map_entries; /* of one map */
  uint32_t array_items; /* of one array */
  size_t envelope;      /* bytes outside all bins' contents */
};

/* protocol.md's limits of a message. */
extern const struct lcal__scan_limits lcal__message_limits;

/* LCAL_OK if bytes[0..length) are exactly one map within the limits, whose keys, like those of
 * every map in it, are distinct strings; else LCAL_MALFORMED, with the byte where it went wrong.
 * Where the limits allow maps of more than 256 entries, only the first 256 keys are distinct for
 * sure.
 * Takes no memory, and time linear in `envelope` but for maps' keys (quadratic up to 256). */
lcal_status lcal__scan(const void *bytes, size_t length, const struct lcal__scan_limits *limits,
                       lcal_error *error);

/* Finds the encoded value of `key` in the top map of bytes that passed lcal__scan. */
int lcal__scan_find(const void *bytes, size_t length, const char *key, lcal_bytes *value);

#endif
