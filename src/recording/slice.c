#include "recording/slice.h"

#include <string.h>

/* An optional integer; beyond int64 it saturates, which clipping makes the same. */
static const char *take_integer(const char *at, const char *end, int *has, int64_t *value) {
  while (at < end && *at == ' ') {
    at++;
  }
  int sign = at < end && (*at == '-' || *at == '+');
  int negative = sign && *at == '-';
  at += sign;
  const char *first = at;
  int64_t sum = 0;
  for (; at < end && *at >= '0' && *at <= '9'; at++) {
    int digit = *at - '0';
    if (__builtin_mul_overflow(sum, (int64_t)10, &sum) ||
        __builtin_add_overflow(sum, (int64_t)digit, &sum)) {
      sum = INT64_MAX;
    }
  }
  *has = at > first;
  if (*has) {
    *value = negative ? -sum : sum;
  } else if (sign) {
    return NULL;
  }
  while (at < end && *at == ' ') {
    at++;
  }
  return at;
}

lcal_status lcal__slice_parse(struct lcal__slice *slice, const char *path, size_t *name_length,
                              lcal_error *error) {
  *slice = (struct lcal__slice){.step = 1};
  size_t length = strlen(path);
  const char *open = strrchr(path, '[');
  *name_length = length;
  if (length == 0 || path[length - 1] != ']' || !open) {
    return LCAL_OK;
  }
  const char *end = path + length - 1;
  int has_step = 0;
  int colons = 0;
  const char *at = take_integer(open + 1, end, &slice->has_start, &slice->start);
  if (at && at < end && *at == ':') {
    colons++;
    at = take_integer(at + 1, end, &slice->has_stop, &slice->stop);
  }
  if (at && at < end && colons == 1 && *at == ':') {
    at = take_integer(at + 1, end, &has_step, &slice->step);
  }
  if (!at || at != end || colons == 0) {
    return lcal_error_set(error, LCAL_ARGUMENT,
                          "%s: not a slice; write [start:stop] or [start:stop:step]", path);
  }
  if (has_step && slice->step == 0) {
    return lcal_error_set(error, LCAL_ARGUMENT, "%s: the slice's step is zero", path);
  }
  *name_length = (size_t)(open - path);
  return LCAL_OK;
}

/* One bound as Python clips it: from the end if negative, into [low, high]. */
static int64_t clip(int64_t bound, int64_t frames, int64_t low, int64_t high) {
  if (bound < 0) {
    bound = bound < -frames ? low : bound + frames;
  }
  return bound < low ? low : bound > high ? high : bound;
}

void lcal__slice_resolve(const struct lcal__slice *slice, size_t frames, size_t *first,
                         int64_t *step, size_t *count) {
  int64_t n = frames > INT64_MAX ? INT64_MAX : (int64_t)frames;
  int back = slice->step < 0;
  int64_t low = back ? -1 : 0;
  int64_t high = back ? n - 1 : n;
  int64_t start = back ? high : low;
  int64_t stop = back ? low : high;
  if (slice->has_start) {
    start = clip(slice->start, n, low, high);
  }
  if (slice->has_stop) {
    stop = clip(slice->stop, n, low, high);
  }
  uint64_t distance = back ? (uint64_t)(start - stop) : (uint64_t)(stop - start);
  uint64_t stride = back ? -(uint64_t)slice->step : (uint64_t)slice->step;
  int empty = back ? start <= stop : start >= stop;
  *first = empty ? 0 : (size_t)start;
  *step = slice->step;
  *count = empty ? 0 : (size_t)((distance - 1) / stride + 1);
}
