/* Strings of labelcald.yaml: which need quotes, and how they are read and written. */
#ifndef DAEMON_CONFIG_STRING_H
#define DAEMON_CONFIG_STRING_H

#include "daemon/config_table.h"

/* "must be <what the key takes>, not <what is there>". Always false. */
bool config_expected(const struct config_reader *reader, const struct config_key *key,
                     const struct node *node);

/* True for the word that stands for no value, where the key has one. */
bool config_is_absent(const struct config_key *key, const struct node *node);

/* True for a scalar that is a string: quoted, or plain and not to be taken for another type.
 * Complains otherwise. */
bool config_is_string(const struct config_reader *reader, const struct config_key *key,
                      const struct node *node);

/* The scalar's text with ${RUNTIME_DIRECTORY} and ${STATE_DIRECTORY} replaced, for the caller to
 * free. NULL after a complaint. */
char *config_expand(const struct config_reader *reader, const struct config_key *key,
                    const struct node *node);

/* A string as YAML, in quotes where it needs them. */
void config_print_string(const char *text, FILE *out);

/* Makes room for one more and takes `item` over; false (and `item` freed) if memory is short. */
bool config_list_add(struct config_list *list, char *item);
void config_list_free(struct config_list *list);
#endif
