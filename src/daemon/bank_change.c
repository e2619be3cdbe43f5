#include "daemon/banks.h"

#include "daemon/generation.h"
#include "daemon/snapshots.h"
#include "daemon/workers.h"

#include <stdlib.h>
#include <string.h>

void bank_change_submit(struct daemon *daemon, struct bank_change *change) {
  struct bank *bank = change->bank;
  struct bank_change **end = &bank->changes;
  while (*end != NULL) {
    end = &(*end)->next;
  }
  change->next = NULL;
  change->step = CHANGE_SUBMITTED;
  *end = change;
  bank_turn(daemon, bank);
}

bool bank_snapshot_pending(const struct bank *bank) {
  for (const struct bank_change *change = bank->changes; change != NULL; change = change->next) {
    if (change->kind == CHANGE_SNAPSHOT) {
      return true;
    }
  }
  return false;
}

/* Ends the change under way, and with it what was promised to it. */
static void conclude(struct daemon *daemon, struct bank *bank, const lcal_error *error) {
  struct bank_change *change = bank->changes;
  bank->changes = change->next;
  bank->reserved_domains = 0;
  change->done(daemon, change, error);
  change_destroy(change);
}

static void begin_encoding(struct daemon *daemon, struct bank *bank) {
  struct bank_change *change = bank->changes;
  change->step = CHANGE_ENCODING;
  struct job *job = bank_job(daemon, bank, JOB_ENCODE);
  job->change = change;
  job->domain_count = bank->domain_count;
  job->generation = ++bank->generation;
  job->created_ns = realtime_ns();
  change->was_dirty = bank->dirty;
  bank->dirty = false;
  bank->last_snapshot_ns = job->started_ns;
  workers_start(daemon->workers, job);
}

/* What had to be written still has to be; a change that failed left nothing new. */
static void nothing_written(struct bank *bank) {
  bank->dirty = bank->dirty || bank->changes->was_dirty;
}

/* Domains that the change will create have their places kept until it is applied. */
static lcal_status reserve(struct bank *bank, const struct bank_change *change, lcal_error *error) {
  uint32_t wanted = 0;
  for (uint32_t i = 0; i < change->copy_count; i++) {
    wanted += bank_domain(bank, change->copies[i].name) == NULL ? 1 : 0;
  }
  if (bank->domain_count + wanted > bank->config->domains) {
    return lcal_error_set(error, LCAL_TOO_MANY_DOMAINS, "domain: the bank %s may have %u domains",
                          bank->config->name, bank->config->domains);
  }
  bank->reserved_domains = wanted;
  return LCAL_OK;
}

void bank_change_encoded(struct daemon *daemon, struct job *job) {
  struct bank *bank = job->bank;
  struct bank_change *change = job->change;
  lcal_error error = job->error;
  if (error.code == LCAL_OK) {
    reserve(bank, change, &error);
  }
  if (error.code == LCAL_OK) {
    change->step = CHANGE_WRITING;
    change->generation = job->generation;
    change->bytes = job->length;
    snapshots_write(daemon, bank, job->generation, job->created_ns, job->bytes, job->length);
    job->bytes = NULL;
    return;
  }
  free(job->bytes);
  job->bytes = NULL;
  nothing_written(bank);
  conclude(daemon, bank, &error);
}

/* ---- Applying what is durable. */

/* A version above the domain's current one and the one that was written. */
static uint64_t version_above(const lcal_domain *current, const lcal_domain *next) {
  const uint64_t above = lcal_domain_version(current) + 1;
  return above > lcal_domain_version(next) ? above : lcal_domain_version(next);
}

/* Puts a copy in its domain's place; its place is kept if it is new. */
static void put_copy(struct bank *bank, struct change_copy *copy) {
  struct domain *domain = bank_domain(bank, copy->name);
  if (domain == NULL) {
    domain = &bank->domains[bank->domain_count++];
    *domain = (struct domain){.state = NULL};
    memcpy(domain->name, copy->name, sizeof domain->name);
  } else {
    lcal_domain_set_version(copy->state, version_above(domain->state, copy->state));
    lcal_domain_destroy(domain->state);
  }
  domain->state = copy->state;
  copy->state = NULL;
  domain_make_stale(domain);
}

/* Frames were committed since the copies were made: an addition keeps them, and so does the
 * reset of a class for all other classes. */
static bool applies_to_current(const struct bank_change *change) {
  return (change->kind == CHANGE_LOAD && change->add) ||
         (change->kind == CHANGE_RESET && change->class_index >= 0);
}

static bool has_copy(const struct bank_change *change, const char *name) {
  for (uint32_t i = 0; i < change->copy_count; i++) {
    if (strcmp(change->copies[i].name, name) == 0) {
      return true;
    }
  }
  return false;
}

static void bury(struct bank *bank, const char *name, uint64_t version) {
  uint32_t i = 0;
  while (i < bank->grave_count && strcmp(bank->graves[i].name, name) != 0) {
    i++;
  }
  if (i == GRAVES_MAX) { /* the oldest makes room; whoever is not known here goes on above it */
    if (bank->graves[0].version > bank->grave_floor) {
      bank->grave_floor = bank->graves[0].version;
    }
    memmove(bank->graves, bank->graves + 1, (GRAVES_MAX - 1) * sizeof *bank->graves);
    i = --bank->grave_count;
  }
  if (i == bank->grave_count) {
    bank->grave_count++;
    snprintf(bank->graves[i].name, sizeof bank->graves[i].name, "%s", name);
  }
  bank->graves[i].version = version;
}

static void delete_domain(struct bank *bank, struct bank_change *change) {
  struct domain *domain = bank_domain(bank, change->domain);
  change->version = lcal_domain_version(domain->state);
  bury(bank, domain->name, change->version);
  lcal_domain_destroy(domain->state);
  const size_t after = (size_t)(&bank->domains[--bank->domain_count] - domain);
  memmove(domain, domain + 1, after * sizeof *domain);
}

static void apply(struct bank *bank, struct bank_change *change) {
  if (change->kind == CHANGE_DELETE) {
    delete_domain(bank, change);
    return;
  }
  for (uint32_t i = 0; i < change->copy_count; i++) {
    struct domain *domain = bank_domain(bank, change->copies[i].name);
    if (domain != NULL && applies_to_current(change)) {
      change_apply(change, domain->state);
      domain_make_stale(domain);
    } else {
      put_copy(bank, &change->copies[i]);
    }
  }
  for (uint32_t i = 0; change->kind == CHANGE_ROLLBACK && i < bank->domain_count; i++) {
    struct domain *domain = &bank->domains[i];
    if (!has_copy(change, domain->name)) { /* created meanwhile */
      lcal_domain_reset(domain->state);
      domain_make_stale(domain);
    }
  }
  const struct domain *domain = bank_domain(bank, change->domain);
  change->version = domain != NULL ? lcal_domain_version(domain->state) : 0;
}

void bank_change_written(struct daemon *daemon, struct bank *bank, const lcal_error *error) {
  if (error->code == LCAL_OK) {
    bank->changes->step = CHANGE_DURABLE;
  } else {
    nothing_written(bank);
    conclude(daemon, bank, error);
  }
  bank_turn(daemon, bank);
}

static void on_loaded(struct daemon *daemon, void *context, lcal_snapshot *snapshot,
                      const lcal_error *error) {
  struct bank *bank = context;
  struct bank_change *change = bank->changes;
  if (error->code == LCAL_OK) {
    change->loaded = snapshot;
    change->step = CHANGE_LOADED;
  } else {
    conclude(daemon, bank, error);
  }
  bank_turn(daemon, bank);
}

void bank_changes_turn(struct daemon *daemon, struct bank *bank) {
  static const lcal_error well = {.code = LCAL_OK};
  while (bank->job == NULL && bank->changes != NULL) {
    switch (bank->changes->step) {
    case CHANGE_SUBMITTED:
      if (bank->changes->kind == CHANGE_ROLLBACK) {
        bank->changes->step = CHANGE_LOADING;
        snapshots_read(daemon, bank, bank->changes->generation, on_loaded, bank);
      } else {
        begin_encoding(daemon, bank);
      }
      return;
    case CHANGE_LOADED:
      begin_encoding(daemon, bank);
      return;
    case CHANGE_DURABLE:
      if (bank->changes->kind != CHANGE_SNAPSHOT) {
        apply(bank, bank->changes);
      }
      conclude(daemon, bank, &well);
      break;
    default:
      return;
    }
  }
}
