#include "cli/arguments.h"

#include "cli/subcommand.h"

#include <stdlib.h>

#define OPTION_TOTAL 8

/* Each by its bit; arguments_read offers those that the subcommand has. */
static const struct option all[OPTION_TOTAL] = {
    {"bank", required_argument, NULL, OPTION_BANK},
    {"domain", required_argument, NULL, OPTION_DOMAIN},
    {"class", required_argument, NULL, OPTION_CLASS},
    {"from", required_argument, NULL, OPTION_FROM},
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"delete", required_argument, NULL, OPTION_DELETE},
    {"add", no_argument, NULL, OPTION_ADD},
    {"replace", no_argument, NULL, OPTION_REPLACE},
};

static void set(struct arguments *arguments, int option, const char *value) {
  switch (option) {
  case OPTION_BANK:
    arguments->bank = value;
    break;
  case OPTION_DOMAIN:
    arguments->domain = value;
    break;
  case OPTION_CLASS:
    arguments->class_key = value;
    break;
  case OPTION_FROM:
    arguments->from = value;
    break;
  case OPTION_DELETE:
    arguments->deleted = value;
    break;
  case OPTION_ADD:
    arguments->add = true;
    break;
  case OPTION_REPLACE:
    arguments->replace = true;
    break;
  default: /* --output, -o */
    arguments->output = value;
    break;
  }
}

int arguments_read(struct arguments *arguments, int argc, char **argv, unsigned options) {
  struct option offered[OPTION_TOTAL + 1] = {{0}};
  size_t count = 0;
  for (size_t i = 0; i < OPTION_TOTAL; i++) {
    if ((unsigned)all[i].val & options) {
      offered[count++] = all[i];
    }
  }
  *arguments = (struct arguments){0};
  int option;
  optind = 0; /* getopt starts anew, whatever it was in before */
  while ((option = next_option(argc, argv, options & OPTION_OUTPUT ? "o:" : "", offered)) != -1) {
    if (option == '?') {
      return lcal_status_exit(LCAL_ARGUMENT);
    }
    set(arguments, option, optarg);
  }
  arguments->operands = argv + optind;
  arguments->operand_count = argc - optind;
  return 0;
}

int arguments_count(const struct arguments *arguments, char **argv, int least, int most,
                    const char *words) {
  if (arguments->operand_count > most) {
    return usage_error(argv[0], "unexpected argument %s", arguments->operands[most]);
  }
  if (arguments->operand_count < least) {
    return usage_error(argv[0], "it needs %s", words);
  }
  return 0;
}
