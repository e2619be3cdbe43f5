#include "daemon/banks.h"

#include "daemon/intake.h"
#include "daemon/log.h"
#include "daemon/request.h"
#include "daemon/sockets.h"
#include "daemon/streams.h"

#include <inttypes.h>
#include <string.h>

static bool changed_too_much(const struct job *job) {
  return (job->tripped & (1u << LCAL_GUARD_MAX_CHANGED)) != 0;
}

/* method.md's table of modes. */
static lcal_state state_of(const struct job *job) {
  switch (job->mode) {
  case MODE_SHADOW:
    return LCAL_STATE_SHADOW;
  case MODE_BYPASS:
    return LCAL_STATE_BYPASS;
  default:
    break;
  }
  if (changed_too_much(job)) {
    return LCAL_STATE_GUARDED;
  }
  if (job->mode == MODE_FREEZE) {
    return LCAL_STATE_FROZEN;
  }
  return job->applied ? LCAL_STATE_CALIBRATED : LCAL_STATE_WARMUP;
}

static lcal_bytes map_bytes(const struct job *job, enum job_map_name map, size_t size) {
  return (lcal_bytes){.data = job->maps[map].data, .length = job->result.pixels * size};
}

static void fill_maps(const struct job *job, lcal_labels *labels) {
  const size_t size = labels->label_bytes;
  const lcal_bytes argmax = map_bytes(job, MAP_ARGMAX, size);
  const lcal_bytes calibrated = job->applied ? map_bytes(job, MAP_CALIBRATED, size) : argmax;
  const bool trusted = job->mode != MODE_SHADOW && !changed_too_much(job);
  labels->labels = trusted ? calibrated : argmax;
  if ((job->want & LCAL_WANT_ARGMAX) != 0) {
    labels->argmax = argmax;
  }
  if ((job->want & LCAL_WANT_CALIBRATED) != 0 && job->mode == MODE_SHADOW) {
    labels->calibrated = calibrated;
  }
  if ((job->want & LCAL_WANT_CONFIDENCE) != 0) {
    labels->confidence = map_bytes(job, MAP_CONFIDENCE, 1);
  }
  if ((job->want & LCAL_WANT_SCORES) != 0) {
    labels->scores = map_bytes(job, MAP_SCORES, job->frame->header.tensor.classes * sizeof(float));
  }
}

static void fill(const struct daemon *daemon, const struct job *job, lcal_labels *labels) {
  const struct frame *frame = job->frame;
  const lcal_frame *header = &frame->header;
  const lcal_result *result = &job->result;
  *labels = (lcal_labels){
      .seq = header->seq,
      .stamp_ns = header->stamp_ns,
      .height = header->out_height != 0 ? header->out_height : header->tensor.height,
      .width = header->out_width != 0 ? header->out_width : header->tensor.width,
      .label_bytes = (uint32_t)lcal_label_size(header->tensor.classes),
      .state = state_of(job),
      .epoch = daemon->epoch,
      .version = job->version,
      .committed = job->prepared,
      .pixels = result->pixels,
      .changed = job->applied ? result->changed : 0,
      .voids = result->voids,
      .certified = job->applied ? result->certified : 0,
      .missed = frame->stream->missed,
      .received_ns = frame->received_ns,
      .started_ns = job->started_ns,
      .published_ns = monotonic_ns(),
  };
  memcpy(labels->stream, header->stream, sizeof labels->stream);
  snprintf(labels->bank, sizeof labels->bank, "%s", job->settings->name);
  memcpy(labels->domain, job->domain->name, sizeof labels->domain);
  snprintf(labels->rule, sizeof labels->rule, "%s", job->adaptation.rule->name);
  const char *guard = lcal_guard_word(lcal_guards_first(job->tripped));
  if (guard != NULL) {
    snprintf(labels->guard, sizeof labels->guard, "%s", guard);
  }
  fill_maps(job, labels);
}

/* To the requester alone, or to all subscribers. */
static void send_labels(struct daemon *daemon, struct frame *frame, const lcal_labels *labels) {
  const bool publish = frame->request == NULL;
  if (publish && !sockets_subscribed(daemon)) {
    return;
  }
  const size_t size = lcal_labels_size(labels, publish);
  struct message *message = message_create(size);
  if (message == NULL) {
    log_limited(LOG_ERROR, "labels", "no memory for a labels message of %zu bytes", size);
    return; /* a requester's connection ends with its frame */
  }
  lcal_labels_write(labels, publish, message->bytes, size);
  if (publish) {
    sockets_publish_labels(daemon, message);
  } else {
    request_reply(frame->request, message);
    frame->request = NULL;
  }
  message_release(message);
}

static void count(struct stream *stream, const struct job *job, const lcal_labels *labels,
                  bool published) {
  struct stream_counters *counters = &stream->counters;
  const struct frame_times times = {
      .received_ns = labels->received_ns,
      .started_ns = labels->started_ns,
      .computed_ns = job->computed_ns,
      .published_ns = labels->published_ns,
  };
  counters->labelled++;
  counters->committed += labels->committed ? 1 : 0;
  counters->pixels += labels->pixels;
  counters->voids += labels->voids;
  counters->changed += labels->changed;
  counters->certified += labels->certified;
  stream->last_state = labels->state;
  stream->missed = 0;
  latency_add(&stream->latency, &times, published);
}

static void raise_guards(struct daemon *daemon, const struct job *job) {
  for (unsigned guard = LCAL_GUARD_NONE + 1; guard < LCAL_GUARD_COUNT; guard++) {
    if ((job->tripped & (1u << guard)) == 0) {
      continue;
    }
    const char *word = lcal_guard_word((lcal_guard)guard);
    job->bank->guard_trips[guard]++;
    const struct event_field fields[] = {
        {.key = "guard", .text = word},
        {.key = "bank", .text = job->settings->name},
        {.key = "domain", .text = job->domain->name},
        {.key = "stream", .text = job->frame->stream->name},
        {.key = "seq", .number = job->frame->header.seq},
    };
    event_raise(daemon, EVENT_GUARD, fields, 5, "stream %s: frame %" PRIu64 " tripped %s",
                job->frame->stream->name, job->frame->header.seq, word);
  }
}

static void commit(struct daemon *daemon, const struct job *job) {
  const bool jumped = lcal_domain_install(job->domain->state) != 0;
  job->bank->dirty = true;
  if (!jumped) {
    return;
  }
  const struct event_field fields[] = {
      {.key = "bank", .text = job->settings->name},
      {.key = "domain", .text = job->domain->name},
      {.key = "stream", .text = job->frame->stream->name},
      {.key = "frame_stamp_ns", .number = job->frame->header.stamp_ns},
  };
  event_raise(daemon, EVENT_CLOCK_JUMP, fields, 4,
              "stream %s: the stamp of frame %" PRIu64 " is more than 10 minutes from the newest "
              "one of domain %s: no time passed",
              job->frame->stream->name, job->frame->header.seq, job->domain->name);
}

void frame_finish(struct daemon *daemon, struct job *job) {
  struct frame *frame = job->frame;
  job->frame = NULL;
  if (job->error.code == LCAL_DEADLINE) {
    stream_drop(daemon, frame, DROP_DEADLINE);
    return;
  }
  if (job->error.code != LCAL_OK) {
    frame_refuse(daemon, frame, &job->error);
    return;
  }
  job->frame = frame;
  lcal_labels labels;
  fill(daemon, job, &labels);
  if (job->prepared) {
    commit(daemon, job);
  }
  const bool published = frame->request == NULL;
  send_labels(daemon, frame, &labels);
  count(frame->stream, job, &labels, published);
  raise_guards(daemon, job);
  job->frame = NULL;
  frame_destroy(frame);
}
