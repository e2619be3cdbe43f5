#include "daemon/scheduler.h"

#include "daemon/banks.h"
#include "daemon/mailbox.h"
#include "daemon/streams.h"

#include <inttypes.h>
#include <stdlib.h>

#define NS_PER_S 1000000000ull

struct scheduler {
  struct frame *requests; /* calibrate's, oldest first */
  uint32_t request_count;
  uint64_t last_overload_ns;
};

struct scheduler *scheduler_create(void) {
  return calloc(1, sizeof(struct scheduler));
}

void scheduler_destroy(struct scheduler *scheduler) {
  free(scheduler);
}

bool scheduler_has(const struct scheduler *scheduler, const struct stream *stream) {
  for (const struct frame *frame = scheduler->requests; frame != NULL; frame = frame->next) {
    if (frame->stream == stream) {
      return true;
    }
  }
  return false;
}

bool scheduler_has_room(const struct daemon *daemon, const struct bank *bank, size_t bytes) {
  if (daemon->unsent_bytes > daemon->config->limits.queued_bytes) {
    return false; /* its answer would wait, too */
  }
  if (bank->job == NULL) {
    return true; /* it will not wait */
  }
  return daemon->scheduler->request_count < daemon->config->limits.calibrate_queue &&
         daemon->queued_bytes + bytes <= daemon->config->limits.queued_bytes;
}

static struct frame *take_oldest(struct daemon *daemon, struct stream *stream) {
  struct frame *frame = mailbox_take(stream);
  daemon->queued_bytes -= frame->bytes;
  return frame;
}

static struct frame *take_request(struct daemon *daemon, struct frame **link) {
  struct frame *frame = *link;
  *link = frame->next;
  frame->next = NULL;
  daemon->scheduler->request_count--;
  daemon->queued_bytes -= frame->bytes;
  return frame;
}

void scheduler_drop_oldest(struct daemon *daemon, struct stream *stream, enum drop_reason reason) {
  stream_drop(daemon, take_oldest(daemon, stream), reason);
}

static void raise_overload(struct daemon *daemon, const struct stream *stream) {
  const uint64_t now_ns = monotonic_ns();
  daemon->counters.overloads++;
  if (daemon->scheduler->last_overload_ns != 0 &&
      now_ns - daemon->scheduler->last_overload_ns < NS_PER_S) {
    return;
  }
  daemon->scheduler->last_overload_ns = now_ns;
  const struct event_field fields[] = {
      {.key = "stream", .text = stream->name},
      {.key = "queued_bytes", .number = daemon->queued_bytes},
  };
  event_raise(daemon, EVENT_OVERLOAD, fields, 2,
              "%" PRIu64 " bytes of frames wait, more than limits.queued_bytes: the oldest, of "
              "stream %s, is dropped",
              daemon->queued_bytes, stream->name);
}

static struct stream *oldest_waiting(const struct daemon *daemon) {
  struct stream *found = NULL;
  for (size_t i = 0; i < daemon->stream_count; i++) {
    struct stream *stream = daemon->streams[i];
    if (stream->oldest != NULL &&
        (found == NULL || stream->oldest->received_ns < found->oldest->received_ns)) {
      found = stream;
    }
  }
  return found;
}

void scheduler_put(struct daemon *daemon, struct frame *frame) {
  struct stream *stream = frame->stream;
  daemon->queued_bytes += frame->bytes;
  if (frame->request != NULL) {
    struct frame **end = &daemon->scheduler->requests;
    while (*end != NULL) {
      end = &(*end)->next;
    }
    *end = frame;
    daemon->scheduler->request_count++;
  } else {
    mailbox_put(stream, frame);
  }
  bank_turn(daemon, stream->bank);
  while (stream->waiting > stream->config->depth) {
    scheduler_drop_oldest(daemon, stream, DROP_DEPTH);
  }
  struct stream *oldest;
  while (daemon->queued_bytes > daemon->config->limits.queued_bytes &&
         (oldest = oldest_waiting(daemon)) != NULL) {
    raise_overload(daemon, oldest);
    scheduler_drop_oldest(daemon, oldest, DROP_OVERLOAD);
  }
}

/* Drops what has expired, of one bank or (NULL) of all. */
static void expire(struct daemon *daemon, const struct bank *bank, uint64_t now_ns) {
  for (size_t i = 0; i < daemon->stream_count; i++) {
    struct stream *stream = daemon->streams[i];
    while ((bank == NULL || stream->bank == bank) && stream->oldest != NULL &&
           frame_expired(stream->oldest, now_ns)) {
      scheduler_drop_oldest(daemon, stream, DROP_DEADLINE);
    }
  }
  struct frame **link = &daemon->scheduler->requests;
  while (*link != NULL) {
    if ((bank == NULL || (*link)->stream->bank == bank) && frame_expired(*link, now_ns)) {
      stream_drop(daemon, take_request(daemon, link), DROP_DEADLINE);
    } else {
      link = &(*link)->next;
    }
  }
}

void scheduler_expire(struct daemon *daemon, uint64_t now_ns) {
  expire(daemon, NULL, now_ns);
}

struct frame *scheduler_take(struct daemon *daemon, struct bank *bank, uint64_t now_ns) {
  expire(daemon, bank, now_ns);
  uint64_t first_ns = UINT64_MAX;
  struct stream *from = NULL;
  for (size_t i = 0; i < daemon->stream_count; i++) {
    struct stream *stream = daemon->streams[i];
    if (stream->bank == bank && stream->oldest != NULL) {
      const uint64_t due_ns = frame_due(stream->oldest, stream->waits_since_ns);
      from = from == NULL || due_ns < first_ns ? stream : from;
      first_ns = due_ns < first_ns ? due_ns : first_ns;
    }
  }
  struct frame **request = NULL;
  for (struct frame **link = &daemon->scheduler->requests; *link != NULL; link = &(*link)->next) {
    const uint64_t due_ns = frame_due(*link, (*link)->received_ns);
    if ((*link)->stream->bank == bank && ((from == NULL && request == NULL) || due_ns < first_ns)) {
      request = link;
      first_ns = due_ns;
    }
  }
  struct frame *frame = NULL;
  if (request != NULL) {
    frame = take_request(daemon, request);
  } else if (from != NULL) {
    frame = take_oldest(daemon, from);
    mailbox_served(from);
  }
  if (frame != NULL) {
    frame->due_ns = first_ns;
  }
  return frame;
}

void scheduler_drop_all(struct daemon *daemon) {
  for (size_t i = 0; i < daemon->stream_count; i++) {
    while (daemon->streams[i]->oldest != NULL) {
      scheduler_drop_oldest(daemon, daemon->streams[i], DROP_SHUTDOWN);
    }
  }
  while (daemon->scheduler->requests != NULL) {
    stream_drop(daemon, take_request(daemon, &daemon->scheduler->requests), DROP_SHUTDOWN);
  }
}
