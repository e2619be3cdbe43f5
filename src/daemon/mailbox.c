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
  if (stream->waits_since_ns == 0) {
    stream->waits_since_ns = frame->received_ns;
  }
}

void mailbox_served(struct stream *stream) {
  stream->waits_since_ns = stream->oldest != NULL ? stream->oldest->received_ns : 0;
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
