#include "daemon/directories.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One of the two directories, and where it may come from. */
struct kind {
  const char *what, *flag, *variable, *of_root;
};

static const struct kind runtime_kind = {"runtime", "--runtime-dir", "RUNTIME_DIRECTORY",
                                         "/run/labelcal"};
static const struct kind state_kind = {"state", "--state-dir", "STATE_DIRECTORY",
                                       "/var/lib/labelcal"};

static lcal_status out_of_memory(lcal_error *error) {
  return lcal_error_set(error, LCAL_MEMORY, "out of memory");
}

static bool has_dots(const char *path) {
  for (const char *part = path; (part = strstr(part, "/.")) != NULL; part++) {
    const char *end = part + 2 + (part[2] == '.');
    if (*end == '/' || *end == '\0') {
      return true;
    }
  }
  return false;
}

/* Absolute, without `.`, `..` or a slash at the end. */
static lcal_status make_absolute(char **absolute, const char *path, lcal_error *error) {
  bool plain = path[0] == '/' && !has_dots(path);
  char *made = plain ? strdup(path) : realpath(path, NULL);
  if (!made && errno == ENOMEM) {
    return out_of_memory(error);
  }
  if (!made) {
    return lcal_error_set(error, LCAL_BAD_CONFIG, "%.150s: %s; create it or name another", path,
                          strerror(errno));
  }
  size_t length = strlen(made);
  while (length > 1 && made[length - 1] == '/') {
    made[--length] = '\0';
  }
  *absolute = made;
  return LCAL_OK;
}

static lcal_status must_exist(const struct kind *kind, const char *path, const char *source,
                              lcal_error *error) {
  struct stat status;
  if (stat(path, &status) != 0) {
    return lcal_error_set(error, LCAL_BAD_CONFIG,
                          "the %s directory %.120s (%s): %s; create it or name another by %s",
                          kind->what, path, source, strerror(errno), kind->flag);
  }
  if (!S_ISDIR(status.st_mode)) {
    return lcal_error_set(error, LCAL_BAD_CONFIG,
                          "the %s directory %.120s (%s) is not a directory; name another by %s",
                          kind->what, path, source, kind->flag);
  }
  return LCAL_OK;
}

/* Takes the first of a colon-separated list; relative ones are refused, as systemd gives none. */
static lcal_status of_environment(char **path, const struct kind *kind, const char *list,
                                  lcal_error *error) {
  *path = strndup(list, strcspn(list, ":"));
  if (!*path) {
    return out_of_memory(error);
  }
  if (**path != '/') {
    lcal_error_set(error, LCAL_BAD_CONFIG, "$%s=%.120s is not absolute; correct or unset it",
                   kind->variable, list);
    free(*path);
    *path = NULL;
    return LCAL_BAD_CONFIG;
  }
  return LCAL_OK;
}

/* Creates what is missing of `path` below its first `existing` bytes. */
static lcal_status create_below(char *path, size_t existing, lcal_error *error) {
  for (char *c = path + existing + 1;; c++) {
    char end = *c;
    if (end != '/' && end != '\0') {
      continue;
    }
    *c = '\0';
    bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
    int cause = errno;
    *c = end;
    if (!made) {
      return lcal_error_set(error, LCAL_BAD_CONFIG, "%.180s cannot be created: %s", path,
                            strerror(cause));
    }
    if (end == '\0') {
      return LCAL_OK;
    }
  }
}

/* $XDG_RUNTIME_DIR/labelcal. The base is the session's: never made by us. */
static lcal_status user_runtime(char **path, bool start, lcal_error *error) {
  const char *base = getenv("XDG_RUNTIME_DIR");
  if (!base || base[0] != '/') {
    return lcal_error_set(error, LCAL_BAD_CONFIG,
                          "XDG_RUNTIME_DIR is not set to an absolute path, so there is no place "
                          "for sockets; set it or use --runtime-dir");
  }
  if (asprintf(path, "%s/labelcal", base) < 0) {
    *path = NULL;
    return out_of_memory(error);
  }
  return start ? create_below(*path, strlen(base), error) : LCAL_OK;
}

/* $XDG_STATE_HOME/labelcal, else ~/.local/state/labelcal, with what is missing above it. */
static lcal_status user_state(char **path, bool start, lcal_error *error) {
  const char *base = getenv("XDG_STATE_HOME");
  const char *below = "/labelcal";
  if (!base || base[0] != '/') {
    base = getenv("HOME");
    below = "/.local/state/labelcal";
  }
  if (!base || base[0] != '/') {
    return lcal_error_set(error, LCAL_BAD_CONFIG,
                          "neither XDG_STATE_HOME nor HOME is set to an absolute path, so there "
                          "is no place for snapshots; set one or use --state-dir");
  }
  if (asprintf(path, "%s%s", base, below) < 0) {
    *path = NULL;
    return out_of_memory(error);
  }
  return start ? create_below(*path, 0, error) : LCAL_OK;
}

static lcal_status find(char **path, const struct kind *kind, const char *flag,
                        lcal_status (*of_user)(char **path, bool start, lcal_error *error),
                        bool start, lcal_error *error) {
  const char *environment = getenv(kind->variable);
  char *found = NULL;
  const char *source = kind->flag;
  lcal_status status;
  if (flag) {
    found = strdup(flag);
    status = found ? LCAL_OK : out_of_memory(error);
  } else if (environment && environment[0]) {
    source = kind->variable;
    status = of_environment(&found, kind, environment, error);
  } else if (geteuid() == 0) {
    source = "root's default";
    found = strdup(kind->of_root);
    status = found ? LCAL_OK : out_of_memory(error);
  } else {
    source = "XDG";
    status = of_user(&found, start, error);
  }
  if (status == LCAL_OK && found) {
    status = make_absolute(path, found, error);
  }
  free(found);
  return status == LCAL_OK && start ? must_exist(kind, *path, source, error) : status;
}

lcal_status directories_find(struct directories *directories, const char *runtime_flag,
                             const char *state_flag, bool start, lcal_error *error) {
  lcal_status status =
      find(&directories->runtime, &runtime_kind, runtime_flag, user_runtime, start, error);
  if (status == LCAL_OK) {
    status = find(&directories->state, &state_kind, state_flag, user_state, start, error);
  }
  return status;
}

void directories_free(struct directories *directories) {
  free(directories->runtime);
  free(directories->state);
  *directories = (struct directories){0};
}
