#include "daemon/address.h"

#include "daemon/config_url.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool address_is_local(const struct address *address) {
  return address->of.any.sa_family == AF_UNIX;
}

bool address_equal(const struct address *a, const struct address *b) {
  if (a->of.any.sa_family != b->of.any.sa_family) {
    return false;
  }
  switch (a->of.any.sa_family) {
  case AF_UNIX:
    return strcmp(a->of.local.sun_path, b->of.local.sun_path) == 0;
  case AF_INET:
    return a->of.v4.sin_port == b->of.v4.sin_port &&
           a->of.v4.sin_addr.s_addr == b->of.v4.sin_addr.s_addr;
  default:
    return a->of.v6.sin6_port == b->of.v6.sin6_port &&
           memcmp(&a->of.v6.sin6_addr, &b->of.v6.sin6_addr, sizeof a->of.v6.sin6_addr) == 0;
  }
}

static void take(struct address *address, const struct addrinfo *info) {
  memcpy(&address->of, info->ai_addr, info->ai_addrlen);
  address->length = info->ai_addrlen;
}

static lcal_status resolve_tcp(struct address *address, const struct url *url, lcal_error *error) {
  const struct addrinfo hints = {
      .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
  struct addrinfo *found;
  char port[8];
  snprintf(port, sizeof port, "%u", url->port);
  const int result = getaddrinfo(url->host, port, &hints, &found);
  if (result != 0) {
    return lcal_error_set(error, LCAL_SYSTEM, "%s: %s", url->host, gai_strerror(result));
  }
  take(address, found);
  for (const struct addrinfo *info = found; info != NULL; info = info->ai_next) {
    if (info->ai_family == AF_INET) {
      take(address, info);
      break;
    }
  }
  freeaddrinfo(found);
  return LCAL_OK;
}

lcal_status address_resolve(struct address *address, const char *url, lcal_error *error) {
  struct url parsed;
  *address = (struct address){.length = 0};
  const lcal_status status = url_parse(&parsed, url, error);
  if (status != LCAL_OK) {
    return status;
  }
  if (parsed.scheme != URL_IPC) {
    return resolve_tcp(address, &parsed, error);
  }
  address->of.local.sun_family = AF_UNIX;
  snprintf(address->of.local.sun_path, sizeof address->of.local.sun_path, "%s", parsed.path);
  address->length = sizeof address->of.local;
  return LCAL_OK;
}

static lcal_status check_path(const char *path, lcal_error *error) {
  struct stat status;
  if (lstat(path, &status) != 0) {
    return errno == ENOENT
               ? LCAL_OK
               : lcal_error_set(error, LCAL_SYSTEM, "cannot look at %s: %s", path, strerror(errno));
  }
  return S_ISSOCK(status.st_mode)
             ? LCAL_OK
             : lcal_error_set(error, LCAL_SYSTEM,
                              "%s is not a socket: move it away, or listen on another path", path);
}

lcal_status address_check(const char *url, lcal_error *error) {
  struct url parsed;
  const lcal_status status = url_parse(&parsed, url, error);
  return status == LCAL_OK && parsed.scheme == URL_IPC ? check_path(parsed.path, error) : status;
}

/* Whether nobody listens at a unix socket's file: it was left by a process that was killed. */
static bool is_stale(const struct address *address) {
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) {
    return false;
  }
  const bool refused =
      connect(probe, &address->of.any, address->length) != 0 && errno == ECONNREFUSED;
  close(probe);
  return refused;
}

/* 0 or errno. */
static int bind_local(const struct address *address, unsigned mode, int descriptor) {
  const char *path = address->of.local.sun_path;
  int result = bind(descriptor, &address->of.any, address->length);
  if (result != 0 && errno == EADDRINUSE && is_stale(address) && unlink(path) == 0) {
    result = bind(descriptor, &address->of.any, address->length);
  }
  if (result != 0) {
    return errno;
  }
  return chmod(path, mode) == 0 ? 0 : errno;
}

static int bind_tcp(const struct address *address, int descriptor) {
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return bind(descriptor, &address->of.any, address->length) == 0 ? 0 : errno;
}

lcal_status address_bind(const struct address *address, unsigned mode, int *descriptor,
                         lcal_error *error) {
  const bool local = address_is_local(address);
  lcal_status status = local ? check_path(address->of.local.sun_path, error) : LCAL_OK;
  if (status != LCAL_OK) {
    return status;
  }
  const int made = socket(address->of.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (made < 0) {
    return lcal_error_set(error, LCAL_SYSTEM, "%s", strerror(errno));
  }
  const int result = local ? bind_local(address, mode, made) : bind_tcp(address, made);
  if (result != 0) {
    close(made);
    return lcal_error_set(
        error, LCAL_SYSTEM, "%s%s", strerror(result),
        result == EADDRINUSE ? ": stop what listens there, or change the configuration" : "");
  }
  *descriptor = made;
  return LCAL_OK;
}

bool address_of_own(struct address *address, int descriptor) {
  *address = (struct address){.length = sizeof address->of};
  return getsockname(descriptor, &address->of.any, &address->length) == 0;
}

bool address_of_peer(struct address *address, int descriptor) {
  *address = (struct address){.length = sizeof address->of};
  return getpeername(descriptor, &address->of.any, &address->length) == 0;
}
