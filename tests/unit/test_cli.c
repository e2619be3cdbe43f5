/* What labelcal is told: the table of subcommands, options of all and of each. */
#include "cli/arguments.h"
#include "cli/global.h"
#include "cli/subcommand.h"
#include "wire/commands.h"

#include <labelcal/rules.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 12

/* A command line that may be changed. */
struct line {
  char text[WORDS_MAX][64];
  char *argv[WORDS_MAX + 1];
  int argc;
};

static void line_make(struct line *line, const char *const *words) {
  line->argc = 0;
  for (; words[line->argc]; line->argc++) {
    assert_true(line->argc < WORDS_MAX);
    line->argv[line->argc] = line->text[line->argc];
    snprintf(line->text[line->argc], sizeof line->text[0], "%s", words[line->argc]);
  }
  line->argv[line->argc] = NULL;
}

#define LINE(line, ...) line_make(line, (const char *const[]){__VA_ARGS__, NULL})

static lcal_status take(struct global_options *options, struct line *line, lcal_error *error) {
  return global_options_take(options, &line->argc, line->argv, error);
}

/* ---- Options of all. */

static void a_global_option_without_its_value_is_refused(void **state) {
  (void)state;
  struct global_options options;
  struct line line;
  lcal_error error;
  LINE(&line, "labelcal", "status", "--runtime-dir");
  assert_int_equal(take(&options, &line, &error), LCAL_ARGUMENT);
  assert_non_null(strstr(error.message, "--runtime-dir"));
  LINE(&line, "labelcal", "--runtime-dir=", "status");
  assert_int_equal(take(&options, &line, &error), LCAL_ARGUMENT);
  LINE(&line, "labelcal", "status", "--url");
  assert_int_equal(take(&options, &line, &error), LCAL_ARGUMENT);
  assert_non_null(strstr(error.message, "--url"));
}

static void a_url_of_no_socket_is_refused(void **state) {
  (void)state;
  static const char *const wrong[] = {"nonsense",          "control",   "control=",     "control=x",
                                      "controls=ipc:///a", "=ipc:///a", "ring=ipc:///a"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct global_options options;
    struct line line;
    lcal_error error;
    LINE(&line, "labelcal", "--url", wrong[i], "status");
    assert_int_equal(take(&options, &line, &error), LCAL_ARGUMENT);
  }
}

static void global_options_stand_before_or_after_the_subcommand(void **state) {
  (void)state;
  struct global_options options;
  struct line line;
  lcal_error error;
  LINE(&line, "labelcal", "--json", "--url", "control=ipc:///a", "reset", "--runtime-dir", "/rt",
       "--class", "car", "--url=labels=tcp://h:1");
  assert_int_equal(take(&options, &line, &error), LCAL_OK);
  assert_true(options.json);
  assert_false(options.help);
  assert_string_equal(options.client.runtime_dir, "/rt");
  assert_string_equal(options.client.url[LCAL_SOCKET_CONTROL], "ipc:///a");
  assert_string_equal(options.client.url[LCAL_SOCKET_LABELS], "tcp://h:1");
  assert_null(options.client.url[LCAL_SOCKET_FRAMES]);
  assert_int_equal(line.argc, 4);
  assert_string_equal(line.argv[1], "reset");
  assert_string_equal(line.argv[2], "--class");
  assert_string_equal(line.argv[3], "car");
  assert_null(line.argv[4]);
}

static void what_only_begins_like_a_global_option_is_left_to_the_subcommand(void **state) {
  (void)state;
  struct global_options options;
  struct line line;
  lcal_error error;
  LINE(&line, "labelcal", "x", "--jsonl", "--urls", "--runtime-directory=a", "--version", "--",
       "--json");
  assert_int_equal(take(&options, &line, &error), LCAL_OK);
  assert_int_equal(line.argc, 8);
  assert_false(options.json);
  assert_false(options.version);
  assert_string_equal(line.argv[7], "--json");
}

/* ---- Options of each. */

static int read_line(struct arguments *arguments, struct line *line, unsigned options) {
  return arguments_read(arguments, line->argc, line->argv, options);
}

static void options_of_other_subcommands_are_refused(void **state) {
  (void)state;
  struct arguments arguments;
  struct line line;
  LINE(&line, "snapshot", "--domain", "night");
  assert_int_equal(read_line(&arguments, &line, OPTION_BANK), 2);
  LINE(&line, "snapshot", "--bank");
  assert_int_equal(read_line(&arguments, &line, OPTION_BANK), 2);
  LINE(&line, "load", "--add=x");
  assert_int_equal(read_line(&arguments, &line, OPTION_ADD), 2);
  LINE(&line, "snapshot", "-o", "x");
  assert_int_equal(read_line(&arguments, &line, OPTION_BANK), 2);
}

static void too_few_and_too_many_operands_are_refused(void **state) {
  (void)state;
  struct arguments arguments;
  struct line line;
  LINE(&line, "rollback", "--bank", "rear");
  assert_int_equal(read_line(&arguments, &line, OPTION_BANK), 0);
  assert_int_equal(arguments_count(&arguments, line.argv, 1, 1, "a generation"), 2);
  LINE(&line, "rollback", "4", "5");
  assert_int_equal(read_line(&arguments, &line, OPTION_BANK), 0);
  assert_int_equal(arguments_count(&arguments, line.argv, 1, 1, "a generation"), 2);
  assert_int_equal(arguments_count(&arguments, line.argv, 1, 2, "a generation"), 0);
}

static void options_and_operands_may_be_mixed(void **state) {
  (void)state;
  struct arguments arguments;
  struct line line;
  LINE(&line, "merge", "a", "-o", "out", "b", "--domain=night", "--", "--c");
  assert_int_equal(read_line(&arguments, &line, OPTION_OUTPUT | OPTION_DOMAIN), 0);
  assert_string_equal(arguments.output, "out");
  assert_string_equal(arguments.domain, "night");
  assert_null(arguments.bank);
  assert_int_equal(arguments.operand_count, 3);
  assert_string_equal(arguments.operands[2], "--c");
  LINE(&line, "load", "f", "--add", "--from", "x", "--bank", "b");
  assert_int_equal(
      read_line(&arguments, &line, OPTION_ADD | OPTION_REPLACE | OPTION_FROM | OPTION_BANK), 0);
  assert_true(arguments.add);
  assert_false(arguments.replace);
  assert_string_equal(arguments.from, "x");
  assert_string_equal(arguments.bank, "b");
}

/* ---- The table. */

static void every_subcommand_has_a_summary_an_example_and_its_options_in_its_help(void **state) {
  (void)state;
  for (size_t i = 0; i < subcommand_count; i++) {
    const struct subcommand *row = &subcommands[i];
    char example[64];
    snprintf(example, sizeof example, "\n  labelcal %s", row->name);
    assert_non_null(strstr(row->help, "xample"));
    assert_non_null(strstr(row->help, example));
    assert_true(strlen(row->summary) > 0 && strlen(row->summary) <= 64);
    assert_non_null(row->run);
    assert_ptr_equal(subcommand_find(row->name), row);
    for (const char *option = strstr(row->arguments, "--"); option;
         option = strstr(option + 2, "--")) {
      char word[32];
      snprintf(word, sizeof word, "  %.*s", (int)strcspn(option, " ]|"), option);
      if (!strstr(row->help, word)) {
        fail_msg("the help of %s lacks %s", row->name, word);
      }
    }
  }
  assert_null(subcommand_find("explode"));
}

static void lines_of_help_fit_a_terminal(void **state) {
  (void)state;
  for (size_t i = 0; i < subcommand_count; i++) {
    for (const char *line = subcommands[i].help; *line; line += strcspn(line, "\n") + 1) {
      if (strcspn(line, "\n") > 95) {
        fail_msg("the help of %s: %.60s...", subcommands[i].name, line);
      }
    }
  }
}

/* load_statistics is load, domain_delete is domain --delete. */
static void every_command_of_the_daemon_can_be_typed(void **state) {
  (void)state;
  for (size_t i = 0; i < LCAL__COMMAND_COUNT; i++) {
    char name[65];
    snprintf(name, sizeof name, "%s", lcal__commands[i].word);
    for (char *at = name; *at; at++) {
      *at = *at == '_' ? '-' : *at;
    }
    if (i == LCAL__COMMAND_LOAD_STATISTICS || i == LCAL__COMMAND_DOMAIN_DELETE) {
      *strchr(name, '-') = '\0';
    }
    assert_non_null(subcommand_find(name));
  }
}

static void the_help_of_set_rule_names_every_rule(void **state) {
  (void)state;
  for (size_t i = 0; i < lcal_rule_count(); i++) {
    assert_non_null(strstr(subcommand_find("set-rule")->help, lcal_rule_at(i)->name));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_global_option_without_its_value_is_refused),
      cmocka_unit_test(a_url_of_no_socket_is_refused),
      cmocka_unit_test(global_options_stand_before_or_after_the_subcommand),
      cmocka_unit_test(what_only_begins_like_a_global_option_is_left_to_the_subcommand),
      cmocka_unit_test(options_of_other_subcommands_are_refused),
      cmocka_unit_test(too_few_and_too_many_operands_are_refused),
      cmocka_unit_test(options_and_operands_may_be_mixed),
      cmocka_unit_test(every_subcommand_has_a_summary_an_example_and_its_options_in_its_help),
      cmocka_unit_test(lines_of_help_fit_a_terminal),
      cmocka_unit_test(every_command_of_the_daemon_can_be_typed),
      cmocka_unit_test(the_help_of_set_rule_names_every_rule),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
