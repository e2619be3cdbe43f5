/* The store thread: jobs in order, reported from a thread that no signal reaches. */
#include "folder.h"
#include "snapshots.h"
#include "store/writer.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define JOBS 20

/* What the store thread reported, in its order. It is read after the thread has ended. */
struct reports {
  struct lcal__store_job *done[2 * JOBS];
  size_t count;
  pthread_t thread;
  int sigterm_blocked;
  enum lcal__step fail_at; /* LCAL__STEP_COUNT: no step fails */
};

static void report(void *context, struct lcal__store_job *job) {
  struct reports *reports = context;
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  reports->sigterm_blocked = sigismember(&mask, SIGTERM);
  reports->thread = pthread_self();
  reports->done[reports->count++] = job;
}

static int hook(void *context, enum lcal__step step) {
  const struct reports *reports = context;
  return step == reports->fail_at ? ENOSPC : 0;
}

static lcal_snapshot *made;
static struct lcal__directory *directory;

static void ignore_broken(void *context, uint64_t generation, const char *sentence) {
  (void)context, (void)generation, (void)sentence;
}

static int set_up(void **state) {
  (void)state;
  folder_make();
  made = snapshot_make(3, 1, 0);
  lcal_error error;
  if (lcal__directory_open(&directory, folder_path(""), "default", "m", 3, made->classes, &error) !=
          LCAL_OK ||
      lcal__directory_settle(directory, ignore_broken, NULL, &error) != LCAL_OK) {
    fail_msg("%s", error.message);
  }
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  lcal__directory_close(directory);
  snapshot_free(made);
  folder_remove();
  return 0;
}

static struct lcal__store_writer *start(struct reports *reports, enum lcal__step fail_at) {
  struct lcal__store_writer *writer = NULL;
  *reports = (struct reports){.fail_at = fail_at};
  assert_int_equal(lcal__store_writer_create(&writer, report, hook, reports, NULL), LCAL_OK);
  return writer;
}

static struct lcal__store_job write_job(uint64_t number) {
  struct lcal__store_job job = {.kind = LCAL__JOB_WRITE,
                                .directory = directory,
                                .number = number,
                                .retention = {.keep = 1000}};
  job.bytes = snapshot_bytes(made, &job.length);
  return job;
}

static void job_that_fails_is_reported_and_the_next_goes_on(void **state) {
  (void)state;
  struct reports reports;
  struct lcal__store_writer *writer = start(&reports, LCAL__STEP_WRITE);
  struct lcal__store_job failing = write_job(1);
  struct lcal__store_job missing = {.kind = LCAL__JOB_LOAD, .directory = directory, .number = 1};
  lcal__store_writer_submit(writer, &failing);
  lcal__store_writer_submit(writer, &missing);
  lcal__store_writer_destroy(writer);
  assert_int_equal(reports.count, 2);
  assert_int_equal(failing.error.code, LCAL_SNAPSHOT_FAILED);
  assert_non_null(strstr(failing.error.message, strerror(ENOSPC)));
  assert_null(failing.bytes);
  assert_int_equal(missing.error.code, LCAL_BAD_GENERATION);
  assert_null(missing.snapshot);
}

static void jobs_are_done_in_their_order_before_the_store_ends(void **state) {
  (void)state;
  struct reports reports;
  struct lcal__store_job jobs[JOBS];
  struct lcal__store_writer *writer = start(&reports, LCAL__STEP_COUNT);
  for (size_t i = 0; i < JOBS; i++) {
    jobs[i] = write_job(i + 1);
    lcal__store_writer_submit(writer, &jobs[i]);
  }
  struct lcal__store_job load = {.kind = LCAL__JOB_LOAD, .directory = directory, .number = JOBS};
  lcal__store_writer_submit(writer, &load);
  lcal__store_writer_destroy(writer);
  assert_int_equal(reports.count, JOBS + 1);
  for (size_t i = 0; i < JOBS; i++) {
    assert_ptr_equal(reports.done[i], &jobs[i]);
    assert_int_equal(jobs[i].error.code, LCAL_OK);
  }
  assert_snapshots_equal(load.snapshot, made);
  lcal_snapshot_destroy(load.snapshot);
}

static void store_has_a_thread_of_its_own_that_takes_no_signal(void **state) {
  (void)state;
  struct reports reports;
  sigset_t mask;
  struct lcal__store_writer *writer = start(&reports, LCAL__STEP_COUNT);
  struct lcal__store_job job = write_job(1);
  lcal__store_writer_submit(writer, &job);
  lcal__store_writer_destroy(writer);
  assert_int_equal(reports.count, 1);
  assert_false(pthread_equal(reports.thread, pthread_self()));
  assert_true(reports.sigterm_blocked);
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  assert_false(sigismember(&mask, SIGTERM)); /* the caller's mask is as it was */
}

static void heart_beats_while_there_is_nothing_to_do(void **state) {
  (void)state;
  struct reports reports;
  const struct timespec moment = {.tv_nsec = 10000000};
  struct lcal__store_writer *writer = start(&reports, LCAL__STEP_COUNT);
  for (int beats = 0; beats < 2; beats++) {
    uint64_t before = lcal__store_writer_heartbeat(writer);
    while (lcal__store_writer_heartbeat(writer) == before) { /* the test's time limit ends it */
      nanosleep(&moment, NULL);
    }
  }
  lcal__store_writer_destroy(writer);
  lcal__store_writer_destroy(NULL);
  assert_int_equal(reports.count, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(job_that_fails_is_reported_and_the_next_goes_on),
      TEST(jobs_are_done_in_their_order_before_the_store_ends),
      TEST(store_has_a_thread_of_its_own_that_takes_no_signal),
      TEST(heart_beats_while_there_is_nothing_to_do),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
