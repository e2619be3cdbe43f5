/* A command to the daemon, and its answer on stdout. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "wire/writer.h"

#include <jansson.h>
#include <labelcal/client.h>

/* Returns memory, or ends the program with status 1 where there is none. */
void *need(void *memory);

/* One command. The args are put in the open map of `args`, from question_begin on. */
struct question {
  const char *command;
  lcal__writer args;
};
void question_begin(struct question *question, const char *command);

/* As question_begin, and puts the bank; NULL: `default`. */
void question_begin_bank(struct question *question, const char *command, const char *bank);

/* Sends it; *result is its result map, valid until the next question of this client. The question
 * is over, whatever is returned. */
lcal_status question_send(struct question *question, lcal_client *client, lcal_bytes *result,
                          lcal_error *error);

/* Sends a command without arguments; *answer is its result map, to json_decref(). */
lcal_status ask_json(lcal_client *client, const char *command, json_t **answer, lcal_error *error);

/* Connects, sends the question and prints the answer: with `json` its result map as it is, else
 * by `print`. The question is over. Returns the exit status. */
int question_ask(struct question *question, const lcal_client_options *options, int json,
                 void (*print)(json_t *result));

/* A result map as JSON, to json_decref(). */
lcal_status json_of_result(lcal_bytes result, json_t **json, lcal_error *error);

/* Prints a result map as one line of JSON. */
lcal_status print_result_json(lcal_bytes result, lcal_error *error);

#endif
