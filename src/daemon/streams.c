#include "daemon/streams.h"

#include "daemon/banks.h"
#include "daemon/intake.h"
#include "daemon/mailbox.h"
#include "daemon/masks.h"
#include "daemon/scheduler.h"
#include "daemon/sequence.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1000000000ull

const char *const drop_reason_words[DROP_COUNT] = {"depth", "deadline", "overload", "shutdown"};

struct stream *stream_find(struct daemon *daemon, const char *name) {
  for (size_t i = 0; i < daemon->stream_count; i++) {
    if (strcmp(daemon->streams[i]->name, name) == 0) {
      return daemon->streams[i];
    }
  }
  return NULL;
}

uint64_t stream_dropped(const struct stream *stream) {
  uint64_t sum = 0;
  for (size_t i = 0; i < DROP_COUNT; i++) {
    sum += stream->counters.dropped[i];
  }
  return sum;
}

lcal_status stream_create(struct daemon *daemon, const char *name, struct stream **stream,
                          lcal_error *error) {
  if (daemon->stream_count >= daemon->config->limits.streams) {
    return lcal_error_set(error, LCAL_TOO_MANY_STREAMS,
                          "stream: there are limits.streams = %u already",
                          daemon->config->limits.streams);
  }
  struct stream *made = calloc(1, sizeof *made);
  if (made == NULL) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for another stream");
  }
  const struct config_stream *row = config_stream_find(daemon->config, name, &made->named);
  snprintf(made->name, sizeof made->name, "%s", name);
  made->config = row;
  made->bank = bank_find(daemon, row->bank);
  memcpy(made->domain, row->domain, sizeof made->domain);
  made->mode = row->mode;
  const struct mask *mask = masks_find(daemon->masks, row->mask);
  if (mask != NULL) {
    made->mask = mask->pixels;
    made->mask_height = mask->height;
    made->mask_width = mask->width;
  }
  daemon->streams[daemon->stream_count++] = made;
  *stream = made;
  return LCAL_OK;
}

lcal_status streams_create(struct daemon *daemon, lcal_error *error) {
  const struct config *config = daemon->config;
  daemon->streams = calloc(config->limits.streams, sizeof(struct stream *));
  if (daemon->streams == NULL) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for %u streams", config->limits.streams);
  }
  lcal_status status = LCAL_OK;
  for (size_t i = 1; i < config->stream_count && status == LCAL_OK; i++) { /* 0 is the pattern */
    struct stream *stream;
    status = stream_create(daemon, config->streams[i].name, &stream, error);
  }
  return status;
}

void streams_destroy(struct daemon *daemon) {
  for (size_t i = 0; i < daemon->stream_count; i++) {
    free(daemon->streams[i]);
  }
  free(daemon->streams);
  daemon->streams = NULL;
  daemon->stream_count = 0;
}

static void raise_gap(struct daemon *daemon, struct stream *stream, uint64_t lost, uint64_t seq,
                      uint64_t now_ns) {
  if (stream->last_gap_event_ns != 0 && now_ns - stream->last_gap_event_ns < NS_PER_S) {
    return;
  }
  stream->last_gap_event_ns = now_ns;
  const struct event_field fields[] = {
      {.key = "stream", .text = stream->name},
      {.key = "lost", .number = lost},
      {.key = "seq", .number = seq},
  };
  event_raise(daemon, EVENT_SEQUENCE_GAP, fields, 3,
              "stream %s: %" PRIu64 " frames were lost before frame %" PRIu64, stream->name, lost,
              seq);
}

void stream_follow(struct daemon *daemon, struct stream *stream, const struct frame *frame) {
  stream->counters.received++;
  stream->silent = false;
  stream->last_frame_ns = frame->received_ns;
  if (!frame->header.has_seq) {
    return;
  }
  uint64_t lost = 0;
  switch (
      sequences_follow(daemon->sequences, frame->connection, stream, frame->header.seq, &lost)) {
  case SEQUENCE_GAP:
    stream->counters.lost += lost;
    stream->missed += lost;
    raise_gap(daemon, stream, lost, frame->header.seq, frame->received_ns);
    break;
  case SEQUENCE_DUPLICATE:
    stream->counters.duplicates++;
    break;
  case SEQUENCE_RESTART:
    stream->counters.restarts++;
    break;
  default:
    break;
  }
}

void stream_drop(struct daemon *daemon, struct frame *frame, enum drop_reason reason) {
  struct stream *stream = frame->stream;
  stream->counters.dropped[reason]++;
  stream->missed += reason == DROP_SHUTDOWN ? 0 : 1;
  if (frame->request != NULL) {
    lcal_error error;
    if (reason == DROP_DEADLINE) {
      lcal_error_set(&error, LCAL_DEADLINE, "deadline_ns: the frame was not started in time");
    } else {
      lcal_error_set(&error, LCAL_SHUTTING_DOWN, "labelcald is stopping: send it again later");
    }
    daemon->counters.calibrate_refused[error.code]++;
    frame_answer_error(frame, &error);
  }
  frame_destroy(frame);
}

static bool in_hand(const struct stream *stream) {
  const struct job *job = stream->bank->job;
  return job != NULL && job->kind == JOB_FRAME && job->frame->stream == stream;
}

static void raise_silent(struct daemon *daemon, struct stream *stream) {
  stream->silent = true;
  const struct event_field fields[] = {{.key = "stream", .text = stream->name}};
  event_raise(daemon, EVENT_STREAM_SILENT, fields, 1, "stream %s: no frame for %u s", stream->name,
              stream->config->silent_after_s);
}

void streams_tick(struct daemon *daemon, uint64_t now_ns) {
  size_t kept = 0;
  for (size_t i = 0; i < daemon->stream_count; i++) {
    struct stream *stream = daemon->streams[i];
    const uint64_t silence_ns = now_ns - stream->last_frame_ns;
    if (stream->seen && !stream->silent && silence_ns > stream->config->silent_after_s * NS_PER_S) {
      raise_silent(daemon, stream);
    }
    if (!stream->named && silence_ns > stream->config->forget_after_s * NS_PER_S &&
        stream->waiting == 0 && !in_hand(stream) && !scheduler_has(daemon->scheduler, stream)) {
      sequences_forget_stream(daemon->sequences, stream);
      free(stream);
    } else {
      daemon->streams[kept++] = stream;
    }
  }
  daemon->stream_count = kept;
}

void streams_reconfigure(struct daemon *daemon) {
  for (size_t i = 0; i < daemon->stream_count; i++) {
    struct stream *stream = daemon->streams[i];
    stream->config = config_stream_find(daemon->config, stream->name, &stream->named);
    while (stream->waiting > stream->config->depth) {
      scheduler_drop_oldest(daemon, stream, DROP_DEPTH);
    }
  }
}
