/* Who troubles a soak's daemon: an operator whose commands never end, planners that stall and die,
 * and one that takes every label map. */
#ifndef CLI_SOAK_TROUBLE_H
#define CLI_SOAK_TROUBLE_H

#include "cli/soak_daemon.h"

#include <labelcal/client.h>

#include <pthread.h>
#include <stdatomic.h>

#define SOAK_ACTS 14u

typedef struct soak_trouble {
  /* The threads' own while they run. */
  soak_daemon *daemon;
  lcal_client_options options;
  const atomic_int *ending;
  pthread_t threads[3];
  unsigned started;
  unsigned turn; /* of the configuration */
  /* What they did. */
  uint64_t done[SOAK_ACTS];
  uint64_t faults;        /* acts that failed, maps that were wrong */
  lcal_error first_fault; /* the first of them */
  uint64_t stalled;       /* planners that stalled and died */
  uint64_t maps;          /* that the good planner took */
  pthread_mutex_t lock;   /* of faults and first_fault */
} soak_trouble;

/* What the acts are called: "snapshot". NULL beyond the last. */
const char *soak_act_word(unsigned act);

/* All of it until *ending. LCAL_SYSTEM. */
lcal_status soak_trouble_start(soak_trouble *trouble, soak_daemon *daemon,
                               const lcal_client_options *options, const atomic_int *ending,
                               lcal_error *error);
void soak_trouble_join(soak_trouble *trouble);

#endif
