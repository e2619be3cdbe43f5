/* labelcal bench. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "cli/bench_cases.h"

#include <labelcal/client.h>

typedef struct bench_options {
  const char *recording; /* NULL: the embedded camera */
  uint32_t seconds;      /* for all of it */
  uint32_t threads;      /* 0: one, and then as many as there are CPUs */
  unsigned char wanted[BENCH_CASES];
} bench_options;

/* 0; or 2, having said on stderr what is wrong. */
int bench_options_read(bench_options *options, int argc, char **argv);

/* The subcommand, as in subcommand.h. */
int bench_run(int argc, char **argv, const lcal_client_options *client, int json);

#endif
