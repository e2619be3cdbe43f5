/* A listening descriptor on the loop. What connects is accepted and handed over; while the process
 * has no descriptors it waits in the kernel's queue, and is looked for ten times a second.
 *
 * Not uv_listen: without descriptors libuv 1.44 accepts and closes newcomers unseen, and once its
 * spare descriptor is gone it calls back for ever without letting the loop turn. */
#ifndef DAEMON_ACCEPTOR_H
#define DAEMON_ACCEPTOR_H

#include <stdbool.h>
#include <uv.h>

struct acceptor;

/* Listens on a bound descriptor, which is the acceptor's from now on, also on failure: then libuv's
 * code. `accepted` gets connected descriptors, non-blocking and close-on-exec. */
int acceptor_open(struct acceptor **acceptor, uv_loop_t *loop, int descriptor,
                  void (*accepted)(void *owner, int descriptor), void *owner);

/* Its memory goes with the loop's next turns. */
void acceptor_close(struct acceptor *acceptor);

/* Whether a descriptor just accepted is among the last, which are kept for the daemon's own files:
 * what peers do must not keep a snapshot from being written. */
bool acceptor_is_last(int descriptor);
#endif
