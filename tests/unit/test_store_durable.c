/* Failing disks: whatever step fails, no half file stays and the generation before is as it was.
 * A hook stands in for a disk that fails; full and read-only disks are real ones (tmpfs). */
#include "folder.h"
#include "snapshots.h"
#include "store/directory.h"
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static lcal_snapshot *made;
static uint8_t *bytes;
static size_t length;
static const struct lcal__retention keep_all = {.keep = 1000};

static int set_up(void **state) {
  (void)state;
  folder_make();
  made = snapshot_make(19, 2, 0);
  bytes = snapshot_bytes(made, &length);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  free(bytes);
  snapshot_free(made);
  folder_remove();
  return 0;
}

static void ignore_broken(void *context, uint64_t generation, const char *sentence) {
  (void)context, (void)generation, (void)sentence;
}

/* The folder of bank `default` in FOLDER/where, made if missing. */
static struct lcal__directory *open_directory(const char *where) {
  struct lcal__directory *directory = NULL;
  lcal_error error;
  if (lcal__directory_open(&directory, folder_path(where), "default", "m", 19, made->classes,
                           &error) != LCAL_OK ||
      lcal__directory_settle(directory, ignore_broken, NULL, &error) != LCAL_OK) {
    fail_msg("%s", error.message);
  }
  return directory;
}

/* A disk that fails at one step, `times` times. */
struct failing {
  enum lcal__step step;
  int fault;
  unsigned times;
  unsigned tries; /* counted */
};

static int fail_at(void *context, enum lcal__step step) {
  struct failing *failing = context;
  failing->tries += step == LCAL__STEP_CREATE;
  if (step != failing->step || failing->times == 0) {
    return 0;
  }
  failing->times--;
  return failing->fault;
}

static void assert_only_generation_1(void) {
  assert_true(folder_has("default/000000000001.snapshot"));
  assert_false(folder_has("default/000000000002.snapshot"));
  assert_false(folder_has("default/000000000002.snapshot.tmp"));
}

static void step_that_fails_leaves_the_generation_before(void **state) {
  (void)state;
  struct lcal__directory *directory = open_directory("");
  assert_int_equal(lcal__directory_write(directory, 1, bytes, length, &keep_all, NULL, NULL, NULL),
                   LCAL_OK);
  for (enum lcal__step step = LCAL__STEP_CREATE; step < LCAL__STEP_COUNT; step++) {
    static const int faults[] = {ENOSPC, EDQUOT, EROFS, EACCES};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
      lcal_error error;
      struct failing failing = {.step = step, .fault = faults[i], .times = 1};
      assert_int_equal(lcal__directory_write(directory, 2, bytes, length,
                                             &(struct lcal__retention){.keep = 1}, fail_at,
                                             &failing, &error),
                       LCAL_SNAPSHOT_FAILED);
      assert_int_equal(failing.tries, 1);
      assert_non_null(strstr(error.message, "000000000002.snapshot: cannot "));
      assert_non_null(strstr(error.message, lcal__step_words(step)));
      assert_non_null(strstr(error.message, strerror(faults[i])));
      assert_only_generation_1();
    }
  }
  lcal__directory_close(directory);
}

static void io_error_is_tried_three_times_each_with_a_new_file(void **state) {
  (void)state;
  lcal_error error;
  struct lcal__directory *directory = open_directory("");
  assert_int_equal(lcal__directory_write(directory, 1, bytes, length, &keep_all, NULL, NULL, NULL),
                   LCAL_OK);
  struct failing failing = {.step = LCAL__STEP_SYNC, .fault = EIO, .times = 1000};
  assert_int_equal(
      lcal__directory_write(directory, 2, bytes, length, &keep_all, fail_at, &failing, &error),
      LCAL_SNAPSHOT_FAILED);
  assert_int_equal(failing.tries, 3);
  assert_non_null(strstr(error.message, "fsync"));
  assert_only_generation_1();
  failing = (struct failing){.step = LCAL__STEP_SYNC, .fault = EIO, .times = 2};
  assert_int_equal(
      lcal__directory_write(directory, 2, bytes, length, &keep_all, fail_at, &failing, &error),
      LCAL_OK);
  assert_int_equal(failing.tries, 3);
  lcal_snapshot *snapshot = NULL;
  assert_int_equal(lcal__directory_load(directory, 2, &snapshot, NULL), LCAL_OK);
  assert_snapshots_equal(made, snapshot);
  lcal_snapshot_destroy(snapshot);
  lcal__directory_close(directory);
}

static void leftover_temporary_file_is_not_written_through(void **state) {
  (void)state;
  struct lcal__directory *directory = open_directory("");
  folder_write("precious", "precious", 8);
  assert_int_equal(symlink("../precious", folder_path("default/000000000002.snapshot.tmp")), 0);
  assert_int_equal(lcal__directory_write(directory, 2, bytes, length, &keep_all, NULL, NULL, NULL),
                   LCAL_SNAPSHOT_FAILED);
  size_t precious = 0;
  free(folder_read("precious", &precious));
  assert_int_equal(precious, 8);
  lcal__directory_close(directory);
}

static void written_file_has_its_mode_less_the_umask(void **state) {
  (void)state;
  struct stat status;
  struct lcal__directory *directory = open_directory("");
  mode_t mask = umask(0022);
  assert_int_equal(lcal__directory_write(directory, 1, bytes, length, &keep_all, NULL, NULL, NULL),
                   LCAL_OK);
  umask(mask);
  assert_int_equal(stat(folder_path("default/000000000001.snapshot"), &status), 0);
  assert_int_equal(status.st_mode & 07777, 0640);
  assert_int_equal(status.st_size, length);
  lcal__directory_close(directory);
}

/* ---- Real disks, in a mount namespace of this process. Not everyone may make one. */

static void mount_or_skip(const char *type, const char *options) {
  static int entered;
  if (!entered) {
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
      print_message("SKIPPED: no mount namespace: %s\n", strerror(errno));
      skip();
    }
    if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0) {
      print_message("SKIPPED: no private mounts: %s\n", strerror(errno));
      skip();
    }
    entered = 1;
  }
  assert_int_equal(mkdir(folder_path("disk"), 0700), 0);
  if (mount("none", folder_path("disk"), type, 0, options) != 0) {
    print_message("SKIPPED: %s cannot be mounted: %s\n", type, strerror(errno));
    skip();
  }
}

static void full_disk_keeps_the_generation_before_and_heals(void **state) {
  (void)state;
  char filler[4096] = {0};
  lcal_error error;
  lcal_snapshot *snapshot = NULL;
  mount_or_skip("tmpfs", "size=64k");
  struct lcal__directory *directory = open_directory("disk");
  assert_int_equal(lcal__directory_write(directory, 1, bytes, length, &keep_all, NULL, NULL, NULL),
                   LCAL_OK);
  int fd = open(folder_path("disk/filler"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  while (write(fd, filler, sizeof filler) > 0) {
  }
  assert_int_equal(close(fd), 0);
  assert_int_equal(
      lcal__directory_write(directory, 2, bytes, length, &keep_all, NULL, NULL, &error),
      LCAL_SNAPSHOT_FAILED);
  assert_non_null(strstr(error.message, strerror(ENOSPC)));
  assert_false(folder_has("disk/default/000000000002.snapshot.tmp"));
  assert_int_equal(lcal__directory_load(directory, 1, &snapshot, NULL), LCAL_OK);
  lcal_snapshot_destroy(snapshot);
  assert_int_equal(unlink(folder_path("disk/filler")), 0);
  assert_int_equal(lcal__directory_write(directory, 3, bytes, length, &keep_all, NULL, NULL, NULL),
                   LCAL_OK);
  lcal__directory_close(directory);
  assert_int_equal(umount(folder_path("disk")), 0);
}

static void read_only_disk_keeps_what_is_there(void **state) {
  (void)state;
  lcal_error error;
  lcal_snapshot *snapshot = NULL;
  mount_or_skip("tmpfs", "size=1m");
  struct lcal__directory *directory = open_directory("disk");
  assert_int_equal(lcal__directory_write(directory, 1, bytes, length, &keep_all, NULL, NULL, NULL),
                   LCAL_OK);
  assert_int_equal(mount("none", folder_path("disk"), "none", MS_REMOUNT | MS_RDONLY, NULL), 0);
  assert_int_equal(
      lcal__directory_write(directory, 2, bytes, length, &keep_all, NULL, NULL, &error),
      LCAL_SNAPSHOT_FAILED);
  assert_non_null(strstr(error.message, strerror(EROFS)));
  assert_int_equal(lcal__directory_load(directory, 1, &snapshot, NULL), LCAL_OK);
  lcal_snapshot_destroy(snapshot);
  lcal__directory_close(directory);
  assert_int_equal(umount(folder_path("disk")), 0);
}

static void disk_that_cannot_reserve_is_written_all_the_same(void **state) {
  (void)state;
  lcal_snapshot *snapshot = NULL;
  mount_or_skip("ramfs", NULL);
  struct lcal__directory *directory = open_directory("disk");
  assert_int_equal(lcal__directory_write(directory, 1, bytes, length, &keep_all, NULL, NULL, NULL),
                   LCAL_OK);
  assert_int_equal(lcal__directory_load(directory, 1, &snapshot, NULL), LCAL_OK);
  assert_snapshots_equal(made, snapshot);
  lcal_snapshot_destroy(snapshot);
  lcal__directory_close(directory);
  assert_int_equal(umount(folder_path("disk")), 0);
}

/* ---- The lock of a directory. */

static void lock_where_none_can_be_is_refused(void **state) {
  (void)state;
  int fd = -1;
  lcal_error error;
  assert_int_equal(lcal__lock_take(&fd, folder_path("none"), &error), LCAL_BAD_CONFIG);
  assert_non_null(strstr(error.message, "/none: "));
  assert_int_equal(mkfifo(folder_path("lock"), 0600), 0);
  assert_int_equal(lcal__lock_take(&fd, folder_path(""), &error), LCAL_BAD_CONFIG);
  remove(folder_path("lock"));
  folder_write("precious", "precious", 8);
  assert_int_equal(symlink("precious", folder_path("lock")), 0);
  assert_int_equal(lcal__lock_take(&fd, folder_path(""), &error), LCAL_BAD_CONFIG);
  size_t precious = 0;
  free(folder_read("precious", &precious));
  assert_int_equal(precious, 8);
}

static void second_lock_is_refused_and_names_the_holder(void **state) {
  (void)state;
  int first = -1;
  int second = -1;
  char holder[40];
  lcal_error error;
  snprintf(holder, sizeof holder, "process %ld", (long)getpid());
  assert_int_equal(lcal__lock_take(&first, folder_path(""), &error), LCAL_OK);
  assert_int_equal(lcal__lock_take(&second, folder_path(""), &error), LCAL_SYSTEM);
  assert_non_null(strstr(error.message, folder_path("")));
  assert_non_null(strstr(error.message, holder));
  assert_int_equal(fcntl(first, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  lcal__lock_release(first);
  assert_true(folder_has("lock"));
  assert_int_equal(lcal__lock_take(&second, folder_path(""), &error), LCAL_OK);
  lcal__lock_release(second);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(step_that_fails_leaves_the_generation_before),
      TEST(io_error_is_tried_three_times_each_with_a_new_file),
      TEST(leftover_temporary_file_is_not_written_through),
      TEST(written_file_has_its_mode_less_the_umask),
      TEST(full_disk_keeps_the_generation_before_and_heals),
      TEST(read_only_disk_keeps_what_is_there),
      TEST(disk_that_cannot_reserve_is_written_all_the_same),
      TEST(lock_where_none_can_be_is_refused),
      TEST(second_lock_is_refused_and_names_the_holder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
