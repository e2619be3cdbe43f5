#include "daemon/request.h"

#include <stdlib.h>
#include <string.h>

/* The words of a request's header end with the one that has this bit (SP's REQ/REP). */
#define LAST_WORD 0x80u

/* 0: there is no such header. */
static size_t header_length(const struct message *message) {
  for (size_t end = 4; end <= message->length && end <= SP_HEADER_MAX; end += 4) {
    if ((message->bytes[end - 4] & LAST_WORD) != 0) {
      return end;
    }
  }
  return 0;
}

static void answer(struct answer_sink *sink, const void *bytes, size_t length, lcal_status code) {
  struct request *request = (struct request *)((char *)sink - offsetof(struct request, sink));
  struct message *reply = message_create(length);
  (void)code; /* the message says it too */
  if (reply == NULL) {
    request_drop(request);
    return;
  }
  memcpy(reply->bytes, bytes, length);
  request_reply(request, reply);
  message_release(reply);
}

struct request *request_create(struct connection *connection, struct message *message) {
  const size_t header = header_length(message);
  struct request *request = header != 0 ? malloc(sizeof *request) : NULL;
  if (request == NULL) {
    message_release(message);
    return NULL;
  }
  *request = (struct request){
      .sink = {.send = answer},
      .connection = connection_hold(connection),
      .message = message,
      .header_length = header,
  };
  connection_asked(connection);
  return request;
}

const void *request_body(const struct request *request, size_t *length) {
  *length = request->message->length - request->header_length;
  return request->message->bytes + request->header_length;
}

static void destroy(struct request *request) {
  message_release(request->message);
  connection_release(request->connection);
  free(request);
}

void request_reply(struct request *request, struct message *reply) {
  connection_send(request->connection, reply, request->message->bytes, request->header_length);
  destroy(request);
}

void request_drop(struct request *request) {
  connection_refuse(request->connection, FAULT_MEMORY);
  connection_answered(request->connection);
  destroy(request);
}
