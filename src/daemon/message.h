/* The bytes of one SP message, counted by those who hold it. All on the loop; a worker reads one
 * while the frame in hand holds it.
 *
 * Large blocks that nobody holds any more are kept for a moment: the next frame or map of a
 * stream needs one of that size, and memory fresh from the system costs a fault a page. */
#ifndef DAEMON_MESSAGE_H
#define DAEMON_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

struct message {
  uint32_t holds;
  size_t length;
  size_t capacity; /* bytes there is room for: at least length when it is whole */
  uint8_t bytes[];
};

/* Room for `length` bytes, held once. NULL: no memory. */
struct message *message_create(size_t length);

/* One that is being received: there is room for some of its `length` bytes... */
struct message *message_begin(size_t length);

/* ...and for more as they come, so that memory follows what was sent, not what was announced.
 * NULL: no memory, and *message is as it was. */
struct message *message_grow(struct message *message);

struct message *message_hold(struct message *message);
void message_release(struct message *message); /* NULL is fine */

/* Gives blocks back to the system that have been kept unused since the last call but one. */
void messages_trim(void);

/* Gives all of them back. */
void messages_free(void);
#endif
