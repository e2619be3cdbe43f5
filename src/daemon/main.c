#include "build_config.h"
#include "daemon/daemon.h"
#include "daemon/directories.h"
#include "daemon/log.h"
#include "daemon/text.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define DEFAULT_CONFIG "/etc/labelcal/labelcald.yaml"

enum { EXIT_USAGE = 2 };

struct options {
  const char *config, *runtime_dir, *state_dir, *http;
  bool check_config;
};

static const char help[] =
    "usage: labelcald [--config FILE] [--runtime-dir DIR] [--state-dir DIR] [--http URL|off]\n"
    "                 [--check-config] [--version] [--help]\n"
    "\n"
    "Labels the frames that cameras send with running prototypes, and adapts them.\n"
    "\n"
    "  --config FILE      configuration; default " DEFAULT_CONFIG " if it exists,\n"
    "                     else every key has its default (docs/config.md)\n"
    "  --runtime-dir DIR  sockets; default $RUNTIME_DIRECTORY, else /run/labelcal as root,\n"
    "                     else $XDG_RUNTIME_DIR/labelcal\n"
    "  --state-dir DIR    snapshots; default $STATE_DIRECTORY, else /var/lib/labelcal as root,\n"
    "                     else $XDG_STATE_HOME/labelcal (~/.local/state/labelcal)\n"
    "  --http URL|off     in place of listen.http\n"
    "  --check-config     print the effective configuration, or every error, and exit\n"
    "  --version          print the version and exit\n"
    "  --help             print this and exit\n"
    "\n"
    "Signals: SIGHUP reads the configuration again; SIGTERM and SIGINT finish the frame in hand,\n"
    "write a snapshot and exit.\n"
    "Exit status: 0 ok, 1 refused start or fault, 2 usage, 6 configuration, directories or\n"
    "statistics of another model.\n"
    "\n"
    "Example:\n"
    "  labelcald --runtime-dir /tmp/lc/run --state-dir /tmp/lc/state --http off\n";

/* Fills *options; -1 to go on, else the exit status. */
static int parse_options(int argc, char **argv, struct options *options) {
  enum { CONFIG = 256, RUNTIME_DIR, STATE_DIR, HTTP, CHECK_CONFIG, VERSION, HELP };
  static const struct option table[] = {
      {"config", required_argument, NULL, CONFIG},
      {"runtime-dir", required_argument, NULL, RUNTIME_DIR},
      {"state-dir", required_argument, NULL, STATE_DIR},
      {"http", required_argument, NULL, HTTP},
      {"check-config", no_argument, NULL, CHECK_CONFIG},
      {"version", no_argument, NULL, VERSION},
      {"help", no_argument, NULL, HELP},
      {NULL, 0, NULL, 0},
  };
  int option;
  while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
    switch (option) {
    case CONFIG:
      options->config = optarg;
      break;
    case RUNTIME_DIR:
      options->runtime_dir = optarg;
      break;
    case STATE_DIR:
      options->state_dir = optarg;
      break;
    case HTTP:
      options->http = optarg;
      break;
    case CHECK_CONFIG:
      options->check_config = true;
      break;
    case VERSION:
      puts("labelcald " LCAL_VERSION);
      return EXIT_SUCCESS;
    case HELP:
      fputs(help, stdout);
      return EXIT_SUCCESS;
    default: /* getopt_long said what is wrong */
      fputs("try labelcald --help\n", stderr);
      return EXIT_USAGE;
    }
  }
  if (optind < argc) {
    fprintf(stderr, "labelcald: unexpected argument %s; try labelcald --help\n", argv[optind]);
    return EXIT_USAGE;
  }
  /* One that is there but cannot be read is an error, not an absent one. */
  if (!options->config && (access(DEFAULT_CONFIG, F_OK) == 0 || errno != ENOENT)) {
    options->config = DEFAULT_CONFIG;
  }
  return -1;
}

/* Errors of the file stand in the journal at their priority, elsewhere as they are, so that
 * editors find the place. */
static void print_errors(char *errors) {
  bool journal = log_is_journal();
  char *rest = errors;
  for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
    if (line[0] && journal) {
      log_message(LOG_ERROR, "%s", line);
    } else if (line[0]) {
      fprintf(stderr, "%s\n", line);
    }
  }
}

static lcal_status load(struct config **config, const struct options *options,
                        const struct config_overrides *overrides) {
  struct text text;
  FILE *stream = text_open(&text);
  if (!stream) {
    log_message(LOG_ERROR, "out of memory");
    return LCAL_MEMORY;
  }
  lcal_status status = config_load(config, options->config, overrides, stream);
  char *errors = text_close(&text, stream, NULL);
  if (status != LCAL_OK && errors) {
    print_errors(errors);
  } else if (status != LCAL_OK) {
    log_message(LOG_ERROR, "the configuration is refused, and there is no memory to say why");
  }
  free(errors);
  return status;
}

static int print_effective(const struct config *config) {
  config_print(config, stdout);
  if (fflush(stdout) != 0) {
    log_message(LOG_ERROR, "stdout: %s", strerror(errno));
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

/* limits.connections of each socket are more descriptors than the usual soft limit, which is low
 * for select()'s sake; nothing here uses that. Where it cannot be raised, accepting fails later. */
static void allow_descriptors(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

/* With everything that may be named in it. */
static int check_or_run(const struct options *options, const struct config_overrides *overrides) {
  struct config *config = NULL;
  lcal_status status = load(&config, options, overrides);
  if (status != LCAL_OK) {
    return lcal_status_exit(status);
  }
  log_set_level(config->log_level);
  if (options->check_config) {
    int result = print_effective(config);
    config_free(config);
    return result;
  }
#if !LCAL_HAVE_HTTP
  log_message(LOG_INFO, "built without HTTP: no metrics, health checks or status page");
#endif
  allow_descriptors();
  return daemon_run(config, options->config, overrides);
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN); /* a peer that went away is an error of its write */
  struct options options = {0};
  int result = parse_options(argc, argv, &options);
  if (result >= 0) {
    return result;
  }
  log_open(LOG_INFO);
  struct directories directories = {0};
  lcal_error error;
  lcal_status status = directories_find(&directories, options.runtime_dir, options.state_dir,
                                        !options.check_config, &error);
  if (status == LCAL_OK) {
    const struct config_overrides overrides = {
        .runtime_dir = directories.runtime,
        .state_dir = directories.state,
        .http = options.http,
    };
    result = check_or_run(&options, &overrides);
  } else {
    log_message(LOG_ERROR, "%s", error.message);
    result = lcal_status_exit(status);
  }
  directories_free(&directories);
  return result;
}
