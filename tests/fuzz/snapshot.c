/* Snapshot files, from the bytes to a domain's coefficients. The mutator makes length and
 * checksum right again, or nothing behind them would be reached. */
#include "calibrate.h"
#include "tree.h"

#include "store/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define CLASSES_MAX 32u

static void fit_sums(msgpack_object *map, msgpack_zone *zone, size_t classes) {
  msgpack_object *sum = tree_find(map, "sum");
  msgpack_object *weight = tree_find(map, "weight");
  msgpack_object *count = tree_find(map, "count");
  msgpack_object *sets = tree_find(map, "window_sets");
  if (sum && weight && count) {
    tree_resize(sum, classes * classes * sizeof(double), zone);
    tree_resize(weight, classes * sizeof(double), zone);
    tree_resize(count, classes * sizeof(uint64_t), zone);
  }
  for (uint32_t i = 0; sets && sets->type == MSGPACK_OBJECT_ARRAY && i < sets->via.array.size;
       i++) {
    fit_sums(&sets->via.array.ptr[i], zone, classes);
  }
}

/* Sums of as many classes as there are names. */
static void fit(msgpack_object *map, msgpack_zone *zone) {
  msgpack_object *classes = tree_find(map, "classes");
  msgpack_object *domains = tree_find(map, "domains");
  if (!classes || !domains || classes->type != MSGPACK_OBJECT_ARRAY ||
      domains->type != MSGPACK_OBJECT_ARRAY || classes->via.array.size > CLASSES_MAX) {
    return;
  }
  for (uint32_t i = 0; i < domains->via.array.size; i++) {
    fit_sums(&domains->via.array.ptr[i], zone, classes->via.array.size);
  }
}

static void seal(uint8_t *file, size_t size) {
  const uint64_t payload = size - LCAL__SNAPSHOT_HEADER;
  const uint32_t crc = (uint32_t)crc32_z(0, file + LCAL__SNAPSHOT_HEADER, payload);
  memcpy(file + 12, &crc, sizeof crc);
  memcpy(file + 16, &payload, sizeof payload);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  static const lcal__field fields[] = {
      {.key = "bank"},    {.key = "generation"}, {.key = "created_ns"}, {.key = "model"},
      {.key = "classes"}, {.key = "rule"},       {.key = "domains"},    {.key = "name"},
      {.key = "version"}, {.key = "frames"},     {.key = "pixels"},     {.key = "stamp_ns"},
      {.key = "sum"},     {.key = "weight"},     {.key = "count"},      {.key = "extra"},
      {.key = "slot"},    {.key = "window_sets"}};
  static const lcal__table table = LCAL__TABLE("snapshot", "", fields);
  static const lcal__table *const tables[] = {&table, NULL};
  static const struct tree_rules rules = {tables, fit};
  if (size < LCAL__SNAPSHOT_HEADER || seed % 32 == 0) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  size = LCAL__SNAPSHOT_HEADER + tree_mutate(data + LCAL__SNAPSHOT_HEADER,
                                             size - LCAL__SNAPSHOT_HEADER,
                                             max_size - LCAL__SNAPSHOT_HEADER, seed, &rules);
  if (seed % 32 > 1) {
    seal(data, size);
  }
  return size;
}

static void require_same_sums(const lcal_statistics *a, const lcal_statistics *b) {
  size_t vector = a->classes * sizeof(double);
  REQUIRE(a->classes == b->classes && a->frames == b->frames && a->pixels == b->pixels);
  REQUIRE(memcmp(a->sum, b->sum, vector * a->classes) == 0);
  REQUIRE(memcmp(a->weight, b->weight, vector) == 0);
  REQUIRE(memcmp(a->count, b->count, vector) == 0);
}

static void require_same(const lcal_snapshot *a, const lcal_snapshot *b) {
  REQUIRE(strcmp(a->bank, b->bank) == 0 && strcmp(a->rule, b->rule) == 0);
  REQUIRE(a->generation == b->generation && a->created_ns == b->created_ns);
  REQUIRE(lcal_snapshot_matches(a, b->model, b->class_count, b->classes, NULL) == LCAL_OK);
  REQUIRE(a->domain_count == b->domain_count);
  for (uint32_t i = 0; i < a->domain_count; i++) {
    const lcal_snapshot_domain *s = &a->domains[i];
    const lcal_snapshot_domain *t = &b->domains[i];
    REQUIRE(strcmp(s->name, t->name) == 0 && s->version == t->version);
    REQUIRE(s->stamp_ns == t->stamp_ns && s->window_count == t->window_count);
    require_same_sums(s->statistics, t->statistics);
    for (uint32_t k = 0; k < s->window_count; k++) {
      REQUIRE(s->window_slots[k] == t->window_slots[k]);
      require_same_sums(s->window_sets[k], t->window_sets[k]);
    }
  }
}

/* What was read can be written, reads back the same, and tells its age at a glance. */
static void write_again(const lcal_snapshot *snapshot) {
  uint8_t *bytes;
  uint8_t *identity;
  size_t length;
  size_t identity_length;
  uint64_t created_ns = 0;
  bool same = false;
  lcal_snapshot *again = NULL;
  REQUIRE(lcal_snapshot_encode(snapshot, &bytes, &length, NULL) == LCAL_OK);
  REQUIRE(lcal_snapshot_decode(&again, bytes, length, NULL) == LCAL_OK);
  require_same(snapshot, again);
  REQUIRE(lcal__snapshot_identity(snapshot->model, snapshot->class_count, snapshot->classes,
                                  &identity, &identity_length, NULL) == LCAL_OK);
  REQUIRE(lcal__snapshot_peek(bytes, length, identity, identity_length, &created_ns, &same));
  REQUIRE(same && created_ns == snapshot->created_ns);
  free(identity);
  free(bytes);
  lcal_snapshot_destroy(again);
}

/* As the daemon starts from it, whatever the bank's forgetting is. */
static void load(const lcal_snapshot_domain *saved, lcal_forgetting forgetting) {
  lcal_domain *domain = NULL;
  lcal_adaptation adaptation;
  lcal_adaptation_default(&adaptation);
  adaptation.forgetting = forgetting;
  adaptation.window = 3;
  REQUIRE(lcal_domain_create(&domain, saved->statistics->classes, &adaptation, NULL) == LCAL_OK);
  if (forgetting == LCAL_WINDOW && saved->window_count > 0) {
    lcal_domain_restore_window(domain, saved->statistics, saved->window_sets, saved->window_slots,
                               saved->window_count);
    REQUIRE(lcal_domain_window_count(domain) <= adaptation.window);
  } else {
    lcal_domain_replace(domain, saved->statistics);
  }
  lcal_domain_set_version(domain, saved->version);
  lcal_domain_set_stamp(domain, saved->stamp_ns);
  lcal_domain_rebuild(domain, &adaptation);
  calibrate_with(lcal_domain_coefficients(domain));
  REQUIRE(lcal_domain_version(domain) == saved->version);
  lcal_domain_destroy(domain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const uint8_t identity[] = {0xa5, 'm', 'o', 'd', 'e', 'l', 0xa1, 'm'};
  uint64_t created_ns;
  bool same;
  (void)lcal__snapshot_peek(data, size, identity, sizeof identity, &created_ns, &same);
  lcal_snapshot *snapshot = NULL;
  lcal_error error;
  lcal_status status = lcal_snapshot_decode(&snapshot, data, size, &error);
  if (status != LCAL_OK) {
    REQUIRE(snapshot == NULL);
    fuzz_refused(status, &error, CODE(BAD_DATA) | CODE(FOREIGN));
    return 0;
  }
  REQUIRE(lcal__snapshot_check(snapshot, LCAL_BAD_DATA, &error) == LCAL_OK);
  write_again(snapshot);
  for (uint32_t i = 0; snapshot->class_count <= CLASSES_MAX && i < snapshot->domain_count && i < 4;
       i++) {
    load(&snapshot->domains[i], LCAL_EMA);
    load(&snapshot->domains[i], LCAL_WINDOW);
  }
  lcal_snapshot_destroy(snapshot);
  return 0;
}
