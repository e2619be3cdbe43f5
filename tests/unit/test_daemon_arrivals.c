/* What messages that are on their way in hold together, with peers that hold back their ends. */
#include "daemon/connection.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PEERS      4u
#define MOST_BYTES (8u << 20)
#define MESSAGE    (4u << 20)

static uv_loop_t loop;
static struct arrivals arrivals;
static uint64_t faults[FAULT_COUNT];
static unsigned received;
static struct connection *connections[PEERS];
static int peers[PEERS];
static const uint8_t zeros[1 << 16];

static void on_event(void *owner, struct connection *of) {
  (void)owner;
  (void)of;
}

static void on_received(void *owner, struct connection *of, struct message *message) {
  (void)owner;
  (void)of;
  received++;
  message_release(message);
}

static const struct connection_role pull = {
    .own = LCAL__SP_PULL,
    .peer = LCAL__SP_PUSH,
    .most_bytes = MOST_BYTES,
    .most_waiting = 1,
    .arrivals = &arrivals,
    .faults = faults,
    .opened = on_event,
    .received = on_received,
    .sent = on_event,
    .closed = on_event,
};

static void turn(void) {
  for (int i = 0; i < 8; i++) {
    uv_run(&loop, UV_RUN_NOWAIT);
  }
}

static void announce(size_t i, uint32_t length) {
  uint8_t head[9] = {1};
  for (int byte = 0; byte < 4; byte++) {
    head[8 - byte] = (uint8_t)(length >> 8 * byte);
  }
  send(peers[i], head, sizeof head, MSG_NOSIGNAL);
  turn();
}

/* Sends bytes of its message, as far as it is let. */
static void feed(size_t i, size_t length) {
  while (length > 0) {
    const size_t part = length < sizeof zeros ? length : sizeof zeros;
    const ssize_t count = send(peers[i], zeros, part, MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) {
      return;
    }
    length -= count > 0 ? (size_t)count : 0;
    turn();
  }
}

static bool is_closed(size_t i) {
  return connections[i]->state == CONNECTION_CLOSED;
}

static int set_up(void **state) {
  (void)state;
  const uint8_t greeting[8] = {0, 'S', 'P', 0, 0, LCAL__SP_PUSH, 0, 0};
  arrivals = (struct arrivals){.most = MOST_BYTES};
  received = 0;
  memset(faults, 0, sizeof faults);
  uv_loop_init(&loop);
  for (size_t i = 0; i < PEERS; i++) {
    int ends[2];
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends);
    peers[i] = ends[1];
    connections[i] = connection_hold(connection_create(&loop, true, &pull, NULL));
    uv_pipe_open(&connections[i]->uv.local, ends[0]);
    connection_start(connections[i]);
    send(peers[i], greeting, sizeof greeting, MSG_NOSIGNAL);
  }
  turn();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  for (size_t i = 0; i < PEERS; i++) {
    connection_close(connections[i]);
    connection_release(connections[i]);
    close(peers[i]);
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  messages_free();
  assert_int_equal(arrivals.bytes, 0); /* nothing is counted for ever */
  assert_null(arrivals.oldest);
  assert_null(arrivals.newest);
  return uv_loop_close(&loop);
}

static void messages_that_fit_together_all_arrive(void **state) {
  (void)state;
  for (size_t i = 0; i < PEERS; i++) {
    announce(i, MESSAGE / 4);
    feed(i, MESSAGE / 4 - 1);
  }
  assert_true(arrivals.bytes > 0 && arrivals.bytes <= MOST_BYTES);
  for (size_t i = PEERS; i-- > 0;) {
    feed(i, 1);
  }
  assert_int_equal(received, PEERS);
  assert_int_equal(arrivals.bytes, 0);
}

static void what_is_too_much_closes_the_one_that_began_first(void **state) {
  (void)state;
  for (size_t i = 0; i < 3; i++) {
    announce(i, MESSAGE);
    feed(i, MESSAGE - 1);
  }
  assert_true(is_closed(0));
  assert_false(is_closed(1));
  assert_false(is_closed(2));
  assert_int_equal(faults[FAULT_OVERLOAD], 1);
  assert_true(arrivals.bytes <= MOST_BYTES);
}

static void honest_message_arrives_whole_through_a_crowd_that_stalls(void **state) {
  (void)state;
  for (size_t i = 0; i + 1 < PEERS; i++) {
    announce(i, MESSAGE);
    feed(i, MESSAGE - 1);
  }
  announce(PEERS - 1, MESSAGE);
  feed(PEERS - 1, MESSAGE);
  assert_int_equal(received, 1);
  assert_false(is_closed(PEERS - 1));
}

static void oldest_that_grows_beyond_it_goes_itself(void **state) {
  (void)state;
  announce(0, MOST_BYTES);
  announce(1, MESSAGE / 2);
  feed(1, MESSAGE / 2 - 1);
  feed(0, MOST_BYTES);
  assert_true(is_closed(0));
  assert_false(is_closed(1));
  assert_int_equal(faults[FAULT_OVERLOAD], 1);
  assert_int_equal(faults[FAULT_MEMORY], 0);
  feed(1, 1);
  assert_int_equal(received, 1);
}

static void one_message_alone_always_has_room(void **state) {
  (void)state;
  arrivals.most = 1;
  announce(0, MESSAGE);
  feed(0, MESSAGE);
  assert_int_equal(received, 1);
  assert_int_equal(faults[FAULT_OVERLOAD], 0);
}

static void peers_that_leave_give_back_what_they_held(void **state) {
  (void)state;
  for (size_t i = 0; i < PEERS; i++) {
    announce(i, MESSAGE);
    feed(i, MESSAGE / 4);
  }
  shutdown(peers[1], SHUT_RDWR); /* one in the middle, then the ends */
  turn();
  shutdown(peers[0], SHUT_RDWR);
  shutdown(peers[3], SHUT_RDWR);
  turn();
  assert_ptr_equal(arrivals.oldest, connections[2]);
  assert_ptr_equal(arrivals.newest, connections[2]);
  assert_int_equal(arrivals.bytes, connections[2]->incoming->capacity);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN); /* as labelcald's main() does */
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(messages_that_fit_together_all_arrive),
      TEST(what_is_too_much_closes_the_one_that_began_first),
      TEST(honest_message_arrives_whole_through_a_crowd_that_stalls),
      TEST(oldest_that_grows_beyond_it_goes_itself),
      TEST(one_message_alone_always_has_room),
      TEST(peers_that_leave_give_back_what_they_held),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
