#include "store/snapshot.h"
#include "wire/writer.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* The entries sum, weight, count and (no rule has any yet) extra. */
static void put_sums(lcal__writer *writer, const lcal_statistics *statistics) {
  size_t classes = statistics->classes;
  lcal__put_bin(writer, "sum", statistics->sum, classes * classes * sizeof(double));
  lcal__put_bin(writer, "weight", statistics->weight, classes * sizeof(double));
  lcal__put_bin(writer, "count", statistics->count, classes * sizeof(uint64_t));
  lcal__begin_map(writer, "extra");
  lcal__end(writer);
}

static void put_domain(lcal__writer *writer, const lcal_snapshot_domain *domain) {
  lcal__begin_map(writer, NULL);
  lcal__put_text(writer, "name", domain->name);
  lcal__put_u64(writer, "version", domain->version);
  lcal__put_u64(writer, "frames", domain->statistics->frames);
  lcal__put_u64(writer, "pixels", domain->statistics->pixels);
  lcal__put_u64(writer, "stamp_ns", domain->stamp_ns);
  put_sums(writer, domain->statistics);
  if (domain->window_count > 0) {
    lcal__begin_array(writer, "window_sets");
    for (uint32_t i = 0; i < domain->window_count; i++) {
      lcal__begin_map(writer, NULL);
      lcal__put_u64(writer, "slot", domain->window_slots[i]);
      put_sums(writer, domain->window_sets[i]);
      lcal__end(writer);
    }
    lcal__end(writer);
  }
  lcal__end(writer);
}

/* The settings in labelcald.yaml's words, for people; nothing reads them back. */
static void put_adaptation(lcal__writer *writer, const lcal_snapshot *snapshot) {
  static const char *const forgettings[] = {
      [LCAL_CUMULATIVE] = "cumulative", [LCAL_EMA] = "ema", [LCAL_WINDOW] = "window"};
  const lcal_adaptation *adaptation = snapshot->adaptation;
  lcal__begin_map(writer, "adaptation");
  if (adaptation) {
    lcal__put_text(writer, "order",
                   adaptation->order == LCAL_PREDICT_FIRST ? "predict_first" : "update_first");
    lcal__put_text(writer, "forgetting", forgettings[adaptation->forgetting]);
    lcal__put_f64(writer, "half_life", adaptation->half_life);
    lcal__put_text(writer, "unit", adaptation->unit == LCAL_FRAMES ? "frames" : "seconds");
    lcal__put_u64(writer, "window", adaptation->window);
    lcal__put_f64(writer, "min_weight", adaptation->min_weight);
    lcal__put_u64(writer, "warmup_frames", adaptation->warmup_frames);
    lcal__put_f64(writer, "sum_tolerance", adaptation->sum_tolerance);
    lcal__begin_array(writer, "protect");
    for (uint32_t i = 0; adaptation->protect && i < snapshot->class_count; i++) {
      if (adaptation->protect[i]) {
        lcal__put_text(writer, NULL, snapshot->classes[i]);
      }
    }
    lcal__end(writer);
  }
  lcal__end(writer);
}

static void put_identity(lcal__writer *writer, const char *model, uint32_t class_count,
                         const lcal_name *classes) {
  lcal__put_text(writer, "model", model);
  lcal__begin_array(writer, "classes");
  for (uint32_t i = 0; i < class_count; i++) {
    lcal__put_text(writer, NULL, classes[i]);
  }
  lcal__end(writer);
}

/* lcal__snapshot_peek knows the first five keys in this order. */
static void put_payload(lcal__writer *writer, const lcal_snapshot *snapshot) {
  lcal__begin_map(writer, NULL);
  lcal__put_text(writer, "bank", snapshot->bank);
  lcal__put_u64(writer, "generation", snapshot->generation);
  lcal__put_u64(writer, "created_ns", snapshot->created_ns);
  put_identity(writer, snapshot->model, snapshot->class_count, snapshot->classes);
  lcal__put_text(writer, "rule", snapshot->rule);
  put_adaptation(writer, snapshot);
  lcal__begin_array(writer, "domains");
  for (uint32_t i = 0; i < snapshot->domain_count; i++) {
    put_domain(writer, &snapshot->domains[i]);
  }
  lcal__end(writer);
  lcal__end(writer);
}

static void write_header(uint8_t *header, const uint8_t *payload, size_t length) {
  static const char magic[8] = LCAL__SNAPSHOT_MAGIC;
  const uint32_t version = LCAL__SNAPSHOT_VERSION;
  const uint32_t crc = (uint32_t)crc32_z(0, payload, length);
  const uint64_t bytes = length;
  memcpy(header, magic, sizeof magic);
  memcpy(header + 8, &version, sizeof version);
  memcpy(header + 12, &crc, sizeof crc);
  memcpy(header + 16, &bytes, sizeof bytes);
}

lcal_status lcal_snapshot_encode(const lcal_snapshot *snapshot, uint8_t **bytes, size_t *length,
                                 lcal_error *error) {
  lcal_status status = lcal__snapshot_check(snapshot, LCAL_ARGUMENT, error);
  if (status != LCAL_OK) {
    return status;
  }
  lcal__writer writer;
  lcal__writer_fix(&writer, NULL, 0);
  put_payload(&writer, snapshot);
  size_t payload = writer.length;
  uint8_t *file = malloc(LCAL__SNAPSHOT_HEADER + payload);
  if (!file) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for a snapshot of %zu bytes", payload);
  }
  lcal__writer_fix(&writer, file + LCAL__SNAPSHOT_HEADER, payload);
  put_payload(&writer, snapshot);
  write_header(file, file + LCAL__SNAPSHOT_HEADER, payload);
  *bytes = file;
  *length = LCAL__SNAPSHOT_HEADER + payload;
  return LCAL_OK;
}

lcal_status lcal__snapshot_identity(const char *model, uint32_t class_count,
                                    const lcal_name *classes, uint8_t **bytes, size_t *length,
                                    lcal_error *error) {
  lcal__writer writer;
  lcal__writer_grow(&writer);
  lcal__begin_map(&writer, NULL);
  size_t header = writer.length;
  put_identity(&writer, model, class_count, classes);
  lcal__end(&writer);
  lcal_status status = lcal__writer_take(&writer, bytes, length, error);
  if (status == LCAL_OK) {
    *length -= header;
    memmove(*bytes, *bytes + header, *length);
  }
  return status;
}
