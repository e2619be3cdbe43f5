/* One message in hand: its structure checked, its map unpacked. Strings and bins are views of
 * the bytes it was opened on. */
#ifndef WIRE_DOCUMENT_H
#define WIRE_DOCUMENT_H

#include "wire/scan.h"

#include <msgpack.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "bins are little-endian on the wire and used in place");

typedef struct lcal__document {
  msgpack_unpacked unpacked; /* .data is the top map */
  lcal_bytes map;            /* its bytes */
  lcal_bytes topic;          /* what stood in front of it; data NULL: nothing */
} lcal__document;

/* Opens bytes[0..length), which must outlive the document. LCAL_MALFORMED, LCAL_MEMORY. Close it
 * whatever was returned. */
lcal_status lcal__document_open(lcal__document *document, const void *bytes, size_t length,
                                const struct lcal__scan_limits *limits, lcal_error *error);
void lcal__document_close(lcal__document *document);

/* The value of `key` in a map, or NULL if it has none or is no map. */
const msgpack_object *lcal__map_find(const msgpack_object *map, const char *key);

/* Whether *object is the string `text`. */
int lcal__object_is(const msgpack_object *object, const char *text);

/* Opens an SP body that may begin with a topic: a first byte below 0x80 starts a topic of at
 * most 64 bytes, which a zero byte ends. */
lcal_status lcal__document_open_body(lcal__document *document, const void *body, size_t length,
                                     const struct lcal__scan_limits *limits, lcal_error *error);

/* Whether the bytes are the text. */
int lcal__bytes_are(lcal_bytes bytes, const char *text);

#endif
