/* The text form of metrics: families with their HELP and TYPE, samples with escaped labels. */
#include "daemon/metrics.h"
#include "daemon/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_words[] = {
    [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};

static const char *prefix_of(const struct metric *metric) {
  return strncmp(metric->name, "process_", 8) == 0 ? "" : "labelcal_";
}

/* Names are of protocol.md's alphabet, but a version or a tier may be anything. */
static void put_escaped(FILE *out, const char *value) {
  for (; *value; value++) {
    switch (*value) {
    case '\\':
      fputs("\\\\", out);
      break;
    case '"':
      fputs("\\\"", out);
      break;
    case '\n':
      fputs("\\n", out);
      break;
    default:
      fputc(*value, out);
    }
  }
}

void metric_head(FILE *out, const struct metric *metric, const char *suffix, ...) {
  fprintf(out, "%s%s%s", prefix_of(metric), metric->name, suffix);
  va_list pairs;
  va_start(pairs, suffix);
  char separator = '{';
  for (const char *label; (label = va_arg(pairs, const char *)) != NULL; separator = ',') {
    fprintf(out, "%c%s=\"", separator, label);
    put_escaped(out, va_arg(pairs, const char *));
    fputc('"', out);
  }
  va_end(pairs);
  fputs(separator == '{' ? " " : "} ", out);
}

void metric_u64(FILE *out, uint64_t value) {
  fprintf(out, "%" PRIu64 "\n", value);
}

void metric_f64(FILE *out, double value) {
  if (isinf(value)) {
    fputs(value > 0 ? "+Inf\n" : "-Inf\n", out);
  } else {
    fprintf(out, "%.17g\n", value);
  }
}

char *metrics_text(struct daemon *daemon, size_t *length) {
  struct text text;
  FILE *out = text_open(&text);
  if (!out) {
    return NULL;
  }
  for (size_t i = 0; i < metrics_count; i++) {
    const struct metric *metric = &metrics_table[i];
    const char *prefix = prefix_of(metric);
    fprintf(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", prefix, metric->name, metric->help, prefix,
            metric->name, kind_words[metric->kind]);
    metric->samples(out, metric, daemon);
  }
  return text_close(&text, out, length);
}

void metrics_print_table(FILE *out) {
  fputs("| metric | kind | labels | meaning |\n|---|---|---|---|\n", out);
  for (size_t i = 0; i < metrics_count; i++) {
    const struct metric *metric = &metrics_table[i];
    fprintf(out, "| `%s%s` | %s | %s | %s |\n", prefix_of(metric), metric->name,
            kind_words[metric->kind], metric->labels, metric->help);
  }
}
