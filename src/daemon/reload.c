#include "daemon/lifecycle.h"

#include "daemon/banks.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/streams.h"
#include "daemon/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Configurations that were replaced. */

static bool is_read(const struct daemon *daemon, const struct config *config) {
  for (size_t i = 0; i < daemon->bank_count; i++) {
    const struct job *job = daemon->banks[i].job;
    if (job != NULL && job->config == config) {
      return true;
    }
  }
  return false;
}

void configs_release(struct daemon *daemon) {
  struct lifecycle *lifecycle = daemon->lifecycle;
  size_t kept = 0;
  for (size_t i = 0; i < lifecycle->retired_count; i++) {
    if (is_read(daemon, lifecycle->retired[i])) {
      lifecycle->retired[kept++] = lifecycle->retired[i];
    } else {
      config_free(lifecycle->retired[i]);
    }
  }
  lifecycle->retired_count = kept;
}

static lcal_status retire(struct lifecycle *lifecycle, lcal_error *error) {
  struct config **larger =
      reallocarray(lifecycle->retired, lifecycle->retired_count + 1, sizeof(struct config *));
  if (larger == NULL) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory to take the configuration over");
  }
  lifecycle->retired = larger;
  return LCAL_OK;
}

/* ---- Taking over. */

static bool same_protection(const lcal_adaptation *a, const lcal_adaptation *b,
                            uint32_t class_count) {
  for (uint32_t k = 0; k < class_count; k++) {
    const bool protected_a = a->protect != NULL && a->protect[k] != 0;
    const bool protected_b = b->protect != NULL && b->protect[k] != 0;
    if (protected_a != protected_b) {
      return false;
    }
  }
  return true;
}

/* Whether coefficients built with `a` are those of `b`. */
static bool same_coefficients(const lcal_adaptation *a, const lcal_adaptation *b,
                              uint32_t class_count) {
  return a->rule == b->rule && a->min_weight == b->min_weight &&
         a->sum_tolerance == b->sum_tolerance && same_protection(a, b, class_count);
}

static void reconfigure_bank(struct bank *bank, const struct config_bank *next,
                             uint32_t class_count) {
  const lcal_adaptation before = bank->adaptation;
  const bool rule_changed = bank->config->adaptation.rule != next->adaptation.rule;
  bank->adaptation = next->adaptation;
  if (bank->rule_set && !rule_changed) {
    bank->adaptation.rule = before.rule;
  } else {
    bank->rule_set = false;
  }
  if (!same_coefficients(&before, &bank->adaptation, class_count)) {
    bank_make_stale(bank);
  }
  bank->config = next;
}

static void take_over(struct daemon *daemon, struct config *next) {
  struct lifecycle *lifecycle = daemon->lifecycle;
  lifecycle->retired[lifecycle->retired_count++] = daemon->config;
  daemon->config = next;
  for (size_t i = 0; i < daemon->bank_count; i++) {
    struct bank *bank = &daemon->banks[i];
    reconfigure_bank(bank, config_bank_find(next, bank->config->name), next->class_count);
  }
  streams_reconfigure(daemon);
  log_set_level(next->log_level);
  configs_release(daemon);
}

/* Loads the file; *error names the first thing that is wrong, the log has all. */
static lcal_status load(struct daemon *daemon, struct config **config, lcal_error *error) {
  struct text room;
  FILE *errors = text_open(&room);
  if (errors == NULL) {
    return lcal_error_set(error, LCAL_RELOAD_FAILED, "no memory to read the configuration");
  }
  const lcal_status status = config_load(config, daemon->config_path, &daemon->overrides, errors);
  char *text = text_close(&room, errors, NULL);
  if (status != LCAL_OK) {
    char *rest = text;
    const char *line;
    lcal_error_set(error, LCAL_RELOAD_FAILED, "the configuration is refused");
    for (bool first = true; rest != NULL && (line = strsep(&rest, "\n")) != NULL; first = false) {
      if (line[0] != '\0') {
        log_message(LOG_ERROR, "reload: %s", line);
      }
      if (first && line[0] != '\0') {
        lcal_error_set(error, LCAL_RELOAD_FAILED, "%s", line);
      }
    }
  }
  free(text);
  return status == LCAL_OK ? LCAL_OK : LCAL_RELOAD_FAILED;
}

static lcal_status reload(struct daemon *daemon,
                          void (*report)(void *context, const char *key, bool restart),
                          void *context, lcal_error *error) {
  if (daemon->stopping) {
    return lcal_error_set(error, LCAL_RELOAD_FAILED, "labelcald is stopping");
  }
  struct config *file = NULL;
  lcal_status status = load(daemon, &file, error);
  if (status != LCAL_OK) {
    return status;
  }
  lcal_error cause;
  struct config *next = config_merge_reload(daemon->config, file, &cause);
  if (next == NULL || retire(daemon->lifecycle, &cause) != LCAL_OK) {
    config_free(next);
    config_free(file);
    return lcal_error_set(error, LCAL_RELOAD_FAILED, "%.200s", cause.message);
  }
  if (report != NULL) {
    config_diff(daemon->config, file, report, context);
  }
  config_free(file);
  take_over(daemon, next);
  return LCAL_OK;
}

lcal_status daemon_reload(struct daemon *daemon,
                          void (*report)(void *context, const char *key, bool restart),
                          void *context, lcal_error *error) {
  notify_reloading(daemon->notify);
  const lcal_status status = reload(daemon, report, context, error);
  if (status == LCAL_OK) {
    event_raise(daemon, EVENT_RELOADED, NULL, 0, "the configuration was read again");
  } else {
    event_raise(daemon, EVENT_RELOAD_FAILED, NULL, 0, "nothing changed: %s", error->message);
  }
  notify_ready(daemon->notify, "labelling");
  return status;
}
