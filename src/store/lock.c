#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The process id in the file, 0 if there is none. */
static long read_holder(int fd) {
  char text[24] = "";
  ssize_t got = pread(fd, text, sizeof text - 1, 0);
  long holder = got > 0 ? strtol(text, NULL, 10) : 0;
  return holder > 0 ? holder : 0;
}

static void write_holder(int fd) {
  char text[24];
  int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
  /* For people only: the lock is the flock, so a failure changes nothing. */
  if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)length, 0) != length) {
    return;
  }
}

/* Whether the file that was locked is still the one of that name. */
static bool is_still_there(int directory_fd, int fd) {
  struct stat locked;
  struct stat named;
  return fstat(fd, &locked) == 0 &&
         fstatat(directory_fd, "lock", &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         locked.st_dev == named.st_dev && locked.st_ino == named.st_ino;
}

static lcal_status lock_file(int fd, const char *directory, lcal_error *error) {
  struct stat status;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    return lcal_error_set(error, LCAL_BAD_CONFIG, "%s/lock: is not a regular file; remove it",
                          directory);
  }
  int result = 0;
  do {
    result = flock(fd, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result == 0) {
    return LCAL_OK;
  }
  if (errno != EWOULDBLOCK) {
    return lcal_error_set(error, LCAL_BAD_CONFIG, "%s/lock: cannot be locked: %s", directory,
                          strerror(errno));
  }
  long holder = read_holder(fd);
  char who[40] = "";
  if (holder > 0) {
    snprintf(who, sizeof who, " (process %ld)", holder);
  }
  return lcal_error_set(error, LCAL_SYSTEM,
                        "%s is in use by another labelcald%s; stop it, or name another directory",
                        directory, who);
}

static lcal_status take_in(int directory_fd, int *fd, const char *directory, lcal_error *error) {
  for (;;) {
    *fd =
        openat(directory_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0640);
    if (*fd < 0) {
      return lcal_error_set(error, LCAL_BAD_CONFIG, "%s/lock: cannot be made or opened: %s",
                            directory, strerror(errno));
    }
    lcal_status status = lock_file(*fd, directory, error);
    if (status == LCAL_OK && is_still_there(directory_fd, *fd)) {
      write_holder(*fd);
      return LCAL_OK;
    }
    close(*fd); /* unlinked by someone between open and lock: the new one is what counts */
    if (status != LCAL_OK) {
      return status;
    }
  }
}

lcal_status lcal__lock_take(int *fd, const char *directory, lcal_error *error) {
  int directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory_fd < 0) {
    return lcal_error_set(error, LCAL_BAD_CONFIG, "%s: cannot be opened as a directory: %s",
                          directory, strerror(errno));
  }
  lcal_status status = take_in(directory_fd, fd, directory, error);
  close(directory_fd);
  return status;
}

void lcal__lock_release(int fd) {
  if (fd >= 0) {
    close(fd);
  }
}
