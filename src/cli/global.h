/* The options that every subcommand has. They stand before or after the subcommand. */
#ifndef CLI_GLOBAL_H
#define CLI_GLOBAL_H

#include <labelcal/client.h>

struct global_options {
  lcal_client_options client; /* its strings are the command line's */
  int json;
  int help;    /* --help, -h anywhere */
  int version; /* --version in front of the subcommand */
};

/* Takes them out of argv[1..*argc), which keeps the subcommand and what is its own; argv is then
 * again NULL-terminated. What follows a `--` is left alone. LCAL_ARGUMENT: a value is missing or
 * not understood. */
lcal_status global_options_take(struct global_options *options, int *argc, char **argv,
                                lcal_error *error);

#endif
