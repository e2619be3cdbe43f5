#include "store/durable.h"
#include "store/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Reading. */

/* The whole of a file that fstat says has `length` bytes; 0, or errno, or -1 if it has fewer. */
static int read_all(int fd, uint8_t *bytes, size_t length) {
  while (length > 0) {
    ssize_t got = read(fd, bytes, length);
    if (got < 0 && errno != EINTR) {
      return errno;
    }
    if (got == 0) {
      return -1;
    }
    if (got > 0) {
      bytes += got;
      length -= (size_t)got;
    }
  }
  return 0;
}

/* Reads an open file and decodes it; the error does not name the file yet. */
static lcal_status load_fd(lcal_snapshot **snapshot, int fd, uint64_t *size, lcal_error *error) {
  struct stat status;
  if (fstat(fd, &status) != 0) {
    return lcal_error_set(error, LCAL_SYSTEM, "cannot be examined: %s", strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return lcal_error_set(error, LCAL_BAD_DATA, "it is not a regular file");
  }
  size_t length = (size_t)status.st_size;
  *size = length;
  uint8_t *bytes = malloc(length + 1);
  if (!bytes) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory to read its %zu bytes", length);
  }
  int fault = read_all(fd, bytes, length);
  lcal_status result = LCAL_OK;
  if (fault == 0) {
    result = lcal_snapshot_decode(snapshot, bytes, length, error);
  } else { /* a disk that cannot read it back is data that does not read */
    result =
        lcal_error_set(error, fault == -1 || fault == EIO ? LCAL_BAD_DATA : LCAL_SYSTEM,
                       "cannot be read: %s", fault == -1 ? "it became shorter" : strerror(fault));
  }
  free(bytes);
  return result;
}

static lcal_status load_open(lcal_snapshot **snapshot, int fd, int open_fault, uint64_t *size,
                             lcal_error *error) {
  if (fd < 0) { /* ELOOP: a symbolic link; ENXIO: a socket */
    return lcal_error_set(error,
                          open_fault == ELOOP || open_fault == ENXIO || open_fault == EIO
                              ? LCAL_BAD_DATA
                              : LCAL_SYSTEM,
                          "cannot be opened: %s", strerror(open_fault));
  }
  lcal_status status = load_fd(snapshot, fd, size, error);
  close(fd);
  return status;
}

/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
#define LOAD_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

lcal_status lcal__snapshot_load_at(lcal_snapshot **snapshot, int directory_fd,
                                   const char *directory, const char *name, uint64_t *bytes,
                                   lcal_error *error) {
  lcal_error fault;
  int fd = openat(directory_fd, name, LOAD_FLAGS);
  lcal_status status = load_open(snapshot, fd, errno, bytes, &fault);
  return status == LCAL_OK
             ? LCAL_OK
             : lcal_error_set(error, status, "%s/%s: %s", directory, name, fault.message);
}

lcal_status lcal_snapshot_load(lcal_snapshot **snapshot, const char *path, lcal_error *error) {
  lcal_error fault;
  uint64_t bytes = 0;
  int fd = open(path, LOAD_FLAGS);
  lcal_status status = load_open(snapshot, fd, errno, &bytes, &fault);
  return status == LCAL_OK ? LCAL_OK : lcal_error_set(error, status, "%s: %s", path, fault.message);
}

/* ---- Writing. */

/* Writes `name` of an open folder by way of a temporary file of this process. */
static lcal_status save_at(const char *path, int folder_fd, const char *name, const void *bytes,
                           size_t length, lcal_error *error) {
  struct stat status;
  if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(status.st_mode)) {
    return lcal_error_set(error, LCAL_SYSTEM,
                          "%s: is there and not a regular file; name another file", path);
  }
  char temporary[NAME_MAX + 1];
  int needed = snprintf(temporary, sizeof temporary, "%s.%ld.tmp", name, (long)getpid());
  if (needed >= (int)sizeof temporary) {
    return lcal_error_set(error, LCAL_SYSTEM, "%s: the name is too long", path);
  }
  const struct lcal__durable file = {
      .folder_fd = folder_fd, .name = name, .temporary = temporary, .mode = 0666, .replace = true};
  enum lcal__step step = LCAL__STEP_CREATE;
  int fault = lcal__durable_write(&file, bytes, length, &step);
  return fault == 0 ? LCAL_OK
                    : lcal_error_set(error, LCAL_SYSTEM, "%s: cannot %s: %s", path,
                                     lcal__step_words(step), strerror(fault));
}

static lcal_status save_bytes(const char *path, const void *bytes, size_t length,
                              lcal_error *error) {
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  if (*name == '\0') {
    return lcal_error_set(error, LCAL_ARGUMENT, "%s: names a folder, not a file", path);
  }
  char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
  if (!folder) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory to write %s", path);
  }
  int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int fault = errno;
  free(folder);
  if (folder_fd < 0) {
    return lcal_error_set(error, LCAL_SYSTEM, "%s: its folder cannot be opened: %s", path,
                          strerror(fault));
  }
  lcal_status status = save_at(path, folder_fd, name, bytes, length, error);
  close(folder_fd);
  return status;
}

lcal_status lcal_snapshot_save(const lcal_snapshot *snapshot, const char *path, lcal_error *error) {
  uint8_t *bytes = NULL;
  size_t length = 0;
  lcal_status status = lcal_snapshot_encode(snapshot, &bytes, &length, error);
  if (status == LCAL_OK) {
    status = save_bytes(path, bytes, length, error);
    free(bytes);
  }
  return status;
}
