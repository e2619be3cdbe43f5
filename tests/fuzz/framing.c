/* What a peer of a socket sends: greeting, heads and messages in pieces of any size, against a
 * plain reading of the same bytes. An input is two bytes that say which socket it is and how it
 * is cut, then the peer's bytes. */
#include "fuzz.h"

#include "daemon/arrivals.h"
#include "daemon/connection.h"
#include "daemon/request.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_BYTES 100000u

/* What the bytes hold, by a second reading that is as plain as can be. */
struct reading {
  const uint8_t *at, *end;
  bool local, greeted, broken;
};

static struct reading reading;
static unsigned opened, closed;
static size_t unsent;
static uint64_t faults[FAULT_COUNT];
static struct arrivals arrivals = {.most = MOST_BYTES};

/* The next whole message. */
static bool next_message(lcal_bytes *message) {
  size_t head = reading.local ? 9 : 8;
  if (!reading.greeted || reading.broken || (size_t)(reading.end - reading.at) < head) {
    return false;
  }
  uint64_t length = 0;
  for (size_t i = head - 8; i < head; i++) {
    length = length << 8 | reading.at[i];
  }
  if ((reading.local && reading.at[0] != 1) || length > MOST_BYTES) {
    reading.broken = true;
    return false;
  }
  if (length > (size_t)(reading.end - reading.at) - head) {
    return false;
  }
  *message = (lcal_bytes){reading.at + head, (size_t)length};
  reading.at += head + length;
  return true;
}

static void on_opened(void *owner, struct connection *connection) {
  (void)owner;
  (void)connection;
  REQUIRE(reading.greeted && opened++ == 0);
}

static void on_received(void *owner, struct connection *connection, struct message *message) {
  lcal_bytes expected = {0};
  (void)owner;
  REQUIRE(next_message(&expected));
  REQUIRE(message->length == expected.length);
  REQUIRE(memcmp(message->bytes, expected.data, expected.length) == 0);
  if (connection->role->own != LCAL__SP_REP) {
    message_release(message);
    return;
  }
  struct request *request = request_create(connection, message);
  if (request) {
    size_t length = 0;
    const uint8_t *body = request_body(request, &length);
    REQUIRE(length <= expected.length - 4 && (body[-4] & 0x80) != 0);
    struct message *reply = message_create(length);
    REQUIRE(reply != NULL);
    memcpy(reply->bytes, body, length);
    request_reply(request, reply);
    message_release(reply);
  }
}

static void on_sent(void *owner, struct connection *connection) {
  (void)owner;
  if (connection->role->own == LCAL__SP_REP) {
    connection_answered(connection);
  }
}

static void on_closed(void *owner, struct connection *connection) {
  (void)owner;
  (void)connection;
  closed++;
}

#define CALLBACKS                                                                                  \
  .most_bytes = MOST_BYTES, .most_waiting = 2, .unsent = &unsent, .arrivals = &arrivals,           \
  .faults = faults, .opened = on_opened, .received = on_received, .sent = on_sent,                 \
  .closed = on_closed

static const struct connection_role roles[2] = {
    {.own = LCAL__SP_PULL, .peer = LCAL__SP_PUSH, CALLBACKS},
    {.own = LCAL__SP_REP, .peer = LCAL__SP_REQ, .most_in_flight = 2, CALLBACKS},
};

/* The memory of a message follows what came of it, not what was announced. */
static void check_memory(const struct connection *connection) {
  const struct message *message = connection->incoming;
  REQUIRE(!message || connection->got < message->length);
  REQUIRE(!message || message->capacity <= 65536 + 2 * connection->got);
}

/* Takes what the connection sent, so that it never waits for room. */
static void drain(int peer) {
  uint8_t bytes[4096];
  while (recv(peer, bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
  }
}

static void talk(uv_loop_t *loop, struct connection *connection, int peer, const uint8_t *data,
                 size_t size, uint32_t cut) {
  while (size > 0 && closed == 0) {
    uint32_t piece = 1 + fuzz_next(&cut) % (fuzz_next(&cut) % 4 ? 16 : 4096);
    ssize_t sent = send(peer, data, piece < size ? piece : size, MSG_NOSIGNAL | MSG_DONTWAIT);
    data += sent > 0 ? sent : 0;
    size -= sent > 0 ? (size_t)sent : 0;
    uv_run(loop, UV_RUN_NOWAIT);
    drain(peer);
    check_memory(connection);
  }
  const uint8_t *before = NULL;
  for (int idle = 0; idle < 4; idle = before == reading.at ? idle + 1 : 0) {
    before = reading.at;
    uv_run(loop, UV_RUN_NOWAIT);
    drain(peer);
  }
}

/* Whatever was said, all that was whole has been received, and what was wrong ended it and was
 * counted. */
static void check_end(const struct connection *connection, size_t size) {
  lcal_bytes message;
  uint64_t counted = 0;
  for (int i = 0; i < FAULT_COUNT; i++) {
    counted += faults[i];
  }
  REQUIRE(counted == closed);
  if (!reading.greeted) {
    REQUIRE(opened == 0 && closed == (size >= LCAL__GREETING_SIZE));
    return;
  }
  REQUIRE(opened == 1);
  REQUIRE(connection->in_flight < 2 && !next_message(&message));
  REQUIRE(closed == reading.broken);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uv_loop_t loop;
  int ends[2];
  if (size < 2) {
    return 0;
  }
  const struct connection_role *role = &roles[data[0] & 1];
  bool local = (data[0] & 2) == 0;
  const uint8_t greeting[8] = {0, 'S', 'P', 0, 0, (uint8_t)role->peer, 0, 0};
  bool greeted = size >= 10 && memcmp(data + 2, greeting, 8) == 0;
  reading = (struct reading){data + 2 + (greeted ? 8 : 0), data + size, local, greeted, false};
  opened = closed = 0;
  memset(faults, 0, sizeof faults);
  signal(SIGPIPE, SIG_IGN);
  REQUIRE(uv_loop_init(&loop) == 0);
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
  struct connection *connection = connection_hold(connection_create(&loop, local, role, &loop));
  REQUIRE((local ? uv_pipe_open(&connection->uv.local, ends[0])
                 : uv_tcp_open(&connection->uv.tcp, ends[0])) == 0);
  connection_start(connection);
  talk(&loop, connection, ends[1], data + 2, size - 2, data[1]);
  check_end(connection, size - 2);
  connection_close(connection);
  REQUIRE(closed == 1);
  connection_release(connection);
  uv_run(&loop, UV_RUN_DEFAULT);
  close(ends[1]);
  REQUIRE(unsent == 0 && arrivals.bytes == 0 && !arrivals.oldest && !arrivals.newest);
  REQUIRE(uv_loop_close(&loop) == 0);
  messages_free();
  return 0;
}
