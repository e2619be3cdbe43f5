#include "cli/ask.h"

#include "cli/subcommand.h"
#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>

void *need(void *memory) {
  if (!memory) {
    fputs("labelcal: memory: out of memory\n", stderr);
    exit(lcal_status_exit(LCAL_MEMORY));
  }
  return memory;
}

void question_begin(struct question *question, const char *command) {
  question->command = command;
  lcal__writer_grow(&question->args);
  lcal__begin_map(&question->args, NULL);
}

void question_begin_bank(struct question *question, const char *command, const char *bank) {
  question_begin(question, command);
  lcal__put_text(&question->args, "bank", bank ? bank : "default");
}

lcal_status question_send(struct question *question, lcal_client *client, lcal_bytes *result,
                          lcal_error *error) {
  uint8_t *bytes = NULL;
  size_t length = 0;
  lcal__end(&question->args);
  lcal_status status = lcal__writer_take(&question->args, &bytes, &length, error);
  if (status == LCAL_OK) {
    const lcal_bytes args = {bytes, length};
    status = lcal_client_control(client, question->command, &args, result, error);
  }
  free(bytes);
  return status;
}

lcal_status json_of_result(lcal_bytes result, json_t **json, lcal_error *error) {
  char *text = NULL;
  size_t length = 0;
  lcal_status status = lcal__json_write(result, &text, &length, error);
  if (status == LCAL_OK) {
    *json = need(json_loadb(text, length, 0, NULL));
  }
  free(text);
  return status;
}

lcal_status ask_json(lcal_client *client, const char *command, json_t **answer, lcal_error *error) {
  struct question question;
  lcal_bytes result;
  question_begin(&question, command);
  lcal_status status = question_send(&question, client, &result, error);
  return status == LCAL_OK ? json_of_result(result, answer, error) : status;
}

lcal_status print_result_json(lcal_bytes result, lcal_error *error) {
  char *text = NULL;
  size_t length = 0;
  lcal_status status = lcal__json_write(result, &text, &length, error);
  if (status == LCAL_OK) {
    puts(text);
  }
  free(text);
  return status;
}

static lcal_status print_answer(lcal_bytes result, int json, void (*print)(json_t *result),
                                lcal_error *error) {
  json_t *map = NULL;
  if (json) {
    return print_result_json(result, error);
  }
  lcal_status status = json_of_result(result, &map, error);
  if (status == LCAL_OK) {
    print(map);
    json_decref(map);
  }
  return status;
}

int question_ask(struct question *question, const lcal_client_options *options, int json,
                 void (*print)(json_t *result)) {
  lcal_client *client = NULL;
  lcal_bytes result;
  lcal_error error;
  lcal_status status = lcal_client_create(&client, options, &error);
  if (status == LCAL_OK) {
    status = question_send(question, client, &result, &error);
    if (status == LCAL_OK) {
      status = print_answer(result, json, print, &error);
    }
  } else {
    lcal__writer_drop(&question->args);
  }
  lcal_client_destroy(client);
  return status == LCAL_OK ? 0 : report_error(&error);
}
