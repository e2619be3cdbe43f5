/* The listeners and their guard, in a whole daemon, against raw peers. */
#include "daemon_case.h"

#include "folder.h"

#include "daemon/lifecycle.h"
#include "daemon/sockets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define MS 1000000ull

static uint64_t later_ns; /* the guard's clock, ahead of ours */

static void turn(void) {
  for (int i = 0; i < 8; i++) {
    uv_run(&daemon_case->loop, UV_RUN_NOWAIT);
  }
}

/* The guard looks, `ms` later. */
static void guard(unsigned ms) {
  later_ns += ms * MS;
  sockets_guard(daemon_case, monotonic_ns() + later_ns);
  turn();
}

static void start(const char *config) {
  later_ns = 0;
  daemon_case_start(config);
  uv_timer_stop(&daemon_case->lifecycle->guard); /* only the test's turns count */
}

static struct sockaddr_un at(const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", folder_path(name));
  return address;
}

/* A connected peer, or -1. */
static int dial(const char *name) {
  const struct sockaddr_un address = at(name);
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (connect(descriptor, (const struct sockaddr *)&address, sizeof address) != 0) {
    close(descriptor);
    return -1;
  }
  return descriptor;
}

static int dial_and_greet(const char *name, uint8_t protocol) {
  const uint8_t greeting[8] = {0, 'S', 'P', 0, 0, protocol, 0, 0};
  const int descriptor = dial(name);
  assert_true(descriptor >= 0);
  send(descriptor, greeting, sizeof greeting, MSG_NOSIGNAL);
  turn();
  return descriptor;
}

/* Whether the daemon has closed its end. */
static bool is_closed(int descriptor) {
  uint8_t bytes[64];
  ssize_t count;
  turn();
  while ((count = recv(descriptor, bytes, sizeof bytes, 0)) > 0) {
  }
  return count == 0;
}

static void regular_file_at_a_path_refuses_the_start_and_stays(void **state) {
  (void)state;
  start("");
  daemon_end(daemon_case);
  folder_write("run/labels", "precious", 8);
  lcal_error error;
  daemon_case = daemon_case_make("");
  assert_int_equal(daemon_start(daemon_case, &error), LCAL_SYSTEM);
  assert_non_null(strstr(error.message, "not a socket"));
  daemon_end(daemon_case);
  daemon_case = NULL;
  size_t length;
  unsigned char *bytes = folder_read("run/labels", &length);
  assert_int_equal(length, 8);
  assert_memory_equal(bytes, "precious", 8);
  free(bytes);
  assert_false(folder_has("run/frames"));
}

static void files_have_the_configured_mode_and_go_with_the_daemon(void **state) {
  (void)state;
  struct stat status;
  start("listen: {mode: \"0640\"}");
  assert_int_equal(stat(folder_path("run/control"), &status), 0);
  assert_int_equal(status.st_mode & 0777, 0640);
  daemon_end(daemon_case);
  daemon_case = NULL;
  assert_false(folder_has("run/control"));
}

static void file_left_by_a_killed_daemon_is_replaced(void **state) {
  (void)state;
  start("");
  daemon_end(daemon_case);
  const struct sockaddr_un address = at("run/frames");
  const int left = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(left, (const struct sockaddr *)&address, sizeof address), 0);
  close(left); /* nobody listens, the file stays */
  daemon_case_restart("");
  close(dial_and_greet("run/frames", LCAL__SP_PUSH));
}

static void path_that_somebody_else_listens_at_refuses_the_start(void **state) {
  (void)state;
  start("");
  daemon_end(daemon_case);
  const struct sockaddr_un address = at("run/frames");
  const int other = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(other, (const struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(other, 1), 0);
  lcal_error error;
  daemon_case = daemon_case_make("");
  assert_int_equal(daemon_start(daemon_case, &error), LCAL_SYSTEM);
  daemon_end(daemon_case);
  daemon_case = NULL;
  assert_true(folder_has("run/frames"));
  close(other);
}

static void peers_that_connect_and_vanish_leave_the_listener_alive(void **state) {
  (void)state;
  start("");
  for (int i = 0; i < 300; i++) {
    close(dial("run/frames"));
    turn();
  }
  const int good = dial_and_greet("run/frames", LCAL__SP_PUSH);
  assert_int_equal(sockets_connections(daemon_case, ENDPOINT_FRAMES), 1);
  assert_false(is_closed(good));
  close(good);
}

static void failed_handshakes_delay_nobody(void **state) {
  (void)state;
  int peers[50];
  start("");
  for (int i = 0; i < 50; i++) {
    peers[i] = dial("run/frames");
    send(peers[i], "GET / HTTP/1.1\r\n", 16, MSG_NOSIGNAL);
  }
  const int good = dial_and_greet("run/frames", LCAL__SP_PUSH); /* a few turns, no waiting */
  assert_int_equal(sockets_connections(daemon_case, ENDPOINT_FRAMES), 1);
  assert_int_equal(daemon_case->counters.connection_faults[ENDPOINT_FRAMES][FAULT_GREETING], 50);
  assert_false(is_closed(good));
  for (int i = 0; i < 50; i++) {
    close(peers[i]);
  }
  close(good);
}

static void probes_are_neither_counted_nor_refused_when_all_places_are_taken(void **state) {
  (void)state;
  start("limits: {connections: 1}");
  const int first = dial_and_greet("run/frames", LCAL__SP_PUSH);
  const int second = dial_and_greet("run/frames", LCAL__SP_PUSH);
  assert_true(is_closed(second));
  assert_false(is_closed(first));
  assert_int_equal(daemon_case->counters.connections_refused[ENDPOINT_FRAMES], 1);
  for (int i = 0; i < 10; i++) {
    guard(600);
  }
  assert_int_equal(daemon_case->counters.listener_restarts[ENDPOINT_FRAMES], 0);
  assert_int_equal(daemon_case->counters.connections_refused[ENDPOINT_FRAMES], 1);
  assert_int_equal(sockets_connections(daemon_case, ENDPOINT_FRAMES), 1);
  assert_null(sockets_health(daemon_case, monotonic_ns() + later_ns));
  close(first);
  close(second);
}

static void listener_whose_file_was_removed_is_opened_again(void **state) {
  (void)state;
  start("");
  const int old = dial_and_greet("run/labels", LCAL__SP_SUB);
  unlink(folder_path("run/labels"));
  for (int i = 0; i < 4; i++) {
    guard(600);
  }
  assert_int_equal(daemon_case->counters.listener_restarts[ENDPOINT_LABELS], 1);
  assert_int_equal(daemon_case->counters.listener_restarts[ENDPOINT_FRAMES], 0);
  assert_false(is_closed(old)); /* connections that stand are not touched */
  close(dial_and_greet("run/labels", LCAL__SP_SUB));
  close(old);
}

static void process_that_was_held_up_restarts_no_listener(void **state) {
  (void)state;
  start("");
  guard(600);
  for (int i = 0; i < 3; i++) {
    later_ns += 600 * MS;
    sockets_guard(daemon_case, monotonic_ns() + later_ns); /* probes begin */
    later_ns += 5000 * MS;
    guard(0); /* timers come first, then what was waiting is accepted */
    guard(200);
  }
  for (size_t e = 0; e < ENDPOINT_COUNT; e++) {
    assert_int_equal(daemon_case->counters.listener_restarts[e], 0);
  }
}

static void queue_that_is_full_restarts_no_listener(void **state) {
  (void)state;
  int peers[400];
  start("limits: {connections: 1}");
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 400; i++) {
      peers[i] = dial("run/frames"); /* beyond the queue's length: -1 */
    }
    assert_int_equal(peers[399], -1);
    guard(600); /* the probe finds the queue full */
    guard(1100);
    guard(200);
    for (int i = 0; i < 400; i++) {
      close(peers[i]);
    }
    turn();
  }
  assert_int_equal(daemon_case->counters.listener_restarts[ENDPOINT_FRAMES], 0);
}

static void listener_that_cannot_be_opened_again_is_unhealthy_and_spares_the_file(void **state) {
  (void)state;
  start("");
  unlink(folder_path("run/labels"));
  folder_write("run/labels", "precious", 8);
  for (int i = 0; i < 20; i++) {
    guard(600);
  }
  assert_non_null(sockets_health(daemon_case, monotonic_ns() + later_ns));
  size_t length;
  free(folder_read("run/labels", &length));
  assert_int_equal(length, 8);
  unlink(folder_path("run/labels"));
  for (int i = 0; i < 6; i++) {
    guard(600);
  }
  assert_null(sockets_health(daemon_case, monotonic_ns() + later_ns));
}

static void peer_that_never_greets_is_closed(void **state) {
  (void)state;
  start("");
  const int silent = dial("run/control");
  turn();
  assert_false(is_closed(silent));
  guard(11000);
  assert_true(is_closed(silent));
  close(silent);
}

static void tcp_listener_proves_itself_too(void **state) {
  (void)state;
  char config[128];
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  const int probe = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_addr.s_addr = 0x0100007f;
  bind(probe, (const struct sockaddr *)&address, size);
  getsockname(probe, (struct sockaddr *)&address, &size);
  close(probe);
  snprintf(config, sizeof config, "listen: {frames: [\"tcp://127.0.0.1:%u\"]}",
           (unsigned)__builtin_bswap16(address.sin_port));
  start(config);
  for (int i = 0; i < 25; i++) {
    guard(600);
  }
  assert_int_equal(daemon_case->counters.listener_restarts[ENDPOINT_FRAMES], 0);
  assert_null(sockets_health(daemon_case, monotonic_ns() + later_ns));
}

/* Lets the process have `most` descriptors; the limit before. */
static rlim_t allow(rlim_t most) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = most;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
  return before;
}

static void without_descriptors_newcomers_wait_and_the_loop_turns(void **state) {
  (void)state;
  start("");
  const int early = dial_and_greet("run/frames", LCAL__SP_PUSH);
  const int waiting = dial("run/frames");
  const rlim_t before = allow(3);
  guard(600); /* returns: the loop turns */
  assert_int_equal(sockets_connections(daemon_case, ENDPOINT_FRAMES), 1);
  assert_false(is_closed(early));
  assert_false(is_closed(waiting));
  allow(before);
  const uint8_t greeting[8] = {0, 'S', 'P', 0, 0, LCAL__SP_PUSH, 0, 0};
  send(waiting, greeting, sizeof greeting, MSG_NOSIGNAL);
  while (sockets_connections(daemon_case, ENDPOINT_FRAMES) < 2) {
    uv_run(&daemon_case->loop, UV_RUN_ONCE); /* meson's time limit ends a wait for ever */
  }
  assert_int_equal(daemon_case->counters.listener_restarts[ENDPOINT_FRAMES], 0);
  close(early);
  close(waiting);
}

static void without_descriptors_nothing_spins(void **state) {
  (void)state;
  start("");
  const int waiting = dial("run/frames");
  const rlim_t before = allow(3);
  const uint64_t end_ns = monotonic_ns() + 500 * MS;
  unsigned turns = 0;
  while (monotonic_ns() < end_ns) {
    uv_run(&daemon_case->loop, UV_RUN_ONCE); /* sleeps until there is something to do */
    turns++;
  }
  allow(before);
  assert_true(turns < 100);
  close(waiting);
}

static void newcomers_do_not_take_the_last_descriptors(void **state) {
  (void)state;
  start("");
  const int early = dial_and_greet("run/frames", LCAL__SP_PUSH);
  const int newcomer = dial("run/frames");
  const rlim_t before = allow((rlim_t)newcomer + 4);
  assert_true(is_closed(newcomer));
  assert_false(is_closed(early));
  assert_int_equal(daemon_case->counters.connections_refused[ENDPOINT_FRAMES], 1);
  allow(before);
  assert_false(is_closed(early));
  close(early);
  close(newcomer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_teardown(name, daemon_case_tear_down)
      TEST(regular_file_at_a_path_refuses_the_start_and_stays),
      TEST(files_have_the_configured_mode_and_go_with_the_daemon),
      TEST(file_left_by_a_killed_daemon_is_replaced),
      TEST(path_that_somebody_else_listens_at_refuses_the_start),
      TEST(peers_that_connect_and_vanish_leave_the_listener_alive),
      TEST(failed_handshakes_delay_nobody),
      TEST(probes_are_neither_counted_nor_refused_when_all_places_are_taken),
      TEST(listener_whose_file_was_removed_is_opened_again),
      TEST(process_that_was_held_up_restarts_no_listener),
      TEST(queue_that_is_full_restarts_no_listener),
      TEST(listener_that_cannot_be_opened_again_is_unhealthy_and_spares_the_file),
      TEST(peer_that_never_greets_is_closed),
      TEST(tcp_listener_proves_itself_too),
      TEST(without_descriptors_newcomers_wait_and_the_loop_turns),
      TEST(without_descriptors_nothing_spins),
      TEST(newcomers_do_not_take_the_last_descriptors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
