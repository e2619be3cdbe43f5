/* labelcal prototypes: the daemon's. */
#include "cli/arguments.h"
#include "cli/ask.h"
#include "cli/model.h"
#include "cli/prototypes.h"
#include "cli/subcommand.h"
#include "wire/control.h"
#include "wire/document.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What is read of the result map. */
struct answer {
  uint64_t version, frames, pixels;
  double *matrix, *weight;
  uint64_t *count;
  float *thresholds;
};

static void answer_free(struct answer *answer) {
  free(answer->matrix);
  free(answer->weight);
  free(answer->count);
  free(answer->thresholds);
}

/* A copy of a bin of `count` elements, aligned; NULL if it is none of that size. */
static void *bin_of(const msgpack_object *map, const char *key, size_t count, size_t size) {
  const msgpack_object *value = lcal__map_find(map, key);
  if (!value || value->type != MSGPACK_OBJECT_BIN || value->via.bin.size != count * size) {
    return NULL;
  }
  void *copy = need(malloc(count * size + 1));
  memcpy(copy, value->via.bin.ptr, count * size);
  return copy;
}

static uint64_t number_of(const msgpack_object *map, const char *key) {
  const msgpack_object *value = lcal__map_find(map, key);
  return value && value->type == MSGPACK_OBJECT_POSITIVE_INTEGER ? value->via.u64 : 0;
}

static double *matrix_of(const msgpack_object *map, size_t square) {
  float *narrow = bin_of(map, "prototypes", square, sizeof *narrow);
  double *wide = narrow ? need(calloc(square + 1, sizeof *wide)) : NULL;
  for (size_t i = 0; wide && i < square; i++) {
    wide[i] = (double)narrow[i];
  }
  free(narrow);
  return wide;
}

/* To answer_free(), whatever is returned. */
static lcal_status answer_read(struct answer *answer, const msgpack_object *map, size_t classes,
                               lcal_error *error) {
  *answer = (struct answer){
      .version = number_of(map, "version"),
      .frames = number_of(map, "frames"),
      .pixels = number_of(map, "pixels"),
      .matrix = matrix_of(map, classes * classes),
      .weight = bin_of(map, "weight", classes, sizeof *answer->weight),
      .count = bin_of(map, "count", classes, sizeof *answer->count),
      .thresholds = bin_of(map, "thresholds", classes, sizeof *answer->thresholds),
  };
  if (answer->matrix && answer->weight && answer->count && answer->thresholds) {
    return LCAL_OK;
  }
  return lcal_error_set(error, LCAL_MALFORMED,
                        "the daemon's prototypes are not those of its %zu classes", classes);
}

static void print_answer(const struct answer *answer, const struct model *model, const char *bank,
                         const char *domain) {
  const lcal_rule *rule = model_rule(model, bank);
  const struct prototypes prototypes = {
      .classes = model->class_count,
      .names = (const lcal_name *)model->classes,
      .matrix = answer->matrix,
      .weight = answer->weight,
      .count = answer->count,
      .thresholds = answer->thresholds,
      .rule = rule,
  };
  printf("bank %s, domain %s: rule %s, version %" PRIu64 ", %" PRIu64 " frames, %" PRIu64
         " pixels\n\n",
         bank, domain, rule ? rule->name : "not known here", answer->version, answer->frames,
         answer->pixels);
  prototypes_print(&prototypes, stdout);
}

static lcal_status print_text(lcal_bytes result, const struct model *model,
                              const struct arguments *arguments, lcal_error *error) {
  lcal__document document;
  struct answer answer = {0};
  lcal_status status =
      lcal__document_open(&document, result.data, result.length, &lcal__answer_limits, error);
  if (status == LCAL_OK) {
    status = answer_read(&answer, &document.unpacked.data, model->class_count, error);
  }
  if (status == LCAL_OK) {
    print_answer(&answer, model, arguments->bank ? arguments->bank : "default",
                 arguments->domain ? arguments->domain : "default");
  }
  answer_free(&answer);
  lcal__document_close(&document);
  return status;
}

/* Names and rule come with `status`; the JSON is the result map alone. */
static lcal_status ask_prototypes(lcal_client *client, const struct arguments *arguments, int json,
                                  lcal_error *error) {
  struct model model = {0};
  struct question question;
  lcal_bytes result;
  lcal_status status = json ? LCAL_OK : model_ask(&model, client, error);
  if (status != LCAL_OK) {
    return status;
  }
  question_begin_bank(&question, "prototypes", arguments->bank);
  if (arguments->domain) {
    lcal__put_text(&question.args, "domain", arguments->domain);
  }
  status = question_send(&question, client, &result, error);
  if (status == LCAL_OK) {
    status = json ? print_result_json(result, error) : print_text(result, &model, arguments, error);
  }
  model_free(&model);
  return status;
}

int prototypes_run(int argc, char **argv, const lcal_client_options *options, int json) {
  struct arguments arguments;
  lcal_client *client = NULL;
  lcal_error error;
  int usage = arguments_read(&arguments, argc, argv, OPTION_BANK | OPTION_DOMAIN);
  if (usage == 0) {
    usage = arguments_count(&arguments, argv, 0, 0, "");
  }
  if (usage) {
    return usage;
  }
  lcal_status status = lcal_client_create(&client, options, &error);
  if (status == LCAL_OK) {
    status = ask_prototypes(client, &arguments, json, &error);
  }
  lcal_client_destroy(client);
  return status == LCAL_OK ? 0 : report_error(&error);
}
