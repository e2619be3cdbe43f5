/* What a reload tells of and takes over, key by key. */
#include "config_case.h"

#include "build_config.h"
#include "daemon/config_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The lines of config_diff: "key reload" or "key restart". */
static void write_line(void *context, const char *key, bool restart) {
  fprintf(context, "%s %s\n", key, restart ? "restart" : "reload");
}

static char *diff(const struct config *from, const struct config *to) {
  char *lines = NULL;
  size_t length;
  FILE *stream = open_memstream(&lines, &length);
  assert_non_null(stream);
  config_diff(from, to, write_line, stream);
  assert_int_equal(fclose(stream), 0);
  return lines;
}

static struct config *merge(const struct config *from, const struct config *to) {
  lcal_error error = {0};
  struct config *merged = config_merge_reload(from, to, &error);
  if (!merged) {
    fail_msg("%s", error.message);
  }
  return merged;
}

/* One change: from the file `before` to `after`; `told` are config_diff's lines, and the merged
 * config prints as that of the file `becomes`. */
static void assert_reload(const char *before, const char *after, const char *told,
                          const char *becomes) {
  struct config *from = config_case_accept(before);
  struct config *to = config_case_accept(after);
  struct config *expected = config_case_accept(becomes);
  struct config *merged = merge(from, to);
  char *lines = diff(from, to);
  assert_string_equal(lines, told);
  char *got = config_case_print(merged);
  char *wanted = config_case_print(expected);
  assert_string_equal(got, wanted);
  free(got);
  free(wanted);
  free(lines);
  config_free(from);
  config_free(to);
  config_free(expected);
  config_free(merged);
}

/* Every key that can be set, in a file that sets it alone; those of a bank or stream are set for
 * `default`. */
static const struct {
  const char *path, *text;
} changes[] = {
    {"model.name", "model: {name: other}"},
    {"model.classes", "model: {classes: 5}"},
    {"listen.frames", "listen: {frames: []}"},
    {"listen.calibrate", "listen: {calibrate: []}"},
    {"listen.labels", "listen: {labels: []}"},
    {"listen.state", "listen: {state: []}"},
    {"listen.control", "listen: {control: []}"},
    {"listen.ring", "listen: {ring: off}"},
    {"listen.labels_ring", "listen: {labels_ring: off}"},
    {"listen.http", "listen: {http: off}"},
    {"listen.mode", "listen: {mode: \"0600\"}"},
    {"listen.allow_remote", "listen: {allow_remote: true}"},
    {"subscribe", "subscribe: [\"tcp://10.0.0.1:5\"]"},
    {"http.control", "http: {control: true}"},
    {"banks.*.adaptation.rule", "banks: {default: {adaptation: {rule: kl}}}"},
    {"banks.*.adaptation.protect", "banks: {default: {adaptation: {protect: [person]}}}"},
    {"banks.*.adaptation.order", "banks: {default: {adaptation: {order: update_first}}}"},
    {"banks.*.adaptation.forgetting", "banks: {default: {adaptation: {forgetting: cumulative}}}"},
    {"banks.*.adaptation.half_life", "banks: {default: {adaptation: {half_life: 5}}}"},
    {"banks.*.adaptation.unit", "banks: {default: {adaptation: {unit: seconds}}}"},
    {"banks.*.adaptation.window", "banks: {default: {adaptation: {window: 5}}}"},
    {"banks.*.adaptation.min_weight", "banks: {default: {adaptation: {min_weight: 5}}}"},
    {"banks.*.adaptation.warmup_frames", "banks: {default: {adaptation: {warmup_frames: 5}}}"},
    {"banks.*.adaptation.sum_tolerance", "banks: {default: {adaptation: {sum_tolerance: 0.5}}}"},
    {"banks.*.guards.max_void", "banks: {default: {guards: {max_void: null}}}"},
    {"banks.*.guards.min_confidence", "banks: {default: {guards: {min_confidence: 0.5}}}"},
    {"banks.*.guards.max_changed", "banks: {default: {guards: {max_changed: 0.1}}}"},
    {"banks.*.domains", "banks: {default: {domains: 5}}"},
    {"streams.*.bank", "streams: {default: {bank: rear}}"},
    {"streams.*.domain", "streams: {default: {domain: night}}"},
    {"streams.*.mode", "streams: {default: {mode: shadow}}"},
    {"streams.*.depth", "streams: {default: {depth: 5}}"},
    {"streams.*.deadline_ms", "streams: {default: {deadline_ms: 5}}"},
    {"streams.*.want", "streams: {default: {want: [argmax]}}"},
    {"streams.*.mask", "streams: {default: {mask: /etc/passwd}}"},
    {"streams.*.silent_after_s", "streams: {default: {silent_after_s: 6}}"},
    {"streams.*.forget_after_s", "streams: {default: {forget_after_s: 5}}"},
    {"streams.accept_unnamed", "streams: {accept_unnamed: false}"},
    {"snapshot.interval_s", "snapshot: {interval_s: 5}"},
    {"snapshot.keep", "snapshot: {keep: 5}"},
    {"snapshot.keep_hourly", "snapshot: {keep_hourly: 5}"},
    {"snapshot.keep_daily", "snapshot: {keep_daily: 5}"},
    {"snapshot.start", "snapshot: {start: empty}"},
    {"limits.streams", "limits: {streams: 5}"},
    {"limits.connections", "limits: {connections: 5}"},
    {"limits.message_bytes", "limits: {message_bytes: 5000}"},
    {"limits.pixels", "limits: {pixels: 5}"},
    {"limits.rings", "limits: {rings: 5}"},
    {"limits.ring_bytes", "limits: {ring_bytes: 5}"},
    {"limits.calibrate_queue", "limits: {calibrate_queue: 5}"},
    {"limits.queued_bytes", "limits: {queued_bytes: 5}"},
    {"limits.window_bytes", "limits: {window_bytes: 5}"},
    {"workers.threads", "workers: {threads: 5}"},
    {"workers.cpus", "workers: {cpus: [0, 1]}"},
    {"workers.realtime", "workers: {realtime: 5}"},
    {"workers.lock_memory", "workers: {lock_memory: true}"},
    {"log.level", "log: {level: debug}"},
};

/* Keys with only one value where their capability is not built. */
static bool has_one_value(const struct config_key *key) {
  return (key->need == NEED_LATER && strncmp(key->path, "listen.", 7) != 0) ||
         (key->need == NEED_HTTP && !LCAL_HAVE_HTTP) || (key->need == NEED_PNG && !LCAL_HAVE_PNG);
}

static const char *change_of(const struct config_key *key) {
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    if (strcmp(changes[i].path, key->path) == 0) {
      return changes[i].text;
    }
  }
  return NULL;
}

static void every_key_is_told_and_taken_over_or_left_as_the_table_says(void **state) {
  (void)state;
  static const char both_banks[] = "banks: {default: {}, rear: {}}\n";
  for (size_t row = 0; row < config_key_count; row++) {
    const struct config_key *key = &config_keys[row];
    if (!key->type || has_one_value(key)) {
      continue;
    }
    const char *change = change_of(key);
    if (!change) {
      fail_msg("no change of %s is tried", key->path);
    }
    char *name = config_key_name(key, "default");
    char before[256] = "log: {}\n";
    char after[256];
    char told[160];
    if (strcmp(key->path, "streams.*.bank") == 0) {
      snprintf(before, sizeof before, "%s", both_banks);
      snprintf(after, sizeof after, "%s%s\n", both_banks, change);
    } else {
      snprintf(after, sizeof after, "%s\n", change);
    }
    snprintf(told, sizeof told, "%s %s\n", name, key->reload ? "reload" : "restart");
    assert_reload(before, after, told, key->reload ? after : before);
    free(name);
  }
}

static void the_reloadable_keys_are_those_of_the_design(void **state) {
  (void)state;
  char *keys = NULL;
  size_t length;
  FILE *stream = open_memstream(&keys, &length);
  for (size_t row = 0; row < config_key_count; row++) {
    if (config_keys[row].reload) {
      fprintf(stream, "%s ", config_keys[row].path);
    }
  }
  fclose(stream);
  assert_string_equal(
      keys,
      "banks.*.adaptation.rule banks.*.adaptation.reference banks.*.adaptation.fixed "
      "banks.*.adaptation.protect banks.*.adaptation.half_life banks.*.adaptation.min_weight "
      "banks.*.adaptation.warmup_frames banks.*.adaptation.sum_tolerance banks.*.guards.max_void "
      "banks.*.guards.min_confidence banks.*.guards.max_changed streams.*.depth "
      "streams.*.deadline_ms streams.*.want streams.*.silent_after_s streams.*.forget_after_s "
      "streams.accept_unnamed snapshot.interval_s snapshot.keep snapshot.keep_hourly "
      "snapshot.keep_daily log.level ");
  free(keys);
}

static void nothing_changed_tells_nothing(void **state) {
  (void)state;
  static const char text[] = "banks: {rear: {domains: 3}}\nstreams: {cam: {bank: rear}}\n";
  assert_reload(text, text, "", text);
}

static void a_value_spelt_otherwise_is_the_same(void **state) {
  (void)state;
  assert_reload("banks: {default: {adaptation: {half_life: 3e3}}}\n",
                "banks: {default: {adaptation: {half_life: 3000.0}}}\n", "", "log: {}\n");
}

static void a_change_of_default_reaches_those_that_inherit(void **state) {
  (void)state;
  assert_reload("banks: {rear: {}}\n", "banks: {default: {adaptation: {rule: kl}}, rear: {}}\n",
                "banks.default.adaptation.rule reload\nbanks.rear.adaptation.rule reload\n",
                "banks: {default: {adaptation: {rule: kl}}, rear: {}}\n");
}

static void a_new_bank_needs_a_restart(void **state) {
  (void)state;
  assert_reload("log: {}\n", "banks: {rear: {}}\nstreams: {cam: {bank: rear, depth: 3}}\n",
                "banks.rear restart\n"
                "streams.cam reload\n"
                "streams.cam.bank restart\n"
                "streams.cam.depth reload\n",
                "streams: {cam: {depth: 3}}\n");
}

static void a_bank_that_is_gone_stays_until_the_restart(void **state) {
  (void)state;
  assert_reload("banks: {rear: {domains: 3}}\nstreams: {cam: {bank: rear}}\n", "log: {}\n",
                "banks.rear restart\n"
                "streams.cam restart\n"
                "streams.cam.bank restart\n",
                "banks: {rear: {domains: 3}}\nstreams: {cam: {bank: rear}}\n");
}

static void a_new_stream_is_named_at_once_with_what_may_change(void **state) {
  (void)state;
  assert_reload("log: {}\n", "streams: {cam: {}}\n", "streams.cam reload\n",
                "streams: {cam: {}}\n");
  assert_reload("log: {}\n", "streams: {cam: {depth: 3, mode: shadow}}\n",
                "streams.cam reload\nstreams.cam.mode restart\nstreams.cam.depth reload\n",
                "streams: {cam: {depth: 3}}\n");
}

static void a_stream_that_is_gone_has_the_values_of_default(void **state) {
  (void)state;
  assert_reload("streams: {cam: {depth: 3}}\n", "log: {}\n",
                "streams.cam reload\nstreams.cam.depth reload\n", "log: {}\n");
  assert_reload("streams: {cam: {depth: 3, mode: shadow}}\n", "log: {}\n",
                "streams.cam restart\nstreams.cam.mode restart\nstreams.cam.depth reload\n",
                "streams: {cam: {mode: shadow}}\n");
}

static void with_other_classes_protect_waits_for_the_restart_too(void **state) {
  (void)state;
  assert_reload("model: {classes: [road, person]}\n"
                "banks: {default: {adaptation: {protect: [person]}}}\n",
                "model: {classes: [person, road, sky]}\n"
                "banks: {default: {adaptation: {protect: [sky], rule: kl}}}\n",
                "model.classes restart\n"
                "banks.default.adaptation.rule reload\n"
                "banks.default.adaptation.protect restart\n",
                "model: {classes: [road, person]}\n"
                "banks: {default: {adaptation: {protect: [person], rule: kl}}}\n");
}

static void the_merged_config_stands_on_its_own(void **state) {
  (void)state;
  struct config *from = config_case_accept(
      "banks: {default: {adaptation: {protect: [person]}}}\nworkers: {threads: 3}\n"
      "streams: {cam: {want: [argmax]}}\n");
  struct config *to = config_case_accept("banks: {default: {adaptation: {protect: [car]}}}\n"
                                         "listen: {http: off}\nworkers: {threads: 5}\n");
  struct config *merged = merge(from, to);
  config_free(from);
  config_free(to);
  assert_ptr_equal(merged->banks[0].adaptation.protect, merged->banks[0].protect);
  assert_int_equal(merged->banks[0].protect[11], 0);
  assert_int_equal(merged->banks[0].protect[13], 1);
  assert_int_equal(merged->threads, 3);
  assert_string_equal(merged->listen[ENDPOINT_FRAMES].items[0], "ipc:///r/frames");
  assert_string_equal(merged->ring, "/r/ring");
  config_free(merged);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, config_case_set_up, config_case_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_key_is_told_and_taken_over_or_left_as_the_table_says),
      TEST(the_reloadable_keys_are_those_of_the_design),
      TEST(nothing_changed_tells_nothing),
      TEST(a_value_spelt_otherwise_is_the_same),
      TEST(a_change_of_default_reaches_those_that_inherit),
      TEST(a_new_bank_needs_a_restart),
      TEST(a_bank_that_is_gone_stays_until_the_restart),
      TEST(a_new_stream_is_named_at_once_with_what_may_change),
      TEST(a_stream_that_is_gone_has_the_values_of_default),
      TEST(with_other_classes_protect_waits_for_the_restart_too),
      TEST(the_merged_config_stands_on_its_own),
  };
  return cmocka_run_group_tests_name("config_reload", tests, NULL, NULL);
}
