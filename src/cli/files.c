#include "cli/files.h"

#include <stdio.h>
#include <string.h>

lcal_status file_load(lcal_snapshot **snapshot, const char *path, lcal_error *error) {
  lcal_status status = lcal_snapshot_load(snapshot, path, error);
  if (status == LCAL_SYSTEM) {
    status = error->code = LCAL_BAD_DATA;
  }
  return status;
}

/* "day, night": as many as fit. */
static void list_domains(const lcal_snapshot *snapshot, char *text, size_t capacity) {
  size_t length = 0;
  text[0] = '\0';
  for (uint32_t i = 0; i < snapshot->domain_count && length < capacity; i++) {
    length += (size_t)snprintf(text + length, capacity - length, "%s%s", i ? ", " : "",
                               snapshot->domains[i].name);
  }
}

lcal_status file_domain(const lcal_snapshot_domain **domain, const lcal_snapshot *snapshot,
                        const char *path, const char *wanted, const char *option,
                        lcal_error *error) {
  char names[128];
  if (!wanted && snapshot->domain_count == 1) {
    *domain = &snapshot->domains[0];
    return LCAL_OK;
  }
  for (uint32_t i = 0; wanted && i < snapshot->domain_count; i++) {
    if (strcmp(snapshot->domains[i].name, wanted) == 0) {
      *domain = &snapshot->domains[i];
      return LCAL_OK;
    }
  }
  if (snapshot->domain_count == 0) {
    return lcal_error_set(error, LCAL_BAD_DATA, "%s: it has no domain", path);
  }
  list_domains(snapshot, names, sizeof names);
  if (wanted) {
    return lcal_error_set(error, LCAL_BAD_DATA, "%s: it has no domain %s, but %s", path, wanted,
                          names);
  }
  return lcal_error_set(error, LCAL_BAD_DATA, "%s: choose one of its domains by %s: %s", path,
                        option, names);
}

lcal_status file_matches(const lcal_snapshot *snapshot, const char *path, const char *model,
                         uint32_t class_count, const lcal_name *classes, lcal_error *error) {
  lcal_error fault;
  lcal_status status = lcal_snapshot_matches(snapshot, model, class_count, classes, &fault);
  return status == LCAL_OK ? LCAL_OK : lcal_error_set(error, status, "%s: %s", path, fault.message);
}
