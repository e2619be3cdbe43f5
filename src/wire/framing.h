/* How SP, the protocol family of nng and nanomsg, frames messages on a stream (the SP mappings for
 * TCP and IPC): eight bytes of greeting each way, then messages behind their lengths. Both ends of
 * ours use this; what they send and receive with is their own. */
#ifndef WIRE_FRAMING_H
#define WIRE_FRAMING_H

#include <stddef.h>
#include <stdint.h>

/* SP's protocol numbers. */
enum lcal__sp_protocol {
  LCAL__SP_PUB = 0x20,
  LCAL__SP_SUB = 0x21,
  LCAL__SP_REQ = 0x30,
  LCAL__SP_REP = 0x31,
  LCAL__SP_PUSH = 0x50,
  LCAL__SP_PULL = 0x51
};

#define LCAL__GREETING_SIZE 8u
#define LCAL__HEAD_MAX      9u

/* The greeting of an end that speaks `own`, and whether a greeting is that of a `peer`. */
void lcal__greeting_write(uint8_t greeting[LCAL__GREETING_SIZE], enum lcal__sp_protocol own);
int lcal__greeting_matches(const uint8_t greeting[LCAL__GREETING_SIZE],
                           enum lcal__sp_protocol peer);

/* Bytes in front of each message: 9 on ipc (`local`), 8 on tcp. */
size_t lcal__head_size(int local);

/* Writes the head of a message of `length` bytes; returns its size. */
size_t lcal__head_write(uint8_t head[LCAL__HEAD_MAX], int local, uint64_t length);

/* The length that a head announces; false if it is not the head of a message. */
int lcal__head_read(const uint8_t *head, int local, uint64_t *length);
#endif
