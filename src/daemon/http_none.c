/* A build without libwebsockets: HTTP is off, and a configuration that wants it is refused. */
#include "daemon/daemon.h"

lcal_status http_start(struct daemon *daemon, lcal_error *error) {
  if (!daemon->config->http) {
    return LCAL_OK;
  }
  return lcal_error_set(error, LCAL_BAD_CONFIG,
                        "listen.http: %s, but this labelcald was built without HTTP "
                        "(libwebsockets); set listen.http: off or start with --http off",
                        daemon->config->http);
}

void http_stop(struct daemon *daemon) {
  (void)daemon;
}

void http_destroy(struct daemon *daemon) {
  (void)daemon;
}

bool http_owns(const struct daemon *daemon, const uv_handle_t *handle) {
  (void)daemon;
  (void)handle;
  return false;
}
