#include "daemon/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct notify {
  int fd; /* -1: nobody listens */
  struct sockaddr_un address;
  socklen_t address_length;
  uint64_t watchdog_ns; /* half its period, or 0 */
};

/* A whole decimal number; false for anything else. */
static bool parse_number(const char *text, uint64_t *value) {
  if (!text || text[0] == '\0' || text[strspn(text, "0123456789")] != '\0') {
    return false;
  }
  errno = 0;
  *value = strtoull(text, NULL, 10);
  return errno == 0;
}

/* The watchdog counts only if it is meant for this process. */
static uint64_t watchdog_of_environment(void) {
  uint64_t microseconds = 0;
  uint64_t pid = 0;
  if (!parse_number(getenv("WATCHDOG_USEC"), &microseconds) || microseconds > UINT64_MAX / 1000) {
    return 0;
  }
  const char *whose = getenv("WATCHDOG_PID");
  if (whose && (!parse_number(whose, &pid) || pid != (uint64_t)getpid())) {
    return 0;
  }
  return microseconds * 1000 / 2;
}

/* `@name` is abstract: a NUL in place of the @, and no NUL at the end. */
static bool set_address(struct notify *notify, const char *path) {
  size_t length = strlen(path);
  if ((path[0] != '/' && path[0] != '@') || length < 2 ||
      length >= sizeof notify->address.sun_path) {
    return false;
  }
  notify->address.sun_family = AF_UNIX;
  memcpy(notify->address.sun_path, path, length);
  if (path[0] == '@') {
    notify->address.sun_path[0] = '\0';
  }
  notify->address_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  return true;
}

static lcal_status open_socket(struct notify *notify, const char *path, lcal_error *error) {
  if (!set_address(notify, path)) {
    return lcal_error_set(error, LCAL_SYSTEM,
                          "NOTIFY_SOCKET=%.100s is neither an absolute path nor an abstract "
                          "@name of at most 107 bytes; unset it or correct it",
                          path);
  }
  notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (notify->fd < 0) {
    return lcal_error_set(error, LCAL_SYSTEM, "no socket for the service manager: %s",
                          strerror(errno));
  }
  return LCAL_OK;
}

lcal_status notify_create(struct notify **notify, lcal_error *error) {
  *notify = NULL;
  struct notify *made = calloc(1, sizeof *made);
  if (!made) {
    return lcal_error_set(error, LCAL_MEMORY, "out of memory");
  }
  made->fd = -1;
  const char *path = getenv("NOTIFY_SOCKET");
  lcal_status status = path ? open_socket(made, path, error) : LCAL_OK;
  if (status != LCAL_OK) {
    free(made);
    return status;
  }
  made->watchdog_ns = path ? watchdog_of_environment() : 0;
  unsetenv("NOTIFY_SOCKET");
  unsetenv("WATCHDOG_USEC");
  unsetenv("WATCHDOG_PID");
  *notify = made;
  return LCAL_OK;
}

void notify_destroy(struct notify *notify) {
  if (notify && notify->fd >= 0) {
    close(notify->fd);
  }
  free(notify);
}

static bool send_text(struct notify *notify, const char *text) {
  if (notify->fd < 0) {
    return true;
  }
  size_t length = strlen(text);
  ssize_t sent;
  do {
    sent = sendto(notify->fd, text, length, MSG_NOSIGNAL, (const struct sockaddr *)&notify->address,
                  notify->address_length);
  } while (sent < 0 && errno == EINTR);
  return sent == (ssize_t)length;
}

/* Sends `before` and a STATUS= line; a newline within the status would begin another field. */
static bool send_status(struct notify *notify, const char *before, const char *status) {
  char text[1024];
  int length = snprintf(text, sizeof text, "%sSTATUS=%.900s", before, status);
  for (int i = (int)strlen(before); i < length; i++) {
    if (text[i] == '\n') {
      text[i] = ' ';
    }
  }
  return send_text(notify, text);
}

bool notify_ready(struct notify *notify, const char *status) {
  return send_status(notify, "READY=1\n", status);
}

bool notify_status(struct notify *notify, const char *status) {
  return send_status(notify, "", status);
}

bool notify_reloading(struct notify *notify) {
  struct timespec now;
  char text[80];
  clock_gettime(CLOCK_MONOTONIC, &now);
  uint64_t microseconds = (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
  snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, microseconds);
  return send_text(notify, text);
}

bool notify_stopping(struct notify *notify) {
  return send_text(notify, "STOPPING=1");
}

bool notify_watchdog(struct notify *notify) {
  return send_text(notify, "WATCHDOG=1");
}

uint64_t notify_watchdog_ns(const struct notify *notify) {
  return notify->watchdog_ns;
}
