/* The banks from the inside: made, loaded and freed by the daemon, moved on between two frames. */
#ifndef DAEMON_BANKS_H
#define DAEMON_BANKS_H

#include "daemon/daemon.h"
#include "daemon/job.h"

/* Makes every configured bank with its domain `default`, empty. */
lcal_status banks_create(struct daemon *daemon, lcal_error *error);
void banks_destroy(struct daemon *daemon); /* nothing in hand */

/* What a bank does when nothing of it is in hand: applies the change that is durable, begins the
 * next change, rebuilds coefficients that somebody waits for, or labels the next frame. */
void bank_turn(struct daemon *daemon, struct bank *bank);

/* A job came back from the workers. */
void bank_job_done(struct daemon *daemon, struct job *job);

/* Whether a bank has anything to finish: a job in hand, a change under way. */
bool bank_busy(const struct bank *bank);

/* Puts a job in hand, with the bank's settings as they are now. */
struct job *bank_job(struct daemon *daemon, struct bank *bank, enum job_kind kind);

/* LCAL_TOO_MANY_DOMAINS if no other domain may be created. */
lcal_status bank_domain_room(const struct bank *bank, lcal_error *error);

/* Marks the coefficients of all its domains, or of one, as no longer those of its statistics. */
void bank_make_stale(struct bank *bank);
void domain_make_stale(struct domain *domain);

/* The first domain whose coefficients are to be rebuilt, or NULL. */
struct domain *bank_stale_domain(struct bank *bank);

/* Calls those who waited for fresh coefficients, if these are. */
void bank_answer_waits(struct daemon *daemon, struct bank *bank);

/* ---- bank_change.c */

/* The bank has nothing in hand: moves its changes on. */
void bank_changes_turn(struct daemon *daemon, struct bank *bank);

/* The generation of the change under way is encoded, or could not be. */
void bank_change_encoded(struct daemon *daemon, struct job *job);

/* It is durable (LCAL_OK), or is not and the change fails. */
void bank_change_written(struct daemon *daemon, struct bank *bank, const lcal_error *error);

/* Whether a snapshot is already waiting or under way. */
bool bank_snapshot_pending(const struct bank *bank);

/* ---- finish.c */

/* A frame is labelled: commits, publishes or answers, counts. */
void frame_finish(struct daemon *daemon, struct job *job);
#endif
