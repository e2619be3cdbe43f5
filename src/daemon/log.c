#include "daemon/log.h"

#include "daemon/text.h"

#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX    1024
#define LINE_MAX    4096 /* all of it escaped, and within PIPE_BUF: written whole or not at all */
#define PATIENCE_MS 20

static const struct {
  int priority;
  const char *word;
} forms[LOG_LEVEL_COUNT] = {
    [LOG_DEBUG] = {7, "debug"},
    [LOG_INFO] = {6, "info"},
    [LOG_WARNING] = {4, "warning"},
    [LOG_ERROR] = {3, "error"},
};

static atomic_int threshold = LOG_INFO;
static atomic_bool priorities = false;
static atomic_uint dropped = 0; /* lines since the last one written */

void log_open(enum log_level level) {
  log_set_level(level);
  atomic_store(&priorities, !isatty(STDERR_FILENO));
}

bool log_is_journal(void) {
  const char *stream = getenv("JOURNAL_STREAM");
  struct stat status;
  char own[64];
  if (!stream || fstat(STDERR_FILENO, &status) != 0) {
    return false;
  }
  snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)status.st_dev,
           (unsigned long long)status.st_ino);
  return strcmp(stream, own) == 0;
}

void log_set_level(enum log_level level) {
  atomic_store(&threshold, (int)level);
}

bool log_enabled(enum log_level level) {
  return (int)level >= atomic_load(&threshold);
}

/* Waits a moment for room, but only while the last line found some. */
static bool writable(void) {
  struct pollfd poll_fd = {.fd = STDERR_FILENO, .events = POLLOUT};
  int patience = atomic_load(&dropped) > 0 ? 0 : PATIENCE_MS;
  return poll(&poll_fd, 1, patience) == 1 && (poll_fd.revents & POLLOUT);
}

static void write_line(enum log_level level, const char *text) {
  char line[LINE_MAX];
  /* No allocation: what is said may be that there is no memory. */
  size_t length = (size_t)(atomic_load(&priorities)
                               ? snprintf(line, sizeof line, "<%d>", forms[level].priority)
                               : snprintf(line, sizeof line, "labelcald: %s: ", forms[level].word));
  unsigned lost = atomic_load(&dropped);
  if (lost > 0) {
    length += (size_t)snprintf(line + length, sizeof line - length,
                               "(%u lines lost before this one) ", lost);
  }
  length += text_clean(text, line + length, sizeof line - 1 - length);
  line[length] = '\n';
  if (!writable() || write(STDERR_FILENO, line, length + 1) < 0) {
    atomic_fetch_add(&dropped, 1);
  } else {
    atomic_fetch_sub(&dropped, lost);
  }
}

void log_message(enum log_level level, const char *format, ...) {
  if (!log_enabled(level)) {
    return;
  }
  char text[TEXT_MAX];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  write_line(level, text);
}

/* One key's recent lines. */
struct limit {
  char key[48];
  uint64_t since_s; /* the interval's begin, monotonic; 0: the slot is free */
  unsigned lines;
  unsigned long long suppressed;
};

static uint64_t now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec + 1;
}

/* The key's slot; a new key takes a free one or the one least recently begun. */
static struct limit *limit_of(const char *key) {
  static struct limit limits[64];
  struct limit *oldest = &limits[0];
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    if (strncmp(limits[i].key, key, sizeof limits[i].key - 1) == 0) {
      return &limits[i];
    }
    if (limits[i].since_s < oldest->since_s) {
      oldest = &limits[i];
    }
  }
  *oldest = (struct limit){0};
  snprintf(oldest->key, sizeof oldest->key, "%s", key);
  return oldest;
}

void log_limited(enum log_level level, const char *key, const char *format, ...) {
  if (!log_enabled(level)) {
    return;
  }
  struct limit *limit = limit_of(key);
  uint64_t now = now_s();
  if (limit->since_s == 0 || now - limit->since_s >= LOG_INTERVAL_S) {
    limit->since_s = now;
    limit->lines = 0;
  }
  if (limit->lines == LOG_BURST) {
    limit->suppressed++;
    return;
  }
  limit->lines++;
  char text[TEXT_MAX];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (limit->suppressed > 0 && length >= 0 && (size_t)length < sizeof text) {
    snprintf(text + length, sizeof text - (size_t)length, " (%llu more like this were left out)",
             limit->suppressed);
    limit->suppressed = 0;
  }
  write_line(level, text);
}
