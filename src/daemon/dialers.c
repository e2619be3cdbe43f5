#include "daemon/dialers.h"

#include "daemon/config_url.h"
#include "daemon/log.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A camera that is not there is dialled again after these waits, each twice the last. */
#define REDIAL_MIN_MS 100u
#define REDIAL_MAX_MS 5000u

struct dialer {
  struct dialers *owner;
  char *text; /* its URL; owned: a reload frees the config's */
  struct url url;
  struct connection *connection; /* or NULL */
  uv_getaddrinfo_t lookup;
  uv_connect_t connect;
  uv_timer_t redial;
  unsigned wait_ms;
};

struct dialers {
  struct daemon *daemon;
  struct connection_role role;
  void (*received)(void *owner, struct connection *connection, struct message *message);
  void (*closed)(void *owner, struct connection *connection);
  bool closing;
  size_t count;
  struct dialer each[];
};

static void on_redial(uv_timer_t *timer);

static void dial_later(struct dialer *dialer) {
  if (!dialer->owner->closing) {
    uv_timer_start(&dialer->redial, on_redial, dialer->wait_ms, 0);
    dialer->wait_ms = 2 * dialer->wait_ms < REDIAL_MAX_MS ? 2 * dialer->wait_ms : REDIAL_MAX_MS;
  }
}

static bool on_admit(void *owner, struct connection *connection) {
  (void)owner;
  (void)connection;
  return true;
}

static void on_opened(void *owner, struct connection *connection) {
  struct dialer *dialer = owner;
  (void)connection;
  dialer->wait_ms = REDIAL_MIN_MS;
  log_message(LOG_INFO, "subscribe: connected to %s", dialer->text);
}

static void on_received(void *owner, struct connection *connection, struct message *message) {
  const struct dialer *dialer = owner;
  dialer->owner->received(dialer->owner->daemon, connection, message);
}

static void on_sent(void *owner, struct connection *connection) {
  (void)owner; /* a SUB sends nothing */
  (void)connection;
}

static void on_closed(void *owner, struct connection *connection) {
  struct dialer *dialer = owner;
  dialer->connection = NULL;
  dialer->owner->closed(dialer->owner->daemon, connection);
  dial_later(dialer);
}

static void on_connected(uv_connect_t *connect, int status) {
  struct connection *connection = connect->handle->data;
  if (connection->state == CONNECTION_CLOSED) {
    return;
  }
  if (status != 0) {
    connection_close(connection);
    return;
  }
  if (connection->uv.handle.type == UV_TCP) {
    connection_set_tcp(connection);
  }
  connection->made_ns = monotonic_ns();
  connection_start(connection);
}

/* NULL (and another attempt is due) if memory is short. */
static struct connection *make_connection(struct dialer *dialer) {
  dialer->connection = connection_create(
      &dialer->owner->daemon->loop, dialer->url.scheme == URL_IPC, &dialer->owner->role, dialer);
  if (dialer->connection == NULL) {
    dial_later(dialer);
  }
  return dialer->connection;
}

static void dial_local(struct dialer *dialer) {
  struct connection *connection = make_connection(dialer);
  if (connection != NULL) {
    uv_pipe_connect(&dialer->connect, &connection->uv.local, dialer->url.path, on_connected);
  }
}

/* IPv4 if there is one, as SP libraries that are told `localhost` listen there. */
static const struct sockaddr *choose(const struct addrinfo *found) {
  for (const struct addrinfo *one = found->ai_next; one != NULL; one = one->ai_next) {
    if (one->ai_family == AF_INET && found->ai_family != AF_INET) {
      return one->ai_addr;
    }
  }
  return found->ai_addr;
}

static void on_resolved(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found) {
  struct dialer *dialer = lookup->data;
  if (dialer->owner->closing) {
    uv_freeaddrinfo(found);
    return;
  }
  if (status != 0) {
    log_limited(LOG_WARNING, "subscribe", "subscribe: %s: %s", dialer->text, uv_strerror(status));
    dial_later(dialer);
    return;
  }
  struct connection *connection = make_connection(dialer);
  if (connection != NULL &&
      uv_tcp_connect(&dialer->connect, &connection->uv.tcp, choose(found), on_connected) != 0) {
    connection_close(connection);
  }
  uv_freeaddrinfo(found);
}

static void on_redial(uv_timer_t *timer) {
  struct dialer *dialer = timer->data;
  if (dialer->url.scheme == URL_IPC) {
    dial_local(dialer);
    return;
  }
  const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  char port[8];
  snprintf(port, sizeof port, "%u", dialer->url.port);
  dialer->lookup.data = dialer;
  if (uv_getaddrinfo(timer->loop, &dialer->lookup, on_resolved, dialer->url.host, port, &hints) !=
      0) {
    dial_later(dialer);
  }
}

static lcal_status add(struct dialers *dialers, const char *url, lcal_error *error) {
  struct dialer *dialer = &dialers->each[dialers->count];
  dialer->owner = dialers;
  dialer->wait_ms = REDIAL_MIN_MS;
  dialer->text = strdup(url);
  if (dialer->text == NULL) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for the cameras of `subscribe`");
  }
  dialers->count++;
  const lcal_status status = url_parse(&dialer->url, dialer->text, error);
  uv_timer_init(&dialers->daemon->loop, &dialer->redial);
  dialer->redial.data = dialer;
  return status == LCAL_OK && uv_timer_start(&dialer->redial, on_redial, 0, 0) != 0
             ? lcal_error_set(error, LCAL_SYSTEM, "cannot dial %s", url)
             : status;
}

lcal_status
dialers_open(struct dialers **dialers, struct daemon *daemon,
             void (*received)(void *owner, struct connection *connection, struct message *message),
             void (*closed)(void *owner, struct connection *connection), lcal_error *error) {
  const struct config_list *cameras = &daemon->config->subscribe;
  struct dialers *made = calloc(1, sizeof *made + cameras->count * sizeof made->each[0]);
  if (made == NULL) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for %zu cameras", cameras->count);
  }
  made->daemon = daemon;
  made->received = received;
  made->closed = closed;
  made->role = (struct connection_role){
      .own = LCAL__SP_SUB,
      .peer = LCAL__SP_PUB,
      .most_bytes = daemon->config->limits.message_bytes,
      .most_waiting = 1,
      .arrivals = &daemon->arrivals,
      .faults = daemon->counters.connection_faults[ENDPOINT_FRAMES],
      .admit = on_admit,
      .opened = on_opened,
      .received = on_received,
      .sent = on_sent,
      .closed = on_closed,
  };
  *dialers = made;
  lcal_status status = LCAL_OK;
  for (size_t i = 0; i < cameras->count && status == LCAL_OK; i++) {
    status = add(made, cameras->items[i], error);
  }
  return status;
}

void dialers_guard(struct dialers *dialers, uint64_t now_ns) {
  for (size_t i = 0; i < dialers->count; i++) {
    struct connection *connection = dialers->each[i].connection;
    if (connection != NULL) {
      connection_watch(connection, now_ns); /* what it closes is dialled again */
    }
  }
}

void dialers_close(struct dialers *dialers) {
  dialers->closing = true;
  for (size_t i = 0; i < dialers->count; i++) {
    struct dialer *dialer = &dialers->each[i];
    uv_close((uv_handle_t *)&dialer->redial, NULL);
    if (dialer->connection != NULL) {
      connection_close(dialer->connection);
    }
  }
}

void dialers_free(struct dialers *dialers) {
  if (dialers == NULL) {
    return;
  }
  for (size_t i = 0; i < dialers->count; i++) {
    free(dialers->each[i].text);
  }
  free(dialers);
}
