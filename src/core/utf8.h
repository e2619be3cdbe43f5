/* Text as characters: what is no UTF-8 is told, whatever bytes it is. */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define LCAL__NO_CHARACTER UINT32_MAX

/* The character at text[*at], *at below `length`, and *at moves past it; LCAL__NO_CHARACTER, and
 * *at stays, for anything but the shortest UTF-8 form of a Unicode scalar value. */
uint32_t lcal__utf8_next(const uint8_t *text, size_t length, size_t *at);

/* C0, DEL, C1: what a terminal takes for orders. */
int lcal__is_control(uint32_t character);

#endif
