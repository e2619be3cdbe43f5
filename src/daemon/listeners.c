#include "daemon/acceptor.h"
#include "daemon/listener.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* The descriptor becomes the stream's, or is closed. */
static int take(struct connection *connection, bool local, int descriptor) {
  const int result = local ? uv_pipe_open(&connection->uv.local, descriptor)
                           : uv_tcp_open(&connection->uv.tcp, descriptor);
  if (result != 0) {
    close(descriptor);
  }
  return result;
}

static void on_accepted(void *context, int descriptor) {
  struct listener *listener = context;
  const bool local = address_is_local(&listener->address);
  const struct listener_owner *owner = &listener->owner->owners[listener->endpoint];
  struct connection *connection =
      connection_create(&listener->owner->daemon->loop, local, owner->role, owner->owner);
  if (connection == NULL) {
    close(descriptor);
    return;
  }
  listener->accepted = true;
  connection->probe = listener_is_probe(listener, descriptor) ? listener : NULL;
  connection->last = acceptor_is_last(descriptor);
  if (take(connection, local, descriptor) != 0 ||
      !connection->role->admit(connection->owner, connection)) {
    connection_close(connection);
    return;
  }
  if (!local) {
    connection_set_tcp(connection);
  }
  connection_start(connection);
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
    const int result = acceptor_open(&listener->open, &listener->owner->daemon->loop, descriptor,
                                     on_accepted, listener);
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
    acceptor_close(listener->open);
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
