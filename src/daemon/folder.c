#include "daemon/folder.h"

#include <stdlib.h>
#include <string.h>

lcal_status folder_copy(struct folder *folder, const struct daemon *daemon, const struct bank *bank,
                        lcal_error *error) {
  const struct config *config = daemon->config;
  *folder = (struct folder){
      .state_dir = daemon->overrides.state_dir,
      .class_count = config->class_count,
      .classes = calloc(config->class_count, sizeof *folder->classes),
  };
  if (!folder->classes) {
    return lcal_error_set(error, LCAL_MEMORY, "out of memory");
  }
  memcpy(folder->classes, config->classes, config->class_count * sizeof *folder->classes);
  memcpy(folder->bank, bank->config->name, sizeof folder->bank);
  memcpy(folder->model, config->model, sizeof folder->model);
  return LCAL_OK;
}

void folder_release(struct folder *folder) {
  free(folder->classes);
}

lcal_status folder_open(const struct folder *folder, struct lcal__directory **directory,
                        lcal_error *error) {
  return lcal__directory_open(directory, folder->state_dir, folder->bank, folder->model,
                              folder->class_count, (const lcal_name *)folder->classes, error);
}
