/* Names and text on the wire. */
#ifndef WIRE_TEXT_H
#define WIRE_TEXT_H

#include <labelcal/wire.h>

/* Bytes of the longest prefix of text[0..length) that is UTF-8 without control characters (C0,
 * DEL, C1); a character cut at the end is left out. */
size_t lcal__text_prefix(const char *text, size_t length);

/* Bytes of the longest prefix that is UTF-8, control characters allowed. */
size_t lcal__utf8_prefix(const char *text, size_t length);

#endif
