#include "daemon/listener.h"
#include "daemon/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 128

struct listening {
  union stream_handle uv;
  struct listener *listener;
};

lcal_status listeners_check_paths(const struct config *config, lcal_error *error) {
  for (size_t e = 0; e < ENDPOINT_COUNT; e++) {
    for (size_t i = 0; i < config->listen[e].count; i++) {
      const lcal_status status = address_check(config->listen[e].items[i], error);
      if (status != LCAL_OK) {
        return status;
      }
    }
  }
  return LCAL_OK;
}

static void on_connection(uv_stream_t *server, int status) {
  const struct listening *listening = server->data;
  struct listener *listener = listening->listener;
  const bool local = address_is_local(&listener->address);
  if (status < 0) {
    log_limited(LOG_WARNING, "accept", "%s: %s", listener->url, uv_strerror(status));
    listener_close(listener); /* libuv would call again at once, for ever; the guard reopens it */
    return;
  }
  const struct listener_owner *owner = &listener->owner->owners[listener->endpoint];
  struct connection *connection = connection_create(server->loop, local, owner->role, owner->owner);
  if (connection == NULL) {
    return; /* no memory: the guard opens this listener again */
  }
  int descriptor;
  if (uv_accept(server, &connection->uv.stream) != 0 ||
      uv_fileno(&connection->uv.handle, &descriptor) != 0) {
    connection_close(connection);
    return;
  }
  connection->probe = listener_is_probe(listener, descriptor) ? listener : NULL;
  if (!connection->role->admit(connection->owner, connection)) {
    connection_close(connection);
    return;
  }
  if (!local) {
    connection_set_tcp(connection);
  }
  connection_start(connection);
}

static void on_closed(uv_handle_t *handle) {
  free(handle->data);
}

static int listen_on(struct listener *listener, int descriptor) {
  struct listening *listening = calloc(1, sizeof *listening);
  if (listening == NULL) {
    close(descriptor);
    return UV_ENOMEM;
  }
  uv_loop_t *loop = &listener->owner->daemon->loop;
  const bool local = address_is_local(&listener->address);
  if (local) {
    uv_pipe_init(loop, &listening->uv.local, 0);
  } else {
    uv_tcp_init(loop, &listening->uv.tcp);
  }
  listening->uv.handle.data = listening;
  listening->listener = listener;
  int result = local ? uv_pipe_open(&listening->uv.local, descriptor)
                     : uv_tcp_open(&listening->uv.tcp, descriptor);
  if (result != 0) {
    close(descriptor);
  } else {
    result = uv_listen(&listening->uv.stream, BACKLOG, on_connection);
  }
  if (result != 0) {
    uv_close(&listening->uv.handle, on_closed);
    return result;
  }
  listener->open = listening;
  return 0;
}

static void remember_file(struct listener *listener) {
  struct stat status;
  if (address_is_local(&listener->address) &&
      lstat(listener->address.of.local.sun_path, &status) == 0) {
    listener->device = status.st_dev;
    listener->file = status.st_ino;
  }
}

/* Removes the socket's file, unless another has taken its place. */
static void remove_file(const struct listener *listener) {
  const char *path = listener->address.of.local.sun_path;
  struct stat status;
  if (address_is_local(&listener->address) && lstat(path, &status) == 0 &&
      status.st_dev == listener->device && status.st_ino == listener->file) {
    unlink(path);
  }
}

lcal_status listener_open(struct listener *listener, lcal_error *error) {
  lcal_error cause;
  int descriptor;
  lcal_status status = address_bind(
      &listener->address, listener->owner->daemon->config->socket_mode, &descriptor, &cause);
  if (status == LCAL_OK) {
    remember_file(listener);
    const int result = listen_on(listener, descriptor);
    if (result != 0) {
      remove_file(listener);
      status = lcal_error_set(
          &cause, LCAL_SYSTEM, "%s%s", uv_strerror(result),
          result == UV_EADDRINUSE ? ": stop what listens there, or change the configuration" : "");
    }
  }
  return status == LCAL_OK
             ? LCAL_OK
             : lcal_error_set(error, status, "listen.%s: cannot listen on %s: %.160s",
                              endpoint_words[listener->endpoint], listener->url, cause.message);
}

void listener_close(struct listener *listener) {
  if (listener->open != NULL) {
    remove_file(listener);
    uv_close(&listener->open->uv.handle, on_closed);
    listener->open = NULL;
  }
}

static lcal_status add(struct listeners *listeners, enum endpoint endpoint, const char *url,
                       lcal_error *error) {
  struct listener *listener = &listeners->each[listeners->count++];
  listener->owner = listeners;
  listener->endpoint = endpoint;
  listener->probe = -1;
  listener->proved_ns = monotonic_ns();
  listener->url = strdup(url);
  if (listener->url == NULL) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for the listeners");
  }
  const lcal_status status = address_resolve(&listener->address, url, error);
  return status == LCAL_OK ? listener_open(listener, error) : status;
}

lcal_status listeners_open(struct listeners **listeners, struct daemon *daemon,
                           const struct listener_owner owners[ENDPOINT_COUNT], lcal_error *error) {
  const struct config *config = daemon->config;
  size_t count = 0;
  for (size_t e = 0; e < ENDPOINT_COUNT; e++) {
    count += config->listen[e].count;
  }
  struct listeners *made = calloc(1, sizeof *made + count * sizeof made->each[0]);
  if (made == NULL) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for %zu listeners", count);
  }
  made->daemon = daemon;
  memcpy(made->owners, owners, sizeof made->owners);
  *listeners = made;
  lcal_status status = LCAL_OK;
  for (size_t e = 0; e < ENDPOINT_COUNT && status == LCAL_OK; e++) {
    for (size_t i = 0; i < config->listen[e].count && status == LCAL_OK; i++) {
      status = add(made, (enum endpoint)e, config->listen[e].items[i], error);
    }
  }
  if (status != LCAL_OK) {
    listeners_close(made);
  }
  return status;
}

void listeners_close(struct listeners *listeners) {
  for (size_t i = 0; i < listeners->count; i++) {
    listener_end_probe(&listeners->each[i]);
    listener_close(&listeners->each[i]);
  }
}

void listeners_free(struct listeners *listeners) {
  if (listeners == NULL) {
    return;
  }
  for (size_t i = 0; i < listeners->count; i++) {
    free(listeners->each[i].url);
  }
  free(listeners);
}
