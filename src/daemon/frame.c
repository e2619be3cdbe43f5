#include "daemon/frame.h"

#include "daemon/daemon.h"
#include "daemon/request.h"

#include <stdlib.h>

/* Frames without a deadline come after those with a nearer one, but come. */
#define PATIENCE_NS 1000000000ull

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

uint64_t frame_due(const struct frame *frame, uint64_t since_ns) {
  const uint64_t patience_ns =
      frame->deadline_ns != 0 ? frame->deadline_ns - frame->received_ns : PATIENCE_NS;
  uint64_t due_ns;
  return __builtin_add_overflow(since_ns, patience_ns, &due_ns) ? UINT64_MAX : due_ns;
}

bool frame_expired(const struct frame *frame, uint64_t now_ns) {
  return frame->deadline_ns != 0 && now_ns > frame->deadline_ns;
}
