#include "recording/npy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

size_t lcal__npy_value_size(const char *descr, size_t length) {
  static const struct {
    char descr[4];
    size_t size;
  } types[] = {{"|u1", 1}, {"<u2", 2}, {"<u4", 4}, {"<u8", 8}, {"<f2", 2}, {"<f4", 4}, {"<f8", 8}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    if (length == 3 && memcmp(descr, types[i].descr, 3) == 0) {
      return types[i].size;
    }
  }
  return 0;
}

/* The header is the text of a Python dict; this reads the subset numpy writes. */
struct cursor {
  const char *at, *end;
};

static void skip_blanks(struct cursor *cursor) {
  while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t')) {
    cursor->at++;
  }
}

static bool take(struct cursor *cursor, char wanted) {
  skip_blanks(cursor);
  if (cursor->at == cursor->end || *cursor->at != wanted) {
    return false;
  }
  cursor->at++;
  return true;
}

static bool take_word(struct cursor *cursor, const char *word) {
  size_t length = strlen(word);
  skip_blanks(cursor);
  if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0) {
    return false;
  }
  cursor->at += length;
  return true;
}

/* A quoted string without escapes. */
static bool take_string(struct cursor *cursor, const char **text, size_t *length) {
  skip_blanks(cursor);
  if (cursor->at == cursor->end || (*cursor->at != '\'' && *cursor->at != '"')) {
    return false;
  }
  char quote = *cursor->at++;
  const char *close = memchr(cursor->at, quote, (size_t)(cursor->end - cursor->at));
  if (!close) {
    return false;
  }
  *text = cursor->at;
  *length = (size_t)(close - cursor->at);
  cursor->at = close + 1;
  return memchr(*text, '\\', *length) == NULL;
}

static bool take_size(struct cursor *cursor, size_t *value) {
  skip_blanks(cursor);
  const char *first = cursor->at;
  for (*value = 0; cursor->at < cursor->end; cursor->at++) {
    unsigned digit = (unsigned)(*cursor->at - '0');
    if (digit > 9) {
      break;
    }
    if (__builtin_mul_overflow(*value, (size_t)10, value) ||
        __builtin_add_overflow(*value, (size_t)digit, value)) {
      return false;
    }
  }
  return cursor->at > first;
}

/* (5,) or (2, 3) or (2, 3,). */
static const char *take_shape(struct cursor *cursor, struct lcal__npy *npy) {
  if (!take(cursor, '(')) {
    return "its shape is not a tuple of sizes";
  }
  bool comma = true;
  npy->dimensions = 0;
  while (!take(cursor, ')')) {
    if (npy->dimensions == LCAL__NPY_DIMENSIONS) {
      return "it has more than 4 dimensions";
    }
    if (!comma || !take_size(cursor, &npy->shape[npy->dimensions])) {
      return "its shape is not a tuple of sizes";
    }
    npy->dimensions++;
    comma = take(cursor, ',');
  }
  if (npy->dimensions == 0 || (npy->dimensions == 1 && !comma)) {
    return "its shape is not a tuple of sizes";
  }
  return NULL;
}

static const char *take_descr(struct cursor *cursor, struct lcal__npy *npy) {
  const char *text = NULL;
  size_t length = 0;
  if (!take_string(cursor, &text, &length)) {
    return "its type is not a plain one";
  }
  if (length > 0 && *text == '>') {
    return "it is big-endian; save it little-endian";
  }
  if (lcal__npy_value_size(text, length) == 0) {
    return "its type is none of |u1 <u2 <u4 <u8 <f2 <f4 <f8";
  }
  memcpy(npy->descr, text, 3);
  npy->descr[3] = '\0';
  return NULL;
}

static const char *take_order(struct cursor *cursor) {
  if (take_word(cursor, "True")) {
    return "it is in Fortran order; save it in C order (numpy.ascontiguousarray)";
  }
  return take_word(cursor, "False") ? NULL : "its fortran_order is neither True nor False";
}

static const char *parse_dict(struct cursor *cursor, struct lcal__npy *npy) {
  static const char *const keys[] = {"descr", "fortran_order", "shape"};
  unsigned seen = 0;
  bool comma = true;
  if (!take(cursor, '{')) {
    return "its header is not a dict";
  }
  while (!take(cursor, '}')) {
    const char *key = NULL;
    const char *fault = NULL;
    size_t length = 0;
    unsigned k = 0;
    if (!comma || !take_string(cursor, &key, &length) || !take(cursor, ':')) {
      return "its header is not a dict of descr, fortran_order and shape";
    }
    while (k < 3 && (strlen(keys[k]) != length || memcmp(keys[k], key, length) != 0)) {
      k++;
    }
    if (k == 3 || (seen & 1u << k)) {
      return "its header is not a dict of descr, fortran_order and shape";
    }
    seen |= 1u << k;
    fault = k == 0   ? take_descr(cursor, npy)
            : k == 1 ? take_order(cursor)
                     : take_shape(cursor, npy);
    if (fault) {
      return fault;
    }
    comma = take(cursor, ',');
  }
  return seen == 7 ? NULL : "its header lacks descr, fortran_order or shape";
}

/* Finds the header's text; *data_at is where the data begins. */
static const char *find_header(const uint8_t *bytes, size_t length, struct cursor *cursor,
                               size_t *data_at) {
  if (length < 10 || memcmp(bytes, LCAL__NPY_MAGIC, 6) != 0) {
    return "it is not a .npy file";
  }
  if ((bytes[6] != 1 && bytes[6] != 2) || bytes[7] != 0) {
    return "its .npy version is neither 1.0 nor 2.0";
  }
  size_t text_at = bytes[6] == 1 ? 10 : 12;
  size_t text_bytes = (size_t)bytes[8] | (size_t)bytes[9] << 8;
  if (bytes[6] == 2) {
    if (length < text_at) {
      return "its header is truncated";
    }
    text_bytes |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
  }
  if (text_bytes == 0 || text_bytes > length - text_at) {
    return "its header is truncated";
  }
  if (bytes[text_at + text_bytes - 1] != '\n') {
    return "its header does not end with a newline";
  }
  cursor->at = (const char *)bytes + text_at;
  cursor->end = cursor->at + text_bytes - 1;
  *data_at = text_at + text_bytes;
  return NULL;
}

const char *lcal__npy_parse(struct lcal__npy *npy, const uint8_t *bytes, size_t length) {
  struct cursor cursor = {0};
  size_t data_at = 0;
  const char *fault = find_header(bytes, length, &cursor, &data_at);
  if (!fault) {
    fault = parse_dict(&cursor, npy);
  }
  if (fault) {
    return fault;
  }
  skip_blanks(&cursor);
  if (cursor.at != cursor.end) {
    return "its header goes on after the dict";
  }
  size_t size = lcal__npy_value_size(npy->descr, 3);
  for (size_t d = 0; d < npy->dimensions; d++) {
    if (__builtin_mul_overflow(size, npy->shape[d], &size)) {
      return "its shape is larger than memory";
    }
  }
  if (size > length - data_at) {
    return "it is truncated: its data is shorter than its shape says";
  }
  if (size < length - data_at) {
    return "it goes on after its data";
  }
  npy->data = bytes + data_at;
  npy->data_bytes = size;
  return NULL;
}

static lcal_status map_file(struct lcal__npy *npy, int fd, const char *directory, const char *name,
                            lcal_error *error) {
  struct stat status;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    return lcal_error_set(error, LCAL_BAD_DATA, "%s/%s: not a regular file", directory, name);
  }
  if (status.st_size == 0) {
    return lcal_error_set(error, LCAL_BAD_DATA, "%s/%s: the file is empty", directory, name);
  }
  size_t bytes = (size_t)status.st_size;
  void *map = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
  if (map == MAP_FAILED) {
    return lcal_error_set(error, LCAL_SYSTEM, "%s/%s: cannot map %zu bytes: %s", directory, name,
                          bytes, strerror(errno));
  }
  const char *fault = lcal__npy_parse(npy, map, bytes);
  if (fault) {
    munmap(map, bytes);
    return lcal_error_set(error, LCAL_BAD_DATA, "%s/%s: %s", directory, name, fault);
  }
  npy->map = map;
  npy->map_bytes = bytes;
  return LCAL_OK;
}

lcal_status lcal__npy_open(struct lcal__npy *npy, int directory_fd, const char *directory,
                           const char *name, int *missing, lcal_error *error) {
  *npy = (struct lcal__npy){0};
  int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    if (missing) {
      *missing = errno == ENOENT;
    }
    return lcal_error_set(error, LCAL_BAD_DATA, "%s/%s: cannot be opened: %s", directory, name,
                          strerror(errno));
  }
  lcal_status status = map_file(npy, fd, directory, name, error);
  close(fd);
  return status;
}

void lcal__npy_close(struct lcal__npy *npy) {
  if (npy->map) {
    munmap(npy->map, npy->map_bytes);
  }
  *npy = (struct lcal__npy){0};
}
