#include "client/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const words[LCAL_SOCKET_COUNT] = {
    [LCAL_SOCKET_FRAMES] = "frames",   [LCAL_SOCKET_CALIBRATE] = "calibrate",
    [LCAL_SOCKET_LABELS] = "labels",   [LCAL_SOCKET_STATE] = "state",
    [LCAL_SOCKET_CONTROL] = "control",
};

const char *lcal_socket_word(lcal_socket socket) {
  return (unsigned)socket < LCAL_SOCKET_COUNT ? words[socket] : "unknown";
}

/* PREFIX DIRECTORY SUFFIX /WORD in one heap block. */
static char *join(const char *prefix, const char *directory, const char *suffix, const char *word) {
  char *text;
  return asprintf(&text, "%s%s%s/%s", prefix, directory, suffix, word) < 0 ? NULL : text;
}

/* Whether a user's own daemon has (or had) its sockets in DIRECTORY/labelcal. */
static int has_sockets(const char *directory) {
  for (int i = 0; i < LCAL_SOCKET_COUNT; i++) {
    struct stat file;
    char *path = join("", directory, "/labelcal", words[i]);
    int found = path && stat(path, &file) == 0 && S_ISSOCK(file.st_mode);
    free(path);
    if (found) {
      return 1;
    }
  }
  return 0;
}

lcal_status lcal__place_url(char **url, const lcal_client_options *options, lcal_socket socket,
                            lcal_error *error) {
  const char *directory = options->runtime_dir;
  const char *suffix = "";
  if (!directory) {
    directory = getenv("RUNTIME_DIRECTORY");
  }
  if (!directory || !*directory) {
    const char *xdg = getenv("XDG_RUNTIME_DIR");
    int own = xdg && *xdg && has_sockets(xdg);
    directory = own ? xdg : "/run";
    suffix = "/labelcal";
  }
  *url = options->url[socket] ? strdup(options->url[socket])
                              : join("ipc://", directory, suffix, words[socket]);
  return *url ? LCAL_OK : lcal_error_set(error, LCAL_MEMORY, "no memory for a socket's URL");
}
