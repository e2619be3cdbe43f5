#include "cli/global.h"

#include <string.h>

/* Not by getopt_long: it cannot step over the options of a subcommand it does not know. */

/* Whether argv[*i] is the option `name`; then its value is in *value, from behind a '=' or from
 * the next argument, which is stepped over. NULL if there is none. */
static int take_value(const char *name, int argc, char **argv, int *i, const char **value) {
  size_t length = strlen(name);
  const char *typed = argv[*i];
  if (strncmp(typed, name, length) != 0 || (typed[length] != '\0' && typed[length] != '=')) {
    return 0;
  }
  if (typed[length] == '=') {
    *value = typed + length + 1;
  } else {
    *value = *i + 1 < argc ? argv[++*i] : NULL;
  }
  return 1;
}

/* SOCKET=URL */
static lcal_status take_url(lcal_client_options *client, const char *text, lcal_error *error) {
  for (int socket = 0; text && socket < LCAL_SOCKET_COUNT; socket++) {
    const char *word = lcal_socket_word((lcal_socket)socket);
    size_t length = strlen(word);
    const char *url = text + length + 1;
    if (strncmp(text, word, length) == 0 && text[length] == '=' && strstr(url, "://")) {
      client->url[socket] = url;
      return LCAL_OK;
    }
  }
  return lcal_error_set(error, LCAL_ARGUMENT,
                        "--url %s: write SOCKET=URL, as in control=ipc:///run/labelcal/control; "
                        "sockets are frames, calibrate, labels, state and control",
                        text ? text : "");
}

static lcal_status take_directory(lcal_client_options *client, const char *text,
                                  lcal_error *error) {
  client->runtime_dir = text;
  return text && text[0] ? LCAL_OK
                         : lcal_error_set(error, LCAL_ARGUMENT, "--runtime-dir needs a directory");
}

lcal_status global_options_take(struct global_options *options, int *argc, char **argv,
                                lcal_error *error) {
  *options = (struct global_options){0};
  lcal_status status = LCAL_OK;
  int kept = 1, i = 1;
  for (; i < *argc && status == LCAL_OK && strcmp(argv[i], "--") != 0; i++) {
    const char *value;
    if (take_value("--runtime-dir", *argc, argv, &i, &value)) {
      status = take_directory(&options->client, value, error);
    } else if (take_value("--url", *argc, argv, &i, &value)) {
      status = take_url(&options->client, value, error);
    } else if (strcmp(argv[i], "--json") == 0) {
      options->json = 1;
    } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
      options->help = 1;
    } else if (kept == 1 && strcmp(argv[i], "--version") == 0) {
      options->version = 1;
    } else {
      argv[kept++] = argv[i];
    }
  }
  while (i < *argc) {
    argv[kept++] = argv[i++];
  }
  argv[kept] = NULL;
  *argc = kept;
  return status;
}
