#include "store/snapshot.h"
#include "wire/fields.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* A decoded snapshot and what it owns; the public struct shows the same memory read-only. */
struct owned_domain {
  lcal_statistics *statistics;
  lcal_statistics **window_sets;
  uint32_t *window_slots;
  uint32_t window_count;
};

struct decoded {
  lcal_snapshot snapshot; /* first: lcal_snapshot_destroy gets from it to the whole */
  lcal_name *classes;
  lcal_snapshot_domain *domains;
  struct owned_domain *owned; /* of each domain */
};

void lcal_snapshot_destroy(lcal_snapshot *snapshot) {
  struct decoded *decoded = (struct decoded *)snapshot;
  if (!decoded) {
    return;
  }
  for (uint32_t i = 0; i < snapshot->domain_count; i++) {
    struct owned_domain *owned = &decoded->owned[i];
    lcal_statistics_destroy(owned->statistics);
    for (uint32_t k = 0; k < owned->window_count; k++) {
      lcal_statistics_destroy(owned->window_sets[k]);
    }
    free(owned->window_sets);
    free(owned->window_slots);
  }
  free(decoded->owned);
  free(decoded->domains);
  free(decoded->classes);
  free(decoded);
}

/* ---- The maps of the payload. */

struct payload {
  lcal_name bank, model, rule;
  uint64_t generation, created_ns;
  const msgpack_object *classes, *adaptation, *domains;
};

#define AT(member) .offset = offsetof(struct payload, member)
static const lcal__field payload_fields[] = {
    {"bank", LCAL__NAME, AT(bank)},
    {"generation", LCAL__UINT, AT(generation)},
    {"created_ns", LCAL__UINT, AT(created_ns)},
    {"model", LCAL__TEXT, AT(model), .max = LCAL_NAME_MAX},
    {"classes", LCAL__ARRAY, AT(classes)},
    {"rule", LCAL__NAME, AT(rule)},
    {"adaptation", LCAL__MAP, .optional = true, AT(adaptation)},
    {"domains", LCAL__ARRAY, AT(domains)},
};
#undef AT
static const lcal__table payload_table = LCAL__TABLE("snapshot", "", payload_fields);

/* A domain, or a set of its window. */
struct sums {
  lcal_name name;
  uint64_t version, frames, pixels, stamp_ns, slot;
  lcal_bytes sum, weight, count;
  const msgpack_object *extra, *window_sets;
};

#define AT(member) .offset = offsetof(struct sums, member)
/* clang-format off */
/* No rule has `extra` statistics yet; a rule whose extra is absent starts that part empty. */
#define SUMS_FIELDS                                                                                \
  {"sum", LCAL__BIN, AT(sum)},                                                                     \
  {"weight", LCAL__BIN, AT(weight)},                                                               \
  {"count", LCAL__BIN, AT(count)},                                                                 \
  {"extra", LCAL__BINS, .optional = true, AT(extra)}
/* clang-format on */
static const lcal__field domain_fields[] = {
    {"name", LCAL__NAME, AT(name)},
    {"version", LCAL__UINT, AT(version)},
    {"frames", LCAL__UINT, AT(frames)},
    {"pixels", LCAL__UINT, AT(pixels)},
    {"stamp_ns", LCAL__UINT, AT(stamp_ns)},
    SUMS_FIELDS,
    {"window_sets", LCAL__ARRAY, .optional = true, AT(window_sets)},
};
static const lcal__field set_fields[] = {
    {"slot", LCAL__UINT, AT(slot), .max = UINT32_MAX},
    SUMS_FIELDS,
};
#undef AT
static const lcal__table domain_table = LCAL__TABLE("domain", "domains.", domain_fields);
static const lcal__table set_table = LCAL__TABLE("window set", "domains.window_sets.", set_fields);

static lcal_status no_memory(lcal_error *error) {
  return lcal_error_set(error, LCAL_MEMORY, "no memory for the snapshot's contents");
}

static lcal_status read_fields(const lcal__table *table, const msgpack_object *map, void *out,
                               lcal_error *error) {
  lcal_error fault;
  if (lcal__fields_read(table, map, out, &fault) != LCAL_OK) {
    return lcal_error_set(error, LCAL_BAD_DATA, "%s", fault.message);
  }
  return LCAL_OK;
}

/* Statistics of the three bins, each of exactly the size that C makes it. */
static lcal_status read_statistics(const struct sums *sums, uint32_t classes,
                                   lcal_statistics **statistics, lcal_error *error) {
  size_t vector = (size_t)classes * sizeof(double);
  if (sums->sum.length != vector * classes || sums->weight.length != vector ||
      sums->count.length != vector) {
    return lcal_error_set(error, LCAL_BAD_DATA,
                          "sum, weight or count has not the size of %u classes", classes);
  }
  lcal_status status = lcal_statistics_create(statistics, classes, error);
  if (status == LCAL_OK) {
    memcpy((*statistics)->sum, sums->sum.data, sums->sum.length);
    memcpy((*statistics)->weight, sums->weight.data, vector);
    memcpy((*statistics)->count, sums->count.data, vector);
    (*statistics)->frames = sums->frames; /* of a window's set: 0 */
    (*statistics)->pixels = sums->pixels;
  }
  return status;
}

static lcal_status read_window(const msgpack_object *sets, uint32_t classes,
                               struct owned_domain *owned, lcal_error *error) {
  uint32_t count = sets ? sets->via.array.size : 0;
  if (count == 0) {
    return LCAL_OK;
  }
  owned->window_sets = calloc(count, sizeof(lcal_statistics *));
  owned->window_slots = calloc(count, sizeof *owned->window_slots);
  if (!owned->window_sets || !owned->window_slots) {
    return no_memory(error);
  }
  lcal_status status = LCAL_OK;
  for (uint32_t i = 0; status == LCAL_OK && i < count; i++) {
    struct sums set = {0};
    status = read_fields(&set_table, &sets->via.array.ptr[i], &set, error);
    if (status == LCAL_OK) {
      status = read_statistics(&set, classes, &owned->window_sets[i], error);
      owned->window_slots[i] = (uint32_t)set.slot;
      owned->window_count++;
    }
  }
  return status;
}

static lcal_status read_domain(const msgpack_object *map, uint32_t classes,
                               lcal_snapshot_domain *domain, struct owned_domain *owned,
                               lcal_error *error) {
  struct sums sums = {0};
  lcal_status status = read_fields(&domain_table, map, &sums, error);
  if (status == LCAL_OK) {
    status = read_statistics(&sums, classes, &owned->statistics, error);
  }
  if (status == LCAL_OK) {
    status = read_window(sums.window_sets, classes, owned, error);
  }
  if (status != LCAL_OK) {
    return status;
  }
  memcpy(domain->name, sums.name, sizeof sums.name);
  domain->version = sums.version;
  domain->stamp_ns = sums.stamp_ns;
  domain->statistics = owned->statistics;
  domain->window_count = owned->window_count;
  domain->window_sets = (const lcal_statistics *const *)owned->window_sets;
  domain->window_slots = owned->window_slots;
  return LCAL_OK;
}

static lcal_status read_domains(const msgpack_object_array *domains, struct decoded *decoded,
                                lcal_error *error) {
  if (domains->size > LCAL__SNAPSHOT_DOMAINS_MAX) {
    return lcal_error_set(error, LCAL_BAD_DATA, "it has more than %u domains",
                          LCAL__SNAPSHOT_DOMAINS_MAX);
  }
  decoded->domains = calloc(domains->size + 1u, sizeof *decoded->domains);
  decoded->owned = calloc(domains->size + 1u, sizeof *decoded->owned);
  if (!decoded->domains || !decoded->owned) {
    return no_memory(error);
  }
  lcal_status status = LCAL_OK;
  decoded->snapshot.domains = decoded->domains;
  for (uint32_t i = 0; status == LCAL_OK && i < domains->size; i++) {
    decoded->snapshot.domain_count++;
    status = read_domain(&domains->ptr[i], decoded->snapshot.class_count, &decoded->domains[i],
                         &decoded->owned[i], error);
  }
  return status;
}

static lcal_status read_classes(const msgpack_object_array *names, struct decoded *decoded,
                                lcal_error *error) {
  if (names->size < LCAL_CLASSES_MIN || names->size > LCAL_CLASSES_MAX) {
    return lcal_error_set(error, LCAL_BAD_DATA, "classes: not 2 to 1024 names");
  }
  decoded->classes = calloc(names->size, sizeof *decoded->classes);
  if (!decoded->classes) {
    return no_memory(error);
  }
  for (uint32_t i = 0; i < names->size; i++) {
    const msgpack_object *name = &names->ptr[i];
    if (name->type != MSGPACK_OBJECT_STR ||
        !lcal_text_valid(name->via.str.ptr, name->via.str.size)) {
      return lcal_error_set(error, LCAL_BAD_DATA, "classes: the name of class %u is not valid", i);
    }
    memcpy(decoded->classes[i], name->via.str.ptr, name->via.str.size);
  }
  decoded->snapshot.classes = decoded->classes;
  decoded->snapshot.class_count = names->size;
  return LCAL_OK;
}

static lcal_status read_payload(const msgpack_object *map, struct decoded *decoded,
                                lcal_error *error) {
  struct payload payload = {0};
  lcal_snapshot *snapshot = &decoded->snapshot;
  lcal_status status = read_fields(&payload_table, map, &payload, error);
  if (status != LCAL_OK) {
    return status;
  }
  memcpy(snapshot->bank, payload.bank, sizeof payload.bank);
  memcpy(snapshot->model, payload.model, sizeof payload.model);
  memcpy(snapshot->rule, payload.rule, sizeof payload.rule);
  snapshot->generation = payload.generation;
  snapshot->created_ns = payload.created_ns;
  if ((status = read_classes(&payload.classes->via.array, decoded, error)) != LCAL_OK ||
      (status = read_domains(&payload.domains->via.array, decoded, error)) != LCAL_OK) {
    return status;
  }
  return lcal__snapshot_check(snapshot, LCAL_BAD_DATA, error);
}

/* ---- The file as a whole. */

static lcal_status check_header(const uint8_t *bytes, size_t length, lcal_error *error) {
  uint32_t version = 0;
  uint32_t crc = 0;
  uint64_t payload = 0;
  if (length < LCAL__SNAPSHOT_HEADER || memcmp(bytes, LCAL__SNAPSHOT_MAGIC, 8) != 0) {
    return lcal_error_set(error, LCAL_BAD_DATA, "it is not a snapshot or statistics file");
  }
  memcpy(&version, bytes + 8, sizeof version);
  memcpy(&crc, bytes + 12, sizeof crc);
  memcpy(&payload, bytes + 16, sizeof payload);
  if (version > LCAL__SNAPSHOT_VERSION) {
    return lcal_error_set(error, LCAL_FOREIGN, "its format is version %u, newer than version 1",
                          version);
  }
  if (version != LCAL__SNAPSHOT_VERSION) {
    return lcal_error_set(error, LCAL_BAD_DATA, "there is no format of version %u", version);
  }
  if (payload > length - LCAL__SNAPSHOT_HEADER) {
    return lcal_error_set(error, LCAL_BAD_DATA, "it is truncated");
  }
  if (payload < length - LCAL__SNAPSHOT_HEADER) {
    return lcal_error_set(error, LCAL_BAD_DATA, "bytes follow its payload");
  }
  if (crc != (uint32_t)crc32_z(0, bytes + LCAL__SNAPSHOT_HEADER, payload)) {
    return lcal_error_set(error, LCAL_BAD_DATA, "its checksum is wrong");
  }
  return LCAL_OK;
}

/* Opens the payload. A window may hold any number of sets, so only the file's size limits what
 * lies outside bins; msgpack-c takes at most 24 bytes of memory for each of its bytes. */
static lcal_status open_payload(lcal__document *document, const uint8_t *payload, size_t length,
                                lcal_error *error) {
  const struct lcal__scan_limits limits = {
      .map_entries = LCAL__MAP_ENTRIES_MAX, .array_items = UINT32_MAX, .envelope = length};
  lcal_error fault;
  lcal_status status = lcal__document_open(document, payload, length, &limits, &fault);
  if (status == LCAL_MALFORMED) {
    return lcal_error_set(error, LCAL_BAD_DATA, "its payload is malformed: %s", fault.message);
  }
  return status == LCAL_OK ? LCAL_OK : lcal_error_set(error, status, "%s", fault.message);
}

lcal_status lcal_snapshot_decode(lcal_snapshot **snapshot, const void *bytes, size_t length,
                                 lcal_error *error) {
  lcal_status status = check_header(bytes, length, error);
  if (status != LCAL_OK) {
    return status;
  }
  struct decoded *decoded = calloc(1, sizeof *decoded);
  if (!decoded) {
    return no_memory(error);
  }
  lcal__document document;
  status = open_payload(&document, (const uint8_t *)bytes + LCAL__SNAPSHOT_HEADER,
                        length - LCAL__SNAPSHOT_HEADER, error);
  if (status == LCAL_OK) {
    status = read_payload(&document.unpacked.data, decoded, error);
  }
  lcal__document_close(&document);
  if (status != LCAL_OK) {
    lcal_snapshot_destroy(&decoded->snapshot);
    return status;
  }
  *snapshot = &decoded->snapshot;
  return LCAL_OK;
}
