#include "allocations.h"

#include <errno.h>
#include <jansson.h>
#include <msgpack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The linker's names: __real_x is the x that was wrapped. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_reallocarray(void *block, size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t length);
void __real_free(void *block);
msgpack_unpack_return __real_msgpack_unpack_next(msgpack_unpacked *result, const char *data,
                                                 size_t length, size_t *offset);
FILE *__real_fdopen(int fd, const char *mode);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_reallocarray(void *block, size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t length);
int __wrap_asprintf(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void __wrap_free(void *block);
msgpack_unpack_return __wrap_msgpack_unpack_next(msgpack_unpacked *result, const char *data,
                                                 size_t length, size_t *offset);
FILE *__wrap_fdopen(int fd, const char *mode);

/* One thread only. */
static unsigned countdown; /* allocations until one fails; 0: none does */
static int failed;         /* one did */
static int watching;       /* blocks are kept count of */
static void *blocks[4096]; /* those that live, in no order */
static size_t block_count;

static int fails(void) {
  if (countdown == 0 || --countdown > 0) {
    return 0;
  }
  failed = 1;
  errno = ENOMEM;
  return 1;
}

static void *born(void *block) {
  if (watching && block) {
    if (block_count == sizeof blocks / sizeof *blocks) {
      abort();
    }
    blocks[block_count++] = block;
  }
  return block;
}

static void dies(const void *block) {
  for (size_t i = block_count; i-- > 0;) {
    if (blocks[i] == block) {
      blocks[i] = blocks[--block_count];
      return;
    }
  }
}

void *__wrap_malloc(size_t size) {
  return fails() ? NULL : born(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size) {
  return fails() ? NULL : born(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size) {
  if (fails()) {
    return NULL;
  }
  dies(block);
  return born(__real_realloc(block, size));
}

void *__wrap_reallocarray(void *block, size_t count, size_t size) {
  if (fails()) {
    return NULL;
  }
  dies(block);
  return born(__real_reallocarray(block, count, size));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  return fails() ? NULL : born(__real_aligned_alloc(alignment, size));
}

char *__wrap_strdup(const char *text) {
  return fails() ? NULL : born(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t length) {
  return fails() ? NULL : born(__real_strndup(text, length));
}

int __wrap_asprintf(char **text, const char *format, ...) {
  if (fails()) {
    *text = (char *)(uintptr_t)1; /* undefined, says its page */
    return -1;
  }
  va_list arguments;
  va_start(arguments, format);
  int length = vasprintf(text, format, arguments);
  va_end(arguments);
  if (length >= 0) {
    born(*text);
  }
  return length;
}

void __wrap_free(void *block) {
  dies(block);
  __real_free(block);
}

msgpack_unpack_return __wrap_msgpack_unpack_next(msgpack_unpacked *result, const char *data,
                                                 size_t length, size_t *offset) {
  return fails() ? MSGPACK_UNPACK_NOMEM_ERROR
                 : __real_msgpack_unpack_next(result, data, length, offset);
}

FILE *__wrap_fdopen(int fd, const char *mode) {
  return fails() ? NULL : __real_fdopen(fd, mode);
}

/* jansson calls these by name, so that it meets the wrapped ones. */
static void *json_block(size_t size) {
  return malloc(size);
}

static void json_free(void *block) {
  free(block);
}

static unsigned run(attempt once, void *context, int may_succeed) {
  json_set_alloc_funcs(json_block, json_free);
  for (unsigned n = 1;; n++) {
    lcal_error error = {.code = LCAL_STATUS_COUNT};
    block_count = 0;
    failed = 0;
    watching = 1;
    countdown = n;
    lcal_status status = once(context, &error);
    countdown = 0;
    watching = 0;
    assert_int_equal(block_count, 0);
    if (!failed) {
      assert_int_equal(status, LCAL_OK);
      return n - 1;
    }
    if (may_succeed && status == LCAL_OK) {
      continue;
    }
    if (status != LCAL_MEMORY) {
      print_error("allocation %u failed: %s: %s\n", n, lcal_status_word(status), error.message);
    }
    assert_int_equal(status, LCAL_MEMORY);
    assert_int_equal(error.code, LCAL_MEMORY);
    assert_true(error.message[0] != '\0');
  }
}

unsigned every_allocation_fails(attempt once, void *context) {
  return run(once, context, 0);
}

unsigned every_allocation_may_fail(attempt once, void *context) {
  return run(once, context, 1);
}
