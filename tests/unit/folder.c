#include "folder.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[PATH_MAX];

const char *folder_make(void) {
  const char *base = getenv("TMPDIR");
  snprintf(root, sizeof root, "%s/labelcal-test-XXXXXX", base ? base : "/tmp");
  assert_non_null(mkdtemp(root));
  return root;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk) {
  (void)status, (void)type, (void)walk;
  return remove(path);
}

void folder_remove(void) {
  assert_int_equal(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
  root[0] = '\0';
}

const char *folder_path(const char *name) {
  static char paths[8][PATH_MAX + 256];
  static unsigned next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", root, name);
  return path;
}

void folder_write(const char *name, const void *bytes, size_t length) {
  FILE *file = fopen(folder_path(name), "we");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, length, file), length);
  assert_int_equal(fclose(file), 0);
}

int folder_has(const char *name) {
  return faccessat(AT_FDCWD, folder_path(name), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

unsigned char *folder_read(const char *name, size_t *length) {
  FILE *file = fopen(folder_path(name), "re");
  struct stat status;
  assert_non_null(file);
  assert_int_equal(fstat(fileno(file), &status), 0);
  *length = (size_t)status.st_size;
  unsigned char *bytes = malloc(*length + 1);
  assert_non_null(bytes);
  assert_int_equal(fread(bytes, 1, *length, file), *length);
  fclose(file);
  return bytes;
}
