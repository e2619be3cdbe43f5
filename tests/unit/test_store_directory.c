/* A bank's folder: what is loaded at start, what is set aside, refused, pruned, listed. */
#include "folder.h"
#include "snapshots.h"
#include "store/directory.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static lcal_snapshot *made; /* of model m, 3 classes, one domain of 41 frames */

static int set_up(void **state) {
  (void)state;
  folder_make();
  made = snapshot_make(3, 1, 0);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  snapshot_free(made);
  folder_remove();
  return 0;
}

static const struct lcal__retention keep_all = {.keep = 1000};

static const char *file_name(uint64_t number, const char *suffix) {
  static char names[8][64];
  static unsigned next;
  char *name = names[next++ % 8];
  snprintf(name, sizeof names[0], "default/%012llu.snapshot%s", (unsigned long long)number, suffix);
  return name;
}

/* Puts a snapshot file of a generation, its first `length` bytes (0: all), into the folder. */
static void put_file(uint64_t number, const char *model, const char *suffix, size_t length) {
  size_t whole = 0;
  lcal_snapshot snapshot = *made;
  snapshot.generation = number;
  snapshot.created_ns = number * 1000;
  snprintf(snapshot.model, sizeof snapshot.model, "%s", model);
  uint8_t *bytes = snapshot_bytes(&snapshot, &whole);
  (void)mkdir(folder_path("default"), 0700);
  folder_write(file_name(number, suffix), bytes, length ? length : whole);
  free(bytes);
}

static struct lcal__directory *open_directory(void) {
  struct lcal__directory *directory = NULL;
  lcal_error error;
  if (lcal__directory_open(&directory, folder_path(""), "default", "m", 3, made->classes, &error) !=
      LCAL_OK) {
    fail_msg("%s", error.message);
  }
  return directory;
}

/* What settle() reported. */
static struct {
  unsigned count;
  uint64_t generations[8];
  char sentence[256];
} broken;

static void note_broken(void *context, uint64_t generation, const char *sentence) {
  (void)context;
  broken.generations[broken.count++] = generation;
  snprintf(broken.sentence, sizeof broken.sentence, "%s", sentence);
}

static void settle(struct lcal__directory *directory) {
  memset(&broken, 0, sizeof broken);
  lcal_error error;
  if (lcal__directory_settle(directory, note_broken, NULL, &error) != LCAL_OK) {
    fail_msg("%s", error.message);
  }
}

/* Opens, loads and settles as labelcald does; the generation loaded, 0 for none. */
static uint64_t start(struct lcal__directory **directory) {
  lcal_snapshot *snapshot = NULL;
  lcal_error error;
  *directory = open_directory();
  if (lcal__directory_newest(*directory, false, &snapshot, &error) != LCAL_OK) {
    fail_msg("%s", error.message);
  }
  settle(*directory);
  uint64_t generation = snapshot ? snapshot->generation : 0;
  lcal_snapshot_destroy(snapshot);
  return generation;
}

static void write_generation(struct lcal__directory *directory, uint64_t number,
                             uint64_t created_ns, const struct lcal__retention *retention) {
  size_t length = 0;
  lcal_error error;
  lcal_snapshot snapshot = *made;
  snapshot.generation = number;
  snapshot.created_ns = created_ns;
  uint8_t *bytes = snapshot_bytes(&snapshot, &length);
  if (lcal__directory_write(directory, number, bytes, length, retention, NULL, NULL, &error) !=
      LCAL_OK) {
    fail_msg("%s", error.message);
  }
  free(bytes);
}

/* ---- Places that are none. */

static lcal_status open_status(const char *state, lcal_error *error) {
  struct lcal__directory *directory = NULL;
  return lcal__directory_open(&directory, state, "default", "m", 3, made->classes, error);
}

static void missing_state_directory_is_refused(void **state) {
  (void)state;
  lcal_error error;
  assert_int_equal(open_status(folder_path("none"), &error), LCAL_BAD_CONFIG);
  assert_non_null(strstr(error.message, "/none: "));
  folder_write("file", "", 0);
  assert_int_equal(open_status(folder_path("file"), &error), LCAL_BAD_CONFIG);
}

static void file_or_link_in_the_banks_place_is_refused_and_left_alone(void **state) {
  (void)state;
  lcal_error error;
  folder_write("default", "precious", 8);
  assert_int_equal(open_status(folder_path(""), &error), LCAL_BAD_CONFIG);
  assert_non_null(strstr(error.message, "default"));
  assert_true(folder_has("default"));
  remove(folder_path("default"));
  assert_int_equal(mkfifo(folder_path("default"), 0600), 0);
  assert_int_equal(open_status(folder_path(""), &error), LCAL_BAD_CONFIG);
  remove(folder_path("default"));
  assert_int_equal(mkdir(folder_path("elsewhere"), 0700), 0);
  assert_int_equal(symlink("elsewhere", folder_path("default")), 0);
  assert_int_equal(open_status(folder_path(""), &error), LCAL_BAD_CONFIG);
}

/* ---- Start. */

static void missing_folder_starts_empty_and_is_made_by_settle(void **state) {
  (void)state;
  struct stat status;
  lcal_snapshot *snapshot = NULL;
  struct lcal__directory *directory = open_directory();
  assert_int_equal(lcal__directory_newest(directory, false, &snapshot, NULL), LCAL_OK);
  assert_null(snapshot);
  assert_int_equal(lcal__directory_last(directory), 0);
  assert_false(folder_has("default"));
  mode_t mask = umask(0022);
  settle(directory);
  umask(mask);
  assert_int_equal(stat(folder_path("default"), &status), 0);
  assert_int_equal(status.st_mode & 07777, 0750);
  write_generation(directory, 1, 1, &keep_all);
  assert_true(folder_has(file_name(1, "")));
  lcal__directory_close(directory);
}

static void newest_whole_generation_is_loaded(void **state) {
  (void)state;
  struct lcal__directory *directory = NULL;
  put_file(7, "m", "", 0);
  put_file(123456789012, "m", "", 0);
  put_file(90, "m", "", 0);
  assert_int_equal(start(&directory), 123456789012);
  assert_int_equal(broken.count, 0);
  lcal__directory_close(directory);
}

static void broken_ones_are_set_aside_and_the_older_one_is_loaded(void **state) {
  (void)state;
  struct lcal__directory *directory = NULL;
  put_file(3, "m", "", 10); /* older than what is loaded: not even looked at */
  put_file(4, "m", "", 0);
  put_file(5, "m", "", 100);
  put_file(6, "m", "", 25);
  assert_int_equal(start(&directory), 4);
  assert_int_equal(broken.count, 2);
  assert_int_equal(broken.generations[0], 6);
  assert_int_equal(broken.generations[1], 5);
  assert_non_null(strstr(broken.sentence, "000000000005.snapshot: "));
  assert_non_null(strstr(broken.sentence, "truncated"));
  assert_non_null(strstr(broken.sentence, "000000000005.snapshot.broken"));
  assert_true(folder_has(file_name(6, ".broken")));
  assert_false(folder_has(file_name(6, "")));
  assert_true(folder_has(file_name(3, "")));
  lcal__directory_close(directory);
}

static void broken_one_that_cannot_be_renamed_is_said_and_passed_over(void **state) {
  (void)state;
  struct lcal__directory *directory = NULL;
  put_file(4, "m", "", 0);
  put_file(5, "m", "", 100);
  assert_int_equal(mkdir(folder_path(file_name(5, ".broken")), 0700), 0);
  assert_int_equal(start(&directory), 4);
  assert_int_equal(broken.count, 1);
  assert_non_null(strstr(broken.sentence, "cannot be renamed"));
  assert_true(folder_has(file_name(5, "")));
  lcal__directory_close(directory);
}

static void place_taken_between_opening_and_settling_is_refused(void **state) {
  (void)state;
  lcal_error error;
  struct lcal__directory *directory = open_directory();
  folder_write("default", "precious", 8);
  assert_int_equal(lcal__directory_settle(directory, note_broken, NULL, &error), LCAL_BAD_CONFIG);
  assert_non_null(strstr(error.message, "default"));
  assert_true(folder_has("default"));
  lcal__directory_close(directory);
}

static void nothing_that_reads_starts_empty_above_all_numbers(void **state) {
  (void)state;
  struct lcal__directory *directory = NULL;
  put_file(1, "m", "", 1);
  put_file(2, "m", "", 30);
  assert_int_equal(start(&directory), 0);
  assert_int_equal(broken.count, 2);
  assert_int_equal(lcal__directory_last(directory), 2);
  lcal__directory_close(directory);
}

static void fifo_link_or_folder_as_a_generation_is_set_aside(void **state) {
  (void)state;
  struct lcal__directory *directory = NULL;
  put_file(1, "m", "", 0);
  assert_int_equal(mkfifo(folder_path(file_name(2, "")), 0600), 0);
  assert_int_equal(symlink("000000000001.snapshot", folder_path(file_name(3, ""))), 0);
  assert_int_equal(mkdir(folder_path(file_name(4, "")), 0700), 0);
  assert_int_equal(start(&directory), 1);
  assert_int_equal(broken.count, 3);
  for (uint64_t number = 2; number <= 4; number++) {
    assert_true(folder_has(file_name(number, ".broken")));
  }
  assert_true(folder_has(file_name(1, "")));
  lcal__directory_close(directory);
}

static void numbers_go_on_above_broken_and_temporary_files(void **state) {
  (void)state;
  struct lcal__directory *directory = NULL;
  put_file(5, "m", "", 0);
  put_file(8, "m", ".broken", 0);
  put_file(9, "m", ".tmp", 20);
  assert_int_equal(start(&directory), 5);
  assert_int_equal(lcal__directory_last(directory), 9);
  assert_false(folder_has(file_name(9, ".tmp")));
  assert_true(folder_has(file_name(8, ".broken")));
  lcal__directory_close(directory);
}

static void files_of_other_names_are_left_alone(void **state) {
  (void)state;
  static const char *const names[] = {
      "default/000000000009.snapshot.bak", "default/9.snapshot", "default/0000000000009.snapshot",
      "default/00000000000a.snapshot",     "default/x.tmp",      "default/000000000009"};
  struct lcal__directory *directory = NULL;
  put_file(1, "m", "", 0);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    folder_write(names[i], "x", 1);
  }
  assert_int_equal(start(&directory), 1);
  assert_int_equal(lcal__directory_last(directory), 1);
  write_generation(directory, 2, 1, &(struct lcal__retention){.keep = 1});
  assert_false(folder_has(file_name(1, "")));
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    assert_true(folder_has(names[i]));
  }
  lcal__directory_close(directory);
}

/* ---- Foreign statistics. */

static void foreign_statistics_are_refused_and_nothing_is_touched(void **state) {
  (void)state;
  lcal_error error;
  lcal_snapshot *snapshot = NULL;
  put_file(1, "m", "", 0);
  put_file(2, "other", "", 0);
  put_file(3, "m", "", 50); /* broken, but a refused start renames nothing */
  put_file(4, "m", ".tmp", 50);
  struct lcal__directory *directory = open_directory();
  assert_int_equal(lcal__directory_newest(directory, false, &snapshot, &error), LCAL_FOREIGN);
  assert_null(snapshot);
  static const char *const said[] = {"000000000002.snapshot", "other", "`model`",
                                     "another state directory", "snapshot.start: empty"};
  for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
    assert_non_null(strstr(error.message, said[i]));
  }
  lcal__directory_close(directory);
  assert_true(folder_has(file_name(1, "")) && folder_has(file_name(2, "")) &&
              folder_has(file_name(3, "")) && folder_has(file_name(4, ".tmp")));
}

static void newer_format_is_refused_as_foreign(void **state) {
  (void)state;
  lcal_error error;
  lcal_snapshot *snapshot = NULL;
  put_file(1, "m", "", 0);
  folder_write(file_name(2, ""), "LCALSNAP\x02\0\0\0whatever version 2 holds", 36);
  struct lcal__directory *directory = open_directory();
  assert_int_equal(lcal__directory_newest(directory, false, &snapshot, &error), LCAL_FOREIGN);
  assert_non_null(strstr(error.message, "newer"));
  lcal__directory_close(directory);
}

static void empty_start_leaves_foreign_files_for_good(void **state) {
  (void)state;
  lcal_snapshot *snapshot = NULL;
  put_file(1, "other", "", 0);
  put_file(2, "other", "", 0);
  put_file(3, "m", "", 50);
  struct lcal__directory *directory = open_directory();
  assert_int_equal(lcal__directory_newest(directory, true, &snapshot, NULL), LCAL_OK);
  assert_null(snapshot);
  settle(directory);
  assert_int_equal(broken.count, 0);
  assert_int_equal(lcal__directory_last(directory), 3);
  for (uint64_t number = 4; number < 10; number++) {
    write_generation(directory, number, number, &(struct lcal__retention){.keep = 2});
  }
  assert_true(folder_has(file_name(1, "")) && folder_has(file_name(2, "")) &&
              folder_has(file_name(3, "")));
  assert_false(folder_has(file_name(7, "")));
  assert_true(folder_has(file_name(8, "")) && folder_has(file_name(9, "")));
  lcal__directory_close(directory);
  assert_int_equal(start(&directory), 9); /* the next start finds its own */
  lcal__directory_close(directory);
}

/* ---- Writing, pruning, listing, going back. */

static void numbers_end_at_twelve_digits(void **state) {
  (void)state;
  lcal_error error;
  struct lcal__directory *directory = NULL;
  start(&directory);
  assert_int_equal(lcal__directory_write(directory, LCAL__GENERATION_MAX + 1, "x", 1, &keep_all,
                                         NULL, NULL, &error),
                   LCAL_SNAPSHOT_FAILED);
  assert_int_equal(lcal__directory_write(directory, 0, "x", 1, &keep_all, NULL, NULL, &error),
                   LCAL_SNAPSHOT_FAILED);
  lcal__directory_close(directory);
}

static int old_one_is_there(void *context, enum lcal__step step) {
  unsigned *steps = context;
  assert_int_equal(step, *steps);
  assert_true(folder_has(file_name(1, "")));
  assert_int_equal(folder_has(file_name(2, "")), step == LCAL__STEP_SYNC_FOLDER);
  ++*steps;
  return 0;
}

static void old_generations_go_only_when_the_new_one_is_durable(void **state) {
  (void)state;
  size_t length = 0;
  unsigned steps = 0;
  struct lcal__directory *directory = NULL;
  uint8_t *bytes = snapshot_bytes(made, &length);
  put_file(1, "m", "", 0);
  start(&directory);
  assert_int_equal(lcal__directory_write(directory, 2, bytes, length,
                                         &(struct lcal__retention){.keep = 1}, old_one_is_there,
                                         &steps, NULL),
                   LCAL_OK);
  assert_int_equal(steps, LCAL__STEP_COUNT);
  assert_false(folder_has(file_name(1, "")));
  assert_true(folder_has(file_name(2, "")));
  lcal__directory_close(directory);
  free(bytes);
}

static void hours_are_kept_beyond_the_newest(void **state) {
  (void)state;
  const uint64_t hour = 3600000000000u;
  const struct lcal__retention retention = {.keep = 2, .keep_hourly = 2};
  struct lcal__directory *directory = NULL;
  start(&directory);
  for (uint64_t number = 1; number <= 8; number++) { /* two an hour */
    write_generation(directory, number, number / 2 * hour, &retention);
  }
  /* 8 and 7 are the newest; 8 is hour 4's newest, 7 hour 3's. */
  for (uint64_t number = 1; number <= 8; number++) {
    assert_int_equal(folder_has(file_name(number, "")), number >= 7);
  }
  write_generation(directory, 9, 9 / 2 * hour, &retention);
  write_generation(directory, 10, 10 / 2 * hour, &retention);
  assert_false(folder_has(file_name(8, "")));
  assert_true(folder_has(file_name(9, ""))); /* hour 4's newest by now */
  lcal__directory_close(directory);
}

static void generation_that_does_not_load_stays_what_it_is(void **state) {
  (void)state;
  lcal_error error;
  lcal_snapshot *snapshot = NULL;
  struct lcal__directory *directory = NULL;
  put_file(1, "m", "", 60);
  put_file(2, "other", "", 0);
  put_file(3, "m", "", 0);
  start(&directory);
  assert_int_equal(lcal__directory_load(directory, 9, &snapshot, &error), LCAL_BAD_GENERATION);
  assert_int_equal(lcal__directory_load(directory, UINT64_MAX, &snapshot, &error),
                   LCAL_BAD_GENERATION);
  assert_int_equal(lcal__directory_load(directory, 1, &snapshot, &error), LCAL_BAD_GENERATION);
  assert_int_equal(lcal__directory_load(directory, 2, &snapshot, &error), LCAL_BAD_GENERATION);
  assert_non_null(strstr(error.message, "other"));
  assert_null(snapshot);
  assert_true(folder_has(file_name(1, "")));
  assert_int_equal(lcal__directory_load(directory, 3, &snapshot, &error), LCAL_OK);
  assert_int_equal(snapshot->generation, 3);
  lcal_snapshot_destroy(snapshot);
  lcal__directory_close(directory);
}

static void list_says_what_each_generation_is(void **state) {
  (void)state;
  size_t count = 0;
  struct lcal__generation_row *rows = NULL;
  struct lcal__directory *directory = NULL;
  put_file(1, "m", "", 60);
  put_file(2, "other", "", 0);
  put_file(3, "m", "", 0);
  put_file(5, "m", ".broken", 0);
  start(&directory);
  assert_int_equal(lcal__directory_list(directory, &rows, &count, NULL), LCAL_OK);
  assert_int_equal(count, 3);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(rows[i].generation, i + 1);
    assert_int_equal(rows[i].valid, i == 2);
  }
  assert_int_equal(rows[0].bytes, 60);
  assert_int_equal(rows[2].created_ns, 3000);
  assert_int_equal(rows[2].frames, 41);
  free(rows);
  lcal__directory_close(directory);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(missing_state_directory_is_refused),
      TEST(file_or_link_in_the_banks_place_is_refused_and_left_alone),
      TEST(missing_folder_starts_empty_and_is_made_by_settle),
      TEST(newest_whole_generation_is_loaded),
      TEST(broken_ones_are_set_aside_and_the_older_one_is_loaded),
      TEST(broken_one_that_cannot_be_renamed_is_said_and_passed_over),
      TEST(place_taken_between_opening_and_settling_is_refused),
      TEST(nothing_that_reads_starts_empty_above_all_numbers),
      TEST(fifo_link_or_folder_as_a_generation_is_set_aside),
      TEST(numbers_go_on_above_broken_and_temporary_files),
      TEST(files_of_other_names_are_left_alone),
      TEST(foreign_statistics_are_refused_and_nothing_is_touched),
      TEST(newer_format_is_refused_as_foreign),
      TEST(empty_start_leaves_foreign_files_for_good),
      TEST(numbers_end_at_twelve_digits),
      TEST(old_generations_go_only_when_the_new_one_is_durable),
      TEST(hours_are_kept_beyond_the_newest),
      TEST(generation_that_does_not_load_stays_what_it_is),
      TEST(list_says_what_each_generation_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
