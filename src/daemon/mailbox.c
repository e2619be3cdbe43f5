#include "daemon/mailbox.h"

void mailbox_put(struct stream *stream, struct frame *frame) {
  frame->next = NULL;
  if (stream->newest != NULL) {
    stream->newest->next = frame;
  } else {
    stream->oldest = frame;
  }
  stream->newest = frame;
  stream->waiting++;
}

struct frame *mailbox_take(struct stream *stream) {
  struct frame *frame = stream->oldest;
  if (frame != NULL) {
    stream->oldest = frame->next;
    if (stream->oldest == NULL) {
      stream->newest = NULL;
    }
    stream->waiting--;
    frame->next = NULL;
  }
  return frame;
}
