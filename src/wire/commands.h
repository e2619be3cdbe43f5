/* The commands of `control`: one table for the daemon that runs them, the command line that sends
 * them, and docs/protocol.md. */
#ifndef WIRE_COMMANDS_H
#define WIRE_COMMANDS_H

#include "wire/fields.h"

enum lcal__load_mode { LCAL__REPLACE, LCAL__ADD };

/* What a command's arguments are read into; "" and NULL: absent. Only what its table has is
 * ever there. */
typedef struct lcal__arguments {
  lcal_name bank, domain, stream, rule;
  const msgpack_object *class_key; /* a class's index (integer) or name (string) */
  lcal_bytes sum, weight, count;   /* sizes are the caller's to check */
  const msgpack_object *extra;     /* a map of bins by name */
  uint64_t frames, generation;
  unsigned mode; /* enum lcal__load_mode */
} lcal__arguments;

enum lcal__command_id {
  LCAL__COMMAND_STATUS,
  LCAL__COMMAND_STREAMS,
  LCAL__COMMAND_PROTOTYPES,
  LCAL__COMMAND_LOAD_STATISTICS,
  LCAL__COMMAND_DOMAIN,
  LCAL__COMMAND_DOMAIN_DELETE,
  LCAL__COMMAND_FREEZE,
  LCAL__COMMAND_RESUME,
  LCAL__COMMAND_SHADOW,
  LCAL__COMMAND_BYPASS,
  LCAL__COMMAND_RESET,
  LCAL__COMMAND_SNAPSHOT,
  LCAL__COMMAND_GENERATIONS,
  LCAL__COMMAND_ROLLBACK,
  LCAL__COMMAND_RELOAD,
  LCAL__COMMAND_SET_RULE,
  LCAL__COMMAND_COUNT
};

typedef struct lcal__command {
  const char *word;
  bool changes; /* its answers are kept by id, so that a retry does nothing again */
  const lcal__table *arguments;
  const char *result; /* the keys of its result map, for docs */
  const char *doc;
} lcal__command;

extern const lcal__command lcal__commands[LCAL__COMMAND_COUNT];

/* The command called `word`, or NULL. */
const lcal__command *lcal__command_find(const char *word);

/* Reads a command's arguments; `args` NULL is an empty map. Clears *arguments first.
 * LCAL_MISSING_FIELD, LCAL_BAD_FIELD. */
lcal_status lcal__arguments_read(const lcal__command *command, const msgpack_object *args,
                                 lcal__arguments *arguments, lcal_error *error);

#endif
