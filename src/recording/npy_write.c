#include "recording/npy.h"

#include <labelcal/recording.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void lcal__npy_header(char *buffer, const char *descr, const size_t *shape, size_t dimensions) {
  memset(buffer, ' ', LCAL__NPY_HEADER);
  memcpy(buffer, LCAL__NPY_MAGIC, 6);
  memcpy(buffer + 6, "\x01\x00", 2);
  buffer[8] = (char)(LCAL__NPY_HEADER - 10);
  buffer[9] = 0;
  char *text = buffer + 10;
  size_t room = LCAL__NPY_HEADER - 10;
  size_t at =
      (size_t)snprintf(text, room, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
  for (size_t d = 0; d < dimensions; d++) {
    at += (size_t)snprintf(text + at, room - at, "%zu%s", shape[d],
                           d + 1 < dimensions ? ", "
                           : dimensions == 1  ? ","
                                              : "");
  }
  at += (size_t)snprintf(text + at, room - at, "), }");
  text[at] = ' '; /* snprintf's terminator */
  buffer[LCAL__NPY_HEADER - 1] = '\n';
}

/* What is wrong with the arguments of lcal_npy_write, or NULL. */
static const char *check(const char *descr, const size_t *shape, size_t dimensions, size_t bytes) {
  size_t size = lcal__npy_value_size(descr, strlen(descr));
  if (size == 0) {
    return "its type is none of |u1 <u2 <u4 <u8 <f2 <f4 <f8";
  }
  if (dimensions == 0 || dimensions > LCAL__NPY_DIMENSIONS) {
    return "it has not 1 to 4 dimensions";
  }
  for (size_t d = 0; d < dimensions; d++) {
    if (__builtin_mul_overflow(size, shape[d], &size)) {
      return "its shape is larger than memory";
    }
  }
  return size == bytes ? NULL : "its bytes are not those of its shape";
}

lcal_status lcal_npy_write(const char *path, const char *descr, const size_t *shape,
                           size_t dimensions, const void *data, size_t bytes, lcal_error *error) {
  const char *fault = check(descr, shape, dimensions, bytes);
  if (fault) {
    return lcal_error_set(error, LCAL_ARGUMENT, "%s: cannot write this array: %s", path, fault);
  }
  FILE *file = fopen(path, "we");
  if (!file) {
    return lcal_error_set(error, LCAL_SYSTEM, "%s: cannot be written: %s", path, strerror(errno));
  }
  char header[LCAL__NPY_HEADER];
  lcal__npy_header(header, descr, shape, dimensions);
  int written = fwrite(header, sizeof header, 1, file) == 1 &&
                (bytes == 0 || fwrite(data, bytes, 1, file) == 1) && fflush(file) == 0;
  int cause = errno;
  if (fclose(file) != 0 && written) {
    written = 0;
    cause = errno;
  }
  if (!written) {
    unlink(path);
    return lcal_error_set(error, LCAL_SYSTEM, "%s: cannot be written: %s", path, strerror(cause));
  }
  return LCAL_OK;
}
