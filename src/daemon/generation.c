#include "daemon/generation.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A generation in the making. */
struct picture {
  struct job *job;
  uint32_t count;
  lcal_snapshot_domain *rows; /* room for settings->domains */
};

void change_apply(const struct bank_change *change, lcal_domain *state) {
  if (change->kind == CHANGE_LOAD) {
    if (change->add) {
      lcal_domain_add(state, change->statistics);
    } else {
      lcal_domain_replace(state, change->statistics);
    }
  } else if (change->class_index >= 0) {
    lcal_domain_reset_class(state, (uint32_t)change->class_index);
  } else {
    lcal_domain_reset(state);
  }
}

void change_destroy(struct bank_change *change) {
  for (uint32_t i = 0; i < change->copy_count; i++) {
    lcal_domain_destroy(change->copies[i].state);
  }
  free(change->copies);
  lcal_snapshot_destroy(change->loaded);
  lcal_statistics_destroy(change->statistics);
  free(change);
}

static bool is_empty(const lcal_statistics *statistics) {
  bool seen = statistics->frames > 0;
  for (uint32_t k = 0; k < statistics->classes; k++) {
    seen = seen || statistics->weight[k] > 0 || statistics->count[k] > 0;
  }
  return !seen;
}

void domain_restore(lcal_domain *state, const lcal_adaptation *adaptation,
                    const lcal_snapshot_domain *row) {
  if (adaptation->forgetting == LCAL_WINDOW && row->window_count > 0) {
    lcal_domain_restore_window(state, row->statistics, row->window_sets, row->window_slots,
                               row->window_count);
  } else if (!is_empty(row->statistics)) { /* nothing is not a set of a window */
    lcal_domain_replace(state, row->statistics);
  }
  lcal_domain_set_stamp(state, row->stamp_ns);
}

static void release(const lcal_snapshot_domain *row) {
  free((void *)(uintptr_t)row->window_sets);
  free((void *)(uintptr_t)row->window_slots);
}

/* Describes `state` as a row, which borrows its statistics and is freed by release(). */
static lcal_status describe(const lcal_domain *state, const char *name, lcal_snapshot_domain *row,
                            lcal_error *error) {
  const uint32_t count = lcal_domain_window_count(state);
  const lcal_statistics **sets = NULL;
  uint32_t *slots = NULL;
  if (count > 0) {
    sets = calloc(count, sizeof *sets);
    slots = calloc(count, sizeof *slots);
    if (sets == NULL || slots == NULL) {
      free(sets);
      free(slots);
      return lcal_error_set(error, LCAL_MEMORY, "no memory to write a window of %u sets", count);
    }
  }
  for (uint32_t i = 0; i < count; i++) {
    sets[i] = lcal_domain_window_set(state, i, &slots[i]);
  }
  *row = (lcal_snapshot_domain){
      .version = lcal_domain_version(state),
      .stamp_ns = lcal_domain_stamp(state),
      .statistics = lcal_domain_statistics(state),
      .window_count = count,
      .window_sets = sets,
      .window_slots = slots,
  };
  snprintf(row->name, sizeof row->name, "%s", name);
  return LCAL_OK;
}

static lcal_status add(struct picture *picture, const char *name, const lcal_domain *state) {
  struct job *job = picture->job;
  if (picture->count >= job->settings->domains) {
    return lcal_error_set(&job->error, LCAL_TOO_MANY_DOMAINS, "the bank %s may have %u domains",
                          job->settings->name, job->settings->domains);
  }
  const lcal_status status = describe(state, name, &picture->rows[picture->count], &job->error);
  picture->count += status == LCAL_OK ? 1 : 0;
  return status;
}

/* Makes a domain that holds `row` (NULL: nothing), which is the change's from now on. */
static lcal_status copy_row(struct job *job, const char *name, const lcal_snapshot_domain *row,
                            uint64_t version, lcal_domain **copy) {
  struct bank_change *change = job->change;
  const lcal_status status =
      lcal_domain_create(copy, job->config->class_count, &job->adaptation, &job->error);
  if (status == LCAL_OK) {
    struct change_copy *made = &change->copies[change->copy_count++];
    snprintf(made->name, sizeof made->name, "%s", name);
    made->state = *copy;
    if (row != NULL) {
      domain_restore(*copy, &job->adaptation, row);
    }
    lcal_domain_set_version(*copy, version);
  }
  return status;
}

static lcal_status copy_domain(struct job *job, const char *name, const lcal_domain *state,
                               lcal_domain **copy) {
  if (state == NULL) {
    return copy_row(job, name, NULL, bank_grave_version(job->bank, name), copy);
  }
  lcal_snapshot_domain row = {.version = 0};
  lcal_status status = describe(state, name, &row, &job->error);
  if (status == LCAL_OK) {
    status = copy_row(job, name, &row, row.version, copy);
    release(&row);
  }
  return status;
}

/* Adds the domain `name` (`state`: NULL if it is new) as the change leaves it. */
static lcal_status add_changed(struct picture *picture, const char *name,
                               const lcal_domain *state) {
  lcal_domain *copy = NULL;
  const lcal_status status = copy_domain(picture->job, name, state, &copy);
  if (status != LCAL_OK) {
    return status;
  }
  change_apply(picture->job->change, copy);
  /* Finite numbers may add up to one that is not. */
  return lcal_statistics_check(lcal_domain_statistics(copy), &picture->job->error) == LCAL_OK
             ? add(picture, name, copy)
             : picture->job->error.code;
}

/* The bank's domains, with a reset, a load or a delete applied to those it names. */
static lcal_status picture_change(struct picture *picture) {
  struct job *job = picture->job;
  const struct bank_change *change = job->change;
  bool found = false;
  for (uint32_t i = 0; i < job->domain_count; i++) {
    const struct domain *domain = &job->bank->domains[i];
    const bool named = change->domain[0] == '\0' || strcmp(change->domain, domain->name) == 0;
    lcal_status status = LCAL_OK;
    if (change->kind == CHANGE_SNAPSHOT || !named) {
      status = add(picture, domain->name, domain->state);
    } else if (change->kind != CHANGE_DELETE) {
      status = add_changed(picture, domain->name, domain->state);
    }
    if (status != LCAL_OK) {
      return status;
    }
    found = found || named;
  }
  if (found || change->kind == CHANGE_SNAPSHOT) {
    return LCAL_OK;
  }
  return change->kind == CHANGE_LOAD
             ? add_changed(picture, change->domain, NULL)
             : lcal_error_set(&job->error, LCAL_UNKNOWN_DOMAIN, "domain: the bank %s has no %s",
                              job->settings->name, change->domain);
}

static const lcal_snapshot_domain *row_of(const lcal_snapshot *snapshot, const char *name) {
  for (uint32_t i = 0; i < snapshot->domain_count; i++) {
    if (strcmp(snapshot->domains[i].name, name) == 0) {
      return &snapshot->domains[i];
    }
  }
  return NULL;
}

static const struct domain *domain_of(const struct job *job, const char *name) {
  for (uint32_t i = 0; i < job->domain_count; i++) {
    if (strcmp(job->bank->domains[i].name, name) == 0) {
      return &job->bank->domains[i];
    }
  }
  return NULL;
}

/* Adds a domain as the generation has it (`row`: NULL: empty), its version above both. */
static lcal_status add_rolled_back(struct picture *picture, const char *name, uint64_t version,
                                   const lcal_snapshot_domain *row) {
  const uint64_t newest = row != NULL && row->version > version ? row->version : version;
  lcal_domain *copy = NULL;
  const lcal_status status = copy_row(picture->job, name, row, newest + 1, &copy);
  return status == LCAL_OK ? add(picture, name, copy) : status;
}

static lcal_status picture_rollback(struct picture *picture) {
  struct job *job = picture->job;
  const lcal_snapshot *loaded = job->change->loaded;
  lcal_status status = LCAL_OK;
  for (uint32_t i = 0; i < job->domain_count && status == LCAL_OK; i++) {
    const struct domain *domain = &job->bank->domains[i];
    status = add_rolled_back(picture, domain->name, lcal_domain_version(domain->state),
                             row_of(loaded, domain->name));
  }
  const lcal_snapshot_domain *rows = loaded->domains;
  for (uint32_t i = 0; status == LCAL_OK && rows != NULL && i < loaded->domain_count; i++) {
    const lcal_snapshot_domain *row = &rows[i];
    if (domain_of(job, row->name) != NULL) {
      continue;
    }
    if (picture->count >= job->settings->domains) {
      status = lcal_error_set(&job->error, LCAL_TOO_MANY_DOMAINS,
                              "generation %" PRIu64 ": the bank %s may have %u domains",
                              job->change->generation, job->settings->name, job->settings->domains);
    } else {
      status = add_rolled_back(picture, row->name, bank_grave_version(job->bank, row->name), row);
    }
  }
  return status;
}

static lcal_status encode(const struct picture *picture) {
  struct job *job = picture->job;
  lcal_snapshot snapshot = {
      .generation = job->generation,
      .created_ns = job->created_ns,
      .class_count = job->config->class_count,
      .classes = (const lcal_name *)job->config->classes,
      .adaptation = &job->adaptation,
      .domain_count = picture->count,
      .domains = picture->rows,
  };
  snprintf(snapshot.bank, sizeof snapshot.bank, "%s", job->settings->name);
  snprintf(snapshot.model, sizeof snapshot.model, "%s", job->config->model);
  snprintf(snapshot.rule, sizeof snapshot.rule, "%s", job->adaptation.rule->name);
  return lcal_snapshot_encode(&snapshot, &job->bytes, &job->length, &job->error);
}

void generation_encode(struct job *job) {
  struct bank_change *change = job->change;
  struct picture picture = {.job = job};
  picture.rows = calloc(job->settings->domains, sizeof *picture.rows);
  change->copies = calloc(job->settings->domains + 1u, sizeof *change->copies);
  if (picture.rows == NULL || change->copies == NULL) {
    lcal_error_set(&job->error, LCAL_MEMORY, "no memory to write a generation");
  } else if ((change->kind == CHANGE_ROLLBACK ? picture_rollback(&picture)
                                              : picture_change(&picture)) == LCAL_OK) {
    encode(&picture);
  }
  for (uint32_t i = 0; i < picture.count; i++) {
    release(&picture.rows[i]);
  }
  free(picture.rows);
}
