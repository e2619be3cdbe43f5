#include "daemon/http_api.h"

#include "daemon/command.h"
#include "daemon/lifecycle.h"
#include "daemon/prototypes.h"
#include "wire/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char json_type[] = "application/json";

void api_status(struct exchange *exchange) {
  size_t length = 0;
  uint8_t *bytes = status_pack(exchange->http->daemon, &length);
  if (bytes) {
    exchange_answer_map(exchange, 200, (lcal_bytes){bytes, length});
    free(bytes);
  } else {
    exchange_answer(exchange, 503, json_type, NULL, 0);
  }
}

/* What is begun aside after the stop began would not be waited for. */
static bool is_stopping(struct exchange *exchange) {
  if (exchange->http->daemon->stopping) {
    exchange_fail(exchange, 503, LCAL_SHUTTING_DOWN,
                  "the daemon is stopping; ask again when it has started");
    return true;
  }
  return false;
}

/* ---- /api/prototypes?bank=&domain=[&generation=] */

static void on_prototypes(void *context, void *bytes, size_t length, const lcal_error *error) {
  struct exchange *exchange = context;
  if (!error) {
    exchange_answer(exchange, 200, json_type, bytes, length);
    return;
  }
  bool unknown = error->code == LCAL_UNKNOWN_DOMAIN || error->code == LCAL_BAD_GENERATION;
  exchange_fail(exchange, unknown ? 404 : 503, error->code, "%s", error->message);
}

void api_prototypes(struct exchange *exchange) {
  struct daemon *daemon = exchange->http->daemon;
  lcal_name name, domain;
  char number[24], *end = NULL;
  struct prototypes_wish wish = {.domain = domain, .json = true};
  if (is_stopping(exchange)) {
    return;
  }
  if (!exchange_query(exchange, "bank", name, sizeof name)) {
    exchange_fail(exchange, 400, LCAL_MISSING_FIELD, "the query needs bank=NAME");
    return;
  }
  if (!exchange_query(exchange, "domain", domain, sizeof domain)) {
    snprintf(domain, sizeof domain, "default");
  }
  if (exchange_query(exchange, "generation", number, sizeof number)) {
    errno = 0;
    wish.generation = strtoull(number, &end, 10);
    if (errno || *end || number[0] < '0' || number[0] > '9' || wish.generation == 0) {
      exchange_fail(exchange, 404, LCAL_BAD_GENERATION, "there is no generation %s", number);
      return;
    }
  }
  struct bank *bank = bank_find(daemon, name);
  if (bank && exchange->http->answer_bytes > HTTP_ANSWER_BYTES) {
    exchange_fail(exchange, 503, LCAL_BUSY, "other answers are still being sent; ask again");
  } else if (bank) {
    prototypes_make(daemon, bank, &wish, on_prototypes, exchange);
  } else {
    exchange_fail(exchange, 404, LCAL_UNKNOWN_BANK, "bank %s is not configured", name);
  }
}

/* ---- POST /api/command: megabytes of base64 are read off the loop. */

struct web_command {
  struct answer_sink sink;
  uv_work_t work;
  struct exchange *exchange;
  uint8_t *request;
  size_t length;
  lcal_error error; /* code LCAL_OK, or why it is no request */
};

static void on_answer(struct answer_sink *sink, const void *bytes, size_t length,
                      lcal_status code) {
  struct web_command *command = (struct web_command *)sink;
  unsigned status = code == LCAL_OK              ? 200
                    : code == LCAL_SHUTTING_DOWN ? 503
                    : code == LCAL_FORBIDDEN     ? 403
                                                 : 400;
  exchange_answer_map(command->exchange, status, (lcal_bytes){bytes, length});
  free(command->request);
  free(command);
}

static void read_command(uv_work_t *work) {
  struct web_command *command = work->data;
  const struct exchange *exchange = command->exchange;
  command->error.code =
      lcal__json_read_command(exchange->body ? exchange->body : "", exchange->body_length,
                              &command->request, &command->length, &command->error);
}

static void on_command_read(uv_work_t *work, int status) {
  (void)status; /* never cancelled */
  struct web_command *command = work->data;
  struct exchange *exchange = command->exchange;
  struct daemon *daemon = exchange->http->daemon;
  if (command->error.code == LCAL_OK) {
    command_receive(daemon, command->request, command->length, &command->sink);
  } else {
    exchange_fail(exchange, command->error.code == LCAL_MEMORY ? 503 : 400, command->error.code,
                  "%s", command->error.message);
    free(command);
  }
  daemon->off_loop--;
  daemon_stop_step(daemon);
}

void api_command(struct exchange *exchange) {
  struct daemon *daemon = exchange->http->daemon;
  if (is_stopping(exchange)) {
    return;
  }
  struct web_command *command = calloc(1, sizeof *command);
  if (!command) {
    exchange_answer(exchange, 503, json_type, NULL, 0);
    return;
  }
  command->sink.send = on_answer;
  command->exchange = exchange;
  command->work.data = command;
  daemon->off_loop++;
  uv_queue_work(&daemon->loop, &command->work, read_command, on_command_read);
}

size_t api_command_limit(const struct daemon *daemon) {
  size_t classes = daemon->config->class_count;
  size_t bins = (classes * classes + 2 * classes) * 8;
  return LCAL_ENVELOPE_MAX + bins + bins / 2;
}
