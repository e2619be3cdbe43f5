#include "cli/results.h"

#include "cli/table.h"
#include "cli/units.h"

#include <inttypes.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

void modes_print(json_t *result) {
  static const struct column columns[] = {{"stream", 0}, {"state", 0}};
  json_t *streams = json_object_get(result, "streams"), *state;
  const char *name;
  if (json_object_size(streams) == 0) {
    puts("no stream yet: none is configured, and no camera has sent a frame");
    return;
  }
  struct table table;
  table_begin(&table, columns, COUNT_OF(columns));
  json_object_foreach(streams, name, state) {
    table_cell(&table, "%s", name);
    table_cell(&table, "%s", json_string_value(state));
  }
  table_print(&table, stdout);
}

void versions_print(json_t *result) {
  static const struct column columns[] = {{"domain", 0}, {"version", 1}};
  json_t *version;
  const char *name;
  struct table table;
  table_begin(&table, columns, COUNT_OF(columns));
  json_object_foreach(json_object_get(result, "version"), name, version) {
    table_cell(&table, "%s", name);
    table_cell(&table, "%" PRIu64, count_of(version));
  }
  table_print(&table, stdout);
}

void version_print(json_t *result) {
  printf("version %" PRIu64 "\n", count_of(json_object_get(result, "version")));
}

void deleted_print(json_t *result) {
  printf("deleted at version %" PRIu64 "\n", count_of(json_object_get(result, "version")));
}

void previous_print(json_t *result) {
  const char *previous = json_string_value(json_object_get(result, "previous"));
  printf("previous %s\n", previous ? previous : "nothing");
}

static void print_keys(const char *words, const json_t *keys) {
  json_t *key;
  size_t index;
  json_array_foreach(keys, index, key) {
    printf("%s %s\n", words, json_string_value(key));
  }
}

void reload_print(json_t *result) {
  const json_t *changed = json_object_get(result, "changed");
  const json_t *restart = json_object_get(result, "restart");
  if (json_array_size(changed) == 0 && json_array_size(restart) == 0) {
    puts("nothing changed");
  }
  print_keys("changed:      ", changed);
  print_keys("needs restart:", restart);
}

void snapshots_print(json_t *result) {
  static const struct column columns[] = {{"bank", 0}, {"generation", 1}, {"size", 1}};
  json_t *row;
  size_t index;
  struct table table;
  table_begin(&table, columns, COUNT_OF(columns));
  json_array_foreach(json_object_get(result, "snapshots"), index, row) {
    unit_text size;
    table_cell(&table, "%s", json_string_value(json_object_get(row, "bank")));
    table_cell(&table, "%" PRIu64, count_of(json_object_get(row, "generation")));
    table_cell(&table, "%s", bytes_text(size, count_of(json_object_get(row, "bytes"))));
  }
  table_print(&table, stdout);
}

void generations_print(json_t *result) {
  static const struct column columns[] = {
      {"generation", 1}, {"written", 0}, {"frames", 1}, {"size", 1}, {"", 0}};
  json_t *rows = json_object_get(result, "generations"), *row;
  size_t index;
  if (json_array_size(rows) == 0) {
    puts("no snapshot yet; labelcal snapshot writes one");
    return;
  }
  struct table table;
  table_begin(&table, columns, COUNT_OF(columns));
  json_array_foreach(rows, index, row) {
    unit_text created, size;
    table_cell(&table, "%" PRIu64, count_of(json_object_get(row, "generation")));
    table_cell(&table, "%s", time_text(created, count_of(json_object_get(row, "created_ns"))));
    table_cell(&table, "%" PRIu64, count_of(json_object_get(row, "frames")));
    table_cell(&table, "%s", bytes_text(size, count_of(json_object_get(row, "bytes"))));
    table_cell(&table, "%s", json_is_true(json_object_get(row, "valid")) ? "" : "does not load");
  }
  table_print(&table, stdout);
}
