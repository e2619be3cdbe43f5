/* What the subcommands that send a command or read a file are given: few options, shared. */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include <stdbool.h>

enum option_bit {
  OPTION_BANK = 1 << 0,
  OPTION_DOMAIN = 1 << 1,
  OPTION_CLASS = 1 << 2,
  OPTION_FROM = 1 << 3,
  OPTION_OUTPUT = 1 << 4,
  OPTION_DELETE = 1 << 5,
  OPTION_ADD = 1 << 6,
  OPTION_REPLACE = 1 << 7
};

struct arguments {
  const char *bank;                                         /* "default" if not said */
  const char *domain, *class_key, *from, *output, *deleted; /* NULL if not said */
  bool add, replace;
  char **operands; /* of argv, operand_count of them */
  int operand_count;
};

/* Reads the options whose bits are in `options` (OPTION_...), and the operands. Returns 0, or 2
 * having said on stderr what is wrong. */
int arguments_read(struct arguments *arguments, int argc, char **argv, unsigned options);

/* Returns 0 if the number of operands is from `least` to `most`, else 2 having said on stderr
 * that `words` are wanted. */
int arguments_count(const struct arguments *arguments, char **argv, int least, int most,
                    const char *words);

#endif
