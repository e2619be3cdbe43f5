/* What one key alone cannot tell: checks between keys, and of the machine. */
#ifndef DAEMON_CONFIG_CHECK_H
#define DAEMON_CONFIG_CHECK_H

#include "daemon/config_table.h"

/* Complains of every contradiction in reader->config, at the place of the key in `tree` (NULL:
 * all defaults). */
void config_check(struct config_reader *reader, const struct node *tree);

/* The node of a key (its path, `*` standing for `instance`) in the tree; NULL if absent. */
const struct node *config_find_node(const struct node *tree, const char *path,
                                    const char *instance);
#endif
