/* The subcommands of labelcal: one table for the dispatcher, --help and the tests. */
#ifndef CLI_SUBCOMMAND_H
#define CLI_SUBCOMMAND_H

#include <labelcal/client.h>

#include <getopt.h>
#include <stddef.h>

struct subcommand {
  const char *name;      /* what is typed: "set-rule" */
  const char *arguments; /* for the usage line, after the name; "" for none */
  const char *summary;   /* for the list, less than a line */
  const char *help;      /* what it does, its options, an example */
  /* argv[0] is the name; options that every subcommand has are gone. Returns the exit status,
   * having said on stderr what went wrong. `client` says where the daemon is; nothing is
   * connected yet. `json`: results as one JSON object a line. */
  int (*run)(int argc, char **argv, const lcal_client_options *client, int json);
};

extern const struct subcommand subcommands[];
extern const size_t subcommand_count;

/* The subcommand called `name`, or NULL. */
const struct subcommand *subcommand_find(const char *name);

/* getopt_long for subcommands with long options: -1 at the end, '?' for what it does not know,
 * having said so on stderr. `shorts`: short options as for getopt, "" for none. */
int next_option(int argc, char **argv, const char *shorts, const struct option *options);

/* Reads all options, of values that count up from the first one's: `apply` takes one and returns 0
 * where its value is not understood. 0, and optind is behind them; or the exit code, having said on
 * stderr what is wrong. */
int read_options(int argc, char **argv, const struct option *options,
                 int (*apply)(void *wish, int option, const char *text), void *wish);

/* Says on stderr what is wrong with how `name` was typed and where its help is; returns 2. */
int usage_error(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says `labelcal: CODE: message` on stderr; returns the exit status of the code. */
int report_error(const lcal_error *error);

#endif
