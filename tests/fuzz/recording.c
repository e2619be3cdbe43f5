#include "recording.h"

#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER     "recording-of-descriptors"
#define DESCRIPTOR 500

static const char *const names[RECORDING_FILES] = {"meta.json", "probs.npy", "labels.npy"};

const char *recording_folder(void) {
  static bool made;
  for (int i = 0; !made && i < RECORDING_FILES; i++) {
    char path[64];
    char target[64];
    snprintf(path, sizeof path, "%s/%s", FOLDER, names[i]);
    snprintf(target, sizeof target, "/proc/self/fd/%d", DESCRIPTOR + i);
    (void)mkdir(FOLDER, 0700);
    (void)symlink(target, path); /* it may be there already */
    REQUIRE(readlink(path, target, sizeof target) > 0);
  }
  made = true;
  return FOLDER;
}

void recording_write(enum recording_file file, const void *bytes, size_t length) {
  (void)close(DESCRIPTOR + (int)file);
  if (bytes) {
    int fd = memfd_create(names[file], 0);
    REQUIRE(fd >= 0 && pwrite(fd, bytes, length, 0) == (ssize_t)length);
    REQUIRE(dup2(fd, DESCRIPTOR + (int)file) >= 0 && close(fd) == 0);
  }
}
