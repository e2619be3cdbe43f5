#include "cli/commands.h"

#include "cli/arguments.h"
#include "cli/ask.h"
#include "cli/results.h"
#include "cli/subcommand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Options, then operands: 0, or 2 having said what is wrong. */
static int read_all(struct arguments *arguments, int argc, char **argv, unsigned options,
                    int operands_least, int operands_most, const char *words) {
  int result = arguments_read(arguments, argc, argv, options);
  return result ? result : arguments_count(arguments, argv, operands_least, operands_most, words);
}

/* A whole number written in digits alone. */
static int parse_u64(const char *text, uint64_t *value) {
  char *end;
  errno = 0;
  unsigned long long parsed = strtoull(text, &end, 10);
  *value = parsed;
  return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

int mode_run(int argc, char **argv, const lcal_client_options *client, int json) {
  struct arguments arguments;
  int result = read_all(&arguments, argc, argv, 0, 0, 1, "");
  if (result) {
    return result;
  }
  struct question question;
  question_begin(&question, argv[0]);
  if (arguments.operand_count) {
    lcal__put_text(&question.args, "stream", arguments.operands[0]);
  }
  return question_ask(&question, client, json, modes_print);
}

int domain_run(int argc, char **argv, const lcal_client_options *client, int json) {
  struct arguments arguments;
  struct question question;
  int result = arguments_read(&arguments, argc, argv, OPTION_BANK | OPTION_DELETE);
  if (result == 0) {
    int operands = arguments.deleted ? 0 : 2;
    result = arguments_count(&arguments, argv, operands, operands,
                             "a stream and a domain, or --delete DOMAIN");
  }
  if (result) {
    return result;
  }
  if (arguments.bank && !arguments.deleted) {
    return usage_error(argv[0], "--bank goes with --delete: a stream has its own bank");
  }
  if (arguments.deleted) {
    question_begin_bank(&question, "domain_delete", arguments.bank);
    lcal__put_text(&question.args, "domain", arguments.deleted);
    return question_ask(&question, client, json, deleted_print);
  }
  question_begin(&question, "domain");
  lcal__put_text(&question.args, "stream", arguments.operands[0]);
  lcal__put_text(&question.args, "domain", arguments.operands[1]);
  return question_ask(&question, client, json, previous_print);
}

int reset_run(int argc, char **argv, const lcal_client_options *client, int json) {
  struct arguments arguments;
  int result =
      read_all(&arguments, argc, argv, OPTION_BANK | OPTION_DOMAIN | OPTION_CLASS, 0, 0, "");
  if (result) {
    return result;
  }
  struct question question;
  uint64_t index;
  question_begin_bank(&question, "reset", arguments.bank);
  if (arguments.domain) {
    lcal__put_text(&question.args, "domain", arguments.domain);
  }
  if (arguments.class_key && parse_u64(arguments.class_key, &index)) {
    lcal__put_u64(&question.args, "class", index);
  } else if (arguments.class_key) {
    lcal__put_text(&question.args, "class", arguments.class_key);
  }
  return question_ask(&question, client, json, versions_print);
}

int set_rule_run(int argc, char **argv, const lcal_client_options *client, int json) {
  struct arguments arguments;
  int result = read_all(&arguments, argc, argv, OPTION_BANK, 1, 1, "a rule");
  if (result) {
    return result;
  }
  struct question question;
  question_begin_bank(&question, "set_rule", arguments.bank);
  lcal__put_text(&question.args, "rule", arguments.operands[0]);
  return question_ask(&question, client, json, previous_print);
}

int reload_run(int argc, char **argv, const lcal_client_options *client, int json) {
  struct arguments arguments;
  int result = read_all(&arguments, argc, argv, 0, 0, 0, "");
  if (result) {
    return result;
  }
  struct question question;
  question_begin(&question, "reload");
  return question_ask(&question, client, json, reload_print);
}

int snapshot_run(int argc, char **argv, const lcal_client_options *client, int json) {
  struct arguments arguments;
  int result = read_all(&arguments, argc, argv, OPTION_BANK, 0, 0, "");
  if (result) {
    return result;
  }
  struct question question;
  question_begin(&question, "snapshot");
  if (arguments.bank) {
    lcal__put_text(&question.args, "bank", arguments.bank);
  }
  return question_ask(&question, client, json, snapshots_print);
}

int generations_run(int argc, char **argv, const lcal_client_options *client, int json) {
  struct arguments arguments;
  int result = read_all(&arguments, argc, argv, OPTION_BANK, 0, 0, "");
  if (result) {
    return result;
  }
  struct question question;
  question_begin_bank(&question, "generations", arguments.bank);
  return question_ask(&question, client, json, generations_print);
}

int rollback_run(int argc, char **argv, const lcal_client_options *client, int json) {
  struct arguments arguments;
  uint64_t generation;
  int result = read_all(&arguments, argc, argv, OPTION_BANK, 1, 1, "the number of a generation");
  if (result) {
    return result;
  }
  if (!parse_u64(arguments.operands[0], &generation)) {
    return usage_error(argv[0], "%s is not the number of a generation", arguments.operands[0]);
  }
  struct question question;
  question_begin_bank(&question, "rollback", arguments.bank);
  lcal__put_u64(&question.args, "generation", generation);
  return question_ask(&question, client, json, versions_print);
}
