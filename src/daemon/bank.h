/* Banks and their domains: the statistics that belong together. The loop thread owns them;
 * a worker reads (and prepares the next state of) a domain only while its bank has a frame in
 * hand, and the loop changes a bank only between frames. */
#ifndef DAEMON_BANK_H
#define DAEMON_BANK_H

#include "daemon/config.h"

#include <labelcal/calibrator.h>
#include <labelcal/store.h>

struct daemon;
struct job;

struct domain {
  lcal_name name;
  lcal_domain *state;   /* owned */
  bool stale;           /* coefficients are rebuilt by a worker before they are used */
  uint32_t stale_marks; /* how often they became stale: a rebuild clears only what it saw */
};

/* Graves kept one by one; older ones only as the highest version among them. */
#define GRAVES_MAX 1024u

/* A caller of bank_when_fresh that waits; the caller's memory until then() is called. */
struct bank_wait {
  void (*then)(struct daemon *daemon, void *context);
  void *context;
  struct bank_wait *next;
};

struct bank {
  const struct config_bank *config;
  lcal_adaptation adaptation; /* config's, with the rule that set_rule may have put there */
  bool rule_set;              /* set_rule holds until a reload changes the key */
  struct domain *domains;     /* [0] is `default`; at most config->domains */
  uint32_t domain_count;
  /* Versions of deleted domains, so that one that comes again goes on above (protocol.md). */
  struct {
    lcal_name name;
    uint64_t version;
  } * graves;
  uint32_t grave_count;
  uint64_t grave_floor;        /* the highest version of graves no longer kept */
  uint32_t reserved_domains;   /* promised to the change under way */
  lcal_calibrator *calibrator; /* scratch of the frame in hand */
  struct job *work;            /* owned: what the job in hand is made of */
  struct job *job;             /* in hand, or NULL */
  struct bank_change *changes; /* FIFO; the first is under way */
  struct bank_wait *waits;     /* FIFO */
  uint64_t guard_trips[LCAL_GUARD_COUNT];
  /* Snapshots. */
  uint64_t generation;                        /* the newest number used on disk */
  bool dirty;                                 /* changed since the last encoded snapshot */
  uint64_t last_snapshot_ns, last_created_ns; /* monotonic of the try; created of the last good */
  uint64_t last_generation, last_bytes;       /* of the last durable one; 0 = none yet */
  uint64_t snapshot_failures;
};

struct bank *bank_find(struct daemon *daemon, const char *name);
struct domain *bank_domain(struct bank *bank, const char *name); /* NULL if there is none */

/* The version of the deleted domain `name`, above which it goes on; 0 if there was none. */
uint64_t bank_grave_version(const struct bank *bank, const char *name);

/* The domain, created if new. LCAL_TOO_MANY_DOMAINS, LCAL_MEMORY. */
lcal_status bank_domain_create(struct daemon *daemon, struct bank *bank, const char *name,
                               struct domain **domain, lcal_error *error);

/* A change of a bank's statistics: first made durable as a generation, then applied between two
 * frames, then reported (protocol.md, "control"); a failure changes nothing. */
enum change_kind {
  CHANGE_RESET,    /* domain "" = all; class -1 = all */
  CHANGE_LOAD,     /* statistics, add or replace; creates the domain */
  CHANGE_DELETE,   /* of a domain */
  CHANGE_ROLLBACK, /* to `generation` */
  CHANGE_SNAPSHOT  /* none: only writes a generation */
};

struct change_copy {
  lcal_name name;
  lcal_domain *state;
};

enum change_step {
  CHANGE_SUBMITTED,
  CHANGE_LOADING, /* the generation to roll back to */
  CHANGE_LOADED,
  CHANGE_ENCODING,
  CHANGE_WRITING,
  CHANGE_DURABLE
};

struct bank_change {
  enum change_kind kind;
  struct bank *bank;
  lcal_name domain;
  int64_t class_index;
  lcal_statistics *statistics; /* CHANGE_LOAD: owned by the change */
  bool add;
  uint64_t generation; /* in: of the rollback; out: the number written */
  uint64_t bytes;      /* out: of the file */
  uint64_t version;    /* out: of `domain`, after a load, a delete or a reset of that one */
  /* Called on the loop when applied (error->code is LCAL_OK) or failed; `change` is freed
   * afterwards. */
  void (*done)(struct daemon *daemon, struct bank_change *change, const lcal_error *error);
  void *context;
  /* The pipeline's own. */
  struct bank_change *next;
  enum change_step step;
  bool was_dirty;             /* the bank, when the change was encoded */
  lcal_snapshot *loaded;      /* of a rollback; owned */
  struct change_copy *copies; /* domains as the change leaves them; owned */
  uint32_t copy_count;
};

/* Takes ownership of a heap-allocated change whatever happens; done is called exactly once. */
void bank_change_submit(struct daemon *daemon, struct bank_change *change);

/* Puts another rule; the domains' coefficients are stale until a worker rebuilt them. */
void bank_set_rule(struct daemon *daemon, struct bank *bank, const lcal_rule *rule);

/* Calls wait->then on the loop when no coefficients of the bank are stale: at once if so, else
 * after the worker's rebuild (prototypes asks for thresholds). */
void bank_when_fresh(struct daemon *daemon, struct bank *bank, struct bank_wait *wait);
#endif
