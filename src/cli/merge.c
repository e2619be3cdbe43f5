/* labelcal merge: statistics add. */
#include "cli/arguments.h"
#include "cli/files.h"
#include "cli/subcommand.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* What is written: a statistics file of bank and domain `default`, generation 0. Model, classes
 * and rule are the first file's. */
struct merged {
  lcal_snapshot *first;
  lcal_statistics *sum;
  lcal_snapshot_domain domain;
};

static void add(struct merged *merged, const lcal_snapshot_domain *domain) {
  lcal_statistics_add(merged->sum, domain->statistics, 1.0);
  if (domain->stamp_ns > merged->domain.stamp_ns) {
    merged->domain.stamp_ns = domain->stamp_ns;
  }
  if (domain->version > merged->domain.version) {
    merged->domain.version = domain->version;
  }
}

static lcal_status open_file(lcal_snapshot **snapshot, const lcal_snapshot_domain **domain,
                             const char *path, const char *wanted, lcal_error *error) {
  lcal_status status = file_load(snapshot, path, error);
  return status == LCAL_OK ? file_domain(domain, *snapshot, path, wanted, "--domain", error)
                           : status;
}

static lcal_status add_first(struct merged *merged, const char *path, const char *wanted,
                             lcal_error *error) {
  const lcal_snapshot_domain *domain = NULL;
  lcal_status status = open_file(&merged->first, &domain, path, wanted, error);
  if (status == LCAL_OK) {
    status = lcal_statistics_create(&merged->sum, merged->first->class_count, error);
  }
  if (status == LCAL_OK) {
    add(merged, domain);
  }
  return status;
}

static lcal_status add_another(struct merged *merged, const char *path, const char *wanted,
                               lcal_error *error) {
  const lcal_snapshot *first = merged->first;
  const lcal_snapshot_domain *domain = NULL;
  lcal_snapshot *snapshot = NULL;
  lcal_status status = open_file(&snapshot, &domain, path, wanted, error);
  if (status == LCAL_OK) {
    status = file_matches(snapshot, path, first->model, first->class_count, first->classes, error);
  }
  if (status == LCAL_OK) {
    add(merged, domain);
  }
  lcal_snapshot_destroy(snapshot);
  return status;
}

static lcal_status write_file(struct merged *merged, const char *path, lcal_error *error) {
  lcal_error fault;
  struct timespec now;
  if (lcal_statistics_check(merged->sum, &fault) != LCAL_OK) { /* finite ones can add to infinity */
    return lcal_error_set(error, LCAL_BAD_DATA, "the sum is too large: %s", fault.message);
  }
  clock_gettime(CLOCK_REALTIME, &now);
  snprintf(merged->domain.name, sizeof merged->domain.name, "default");
  merged->domain.statistics = merged->sum;
  lcal_snapshot out = *merged->first;
  snprintf(out.bank, sizeof out.bank, "default");
  out.generation = 0;
  out.created_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
  out.domain_count = 1;
  out.domains = &merged->domain;
  return lcal_snapshot_save(&out, path, error);
}

static lcal_status merge(struct merged *merged, const struct arguments *arguments,
                         lcal_error *error) {
  char **paths = arguments->operands;
  lcal_status status = add_first(merged, paths[0], arguments->domain, error);
  for (int i = 1; i < arguments->operand_count && status == LCAL_OK; i++) {
    status = add_another(merged, paths[i], arguments->domain, error);
  }
  return status == LCAL_OK ? write_file(merged, arguments->output, error) : status;
}

static void print(const struct merged *merged, const struct arguments *arguments, int json) {
  const lcal_statistics *sum = merged->sum;
  if (json) {
    printf("{\"files\":%d,\"frames\":%" PRIu64 ",\"pixels\":%" PRIu64 "}\n",
           arguments->operand_count, sum->frames, sum->pixels);
  } else {
    printf("%s: %d files, %" PRIu64 " frames, %" PRIu64 " pixels\n", arguments->output,
           arguments->operand_count, sum->frames, sum->pixels);
  }
}

int merge_run(int argc, char **argv, const lcal_client_options *client, int json) {
  (void)client; /* no daemon is needed */
  struct arguments arguments;
  struct merged merged = {0};
  lcal_error error;
  int usage = arguments_read(&arguments, argc, argv, OPTION_DOMAIN | OPTION_OUTPUT);
  if (usage == 0 && (arguments.operand_count == 0 || !arguments.output)) {
    usage = usage_error(argv[0], "it needs files to add, and -o FILE to write");
  }
  if (usage) {
    return usage;
  }
  lcal_status status = merge(&merged, &arguments, &error);
  if (status == LCAL_OK) {
    print(&merged, &arguments, json);
  }
  lcal_statistics_destroy(merged.sum);
  lcal_snapshot_destroy(merged.first);
  return status == LCAL_OK ? 0 : report_error(&error);
}
