#include "cli/bench_print.h"

#include "cli/bench_read.h"
#include "cli/table.h"

#include <jansson.h>
#include <labelcal/calibrator.h>

#include <inttypes.h>
#include <string.h>

#define PLUS_MINUS "\xc2\xb1"

const char *bench_cpu_name(bench_cpu name) {
  char line[256];
  FILE *file = fopen("/proc/cpuinfo", "re");
  snprintf(name, sizeof(bench_cpu), "unknown");
  while (file && fgets(line, sizeof line, file)) {
    const char *colon = strchr(line, ':');
    if (colon && strncmp(line, "model name", strlen("model name")) == 0) {
      snprintf(name, sizeof(bench_cpu), "%s", colon + 1 + strspn(colon + 1, " \t"));
      name[strcspn(name, "\n")] = '\0';
      break;
    }
  }
  if (file) {
    fclose(file);
  }
  return name;
}

/* ---- people */

/* About three digits. */
static int decimals(double ms) {
  return ms < 1.0 ? 3 : ms < 10.0 ? 2 : ms < 100.0 ? 1 : 0;
}

static void figure_cell(struct table *table, const bench_figure *figure) {
  double ms = 1e3 * figure->median;
  table_cell(table, "%.*f " PLUS_MINUS "%2.0f %%", decimals(ms), ms, 100.0 * figure->spread);
}

static void add_row(struct table *table, const bench_row *row) {
  bench_name name;
  double read = row->result.figure[BENCH_READ].median;
  table_cell(table, "%s", bench_case_name(name, &row->bench));
  table_cell(table, "%" PRIu32, row->threads);
  for (unsigned m = 0; m < BENCH_MEASURES; m++) {
    figure_cell(table, &row->result.figure[m]);
  }
  for (unsigned m = BENCH_READ + 1; m < BENCH_MEASURES; m++) {
    table_cell(table, "%.2f", row->result.figure[m].median / read);
  }
  table_cell(table, "%.1f %%", 100.0 * row->result.certified_share);
  table_cell(table, "%s", bench_read_word(row->result.best_read));
}

static void repetitions_range(const bench_row *rows, size_t count, uint32_t *least,
                              uint32_t *most) {
  *least = *most = rows[0].result.repetitions;
  for (size_t i = 1; i < count; i++) {
    uint32_t n = rows[i].result.repetitions;
    *least = n < *least ? n : *least;
    *most = n > *most ? n : *most;
  }
}

void bench_print(const bench_row *rows, size_t count, const char *source, FILE *stream) {
  static const struct column columns[] = {
      {"case", 0},         {"threads", 1},  {"read ms", 1},  {"argmax ms", 1}, {"brute ms", 1},
      {"certified ms", 1}, {"fused ms", 1}, {"argmax/r", 1}, {"brute/r", 1},   {"certified/r", 1},
      {"fused/r", 1},      {"share", 1},    {"read by", 0}};
  bench_cpu name;
  uint32_t least;
  uint32_t most;
  repetitions_range(rows, count, &least, &most);
  fprintf(stream,
          "%s, kernels %s. Frames of %s, prototypes from those before.\n"
          "Medians " PLUS_MINUS " half of what lies between the quartiles, of %" PRIu32
          " to %" PRIu32 " repetitions in turn;\n"
          "one thread by its CPU clock, more by the wall clock. /r: over read, which is\n"
          "the best of three ways. share: of pixels certified.\n\n",
          bench_cpu_name(name), lcal_tier(), source, least, most);
  struct table table;
  table_begin(&table, columns, sizeof columns / sizeof *columns);
  for (size_t i = 0; i < count; i++) {
    add_row(&table, &rows[i]);
  }
  table_print(&table, stream);
}

/* ---- programs */

static json_t *case_json(const bench_row *row) {
  const bench_case *bench = &row->bench;
  const bench_figure *figure = row->result.figure;
  json_t *object =
      json_pack("{s:I,s:I,s:I,s:I,s:I,s:s,s:s,s:s,s:I,s:f}", "classes", (json_int_t)bench->classes,
                "height", (json_int_t)bench->height, "width", (json_int_t)bench->width,
                "out_height", (json_int_t)bench->out_height, "out_width",
                (json_int_t)bench->out_width, "type", lcal_type_word(bench->type), "layout",
                lcal_layout_word(bench->layout), "kind", lcal_kind_word(bench->kind), "threads",
                (json_int_t)row->threads, "certified_share", row->result.certified_share);
  int failed = !object;
  for (unsigned m = 0; m < BENCH_MEASURES && !failed; m++) {
    char key[32];
    snprintf(key, sizeof key, "%s_ms", bench_measure_words[m]);
    failed = json_object_set_new(object, key, json_real(1e3 * figure[m].median)) != 0;
  }
  double ratio = figure[BENCH_FUSED].median / figure[BENCH_READ].median;
  if (failed || json_object_set_new(object, "fused_over_read", json_real(ratio)) != 0) {
    json_decref(object);
    return NULL;
  }
  return object;
}

lcal_status bench_print_json(const bench_row *rows, size_t count, FILE *stream, lcal_error *error) {
  bench_cpu name;
  json_t *cases = json_array();
  int failed = !cases;
  for (size_t i = 0; i < count && !failed; i++) {
    failed = json_array_append_new(cases, case_json(&rows[i])) != 0;
  }
  json_t *object = failed ? NULL
                          : json_pack("{s:s,s:s,s:O}", "cpu", bench_cpu_name(name), "tier",
                                      lcal_tier(), "cases", cases);
  failed = !object || json_dumpf(object, stream, JSON_COMPACT | JSON_REAL_PRECISION(9)) != 0;
  fputc('\n', stream);
  json_decref(object);
  json_decref(cases);
  return failed ? lcal_error_set(error, LCAL_MEMORY, "no memory for the result, or no place for it")
                : LCAL_OK;
}
