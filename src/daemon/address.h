/* Where sockets listen and what they dial: ipc:// and tcp:// URLs as socket addresses. */
#ifndef DAEMON_ADDRESS_H
#define DAEMON_ADDRESS_H

#include <labelcal/status.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

struct address {
  union {
    struct sockaddr any;
    struct sockaddr_un local;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } of;
  socklen_t length;
};

bool address_is_local(const struct address *address);
bool address_equal(const struct address *a, const struct address *b);

/* Resolves a URL that the configuration accepted; a tcp name may take the resolver's time, and
 * IPv4 is preferred. LCAL_SYSTEM. */
lcal_status address_resolve(struct address *address, const char *url, lcal_error *error);

/* Refuses (LCAL_SYSTEM, naming path and remedy) a path where something other than a socket lies.
 * Touches nothing. */
lcal_status address_check(const char *url, lcal_error *error);

/* A bound socket, not listening yet; a unix socket's file has mode `mode` before anybody can
 * connect to it, and a stale one is replaced. LCAL_SYSTEM: in use, not permitted, ... */
lcal_status address_bind(const struct address *address, unsigned mode, int *descriptor,
                         lcal_error *error);

/* Both ends of a connected socket. */
bool address_of_own(struct address *address, int descriptor);
bool address_of_peer(struct address *address, int descriptor);
#endif
