#include "daemon/prototypes.h"

#include "daemon/folder.h"
#include "daemon/lifecycle.h"
#include "wire/control.h"
#include "wire/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Answers under way hold copies of C x C numbers, some text of them: at most so many bytes of
 * copies, and never fewer answers than MAKING_LEAST. */
#define MAKING_BYTES (32u << 20)
#define MAKING_LEAST 4u

/* One answer under way. Everything it points to is its own, but for `bank` (the loop's). */
struct making {
  uv_work_t work;
  struct bank_wait wait;
  struct daemon *daemon;
  struct bank *bank;
  lcal_name domain, id;
  uint64_t generation;
  bool json;
  void (*done)(void *context, void *bytes, size_t length, const lcal_error *error);
  void *context;
  /* What the answer is made of: from the loop, or from a snapshot. */
  struct folder folder;
  lcal_adaptation adaptation;
  uint8_t *protect;
  lcal_statistics *statistics;
  float *thresholds;
  uint64_t version;
  /* The answer. */
  uint8_t *bytes;
  size_t length;
  lcal_error error; /* code LCAL_OK, or why not */
};

static void finish(struct making *making) {
  bool good = making->error.code == LCAL_OK;
  making->done(making->context, good ? making->bytes : NULL, making->length,
               good ? NULL : &making->error);
  if (!good) {
    free(making->bytes);
  }
  folder_release(&making->folder);
  lcal_statistics_destroy(making->statistics);
  free(making->protect);
  free(making->thresholds);
  making->daemon->off_loop--;
  free(making);
}

static lcal_status out_of_memory(lcal_error *error) {
  return lcal_error_set(error, LCAL_MEMORY, "out of memory");
}

/* ---- On the loop: copies. */

static lcal_status copy_present(struct making *making, const struct domain *domain) {
  const lcal_statistics *now = lcal_domain_statistics(domain->state);
  const lcal_coefficients *coefficients = lcal_domain_coefficients(domain->state);
  size_t size = now->classes * sizeof *making->thresholds;
  lcal_status status = lcal_statistics_create(&making->statistics, now->classes, &making->error);
  if (status != LCAL_OK) {
    return status;
  }
  making->thresholds = malloc(size);
  if (!making->thresholds) {
    return out_of_memory(&making->error);
  }
  lcal_statistics_copy(making->statistics, now);
  memcpy(making->thresholds, coefficients->threshold[LCAL_F32], size);
  making->version = lcal_domain_version(domain->state);
  return LCAL_OK;
}

/* A snapshot's thresholds are made anew, by the bank's present settings. */
static lcal_status copy_settings(struct making *making) {
  size_t classes = making->daemon->config->class_count;
  making->adaptation = making->bank->adaptation;
  if (making->adaptation.protect) {
    making->protect = malloc(classes);
    if (!making->protect) {
      return out_of_memory(&making->error);
    }
    memcpy(making->protect, making->adaptation.protect, classes);
    making->adaptation.protect = making->protect;
  }
  return folder_copy(&making->folder, making->daemon, making->bank, &making->error);
}

/* ---- Off the loop. */

static lcal_status make_thresholds(struct making *making) {
  lcal_coefficients *coefficients = NULL;
  const lcal_adaptation *adaptation = &making->adaptation;
  uint32_t classes = making->statistics->classes;
  lcal_status status = lcal_coefficients_create(&coefficients, classes, &making->error);
  if (status != LCAL_OK) {
    return status;
  }
  making->thresholds = malloc(classes * sizeof *making->thresholds);
  if (making->thresholds) {
    lcal_coefficients_build(coefficients, adaptation->rule, making->statistics,
                            adaptation->min_weight, adaptation->sum_tolerance, adaptation->protect);
    memcpy(making->thresholds, coefficients->threshold[LCAL_F32],
           classes * sizeof *making->thresholds);
  } else {
    status = out_of_memory(&making->error);
  }
  lcal_coefficients_destroy(coefficients);
  return status;
}

static lcal_status take_row(struct making *making, const lcal_snapshot *snapshot) {
  for (uint32_t i = 0; i < snapshot->domain_count; i++) {
    const lcal_snapshot_domain *row = &snapshot->domains[i];
    if (strcmp(row->name, making->domain) == 0) {
      lcal_status status =
          lcal_statistics_create(&making->statistics, row->statistics->classes, &making->error);
      if (status == LCAL_OK) {
        lcal_statistics_copy(making->statistics, row->statistics);
        making->version = row->version;
      }
      return status;
    }
  }
  return lcal_error_set(&making->error, LCAL_UNKNOWN_DOMAIN,
                        "generation %" PRIu64 " of bank %s has no domain %s", making->generation,
                        making->folder.bank, making->domain);
}

static lcal_status load_snapshot(struct making *making) {
  struct lcal__directory *directory = NULL;
  lcal_snapshot *snapshot = NULL;
  lcal_status status = folder_open(&making->folder, &directory, &making->error);
  if (status == LCAL_OK) {
    status = lcal__directory_load(directory, making->generation, &snapshot, &making->error);
  }
  if (status == LCAL_OK) {
    status = take_row(making, snapshot);
  }
  lcal_snapshot_destroy(snapshot);
  lcal__directory_close(directory);
  return status;
}

static void put_prototypes(lcal__writer *writer, const struct making *making) {
  const lcal_statistics *statistics = making->statistics;
  size_t classes = statistics->classes, square = classes * classes;
  double *prototypes = malloc(square * sizeof *prototypes);
  float *narrow = malloc(square * sizeof *narrow);
  if (prototypes && narrow) {
    lcal_statistics_prototypes(statistics, making->adaptation.min_weight, prototypes);
    for (size_t i = 0; i < square; i++) {
      narrow[i] = (float)prototypes[i];
    }
    lcal__put_bin(writer, "prototypes", narrow, square * sizeof *narrow);
  } else {
    writer->failed = true;
  }
  free(prototypes);
  free(narrow);
}

static void put_map(lcal__writer *writer, const struct making *making) {
  const lcal_statistics *statistics = making->statistics;
  size_t classes = statistics->classes;
  lcal__put_u64(writer, "classes", classes);
  lcal__put_u64(writer, "frames", statistics->frames);
  lcal__put_u64(writer, "pixels", statistics->pixels);
  lcal__put_u64(writer, "version", making->version);
  lcal__put_bin(writer, "sum", statistics->sum, classes * classes * sizeof *statistics->sum);
  lcal__put_bin(writer, "weight", statistics->weight, classes * sizeof *statistics->weight);
  lcal__put_bin(writer, "count", statistics->count, classes * sizeof *statistics->count);
  lcal__begin_map(writer, "extra"); /* no rule has statistics of its own yet */
  lcal__end(writer);
  put_prototypes(writer, making);
  lcal__put_bin(writer, "thresholds", making->thresholds, classes * sizeof *making->thresholds);
}

static lcal_status pack(struct making *making) {
  lcal__writer writer;
  lcal__writer_grow(&writer);
  if (making->id[0]) {
    lcal__begin_result(&writer, making->id, "prototypes");
    put_map(&writer, making);
    lcal__end_result(&writer);
  } else {
    lcal__begin_map(&writer, NULL);
    put_map(&writer, making);
    lcal__end(&writer);
  }
  return lcal__writer_take(&writer, &making->bytes, &making->length, &making->error);
}

static lcal_status to_json(struct making *making) {
  char *text = NULL;
  lcal_status status = lcal__json_write((lcal_bytes){making->bytes, making->length}, &text,
                                        &making->length, &making->error);
  free(making->bytes);
  making->bytes = (uint8_t *)text;
  return status;
}

static void on_work(uv_work_t *work) {
  struct making *making = work->data;
  lcal_status status = LCAL_OK;
  if (making->generation) {
    status = load_snapshot(making);
    if (status == LCAL_OK) {
      status = make_thresholds(making);
    }
  }
  if (status == LCAL_OK) {
    status = pack(making);
  }
  if (status == LCAL_OK && making->json) {
    status = to_json(making);
  }
  making->error.code = status;
}

static void on_worked(uv_work_t *work, int status) {
  (void)status; /* never cancelled */
  struct making *making = work->data;
  struct daemon *daemon = making->daemon;
  finish(making);
  daemon_stop_step(daemon);
}

/* ---- The way from one to the other. */

static void start(struct making *making) {
  if (making->error.code != LCAL_OK) {
    finish(making);
    return;
  }
  making->work.data = making;
  uv_queue_work(&making->daemon->loop, &making->work, on_work, on_worked);
}

static void on_fresh(struct daemon *daemon, void *context) {
  (void)daemon;
  struct making *making = context;
  const struct domain *domain = bank_domain(making->bank, making->domain);
  if (domain) {
    making->adaptation = making->bank->adaptation;
    making->error.code = copy_present(making, domain);
  } else {
    lcal_error_set(&making->error, LCAL_UNKNOWN_DOMAIN, "bank %s has no domain %s",
                   making->bank->config->name, making->domain);
  }
  start(making);
}

static bool too_many(const struct daemon *daemon) {
  size_t classes = daemon->config->class_count;
  if (daemon->unsent_bytes > daemon->config->limits.queued_bytes) {
    return true;
  }
  return daemon->off_loop >= MAKING_LEAST &&
         daemon->off_loop >= MAKING_BYTES / (classes * classes * sizeof(double));
}

void prototypes_make(struct daemon *daemon, struct bank *bank, const struct prototypes_wish *wish,
                     void (*done)(void *context, void *bytes, size_t length,
                                  const lcal_error *error),
                     void *context) {
  struct making *making = calloc(1, sizeof *making);
  if (!making) {
    lcal_error error;
    out_of_memory(&error);
    done(context, NULL, 0, &error);
    return;
  }
  making->daemon = daemon;
  making->bank = bank;
  making->generation = wish->generation;
  making->json = wish->json;
  making->done = done;
  making->context = context;
  snprintf(making->domain, sizeof making->domain, "%s", wish->domain);
  snprintf(making->id, sizeof making->id, "%s", wish->id ? wish->id : "");
  bool many = too_many(daemon);
  daemon->off_loop++;
  if (many) {
    lcal_error_set(&making->error, LCAL_BUSY, "other answers are being made; ask again");
    finish(making);
  } else if (wish->generation) {
    making->error.code = copy_settings(making);
    start(making);
  } else {
    making->wait = (struct bank_wait){.then = on_fresh, .context = making};
    bank_when_fresh(daemon, bank, &making->wait);
  }
}
