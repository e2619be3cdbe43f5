/* msgpack maps as JSON, for HTTP and the command line, and commands from JSON.
 *
 * To JSON: the bins of statistics become flat arrays of numbers, row by row (sum, weight: f64;
 * prototypes, thresholds: f32; count: u64), any other bin base64; numbers that are not finite
 * become null; integers beyond 2^63 - 1, which JSON readers round, become strings of digits.
 * From JSON: strings become bins, from base64, where a command's argument is one. */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include <labelcal/wire.h>

/* The text, NUL-terminated and compact, of one encoded map within lcal__answer_limits, for the
 * caller to free(). LCAL_MALFORMED, LCAL_MEMORY. */
lcal_status lcal__json_write(lcal_bytes map, char **text, size_t *length, lcal_error *error);

/* A command as msgpack, for the caller to free(): the request is still to be read like any other.
 * LCAL_MALFORMED: not one JSON object, duplicate keys, nested deeper than a message may be, an
 * integer beyond 64 bits; LCAL_BAD_FIELD: a bin that is not base64; LCAL_MEMORY. */
lcal_status lcal__json_read_command(const char *text, size_t text_length, uint8_t **bytes,
                                    size_t *length, lcal_error *error);

#endif
