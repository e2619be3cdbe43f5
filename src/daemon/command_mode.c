/* Commands that change how streams and banks are run: modes, domains, rules, the configuration.
 * They take effect at once and are not durable. */
#include "daemon/command_call.h"
#include "daemon/status.h"

#include <stdlib.h>
#include <string.h>

/* ---- freeze, resume, shadow, bypass: of one stream or of all. */

static void run_mode(struct call *call, enum stream_mode mode) {
  struct daemon *daemon = call->daemon;
  lcal__writer writer;
  call_begin(call, &writer);
  lcal__begin_map(&writer, "streams");
  for (size_t i = 0; i < daemon->stream_count; i++) {
    struct stream *stream = daemon->streams[i];
    if (call->stream && call->stream != stream) {
      continue;
    }
    stream->mode = mode;
    stream->last_state = stream_mode_state(stream);
    lcal__put_text(&writer, stream->name, lcal_state_word(stream->last_state));
  }
  lcal__end(&writer);
  call_end(call, &writer);
}

void run_freeze(struct call *call) {
  run_mode(call, MODE_FREEZE);
}

void run_resume(struct call *call) {
  run_mode(call, MODE_ADAPT);
}

void run_shadow(struct call *call) {
  run_mode(call, MODE_SHADOW);
}

void run_bypass(struct call *call) {
  run_mode(call, MODE_BYPASS);
}

/* ---- domain, set_rule */

static void answer_previous(struct call *call, const char *previous) {
  lcal__writer writer;
  call_begin(call, &writer);
  lcal__put_text(&writer, "previous", previous);
  call_end(call, &writer);
}

void run_domain(struct call *call) {
  lcal_error error;
  lcal_name previous;
  struct domain *domain = NULL;
  struct stream *stream = call->stream;
  if (bank_domain_create(call->daemon, stream->bank, call->arguments.domain, &domain, &error) !=
      LCAL_OK) {
    call_error(call, &error);
    return;
  }
  memcpy(previous, stream->domain, sizeof previous);
  memcpy(stream->domain, call->arguments.domain, sizeof stream->domain);
  answer_previous(call, previous);
}

lcal_status check_set_rule(const struct daemon *daemon, const lcal__arguments *arguments,
                           lcal_error *error) {
  (void)daemon;
  if (!lcal_rule_find(arguments->rule, strlen(arguments->rule))) {
    return lcal_error_set(error, LCAL_BAD_FIELD, "args.rule: there is no rule %s", arguments->rule);
  }
  return LCAL_OK;
}

void run_set_rule(struct call *call) {
  const char *previous = call->bank->adaptation.rule->name;
  bank_set_rule(call->daemon, call->bank,
                lcal_rule_find(call->arguments.rule, strlen(call->arguments.rule)));
  answer_previous(call, previous);
}

/* ---- reload */

struct reloaded {
  lcal__writer changed, restart; /* one array each */
};

static void report_key(void *context, const char *key, bool restart) {
  struct reloaded *reloaded = context;
  lcal__put_text(restart ? &reloaded->restart : &reloaded->changed, NULL, key);
}

static void put_keys(lcal__writer *writer, const char *name, lcal__writer *keys) {
  uint8_t *bytes = NULL;
  size_t length = 0;
  lcal__end(keys);
  if (lcal__writer_take(keys, &bytes, &length, NULL) == LCAL_OK) {
    lcal__put_raw(writer, name, (lcal_bytes){bytes, length});
    free(bytes);
  } else {
    writer->failed = true;
  }
}

void run_reload(struct call *call) {
  lcal_error error;
  lcal__writer writer;
  struct reloaded reloaded;
  lcal__writer_grow(&reloaded.changed);
  lcal__writer_grow(&reloaded.restart);
  lcal__begin_array(&reloaded.changed, NULL);
  lcal__begin_array(&reloaded.restart, NULL);
  if (daemon_reload(call->daemon, report_key, &reloaded, &error) != LCAL_OK) {
    lcal__writer_drop(&reloaded.changed);
    lcal__writer_drop(&reloaded.restart);
    call_error(call, &error);
    return;
  }
  call_begin(call, &writer);
  put_keys(&writer, "changed", &reloaded.changed);
  put_keys(&writer, "restart", &reloaded.restart);
  call_end(call, &writer);
}
