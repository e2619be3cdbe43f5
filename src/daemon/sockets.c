#include "daemon/sockets.h"

#include "daemon/dialers.h"
#include "daemon/frame.h"
#include "daemon/intake.h"
#include "daemon/listeners.h"
#include "daemon/request.h"
#include "daemon/sequence.h"

#include <stdlib.h>
#include <string.h>

/* Messages queued for each subscriber: maps are large and only the newest is worth anything;
 * events are small and each counts. */
#define LABELS_QUEUE 2u
#define STATE_QUEUE  128u

/* Requests of one connection that are not answered yet; on calibrate so many beyond its queue,
 * which is what decides that it is busy. */
#define CONTROL_IN_FLIGHT   16u
#define CALIBRATE_IN_FLIGHT 8u

/* Connections beyond limits.connections that may be greeting at once. */
#define REFUSED_AT_ONCE 16u

/* An answer that has been on its way for so long may have to make room. */
#define UNTAKEN_NS 1000000000ull

/* What a subscriber may send: nothing that is meant for anybody. */
#define SUBSCRIBER_BYTES 1024u

struct door {
  struct sockets *sockets;
  enum endpoint endpoint;
  struct connection_role role;
  struct connection *first;
  uint32_t count;   /* without the guard's probes and those refused */
  uint32_t refused; /* and not closed yet */
};

struct sockets {
  struct daemon *daemon;
  struct door doors[ENDPOINT_COUNT];
  struct listeners *listeners;
  struct dialers *dialers;
};

/* ---- Connections of a door. */

static bool is_counted(const struct connection *connection) {
  return connection->probe == NULL && !connection->refused;
}

/* One too many is closed as soon as it has greeted, so that its peer sees an end and no failure
 * to connect; many too many, and those with the last descriptors, are closed at once. */
static bool on_admit(void *owner, struct connection *connection) {
  struct door *door = owner;
  struct daemon *daemon = door->sockets->daemon;
  if (connection->probe == NULL &&
      (connection->last || door->count >= daemon->config->limits.connections)) {
    daemon->counters.connections_refused[door->endpoint]++;
    connection->refused = true;
    if (connection->last || door->refused >= REFUSED_AT_ONCE) {
      return false;
    }
    door->refused++;
  }
  door->count += is_counted(connection) ? 1 : 0;
  connection->listed = true;
  connection->next = door->first;
  if (door->first != NULL) {
    door->first->previous = connection;
  }
  door->first = connection;
  return true;
}

static void on_opened(void *owner, struct connection *connection) {
  (void)owner;
  if (connection->probe != NULL) {
    listener_proved(connection->probe);
  }
  if (!is_counted(connection)) {
    connection_close(connection);
  }
}

static void on_closed(void *owner, struct connection *connection) {
  struct door *door = owner;
  if (!connection->listed) {
    return;
  }
  if (connection->previous != NULL) {
    connection->previous->next = connection->next;
  } else {
    door->first = connection->next;
  }
  if (connection->next != NULL) {
    connection->next->previous = connection->previous;
  }
  door->count -= is_counted(connection) ? 1 : 0;
  door->refused -= connection->refused ? 1 : 0;
  sequences_forget_connection(door->sockets->daemon->sequences, connection->id);
}

static void on_sent(void *owner, struct connection *connection) {
  (void)owner;
  (void)connection;
}

static void on_replied(void *owner, struct connection *connection) {
  (void)owner;
  connection_answered(connection);
}

/* ---- What arrives. */

static void on_frame(void *owner, struct connection *connection, struct message *message) {
  const struct door *door = owner;
  frame_received(door->sockets->daemon, message, connection->id);
}

static struct connection *longest_untaken(struct door *door, struct connection *longest) {
  for (struct connection *one = door->first; one != NULL; one = one->next) {
    const uint64_t since_ns = connection_untaken_since(one);
    if (since_ns != 0 && (longest == NULL || since_ns < connection_untaken_since(longest))) {
      longest = one;
    }
  }
  return longest;
}

/* Answers that are not taken must not keep others from theirs. Before each request: nothing else
 * makes answers. */
static void make_room(struct sockets *sockets) {
  struct daemon *daemon = sockets->daemon;
  const uint64_t now_ns = monotonic_ns();
  while (daemon->unsent_bytes > daemon->config->limits.queued_bytes) {
    struct connection *longest = longest_untaken(&sockets->doors[ENDPOINT_CALIBRATE], NULL);
    longest = longest_untaken(&sockets->doors[ENDPOINT_CONTROL], longest);
    if (longest == NULL || now_ns - connection_untaken_since(longest) < UNTAKEN_NS) {
      return; /* they are being taken: calibrate is busy until then */
    }
    connection_refuse(longest, FAULT_UNTAKEN);
  }
}

static void on_calibrate(void *owner, struct connection *connection, struct message *message) {
  const struct door *door = owner;
  make_room(door->sockets);
  struct request *request = request_create(connection, message);
  if (request != NULL) {
    frame_requested(door->sockets->daemon, request);
  } else {
    connection_refuse(connection, FAULT_MALFORMED);
  }
}

static void on_control(void *owner, struct connection *connection, struct message *message) {
  const struct door *door = owner;
  make_room(door->sockets);
  struct request *request = request_create(connection, message);
  if (request == NULL) {
    connection_refuse(connection, FAULT_MALFORMED);
    return;
  }
  size_t length;
  const void *body = request_body(request, &length);
  message_hold(message); /* the request may be answered and gone before this returns */
  command_receive(door->sockets->daemon, body, length, &request->sink);
  message_release(message);
}

static void on_chatter(void *owner, struct connection *connection, struct message *message) {
  (void)owner;
  message_release(message);
  connection_refuse(connection, FAULT_MALFORMED);
}

static void on_published(void *owner, struct connection *connection, struct message *message) {
  frame_received(owner, message, connection->id);
}

static void on_camera_lost(void *owner, struct connection *connection) {
  const struct daemon *daemon = owner;
  sequences_forget_connection(daemon->sequences, connection->id);
}

/* ---- Opening and closing. */

/* Bytes of a message on `control`: beyond the envelope a command carries at most one domain's
 * statistics. */
static size_t control_bytes(const struct config *config) {
  const size_t classes = config->class_count;
  return LCAL_ENVELOPE_MAX + (classes * classes + 2 * classes) * sizeof(double);
}

static void make_door(struct sockets *sockets, enum endpoint endpoint) {
  const struct daemon *daemon = sockets->daemon;
  const struct config *config = daemon->config;
  struct door *door = &sockets->doors[endpoint];
  *door = (struct door){.sockets = sockets, .endpoint = endpoint};
  struct connection_role *role = &door->role;
  *role = (struct connection_role){
      .own = LCAL__SP_PUB,
      .peer = LCAL__SP_SUB,
      .most_bytes = SUBSCRIBER_BYTES,
      .most_waiting = 1,
      .arrivals = &sockets->daemon->arrivals,
      .faults = sockets->daemon->counters.connection_faults[endpoint],
      .admit = on_admit,
      .opened = on_opened,
      .received = on_chatter,
      .sent = on_sent,
      .closed = on_closed,
  };
  switch (endpoint) {
  case ENDPOINT_FRAMES:
    role->own = LCAL__SP_PULL;
    role->peer = LCAL__SP_PUSH;
    role->most_bytes = config->limits.message_bytes;
    role->received = on_frame;
    break;
  case ENDPOINT_CALIBRATE:
  case ENDPOINT_CONTROL:
    role->most_in_flight = endpoint == ENDPOINT_CONTROL
                               ? CONTROL_IN_FLIGHT
                               : config->limits.calibrate_queue + CALIBRATE_IN_FLIGHT;
    role->own = LCAL__SP_REP;
    role->peer = LCAL__SP_REQ;
    role->most_bytes =
        SP_HEADER_MAX +
        (endpoint == ENDPOINT_CONTROL ? control_bytes(config) : config->limits.message_bytes);
    role->most_waiting = role->most_in_flight;
    role->unsent = &sockets->daemon->unsent_bytes;
    role->received = endpoint == ENDPOINT_CONTROL ? on_control : on_calibrate;
    role->sent = on_replied;
    break;
  default:
    role->most_waiting = endpoint == ENDPOINT_LABELS ? LABELS_QUEUE : STATE_QUEUE;
    break;
  }
}

lcal_status sockets_open(struct daemon *daemon, lcal_error *error) {
  struct sockets *sockets = calloc(1, sizeof *sockets);
  if (sockets == NULL) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for the sockets");
  }
  sockets->daemon = daemon;
  daemon->sockets = sockets;
  daemon->arrivals.most = daemon->config->limits.queued_bytes;
  if (daemon->arrivals.most < daemon->config->limits.message_bytes) {
    daemon->arrivals.most = daemon->config->limits.message_bytes;
  }
  struct listener_owner owners[ENDPOINT_COUNT];
  for (size_t e = 0; e < ENDPOINT_COUNT; e++) {
    make_door(sockets, (enum endpoint)e);
    owners[e] =
        (struct listener_owner){.role = &sockets->doors[e].role, .owner = &sockets->doors[e]};
  }
  const lcal_status status = listeners_open(&sockets->listeners, daemon, owners, error);
  return status == LCAL_OK
             ? dialers_open(&sockets->dialers, daemon, on_published, on_camera_lost, error)
             : status;
}

void sockets_close(struct daemon *daemon) {
  struct sockets *sockets = daemon->sockets;
  if (sockets->listeners != NULL) {
    listeners_close(sockets->listeners);
  }
  if (sockets->dialers != NULL) {
    dialers_close(sockets->dialers);
  }
  for (size_t e = 0; e < ENDPOINT_COUNT; e++) {
    while (sockets->doors[e].first != NULL) {
      connection_close(sockets->doors[e].first);
    }
  }
}

void sockets_free(struct daemon *daemon) {
  struct sockets *sockets = daemon->sockets;
  listeners_free(sockets->listeners);
  dialers_free(sockets->dialers);
  free(sockets);
  daemon->sockets = NULL;
}

/* ---- Publishing and looking. */

static void publish(const struct door *door, struct message *message) {
  struct connection *next;
  for (struct connection *connection = door->first; connection != NULL; connection = next) {
    next = connection->next; /* a send that fails closes its connection */
    connection_send(connection, message, NULL, 0);
  }
}

bool sockets_subscribed(const struct daemon *daemon) {
  return daemon->sockets->doors[ENDPOINT_LABELS].count > 0;
}

void sockets_publish_labels(struct daemon *daemon, struct message *message) {
  publish(&daemon->sockets->doors[ENDPOINT_LABELS], message);
}

void sockets_publish_state(struct daemon *daemon, const void *body, size_t length) {
  const struct door *door =
      daemon->sockets != NULL ? &daemon->sockets->doors[ENDPOINT_STATE] : NULL;
  struct message *message = door != NULL && door->first != NULL ? message_create(length) : NULL;
  if (message != NULL) {
    memcpy(message->bytes, body, length);
    publish(door, message);
    message_release(message);
  }
}

unsigned sockets_connections(const struct daemon *daemon, enum endpoint endpoint) {
  return daemon->sockets->doors[endpoint].count;
}

bool sockets_sending(const struct daemon *daemon) {
  for (size_t e = 0; e < ENDPOINT_COUNT; e++) {
    for (const struct connection *connection = daemon->sockets->doors[e].first; connection != NULL;
         connection = connection->next) {
      if (connection_sending(connection)) {
        return true;
      }
    }
  }
  return false;
}

static void watch(struct door *door, uint64_t now_ns) {
  struct connection *next;
  for (struct connection *connection = door->first; connection != NULL; connection = next) {
    next = connection->next;
    connection_watch(connection, now_ns);
  }
}

void sockets_guard(struct daemon *daemon, uint64_t now_ns) {
  listeners_guard(daemon->sockets->listeners, now_ns);
  for (size_t e = 0; e < ENDPOINT_COUNT; e++) {
    watch(&daemon->sockets->doors[e], now_ns);
  }
  dialers_guard(daemon->sockets->dialers, now_ns);
}

const char *sockets_health(const struct daemon *daemon, uint64_t now_ns) {
  return listeners_health(daemon->sockets->listeners, now_ns);
}
