#include "store/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

const char *lcal__step_words(enum lcal__step step) {
  static const char *const words[] = {
#define WORDS(symbol, words) words,
      LCAL__STEP_MAP(WORDS)
#undef WORDS
  };
  return words[step];
}

static int create_file(const struct lcal__durable *file, int *fd) {
  *fd = openat(file->folder_fd, file->temporary,
               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file->mode);
  return *fd < 0 ? errno : 0;
}

/* Where the file system cannot reserve, write() finds out. */
static int reserve(int fd, size_t length) {
  int result = 0;
  if (length == 0) {
    return 0;
  }
  do {
    result = fallocate(fd, 0, 0, (off_t)length);
  } while (result != 0 && errno == EINTR);
  return result == 0 || errno == EOPNOTSUPP || errno == ENOSYS ? 0 : errno;
}

static int write_all(int fd, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = write(fd, bytes, length);
    if (written < 0 && errno != EINTR) {
      return errno;
    }
    if (written > 0) {
      bytes += written;
      length -= (size_t)written;
    }
  }
  return 0;
}

static int sync_fd(int fd) {
  int result = 0;
  do {
    result = fsync(fd);
  } while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

/* Linux closes the descriptor whatever it returns, also with EINTR, which says nothing of data
 * that was fsynced before. */
static int close_file(int *fd) {
  int result = close(*fd);
  *fd = -1;
  return result == 0 || errno == EINTR ? 0 : errno;
}

static int rename_file(const struct lcal__durable *file) {
  return renameat(file->folder_fd, file->temporary, file->folder_fd, file->name) == 0 ? 0 : errno;
}

static int take_step(const struct lcal__durable *file, enum lcal__step step, const void *bytes,
                     size_t length, int *fd) {
  int fault = file->hook ? file->hook(file->context, step) : 0;
  if (fault != 0) {
    return fault;
  }
  switch (step) {
  case LCAL__STEP_CREATE:
    return create_file(file, fd);
  case LCAL__STEP_RESERVE:
    return reserve(*fd, length);
  case LCAL__STEP_WRITE:
    return write_all(*fd, bytes, length);
  case LCAL__STEP_SYNC:
    return sync_fd(*fd);
  case LCAL__STEP_CLOSE:
    return close_file(fd);
  case LCAL__STEP_RENAME:
    return rename_file(file);
  case LCAL__STEP_SYNC_FOLDER:
    return sync_fd(file->folder_fd);
  case LCAL__STEP_COUNT:
    break;
  }
  return EINVAL;
}

/* Leaves nothing of a sequence that failed at `step`. */
static void undo(const struct lcal__durable *file, enum lcal__step step, int fd) {
  if (fd >= 0) {
    close(fd);
  }
  if (step > LCAL__STEP_CREATE && step <= LCAL__STEP_RENAME) {
    unlinkat(file->folder_fd, file->temporary, 0);
  }
  if (step == LCAL__STEP_SYNC_FOLDER && !file->replace) {
    unlinkat(file->folder_fd, file->name, 0);
  }
}

int lcal__durable_write(const struct lcal__durable *file, const void *bytes, size_t length,
                        enum lcal__step *failed) {
  int fd = -1;
  for (enum lcal__step step = LCAL__STEP_CREATE; step < LCAL__STEP_COUNT; step++) {
    int fault = take_step(file, step, bytes, length, &fd);
    if (fault != 0) {
      undo(file, step, fd);
      *failed = step;
      return fault;
    }
  }
  return 0;
}
