#include "daemon/connection.h"

#include "daemon/daemon.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

/* A peer that has not greeted by then, or sends no more of a message it began, is closed. */
#define GREETING_NS (10 * 1000000000ull)
#define STALL_NS    (30 * 1000000000ull)

/* A silent tcp peer is asked whether it is there after so long, then so often, so many times. */
#define TCP_IDLE_S    60u
#define TCP_BETWEEN_S 15
#define TCP_COUNT     4

const char *const connection_fault_words[FAULT_COUNT] = {
#define CONNECTION_FAULT_WORD(symbol, word) [FAULT_##symbol] = (word),
    CONNECTION_FAULT_MAP(CONNECTION_FAULT_WORD)
#undef CONNECTION_FAULT_WORD
};

static uint32_t next_id = 1;

static bool is_local(const struct connection *connection) {
  return connection->uv.handle.type == UV_NAMED_PIPE;
}

struct connection *connection_create(uv_loop_t *loop, bool local,
                                     const struct connection_role *role, void *owner) {
  struct connection *connection = calloc(1, sizeof *connection);
  struct outgoing *ring = calloc(role->most_waiting, sizeof *ring);
  if (connection == NULL || ring == NULL) {
    free(connection);
    free(ring);
    return NULL;
  }
  if (local) {
    uv_pipe_init(loop, &connection->uv.local, 0);
  } else {
    uv_tcp_init(loop, &connection->uv.tcp);
  }
  connection->uv.handle.data = connection;
  connection->role = role;
  connection->owner = owner;
  connection->id = next_id++;
  connection->holds = 1;
  connection->ring = ring;
  connection->made_ns = monotonic_ns();
  connection->head_size = LCAL__GREETING_SIZE;
  connection->shortage = FAULT_MEMORY;
  return connection;
}

struct connection *connection_hold(struct connection *connection) {
  connection->holds++;
  return connection;
}

void connection_release(struct connection *connection) {
  if (--connection->holds == 0) {
    free(connection->ring);
    free(connection);
  }
}

static size_t outgoing_bytes(const struct outgoing *outgoing) {
  return outgoing->message->length + outgoing->header_length;
}

static void uncount(const struct connection *connection, const struct outgoing *outgoing) {
  if (connection->role->unsent != NULL) {
    *connection->role->unsent -= outgoing_bytes(outgoing);
  }
}

/* It is sent, or will not be. */
static void end_outgoing(const struct connection *connection, const struct outgoing *outgoing) {
  uncount(connection, outgoing);
  message_release(outgoing->message);
}

static void drop_waiting(struct connection *connection) {
  for (; connection->waiting > 0; connection->waiting--) {
    end_outgoing(connection, &connection->ring[connection->first]);
    connection->first = (connection->first + 1) % connection->role->most_waiting;
  }
}

static void on_closed(uv_handle_t *handle) {
  connection_release(handle->data);
}

void connection_close(struct connection *connection) {
  if (connection->state != CONNECTION_CLOSED) {
    connection->state = CONNECTION_CLOSED;
    /* At once, not when the handle is gone: whose bytes make room must have left. */
    arrivals_leave(connection->role->arrivals, connection);
    message_release(connection->incoming);
    connection->incoming = NULL;
    drop_waiting(connection);
    if (connection->writing) {
      uncount(connection, &connection->current);
    }
    connection->role->closed(connection->owner, connection);
    uv_close(&connection->uv.handle, on_closed);
  }
}

void connection_refuse(struct connection *connection, enum connection_fault fault) {
  if (connection->state != CONNECTION_CLOSED && !connection->refused) {
    connection->role->faults[fault]++;
  }
  connection_close(connection);
}

/* ---- What arrives. */

/* Room for bytes of the message beyond what it has. */
static bool grow(struct connection *connection) {
  struct message *grown = message_grow(connection->incoming);
  if (grown == NULL) {
    connection->shortage = FAULT_MEMORY;
    return false;
  }
  connection->incoming = grown;
  connection->shortage = FAULT_OVERLOAD;
  return arrivals_follow(connection->role->arrivals, connection);
}

/* Where the next bytes go. libuv takes an empty buffer as no memory and reports UV_ENOBUFS; a
 * stream must not be closed in here. */
static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  struct connection *connection = handle->data;
  (void)suggested;
  if (connection->incoming == NULL) {
    buffer->base = (char *)connection->head + connection->head_got;
    buffer->len = connection->head_size - connection->head_got;
    return;
  }
  if (connection->got == connection->incoming->capacity && !grow(connection)) {
    buffer->base = NULL;
    buffer->len = 0;
    return;
  }
  const struct message *message = connection->incoming;
  const size_t end = message->capacity < message->length ? message->capacity : message->length;
  buffer->base = (char *)connection->incoming->bytes + connection->got;
  buffer->len = end - connection->got;
}

/* The message is whole. */
static void deliver(struct connection *connection) {
  struct message *message = connection->incoming;
  arrivals_leave(connection->role->arrivals, connection);
  connection->incoming = NULL;
  connection->head_got = 0;
  connection->got = 0;
  connection->role->received(connection->owner, connection, message);
}

static void take_greeting(struct connection *connection) {
  if (!lcal__greeting_matches(connection->head, connection->role->peer)) {
    connection_refuse(connection, FAULT_GREETING);
    return;
  }
  connection->state = CONNECTION_OPEN;
  connection->head_size = (uint8_t)lcal__head_size(is_local(connection));
  connection->head_got = 0;
  connection->role->opened(connection->owner, connection);
}

static void take_head(struct connection *connection) {
  uint64_t length;
  if (!lcal__head_read(connection->head, is_local(connection), &length)) {
    connection_refuse(connection, FAULT_MALFORMED);
  } else if (length > connection->role->most_bytes) {
    connection_refuse(connection, FAULT_TOO_LARGE);
  } else if ((connection->incoming = message_begin((size_t)length)) == NULL) {
    connection_refuse(connection, FAULT_MEMORY);
  } else if (!arrivals_follow(connection->role->arrivals, connection)) {
    connection_refuse(connection, FAULT_OVERLOAD);
  } else if (length == 0) {
    deliver(connection);
  }
}

/* The peer has gone. */
static void end_of(struct connection *connection) {
  if (connection->state == CONNECTION_GREETING) {
    connection_refuse(connection, FAULT_ABORTED);
  } else {
    connection_close(connection);
  }
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
  struct connection *connection = stream->data;
  (void)buffer;
  if (count == UV_ENOBUFS) {
    connection_refuse(connection, connection->shortage);
    return;
  }
  if (count < 0) {
    end_of(connection);
    return;
  }
  connection->progress_ns = monotonic_ns();
  if (connection->incoming != NULL) {
    connection->got += (size_t)count;
    if (connection->got == connection->incoming->length) {
      deliver(connection);
    }
    return;
  }
  connection->head_got = (uint8_t)(connection->head_got + count);
  if (connection->head_got == connection->head_size) {
    if (connection->state == CONNECTION_GREETING) {
      take_greeting(connection);
    } else {
      take_head(connection);
    }
  }
}

void connection_asked(struct connection *connection) {
  connection->in_flight++;
  if (connection->in_flight == connection->role->most_in_flight &&
      connection->state != CONNECTION_CLOSED) {
    uv_read_stop(&connection->uv.stream);
  }
}

void connection_answered(struct connection *connection) {
  if (connection->in_flight-- == connection->role->most_in_flight &&
      connection->state != CONNECTION_CLOSED) {
    uv_read_start(&connection->uv.stream, on_room, on_read);
  }
}

void connection_set_tcp(struct connection *connection) {
  const int between = TCP_BETWEEN_S;
  const int count = TCP_COUNT;
  int descriptor;
  uv_tcp_nodelay(&connection->uv.tcp, 1);
  uv_tcp_keepalive(&connection->uv.tcp, 1, TCP_IDLE_S);
  if (uv_fileno(&connection->uv.handle, &descriptor) == 0) {
    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof between);
    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
  }
}

static bool is_longer_ago(uint64_t then_ns, uint64_t now_ns, uint64_t limit_ns) {
  return now_ns > then_ns && now_ns - then_ns > limit_ns;
}

void connection_watch(struct connection *connection, uint64_t now_ns) {
  if (connection->state == CONNECTION_GREETING) {
    if (is_longer_ago(connection->made_ns, now_ns, GREETING_NS)) {
      connection_refuse(connection, FAULT_SILENT);
    }
  } else if (connection->head_got > 0 && /* it has begun a message */
             is_longer_ago(connection->progress_ns, now_ns, STALL_NS)) {
    connection_refuse(connection, FAULT_STALLED);
  }
}

void connection_start(struct connection *connection) {
  uint8_t greeting[LCAL__GREETING_SIZE];
  lcal__greeting_write(greeting, connection->role->own);
  const uv_buf_t buffer = uv_buf_init((char *)greeting, sizeof greeting);
  /* Eight bytes into an empty socket buffer go at once or never. */
  if (uv_try_write(&connection->uv.stream, &buffer, 1) != (int)sizeof greeting ||
      uv_read_start(&connection->uv.stream, on_room, on_read) != 0) {
    connection_refuse(connection, FAULT_ABORTED);
  }
}

/* ---- What is sent. */

static void on_written(uv_write_t *write, int status);

static void write_current(struct connection *connection) {
  struct outgoing *current = &connection->current;
  size_t size = lcal__head_write(connection->prefix, is_local(connection), outgoing_bytes(current));
  memcpy(connection->prefix + size, current->header, current->header_length);
  size += current->header_length;
  const uv_buf_t buffers[2] = {
      {.base = (char *)connection->prefix, .len = size},
      {.base = (char *)current->message->bytes, .len = current->message->length},
  };
  connection->writing = true;
  connection->writing_ns = monotonic_ns();
  connection->write.data = connection;
  const unsigned count = current->message->length > 0 ? 2 : 1;
  if (uv_write(&connection->write, &connection->uv.stream, buffers, count, on_written) != 0) {
    connection->writing = false;
    end_outgoing(connection, current);
    connection_close(connection);
  }
}

static void on_written(uv_write_t *write, int status) {
  struct connection *connection = write->data;
  connection->writing = false;
  if (connection->state == CONNECTION_CLOSED) { /* and no longer counted */
    message_release(connection->current.message);
    return;
  }
  end_outgoing(connection, &connection->current);
  if (status < 0) {
    connection_close(connection);
    return;
  }
  if (connection->waiting > 0) {
    connection->current = connection->ring[connection->first];
    connection->first = (connection->first + 1) % connection->role->most_waiting;
    connection->waiting--;
    write_current(connection);
  }
  if (connection->state == CONNECTION_OPEN) {
    connection->role->sent(connection->owner, connection);
  }
}

/* The oldest that waits makes room. */
static void queue(struct connection *connection, const struct outgoing *outgoing) {
  const uint32_t most = connection->role->most_waiting;
  if (connection->waiting == most) {
    end_outgoing(connection, &connection->ring[connection->first]);
    connection->first = (connection->first + 1) % most;
    connection->waiting--;
  }
  connection->ring[(connection->first + connection->waiting++) % most] = *outgoing;
}

void connection_send(struct connection *connection, struct message *message, const void *header,
                     size_t header_length) {
  if (connection->state != CONNECTION_OPEN) {
    return;
  }
  struct outgoing outgoing = {.message = message_hold(message),
                              .header_length = (uint8_t)header_length};
  if (header_length > 0) {
    memcpy(outgoing.header, header, header_length);
  }
  if (connection->role->unsent != NULL) {
    *connection->role->unsent += outgoing_bytes(&outgoing);
  }
  if (connection->writing) {
    queue(connection, &outgoing);
  } else {
    connection->current = outgoing;
    write_current(connection);
  }
}

uint64_t connection_untaken_since(const struct connection *connection) {
  return connection->writing ? connection->writing_ns : 0;
}

bool connection_sending(const struct connection *connection) {
  return connection->writing;
}
