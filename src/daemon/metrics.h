/* The metrics of /metrics: one table says them all (metrics_table.c), in Prometheus' text form. */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include "daemon/daemon.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric {
  const char *name; /* without "labelcal_"; a leading "process_" stands alone */
  enum metric_kind kind;
  const char *labels; /* for docs: "stream, reason"; "" = none */
  const char *help;
  /* Prints one line a sample. */
  void (*samples)(FILE *out, const struct metric *metric, struct daemon *daemon);
  size_t offset; /* of the value in what `samples` walks over */
};

extern const struct metric metrics_table[];
extern const size_t metrics_count;

/* The whole exposition as a heap block. NULL: memory is short. */
char *metrics_text(struct daemon *daemon, size_t *length);

/* The table in markdown (docs/operations.md). */
void metrics_print_table(FILE *out);

/* For samples: prints name and label=value pairs up to the space before the value; `label` and
 * `value` come in pairs, ended by NULL. */
void metric_head(FILE *out, const struct metric *metric, const char *suffix, ...)
    __attribute__((sentinel));
void metric_u64(FILE *out, uint64_t value);
void metric_f64(FILE *out, double value);
#endif
