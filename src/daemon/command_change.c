/* Commands that change a bank's statistics: each becomes a bank_change, which is durable before it
 * takes effect and before the answer goes out. */
#include "daemon/command_call.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int64_t class_index(const struct daemon *daemon, const msgpack_object *key) {
  const struct config *config = daemon->config;
  uint64_t index = 0;
  if (config->class_count > 0 && lcal__object_uint(key, 0, config->class_count - 1, &index)) {
    return (int64_t)index;
  }
  for (uint32_t i = 0; i < config->class_count; i++) {
    if (lcal__object_is(key, config->classes[i])) {
      return i;
    }
  }
  return -1;
}

/* A change of call->bank for the handler to complete; NULL: answered already, memory is short. */
static struct bank_change *change_create(struct call *call, enum change_kind kind,
                                         void (*done)(struct daemon *, struct bank_change *,
                                                      const lcal_error *)) {
  struct bank_change *change = calloc(1, sizeof *change);
  if (!change) {
    call_fail(call, LCAL_BUSY, "out of memory; ask again");
    return NULL;
  }
  change->kind = kind;
  change->bank = call->bank;
  change->class_index = -1;
  change->done = done;
  change->context = call;
  memcpy(change->domain, call->arguments.domain, sizeof change->domain);
  return change;
}

/* Begins the result of a change; false: it failed, and the error is answered. */
static bool begin_answer(struct call *call, const lcal_error *error, lcal__writer *writer) {
  if (error->code != LCAL_OK) {
    call_error(call, error);
    return false;
  }
  call_begin(call, writer);
  return true;
}

/* Answers {version: V} with the version of the domain that was changed. */
static void on_domain_changed(struct daemon *daemon, struct bank_change *change,
                              const lcal_error *error) {
  (void)daemon;
  struct call *call = change->context;
  lcal__writer writer;
  if (!begin_answer(call, error, &writer)) {
    return;
  }
  lcal__put_u64(&writer, "version", change->version);
  call_end(call, &writer);
}

/* Answers {version: {domain: V}} of the one domain named, or of all. */
static void on_domains_changed(struct daemon *daemon, struct bank_change *change,
                               const lcal_error *error) {
  (void)daemon;
  struct call *call = change->context;
  lcal__writer writer;
  if (!begin_answer(call, error, &writer)) {
    return;
  }
  lcal__begin_map(&writer, "version");
  for (uint32_t i = 0; i < change->bank->domain_count; i++) {
    const struct domain *domain = &change->bank->domains[i];
    if (!change->domain[0] || strcmp(change->domain, domain->name) == 0) {
      lcal__put_u64(&writer, domain->name, lcal_domain_version(domain->state));
    }
  }
  lcal__end(&writer);
  call_end(call, &writer);
}

/* ---- load_statistics */

static lcal_status check_bin(const char *name, lcal_bytes bin, size_t wanted, lcal_error *error) {
  if (bin.length != wanted) {
    return lcal_error_set(error, LCAL_BAD_FIELD, "args.%s: %zu bytes where %zu are wanted", name,
                          bin.length, wanted);
  }
  return LCAL_OK;
}

/* Bins lie at any alignment. */
static lcal_status check_reals(const char *name, lcal_bytes bin, lcal_error *error) {
  for (size_t i = 0; i < bin.length / sizeof(double); i++) {
    double value;
    memcpy(&value, bin.data + i * sizeof value, sizeof value);
    if (!(value >= 0 && value < HUGE_VAL)) {
      return lcal_error_set(error, LCAL_BAD_FIELD,
                            "args.%s: value %zu is %g; all must be finite and >= 0", name, i,
                            value);
    }
  }
  return LCAL_OK;
}

lcal_status check_load_statistics(const struct daemon *daemon, const lcal__arguments *arguments,
                                  lcal_error *error) {
  size_t classes = daemon->config->class_count;
  lcal_status status = check_bin("sum", arguments->sum, classes * classes * sizeof(double), error);
  if (status == LCAL_OK) {
    status = check_bin("weight", arguments->weight, classes * sizeof(double), error);
  }
  if (status == LCAL_OK) {
    status = check_bin("count", arguments->count, classes * sizeof(uint64_t), error);
  }
  if (status == LCAL_OK) {
    status = check_reals("sum", arguments->sum, error);
  }
  if (status == LCAL_OK) {
    status = check_reals("weight", arguments->weight, error);
  }
  return status;
}

static void fill_statistics(lcal_statistics *statistics, const lcal__arguments *arguments) {
  memcpy(statistics->sum, arguments->sum.data, arguments->sum.length);
  memcpy(statistics->weight, arguments->weight.data, arguments->weight.length);
  memcpy(statistics->count, arguments->count.data, arguments->count.length);
  statistics->frames = arguments->frames;
  statistics->pixels = 0;
  for (uint32_t k = 0; k < statistics->classes; k++) {
    statistics->pixels += statistics->count[k];
  }
}

void run_load_statistics(struct call *call) {
  lcal_error error;
  lcal_statistics *statistics = NULL;
  if (lcal_statistics_create(&statistics, call->daemon->config->class_count, &error) != LCAL_OK) {
    call_error(call, &error);
    return;
  }
  fill_statistics(statistics, &call->arguments);
  struct bank_change *change = change_create(call, CHANGE_LOAD, on_domain_changed);
  if (!change) {
    lcal_statistics_destroy(statistics);
    return;
  }
  change->statistics = statistics;
  change->add = call->arguments.mode == LCAL__ADD;
  bank_change_submit(call->daemon, change);
}

/* ---- domain_delete, reset, rollback */

lcal_status check_domain_delete(const struct daemon *daemon, const lcal__arguments *arguments,
                                lcal_error *error) {
  (void)daemon;
  if (strcmp(arguments->domain, "default") == 0) {
    return lcal_error_set(error, LCAL_BAD_FIELD,
                          "args.domain: `default` cannot be deleted; `reset` empties it");
  }
  return LCAL_OK;
}

void run_domain_delete(struct call *call) {
  struct bank_change *change = change_create(call, CHANGE_DELETE, on_domain_changed);
  if (change) {
    bank_change_submit(call->daemon, change);
  }
}

lcal_status check_reset(const struct daemon *daemon, const lcal__arguments *arguments,
                        lcal_error *error) {
  if (arguments->class_key && class_index(daemon, arguments->class_key) < 0) {
    return lcal_error_set(error, LCAL_BAD_FIELD,
                          "args.class: the model has no such class; `status` lists them");
  }
  return LCAL_OK;
}

void run_reset(struct call *call) {
  struct bank_change *change = change_create(call, CHANGE_RESET, on_domains_changed);
  if (!change) {
    return;
  }
  if (call->arguments.class_key) {
    change->class_index = class_index(call->daemon, call->arguments.class_key);
  }
  bank_change_submit(call->daemon, change);
}

void run_rollback(struct call *call) {
  struct bank_change *change = change_create(call, CHANGE_ROLLBACK, on_domains_changed);
  if (!change) {
    return;
  }
  change->generation = call->arguments.generation;
  bank_change_submit(call->daemon, change);
}

/* ---- snapshot: of one bank, or of all at once. */

struct snapshots_wanted {
  struct call *call;
  size_t count, pending;
  lcal_error error; /* of the first that failed, or LCAL_OK */
  struct {
    const struct bank *bank;
    uint64_t generation, bytes;
  } rows[];
};

static void answer_snapshots(const struct snapshots_wanted *wanted) {
  lcal__writer writer;
  if (wanted->error.code != LCAL_OK) {
    call_error(wanted->call, &wanted->error);
    return;
  }
  call_begin(wanted->call, &writer);
  lcal__begin_array(&writer, "snapshots");
  for (size_t i = 0; i < wanted->count; i++) {
    lcal__begin_map(&writer, NULL);
    lcal__put_text(&writer, "bank", wanted->rows[i].bank->config->name);
    lcal__put_u64(&writer, "generation", wanted->rows[i].generation);
    lcal__put_u64(&writer, "bytes", wanted->rows[i].bytes);
    lcal__end(&writer);
  }
  lcal__end(&writer);
  call_end(wanted->call, &writer);
}

static void on_snapshot(struct daemon *daemon, struct bank_change *change,
                        const lcal_error *error) {
  (void)daemon;
  struct snapshots_wanted *wanted = change->context;
  if (wanted->error.code == LCAL_OK) {
    wanted->error = *error;
  }
  for (size_t i = 0; i < wanted->count; i++) {
    if (wanted->rows[i].bank == change->bank) {
      wanted->rows[i].generation = change->generation;
      wanted->rows[i].bytes = change->bytes;
    }
  }
  if (--wanted->pending == 0) {
    answer_snapshots(wanted);
    free(wanted);
  }
}

/* One change a bank, all made before the first is submitted: it may end at once. */
static bool want_snapshots(struct call *call, struct snapshots_wanted *wanted,
                           struct bank_change **changes) {
  struct bank *first = call->bank ? call->bank : call->daemon->banks;
  for (size_t i = 0; i < wanted->count; i++) {
    changes[i] = calloc(1, sizeof *changes[i]);
    if (!changes[i]) {
      return false;
    }
    changes[i]->kind = CHANGE_SNAPSHOT;
    changes[i]->bank = &first[i];
    changes[i]->class_index = -1;
    changes[i]->done = on_snapshot;
    changes[i]->context = wanted;
    wanted->rows[i].bank = &first[i];
  }
  return true;
}

void run_snapshot(struct call *call) {
  struct daemon *daemon = call->daemon;
  size_t count = call->bank ? 1 : daemon->bank_count;
  struct snapshots_wanted *wanted = calloc(1, sizeof *wanted + count * sizeof *wanted->rows);
  struct bank_change **changes = calloc(count, sizeof(struct bank_change *));
  bool ready = wanted && changes;
  if (ready) {
    wanted->call = call;
    wanted->count = wanted->pending = count;
    ready = want_snapshots(call, wanted, changes);
  }
  if (ready) {
    for (size_t i = 0; i < count; i++) {
      bank_change_submit(daemon, changes[i]);
    }
  } else {
    for (size_t i = 0; changes && i < count; i++) {
      free(changes[i]);
    }
    free(wanted);
    call_fail(call, LCAL_BUSY, "out of memory; ask again");
  }
  free((void *)changes);
}
