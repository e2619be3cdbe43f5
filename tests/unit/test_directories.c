/* Where the daemon's directories come from, and what it says when there is none. */
#include "folder.h"

#include "daemon/directories.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 65534u

static struct directories found;
static lcal_error error;
static bool was_root;

static int set_up(void **state) {
  (void)state;
  static const char *const variables[] = {"RUNTIME_DIRECTORY", "STATE_DIRECTORY", "XDG_RUNTIME_DIR",
                                          "XDG_STATE_HOME", "HOME"};
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
    unsetenv(variables[i]);
  }
  found = (struct directories){0};
  error = (lcal_error){0};
  folder_make();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  directories_free(&found);
  folder_remove();
  return 0;
}

/* The XDG rules are for users: root becomes one for the test. */
static int set_up_user(void **state) {
  set_up(state);
  was_root = geteuid() == 0;
  if (was_root) {
    assert_int_equal(chown(folder_path(""), NOBODY, NOBODY), 0);
    assert_int_equal(seteuid(NOBODY), 0);
  }
  return 0;
}

static int tear_down_user(void **state) {
  if (was_root) {
    assert_int_equal(seteuid(0), 0);
  }
  return tear_down(state);
}

static void make(const char *name) {
  assert_int_equal(mkdir(folder_path(name), 0700), 0);
}

static void assert_refused(lcal_status status, const char *part) {
  assert_int_equal(status, LCAL_BAD_CONFIG);
  if (!strstr(error.message, part)) {
    fail_msg("\"%s\" does not say \"%s\"", error.message, part);
  }
}

static void a_flags_directory_must_exist(void **state) {
  (void)state;
  make("rt");
  assert_refused(directories_find(&found, folder_path("absent"), folder_path("rt"), true, &error),
                 "absent (--runtime-dir): No such file or directory; create it or name another");
  assert_int_equal(folder_has("absent"), 0);
}

static void a_file_is_no_directory(void **state) {
  (void)state;
  make("rt");
  folder_write("st", "", 0);
  assert_refused(directories_find(&found, folder_path("rt"), folder_path("st"), true, &error),
                 "(--state-dir) is not a directory");
}

static void a_check_of_the_configuration_needs_none_to_exist(void **state) {
  (void)state;
  assert_int_equal(directories_find(&found, "/absent/rt", "/absent/st//", false, &error), LCAL_OK);
  assert_string_equal(found.runtime, "/absent/rt");
  assert_string_equal(found.state, "/absent/st");
}

static void flags_beat_the_environment(void **state) {
  (void)state;
  make("a");
  make("b");
  setenv("RUNTIME_DIRECTORY", "/absent", 1);
  setenv("STATE_DIRECTORY", folder_path("b"), 1);
  assert_int_equal(directories_find(&found, folder_path("a"), NULL, true, &error), LCAL_OK);
  assert_string_equal(found.runtime, folder_path("a"));
  assert_string_equal(found.state, folder_path("b"));
}

static void of_the_service_managers_list_the_first_counts_and_must_exist(void **state) {
  (void)state;
  make("a");
  char list[9000];
  snprintf(list, sizeof list, "%s:/elsewhere", folder_path("a"));
  setenv("RUNTIME_DIRECTORY", list, 1);
  setenv("STATE_DIRECTORY", "/absent:/elsewhere", 1);
  assert_refused(directories_find(&found, NULL, NULL, true, &error),
                 "the state directory /absent (STATE_DIRECTORY): No such file");
  assert_string_equal(found.runtime, folder_path("a"));
}

static void a_relative_environment_is_refused(void **state) {
  (void)state;
  setenv("RUNTIME_DIRECTORY", "run", 1);
  assert_refused(directories_find(&found, NULL, "/", true, &error),
                 "$RUNTIME_DIRECTORY=run is not absolute");
}

static void a_relative_flag_becomes_absolute(void **state) {
  (void)state;
  make("rt");
  make("st");
  char here[4096];
  assert_non_null(getcwd(here, sizeof here));
  assert_int_equal(chdir(folder_path("st")), 0);
  lcal_status status = directories_find(&found, "../rt", ".", true, &error);
  assert_int_equal(chdir(here), 0);
  assert_int_equal(status, LCAL_OK);
  char *real = realpath(folder_path("rt"), NULL);
  assert_string_equal(found.runtime, real);
  free(real);
}

static void a_user_without_xdg_runtime_dir_is_told_so(void **state) {
  (void)state;
  assert_refused(directories_find(&found, NULL, NULL, true, &error),
                 "XDG_RUNTIME_DIR is not set to an absolute path");
  setenv("XDG_RUNTIME_DIR", "relative", 1);
  assert_refused(directories_find(&found, NULL, NULL, true, &error),
                 "XDG_RUNTIME_DIR is not set to an absolute path");
}

static void a_user_without_a_home_is_told_so(void **state) {
  (void)state;
  setenv("XDG_RUNTIME_DIR", folder_path(""), 1);
  assert_refused(directories_find(&found, NULL, NULL, true, &error),
                 "neither XDG_STATE_HOME nor HOME is set");
}

static void a_missing_xdg_runtime_dir_is_not_made(void **state) {
  (void)state;
  setenv("XDG_RUNTIME_DIR", folder_path("absent"), 1);
  assert_refused(directories_find(&found, NULL, NULL, true, &error), "cannot be created");
  assert_int_equal(folder_has("absent"), 0);
}

static void a_users_directories_are_created_for_the_user_alone(void **state) {
  (void)state;
  setenv("XDG_RUNTIME_DIR", folder_path("."), 1);
  setenv("HOME", folder_path("home"), 1);
  assert_int_equal(directories_find(&found, NULL, NULL, true, &error), LCAL_OK);
  struct stat status;
  assert_int_equal(stat(folder_path("labelcal"), &status), 0);
  assert_int_equal(status.st_mode & 07777, 0700);
  assert_string_equal(found.state, folder_path("home/.local/state/labelcal"));
  assert_int_equal(stat(found.state, &status), 0);
  assert_int_equal(status.st_mode & 07777, 0700);
  assert_int_equal(geteuid(), status.st_uid);
}

static void xdg_state_home_beats_home(void **state) {
  (void)state;
  setenv("XDG_RUNTIME_DIR", folder_path(""), 1);
  setenv("XDG_STATE_HOME", folder_path("state"), 1);
  setenv("HOME", "/absent", 1);
  assert_int_equal(directories_find(&found, NULL, NULL, false, &error), LCAL_OK);
  assert_string_equal(found.state, folder_path("state/labelcal"));
  assert_int_equal(folder_has("state"), 0);
}

#define TEST(name)      cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_USER(name) cmocka_unit_test_setup_teardown(name, set_up_user, tear_down_user)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_flags_directory_must_exist),
      TEST(a_file_is_no_directory),
      TEST(a_check_of_the_configuration_needs_none_to_exist),
      TEST(flags_beat_the_environment),
      TEST(of_the_service_managers_list_the_first_counts_and_must_exist),
      TEST(a_relative_environment_is_refused),
      TEST(a_relative_flag_becomes_absolute),
      TEST_USER(a_user_without_xdg_runtime_dir_is_told_so),
      TEST_USER(a_user_without_a_home_is_told_so),
      TEST_USER(a_missing_xdg_runtime_dir_is_not_made),
      TEST_USER(a_users_directories_are_created_for_the_user_alone),
      TEST_USER(xdg_state_home_beats_home),
  };
  return cmocka_run_group_tests_name("directories", tests, NULL, NULL);
}
