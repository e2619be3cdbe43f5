/* A command under way: what its handler knows, and how it answers. commands.c has the table of
 * handlers; each file command_*.c has those of one theme. */
#ifndef DAEMON_COMMAND_CALL_H
#define DAEMON_COMMAND_CALL_H

#include "daemon/command.h"
#include "wire/commands.h"
#include "wire/control.h"

struct answer;

struct call {
  struct daemon *daemon;
  const lcal__command *command;
  lcal_name id;
  struct answer_sink *sink;
  struct answer *answer; /* its place among the kept ones, or NULL: a query */
  void *room;            /* of the result of a change, had before it takes effect; or NULL */
  /* The arguments; views (bins, objects) are there only while the handler is called. */
  lcal__arguments arguments;
  struct bank *bank;     /* named by `bank`, or NULL */
  struct stream *stream; /* named by `stream`, or NULL */
};

/* Opens a result; then put the result map's entries, and end it: that answers and frees the call.
 */
void call_begin(struct call *call, lcal__writer *writer);
void call_end(struct call *call, lcal__writer *writer);

/* Answers with bytes that are a whole result, and frees the call. */
void call_answer(struct call *call, const void *bytes, size_t length);

/* Answers with an error and frees the call. */
void call_error(struct call *call, const lcal_error *error);
void call_fail(struct call *call, lcal_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The class that `class` names, or -1. */
int64_t class_index(const struct daemon *daemon, const msgpack_object *key);

/* What a handler does: checks of arguments beyond their types (bad_field), and the work. */
typedef lcal_status command_check(const struct daemon *daemon, const lcal__arguments *arguments,
                                  lcal_error *error);
typedef void command_run(struct call *call);

/* command_query.c */
command_run run_status, run_streams, run_prototypes, run_generations;

/* command_change.c */
command_check check_load_statistics, check_domain_delete, check_reset;
command_run run_load_statistics, run_domain_delete, run_reset, run_rollback, run_snapshot;

/* command_mode.c */
command_check check_set_rule;
command_run run_domain, run_freeze, run_resume, run_shadow, run_bypass, run_set_rule, run_reload;
#endif
