/* SP's wire format against a peer that the test plays on the other end of a socket pair. */
#include "daemon/connection.h"
#include "daemon/request.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MOST_BYTES   (8u << 20)
#define MOST_WAITING 3u

static uv_loop_t loop;
static struct connection *connection;
static int peer;
static unsigned opened, received, closed, sent;
static struct message *messages[16];
static struct request *requests[16];

static bool on_admit(void *owner, struct connection *admitted) {
  (void)owner;
  (void)admitted;
  return true;
}

static void on_opened(void *owner, struct connection *of) {
  assert_ptr_equal(owner, &loop);
  assert_ptr_equal(of, connection);
  opened++;
}

static void on_received(void *owner, struct connection *of, struct message *message) {
  (void)owner;
  if (of->role->own == LCAL__SP_REP) {
    requests[received++] = request_create(of, message);
  } else {
    messages[received++] = message;
  }
}

static void on_sent(void *owner, struct connection *of) {
  (void)owner;
  sent++;
  if (of->role->own == LCAL__SP_REP) {
    connection_answered(of);
  }
}

static void on_closed(void *owner, struct connection *of) {
  (void)owner;
  (void)of;
  closed++;
}

static size_t unsent;
static struct arrivals arrivals = {.most = MOST_BYTES};
static uint64_t faults[FAULT_COUNT];

#define CALLBACKS                                                                                  \
  .most_bytes = MOST_BYTES, .most_waiting = MOST_WAITING, .unsent = &unsent,                       \
  .arrivals = &arrivals, .faults = faults, .admit = on_admit, .opened = on_opened,                 \
  .received = on_received, .sent = on_sent, .closed = on_closed

static const struct connection_role pull = {.own = LCAL__SP_PULL, .peer = LCAL__SP_PUSH, CALLBACKS};
static const struct connection_role rep = {
    .own = LCAL__SP_REP, .peer = LCAL__SP_REQ, .most_in_flight = 2, CALLBACKS};

static void turn(void) {
  for (int i = 0; i < 8; i++) {
    uv_run(&loop, UV_RUN_NOWAIT);
  }
}

static void say(const void *bytes, size_t length) {
  assert_int_equal(send(peer, bytes, length, MSG_NOSIGNAL), length);
  turn();
}

static void greet(const struct connection_role *role) {
  const uint8_t greeting[8] = {0, 'S', 'P', 0, 0, (uint8_t)role->peer, 0, 0};
  say(greeting, sizeof greeting);
}

static void begin(const struct connection_role *role) {
  int ends[2];
  assert_int_equal(uv_loop_init(&loop), 0);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  opened = received = closed = sent = 0;
  memset(faults, 0, sizeof faults);
  memset(messages, 0, sizeof messages);
  memset(requests, 0, sizeof requests);
  peer = ends[1];
  connection = connection_hold(connection_create(&loop, true, role, &loop));
  assert_int_equal(uv_pipe_open(&connection->uv.local, ends[0]), 0);
  connection_start(connection);
}

static int end(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
    message_release(messages[i]);
    if (requests[i] != NULL) {
      request_drop(requests[i]);
    }
  }
  connection_close(connection);
  connection_release(connection);
  uv_run(&loop, UV_RUN_DEFAULT);
  close(peer);
  assert_int_equal(unsent, 0); /* whatever happened, nothing is counted for ever */
  assert_int_equal(arrivals.bytes, 0);
  assert_null(arrivals.oldest);
  assert_null(arrivals.newest);
  return uv_loop_close(&loop);
}

/* A message of the wire: its head, then `length` bytes. */
static size_t wire(uint8_t *bytes, const void *body, size_t length) {
  const uint8_t head[9] = {1, 0, 0, 0, 0, 0, 0, (uint8_t)(length >> 8), (uint8_t)length};
  memcpy(bytes, head, sizeof head);
  if (length > 0) {
    memcpy(bytes + sizeof head, body, length);
  }
  return sizeof head + length;
}

static void say_message(const void *body, size_t length) {
  uint8_t bytes[1024];
  say(bytes, wire(bytes, body, length));
}

/* Reads one message that the connection sent; its length. */
static size_t hear(uint8_t *body, size_t capacity) {
  uint8_t head[9];
  while (recv(peer, head, sizeof head, MSG_WAITALL) != (ssize_t)sizeof head) {
    turn();
  }
  assert_int_equal(head[0], 1);
  size_t length = 0;
  for (int i = 1; i < 9; i++) {
    length = length << 8 | head[i];
  }
  assert_true(length <= capacity);
  for (size_t got = 0; got < length;) {
    const ssize_t count = recv(peer, body + got, length - got, 0);
    got += count > 0 ? (size_t)count : 0;
    turn();
  }
  return length;
}

/* ---- Peers that are wrong. */

/* It is closed for this, once, and counted once. */
static void assert_refused(enum connection_fault fault) {
  uint64_t sum = 0;
  for (size_t i = 0; i < FAULT_COUNT; i++) {
    sum += faults[i];
  }
  assert_int_equal(closed, 1);
  assert_int_equal(faults[fault], 1);
  assert_int_equal(sum, 1);
}

static void greeting_of_another_protocol_is_closed(void **state) {
  (void)state;
  begin(&pull);
  greet(&rep);
  assert_refused(FAULT_GREETING);
  assert_int_equal(opened, 0);
}

static void bytes_that_are_no_greeting_are_closed(void **state) {
  (void)state;
  begin(&pull);
  say("GET / HTTP/1.1\r\n", 16);
  assert_refused(FAULT_GREETING);
}

static void peer_that_vanishes_before_it_greets_is_closed(void **state) {
  (void)state;
  begin(&pull);
  shutdown(peer, SHUT_RDWR);
  turn();
  assert_refused(FAULT_ABORTED);
}

static void peer_that_leaves_in_the_middle_of_its_greeting_is_closed(void **state) {
  (void)state;
  begin(&pull);
  say("\0SP\0", 4);
  shutdown(peer, SHUT_RDWR);
  turn();
  assert_refused(FAULT_ABORTED);
}

static void peer_that_leaves_between_messages_is_no_fault(void **state) {
  (void)state;
  begin(&pull);
  greet(&pull);
  shutdown(peer, SHUT_RDWR);
  turn();
  assert_int_equal(closed, 1);
  assert_int_equal(faults[FAULT_ABORTED], 0);
}

static void announcement_beyond_the_limit_is_closed_without_an_answer(void **state) {
  (void)state;
  static const uint8_t head[9] = {1, 0, 0, 0, 0, 0xff, 0, 0, 0};
  uint8_t byte;
  begin(&pull);
  greet(&pull);
  recv(peer, (uint8_t[8]){0}, 8, 0);
  say(head, sizeof head);
  assert_refused(FAULT_TOO_LARGE);
  assert_int_equal(recv(peer, &byte, 1, 0), 0);
}

static void announcement_of_all_bits_is_closed(void **state) {
  (void)state;
  static const uint8_t head[9] = {1, 255, 255, 255, 255, 255, 255, 255, 255};
  begin(&pull);
  greet(&pull);
  say(head, sizeof head);
  assert_refused(FAULT_TOO_LARGE);
}

static void another_kind_of_message_is_closed(void **state) {
  (void)state;
  static const uint8_t head[9] = {2, 0, 0, 0, 0, 0, 0, 0, 1};
  begin(&pull);
  greet(&pull);
  say(head, sizeof head);
  assert_refused(FAULT_MALFORMED);
}

static void memory_follows_what_was_sent_not_what_was_announced(void **state) {
  (void)state;
  static const uint8_t head[9] = {1, 0, 0, 0, 0, 0, 0x7f, 0, 0};
  begin(&pull);
  greet(&pull);
  say(head, sizeof head);
  say("abc", 3);
  assert_true(connection->incoming->capacity <= 65536);
  assert_int_equal(closed, 0);
}

static void announcement_earns_no_kept_block(void **state) {
  (void)state;
  const size_t large = (size_t)4 << 20;
  message_release(message_create(large)); /* kept */
  struct message *announced = message_begin(large);
  assert_true(announced->capacity < large);
  while (announced->capacity < large) {
    announced = message_grow(announced);
  }
  assert_int_equal(announced->length, large);
  message_release(announced);
  messages_free();
}

#define MINUTE_NS 60000000000u

static void peer_that_does_not_greet_in_time_is_closed(void **state) {
  (void)state;
  begin(&pull);
  say("\0SP", 3);
  connection_watch(connection, connection->made_ns + 1);
  assert_int_equal(closed, 0);
  connection_watch(connection, connection->made_ns + MINUTE_NS);
  assert_refused(FAULT_SILENT);
}

static void peer_that_stops_in_the_middle_of_a_message_is_closed(void **state) {
  (void)state;
  begin(&pull);
  greet(&pull);
  connection_watch(connection, connection->progress_ns + MINUTE_NS);
  say("\1\0\0\0\0\0\0\0\5ab", 11);
  connection_watch(connection, connection->progress_ns + 1);
  assert_int_equal(closed, 0);
  connection_watch(connection, connection->progress_ns + MINUTE_NS);
  assert_refused(FAULT_STALLED);
  assert_int_equal(received, 0);
}

static void peer_that_stops_in_the_middle_of_a_head_is_closed(void **state) {
  (void)state;
  begin(&pull);
  greet(&pull);
  say("\1\0\0", 3);
  connection_watch(connection, connection->progress_ns + MINUTE_NS);
  assert_refused(FAULT_STALLED);
}

static void peer_that_is_silent_between_messages_stays(void **state) {
  (void)state;
  begin(&pull);
  greet(&pull);
  say("\1\0\0\0\0\0\0\0\5abcde", 14);
  assert_int_equal(received, 1);
  connection_watch(connection, connection->progress_ns + MINUTE_NS);
  assert_int_equal(closed, 0);
}

static void request_without_an_end_of_its_header_is_none(void **state) {
  (void)state;
  static const uint8_t words[96] = {0};
  begin(&rep);
  greet(&rep);
  say_message(words, 3);
  say_message(words, sizeof words);
  assert_int_equal(received, 2);
  assert_null(requests[0]);
  assert_null(requests[1]);
}

/* ---- What arrives. */

static void message_in_single_bytes_is_whole(void **state) {
  (void)state;
  uint8_t bytes[64];
  begin(&pull);
  greet(&pull);
  const size_t length = wire(bytes, "hello", 5);
  for (size_t i = 0; i < length; i++) {
    assert_int_equal(received, 0);
    say(bytes + i, 1);
  }
  assert_int_equal(received, 1);
  assert_int_equal(messages[0]->length, 5);
  assert_memory_equal(messages[0]->bytes, "hello", 5);
}

static void messages_that_come_together_are_told_apart(void **state) {
  (void)state;
  uint8_t bytes[128];
  begin(&pull);
  greet(&pull);
  size_t length = wire(bytes, "one", 3);
  length += wire(bytes + length, "", 0);
  length += wire(bytes + length, "three", 5);
  say(bytes, length);
  assert_int_equal(received, 3);
  assert_memory_equal(messages[0]->bytes, "one", 3);
  assert_int_equal(messages[1]->length, 0);
  assert_memory_equal(messages[2]->bytes, "three", 5);
}

static void large_message_grows_as_it_comes(void **state) {
  (void)state;
  const size_t length = 3000001;
  uint8_t head[9] = {
      1, 0, 0, 0, 0, 0, (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length};
  uint8_t *body = malloc(length);
  assert_non_null(body);
  for (size_t i = 0; i < length; i++) {
    body[i] = (uint8_t)(i * 31 % 251);
  }
  begin(&pull);
  greet(&pull);
  say(head, sizeof head);
  for (size_t done = 0; done < length;) {
    const ssize_t count = send(peer, body + done, length - done, MSG_NOSIGNAL);
    done += count > 0 ? (size_t)count : 0;
    turn();
  }
  assert_int_equal(received, 1);
  assert_int_equal(messages[0]->length, length);
  assert_memory_equal(messages[0]->bytes, body, length);
  free(body);
}

static void end_in_the_middle_of_a_message_ends_the_connection(void **state) {
  (void)state;
  uint8_t bytes[64];
  begin(&pull);
  greet(&pull);
  wire(bytes, "hello", 5);
  say(bytes, 11);
  shutdown(peer, SHUT_RDWR);
  turn();
  assert_int_equal(closed, 1);
  assert_int_equal(received, 0);
}

/* ---- What is sent. */

static void publish(uint8_t value, size_t length) {
  struct message *message = message_create(length);
  memset(message->bytes, value, length);
  connection_send(connection, message, NULL, 0);
  message_release(message);
}

static void slow_reader_gets_the_newest_messages_whole(void **state) {
  (void)state;
  const size_t length = 2u << 20; /* more than the socket takes at once */
  uint8_t *body = malloc(length);
  begin(&pull);
  greet(&pull);
  recv(peer, (uint8_t[8]){0}, 8, 0);
  for (uint8_t value = 1; value <= 8; value++) {
    publish(value, length);
  }
  static const uint8_t wanted[] = {1, 6, 7, 8}; /* on its way, then those that waited */
  for (size_t i = 0; i < sizeof wanted; i++) {
    assert_int_equal(hear(body, length), length);
    assert_int_equal(body[0], wanted[i]);
    assert_int_equal(body[length - 1], wanted[i]);
  }
  assert_int_equal(sent, 4);
  assert_false(connection_sending(connection));
  free(body);
}

static void nothing_is_sent_before_the_peer_has_greeted(void **state) {
  (void)state;
  uint8_t bytes[16];
  begin(&pull);
  publish(1, 4);
  turn();
  assert_int_equal(recv(peer, bytes, sizeof bytes, 0), 8); /* our own greeting */
}

static void peer_that_vanishes_in_the_middle_of_a_message_ends_the_connection(void **state) {
  (void)state;
  begin(&pull);
  greet(&pull);
  publish(1, 2u << 20);
  publish(2, 2u << 20);
  turn();
  close(peer);
  turn();
  assert_int_equal(closed, 1);
  peer = dup(0);
}

/* ---- Requests. */

static void ask(uint8_t number) {
  const uint8_t request[] = {0, 0, 0, 7, 0x80, 0, 0, number, 'q', number};
  say_message(request, sizeof request);
}

static void reply(size_t i, const char *text) {
  struct message *message = message_create(strlen(text));
  memcpy(message->bytes, text, strlen(text));
  request_reply(requests[i], message);
  requests[i] = NULL;
  message_release(message);
  turn();
}

static void reply_begins_with_the_words_of_its_request(void **state) {
  (void)state;
  uint8_t body[64];
  size_t length;
  begin(&rep);
  greet(&rep);
  recv(peer, (uint8_t[8]){0}, 8, 0);
  ask(5);
  const uint8_t *question = request_body(requests[0], &length);
  assert_int_equal(length, 2);
  assert_memory_equal(question, "q\5", 2);
  reply(0, "yes");
  assert_int_equal(hear(body, sizeof body), 11);
  assert_memory_equal(body, "\0\0\0\7\x80\0\0\5yes", 11);
}

static void peer_that_takes_no_answers_is_not_read_any_more(void **state) {
  (void)state;
  uint8_t body[64];
  begin(&rep);
  greet(&rep);
  recv(peer, (uint8_t[8]){0}, 8, 0);
  for (uint8_t number = 1; number <= 5; number++) {
    ask(number);
  }
  assert_int_equal(received, 2); /* most_in_flight */
  reply(1, "b");
  hear(body, sizeof body);
  turn();
  assert_int_equal(received, 3);
  reply(0, "a");
  hear(body, sizeof body);
  turn();
  assert_int_equal(received, 4);
}

static void request_that_cannot_be_answered_ends_its_connection(void **state) {
  (void)state;
  uint8_t byte;
  begin(&rep);
  greet(&rep);
  recv(peer, (uint8_t[8]){0}, 8, 0);
  ask(5);
  request_drop(requests[0]);
  requests[0] = NULL;
  turn();
  assert_int_equal(closed, 1);
  assert_int_equal(recv(peer, &byte, 1, MSG_DONTWAIT), 0); /* an end, not silence */
}

static void request_outlives_its_connection(void **state) {
  (void)state;
  size_t length;
  begin(&rep);
  greet(&rep);
  ask(9);
  shutdown(peer, SHUT_RDWR);
  turn();
  assert_int_equal(closed, 1);
  assert_memory_equal(request_body(requests[0], &length), "q\t", 2);
  reply(0, "too late");
  assert_int_equal(sent, 0);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN); /* as labelcald's main() does */
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_teardown(name, end)
      TEST(greeting_of_another_protocol_is_closed),
      TEST(bytes_that_are_no_greeting_are_closed),
      TEST(peer_that_vanishes_before_it_greets_is_closed),
      TEST(announcement_beyond_the_limit_is_closed_without_an_answer),
      TEST(announcement_of_all_bits_is_closed),
      TEST(another_kind_of_message_is_closed),
      TEST(memory_follows_what_was_sent_not_what_was_announced),
      cmocka_unit_test(announcement_earns_no_kept_block),
      TEST(peer_that_leaves_in_the_middle_of_its_greeting_is_closed),
      TEST(peer_that_leaves_between_messages_is_no_fault),
      TEST(peer_that_does_not_greet_in_time_is_closed),
      TEST(peer_that_stops_in_the_middle_of_a_message_is_closed),
      TEST(peer_that_stops_in_the_middle_of_a_head_is_closed),
      TEST(peer_that_is_silent_between_messages_stays),
      TEST(request_without_an_end_of_its_header_is_none),
      TEST(message_in_single_bytes_is_whole),
      TEST(messages_that_come_together_are_told_apart),
      TEST(large_message_grows_as_it_comes),
      TEST(end_in_the_middle_of_a_message_ends_the_connection),
      TEST(slow_reader_gets_the_newest_messages_whole),
      TEST(nothing_is_sent_before_the_peer_has_greeted),
      TEST(peer_that_vanishes_in_the_middle_of_a_message_ends_the_connection),
      TEST(reply_begins_with_the_words_of_its_request),
      TEST(peer_that_takes_no_answers_is_not_read_any_more),
      TEST(request_that_cannot_be_answered_ends_its_connection),
      TEST(request_outlives_its_connection),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
