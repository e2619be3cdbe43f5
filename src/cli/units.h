/* Quantities as people read them. */
#ifndef CLI_UNITS_H
#define CLI_UNITS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

typedef char unit_text[48];

/* A count from a result map: integers beyond 2^63 - 1 are strings of digits there (wire/json.h).
 * 0 for what is no count. */
uint64_t count_of(const json_t *value);

/* "14 s", "3 min 20 s", "5 h 3 min", "12 d 4 h" */
const char *duration_text(unit_text text, uint64_t seconds);

/* Local time, "2025-11-24 06:14:03"; "never" for 0. */
const char *time_text(unit_text text, uint64_t ns_since_1970);

/* "812 B", "4.1 KiB", "152.0 MiB" */
const char *bytes_text(unit_text text, uint64_t bytes);

/* Microseconds as milliseconds, about three digits: "0.42", "17.3", "240" */
const char *ms_text(unit_text text, uint64_t us);

#endif
