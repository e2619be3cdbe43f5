#include "store/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIGITS 12

static const char *const suffixes[] = {[LCAL__FILE_SNAPSHOT] = ".snapshot",
                                       [LCAL__FILE_TEMPORARY] = ".snapshot.tmp",
                                       [LCAL__FILE_BROKEN] = ".snapshot.broken"};

void lcal__file_name(char *name, uint64_t number, enum lcal__file_kind kind) {
  snprintf(name, LCAL__FILE_NAME_BYTES, "%0*" PRIu64 "%s", DIGITS, number, suffixes[kind]);
}

bool lcal__file_parse(const char *name, uint64_t *number, enum lcal__file_kind *kind) {
  uint64_t value = 0;
  for (int i = 0; i < DIGITS; i++) {
    if (name[i] < '0' || name[i] > '9') {
      return false;
    }
    value = value * 10 + (uint64_t)(name[i] - '0');
  }
  for (int i = 0; i < 3; i++) {
    if (strcmp(name + DIGITS, suffixes[i]) == 0) {
      *number = value;
      *kind = (enum lcal__file_kind)i;
      return true;
    }
  }
  return false;
}

static int newest_first(const void *a, const void *b) {
  uint64_t left = ((const struct lcal__file_entry *)a)->number;
  uint64_t right = ((const struct lcal__file_entry *)b)->number;
  return (left < right) - (left > right);
}

struct entries {
  struct lcal__file_entry *items;
  size_t count, capacity;
};

static bool append(struct entries *entries, uint64_t number, enum lcal__file_kind kind) {
  if (entries->count == entries->capacity) {
    size_t capacity = entries->capacity ? 2 * entries->capacity : 64;
    void *grown = reallocarray(entries->items, capacity, sizeof *entries->items);
    if (!grown) {
      return false;
    }
    entries->items = grown;
    entries->capacity = capacity;
  }
  entries->items[entries->count++] = (struct lcal__file_entry){number, kind};
  return true;
}

/* 0 or errno. */
static int read_entries(DIR *stream, struct entries *entries) {
  for (;;) {
    uint64_t number = 0;
    enum lcal__file_kind kind = LCAL__FILE_SNAPSHOT;
    errno = 0;
    const struct dirent *entry = readdir(stream);
    if (!entry) {
      return errno;
    }
    if (lcal__file_parse(entry->d_name, &number, &kind) && !append(entries, number, kind)) {
      return ENOMEM;
    }
  }
}

lcal_status lcal__files_list(int folder_fd, const char *folder, struct lcal__file_entry **list,
                             size_t *count, lcal_error *error) {
  struct entries entries = {0};
  /* A descriptor of its own: closedir() closes it, and two readers would share one position. */
  int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = fd < 0 ? NULL : fdopendir(fd);
  int fault = stream ? read_entries(stream, &entries) : errno;
  if (stream) {
    closedir(stream);
  } else if (fd >= 0) {
    close(fd);
  }
  if (fault != 0) {
    free(entries.items);
    return lcal_error_set(error, fault == ENOMEM ? LCAL_MEMORY : LCAL_SYSTEM,
                          "%s: cannot be listed: %s", folder, strerror(fault));
  }
  if (entries.count > 0) {
    qsort(entries.items, entries.count, sizeof *entries.items, newest_first);
  }
  *list = entries.items;
  *count = entries.count;
  return LCAL_OK;
}
