#include <labelcal/domain.h>

#include "core/elementary.h"
#include "core/window.h"

#include <math.h>
#include <stdlib.h>

struct lcal_domain {
  lcal_forgetting forgetting;
  lcal_statistics *current, *next;
  lcal_coefficients *coefficients, *prepared;
  lcal__window *window; /* NULL unless forgetting is window */
  uint64_t version;
  uint64_t stamp, next_stamp; /* ns; 0 = none */
  int next_jumped;
};

void lcal_adaptation_default(lcal_adaptation *adaptation) {
  *adaptation = (lcal_adaptation){.rule = lcal_rule_at(0),
                                  .order = LCAL_PREDICT_FIRST,
                                  .forgetting = LCAL_EMA,
                                  .half_life = 3000,
                                  .unit = LCAL_FRAMES,
                                  .window = 500,
                                  .min_weight = 1e-9,
                                  .warmup_frames = 0,
                                  .sum_tolerance = 0.01,
                                  .protect = NULL};
}

lcal_status lcal_domain_create(lcal_domain **domain, uint32_t classes,
                               const lcal_adaptation *adaptation, lcal_error *error) {
  if (adaptation->forgetting == LCAL_WINDOW && adaptation->window == 0) {
    return lcal_error_set(error, LCAL_ARGUMENT, "window: 0 frames; at least 1 is needed");
  }
  lcal_domain *made = calloc(1, sizeof *made);
  if (!made) {
    return lcal_error_set(error, LCAL_MEMORY, "domain: no memory");
  }
  made->forgetting = adaptation->forgetting;
  lcal_status status = lcal_statistics_create(&made->current, classes, error);
  status = status ? status : lcal_statistics_create(&made->next, classes, error);
  status = status ? status : lcal_coefficients_create(&made->coefficients, classes, error);
  status = status ? status : lcal_coefficients_create(&made->prepared, classes, error);
  if (!status && adaptation->forgetting == LCAL_WINDOW) {
    made->window = lcal__window_create(classes, adaptation->window);
    if (!made->window) {
      status = lcal_error_set(error, LCAL_MEMORY,
                              "domain: no memory for a window of %u frames of %u classes",
                              adaptation->window, classes);
    }
  }
  if (status) {
    lcal_domain_destroy(made);
    return status;
  }
  *domain = made;
  return LCAL_OK;
}

void lcal_domain_destroy(lcal_domain *domain) {
  if (domain) {
    lcal__window_destroy(domain->window);
    lcal_coefficients_destroy(domain->prepared);
    lcal_coefficients_destroy(domain->coefficients);
    lcal_statistics_destroy(domain->next);
    lcal_statistics_destroy(domain->current);
    free(domain);
  }
}

size_t lcal_domain_window_bytes(uint32_t classes, uint32_t window) {
  return window ? lcal__window_bytes(classes, window) : 0;
}

const lcal_statistics *lcal_domain_statistics(const lcal_domain *domain) {
  return domain->current;
}

const lcal_coefficients *lcal_domain_coefficients(const lcal_domain *domain) {
  return domain->coefficients;
}

uint64_t lcal_domain_version(const lcal_domain *domain) {
  return domain->version;
}

void lcal_domain_set_version(lcal_domain *domain, uint64_t version) {
  domain->version = version;
  domain->coefficients->version = version;
}

uint64_t lcal_domain_stamp(const lcal_domain *domain) {
  return domain->stamp;
}

void lcal_domain_set_stamp(lcal_domain *domain, uint64_t stamp_ns) {
  domain->stamp = stamp_ns;
}

/* Follows the sender's clock to `stamp_ns`; returns the time that passed, in seconds. */
static double advance_stamp(lcal_domain *domain, uint64_t stamp_ns) {
  uint64_t newest = domain->stamp;
  uint64_t distance = stamp_ns > newest ? stamp_ns - newest : newest - stamp_ns;
  domain->next_jumped = newest != 0 && distance > LCAL_CLOCK_JUMP_NS;
  if (newest == 0 || domain->next_jumped) {
    domain->next_stamp = stamp_ns;
    return 0;
  }
  domain->next_stamp = stamp_ns > newest ? stamp_ns : newest;
  return (double)(domain->next_stamp - newest) / 1e9;
}

static void build(lcal_coefficients *coefficients, const lcal_adaptation *adaptation,
                  const lcal_statistics *statistics, uint64_t version) {
  lcal_coefficients_build(coefficients, adaptation->rule, statistics, adaptation->min_weight,
                          adaptation->sum_tolerance, adaptation->protect);
  coefficients->version = version;
}

void lcal_domain_prepare(lcal_domain *domain, const lcal_adaptation *adaptation,
                         const lcal_statistics *frame, uint64_t stamp_ns) {
  double passed = advance_stamp(domain, stamp_ns);
  double keep;
  if (domain->forgetting == LCAL_EMA && adaptation->unit == LCAL_SECONDS) {
    keep = lcal__exp2(-passed / adaptation->half_life);
  } else {
    /* Nothing depends on the clock: cameras of one domain need not share one. */
    domain->next_jumped = 0;
    keep = domain->forgetting == LCAL_EMA ? lcal__exp2(-1 / adaptation->half_life) : 1;
  }
  lcal_statistics_copy(domain->next, domain->current);
  lcal_statistics_add(domain->next, frame, keep);
  if (domain->window) {
    lcal__window_prepare(domain->window, frame, domain->next);
  }
  build(domain->prepared, adaptation, domain->next, domain->version + 1);
}

const lcal_coefficients *lcal_domain_prepared(const lcal_domain *domain) {
  return domain->prepared;
}

int lcal_domain_install(lcal_domain *domain) {
  lcal_statistics *statistics = domain->current;
  domain->current = domain->next;
  domain->next = statistics;
  lcal_coefficients *coefficients = domain->coefficients;
  domain->coefficients = domain->prepared;
  domain->prepared = coefficients;
  if (domain->window) {
    lcal__window_install(domain->window);
  }
  domain->stamp = domain->next_stamp;
  domain->version++;
  return domain->next_jumped;
}

void lcal_domain_rebuild(lcal_domain *domain, const lcal_adaptation *adaptation) {
  build(domain->coefficients, adaptation, domain->current, domain->version);
}

void lcal_domain_reset(lcal_domain *domain) {
  lcal_statistics_clear(domain->current);
  if (domain->window) {
    lcal__window_clear(domain->window);
  }
  domain->stamp = 0;
  domain->version++;
}

void lcal_domain_reset_class(lcal_domain *domain, uint32_t k) {
  lcal_statistics_reset_class(domain->current, k);
  if (domain->window) {
    lcal__window_reset_class(domain->window, k);
  }
  domain->version++;
}

void lcal_domain_replace(lcal_domain *domain, const lcal_statistics *statistics) {
  lcal_statistics_copy(domain->current, statistics);
  if (domain->window) {
    lcal__window_restore(domain->window, &statistics, NULL, 1);
  }
  domain->version++;
}

void lcal_domain_add(lcal_domain *domain, const lcal_statistics *statistics) {
  lcal_statistics_add(domain->current, statistics, 1);
  if (domain->window) {
    lcal__window_add_oldest(domain->window, statistics);
    lcal__window_root(domain->window, domain->current);
  }
  domain->version++;
}

uint32_t lcal_domain_window_count(const lcal_domain *domain) {
  return domain->window ? lcal__window_count(domain->window) : 0;
}

const lcal_statistics *lcal_domain_window_set(const lcal_domain *domain, uint32_t i,
                                              uint32_t *slot) {
  return domain->window ? lcal__window_set(domain->window, i, slot) : NULL;
}

void lcal_domain_restore_window(lcal_domain *domain, const lcal_statistics *totals,
                                const lcal_statistics *const *sets, const uint32_t *slots,
                                uint32_t count) {
  lcal_statistics_copy(domain->current, totals);
  if (domain->window) {
    lcal__window_restore(domain->window, sets, slots, count);
    lcal__window_root(domain->window, domain->current);
  }
}
