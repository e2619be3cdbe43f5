/* Files: snapshots, configurations, arrays, meta.json. */
#include "seeds.h"

#include "daemon/config_table.h"
#include "recording/meta.h"
#include "recording/npy.h"

#include <labelcal/store.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASSES 3u

static lcal_statistics *statistics(uint32_t step) {
  lcal_statistics *made = NULL;
  REQUIRE(lcal_statistics_create(&made, CLASSES, NULL) == LCAL_OK);
  for (uint32_t i = 0; i < CLASSES * CLASSES; i++) {
    made->sum[i] = (i % 4 == 0 ? 8 : 1) + step;
  }
  for (uint32_t k = 0; k < CLASSES; k++) {
    made->weight[k] = 10 + step;
    made->count[k] = 12;
    made->pixels += 12;
  }
  made->frames = 2;
  return made;
}

void seed_snapshots(void) {
  static const lcal_name classes[CLASSES] = {"road", "car", "sky"};
  lcal_statistics *sets[3] = {statistics(0), statistics(1), statistics(2)};
  const lcal_statistics *const window[3] = {sets[0], sets[1], sets[2]};
  static const uint32_t slots[3] = {2, 3, 4};
  lcal_snapshot_domain domains[2] = {
      {.name = "default", .version = 5, .stamp_ns = 17, .statistics = sets[0]},
      {.name = "night",
       .version = 6,
       .statistics = sets[1],
       .window_count = 3,
       .window_sets = window,
       .window_slots = slots},
  };
  lcal_adaptation adaptation;
  lcal_adaptation_default(&adaptation);
  lcal_snapshot snapshot = {.bank = "default",
                            .generation = 3,
                            .created_ns = 1700000000000000000u,
                            .model = "m",
                            .class_count = CLASSES,
                            .classes = classes,
                            .rule = "euclidean",
                            .adaptation = &adaptation,
                            .domains = domains};
  for (uint32_t count = 0; count < 3; count++) {
    char name[32];
    uint8_t *bytes = NULL;
    size_t length = 0;
    snapshot.domain_count = count;
    REQUIRE(lcal_snapshot_encode(&snapshot, &bytes, &length, NULL) == LCAL_OK);
    snprintf(name, sizeof name, "domains-%u", count);
    seed("snapshot", name, bytes, length);
    free(bytes);
  }
  for (int i = 0; i < 3; i++) {
    lcal_statistics_destroy(sets[i]);
  }
}

/* The defaults, a configuration of everything, and what is refused. */
static void seed_configs(void) {
  static const char *const texts[] = {
      "model:\n  name: m\n  classes: [road, car, \"no\"]\n",
      "banks:\n  default:\n    adaptation: {rule: cosine, forgetting: window, window: 3}\n"
      "    guards: {max_void: 0.25, min_confidence: null}\n  other: {domains: 2}\n"
      "streams:\n  default: {mode: shadow}\n  cam: {bank: other, depth: 2, deadline_ms: 50}\n"
      "model: {classes: 3}\n",
      "listen:\n  frames: [\"ipc://${RUNTIME_DIRECTORY}/frames\", \"tcp://127.0.0.1:5555\"]\n"
      "  http: off\n  socket_mode: \"0600\"\n  allow_remote: true\n",
      "a: &x [*x]\n",
      "a: *x\n",
      "v: !!int 3\n",
      "a: 1\na: 2\n",
      "a: \"x\\0y\"\n",
      "---\n---\n",
      "[[[[[[[[[[[[",
      "a: {b: {c: {d: {e: {f: {g: {h: {i: 1}}}}}}}}\n",
      "limits: {streams: 010}\n",
      "modle: {classes: 3}\n",
      "? [a]\n: b\n",
      "log: {level: no}\n",
      "\xef\xbb\xbf"
      "a: 1\n"};
  struct problems problems = {.file = "seeds"};
  const struct config_overrides overrides = {.runtime_dir = "/r", .state_dir = "/s"};
  struct config *config = config_from_tree(NULL, &overrides, &problems);
  char *text = NULL;
  size_t length = 0;
  FILE *file = open_memstream(&text, &length);
  REQUIRE(config != NULL && file != NULL);
  config_print(config, file);
  REQUIRE(fclose(file) == 0);
  seed("config", "defaults", text, length);
  free(text);
  config_free(config);
  problems_free(&problems);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    char name[32];
    snprintf(name, sizeof name, "text-%02zu", i);
    seed("config", name, texts[i], strlen(texts[i]));
  }
}

static void seed_arrays(void) {
  static const char *const descrs[] = {"|u1", "<u2", "<f2", "<f4", "<f8"};
  for (size_t i = 0; i < sizeof descrs / sizeof *descrs; i++) {
    for (size_t dimensions = 1; dimensions <= 4; dimensions++) {
      static const size_t shape[4] = {2, 3, 2, 2};
      uint8_t bytes[LCAL__NPY_HEADER + 24 * 8];
      char name[32];
      size_t size = lcal__npy_value_size(descrs[i], 3);
      for (size_t d = 0; d < dimensions; d++) {
        size *= shape[d];
      }
      memset(bytes, 0x3a, sizeof bytes);
      lcal__npy_header((char *)bytes, descrs[i], shape, dimensions);
      snprintf(name, sizeof name, "%s-%zu", descrs[i] + 1, dimensions);
      seed("npy", name, bytes, LCAL__NPY_HEADER + size);
    }
  }
}

static void seed_meta(const char *name, const lcal_recording_meta *meta) {
  char *text = NULL;
  size_t length = 0;
  FILE *file = open_memstream(&text, &length);
  REQUIRE(file != NULL && lcal__meta_write(meta, file) == 0 && fclose(file) == 0);
  seed("meta", name, text, length);
  free(text);
}

void seed_files(void) {
  static const char *const classes[CLASSES] = {"road", "car", "sky \xc3\xa9"};
  static const uint32_t evaluate[2] = {0, 2};
  lcal_recording_meta meta = {.class_count = CLASSES,
                              .classes = classes,
                              .fps = 29.97,
                              .model = "m",
                              .source = "a \"b\"",
                              .ignore_label = 255};
  seed_configs();
  seed_arrays();
  seed_meta("plain", &meta);
  meta.type = LCAL_BF16;
  meta.kind = LCAL_LOGITS;
  meta.layout = LCAL_HWC;
  meta.evaluate = evaluate;
  meta.evaluate_count = 2;
  seed_meta("evaluate", &meta);
}
