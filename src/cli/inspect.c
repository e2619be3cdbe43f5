/* labelcal inspect: what a snapshot or statistics file knows, without a daemon. */
#include "cli/arguments.h"
#include "cli/ask.h"
#include "cli/files.h"
#include "cli/prototypes.h"
#include "cli/subcommand.h"
#include "cli/units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Prototypes and thresholds at the default settings; a file does not say under which it will be
 * used. To figures_free(). */
struct figures {
  struct prototypes prototypes;
  double *matrix;
  lcal_coefficients *coefficients;
};

static lcal_status figures_make(struct figures *figures, const lcal_snapshot *snapshot,
                                const lcal_rule *rule, const lcal_statistics *statistics,
                                lcal_error *error) {
  uint32_t classes = statistics->classes;
  lcal_adaptation defaults;
  lcal_adaptation_default(&defaults);
  *figures = (struct figures){0};
  lcal_status status = lcal_coefficients_create(&figures->coefficients, classes, error);
  if (status != LCAL_OK) {
    return status;
  }
  lcal_coefficients_build(figures->coefficients, rule, statistics, defaults.min_weight,
                          defaults.sum_tolerance, NULL);
  figures->matrix = need(calloc((size_t)classes * classes, sizeof *figures->matrix));
  lcal_statistics_prototypes(statistics, defaults.min_weight, figures->matrix);
  figures->prototypes = (struct prototypes){
      .classes = classes,
      .names = snapshot->classes,
      .matrix = figures->matrix,
      .weight = statistics->weight,
      .count = statistics->count,
      .thresholds = figures->coefficients->threshold[LCAL_F32],
      .rule = rule,
  };
  return LCAL_OK;
}

static void figures_free(struct figures *figures) {
  lcal_coefficients_destroy(figures->coefficients);
  free(figures->matrix);
}

/* ---- For people. */

static void print_file(const lcal_snapshot *snapshot) {
  unit_text created;
  printf("model %s, %" PRIu32 " classes, rule %s\n", snapshot->model, snapshot->class_count,
         snapshot->rule);
  printf("bank %s, generation %" PRIu64 ", written %s\n", snapshot->bank, snapshot->generation,
         time_text(created, snapshot->created_ns));
}

static void print_domain(const lcal_snapshot_domain *domain, const struct figures *figures) {
  const lcal_statistics *statistics = domain->statistics;
  unit_text stamp;
  printf("\ndomain %s: version %" PRIu64 ", %" PRIu64 " frames, %" PRIu64
         " pixels, newest frame of %s\n",
         domain->name, domain->version, statistics->frames, statistics->pixels,
         time_text(stamp, domain->stamp_ns));
  if (domain->window_count) {
    printf("  a window of %" PRIu32 " sets\n", domain->window_count);
  }
  putchar('\n');
  prototypes_print(&figures->prototypes, stdout);
}

/* ---- As JSON. */

static json_t *json_of_u64(uint64_t value) {
  return need(value <= INT64_MAX ? json_integer((json_int_t)value)
                                 : json_sprintf("%" PRIu64, value));
}

static json_t *json_of_domain(const lcal_snapshot_domain *domain, const struct figures *figures) {
  const lcal_statistics *statistics = domain->statistics;
  json_t *map = need(
      json_pack("{s:s, s:o, s:o, s:o, s:o, s:I}", "name", domain->name, "version",
                json_of_u64(domain->version), "frames", json_of_u64(statistics->frames), "pixels",
                json_of_u64(statistics->pixels), "stamp_ns", json_of_u64(domain->stamp_ns),
                "window_sets", (json_int_t)domain->window_count));
  json_t *prototypes = prototypes_json(&figures->prototypes);
  json_object_update(map, prototypes);
  json_decref(prototypes);
  return map;
}

static void print_json(const lcal_snapshot *snapshot, json_t *domains) {
  json_t *map = need(json_pack("{s:s, s:o, s:o, s:s, s:s, s:o}", "bank", snapshot->bank,
                               "generation", json_of_u64(snapshot->generation), "created_ns",
                               json_of_u64(snapshot->created_ns), "model", snapshot->model, "rule",
                               snapshot->rule, "domains", domains));
  char *text = need(json_dumps(map, JSON_COMPACT));
  puts(text);
  free(text);
  json_decref(map);
}

/* ---- */

/* Prints a domain, or with `domains` appends it there. */
static lcal_status show(const lcal_snapshot *snapshot, const lcal_rule *rule,
                        const lcal_snapshot_domain *domain, json_t *domains, lcal_error *error) {
  struct figures figures;
  lcal_status status = figures_make(&figures, snapshot, rule, domain->statistics, error);
  if (status != LCAL_OK) {
    return status;
  }
  if (domains) {
    json_array_append_new(domains, json_of_domain(domain, &figures));
  } else {
    print_domain(domain, &figures);
  }
  figures_free(&figures);
  return LCAL_OK;
}

/* The domain that is wanted, else all. */
static lcal_status inspect(const lcal_snapshot *snapshot, const char *path, const char *wanted,
                           int json, lcal_error *error) {
  const lcal_snapshot_domain *domain = NULL;
  const lcal_rule *rule = lcal_rule_find(snapshot->rule, strlen(snapshot->rule));
  lcal_status status = LCAL_OK;
  if (!rule) {
    return lcal_error_set(error, LCAL_BAD_DATA, "%s: this labelcal has no rule %s", path,
                          snapshot->rule);
  }
  if (wanted) {
    status = file_domain(&domain, snapshot, path, wanted, "--domain", error);
  }
  if (status != LCAL_OK) {
    return status;
  }
  json_t *domains = json ? need(json_array()) : NULL;
  if (!json) {
    print_file(snapshot);
  }
  for (uint32_t i = 0; i < snapshot->domain_count && status == LCAL_OK; i++) {
    if (!domain || domain == &snapshot->domains[i]) {
      status = show(snapshot, rule, &snapshot->domains[i], domains, error);
    }
  }
  if (json && status == LCAL_OK) {
    print_json(snapshot, json_incref(domains));
  }
  json_decref(domains);
  return status;
}

int inspect_run(int argc, char **argv, const lcal_client_options *client, int json) {
  (void)client; /* no daemon is needed */
  struct arguments arguments;
  lcal_snapshot *snapshot = NULL;
  lcal_error error;
  int usage = arguments_read(&arguments, argc, argv, OPTION_DOMAIN);
  if (usage == 0) {
    usage = arguments_count(&arguments, argv, 1, 1, "a file");
  }
  if (usage) {
    return usage;
  }
  const char *path = arguments.operands[0];
  lcal_status status = file_load(&snapshot, path, &error);
  if (status == LCAL_OK) {
    status = inspect(snapshot, path, arguments.domain, json, &error);
  }
  lcal_snapshot_destroy(snapshot);
  return status == LCAL_OK ? 0 : report_error(&error);
}
