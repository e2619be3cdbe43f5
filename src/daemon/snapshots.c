#include "daemon/snapshots.h"

#include "daemon/banks.h"
#include "daemon/generation.h"
#include "daemon/log.h"
#include "store/writer.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1000000000ull

/* A disk that answers nothing for so long is reported; labelling goes on. */
#define HANGS_NS (60 * NS_PER_S)

struct store_request {
  struct inbox_item item;
  struct lcal__store_job job;
  struct bank *bank;
  uint64_t created_ns;
  generation_loaded loaded;
  void *context;
};

struct snapshots {
  struct daemon *daemon;
  struct lcal__store_writer *writer;
  uint64_t heartbeat, heartbeat_ns; /* the newest that differed, and when */
  size_t count;
  struct lcal__directory *directories[]; /* one a bank, in their order */
};

/* ---- Start. */

static lcal_status restore(struct daemon *daemon, struct bank *bank, const lcal_snapshot *snapshot,
                           lcal_error *error) {
  if (snapshot->domain_count > bank->config->domains) {
    return lcal_error_set(error, LCAL_BAD_CONFIG,
                          "banks.%s.domains: %u are allowed, generation %" PRIu64 " has %u: allow "
                          "more, or start with snapshot.start: empty",
                          bank->config->name, bank->config->domains, snapshot->generation,
                          snapshot->domain_count);
  }
  for (uint32_t i = 0; i < snapshot->domain_count; i++) {
    const lcal_snapshot_domain *row = &snapshot->domains[i];
    struct domain *domain;
    const lcal_status status = bank_domain_create(daemon, bank, row->name, &domain, error);
    if (status != LCAL_OK) {
      return status;
    }
    domain_restore(domain->state, &bank->adaptation, row);
    lcal_domain_set_version(domain->state, row->version);
    domain_make_stale(domain);
  }
  return LCAL_OK;
}

static lcal_status load_bank(struct daemon *daemon, struct bank *bank,
                             struct lcal__directory **directory, lcal_error *error) {
  const struct config *config = daemon->config;
  lcal_status status = lcal__directory_open(directory, daemon->overrides.state_dir,
                                            bank->config->name, config->model, config->class_count,
                                            (const lcal_name *)config->classes, error);
  if (status != LCAL_OK) {
    return status;
  }
  lcal_snapshot *snapshot = NULL;
  status = lcal__directory_newest(*directory, config->snapshot.start_empty, &snapshot, error);
  if (status != LCAL_OK) {
    return status;
  }
  bank->generation = lcal__directory_last(*directory);
  if (snapshot != NULL) {
    status = restore(daemon, bank, snapshot, error);
    bank->last_generation = snapshot->generation;
    bank->last_created_ns = snapshot->created_ns;
    log_message(LOG_INFO, "bank %s: goes on from generation %" PRIu64, bank->config->name,
                snapshot->generation);
    lcal_snapshot_destroy(snapshot);
  } else {
    log_message(LOG_INFO, "bank %s: starts empty", bank->config->name);
  }
  return status;
}

lcal_status snapshots_load(struct daemon *daemon, lcal_error *error) {
  struct snapshots *snapshots =
      calloc(1, sizeof *snapshots + daemon->bank_count * sizeof snapshots->directories[0]);
  if (snapshots == NULL) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for snapshots");
  }
  snapshots->daemon = daemon;
  snapshots->count = daemon->bank_count;
  daemon->snapshots = snapshots;
  for (size_t i = 0; i < daemon->bank_count; i++) {
    const lcal_status status =
        load_bank(daemon, &daemon->banks[i], &snapshots->directories[i], error);
    if (status != LCAL_OK) {
      return status;
    }
  }
  return LCAL_OK;
}

/* On the store thread. */
static void on_done(void *context, struct lcal__store_job *job) {
  struct snapshots *snapshots = context;
  struct store_request *request = job->context;
  inbox_push(snapshots->daemon->inbox, &request->item);
}

struct settling {
  struct daemon *daemon;
  const struct bank *bank;
};

static void on_broken(void *context, uint64_t generation, const char *sentence) {
  const struct settling *settling = context;
  const struct bank *bank = settling->bank;
  const struct event_field fields[] = {
      {.key = "bank", .text = bank->config->name},
      {.key = "generation", .number = generation},
  };
  event_raise(settling->daemon, EVENT_SNAPSHOT_BROKEN, fields, 2, "%s", sentence);
}

/* State of banks that are no longer configured is left alone, and said so once. */
static void warn_of_others(struct daemon *daemon) {
  DIR *state = opendir(daemon->overrides.state_dir);
  const struct dirent *entry;
  while (state != NULL && (entry = readdir(state)) != NULL) {
    const bool bank =
        entry->d_type == DT_DIR && lcal_name_valid(entry->d_name, strlen(entry->d_name));
    if (bank && bank_find(daemon, entry->d_name) == NULL) {
      log_message(LOG_WARNING, "%s/%s: this bank is not configured; its statistics are left alone",
                  daemon->overrides.state_dir, entry->d_name);
    }
  }
  if (state != NULL) {
    closedir(state);
  }
}

lcal_status snapshots_start(struct daemon *daemon, lcal_error *error) {
  struct snapshots *snapshots = daemon->snapshots;
  for (size_t i = 0; i < snapshots->count; i++) {
    struct settling settling = {.daemon = daemon, .bank = &daemon->banks[i]};
    const lcal_status status =
        lcal__directory_settle(snapshots->directories[i], on_broken, &settling, error);
    if (status != LCAL_OK) {
      return status;
    }
  }
  warn_of_others(daemon);
  snapshots->heartbeat_ns = monotonic_ns();
  return lcal__store_writer_create(&snapshots->writer, on_done, NULL, snapshots, error);
}

void snapshots_destroy(struct daemon *daemon) {
  struct snapshots *snapshots = daemon->snapshots;
  if (snapshots == NULL) {
    return;
  }
  lcal__store_writer_destroy(snapshots->writer);
  for (size_t i = 0; i < snapshots->count; i++) {
    lcal__directory_close(snapshots->directories[i]);
  }
  free(snapshots);
  daemon->snapshots = NULL;
}

/* ---- Requests to the store thread. */

static struct store_request *make_request(struct daemon *daemon, struct bank *bank,
                                          enum lcal__job_kind kind, uint64_t number) {
  struct store_request *request = calloc(1, sizeof *request);
  if (request != NULL) {
    request->item.kind = INBOX_STORE;
    request->bank = bank;
    request->job.kind = kind;
    request->job.directory = daemon->snapshots->directories[bank - daemon->banks];
    request->job.number = number;
    request->job.context = request;
  }
  return request;
}

static void set_no_memory(lcal_error *error, const struct bank *bank) {
  lcal_error_set(error, LCAL_SNAPSHOT_FAILED, "bank %s: no memory to reach the disk",
                 bank->config->name);
}

void snapshots_write(struct daemon *daemon, struct bank *bank, uint64_t number, uint64_t created_ns,
                     uint8_t *bytes, size_t length) {
  struct store_request *request = make_request(daemon, bank, LCAL__JOB_WRITE, number);
  if (request == NULL) {
    lcal_error error;
    free(bytes);
    set_no_memory(&error, bank);
    bank_change_written(daemon, bank, &error);
    return;
  }
  const struct config_snapshot *settings = &daemon->config->snapshot;
  request->created_ns = created_ns;
  request->job.bytes = bytes;
  request->job.length = length;
  request->job.retention = (struct lcal__retention){
      .keep = settings->keep,
      .keep_hourly = settings->keep_hourly,
      .keep_daily = settings->keep_daily,
  };
  lcal__store_writer_submit(daemon->snapshots->writer, &request->job);
}

void snapshots_read(struct daemon *daemon, struct bank *bank, uint64_t number,
                    generation_loaded then, void *context) {
  struct store_request *request = make_request(daemon, bank, LCAL__JOB_LOAD, number);
  if (request == NULL) {
    lcal_error error;
    set_no_memory(&error, bank);
    then(daemon, context, NULL, &error);
    return;
  }
  request->loaded = then;
  request->context = context;
  lcal__store_writer_submit(daemon->snapshots->writer, &request->job);
}

static void raise_written(struct daemon *daemon, const struct store_request *request) {
  const struct lcal__store_job *job = &request->job;
  const char *bank = request->bank->config->name;
  const struct event_field fields[] = {
      {.key = "bank", .text = bank},
      {.key = "generation", .number = job->number},
      {.key = "bytes", .number = job->length},
  };
  if (job->error.code == LCAL_OK) {
    event_raise(daemon, EVENT_SNAPSHOT_WRITTEN, fields, 3,
                "bank %s: generation %" PRIu64 " is durable (%zu bytes)", bank, job->number,
                job->length);
  } else {
    event_raise(daemon, EVENT_SNAPSHOT_FAILED, fields, 2, "%s", job->error.message);
  }
}

static void write_done(struct daemon *daemon, const struct store_request *request) {
  struct bank *bank = request->bank;
  const struct lcal__store_job *job = &request->job;
  if (job->error.code == LCAL_OK) {
    bank->last_generation = job->number;
    bank->last_created_ns = request->created_ns;
    bank->last_bytes = job->length;
  } else {
    bank->snapshot_failures++;
  }
  raise_written(daemon, request);
  bank_change_written(daemon, bank, &job->error);
}

void snapshots_done(struct daemon *daemon, struct inbox_item *item) {
  struct store_request *request = (struct store_request *)item;
  struct lcal__store_job *job = &request->job;
  if (job->kind == LCAL__JOB_WRITE) {
    write_done(daemon, request);
  } else {
    request->loaded(daemon, request->context, job->snapshot, &job->error);
  }
  free(request);
}

/* ---- The schedule. */

static void ended(struct daemon *daemon, struct bank_change *change, const lcal_error *error) {
  (void)daemon;
  (void)change;
  (void)error; /* events and counters have said it */
}

static void begin_snapshot(struct daemon *daemon, struct bank *bank) {
  struct bank_change *change = calloc(1, sizeof *change);
  if (change == NULL) {
    log_limited(LOG_ERROR, "snapshot memory", "bank %s: no memory for a snapshot",
                bank->config->name);
    return;
  }
  change->kind = CHANGE_SNAPSHOT;
  change->bank = bank;
  change->done = ended;
  bank_change_submit(daemon, change);
}

void snapshots_tick(struct daemon *daemon, uint64_t now_ns) {
  const uint64_t interval_ns = daemon->config->snapshot.interval_s * NS_PER_S;
  for (size_t i = 0; i < daemon->bank_count; i++) {
    struct bank *bank = &daemon->banks[i];
    const uint64_t since =
        bank->last_snapshot_ns != 0 ? bank->last_snapshot_ns : daemon->started_ns;
    if (bank->dirty && now_ns - since >= interval_ns && !bank_snapshot_pending(bank)) {
      begin_snapshot(daemon, bank);
    }
  }
}

void snapshots_write_dirty(struct daemon *daemon) {
  for (size_t i = 0; i < daemon->bank_count; i++) {
    if (daemon->banks[i].dirty) {
      begin_snapshot(daemon, &daemon->banks[i]);
    }
  }
}

void snapshots_watch(struct daemon *daemon, uint64_t now_ns) {
  struct snapshots *snapshots = daemon->snapshots;
  const uint64_t heartbeat = lcal__store_writer_heartbeat(snapshots->writer);
  if (heartbeat != snapshots->heartbeat) {
    snapshots->heartbeat = heartbeat;
    snapshots->heartbeat_ns = now_ns;
  }
}

const char *snapshots_health(const struct daemon *daemon, uint64_t now_ns) {
  return now_ns - daemon->snapshots->heartbeat_ns > HANGS_NS
             ? "the store thread has waited for the disk for more than 60 s"
             : NULL;
}
