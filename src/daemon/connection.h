/* One connection that speaks SP, the wire format of nng and nanomsg: a greeting each way, then
 * messages behind their lengths. On the loop, over libuv.
 *
 * Why not nng's sockets: when a connection is closed while a message is half way through it,
 * nng 1.5.2 loses a callback, and its only reaper thread waits for it for good: nng_close() then
 * hangs, and no connection is ever let go again (measured: 12 of 15 stops under a flow of 10 MB
 * frames, and 1 in 50 subscribers that vanish while they read 2 MB maps). Its listeners also die
 * of one connect that is aborted early. */
#ifndef DAEMON_CONNECTION_H
#define DAEMON_CONNECTION_H

#include "daemon/arrivals.h"
#include "daemon/connection_fault.h"
#include "daemon/message.h"
#include "wire/framing.h"

#include <stdbool.h>
#include <uv.h>

/* A REP's reply begins with the words that its request began with. */
#define SP_HEADER_MAX 64u

struct connection;
struct listener;

/* What all connections of one socket have in common. Callbacks get the connection's owner; each
 * may close the connection. */
struct connection_role {
  enum lcal__sp_protocol own, peer;
  size_t most_bytes;     /* of a message that arrives; more is closed without an answer */
  uint32_t most_waiting; /* messages waiting to be sent; beyond it the oldest makes room; >= 1 */
  size_t *unsent; /* bytes that wait to be sent, over all connections; or NULL: not counted */
  struct arrivals *arrivals; /* messages on their way in, over all connections */
  uint64_t *faults;          /* one counter a fault */
  uint32_t most_in_flight;   /* REP: requests of a connection that are not answered; then it is not
                                read, so a peer that takes no answers holds up nobody else */
  bool (*admit)(void *owner, struct connection *connection); /* accepted; false: close it */
  void (*opened)(void *owner, struct connection *connection);
  /* The message is the callee's. */
  void (*received)(void *owner, struct connection *connection, struct message *message);
  void (*sent)(void *owner, struct connection *connection); /* one message has gone out */
  void (*closed)(void *owner, struct connection *connection);
};

/* libuv's handle of an ipc or tcp stream. */
union stream_handle {
  uv_handle_t handle;
  uv_stream_t stream;
  uv_pipe_t local;
  uv_tcp_t tcp;
};

enum connection_state { CONNECTION_GREETING, CONNECTION_OPEN, CONNECTION_CLOSED };

struct outgoing {
  struct message *message; /* held */
  uint8_t header[SP_HEADER_MAX];
  uint8_t header_length;
};

/* Its message among those on their way in (arrivals.c). */
struct arriving {
  struct connection *previous, *next;
  uint64_t bytes;
  bool listed;
};

struct connection {
  union stream_handle uv;
  const struct connection_role *role;
  void *owner;
  uint32_t id;            /* never used again */
  struct listener *probe; /* set: the listener guard's own, and whose */
  bool last;              /* it has one of the last descriptors (acceptor.h) */
  enum connection_state state;
  uint64_t made_ns;
  uint32_t holds;
  struct connection *previous, *next; /* the owner's list */
  bool listed;                        /* and whether it is in it */
  bool refused;                       /* the owner's: it is closed once it has greeted */
  uint32_t in_flight;                 /* requests not answered yet */
  /* What arrives. */
  uint8_t head[LCAL__HEAD_MAX];
  uint8_t head_size, head_got; /* 8 bytes of greeting; then 9 on ipc, 8 on tcp */
  struct message *incoming;    /* once its head is there */
  struct arriving arriving;
  enum connection_fault shortage; /* why there is no room for it, when there is none */
  uint64_t progress_ns;           /* when the last bytes came */
  size_t got;
  /* What is sent. */
  uv_write_t write;
  bool writing;
  uint64_t writing_ns; /* since when: the message on its way out */
  uint8_t prefix[LCAL__HEAD_MAX + SP_HEADER_MAX];
  struct outgoing current;
  uint32_t waiting, first; /* of the ring */
  struct outgoing *ring;   /* most_waiting of them */
};

/* A connection that is not connected yet: accept or connect its stream, then start it. NULL: no
 * memory. Close it in any case. */
struct connection *connection_create(uv_loop_t *loop, bool local,
                                     const struct connection_role *role, void *owner);

/* tcp: messages go at once, and a peer whose host is gone is noticed within two minutes. */
void connection_set_tcp(struct connection *connection);

/* Closes it if the peer has not greeted, or has stopped in the middle of a message, for long. */
void connection_watch(struct connection *connection, uint64_t now_ns);

/* The stream is connected: greets, and reads. */
void connection_start(struct connection *connection);

/* Sends a message (held from now on) behind `header`; when it cannot be sent it is dropped. */
void connection_send(struct connection *connection, struct message *message, const void *header,
                     size_t header_length);

/* Since when its peer has left a message on its way out untaken; 0: there is none. */
uint64_t connection_untaken_since(const struct connection *connection);

/* Whether anything waits to be sent. */
bool connection_sending(const struct connection *connection);

/* A request of its was taken, was answered or dropped. */
void connection_asked(struct connection *connection);
void connection_answered(struct connection *connection);

/* Ends it for a fault, which is counted. */
void connection_refuse(struct connection *connection, enum connection_fault fault);

/* Ends it: closed() is called, once. The memory stays while it is held. */
void connection_close(struct connection *connection);
struct connection *connection_hold(struct connection *connection);
void connection_release(struct connection *connection);
#endif
