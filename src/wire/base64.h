/* Base64 (RFC 4648, with padding): bins in JSON. */
#ifndef WIRE_BASE64_H
#define WIRE_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Characters of the text for `length` bytes, without the NUL. */
size_t lcal__base64_size(size_t length);

/* Writes lcal__base64_size(length) characters and a NUL. */
void lcal__base64_encode(const uint8_t *bytes, size_t length, char *text);

/* Writes at most length/4*3 bytes and their number to *count; 0 if the text is not base64. */
int lcal__base64_decode(const char *text, size_t length, uint8_t *bytes, size_t *count);

#endif
