#include "fuzz.h"

#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void fuzz_fail(const char *condition, const char *file, int line) {
  fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
  abort();
}

void fuzz_refused(lcal_status status, const lcal_error *error, uint64_t codes) {
  REQUIRE((unsigned)status < LCAL_STATUS_COUNT && (codes >> status & 1) != 0);
  REQUIRE(error->code == status);
  size_t length = strnlen(error->message, sizeof error->message);
  REQUIRE(length > 0 && length < sizeof error->message);
  REQUIRE(lcal__text_prefix(error->message, length) == length);
}

void fuzz_within(lcal_bytes view, const uint8_t *data, size_t size) {
  if (view.data) {
    REQUIRE(view.data >= data && view.data <= data + size);
    REQUIRE(view.length <= (size_t)(data + size - view.data));
  }
}

void *fuzz_block(size_t size) {
  void *block = calloc(size ? size : 1, 1);
  REQUIRE(block != NULL);
  return block;
}

void *fuzz_copy(const void *bytes, size_t size) {
  void *copy = fuzz_block(size);
  if (size > 0) {
    memcpy(copy, bytes, size);
  }
  return copy;
}

uint32_t fuzz_next(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}
