/* labelcal: the command line of labelcald. */
#include "build_config.h"
#include "cli/global.h"
#include "cli/subcommand.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char introduction[] =
    "usage: labelcal [OPTIONS] SUBCOMMAND [ARGUMENTS]\n"
    "\n"
    "The command line of labelcald, which labels the frames that cameras send.\n"
    "\n";

static const char closing[] =
    "\n"
    "Options, before or after the subcommand:\n"
    "  --runtime-dir DIR  where the daemon's sockets are; default $RUNTIME_DIRECTORY, else\n"
    "                     $XDG_RUNTIME_DIR/labelcal if a socket is there, else /run/labelcal\n"
    "  --url SOCKET=URL   one socket (frames, calibrate, labels, state, control) elsewhere\n"
    "  --json             results as JSON, one object a line\n"
    "  --help             this, or the help of the subcommand; also: labelcal help NAME\n"
    "  --version          print the version and exit\n"
    "\n"
    "Exit status: 0 ok, 1 check failed or fault, 2 usage, 3 cannot reach the daemon,\n"
    "4 the daemon refused, 5 time-out, 6 bad data or configuration.\n"
    "\n"
    "Example:\n"
    "  labelcal camera --drift day:dusk:200 --frames 300 --lock-step\n";

static void print_help(FILE *stream) {
  fputs(introduction, stream);
  fputs("Subcommands:\n", stream);
  for (size_t i = 0; i < subcommand_count; i++) {
    fprintf(stream, "  %-12s %s\n", subcommands[i].name, subcommands[i].summary);
  }
  fputs(closing, stream);
}

static void print_subcommand_help(const struct subcommand *subcommand) {
  const char *space = subcommand->arguments[0] ? " " : "";
  printf("usage: labelcal %s%s%s\n\n%s\nThe options that every subcommand has: labelcal --help\n",
         subcommand->name, space, subcommand->arguments, subcommand->help);
}

static int unknown_subcommand(const char *name) {
  fprintf(stderr, "labelcal: no subcommand %s; labelcal --help lists them\n", name);
  return lcal_status_exit(LCAL_ARGUMENT);
}

/* labelcal --help, labelcal help [NAME], labelcal NAME --help */
static int help(const char *name) {
  const struct subcommand *subcommand = name ? subcommand_find(name) : NULL;
  if (name && !subcommand) {
    return unknown_subcommand(name);
  }
  if (subcommand) {
    print_subcommand_help(subcommand);
  } else {
    print_help(stdout);
  }
  return 0;
}

static int dispatch(int argc, char **argv, const struct global_options *options) {
  const char *name = argc > 1 ? argv[1] : NULL;
  int asks_help = name && strcmp(name, "help") == 0;
  if (options->version) {
    puts("labelcal " LCAL_VERSION);
    return 0;
  }
  if (options->help || asks_help) {
    return help(asks_help ? argv[2] : name);
  }
  if (!name) {
    print_help(stderr);
    return lcal_status_exit(LCAL_ARGUMENT);
  }
  const struct subcommand *subcommand = subcommand_find(name);
  if (!subcommand) {
    return unknown_subcommand(name);
  }
  return subcommand->run(argc - 1, argv + 1, &options->client, options->json);
}

int main(int argc, char **argv) {
  struct global_options options;
  lcal_error error;
  if (global_options_take(&options, &argc, argv, &error) != LCAL_OK) {
    fprintf(stderr, "labelcal: %s\n", error.message);
    return lcal_status_exit(error.code);
  }
  int result = dispatch(argc, argv, &options);
  if (fflush(stdout) != 0 || ferror(stdout)) { /* a full disk must not look like success */
    fprintf(stderr, "labelcal: stdout: %s\n", strerror(errno));
    return result ? result : 1;
  }
  return result;
}
