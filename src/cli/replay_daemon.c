#include "cli/replay_daemon.h"

#include "cli/ask.h"
#include "cli/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

lcal_status replay_check_classes(lcal_client *client, const lcal_recording_meta *meta,
                                 lcal_error *error) {
  json_t *answer = NULL;
  lcal_status status = ask_json(client, "status", &answer, error);
  if (status != LCAL_OK) {
    return status;
  }
  size_t classes = json_array_size(json_object_get(answer, "classes"));
  if (classes != meta->class_count) {
    const char *model = json_string_value(json_object_get(answer, "model"));
    status = lcal_error_set(error, LCAL_WRONG_CLASSES,
                            "the recording has %" PRIu32 " classes, labelcald's model %.64s has "
                            "%zu: start a labelcald whose model.classes are those of the "
                            "recording's meta.json",
                            meta->class_count, model ? model : "", classes);
  }
  json_decref(answer);
  return status;
}

lcal_status replay_refusal(lcal_client *client, const lcal_frame *frame, lcal_error *error) {
  lcal_frame asked = *frame;
  lcal_error refusal;
  lcal_labels labels;
  asked.adapt = 0;
  asked.want = 0;
  lcal_status status = lcal_client_calibrate(client, &asked, &labels, &refusal);
  if (status < LCAL_WIRE_FIRST || status > LCAL_WIRE_LAST || status == LCAL_BUSY ||
      status == LCAL_DEADLINE) {
    return LCAL_OK;
  }
  return lcal_error_set(error, status, "%s%s", refusal.message,
                        status == LCAL_TOO_MANY_DOMAINS
                            ? ": delete one (labelcal domain --delete NAME), or replay into one of "
                              "them (--domain NAME)"
                            : "");
}

lcal_status replay_fates(lcal_client *client, const char *stream, uint64_t fates[REPLAY_FATES],
                         lcal_error *error) {
  json_t *answer = NULL;
  json_t *row;
  size_t i;
  lcal_status status = ask_json(client, "streams", &answer, error);
  memset(fates, 0, REPLAY_FATES * sizeof *fates);
  json_array_foreach(json_object_get(answer, "streams"), i, row) {
    const char *name = json_string_value(json_object_get(row, "name"));
    for (int fate = 0; name && strcmp(name, stream) == 0 && fate < REPLAY_FATES; fate++) {
      fates[fate] = count_of(json_object_get(row, replay_fate_words[fate]));
    }
  }
  json_decref(answer);
  return status;
}

static lcal_status bank_of(lcal_client *client, const char *stream, lcal_name bank,
                           lcal_error *error) {
  json_t *answer = NULL;
  json_t *row;
  size_t i;
  lcal_status status = ask_json(client, "streams", &answer, error);
  json_array_foreach(json_object_get(answer, "streams"), i, row) {
    const char *name = json_string_value(json_object_get(row, "name"));
    const char *its = json_string_value(json_object_get(row, "bank"));
    if (name && its && strcmp(name, stream) == 0 && lcal_name_valid(its, strlen(its))) {
      memcpy(bank, its, strlen(its) + 1);
    }
  }
  json_decref(answer);
  return status;
}

lcal_status replay_delete_domain(lcal_client *client, const char *stream, const char *bank,
                                 const char *domain, lcal_error *error) {
  struct question question;
  lcal_name its_bank = "";
  lcal_bytes result;
  snprintf(its_bank, sizeof its_bank, "%s", bank);
  lcal_status status = bank[0] ? LCAL_OK : bank_of(client, stream, its_bank, error);
  if (status != LCAL_OK || !its_bank[0]) {
    return status; /* without a bank there is no such stream, and so no domain of its frames */
  }
  question_begin_bank(&question, "domain_delete", its_bank);
  lcal__put_text(&question.args, "domain", domain);
  status = question_send(&question, client, &result, error);
  return status == LCAL_UNKNOWN_DOMAIN ? LCAL_OK : status;
}
