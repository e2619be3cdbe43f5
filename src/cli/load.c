/* labelcal load: a file's statistics into a running daemon. */
#include "cli/arguments.h"
#include "cli/ask.h"
#include "cli/files.h"
#include "cli/model.h"
#include "cli/results.h"
#include "cli/subcommand.h"

/* The daemon judges sizes only; that the classes are the same ones is seen to here. */
static lcal_status check_model(lcal_client *client, const lcal_snapshot *snapshot, const char *path,
                               lcal_error *error) {
  struct model model;
  lcal_status status = model_ask(&model, client, error);
  if (status == LCAL_OK) {
    status = file_matches(snapshot, path, model.name, model.class_count,
                          (const lcal_name *)model.classes, error);
    model_free(&model);
  }
  return status;
}

static lcal_status send_statistics(lcal_client *client, const struct arguments *arguments,
                                   const lcal_statistics *statistics, lcal_bytes *result,
                                   lcal_error *error) {
  struct question question;
  size_t classes = statistics->classes;
  question_begin_bank(&question, "load_statistics", arguments->bank);
  lcal__writer *args = &question.args;
  lcal__put_text(args, "domain", arguments->domain ? arguments->domain : "default");
  lcal__put_text(args, "mode", arguments->add ? "add" : "replace");
  lcal__put_u64(args, "frames", statistics->frames);
  lcal__put_bin(args, "sum", statistics->sum, classes * classes * sizeof *statistics->sum);
  lcal__put_bin(args, "weight", statistics->weight, classes * sizeof *statistics->weight);
  lcal__put_bin(args, "count", statistics->count, classes * sizeof *statistics->count);
  return question_send(&question, client, result, error);
}

static lcal_status print(lcal_bytes result, int json, lcal_error *error) {
  json_t *map = NULL;
  if (json) {
    return print_result_json(result, error);
  }
  lcal_status status = json_of_result(result, &map, error);
  if (status == LCAL_OK) {
    version_print(map);
  }
  json_decref(map);
  return status;
}

static lcal_status load(const struct arguments *arguments, const lcal_client_options *options,
                        int json, lcal_error *error) {
  const char *path = arguments->operands[0];
  const lcal_snapshot_domain *domain = NULL;
  lcal_snapshot *snapshot = NULL;
  lcal_client *client = NULL;
  lcal_bytes result;
  lcal_status status = file_load(&snapshot, path, error);
  if (status == LCAL_OK) {
    status = file_domain(&domain, snapshot, path, arguments->from, "--from", error);
  }
  if (status == LCAL_OK) {
    status = lcal_client_create(&client, options, error);
  }
  if (status == LCAL_OK) {
    status = check_model(client, snapshot, path, error);
  }
  if (status == LCAL_OK) {
    status = send_statistics(client, arguments, domain->statistics, &result, error);
  }
  if (status == LCAL_OK) {
    status = print(result, json, error);
  }
  lcal_client_destroy(client);
  lcal_snapshot_destroy(snapshot);
  return status;
}

int load_run(int argc, char **argv, const lcal_client_options *client, int json) {
  struct arguments arguments;
  lcal_error error;
  int usage =
      arguments_read(&arguments, argc, argv,
                     OPTION_BANK | OPTION_DOMAIN | OPTION_FROM | OPTION_ADD | OPTION_REPLACE);
  if (usage == 0) {
    usage = arguments_count(&arguments, argv, 1, 1, "a file");
  }
  if (usage == 0 && arguments.add && arguments.replace) {
    usage = usage_error(argv[0], "--add or --replace, not both");
  }
  if (usage) {
    return usage;
  }
  return load(&arguments, client, json, &error) == LCAL_OK ? 0 : report_error(&error);
}
