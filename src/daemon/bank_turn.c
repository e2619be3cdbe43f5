#include "daemon/banks.h"

#include "daemon/intake.h"
#include "daemon/scheduler.h"
#include "daemon/streams.h"
#include "daemon/workers.h"

#include <string.h>

bool bank_busy(const struct bank *bank) {
  return bank->job != NULL || bank->changes != NULL || bank->waits != NULL;
}

struct job *bank_job(struct daemon *daemon, struct bank *bank, enum job_kind kind) {
  struct job *job = bank->work;
  job->kind = kind;
  job->phase = JOB_BEGIN;
  job->error = (lcal_error){.code = LCAL_OK};
  job->config = daemon->config;
  job->settings = bank->config;
  job->adaptation = bank->adaptation;
  job->guards = bank->config->guards;
  job->started_ns = job->due_ns = monotonic_ns();
  bank->job = job;
  return job;
}

static void set_domain(struct job *job, struct domain *domain) {
  job->domain = domain;
  job->stale = domain->stale;
  job->stale_marks = domain->stale_marks;
}

/* Puts a frame in hand. A failure leaves the bank as it is. */
static lcal_status begin_frame(struct daemon *daemon, struct bank *bank, struct frame *frame,
                               lcal_error *error) {
  const struct stream *stream = frame->stream;
  const lcal_frame *header = &frame->header;
  struct domain *domain; /* it may have been deleted while the frame waited */
  const lcal_status status = bank_domain_create(
      daemon, bank, header->domain[0] != '\0' ? header->domain : stream->domain, &domain, error);
  if (status != LCAL_OK) {
    return status;
  }
  struct job *job = bank_job(daemon, bank, JOB_FRAME);
  set_domain(job, domain);
  job->frame = frame;
  job->due_ns = frame->due_ns;
  job->mode = stream->mode;
  job->want = header->want | stream->config->want;
  job->mask_mismatch = stream->mask != NULL && (stream->mask_height != header->tensor.height ||
                                                stream->mask_width != header->tensor.width);
  job->mask = job->mask_mismatch ? NULL : stream->mask;
  job->may_commit =
      (job->mode == MODE_ADAPT || job->mode == MODE_SHADOW) && header->adapt && !job->mask_mismatch;
  job->applied = false;
  job->prepared = false;
  job->tripped = 0;
  workers_start(daemon->workers, job);
  return LCAL_OK;
}

static void begin_next_frame(struct daemon *daemon, struct bank *bank) {
  struct frame *frame;
  while (!daemon->stopping && bank->job == NULL &&
         (frame = scheduler_take(daemon, bank, monotonic_ns())) != NULL) {
    lcal_error error;
    if (begin_frame(daemon, bank, frame, &error) != LCAL_OK) {
      frame_refuse(daemon, frame, &error);
    }
  }
}

static void begin_rebuild(struct daemon *daemon, struct bank *bank) {
  struct domain *domain = bank_stale_domain(bank);
  if (bank->job == NULL && bank->waits != NULL && domain != NULL) {
    struct job *job = bank_job(daemon, bank, JOB_REBUILD);
    set_domain(job, domain);
    workers_start(daemon->workers, job);
  }
}

/* Each step may call back into commands, and so into another turn of this bank: after each,
 * what is in hand is looked at again. */
void bank_turn(struct daemon *daemon, struct bank *bank) {
  if (bank->job == NULL) {
    bank_changes_turn(daemon, bank);
  }
  bank_answer_waits(daemon, bank); /* a frame in hand leaves fresh coefficients alone */
  begin_rebuild(daemon, bank);
  begin_next_frame(daemon, bank);
}

void bank_job_done(struct daemon *daemon, struct job *job) {
  struct bank *bank = job->bank;
  if (job->kind != JOB_ENCODE && job->stale && job->stale_marks == job->domain->stale_marks) {
    job->domain->stale = false;
  }
  switch (job->kind) {
  case JOB_FRAME:
    frame_finish(daemon, job);
    bank->job = NULL;
    break;
  case JOB_ENCODE:
    bank->job = NULL;
    bank_change_encoded(daemon, job);
    break;
  default:
    bank->job = NULL;
    break;
  }
  bank_turn(daemon, bank);
}
