#include "cli/model.h"

#include "cli/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

lcal_status model_ask(struct model *model, lcal_client *client, lcal_error *error) {
  *model = (struct model){0};
  lcal_status status = ask_json(client, "status", &model->status, error);
  if (status != LCAL_OK) {
    return status;
  }
  const json_t *words = json_object_get(model->status, "classes");
  size_t count = json_array_size(words);
  model->name = json_string_value(json_object_get(model->status, "model"));
  if (!model->name || count < LCAL_CLASSES_MIN || count > LCAL_CLASSES_MAX) {
    model_free(model);
    return lcal_error_set(error, LCAL_MALFORMED,
                          "the daemon's status names no model of 2 to 1024 "
                          "classes");
  }
  model->class_count = (uint32_t)count;
  model->classes = need(calloc(count, sizeof *model->classes));
  for (size_t i = 0; i < count; i++) {
    const char *word = json_string_value(json_array_get(words, i));
    snprintf(model->classes[i], sizeof model->classes[i], "%s", word ? word : "");
  }
  return LCAL_OK;
}

void model_free(struct model *model) {
  json_decref(model->status);
  free(model->classes);
  *model = (struct model){0};
}

const lcal_rule *model_rule(const struct model *model, const char *bank) {
  json_t *row;
  size_t i;
  json_array_foreach(json_object_get(model->status, "banks"), i, row) {
    const char *name = json_string_value(json_object_get(row, "name"));
    const char *rule = json_string_value(json_object_get(row, "rule"));
    if (name && rule && strcmp(name, bank) == 0) {
      return lcal_rule_find(rule, strlen(rule));
    }
  }
  return NULL;
}
