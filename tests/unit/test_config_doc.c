/* What is committed for people to read says what the table says. */
#include "config_case.h"

#include "daemon/config_doc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* SOURCE_ROOT/name, whole; the caller frees it. */
static char *committed(const char *name) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", SOURCE_ROOT, name);
  FILE *file = fopen(path, "r");
  if (!file) {
    fail_msg("%s is not there: ninja -C build config-docs writes it", path);
  }
  char *text = NULL;
  size_t capacity = 0;
  assert_true(getdelim(&text, &capacity, '\0', file) > 0);
  fclose(file);
  return text;
}

static void assert_up_to_date(void (*write)(FILE *out), const char *name) {
  char *text = NULL;
  size_t length;
  FILE *stream = open_memstream(&text, &length);
  assert_non_null(stream);
  write(stream);
  fclose(stream);
  char *there = committed(name);
  assert_string_equal(there, text);
  free(there);
  free(text);
}

static void docs_config_md_is_the_tables(void **state) {
  (void)state;
  assert_up_to_date(config_doc_markdown, "docs/config.md");
}

static void config_labelcald_yaml_is_the_tables(void **state) {
  (void)state;
  assert_up_to_date(config_doc_yaml, "config/labelcald.yaml");
}

static void the_installed_file_means_the_defaults(void **state) {
  (void)state;
  char *text = committed("config/labelcald.yaml");
  struct config *installed = config_case_accept(text);
  struct config *defaults = NULL;
  assert_int_equal(config_load(&defaults, NULL, &config_case_overrides, stderr), LCAL_OK);
  char *a = config_case_print(installed);
  char *b = config_case_print(defaults);
  assert_string_equal(a, b);
  free(a);
  free(b);
  free(text);
  config_free(installed);
  config_free(defaults);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, config_case_set_up, config_case_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(docs_config_md_is_the_tables),
      TEST(config_labelcald_yaml_is_the_tables),
      TEST(the_installed_file_means_the_defaults),
  };
  return cmocka_run_group_tests_name("config_doc", tests, NULL, NULL);
}
