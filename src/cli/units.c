#include "cli/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t count_of(const json_t *value) {
  if (json_is_string(value)) {
    return strtoull(json_string_value(value), NULL, 10);
  }
  json_int_t integer = json_integer_value(value);
  return integer > 0 ? (uint64_t)integer : 0;
}

const char *duration_text(unit_text text, uint64_t seconds) {
  static const struct {
    uint64_t seconds;
    const char *unit;
  } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
  size_t i = 0;
  while (i < 3 && seconds < units[i].seconds) {
    i++;
  }
  int length = snprintf(text, sizeof(unit_text), "%" PRIu64 " %s", seconds / units[i].seconds,
                        units[i].unit);
  if (i < 3 && seconds % units[i].seconds >= units[i + 1].seconds) {
    snprintf(text + length, sizeof(unit_text) - (size_t)length, " %" PRIu64 " %s",
             seconds % units[i].seconds / units[i + 1].seconds, units[i + 1].unit);
  }
  return text;
}

const char *time_text(unit_text text, uint64_t ns_since_1970) {
  time_t seconds = (time_t)(ns_since_1970 / 1000000000u);
  struct tm parts;
  if (ns_since_1970 == 0 || !localtime_r(&seconds, &parts) ||
      strftime(text, sizeof(unit_text), "%F %T", &parts) == 0) {
    snprintf(text, sizeof(unit_text), "never");
  }
  return text;
}

const char *bytes_text(unit_text text, uint64_t bytes) {
  static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) {
    snprintf(text, sizeof(unit_text), "%" PRIu64 " B", bytes);
    return text;
  }
  double value = (double)bytes / 1024.0;
  size_t unit = 0;
  for (; value >= 1023.95 && unit + 1 < sizeof units / sizeof *units; unit++) {
    value /= 1024.0;
  }
  snprintf(text, sizeof(unit_text), "%.1f %s", value, units[unit]);
  return text;
}

const char *ms_text(unit_text text, uint64_t us) {
  double ms = (double)us / 1000.0;
  snprintf(text, sizeof(unit_text), "%.*f", ms < 10.0 ? 2 : ms < 100.0 ? 1 : 0, ms);
  return text;
}
