#include "cli/status.h"

#include "cli/arguments.h"
#include "cli/ask.h"
#include "cli/table.h"
#include "cli/units.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const char *text_of(const json_t *map, const char *key) {
  const char *text = json_string_value(json_object_get(map, key));
  return text ? text : "-";
}

static void count_cell(struct table *table, const json_t *map, const char *key) {
  table_cell(table, "%" PRIu64, count_of(json_object_get(map, key)));
}

/* ---- streams */

/* The state of the last labels, and the mode where the state does not tell it. */
static void state_cell(struct table *table, const json_t *stream) {
  static const char *const told[][2] = {
      {"frozen", "freeze"}, {"shadow", "shadow"}, {"bypass", "bypass"}};
  const char *state = text_of(stream, "state"), *mode = text_of(stream, "mode");
  const char *expected = "adapt";
  for (size_t i = 0; i < COUNT_OF(told); i++) {
    expected = strcmp(state, told[i][0]) == 0 ? told[i][1] : expected;
  }
  if (strcmp(mode, expected) == 0) {
    table_cell(table, "%s", state);
  } else {
    table_cell(table, "%s (%s)", state, mode);
  }
}

static void latency_cell(struct table *table, const json_t *latency) {
  unit_text p50, p99, max;
  table_cell(table, "%s/%s/%s", ms_text(p50, count_of(json_object_get(latency, "p50"))),
             ms_text(p99, count_of(json_object_get(latency, "p99"))),
             ms_text(max, count_of(json_object_get(latency, "max"))));
}

static int streams_are_measured(const json_t *rows) {
  json_t *row;
  size_t index;
  json_array_foreach(rows, index, row) {
    const json_t *total = json_object_get(json_object_get(row, "stages_us"), "total");
    if (count_of(json_object_get(total, "count")) > 0 ||
        count_of(json_object_get(row, "dropped")) > 0) {
      return 1;
    }
  }
  return 0;
}

static void drops_cell(struct table *table, const json_t *stream) {
  char text[160] = "";
  size_t length = 0;
  const char *reason;
  json_t *count;
  json_object_foreach(json_object_get(stream, "dropped_by"), reason, count) {
    if (count_of(count) > 0 && length < sizeof text) {
      length += (size_t)snprintf(text + length, sizeof text - length, "%s%s %" PRIu64,
                                 length > 0 ? ", " : "", reason, count_of(count));
    }
  }
  table_cell(table, "%s", text[0] ? text : "-");
}

/* Where the time goes, since the daemon's start. */
static void print_measures(json_t *rows) {
  static const struct column columns[] = {
      {"p50/p99/max ms", 0}, {"waiting", 1}, {"compute", 1}, {"start to out", 1},
      {"total", 1},          {"gap", 1},     {"dropped", 0},
  };
  static const char *const stages[] = {"received_started", "compute", "started_published", "total"};
  json_t *row;
  size_t index;
  struct table table;
  table_begin(&table, columns, COUNT_OF(columns));
  json_array_foreach(rows, index, row) {
    const json_t *measured = json_object_get(row, "stages_us");
    table_cell(&table, "%s", text_of(row, "name"));
    for (size_t i = 0; i < COUNT_OF(stages); i++) {
      latency_cell(&table, json_object_get(measured, stages[i]));
    }
    latency_cell(&table, json_object_get(row, "gap_us"));
    drops_cell(&table, row);
  }
  putchar('\n');
  table_print(&table, stdout);
}

void streams_print(json_t *streams) {
  static const struct column columns[] = {
      {"stream", 0},  {"bank/domain", 0}, {"state", 0}, {"labelled", 1},       {"dropped", 1},
      {"refused", 1}, {"lost", 1},        {"dup", 1},   {"p50/p99/max ms", 1},
  };
  static const char *const counts[] = {"labelled", "dropped", "refused", "lost", "duplicates"};
  json_t *rows = json_object_get(streams, "streams"), *row;
  size_t index;
  if (json_array_size(rows) == 0) {
    puts("  no stream yet: none is configured, and no camera has sent a frame");
    return;
  }
  struct table table;
  table_begin(&table, columns, COUNT_OF(columns));
  json_array_foreach(rows, index, row) {
    table_cell(&table, "%s", text_of(row, "name"));
    table_cell(&table, "%s/%s", text_of(row, "bank"), text_of(row, "domain"));
    state_cell(&table, row);
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
      count_cell(&table, row, counts[i]);
    }
    latency_cell(&table, json_object_get(row, "latency_us"));
  }
  table_print(&table, stdout);
  if (streams_are_measured(rows)) {
    print_measures(rows);
  }
}

/* ---- status */

static void print_daemon(const json_t *status) {
  unit_text uptime, started;
  printf("labelcald %s, up %s (since %s)\n", text_of(status, "build"),
         duration_text(uptime, count_of(json_object_get(status, "uptime_s"))),
         time_text(started, count_of(json_object_get(status, "epoch"))));
  printf("model %s, %zu classes; %s kernels, %" PRIu64 " threads\n", text_of(status, "model"),
         json_array_size(json_object_get(status, "classes")), text_of(status, "tier"),
         count_of(json_object_get(status, "threads")));
}

static void print_banks(const json_t *status) {
  static const struct column columns[] = {{"bank", 0},    {"rule", 0},   {"domain", 0},
                                          {"version", 1}, {"frames", 1}, {"pixels", 1}};
  json_t *bank, *domain;
  size_t i, j;
  struct table table;
  table_begin(&table, columns, COUNT_OF(columns));
  json_array_foreach(json_object_get(status, "banks"), i, bank) {
    json_array_foreach(json_object_get(bank, "domains"), j, domain) {
      table_cell(&table, "%s", j == 0 ? text_of(bank, "name") : "");
      table_cell(&table, "%s", j == 0 ? text_of(bank, "rule") : "");
      table_cell(&table, "%s", text_of(domain, "name"));
      count_cell(&table, domain, "version");
      count_cell(&table, domain, "frames");
      count_cell(&table, domain, "pixels");
    }
  }
  table_print(&table, stdout);
}

static uint64_t age_s(uint64_t created_ns) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  uint64_t created_s = created_ns / 1000000000u, now_s = (uint64_t)now.tv_sec;
  return created_s < now_s ? now_s - created_s : 0;
}

static void print_snapshots(const json_t *status) {
  json_t *rows = json_object_get(status, "snapshots"), *row;
  size_t index;
  if (json_array_size(rows) == 0) {
    puts("  no snapshot yet");
    return;
  }
  json_array_foreach(rows, index, row) {
    uint64_t created_ns = count_of(json_object_get(row, "created_ns"));
    unit_text created, age;
    printf("  last snapshot of bank %s: generation %" PRIu64 ", %s (%s ago)\n",
           text_of(row, "bank"), count_of(json_object_get(row, "generation")),
           time_text(created, created_ns), duration_text(age, age_s(created_ns)));
  }
}

void status_print(json_t *status) {
  print_daemon(status);
  putchar('\n');
  print_banks(status);
  putchar('\n');
  streams_print(status);
  putchar('\n');
  print_snapshots(status);
}

/* ---- */

static int ask_without_arguments(int argc, char **argv, const lcal_client_options *client, int json,
                                 void (*print)(json_t *result)) {
  struct arguments arguments;
  int result = arguments_read(&arguments, argc, argv, 0);
  if (result == 0) {
    result = arguments_count(&arguments, argv, 0, 0, "");
  }
  if (result == 0) {
    struct question question;
    question_begin(&question, argv[0]);
    result = question_ask(&question, client, json, print);
  }
  return result;
}

int status_run(int argc, char **argv, const lcal_client_options *client, int json) {
  return ask_without_arguments(argc, argv, client, json, status_print);
}

int streams_run(int argc, char **argv, const lcal_client_options *client, int json) {
  return ask_without_arguments(argc, argv, client, json, streams_print);
}
