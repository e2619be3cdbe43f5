#include "store/snapshot.h"

#include <string.h>

static lcal_status check_classes(const lcal_snapshot *snapshot, lcal_status code,
                                 lcal_error *error) {
  if (snapshot->class_count < LCAL_CLASSES_MIN || snapshot->class_count > LCAL_CLASSES_MAX) {
    return lcal_error_set(error, code, "classes: %u names, not 2 to 1024", snapshot->class_count);
  }
  for (uint32_t i = 0; i < snapshot->class_count; i++) {
    const char *name = snapshot->classes[i];
    if (!lcal_text_valid(name, strlen(name))) {
      return lcal_error_set(error, code, "classes: the name of class %u is not a valid one", i);
    }
    for (uint32_t k = 0; k < i; k++) {
      if (strcmp(name, snapshot->classes[k]) == 0) {
        return lcal_error_set(error, code, "classes: %s is there twice", name);
      }
    }
  }
  return LCAL_OK;
}

static lcal_status check_set(const lcal_statistics *statistics, uint32_t classes,
                             const char *domain, const char *what, lcal_status code,
                             lcal_error *error) {
  lcal_error fault;
  if (statistics->classes != classes) {
    return lcal_error_set(error, code, "domain %s: %s is of %u classes, not %u", domain, what,
                          statistics->classes, classes);
  }
  if (lcal_statistics_check(statistics, &fault) != LCAL_OK) {
    return lcal_error_set(error, code, "domain %s: %s: %s", domain, what, fault.message);
  }
  return LCAL_OK;
}

static lcal_status check_domain(const lcal_snapshot *snapshot, uint32_t index, lcal_status code,
                                lcal_error *error) {
  const lcal_snapshot_domain *domain = &snapshot->domains[index];
  if (!lcal_name_valid(domain->name, strlen(domain->name))) {
    return lcal_error_set(error, code, "domains: the name of domain %u is not a valid one", index);
  }
  for (uint32_t i = 0; i < index; i++) {
    if (strcmp(domain->name, snapshot->domains[i].name) == 0) {
      return lcal_error_set(error, code, "domains: %s is there twice", domain->name);
    }
  }
  lcal_status status = check_set(domain->statistics, snapshot->class_count, domain->name,
                                 "its statistics", code, error);
  for (uint32_t i = 0; status == LCAL_OK && i < domain->window_count; i++) {
    status = check_set(domain->window_sets[i], snapshot->class_count, domain->name,
                       "a set of its window", code, error);
  }
  return status;
}

lcal_status lcal__snapshot_check(const lcal_snapshot *snapshot, lcal_status code,
                                 lcal_error *error) {
  if (!lcal_name_valid(snapshot->bank, strlen(snapshot->bank))) {
    return lcal_error_set(error, code, "bank: not a valid name");
  }
  if (!lcal_name_valid(snapshot->rule, strlen(snapshot->rule))) {
    return lcal_error_set(error, code, "rule: not a valid name");
  }
  if (!lcal_text_valid(snapshot->model, strlen(snapshot->model))) {
    return lcal_error_set(error, code, "model: not a valid name");
  }
  if (snapshot->domain_count > LCAL__SNAPSHOT_DOMAINS_MAX) {
    return lcal_error_set(error, code, "it has more than %u domains", LCAL__SNAPSHOT_DOMAINS_MAX);
  }
  lcal_status status = check_classes(snapshot, code, error);
  for (uint32_t i = 0; status == LCAL_OK && i < snapshot->domain_count; i++) {
    status = check_domain(snapshot, i, code, error);
  }
  return status;
}

lcal_status lcal_snapshot_matches(const lcal_snapshot *snapshot, const char *model,
                                  uint32_t class_count, const lcal_name *classes,
                                  lcal_error *error) {
  if (strcmp(snapshot->model, model) != 0) {
    return lcal_error_set(error, LCAL_FOREIGN, "it is of model %.40s, not %.40s", snapshot->model,
                          model);
  }
  if (snapshot->class_count != class_count) {
    return lcal_error_set(error, LCAL_FOREIGN, "it has %u classes, the model %u",
                          snapshot->class_count, class_count);
  }
  for (uint32_t i = 0; i < class_count; i++) {
    if (strcmp(snapshot->classes[i], classes[i]) != 0) {
      return lcal_error_set(error, LCAL_FOREIGN, "its class %u is %.40s, the model's %.40s", i,
                            snapshot->classes[i], classes[i]);
    }
  }
  return LCAL_OK;
}
