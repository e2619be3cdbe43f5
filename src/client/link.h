/* The client's end of one of the daemon's sockets: dialled when first used and again when lost,
 * every wait bounded by a deadline (lcal__now_ms). */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include "client/sp.h"

#include <labelcal/client.h>

struct lcal__link {
  lcal_socket kind;
  char *url; /* owned */
  struct lcal__sp sp;
  int stood;        /* a connection stood before */
  uint32_t request; /* number of the newest request (calibrate, control) */
  uint8_t *buffer;  /* of a message to be sent; owned */
  size_t room;
  lcal_bytes message; /* the newest received: what the caller's views point into */
};

void lcal__link_free(struct lcal__link *link); /* a zeroed link is fine */

/* Connects if no connection stands. LCAL_UNREACHABLE at once if nothing listens (no such file,
 * refused, no permission), LCAL_TIMEOUT if the peer does not finish the handshake in time,
 * LCAL_ARGUMENT: a URL that cannot be dialled. */
lcal_status lcal__link_connect(struct lcal__link *link, uint64_t deadline_ms, lcal_error *error);

/* Room for a message of `size` bytes in link->buffer. */
lcal_status lcal__link_reserve(struct lcal__link *link, size_t size, lcal_error *error);

/* Begins a request (calibrate, control): what is sent until the next one begins is sent under its
 * number, so that an answer to any of its copies is its answer. LCAL_SYSTEM. */
lcal_status lcal__link_number(struct lcal__link *link, lcal_error *error);

/* Connects if need be, and sends buffer[0..size). A connection that turns out to be dead is made
 * anew once. */
lcal_status lcal__link_send(struct lcal__link *link, size_t size, uint64_t deadline_ms,
                            lcal_error *error);

/* The next message, to link->message: on labels and state what is published next (a connection
 * that stood and was lost is dialled again until the deadline); else the answer to the newest
 * request (LCAL_UNREACHABLE: lost with its connection). */
lcal_status lcal__link_receive(struct lcal__link *link, uint64_t deadline_ms, lcal_error *error);
#endif
