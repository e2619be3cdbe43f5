#include "daemon/frame.h"

#include "daemon/daemon.h"
#include "daemon/request.h"

#include <stdlib.h>

struct frame *frame_create(struct message *message, struct request *request, uint32_t connection) {
  struct frame *frame = calloc(1, sizeof *frame);
  if (frame == NULL) {
    return NULL;
  }
  const void *body = message != NULL ? message->bytes : request_body(request, &frame->bytes);
  frame->bytes = message != NULL ? message->length : frame->bytes;
  frame->message = message;
  frame->request = request;
  frame->connection = connection;
  frame->received_ns = monotonic_ns();
  frame->read.code =
      lcal_frame_read(&frame->header, body, frame->bytes, request != NULL, &frame->read);
  return frame;
}

void frame_destroy(struct frame *frame) {
  if (frame != NULL) {
    if (frame->request != NULL) {
      request_drop(frame->request);
    }
    message_release(frame->message);
    free(frame);
  }
}

bool frame_before(const struct frame *a, const struct frame *b) {
  const uint64_t deadline_a = a->deadline_ns != 0 ? a->deadline_ns : UINT64_MAX;
  const uint64_t deadline_b = b->deadline_ns != 0 ? b->deadline_ns : UINT64_MAX;
  if (deadline_a != deadline_b) {
    return deadline_a < deadline_b;
  }
  return a->received_ns < b->received_ns;
}

bool frame_expired(const struct frame *frame, uint64_t now_ns) {
  return frame->deadline_ns != 0 && now_ns > frame->deadline_ns;
}
