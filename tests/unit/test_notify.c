/* What the service manager hears, on a real socket that plays its part. */
#include "folder.h"

#include "daemon/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static int manager = -1; /* the socket at $NOTIFY_SOCKET */
static struct notify *notify;
static lcal_error error;

static int set_up(void **state) {
  (void)state;
  unsetenv("NOTIFY_SOCKET");
  unsetenv("WATCHDOG_USEC");
  unsetenv("WATCHDOG_PID");
  folder_make();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  notify_destroy(notify);
  notify = NULL;
  if (manager >= 0) {
    close(manager);
    manager = -1;
  }
  folder_remove();
  return 0;
}

/* Listens at `name`: a path, or an abstract one after @; and says so in the environment. */
static void listen_at(const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(name);
  memcpy(address.sun_path, name, length);
  if (name[0] == '@') {
    address.sun_path[0] = '\0';
  }
  manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  assert_true(manager >= 0);
  assert_int_equal(bind(manager, (const struct sockaddr *)&address,
                        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                   0);
  setenv("NOTIFY_SOCKET", name, 1);
}

static void create(void) {
  assert_int_equal(notify_create(&notify, &error), LCAL_OK);
  assert_non_null(notify);
}

static void assert_heard(const char *text) {
  char buffer[2048];
  ssize_t length = recv(manager, buffer, sizeof buffer - 1, 0);
  assert_true(length >= 0);
  buffer[length] = '\0';
  assert_string_equal(buffer, text);
}

static void an_address_that_is_none_is_refused(void **state) {
  (void)state;
  char too_long[200];
  memset(too_long, 'x', sizeof too_long - 1);
  too_long[0] = '/';
  too_long[sizeof too_long - 1] = '\0';
  const char *const addresses[] = {"", "relative", "/", "@", "vsock:2:3", too_long};
  for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
    setenv("NOTIFY_SOCKET", addresses[i], 1);
    assert_int_equal(notify_create(&notify, &error), LCAL_SYSTEM);
    assert_null(notify);
    assert_non_null(strstr(error.message, "NOTIFY_SOCKET="));
  }
}

static void without_a_service_manager_everything_succeeds_silently(void **state) {
  (void)state;
  setenv("WATCHDOG_USEC", "1000000", 1);
  create();
  assert_true(notify_ready(notify, "ready"));
  assert_true(notify_watchdog(notify));
  assert_int_equal(notify_watchdog_ns(notify), 0);
}

static void a_manager_that_went_away_is_a_failure_not_a_signal(void **state) {
  (void)state;
  listen_at(folder_path("notify"));
  create();
  close(manager);
  manager = -1;
  assert_false(notify_stopping(notify));
}

static void a_manager_that_does_not_read_never_blocks_us(void **state) {
  (void)state;
  listen_at(folder_path("notify"));
  create();
  bool sent = true;
  for (int i = 0; sent && i < 100000; i++) {
    sent = notify_watchdog(notify);
  }
  assert_false(sent);
}

static void each_notification_is_one_datagram(void **state) {
  (void)state;
  listen_at(folder_path("notify"));
  create();
  assert_true(notify_ready(notify, "3 streams"));
  assert_heard("READY=1\nSTATUS=3 streams");
  assert_true(notify_status(notify, "4 streams"));
  assert_heard("STATUS=4 streams");
  assert_true(notify_watchdog(notify));
  assert_heard("WATCHDOG=1");
  assert_true(notify_stopping(notify));
  assert_heard("STOPPING=1");
  assert_true(notify_reloading(notify));
  char buffer[256] = "";
  assert_true(recv(manager, buffer, sizeof buffer - 1, 0) > 0);
  unsigned long long microseconds = 0;
  assert_int_equal(sscanf(buffer, "RELOADING=1\nMONOTONIC_USEC=%llu", &microseconds), 1);
  assert_true(microseconds > 0);
}

static void a_status_cannot_smuggle_in_another_field(void **state) {
  (void)state;
  listen_at(folder_path("notify"));
  create();
  assert_true(notify_status(notify, "a\nMAINPID=1"));
  assert_heard("STATUS=a MAINPID=1");
}

static void an_abstract_socket_is_reached(void **state) {
  (void)state;
  char name[64];
  snprintf(name, sizeof name, "@labelcal-test-%ld", (long)getpid());
  listen_at(name);
  create();
  assert_true(notify_stopping(notify));
  assert_heard("STOPPING=1");
}

static void the_environment_is_not_handed_on(void **state) {
  (void)state;
  listen_at(folder_path("notify"));
  setenv("WATCHDOG_USEC", "2000000", 1);
  setenv("WATCHDOG_PID", "1", 1);
  create();
  assert_null(getenv("NOTIFY_SOCKET"));
  assert_null(getenv("WATCHDOG_USEC"));
  assert_null(getenv("WATCHDOG_PID"));
}

static void the_watchdog_is_ours_only_with_our_pid(void **state) {
  (void)state;
  char ours[32];
  snprintf(ours, sizeof ours, "%ld", (long)getpid());
  const struct {
    const char *microseconds, *pid;
    uint64_t half_ns;
  } cases[] = {
      {"30000000", ours, 15000000000},
      {"30000000", NULL, 15000000000},
      {"30000000", "1", 0},
      {"30000000", "", 0},
      {"30000000", "12x", 0},
      {"", ours, 0},
      {"-5", ours, 0},
      {"many", ours, 0},
      {"99999999999999999999", ours, 0},
      {"18446744073709551615", ours, 0},
  };
  listen_at(folder_path("notify"));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    setenv("NOTIFY_SOCKET", folder_path("notify"), 1);
    setenv("WATCHDOG_USEC", cases[i].microseconds, 1);
    if (cases[i].pid) {
      setenv("WATCHDOG_PID", cases[i].pid, 1);
    } else {
      unsetenv("WATCHDOG_PID");
    }
    create();
    assert_int_equal(notify_watchdog_ns(notify), cases[i].half_ns);
    notify_destroy(notify);
    notify = NULL;
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_address_that_is_none_is_refused),
      TEST(without_a_service_manager_everything_succeeds_silently),
      TEST(a_manager_that_went_away_is_a_failure_not_a_signal),
      TEST(a_manager_that_does_not_read_never_blocks_us),
      TEST(each_notification_is_one_datagram),
      TEST(a_status_cannot_smuggle_in_another_field),
      TEST(an_abstract_socket_is_reached),
      TEST(the_environment_is_not_handed_on),
      TEST(the_watchdog_is_ours_only_with_our_pid),
  };
  return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
