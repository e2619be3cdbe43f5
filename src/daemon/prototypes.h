/* A domain's statistics, prototypes and thresholds, as `prototypes` and /api/prototypes answer
 * them: copied on the loop, made into a message off it, because C x C numbers take their time. */
#ifndef DAEMON_PROTOTYPES_H
#define DAEMON_PROTOTYPES_H

#include "daemon/daemon.h"

struct prototypes_wish {
  const char *domain;
  uint64_t generation; /* of a snapshot; 0 = the present */
  const char *id;      /* of the request that the message is the result of; NULL: the bare map */
  bool json;           /* the bare map as JSON text */
};

/* Calls `done` on the loop, once, now or later: with a heap block that it takes, or an error.
 * LCAL_UNKNOWN_DOMAIN, LCAL_BAD_GENERATION, LCAL_MEMORY. */
void prototypes_make(struct daemon *daemon, struct bank *bank, const struct prototypes_wish *wish,
                     void (*done)(void *context, void *bytes, size_t length,
                                  const lcal_error *error),
                     void *context);
#endif
