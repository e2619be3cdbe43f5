/* Writes the keys in labelcald.yaml's form, each value from wherever the caller has it. */
#ifndef DAEMON_CONFIG_PRINT_H
#define DAEMON_CONFIG_PRINT_H

#include "daemon/config_table.h"

struct config_writer {
  FILE *out;
  bool comments;
  /* Writes the value of a key on one line; `instance`: the bank's or stream's name, or NULL. */
  void (*value)(const struct config_writer *writer, const struct config_key *key,
                const char *instance);
  const char *const *banks, *const *streams; /* names, NULL-terminated */
  const struct config *config;               /* the writer's own */
  const void *context;
};

void config_write(const struct config_writer *writer);

/* The struct that holds the key: the config, or its bank or stream of that name (a stream that
 * is not named there: `default`'s row). NULL if there is no such bank. */
const void *config_owner(const struct config *config, const struct config_key *key,
                         const char *instance);

/* Names of the config's banks or streams, NULL-terminated, borrowed but for the array, which the
 * caller frees. NULL if memory is short. */
const char **config_bank_names(const struct config *config);
const char **config_stream_names(const struct config *config);
#endif
