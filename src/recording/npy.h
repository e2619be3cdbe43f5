/* numpy's .npy files: a read-only mapping of one, and the header to write one.
 *
 * Versions 1 and 2 are read, C order only. Every byte is hostile: what the header says is
 * checked against the file's size before anything is read through it. */
#ifndef RECORDING_NPY_H
#define RECORDING_NPY_H

#include <labelcal/status.h>
#include <stddef.h>
#include <stdint.h>

#define LCAL__NPY_MAGIC      "\x93NUMPY" /* 6 bytes */
#define LCAL__NPY_DIMENSIONS 4

/* Bytes of a header as written here, whatever the shape: it can be written again in place. */
#define LCAL__NPY_HEADER 192

struct lcal__npy {
  char descr[4]; /* "|u1", "<f4" ... */
  size_t shape[LCAL__NPY_DIMENSIONS];
  size_t dimensions;
  const uint8_t *data; /* C order, data_bytes of it; any alignment */
  size_t data_bytes;
  void *map; /* the whole file; NULL when only parsed */
  size_t map_bytes;
};

/* Bytes of one value of a type that is read and written here, 0 for any other. */
size_t lcal__npy_value_size(const char *descr, size_t length);

/* Reads a whole file's bytes; data points into them. NULL, or what is wrong with them. */
const char *lcal__npy_parse(struct lcal__npy *npy, const uint8_t *bytes, size_t length);

/* Maps directory/name. A file that shrinks while it is mapped ends the process (SIGBUS), as with
 * any mapping. LCAL_BAD_DATA, LCAL_SYSTEM; `missing` (may be NULL) is set if it does not exist. */
lcal_status lcal__npy_open(struct lcal__npy *npy, int directory_fd, const char *directory,
                           const char *name, int *missing, lcal_error *error);
void lcal__npy_close(struct lcal__npy *npy); /* a zeroed one is fine */

/* Writes the header of an array into buffer (LCAL__NPY_HEADER bytes). */
void lcal__npy_header(char *buffer, const char *descr, const size_t *shape, size_t dimensions);

#endif
