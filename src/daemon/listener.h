/* One listening address, shared by listeners.c (which opens it) and listener_guard.c (which
 * proves it). */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

#include "daemon/address.h"
#include "daemon/listeners.h"

#include <sys/types.h>

struct acceptor;

struct listener {
  struct listeners *owner;
  enum endpoint endpoint;
  char *url; /* owned: a reload frees the config's */
  struct address address;
  struct acceptor *open; /* or NULL */
  dev_t device;          /* of its socket file: only that one is removed */
  ino_t file;
  /* The guard's. */
  int probe;                /* descriptor of the connection in flight, or -1 */
  bool greeted;             /* our half of the handshake is sent */
  bool proved;              /* and it was accepted and opened */
  bool accepted;            /* or others were: the queue is long, but it moves */
  bool late;                /* not so in time: it has until the guard's next turn */
  struct address probe_end; /* tcp: our own end of it */
  uint64_t probed_ns;       /* when the newest probe began */
  uint64_t proved_ns;       /* when the newest proof came */
};

struct listeners {
  struct daemon *daemon;
  struct listener_owner owners[ENDPOINT_COUNT];
  char health[192];
  size_t count;
  struct listener each[];
};

lcal_status listener_open(struct listener *listener, lcal_error *error);
void listener_close(struct listener *listener);

/* Whether a connection that the listener accepts is the guard's own. */
bool listener_is_probe(const struct listener *listener, int descriptor);

/* The probe in flight ends. */
void listener_end_probe(struct listener *listener);
#endif
