/* What the daemon says of its model and banks. */
#ifndef CLI_MODEL_H
#define CLI_MODEL_H

#include <jansson.h>
#include <labelcal/client.h>
#include <labelcal/rules.h>

struct model {
  json_t *status; /* control's status map */
  const char *name;
  uint32_t class_count;
  lcal_name *classes;
};

/* Asks a daemon for its status. *model is to be freed by model_free if LCAL_OK is returned.
 * LCAL_MALFORMED: it has no model, or no number of classes that a model can have. */
lcal_status model_ask(struct model *model, lcal_client *client, lcal_error *error);
void model_free(struct model *model); /* a zeroed one is fine */

/* The rule a bank decides by; NULL if there is no such bank, or the rule is not known here. */
const lcal_rule *model_rule(const struct model *model, const char *bank);

#endif
