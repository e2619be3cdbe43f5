#include "daemon/banks.h"

#include <stdlib.h>
#include <string.h>

struct bank *bank_find(struct daemon *daemon, const char *name) {
  for (size_t i = 0; i < daemon->bank_count; i++) {
    if (strcmp(daemon->banks[i].config->name, name) == 0) {
      return &daemon->banks[i];
    }
  }
  return NULL;
}

struct domain *bank_domain(struct bank *bank, const char *name) {
  for (uint32_t i = 0; i < bank->domain_count; i++) {
    if (strcmp(bank->domains[i].name, name) == 0) {
      return &bank->domains[i];
    }
  }
  return NULL;
}

uint64_t bank_grave_version(const struct bank *bank, const char *name) {
  for (uint32_t i = 0; i < bank->grave_count; i++) {
    if (strcmp(bank->graves[i].name, name) == 0) {
      return bank->graves[i].version;
    }
  }
  return bank->grave_floor;
}

lcal_status bank_domain_room(const struct bank *bank, lcal_error *error) {
  if (bank->domain_count + bank->reserved_domains >= bank->config->domains) {
    return lcal_error_set(error, LCAL_TOO_MANY_DOMAINS, "domain: the bank %s may have %u domains",
                          bank->config->name, bank->config->domains);
  }
  return LCAL_OK;
}

lcal_status bank_domain_create(struct daemon *daemon, struct bank *bank, const char *name,
                               struct domain **domain, lcal_error *error) {
  *domain = bank_domain(bank, name);
  if (*domain != NULL) {
    return LCAL_OK;
  }
  lcal_status status = bank_domain_room(bank, error);
  lcal_domain *state = NULL;
  if (status == LCAL_OK) {
    status = lcal_domain_create(&state, daemon->config->class_count, &bank->adaptation, error);
  }
  if (status != LCAL_OK) {
    return status;
  }
  const uint64_t buried = bank_grave_version(bank, name);
  lcal_domain_set_version(state, buried != 0 ? buried + 1 : 0);
  struct domain *made = &bank->domains[bank->domain_count++];
  *made = (struct domain){.state = state};
  snprintf(made->name, sizeof made->name, "%s", name);
  domain_make_stale(made);
  *domain = made;
  return LCAL_OK;
}

void domain_make_stale(struct domain *domain) {
  domain->stale = true;
  domain->stale_marks++;
}

void bank_make_stale(struct bank *bank) {
  for (uint32_t i = 0; i < bank->domain_count; i++) {
    domain_make_stale(&bank->domains[i]);
  }
}

void bank_set_rule(struct daemon *daemon, struct bank *bank, const lcal_rule *rule) {
  (void)daemon;
  bank->rule_set = true;
  if (bank->adaptation.rule != rule) {
    bank->adaptation.rule = rule;
    bank_make_stale(bank);
  }
}

struct domain *bank_stale_domain(struct bank *bank) {
  for (uint32_t i = 0; i < bank->domain_count; i++) {
    if (bank->domains[i].stale) {
      return &bank->domains[i];
    }
  }
  return NULL;
}

void bank_when_fresh(struct daemon *daemon, struct bank *bank, struct bank_wait *wait) {
  struct bank_wait **end = &bank->waits;
  while (*end != NULL) {
    end = &(*end)->next;
  }
  wait->next = NULL;
  *end = wait;
  bank_turn(daemon, bank);
}

void bank_answer_waits(struct daemon *daemon, struct bank *bank) {
  while (bank->waits != NULL && bank_stale_domain(bank) == NULL) {
    struct bank_wait *wait = bank->waits;
    bank->waits = wait->next;
    wait->then(daemon, wait->context); /* its memory may be gone now */
  }
}

static lcal_status create_bank(struct daemon *daemon, struct bank *bank,
                               const struct config_bank *config, lcal_error *error) {
  bank->config = config;
  bank->adaptation = config->adaptation;
  bank->domains = calloc(config->domains, sizeof *bank->domains);
  bank->graves = calloc(GRAVES_MAX, sizeof *bank->graves);
  if (bank->domains == NULL || bank->graves == NULL) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for the bank %s", config->name);
  }
  lcal_status status = lcal_calibrator_create(&bank->calibrator, daemon->config->threads, error);
  if (status == LCAL_OK) {
    status = job_create(&bank->work, bank, error);
  }
  struct domain *domain;
  return status == LCAL_OK ? bank_domain_create(daemon, bank, "default", &domain, error) : status;
}

lcal_status banks_create(struct daemon *daemon, lcal_error *error) {
  const struct config *config = daemon->config;
  daemon->banks = calloc(config->bank_count, sizeof *daemon->banks);
  if (daemon->banks == NULL) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for %zu banks", config->bank_count);
  }
  lcal_status status = LCAL_OK;
  while (daemon->bank_count < config->bank_count && status == LCAL_OK) {
    struct bank *bank = &daemon->banks[daemon->bank_count];
    status = create_bank(daemon, bank, &config->banks[daemon->bank_count++], error);
  }
  return status;
}

void banks_destroy(struct daemon *daemon) {
  for (size_t i = 0; i < daemon->bank_count; i++) {
    struct bank *bank = &daemon->banks[i];
    for (uint32_t j = 0; j < bank->domain_count; j++) {
      lcal_domain_destroy(bank->domains[j].state);
    }
    free(bank->domains);
    free(bank->graves);
    lcal_calibrator_destroy(bank->calibrator);
    job_destroy(bank->work);
  }
  free(daemon->banks);
  daemon->banks = NULL;
  daemon->bank_count = 0;
}
