#include "daemon/message.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What an announced message gets before its first byte. */
#define FIRST_CAPACITY ((size_t)64 << 10)

/* Blocks of at least so many bytes are kept, at most so many of them and so many bytes. */
#define KEEP_CAPACITY ((size_t)1 << 20)
#define KEEP_COUNT    8u
#define KEEP_BYTES    ((size_t)256 << 20)

/* The part of a message that must have come before it gets a kept block: one in so many. */
#define EARNED_SHARE 8u

static struct {
  struct message *blocks[KEEP_COUNT];
  bool old[KEEP_COUNT]; /* unused at the last trim already */
  unsigned count;
  size_t bytes;
} kept;

static struct message *take_out(unsigned i) {
  struct message *block = kept.blocks[i];
  kept.bytes -= block->capacity;
  kept.count--;
  kept.blocks[i] = kept.blocks[kept.count];
  kept.old[i] = kept.old[kept.count];
  return block;
}

/* The smallest kept block that fits and would not be half wasted, or NULL. */
static struct message *take_kept(size_t length) {
  unsigned best = KEEP_COUNT;
  for (unsigned i = 0; i < kept.count; i++) {
    const size_t capacity = kept.blocks[i]->capacity;
    if (capacity >= length && capacity / 2 <= length &&
        (best == KEEP_COUNT || capacity < kept.blocks[best]->capacity)) {
      best = i;
    }
  }
  return best < KEEP_COUNT ? take_out(best) : NULL;
}

static void keep_or_free(struct message *block) {
  if (block->capacity < KEEP_CAPACITY || kept.count == KEEP_COUNT ||
      kept.bytes + block->capacity > KEEP_BYTES) {
    free(block);
    return;
  }
  kept.blocks[kept.count] = block;
  kept.old[kept.count++] = false;
  kept.bytes += block->capacity;
}

void messages_trim(void) {
  for (unsigned i = 0; i < kept.count;) {
    if (kept.old[i]) {
      free(take_out(i));
    } else {
      kept.old[i++] = true;
    }
  }
}

void messages_free(void) {
  while (kept.count > 0) {
    free(take_out(0));
  }
}

static struct message *allocate(size_t capacity) {
  struct message *message = malloc(sizeof *message + capacity);
  if (message != NULL) {
    message->capacity = capacity;
  }
  return message;
}

static struct message *hold_first(struct message *message, size_t length) {
  if (message != NULL) {
    message->holds = 1;
    message->length = length;
  }
  return message;
}

struct message *message_create(size_t length) {
  struct message *block = length >= KEEP_CAPACITY ? take_kept(length) : NULL;
  return hold_first(block != NULL ? block : allocate(length), length);
}

struct message *message_begin(size_t length) {
  return hold_first(allocate(length < FIRST_CAPACITY ? length : FIRST_CAPACITY), length);
}

/* A kept block is for a message of which a good part has come: an announcement earns none. */
static struct message *move_to_kept(struct message *message) {
  const bool earned =
      message->length >= KEEP_CAPACITY && message->capacity >= message->length / EARNED_SHARE;
  struct message *block = earned ? take_kept(message->length) : NULL;
  if (block != NULL) {
    memcpy(block->bytes, message->bytes, message->capacity);
    hold_first(block, message->length);
    keep_or_free(message);
  }
  return block;
}

struct message *message_grow(struct message *message) {
  struct message *block = move_to_kept(message);
  if (block != NULL) {
    return block;
  }
  const size_t left = message->length - message->capacity;
  const size_t capacity = message->capacity + (left < message->capacity ? left : message->capacity);
  struct message *grown = realloc(message, sizeof *message + capacity);
  if (grown != NULL) {
    grown->capacity = capacity;
  }
  return grown;
}

struct message *message_hold(struct message *message) {
  message->holds++;
  return message;
}

void message_release(struct message *message) {
  if (message != NULL && --message->holds == 0) {
    keep_or_free(message);
  }
}
