/* YAML, read strictly: everything that could be meant in two ways is refused, with its place. */
#include "config_case.h"

#include "daemon/config_yaml.h"
#include "folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* `size` times `c`, for the caller to free. */
static char *repeat(char c, size_t size) {
  char *text = malloc(size + 1);
  assert_non_null(text);
  memset(text, c, size);
  text[size] = '\0';
  return text;
}

/* What loading a path prints. */
static char *errors_of(const char *path) {
  struct config *config = NULL;
  char *errors;
  size_t length;
  FILE *stream = open_memstream(&errors, &length);
  assert_int_equal(config_load(&config, path, &config_case_overrides, stream), LCAL_BAD_CONFIG);
  assert_null(config);
  fclose(stream);
  return errors;
}

static void a_file_that_is_not_there_is_refused(void **state) {
  (void)state;
  char *errors = errors_of("/nowhere/labelcald.yaml");
  assert_string_equal(errors,
                      "/nowhere/labelcald.yaml: cannot be opened: No such file or directory\n");
  free(errors);
}

static void a_fifo_is_refused_without_waiting_for_its_writer(void **state) {
  (void)state;
  assert_int_equal(mkfifo(folder_path("fifo"), 0600), 0);
  char *errors = errors_of(folder_path("fifo"));
  assert_non_null(strstr(errors, "fifo: is not a regular file\n"));
  free(errors);
}

static void a_directory_is_refused(void **state) {
  (void)state;
  char *errors = errors_of("/");
  assert_string_equal(errors, "/: is not a regular file\n");
  free(errors);
}

static void a_file_beyond_64_kib_is_refused(void **state) {
  (void)state;
  char *text = repeat('#', 65537);
  config_case_refuse(text, " is longer than 65536 bytes\n");
  text[65536] = '\0';
  config_case_refuse(text, "1:1: nothing in it: write at least one key\n");
  free(text);
}

static void an_empty_file_is_refused(void **state) {
  (void)state;
  config_case_refuse("", "1:1: nothing in it: write at least one key\n");
  config_case_refuse("# only a comment\n", "1:1: nothing in it: write at least one key\n");
}

static void a_second_document_is_refused(void **state) {
  (void)state;
  config_case_refuse("log: {}\n---\nlog: {}\n", "2:1: a second document is refused\n");
}

static void what_is_no_mapping_at_the_top_is_refused(void **state) {
  (void)state;
  config_case_refuse("[a, b]\n", "1:1: must be a mapping of keys\n");
  config_case_refuse("hello\n", "1:1: must be a mapping of keys\n");
}

static void anchors_and_aliases_are_refused(void **state) {
  (void)state;
  config_case_refuse("limits: &all\n  streams: &one 5\nsnapshot: *all\n",
                     "1:9: limits: the anchor &all is refused: write the value out\n"
                     "2:12: limits.streams: the anchor &one is refused: write the value out\n"
                     "3:11: snapshot: the alias *all is refused: write the value out\n");
  config_case_refuse("subscribe: [*x]\n",
                     "1:13: subscribe: the alias *x is refused: write the value out\n");
}

static void a_cycle_of_aliases_ends(void **state) {
  (void)state;
  config_case_refuse("subscribe: &x [*x]\n",
                     "1:12: subscribe: the anchor &x is refused: write the value out\n"
                     "1:16: subscribe: the alias *x is refused: write the value out\n");
}

static void tags_are_refused(void **state) {
  (void)state;
  config_case_refuse(
      "limits:\n  streams: !!int 5\n",
      "2:12: limits.streams: the tag tag:yaml.org,2002:int is refused: write the value alone\n");
  config_case_refuse("limits: !x {streams: 5}\n",
                     "1:9: limits: the tag !x is refused: write the value alone\n");
  config_case_refuse("subscribe: ! []\n",
                     "1:12: subscribe: the tag ! is refused: write the value alone\n");
}

static void a_key_given_twice_names_both_lines(void **state) {
  (void)state;
  config_case_refuse("limits:\n  streams: 5\n  pixels: 7\n  streams: 6\n",
                     "4:3: limits.streams: given again; it is already in line 2\n");
  config_case_refuse("log: {}\nlog: {}\nlog: {}\n",
                     "2:1: log: given again; it is already in line 1\n"
                     "3:1: log: given again; it is already in line 1\n");
}

static void a_merge_key_is_an_unknown_key(void **state) {
  (void)state;
  config_case_refuse("limits:\n  <<: {streams: 5}\n", "2:3: limits.<<: unknown key\n");
}

static void a_nul_is_refused(void **state) {
  (void)state;
  config_case_refuse("model:\n  name: \"a\\0b\"\n",
                     "2:9: model.name: a NUL character is refused\n");
  config_case_refuse("\"model\\0\": {}\n", "1:1: a NUL character is refused\n");
}

static void a_list_for_a_key_is_refused(void **state) {
  (void)state;
  config_case_refuse("limits:\n  ? [a, b]\n  : 5\n",
                     "2:5: limits: a key must be a name, not a list or mapping\n");
}

static void deep_nesting_is_refused_at_once(void **state) {
  (void)state;
  config_case_refuse("a: [[[[[[[[1]]]]]]]]\n", "1:11: a: nested too deep\n");
  char *text = repeat('[', 65000);
  config_case_refuse(text, "1:9: nested too deep\n");
  free(text);
}

static void what_is_no_yaml_is_placed_where_it_is(void **state) {
  (void)state;
  config_case_refuse("limits:\n  streams 5\n  pixels: 7\n",
                     "3:9: mapping values are not allowed in this context\n");
  config_case_refuse("limits: [1, 2\n",
                     "2:1: did not find expected ',' or ']', while parsing a flow sequence that "
                     "begins in line 1\n");
  config_case_refuse("limits:\n\tstreams: 5\n",
                     "2:1: found character that cannot start any token, while scanning for the "
                     "next token that begins in line 2\n");
}

static void a_bad_byte_is_placed_although_libyaml_gives_bytes_only(void **state) {
  (void)state;
  config_case_refuse("limits:\n  \xC3\xA4\xC3\xA4: \xFF\n", "2:7: invalid leading UTF-8 octet\n");
  config_case_refuse("limits:\n  \x01\n", "2:3: control characters are not allowed\n");
}

static void columns_count_characters(void **state) {
  (void)state;
  config_case_refuse("model: {name: \"\xC3\xA4\xC3\xB6\", names: 5}\n",
                     "1:21: model.names: unknown key; did you mean name?\n");
}

static void what_comes_after_a_fault_is_not_guessed_at(void **state) {
  (void)state;
  config_case_refuse("limits: {streams: 0}\nmodel: [\n",
                     "3:1: did not find expected node content, while parsing a flow node that "
                     "begins in line 3\n");
}

static void control_characters_of_the_file_do_not_reach_the_terminal(void **state) {
  (void)state;
  config_case_refuse("\"\\e[2J\": 5\n", "1:1: \\x1b[2J: unknown key\n");
}

static void a_value_that_is_cut_leaves_no_half_character(void **state) {
  (void)state;
  config_case_refuse("log:\n  level: \"123456789 123456789 123456789 123456789 123456789 123456789"
                     "\xC3\xA4\"\n",
                     "2:10: log.level: must be debug, info, warning or error, not the string "
                     "\"123456789 123456789 123456789 123456789 123456789 123456789\\xc3\"\n");
}

static void a_byte_order_mark_and_dos_lines_are_fine(void **state) {
  (void)state;
  struct config *config = config_case_accept("\xEF\xBB\xBFlimits:\r\n  streams: 5\r\n");
  assert_int_equal(config->limits.streams, 5);
  config_free(config);
}

static void utf_16_is_refused(void **state) {
  (void)state;
  struct config *config = NULL;
  char *errors;
  static const char text[] = "\xFF\xFEl\0o\0g\0:\0 \0{\0}\0\n";
  assert_int_equal(config_case_load(&config, text, sizeof text, &errors), LCAL_BAD_CONFIG);
  assert_string_equal(errors, "1:1: invalid leading UTF-8 octet\n");
  free(errors);
}

static void a_node_knows_its_key_place_and_quotes(void **state) {
  (void)state;
  static const char text[] = "a:\n  b: 'c'\n  d: [e]\n";
  struct problems problems = {.file = "x"};
  struct node *root = node_parse(text, sizeof text - 1, &problems);
  assert_false(problems_any(&problems));
  const struct node *a = node_child(root, "a", 1);
  assert_non_null(a);
  assert_int_equal(a->kind, NODE_MAP);
  const struct node *b = node_child(a, "b", 1);
  assert_string_equal(b->text, "c");
  assert_false(b->plain);
  assert_int_equal(b->place.line, 2);
  assert_int_equal(b->place.column, 6);
  assert_int_equal(b->key_place.column, 3);
  const struct node *d = node_child(a, "d", 1);
  assert_int_equal(d->kind, NODE_LIST);
  assert_string_equal(d->children->text, "e");
  assert_true(d->children->plain);
  assert_null(node_child(a, "bb", 2));
  assert_null(node_child(b, "b", 1));
  assert_null(node_child(NULL, "b", 1));
  node_free(root);
  problems_free(&problems);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, config_case_set_up, config_case_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_file_that_is_not_there_is_refused),
      TEST(a_fifo_is_refused_without_waiting_for_its_writer),
      TEST(a_directory_is_refused),
      TEST(a_file_beyond_64_kib_is_refused),
      TEST(an_empty_file_is_refused),
      TEST(a_second_document_is_refused),
      TEST(what_is_no_mapping_at_the_top_is_refused),
      TEST(anchors_and_aliases_are_refused),
      TEST(a_cycle_of_aliases_ends),
      TEST(tags_are_refused),
      TEST(a_key_given_twice_names_both_lines),
      TEST(a_merge_key_is_an_unknown_key),
      TEST(a_nul_is_refused),
      TEST(a_list_for_a_key_is_refused),
      TEST(deep_nesting_is_refused_at_once),
      TEST(what_is_no_yaml_is_placed_where_it_is),
      TEST(a_bad_byte_is_placed_although_libyaml_gives_bytes_only),
      TEST(columns_count_characters),
      TEST(what_comes_after_a_fault_is_not_guessed_at),
      TEST(control_characters_of_the_file_do_not_reach_the_terminal),
      TEST(a_value_that_is_cut_leaves_no_half_character),
      TEST(a_byte_order_mark_and_dos_lines_are_fine),
      TEST(utf_16_is_refused),
      TEST(a_node_knows_its_key_place_and_quotes),
  };
  return cmocka_run_group_tests_name("config_yaml", tests, NULL, NULL);
}
