#include "cli/subcommand.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct subcommand *subcommand_find(const char *name) {
  for (size_t i = 0; i < subcommand_count; i++) {
    if (strcmp(subcommands[i].name, name) == 0) {
      return &subcommands[i];
    }
  }
  return NULL;
}

int usage_error(const char *name, const char *format, ...) {
  va_list arguments;
  fprintf(stderr, "labelcal %s: ", name);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fprintf(stderr, "; try labelcal %s --help\n", name);
  return lcal_status_exit(LCAL_ARGUMENT);
}

/* The option that getopt_long has just refused, as it was typed. */
static void refuse(char **argv, int result) {
  const char *typed = argv[optind - 1];
  if (result == ':') {
    usage_error(argv[0], "%s needs a value", typed);
  } else if (optopt && strncmp(typed, "--", 2) == 0) {
    usage_error(argv[0], "%.*s takes no value", (int)strcspn(typed, "="), typed);
  } else if (optopt) {
    usage_error(argv[0], "unknown option -%c", optopt);
  } else {
    usage_error(argv[0], "unknown option %s", typed);
  }
}

int next_option(int argc, char **argv, const char *shorts, const struct option *options) {
  char with_colon[32]; /* a missing value is reported as ':' */
  snprintf(with_colon, sizeof with_colon, ":%s", shorts);
  opterr = 0;
  int result = getopt_long(argc, argv, with_colon, options, NULL);
  if (result == '?' || result == ':') {
    refuse(argv, result);
    return '?';
  }
  return result;
}

int read_options(int argc, char **argv, const struct option *options,
                 int (*apply)(void *wish, int option, const char *text), void *wish) {
  int option;
  optind = 0; /* getopt starts anew, whatever it was in before */
  while ((option = next_option(argc, argv, "", options)) != -1) {
    if (option == '?') {
      return lcal_status_exit(LCAL_ARGUMENT);
    }
    if (!apply(wish, option, optarg)) {
      return usage_error(argv[0], "--%s %s: not a value it can have",
                         options[option - options[0].val].name, optarg);
    }
  }
  return 0;
}

int report_error(const lcal_error *error) {
  fprintf(stderr, "labelcal: %s: %s\n", lcal_status_word(error->code), error->message);
  return lcal_status_exit(error->code);
}
