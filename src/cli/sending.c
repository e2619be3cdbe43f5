#include "cli/sending.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SLICE_NS 100000000u /* of a sleep */

static atomic_int came; /* a handler can reach nothing else; cameras' threads read it */

static void count(int signal) {
  (void)signal;
  atomic_fetch_add(&came, 1);
}

void interrupts_catch(void) {
  struct sigaction action = {.sa_handler = count};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

int interrupts(void) {
  return atomic_load(&came);
}

uint64_t clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void sleep_until(uint64_t due_ns) {
  for (uint64_t now = clock_ns(CLOCK_MONOTONIC); now < due_ns && !interrupts();
       now = clock_ns(CLOCK_MONOTONIC)) {
    /* In slices: a signal wakes only one of several threads. */
    uint64_t until_ns = due_ns - now < SLICE_NS ? due_ns : now + SLICE_NS;
    struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000u),
                             .tv_nsec = (long)(until_ns % 1000000000u)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
  }
}

int parse_whole(const char *text, uint32_t least, uint32_t *value) {
  char *end;
  errno = 0;
  unsigned long parsed = strtoul(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || parsed > UINT32_MAX ||
      parsed < least) {
    return 0;
  }
  *value = (uint32_t)parsed;
  return 1;
}

int parse_rate(const char *text, double *rate) {
  char *end;
  if (strcmp(text, "max") == 0) {
    *rate = 0.0;
    return 1;
  }
  double parsed = strtod(text, &end);
  if (end == text || *end != '\0' || !(parsed >= 0.001 && parsed <= 1000.0)) {
    return 0;
  }
  *rate = parsed;
  return 1;
}

static int compare(const void *left, const void *right) {
  uint64_t a = *(const uint64_t *)left;
  uint64_t b = *(const uint64_t *)right;
  return (a > b) - (a < b);
}

uint64_t percentile(uint64_t *values, size_t total, unsigned percent) {
  qsort(values, total, sizeof *values, compare);
  size_t rank = (total * percent + 99) / 100;
  return values[rank > 0 ? rank - 1 : 0];
}
