/* The messages of `control` and `state`: requests, results, events, status. */
#ifndef WIRE_CONTROL_H
#define WIRE_CONTROL_H

#include "wire/messages.h"

/* What a client reads from its daemon may be larger than what a daemon reads from anyone: a
 * status of many streams. */
extern const struct lcal__scan_limits lcal__answer_limits;

/* A request's envelope; the arguments are read by the command's own table (commands.h). */
typedef struct lcal__request {
  lcal_name id; /* any text, "" where it could not be read */
  char command[LCAL_NAME_MAX + 1];
  const msgpack_object *args; /* a map in the document, or NULL */
} lcal__request;

/* Reads the top-level fields of an open document. On a refusal the id is still there if it could
 * be read. LCAL_UNSUPPORTED_VERSION ... LCAL_BAD_FIELD. */
lcal_status lcal__request_read(lcal__request *request, const lcal__document *document,
                               lcal_error *error);

/* Writes a whole request; `args` is one encoded map, or NULL. */
void lcal__put_request(lcal__writer *writer, const char *id, const char *command,
                       const lcal_bytes *args);

/* Opens a result and the map under its key `result`; lcal__end_result closes both. */
void lcal__begin_result(lcal__writer *writer, const char *id, const char *command);
void lcal__end_result(lcal__writer *writer);

typedef struct lcal__result {
  lcal_name id;
  char command[LCAL_NAME_MAX + 1];
  lcal_bytes result; /* one encoded map, a view of the body */
} lcal__result;

/* Reads a result. LCAL_MALFORMED ... LCAL_BAD_FIELD. */
lcal_status lcal__result_read(lcal__result *result, const void *body, size_t length,
                              lcal_error *error);

/* Opens an event's map behind its topic; put the event's own fields, then lcal__end. */
void lcal__begin_event(lcal__writer *writer, const char *event, uint64_t stamp_ns,
                       const char *message);

/* Writes a status message with its topic; `status` is control's encoded status map. */
void lcal__put_status(lcal__writer *writer, lcal_bytes status);

/* Finds the encoded status map in a status message (topic allowed). */
lcal_status lcal__status_read(lcal_bytes *status, const void *body, size_t length,
                              lcal_error *error);

#endif
