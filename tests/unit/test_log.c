/* Log lines as a service manager or a file sees them: stderr is a pipe here. */
#include "daemon/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int kept_stderr = -1;
static int reader = -1;

static int set_up(void **state) {
  (void)state;
  int ends[2];
  kept_stderr = dup(STDERR_FILENO);
  if (pipe2(ends, O_CLOEXEC) != 0 || kept_stderr < 0) {
    return -1;
  }
  reader = ends[0];
  fcntl(reader, F_SETFL, O_NONBLOCK);
  dup2(ends[1], STDERR_FILENO);
  close(ends[1]);
  log_open(LOG_INFO);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  dup2(kept_stderr, STDERR_FILENO);
  close(kept_stderr);
  close(reader);
  return 0;
}

/* What was written since the last call; valid until the next. */
static const char *written(void) {
  static char text[1 << 17];
  size_t length = 0;
  ssize_t n;
  while ((n = read(reader, text + length, sizeof text - 1 - length)) > 0) {
    length += (size_t)n;
  }
  text[length] = '\0';
  return text;
}

static void a_line_begins_with_its_priority(void **state) {
  (void)state;
  log_set_level(LOG_DEBUG);
  log_message(LOG_DEBUG, "d");
  log_message(LOG_INFO, "i %d", 5);
  log_message(LOG_WARNING, "w");
  log_message(LOG_ERROR, "e");
  assert_string_equal(written(), "<7>d\n<6>i 5\n<4>w\n<3>e\n");
}

static void the_journal_is_recognised_by_its_socket(void **state) {
  (void)state;
  struct stat status;
  char text[64];
  assert_int_equal(fstat(STDERR_FILENO, &status), 0);
  unsetenv("JOURNAL_STREAM");
  assert_false(log_is_journal());
  snprintf(text, sizeof text, "%llu:%llu", (unsigned long long)status.st_dev,
           (unsigned long long)status.st_ino + 1);
  setenv("JOURNAL_STREAM", text, 1);
  assert_false(log_is_journal());
  snprintf(text, sizeof text, "%llu:%llu", (unsigned long long)status.st_dev,
           (unsigned long long)status.st_ino);
  setenv("JOURNAL_STREAM", text, 1);
  assert_true(log_is_journal());
  unsetenv("JOURNAL_STREAM");
}

static void below_the_level_nothing_is_written(void **state) {
  (void)state;
  log_message(LOG_DEBUG, "d");
  log_limited(LOG_DEBUG, "below", "d");
  log_set_level(LOG_ERROR);
  log_message(LOG_WARNING, "w");
  assert_false(log_enabled(LOG_WARNING));
  assert_true(log_enabled(LOG_ERROR));
  assert_string_equal(written(), "");
}

static void strangers_text_stays_on_its_line(void **state) {
  (void)state;
  log_message(LOG_INFO, "%s", "a\n<0>forged\x1b[2J\x7f\xC2\x9B tab\tend \xC3\xA4");
  assert_string_equal(written(), "<6>a\\x0a<0>forged\\x1b[2J\\x7f\\x9b tab\\x09end \xC3\xA4\n");
}

static void a_long_line_is_cut_and_ended(void **state) {
  (void)state;
  char text[9000];
  memset(text, '\n', sizeof text - 1); /* each becomes four characters */
  text[sizeof text - 1] = '\0';
  log_message(LOG_INFO, "%s", text);
  const char *line = written();
  assert_in_range(strlen(line), 1000, 4096);
  assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void a_key_is_limited_and_others_are_not(void **state) {
  (void)state;
  for (int i = 0; i < 100; i++) {
    log_limited(LOG_WARNING, "noisy", "%d", i);
  }
  log_limited(LOG_WARNING, "quiet", "heard");
  assert_string_equal(written(), "<4>0\n<4>1\n<4>2\n<4>3\n<4>4\n<4>heard\n");
}

/* Many keys (a stranger may choose part of one): the slots are few, and nothing grows. */
static void more_keys_than_slots_are_fine(void **state) {
  (void)state;
  for (int i = 0; i < 1000; i++) {
    char key[32];
    snprintf(key, sizeof key, "key %d", i);
    log_limited(LOG_INFO, key, "x");
  }
  assert_int_equal(strlen(written()), 1000 * strlen("<6>x\n"));
}

static void a_reader_that_stopped_costs_lines_not_time(void **state) {
  (void)state;
  for (int i = 0; i < 20000; i++) {
    log_message(LOG_INFO, "line %d", i);
  }
  const char *text = written();
  assert_ptr_equal(strstr(text, "<6>line 0\n"), text);
  assert_int_equal(text[strlen(text) - 1], '\n');
  log_message(LOG_INFO, "again");
  unsigned lost = 0;
  assert_int_equal(sscanf(written(), "<6>(%u lines lost before this one) again\n", &lost), 1);
  assert_true(lost > 1000 && lost < 20000);
  log_message(LOG_INFO, "and again");
  assert_string_equal(written(), "<6>and again\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_line_begins_with_its_priority),    TEST(the_journal_is_recognised_by_its_socket),
      TEST(below_the_level_nothing_is_written), TEST(strangers_text_stays_on_its_line),
      TEST(a_long_line_is_cut_and_ended),       TEST(a_key_is_limited_and_others_are_not),
      TEST(more_keys_than_slots_are_fine),      TEST(a_reader_that_stopped_costs_lines_not_time),
  };
  return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
