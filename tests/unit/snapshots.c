#include "snapshots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

/* A snapshot and all it points to, so that it can be changed and freed. */
struct made {
  lcal_snapshot snapshot;
  lcal_name *classes;
  lcal_snapshot_domain *domains;
  lcal_statistics **statistics; /* of each domain, then its window's sets */
  uint32_t statistics_count;
  const lcal_statistics **sets; /* of all domains */
  uint32_t *slots;
};

static void *zeros(size_t count, size_t size) {
  void *block = calloc(count + 1, size);
  assert_non_null(block);
  return block;
}

static double next_value(uint64_t *seed) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return (double)(*seed >> 11) * 0x1p-40;
}

static lcal_statistics *statistics_make(uint32_t classes, uint64_t *seed) {
  lcal_statistics *statistics = NULL;
  assert_int_equal(lcal_statistics_create(&statistics, classes, NULL), LCAL_OK);
  for (size_t i = 0; i < (size_t)classes * classes; i++) {
    statistics->sum[i] = next_value(seed);
  }
  for (uint32_t i = 0; i < classes; i++) {
    statistics->weight[i] = next_value(seed);
    statistics->count[i] = (uint64_t)next_value(seed);
    statistics->pixels += statistics->count[i];
  }
  statistics->sum[0] = -0.0;
  statistics->sum[1] = 0x1p-1074;
  statistics->frames = 41;
  return statistics;
}

static void fill_domain(struct made *made, uint32_t index, uint32_t window, uint64_t *seed) {
  lcal_snapshot_domain *domain = &made->domains[index];
  uint32_t classes = made->snapshot.class_count;
  snprintf(domain->name, sizeof domain->name, index ? "domain_%u" : "default", index);
  domain->version = 1000 + index;
  domain->stamp_ns = UINT64_MAX - index;
  domain->statistics = made->statistics[made->statistics_count++] = statistics_make(classes, seed);
  domain->window_count = window;
  domain->window_sets = made->sets + (size_t)index * window;
  domain->window_slots = made->slots + (size_t)index * window;
  for (uint32_t i = 0; i < window; i++) {
    lcal_statistics *set = statistics_make(classes, seed);
    set->frames = set->pixels = 0; /* a window's sets keep no totals */
    made->sets[(size_t)index * window + i] = made->statistics[made->statistics_count++] = set;
    made->slots[(size_t)index * window + i] = 7 + i;
  }
}

lcal_snapshot *snapshot_make(uint32_t classes, uint32_t domains, uint32_t window) {
  struct made *made = zeros(1, sizeof *made);
  uint64_t seed = 20250101u + classes;
  made->classes = zeros(classes, sizeof *made->classes);
  made->domains = zeros(domains, sizeof *made->domains);
  made->statistics = zeros((size_t)domains * (window + 1), sizeof *made->statistics);
  made->sets = zeros((size_t)domains * window, sizeof *made->sets);
  made->slots = zeros((size_t)domains * window, sizeof *made->slots);
  for (uint32_t i = 0; i < classes; i++) {
    snprintf(made->classes[i], sizeof made->classes[i], "class_%u", i);
  }
  made->snapshot = (lcal_snapshot){.bank = "default",
                                   .generation = 12,
                                   .created_ns = 1700000000000000000u,
                                   .model = "m",
                                   .class_count = classes,
                                   .classes = (const lcal_name *)made->classes,
                                   .rule = "euclidean",
                                   .domain_count = domains,
                                   .domains = made->domains};
  for (uint32_t i = 0; i < domains; i++) {
    fill_domain(made, i, window, &seed);
  }
  return &made->snapshot;
}

void snapshot_free(lcal_snapshot *snapshot) {
  struct made *made = (struct made *)snapshot;
  for (uint32_t i = 0; i < made->statistics_count; i++) {
    lcal_statistics_destroy(made->statistics[i]);
  }
  free(made->statistics);
  free(made->sets);
  free(made->slots);
  free(made->domains);
  free(made->classes);
  free(made);
}

void assert_statistics_equal(const lcal_statistics *a, const lcal_statistics *b) {
  assert_int_equal(a->classes, b->classes);
  size_t vector = a->classes * sizeof(double);
  assert_memory_equal(a->sum, b->sum, vector * a->classes);
  assert_memory_equal(a->weight, b->weight, vector);
  assert_memory_equal(a->count, b->count, vector);
  assert_int_equal(a->frames, b->frames);
  assert_int_equal(a->pixels, b->pixels);
}

void assert_snapshots_equal(const lcal_snapshot *a, const lcal_snapshot *b) {
  assert_string_equal(a->bank, b->bank);
  assert_int_equal(a->generation, b->generation);
  assert_int_equal(a->created_ns, b->created_ns);
  assert_string_equal(a->model, b->model);
  assert_string_equal(a->rule, b->rule);
  assert_int_equal(a->class_count, b->class_count);
  for (uint32_t i = 0; i < a->class_count; i++) {
    assert_string_equal(a->classes[i], b->classes[i]);
  }
  assert_int_equal(a->domain_count, b->domain_count);
  for (uint32_t i = 0; i < a->domain_count; i++) {
    const lcal_snapshot_domain *left = &a->domains[i];
    const lcal_snapshot_domain *right = &b->domains[i];
    assert_string_equal(left->name, right->name);
    assert_int_equal(left->version, right->version);
    assert_int_equal(left->stamp_ns, right->stamp_ns);
    assert_statistics_equal(left->statistics, right->statistics);
    assert_int_equal(left->window_count, right->window_count);
    for (uint32_t k = 0; k < left->window_count; k++) {
      assert_statistics_equal(left->window_sets[k], right->window_sets[k]);
      assert_int_equal(left->window_slots[k], right->window_slots[k]);
    }
  }
}

uint8_t *snapshot_bytes(const lcal_snapshot *snapshot, size_t *length) {
  uint8_t *bytes = NULL;
  lcal_error error;
  if (lcal_snapshot_encode(snapshot, &bytes, length, &error) != LCAL_OK) {
    fail_msg("%s", error.message);
  }
  return bytes;
}

uint8_t *snapshot_wrap(const void *payload, size_t length, size_t *whole) {
  uint8_t *bytes = zeros(24 + length, 1);
  uint32_t version = 1;
  uint32_t crc = (uint32_t)crc32(0, payload, (unsigned)length);
  uint64_t payload_bytes = length;
  memcpy(bytes, "LCALSNAP", 8);
  memcpy(bytes + 8, &version, 4);
  memcpy(bytes + 12, &crc, 4);
  memcpy(bytes + 16, &payload_bytes, 8);
  memcpy(bytes + 24, payload, length);
  *whole = 24 + length;
  return bytes;
}
