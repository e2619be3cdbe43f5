#include "daemon/intake.h"

#include "daemon/banks.h"
#include "daemon/log.h"
#include "daemon/request.h"
#include "daemon/scheduler.h"
#include "daemon/streams.h"

#include <inttypes.h>
#include <string.h>

void frame_answer_error(struct frame *frame, const lcal_error *error) {
  const lcal_frame *header = &frame->header;
  lcal_error_message message = {.error = *error, .seq = header->seq, .has_seq = header->has_seq};
  if (header->has_stream) {
    memcpy(message.stream, header->stream, sizeof message.stream);
  }
  uint8_t bytes[LCAL_ERROR_MESSAGE_MAX];
  const size_t length = lcal_error_write(&message, bytes, sizeof bytes);
  frame->request->sink.send(&frame->request->sink, bytes, length, error->code);
  frame->request = NULL;
}

void frame_refuse(struct daemon *daemon, struct frame *frame, const lcal_error *error) {
  struct stream *stream =
      frame->header.has_stream ? stream_find(daemon, frame->header.stream) : NULL;
  if (stream != NULL && frame->header.has_seq) { /* else it is lost: the next seq shows the gap */
    stream->counters.refused++;
  }
  if (frame->request != NULL) {
    daemon->counters.calibrate_refused[error->code]++;
    frame_answer_error(frame, error);
  } else {
    daemon->counters.refused[error->code]++;
    log_limited(LOG_WARNING, lcal_status_word(error->code), "frames: refused %s (stream %s): %s",
                lcal_status_word(error->code),
                frame->header.has_stream ? frame->header.stream : "unknown", error->message);
  }
  frame_destroy(frame);
}

static lcal_status check_size(const struct daemon *daemon, const struct frame *frame,
                              lcal_error *error) {
  const struct config_limits *limits = &daemon->config->limits;
  const lcal_frame *header = &frame->header;
  const uint64_t height = header->out_height != 0 ? header->out_height : header->tensor.height;
  const uint64_t width = header->out_width != 0 ? header->out_width : header->tensor.width;
  if (frame->bytes > limits->message_bytes) { /* where the transport did not see to it */
    return lcal_error_set(error, LCAL_TOO_LARGE,
                          "the message has more than limits.message_bytes = %" PRIu64,
                          limits->message_bytes);
  }
  if (height * width > limits->pixels) {
    return lcal_error_set(error, LCAL_TOO_LARGE,
                          "labels of %" PRIu64 "x%" PRIu64
                          " have more than limits.pixels = %" PRIu64,
                          height, width, limits->pixels);
  }
  if (header->tensor.classes != daemon->config->class_count) {
    return lcal_error_set(error, LCAL_WRONG_CLASSES,
                          "tensor.shape: %u classes, the model %s has %u", header->tensor.classes,
                          daemon->config->model, daemon->config->class_count);
  }
  return LCAL_OK;
}

/* Whether the stream (NULL: not seen yet) and the frame's domain exist or may be created, and
 * whether a request may wait. */
static lcal_status check_place(struct daemon *daemon, const struct stream *stream,
                               const struct frame *frame, lcal_error *error) {
  const lcal_frame *header = &frame->header;
  const struct config *config = daemon->config;
  bool named = false;
  const struct config_stream *row = config_stream_find(config, header->stream, &named);
  if (stream == NULL && !named && !config->accept_unnamed) {
    return lcal_error_set(error, LCAL_UNKNOWN_STREAM,
                          "stream: %s is not in the configuration, and streams.accept_unnamed is "
                          "false",
                          header->stream);
  }
  if (stream == NULL && daemon->stream_count >= config->limits.streams) {
    return lcal_error_set(error, LCAL_TOO_MANY_STREAMS,
                          "stream: there are limits.streams = %u already", config->limits.streams);
  }
  struct bank *bank = stream != NULL ? stream->bank : bank_find(daemon, row->bank);
  const char *domain = header->domain[0] != '\0' ? header->domain
                       : stream != NULL          ? stream->domain
                                                 : row->domain;
  if (bank_domain(bank, domain) == NULL && bank_domain_room(bank, error) != LCAL_OK) {
    return error->code;
  }
  if (frame->request != NULL && !scheduler_has_room(daemon, bank, frame->bytes)) {
    return lcal_error_set(error, LCAL_BUSY,
                          "limits.calibrate_queue = %u requests wait already: send it again later",
                          config->limits.calibrate_queue);
  }
  return LCAL_OK;
}

static lcal_status check(struct daemon *daemon, const struct stream *stream,
                         const struct frame *frame, lcal_error *error) {
  const lcal_frame *header = &frame->header;
  if (header->has_ring) {
    return lcal_error_set(error, LCAL_RING_UNKNOWN,
                          "tensor.ring: there is no ring %" PRIu64 " of this stream",
                          header->ring_id);
  }
  if (frame->read.code != LCAL_OK) {
    *error = frame->read;
    return error->code;
  }
  lcal_status status = check_size(daemon, frame, error);
  if (status == LCAL_OK) {
    status = check_place(daemon, stream, frame, error);
  }
  if (status == LCAL_OK && daemon->stopping) {
    status =
        lcal_error_set(error, LCAL_SHUTTING_DOWN, "labelcald is stopping: send it again later");
  }
  return status;
}

static void raise_new(struct daemon *daemon, const struct stream *stream) {
  const struct event_field fields[] = {
      {.key = "stream", .text = stream->name},
      {.key = "bank", .text = stream->bank->config->name},
      {.key = "domain", .text = stream->domain},
  };
  event_raise(daemon, EVENT_STREAM_NEW, fields, 3, "stream %s is seen for the first time",
              stream->name);
}

/* The frame passed every check of its own: finds it a stream and a domain, creating both. */
static lcal_status take_in(struct daemon *daemon, struct frame *frame, struct stream *stream,
                           lcal_error *error) {
  if (stream == NULL) {
    const lcal_status status = stream_create(daemon, frame->header.stream, &stream, error);
    if (status != LCAL_OK) {
      return status;
    }
    stream_follow(daemon, stream, frame);
  }
  if (!stream->seen) {
    stream->seen = true;
    raise_new(daemon, stream);
  }
  const lcal_frame *header = &frame->header;
  struct domain *domain;
  const lcal_status status = bank_domain_create(
      daemon, stream->bank, header->domain[0] != '\0' ? header->domain : stream->domain, &domain,
      error);
  if (status != LCAL_OK) {
    return status;
  }
  uint64_t wait_ns = stream->config->deadline_ns;
  if (header->deadline_ns != 0 && (wait_ns == 0 || header->deadline_ns < wait_ns)) {
    wait_ns = header->deadline_ns;
  }
  if (wait_ns != 0 && __builtin_add_overflow(frame->received_ns, wait_ns, &frame->deadline_ns)) {
    frame->deadline_ns = 0;
  }
  frame->stream = stream;
  return LCAL_OK;
}

static void arrive(struct daemon *daemon, struct frame *frame) {
  struct stream *stream =
      frame->header.has_stream ? stream_find(daemon, frame->header.stream) : NULL;
  if (stream != NULL) {
    stream_follow(daemon, stream, frame);
  }
  lcal_error error = {.code = LCAL_OK};
  if (check(daemon, stream, frame, &error) == LCAL_OK &&
      take_in(daemon, frame, stream, &error) == LCAL_OK) {
    scheduler_put(daemon, frame);
  } else {
    frame_refuse(daemon, frame, &error);
  }
}

void frame_received(struct daemon *daemon, struct message *message, uint32_t connection) {
  struct frame *frame = frame_create(message, NULL, connection);
  if (frame == NULL) { /* no memory: the next seq shows that it is lost */
    message_release(message);
  } else {
    arrive(daemon, frame);
  }
}

void frame_requested(struct daemon *daemon, struct request *request) {
  struct frame *frame = frame_create(NULL, request, request->connection->id);
  if (frame == NULL) {
    request_drop(request);
  } else {
    arrive(daemon, frame);
  }
}
