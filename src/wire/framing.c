#include "wire/framing.h"

#include <endian.h>
#include <string.h>

/* On ipc a message begins with this byte: in-band, as opposed to shared memory. */
#define IN_BAND 1u

void lcal__greeting_write(uint8_t greeting[LCAL__GREETING_SIZE], enum lcal__sp_protocol own) {
  const unsigned number = own;
  const uint8_t bytes[LCAL__GREETING_SIZE] = {
      0, 'S', 'P', 0, (uint8_t)(number >> 8), (uint8_t)number, 0, 0};
  memcpy(greeting, bytes, sizeof bytes);
}

int lcal__greeting_matches(const uint8_t greeting[LCAL__GREETING_SIZE],
                           enum lcal__sp_protocol peer) {
  uint8_t expected[LCAL__GREETING_SIZE];
  lcal__greeting_write(expected, peer);
  return memcmp(greeting, expected, sizeof expected) == 0;
}

size_t lcal__head_size(int local) {
  return local ? 1 + sizeof(uint64_t) : sizeof(uint64_t);
}

size_t lcal__head_write(uint8_t head[LCAL__HEAD_MAX], int local, uint64_t length) {
  const uint64_t big = htobe64(length);
  const size_t size = lcal__head_size(local);
  head[0] = IN_BAND;
  memcpy(head + size - sizeof big, &big, sizeof big);
  return size;
}

int lcal__head_read(const uint8_t *head, int local, uint64_t *length) {
  uint64_t big;
  memcpy(&big, head + lcal__head_size(local) - sizeof big, sizeof big);
  *length = be64toh(big);
  return !local || head[0] == IN_BAND;
}
