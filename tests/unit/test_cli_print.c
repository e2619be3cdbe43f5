/* What labelcal prints: tables, quantities, prototypes. */
#include "cli/prototypes.h"
#include "cli/results.h"
#include "cli/status.h"
#include "cli/table.h"
#include "cli/units.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- Tables. */

static char *printed(struct table *table) {
  char *text = NULL;
  size_t length;
  FILE *stream = open_memstream(&text, &length);
  assert_non_null(stream);
  table_print(table, stream);
  fclose(stream);
  return text;
}

static void a_table_aligns_characters_not_bytes_and_leaves_no_trailing_blanks(void **state) {
  (void)state;
  static const struct column columns[] = {{"class", 0}, {"pixels", 1}, {"", 0}};
  struct table table;
  table_begin(&table, columns, 3);
  table_cell(&table, "stra\xc3\x9f"
                     "e");
  table_cell(&table, "%d", 12);
  table_cell(&table, "%s", "");
  table_cell(&table, "a longer name");
  table_cell(&table, "1234567");
  table_cell(&table, "does not load");
  char *text = printed(&table);
  assert_string_equal(text, "  class           pixels\n"
                            "  stra\xc3\x9f"
                            "e              12\n"
                            "  a longer name  1234567  does not load\n");
  free(text);
}

static void text_is_cut_between_characters(void **state) {
  (void)state;
  assert_int_equal(text_width("stra\xc3\x9f"
                              "e"),
                   6);
  assert_int_equal(text_cut("stra\xc3\x9f"
                            "e",
                            5),
                   6);
  assert_int_equal(text_cut("stra\xc3\x9f"
                            "e",
                            4),
                   4);
  assert_int_equal(text_cut("road", 9), 4);
  assert_int_equal(text_cut("road", 0), 0);
}

/* ---- Quantities. */

static void quantities_read_as_people_say_them(void **state) {
  (void)state;
  unit_text text;
  assert_string_equal(duration_text(text, 0), "0 s");
  assert_string_equal(duration_text(text, 59), "59 s");
  assert_string_equal(duration_text(text, 60), "1 min");
  assert_string_equal(duration_text(text, 3725), "1 h 2 min");
  assert_string_equal(duration_text(text, 86400 * 12 + 59), "12 d");
  assert_string_equal(duration_text(text, 86400 * 12 + 3600 * 4), "12 d 4 h");
  assert_string_equal(bytes_text(text, 1023), "1023 B");
  assert_string_equal(bytes_text(text, 1024), "1.0 KiB");
  assert_string_equal(bytes_text(text, 1024 * 1024 - 1), "1.0 MiB");
  assert_string_equal(bytes_text(text, UINT64_MAX), "16777216.0 TiB");
  assert_string_equal(ms_text(text, 420), "0.42");
  assert_string_equal(ms_text(text, 17340), "17.3");
  assert_string_equal(ms_text(text, 240000), "240");
  assert_string_equal(time_text(text, 0), "never");
  setenv("TZ", "UTC", 1);
  assert_string_equal(time_text(text, 1700000000000000000u), "2023-11-14 22:13:20");
}

static void counts_beyond_63_bits_are_read_from_their_digits(void **state) {
  (void)state;
  json_t *map = json_pack("{s:s, s:I, s:i, s:n}", "large", "18446744073709551615", "small",
                          (json_int_t)7, "below", -1, "none");
  assert_true(count_of(json_object_get(map, "large")) == UINT64_MAX);
  assert_int_equal(count_of(json_object_get(map, "small")), 7);
  assert_int_equal(count_of(json_object_get(map, "below")), 0);
  assert_int_equal(count_of(json_object_get(map, "none")), 0);
  assert_int_equal(count_of(json_object_get(map, "absent")), 0);
  json_decref(map);
}

/* ---- Prototypes: three classes, the last never seen. */

static const lcal_name names[3] = {"road", "sidewalk", "sky"};
static const double matrix[9] = {0.75, 0.25, 0.0, 0.5, 0.5, 0.0, 0.0, 0.0, 1.0};
static const double weight[3] = {120.0, 3.5, 0.0};
static const uint64_t count[3] = {150, 5, 0};
static const float thresholds[3] = {0.625f, INFINITY, 0.5f};

static struct prototypes prototypes_of(const char *rule) {
  return (struct prototypes){
      .classes = 3,
      .names = names,
      .matrix = matrix,
      .weight = weight,
      .count = count,
      .thresholds = thresholds,
      .rule = rule ? lcal_rule_find(rule, strlen(rule)) : NULL,
  };
}

static void assert_near(double value, double expected) {
  assert_true(fabs(value - expected) < 1e-12);
}

static void a_rival_is_the_nearest_prototype_and_the_lead_half_its_squared_distance(void **state) {
  (void)state;
  struct class_figures figures[3];
  const struct prototypes prototypes = prototypes_of("euclidean");
  prototypes_figures(&prototypes, figures);
  assert_int_equal(figures[0].rival, 1);
  assert_int_equal(figures[1].rival, 0);
  assert_int_equal(figures[2].rival, 1);
  assert_near(figures[0].lead, 0.5 * 2 * 0.25 * 0.25);
  assert_near(figures[2].lead, 0.5 * 1.5);
}

static void entropy_is_in_bits_and_zero_for_a_one_hot_prototype(void **state) {
  (void)state;
  struct class_figures figures[3];
  const struct prototypes prototypes = prototypes_of("kl");
  prototypes_figures(&prototypes, figures);
  assert_near(figures[0].entropy_bits, 0.8112781244591328);
  assert_near(figures[1].entropy_bits, 1.0);
  assert_true(figures[2].entropy_bits == 0.0);
  /* By kl the lead is the divergence of the two. */
  assert_near(figures[0].lead, 0.75 * log(1.5) + 0.25 * log(0.5));
}

static void without_a_rule_there_are_no_rivals(void **state) {
  (void)state;
  struct class_figures figures[3];
  const struct prototypes prototypes = prototypes_of(NULL);
  prototypes_figures(&prototypes, figures);
  for (uint32_t k = 0; k < 3; k++) {
    assert_int_equal(figures[k].rival, k);
  }
  json_t *json = prototypes_json(&prototypes);
  assert_true(
      json_is_null(json_object_get(json_array_get(json_object_get(json, "classes"), 0), "rival")));
  json_decref(json);
}

static void prototypes_are_a_line_a_class_and_a_matrix_in_percent(void **state) {
  (void)state;
  const struct prototypes prototypes = prototypes_of("euclidean");
  char *text = NULL;
  size_t length;
  FILE *stream = open_memstream(&text, &length);
  prototypes_print(&prototypes, stream);
  fclose(stream);
  assert_non_null(strstr(text, "  #  class     pixels  weight  entropy  nearest rival   lead"));
  assert_non_null(strstr(text, "  0  road         150     120     0.81  sidewalk       0.062"));
  assert_non_null(strstr(text, "none\n"));
  assert_non_null(strstr(text, "sky *"));
  assert_non_null(strstr(text, "still one-hot"));
  assert_non_null(strstr(text, "   0 road            75  25   .\n"));
  assert_non_null(strstr(text, "   2 sky              .   . 100\n"));
  assert_null(strchr(text, '\x1b'));
  free(text);
}

static void prototypes_as_json_have_null_for_no_threshold(void **state) {
  (void)state;
  const struct prototypes prototypes = prototypes_of("euclidean");
  json_t *json = prototypes_json(&prototypes);
  const json_t *rows = json_object_get(json, "classes");
  const json_t *row = json_array_get(rows, 1);
  assert_int_equal(json_array_size(rows), 3);
  assert_string_equal(json_string_value(json_object_get(row, "name")), "sidewalk");
  assert_string_equal(json_string_value(json_object_get(row, "rival")), "road");
  assert_true(json_is_null(json_object_get(row, "threshold")));
  assert_int_equal(json_integer_value(json_object_get(row, "pixels")), 5);
  const json_t *last = json_array_get(json_object_get(json, "prototypes"), 2);
  assert_true(json_real_value(json_array_get(last, 2)) == 1.0);
  json_decref(json);
}

/* ---- Results, as they come on stdout. */

static char *on_stdout(void (*print)(json_t *result), json_t *result) {
  char path[] = "/tmp/labelcal-print-XXXXXX";
  int fd = mkstemp(path), kept = dup(STDOUT_FILENO);
  assert_true(fd >= 0 && kept >= 0);
  unlink(path);
  fflush(stdout);
  dup2(fd, STDOUT_FILENO);
  print(result);
  fflush(stdout);
  dup2(kept, STDOUT_FILENO);
  close(kept);
  char *text = calloc(1, 4096);
  assert_true(pread(fd, text, 4095, 0) >= 0);
  close(fd);
  json_decref(result);
  return text;
}

static void a_stream_whose_state_hides_its_mode_shows_both(void **state) {
  (void)state;
  char *text = on_stdout(streams_print,
                         json_pack("{s:[{s:s,s:s,s:s,s:s,s:s,s:i,s:{s:i,s:i,s:i}},{s:s,s:s,s:s}]}",
                                   "streams", "name", "front", "bank", "b", "domain", "d", "state",
                                   "guarded", "mode", "freeze", "labelled", 12, "latency_us", "p50",
                                   900, "p99", 12000, "max", 250000, "name", "rear", "state",
                                   "frozen", "mode", "freeze"));
  assert_non_null(strstr(text, "front   b/d          guarded (freeze)        12"));
  assert_non_null(strstr(text, "0.90/12.0/250"));
  assert_non_null(strstr(text, "frozen "));
  assert_null(strstr(text, "frozen ("));
  free(text);
}

static void a_stream_tells_where_its_time_goes_and_why_frames_were_dropped(void **state) {
  (void)state;
  char *text = on_stdout(
      streams_print,
      json_pack("{s:[{s:s,s:i,s:{s:i,s:i,s:i},s:{s:{s:i,s:i,s:i,s:i}},s:{s:i}},{s:s}]}", "streams",
                "name", "front", "dropped", 7, "dropped_by", "depth", 5, "deadline", 2, "overload",
                0, "stages_us", "compute", "count", 9, "p50", 4100, "p99", 5200, "max", 61000,
                "gap_us", "max", 100000, "name", "rear"));
  assert_non_null(strstr(text, "4.10/5.20/61.0"));
  assert_non_null(strstr(text, "0.00/0.00/100  depth 5, deadline 2\n"));
  assert_non_null(strstr(text, "\n  rear "));
  free(text);
}

static void a_map_that_lacks_everything_is_printed_all_the_same(void **state) {
  (void)state;
  static void (*const prints[])(json_t * result) = {
      status_print,  streams_print, modes_print,    versions_print,  version_print,
      deleted_print, reload_print,  previous_print, snapshots_print, generations_print,
  };
  for (size_t i = 0; i < sizeof prints / sizeof *prints; i++) {
    char *text = on_stdout(prints[i], json_object());
    assert_true(strlen(text) > 0);
    assert_true(text[strlen(text) - 1] == '\n');
    free(text);
  }
}

static void generations_say_which_do_not_load(void **state) {
  (void)state;
  char *text =
      on_stdout(generations_print,
                json_pack("{s:[{s:i,s:b,s:i},{s:i,s:b,s:i}]}", "generations", "generation", 41,
                          "valid", 1, "bytes", 10, "generation", 42, "valid", 0, "bytes", 2048));
  char *first = strstr(text, "          41"), *second = strstr(text, "          42");
  assert_non_null(first);
  assert_non_null(second);
  assert_non_null(strstr(second, "2.0 KiB  does not load\n"));
  assert_true(strstr(first, "does not load") > second);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_table_aligns_characters_not_bytes_and_leaves_no_trailing_blanks),
      cmocka_unit_test(text_is_cut_between_characters),
      cmocka_unit_test(quantities_read_as_people_say_them),
      cmocka_unit_test(counts_beyond_63_bits_are_read_from_their_digits),
      cmocka_unit_test(a_rival_is_the_nearest_prototype_and_the_lead_half_its_squared_distance),
      cmocka_unit_test(entropy_is_in_bits_and_zero_for_a_one_hot_prototype),
      cmocka_unit_test(without_a_rule_there_are_no_rivals),
      cmocka_unit_test(prototypes_are_a_line_a_class_and_a_matrix_in_percent),
      cmocka_unit_test(prototypes_as_json_have_null_for_no_threshold),
      cmocka_unit_test(a_stream_whose_state_hides_its_mode_shows_both),
      cmocka_unit_test(a_stream_tells_where_its_time_goes_and_why_frames_were_dropped),
      cmocka_unit_test(a_map_that_lacks_everything_is_printed_all_the_same),
      cmocka_unit_test(generations_say_which_do_not_load),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
