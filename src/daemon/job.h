/* One piece of work that a bank has in hand: a frame to label, coefficients to rebuild, or a
 * generation to encode. The loop fills the inputs and hands the job to the workers; they run its
 * bands and the serial steps between them and push it back on the inbox with the outputs. While
 * it is out, the loop does not touch the bank's statistics, and reads the current ones only. */
#ifndef DAEMON_JOB_H
#define DAEMON_JOB_H

#include "daemon/bank.h"
#include "daemon/frame.h"
#include "daemon/inbox.h"

#include <stdatomic.h>

enum job_kind { JOB_FRAME, JOB_REBUILD, JOB_ENCODE };

/* Where a frame's job stands; the others have one step. */
enum job_phase {
  JOB_BEGIN,      /* nothing done yet */
  JOB_STATISTICS, /* update_first: the pass that only counts */
  JOB_LABELS      /* the pass that labels (and, predict_first, counts) */
};

/* One label map, kept from frame to frame. */
struct job_map {
  void *data; /* owned */
  size_t capacity;
  bool wanted; /* of this frame */
};

enum job_map_name { MAP_CALIBRATED, MAP_ARGMAX, MAP_CONFIDENCE, MAP_SCORES, MAP_COUNT };

struct job {
  struct inbox_item item;
  enum job_kind kind;
  struct bank *bank;
  const struct config *config;        /* kept alive while the job is out */
  const struct config_bank *settings; /* the bank's in it */
  lcal_error error;                   /* out: code LCAL_OK, or why it could not be done */

  /* Inputs, as they were when the job began. */
  lcal_adaptation adaptation;
  lcal_guards guards;
  uint64_t started_ns;  /* of a frame: out; when a worker began */
  uint64_t computed_ns; /* of a frame: out; when its last band was done */
  uint64_t due_ns;      /* its rank among the banks' jobs */

  /* JOB_FRAME: in. */
  struct frame *frame;
  struct domain *domain;
  enum stream_mode mode;
  const uint8_t *mask;
  bool mask_mismatch;
  bool may_commit; /* unless a guard forbids it */
  uint32_t want;
  struct job_map maps[MAP_COUNT];
  /* JOB_FRAME: out. */
  bool applied;     /* a rule was */
  bool prepared;    /* the domain's next state is ready to install */
  uint32_t tripped; /* guards */
  uint64_t version; /* of the coefficients used */
  lcal_result result;

  /* JOB_FRAME and JOB_REBUILD: in. */
  bool stale; /* the domain's coefficients are to be rebuilt first */
  uint32_t stale_marks;

  /* JOB_ENCODE: in, then out. */
  struct bank_change *change;
  uint32_t domain_count; /* more may be created meanwhile */
  uint64_t generation, created_ns;
  uint8_t *bytes; /* owned by the loop afterwards */
  size_t length;

  /* The workers' own. A frame's bands are handed out by one counter: cursor is (number of bands
   * << 32 | next band), so that both change at once. */
  enum job_phase phase;
  uint32_t stage;
  lcal_pass pass;
  atomic_uint_least64_t cursor;
  atomic_uint unfinished;
};

lcal_status job_create(struct job **job, struct bank *bank, lcal_error *error);
void job_destroy(struct job *job); /* not while it is out; NULL is fine */

/* Of jobs that are out (entries may be NULL): the one with bands to hand out that is due first, or
 * NULL. */
struct job *job_first(struct job *const *jobs, size_t count);

/* Whether a job has bands to hand out, and the next of them: false if there is none. */
bool job_has_bands(const struct job *job);
bool job_take_band(struct job *job, uint32_t *band);

/* On a worker: one band of the current stage. */
void job_band(struct job *job, uint32_t band, uint32_t thread);

/* On a worker, when the bands of a stage have ended (at first: when the job began): the serial
 * steps, up to the next stage. Returns its number of bands, or 0: the job is done. A frame whose
 * deadline has passed by the first of these is not begun: LCAL_DEADLINE. */
uint32_t job_advance(struct job *job);
#endif
