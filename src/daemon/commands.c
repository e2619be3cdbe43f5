/* From a request's bytes to its handler: the envelope, the kept answers, the arguments, the names
 * in them, in the order that protocol.md ("error") sets. */
#include "daemon/answers.h"
#include "daemon/command_call.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  command_check *check; /* or NULL */
  command_run *run;
  bool domain_exists; /* a domain that is named must be there */
} handlers[LCAL__COMMAND_COUNT] = {
    [LCAL__COMMAND_STATUS] = {NULL, run_status, false},
    [LCAL__COMMAND_STREAMS] = {NULL, run_streams, false},
    [LCAL__COMMAND_PROTOTYPES] = {NULL, run_prototypes, true},
    [LCAL__COMMAND_LOAD_STATISTICS] = {check_load_statistics, run_load_statistics, false},
    [LCAL__COMMAND_DOMAIN] = {NULL, run_domain, false},
    [LCAL__COMMAND_DOMAIN_DELETE] = {check_domain_delete, run_domain_delete, true},
    [LCAL__COMMAND_FREEZE] = {NULL, run_freeze, false},
    [LCAL__COMMAND_RESUME] = {NULL, run_resume, false},
    [LCAL__COMMAND_SHADOW] = {NULL, run_shadow, false},
    [LCAL__COMMAND_BYPASS] = {NULL, run_bypass, false},
    [LCAL__COMMAND_RESET] = {check_reset, run_reset, true},
    [LCAL__COMMAND_SNAPSHOT] = {NULL, run_snapshot, false},
    [LCAL__COMMAND_GENERATIONS] = {NULL, run_generations, false},
    [LCAL__COMMAND_ROLLBACK] = {NULL, run_rollback, false},
    [LCAL__COMMAND_RELOAD] = {NULL, run_reload, false},
    [LCAL__COMMAND_SET_RULE] = {check_set_rule, run_set_rule, false},
};

/* ---- Answers. */

static void raise_event(const struct call *call) {
  const lcal__arguments *arguments = &call->arguments;
  const struct event_field all[] = {
      {"command", call->command->word, 0}, {"id", call->id, 0},
      {"bank", arguments->bank, 0},        {"domain", arguments->domain, 0},
      {"stream", arguments->stream, 0},    {"rule", arguments->rule, 0},
  };
  struct event_field given[sizeof all / sizeof *all];
  char names[512] = ""; /* all four, and their keys */
  size_t count = 0, length = 0;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (!all[i].text[0]) {
      continue;
    }
    given[count++] = all[i];
    if (i >= 2) {
      length += (size_t)snprintf(names + length, sizeof names - length, " %s %s,", all[i].key,
                                 all[i].text);
    }
  }
  event_raise(call->daemon, EVENT_COMMAND, given, count, "%s%s by request %s", call->command->word,
              names, call->id);
}

/* Sends and keeps the answer; the call is over. */
static void finish(struct call *call, const void *bytes, size_t length, lcal_status code) {
  struct daemon *daemon = call->daemon;
  daemon->counters.command_errors += code != LCAL_OK;
  if (call->answer) {
    if (code == LCAL_OK) {
      raise_event(call);
    }
    answers_finish(daemon->answers, call->answer, bytes, length, code, monotonic_ns(), call->sink);
  } else {
    call->sink->send(call->sink, bytes, length, code);
  }
  free(call->room);
  free(call);
}

void call_begin(struct call *call, lcal__writer *writer) {
  if (call->room != NULL) {
    lcal__writer_grow_from(writer, call->room, ANSWERS_ROOM);
    call->room = NULL;
  } else {
    lcal__writer_grow(writer);
  }
  lcal__begin_result(writer, call->id, call->command->word);
}

void call_end(struct call *call, lcal__writer *writer) {
  lcal_error error;
  uint8_t *bytes = NULL;
  size_t length = 0;
  lcal__end_result(writer);
  if (lcal__writer_take(writer, &bytes, &length, &error) == LCAL_OK) {
    finish(call, bytes, length, LCAL_OK);
    free(bytes);
  } else {
    call_error(call, &error);
  }
}

void call_answer(struct call *call, const void *bytes, size_t length) {
  finish(call, bytes, length, LCAL_OK);
}

static size_t pack_error(const char *id, const lcal_error *error,
                         uint8_t bytes[LCAL_ERROR_MESSAGE_MAX]) {
  lcal_error_message message = {.error = *error};
  snprintf(message.id, sizeof message.id, "%s", id);
  return lcal_error_write(&message, bytes, LCAL_ERROR_MESSAGE_MAX);
}

void call_error(struct call *call, const lcal_error *error) {
  uint8_t bytes[LCAL_ERROR_MESSAGE_MAX];
  size_t length = pack_error(call->id, error, bytes);
  finish(call, bytes, length, error->code);
}

void call_fail(struct call *call, lcal_status code, const char *format, ...) {
  lcal_error error = {.code = code};
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error.message, sizeof error.message, format, arguments);
  va_end(arguments);
  call_error(call, &error);
}

/* ---- Checks. */

static lcal_status find_names(struct call *call, bool domain_exists, lcal_error *error) {
  struct daemon *daemon = call->daemon;
  const lcal__arguments *arguments = &call->arguments;
  if (arguments->stream[0] && !(call->stream = stream_find(daemon, arguments->stream))) {
    return lcal_error_set(error, LCAL_UNKNOWN_STREAM,
                          "stream %s is neither configured nor was it seen; `streams` lists them",
                          arguments->stream);
  }
  if (arguments->bank[0] && !(call->bank = bank_find(daemon, arguments->bank))) {
    return lcal_error_set(error, LCAL_UNKNOWN_BANK,
                          "bank %s is not configured; `status` lists the banks", arguments->bank);
  }
  if (domain_exists && arguments->domain[0] && !bank_domain(call->bank, arguments->domain)) {
    return lcal_error_set(error, LCAL_UNKNOWN_DOMAIN,
                          "bank %s has no domain %s; `status` lists its domains", arguments->bank,
                          arguments->domain);
  }
  return LCAL_OK;
}

static lcal_status judge(struct call *call, const msgpack_object *args, lcal_error *error) {
  size_t row = (size_t)(call->command - lcal__commands);
  lcal_status status = lcal__arguments_read(call->command, args, &call->arguments, error);
  if (status == LCAL_OK && handlers[row].check) {
    status = handlers[row].check(call->daemon, &call->arguments, error);
  }
  if (status == LCAL_OK) {
    status = find_names(call, handlers[row].domain_exists, error);
  }
  if (status == LCAL_OK && call->daemon->stopping) {
    status = lcal_error_set(error, LCAL_SHUTTING_DOWN,
                            "the daemon is stopping; ask again when it has started");
  }
  return status;
}

/* ---- Requests. */

static void refuse(struct daemon *daemon, const char *id, const lcal_error *error,
                   struct answer_sink *sink) {
  uint8_t bytes[LCAL_ERROR_MESSAGE_MAX];
  size_t length = pack_error(id, error, bytes);
  daemon->counters.command_errors++;
  sink->send(sink, bytes, length, error->code);
}

/* A command that changes something: true if it is to be run now. */
static bool claim(struct call *call, const void *body, size_t length) {
  lcal_error error;
  call->room = malloc(ANSWERS_ROOM);
  if (call->room == NULL) {
    lcal_error_set(&error, LCAL_BUSY, "out of memory; ask again");
    refuse(call->daemon, call->id, &error, call->sink);
    return false;
  }
  switch (answers_begin(call->daemon->answers, call->id, body, length, monotonic_ns(), call->sink,
                        &call->answer)) {
  case ANSWERS_NEW:
    return true;
  case ANSWERS_AGAIN:
    return false;
  case ANSWERS_OTHER:
    lcal_error_set(&error, LCAL_BAD_FIELD,
                   "id: %s was used by another request less than 10 minutes ago; use a new UUID",
                   call->id);
    break;
  case ANSWERS_MEMORY:
    lcal_error_set(&error, LCAL_BUSY, "out of memory; ask again");
    break;
  }
  refuse(call->daemon, call->id, &error, call->sink);
  return false;
}

static void run(struct daemon *daemon, const lcal__request *request, const lcal__command *command,
                const void *body, size_t length, struct answer_sink *sink) {
  lcal_error error;
  struct call *call = calloc(1, sizeof *call);
  if (!call) {
    lcal_error_set(&error, LCAL_BUSY, "out of memory; ask again");
    refuse(daemon, request->id, &error, sink);
    return;
  }
  call->daemon = daemon;
  call->command = command;
  call->sink = sink;
  memcpy(call->id, request->id, sizeof call->id);
  if (command->changes && !claim(call, body, length)) {
    free(call->room);
    free(call);
    return;
  }
  if (judge(call, request->args, &error) != LCAL_OK) {
    call_error(call, &error);
    return;
  }
  handlers[command - lcal__commands].run(call);
}

void command_receive(struct daemon *daemon, const void *body, size_t length,
                     struct answer_sink *sink) {
  lcal__document document;
  lcal__request request = {0};
  lcal_error error;
  daemon->counters.commands++;
  lcal_status status = lcal__document_open(&document, body, length, &lcal__message_limits, &error);
  if (status == LCAL_OK) {
    status = lcal__request_read(&request, &document, &error);
  }
  const lcal__command *command = status == LCAL_OK ? lcal__command_find(request.command) : NULL;
  if (status == LCAL_OK && !command) {
    lcal_error_set(&error, LCAL_UNKNOWN_COMMAND, "there is no command %s", request.command);
  }
  if (command) {
    run(daemon, &request, command, body, length, sink);
  } else {
    refuse(daemon, request.id, &error, sink);
  }
  lcal__document_close(&document);
}
