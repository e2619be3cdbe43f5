/* Files that labelcal merges and loads: which domain, whose model, and what stands on disk. */
#include "cli/files.h"
#include "folder.h"
#include "snapshots.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void save(const lcal_snapshot *snapshot, const char *name) {
  assert_int_equal(lcal_snapshot_save(snapshot, folder_path(name), NULL), LCAL_OK);
}

static void save_made(const char *name, uint32_t classes, uint32_t domains) {
  lcal_snapshot *snapshot = snapshot_make(classes, domains, 0);
  save(snapshot, name);
  snapshot_free(snapshot);
}

/* labelcal merge A B -o out [--domain DOMAIN]; stdout is TAP's. */
static int merge(const char *a, const char *b, const char *domain) {
  char words[7][160] = {"merge", "", "", "-o", "", "--domain", ""};
  char *argv[8] = {0};
  int argc = domain ? 7 : 5;
  snprintf(words[1], sizeof words[1], "%s", folder_path(a));
  snprintf(words[2], sizeof words[2], "%s", folder_path(b));
  snprintf(words[4], sizeof words[4], "%s", folder_path("out"));
  snprintf(words[6], sizeof words[6], "%s", domain ? domain : "");
  for (int i = 0; i < argc; i++) {
    argv[i] = words[i];
  }
  int kept = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY);
  assert_true(kept >= 0 && nowhere >= 0);
  fflush(stdout);
  dup2(nowhere, STDOUT_FILENO);
  int result = merge_run(argc, argv, NULL, 1);
  fflush(stdout);
  dup2(kept, STDOUT_FILENO);
  close(kept);
  close(nowhere);
  return result;
}

static int make_folder(void **state) {
  (void)state;
  folder_make();
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  folder_remove();
  return 0;
}

static void files_of_other_models_or_classes_are_not_merged(void **state) {
  (void)state;
  save_made("a", 4, 1);
  save_made("five", 5, 1);
  lcal_snapshot *other = snapshot_make(4, 1, 0);
  snprintf(other->model, sizeof other->model, "another");
  save(other, "another");
  snapshot_free(other);
  assert_int_equal(merge("a", "five", NULL), 6);
  assert_int_equal(merge("a", "another", NULL), 6);
  assert_int_equal(merge("absent", "a", NULL), 6);
  assert_int_equal(merge("a", "absent", NULL), 6);
  assert_false(folder_has("out"));
}

static void a_refused_merge_leaves_an_older_out_as_it_was(void **state) {
  (void)state;
  save_made("a", 4, 1);
  folder_write("bad", "LCALSNAP and nothing else", 25);
  folder_write("out", "older", 5);
  assert_int_equal(merge("a", "bad", NULL), 6);
  size_t length;
  unsigned char *bytes = folder_read("out", &length);
  assert_int_equal(length, 5);
  assert_memory_equal(bytes, "older", 5);
  free(bytes);
}

static void of_several_domains_one_must_be_named(void **state) {
  (void)state;
  const lcal_snapshot_domain *domain = NULL;
  lcal_error error;
  lcal_snapshot *snapshot = snapshot_make(3, 2, 0);
  const char *second = snapshot->domains[1].name;
  assert_int_equal(file_domain(&domain, snapshot, "f", NULL, "--from", &error), LCAL_BAD_DATA);
  assert_non_null(strstr(error.message, "--from"));
  assert_non_null(strstr(error.message, second));
  assert_int_equal(file_domain(&domain, snapshot, "f", "nowhere", "--from", &error), LCAL_BAD_DATA);
  assert_null(domain);
  assert_int_equal(file_domain(&domain, snapshot, "f", second, "--from", &error), LCAL_OK);
  assert_ptr_equal(domain, &snapshot->domains[1]);
  snapshot->domain_count = 0;
  assert_int_equal(file_domain(&domain, snapshot, "f", NULL, "--from", &error), LCAL_BAD_DATA);
  snapshot->domain_count = 2;
  snapshot_free(snapshot);
}

static void a_merge_is_the_sum_of_the_named_domains_as_a_statistics_file(void **state) {
  (void)state;
  lcal_snapshot *made = snapshot_make(4, 2, 0), *out = NULL;
  const lcal_snapshot_domain *from = &made->domains[1];
  save(made, "a");
  assert_int_equal(merge("a", "a", NULL), 6);
  assert_false(folder_has("out"));
  assert_int_equal(merge("a", "a", from->name), 0);
  assert_int_equal(lcal_snapshot_load(&out, folder_path("out"), NULL), LCAL_OK);
  assert_string_equal(out->bank, "default");
  assert_int_equal(out->generation, 0);
  assert_int_equal(out->domain_count, 1);
  assert_string_equal(out->domains[0].name, "default");
  assert_string_equal(out->model, made->model);
  lcal_statistics *twice = NULL;
  assert_int_equal(lcal_statistics_create(&twice, 4, NULL), LCAL_OK);
  lcal_statistics_add(twice, from->statistics, 1.0);
  lcal_statistics_add(twice, from->statistics, 1.0);
  assert_statistics_equal(out->domains[0].statistics, twice);
  lcal_statistics_destroy(twice);
  lcal_snapshot_destroy(out);
  snapshot_free(made);
}

static void sums_beyond_a_double_are_refused(void **state) {
  (void)state;
  lcal_snapshot *made = snapshot_make(4, 1, 0);
  made->domains[0].statistics->weight[2] = 1.7e308;
  save(made, "a");
  snapshot_free(made);
  assert_int_equal(merge("a", "a", NULL), 6);
  assert_false(folder_has("out"));
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_A_FOLDER(files_of_other_models_or_classes_are_not_merged),
      IN_A_FOLDER(a_refused_merge_leaves_an_older_out_as_it_was),
      cmocka_unit_test(of_several_domains_one_must_be_named),
      IN_A_FOLDER(a_merge_is_the_sum_of_the_named_domains_as_a_statistics_file),
      IN_A_FOLDER(sums_beyond_a_double_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
