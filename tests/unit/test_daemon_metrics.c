#include "daemon/metrics.h"
#include "daemon_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state) {
  daemon_case_start("streams: {cam: {}}");
  *state = daemon_case;
  return 0;
}

/* The exposition, which must hold `line` whole. */
static void assert_line(struct daemon *daemon, const char *line) {
  size_t length = 0;
  char wanted[512];
  char *text = metrics_text(daemon, &length);
  assert_non_null(text);
  assert_int_equal(strlen(text), length);
  snprintf(wanted, sizeof wanted, "\n%s\n", line);
  if (!strstr(text, wanted)) {
    fail_msg("no line %s in\n%s", line, text);
  }
  free(text);
}

static void label_values_are_escaped(void **state) {
  struct daemon *daemon = *state;
  snprintf(daemon->streams[0]->name, sizeof(lcal_name), "a\"b\\c\nd");
  daemon->streams[0]->counters.labelled = 3;
  assert_line(daemon, "labelcal_frames_labelled_total{stream=\"a\\\"b\\\\c\\nd\"} 3");
}

static void counters_are_read_from_where_they_are(void **state) {
  struct daemon *daemon = *state;
  struct stream *stream = daemon->streams[0];
  struct bank *bank = &daemon->banks[0];
  stream->counters.received = 10;
  stream->counters.dropped[DROP_OVERLOAD] = 2;
  stream->counters.certified = UINT64_MAX;
  bank->guard_trips[LCAL_GUARD_MASK] = 4;
  bank->last_generation = 12;
  bank->last_created_ns = 1500000000000000000;
  daemon->counters.refused[LCAL_BAD_TENSOR] = 5;
  daemon->counters.calibrate_refused[LCAL_BUSY] = 6;
  daemon->counters.listener_restarts[ENDPOINT_LABELS] = 7;
  daemon->queued_bytes = 8;
  assert_line(daemon, "labelcal_frames_received_total{stream=\"cam\"} 10");
  assert_line(daemon, "labelcal_frames_dropped_total{stream=\"cam\",reason=\"overload\"} 2");
  assert_line(daemon, "labelcal_pixels_certified_total{stream=\"cam\"} 18446744073709551615");
  assert_line(daemon, "labelcal_guard_trips_total{bank=\"default\",guard=\"mask\"} 4");
  assert_line(daemon, "labelcal_snapshot_generation{bank=\"default\"} 12");
  assert_line(daemon, "labelcal_snapshot_created_timestamp_seconds{bank=\"default\"} 1500000000");
  assert_line(daemon, "labelcal_frames_refused_total{reason=\"bad_tensor\"} 5");
  assert_line(daemon, "labelcal_calibrate_refused_total{reason=\"busy\"} 6");
  assert_line(daemon, "labelcal_listener_restarts_total{socket=\"labels\"} 7");
  assert_line(daemon, "labelcal_queued_bytes 8");
  daemon->queued_bytes = 0; /* nothing waits: the daemon must be able to stop */
}

static void a_histogram_counts_up_to_its_bounds(void **state) {
  struct daemon *daemon = *state;
  struct latency *latency = &daemon->streams[0]->latency;
  const uint64_t computed_ns[] = {1000000, 1001000, 9000000000};
  for (size_t i = 0; i < 3; i++) {
    latency_add(latency,
                &(struct frame_times){.computed_ns = computed_ns[i], .published_ns = 11000000000},
                i < 2);
  }
#define LATENCY "labelcal_frame_latency_seconds"
  assert_line(daemon, LATENCY "_bucket{stream=\"cam\",le=\"0.001\",stage=\"compute\"} 1");
  assert_line(daemon, LATENCY "_bucket{stream=\"cam\",le=\"0.002\",stage=\"compute\"} 2");
  assert_line(daemon, LATENCY "_bucket{stream=\"cam\",le=\"5\",stage=\"compute\"} 2");
  assert_line(daemon, LATENCY "_bucket{stream=\"cam\",le=\"+Inf\",stage=\"compute\"} 3");
  assert_line(daemon, LATENCY "_count{stream=\"cam\",stage=\"compute\"} 3");
  assert_line(daemon, LATENCY "_sum{stream=\"cam\",stage=\"total\"} 33");
  assert_line(daemon, LATENCY "_bucket{stream=\"cam\",le=\"10\",stage=\"total\"} 0");
  assert_line(daemon, LATENCY "_bucket{stream=\"cam\",le=\"5e-05\",stage=\"received_started\"} 3");
  assert_line(daemon, "labelcal_publish_gap_seconds_count{stream=\"cam\"} 1");
}

static void names_follow_prometheus_rules(void **state) {
  (void)state;
  for (size_t i = 0; i < metrics_count; i++) {
    const struct metric *metric = &metrics_table[i];
    const char *end = strrchr(metric->name, '_');
    bool total = end && strcmp(end, "_total") == 0;
    assert_int_equal(total, metric->kind == METRIC_COUNTER);
    assert_int_equal(strspn(metric->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(metric->name));
    assert_int_equal(metric->help[strlen(metric->help) - 1], '.');
    for (size_t j = 0; j < i; j++) {
      assert_string_not_equal(metric->name, metrics_table[j].name);
    }
  }
}

/* docs/operations.md, below <!-- table: metrics -->, is the table word for word. */
static void the_operations_page_has_the_table(void **state) {
  (void)state;
  static const char marker[] = "<!-- table: metrics -->\n";
  char *table = NULL, *page = NULL;
  size_t length = 0, capacity = 0;
  FILE *out = open_memstream(&table, &length);
  assert_non_null(out);
  metrics_print_table(out);
  fclose(out);
  FILE *file = fopen(SOURCE_ROOT "/docs/operations.md", "r");
  assert_non_null(file);
  assert_true(getdelim(&page, &capacity, '\0', file) > 0);
  fclose(file);
  const char *there = strstr(page, marker);
  assert_non_null(there);
  if (strncmp(there + strlen(marker), table, length) != 0) {
    fprintf(stderr, "docs/operations.md, below %s, should read:\n%s", marker, table);
    fail();
  }
  assert_int_not_equal(there[strlen(marker) + length], '|'); /* nor more rows */
  free(table);
  free(page);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, daemon_case_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(label_values_are_escaped),
      TEST(counters_are_read_from_where_they_are),
      TEST(a_histogram_counts_up_to_its_bounds),
      TEST(names_follow_prometheus_rules),
      TEST(the_operations_page_has_the_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
