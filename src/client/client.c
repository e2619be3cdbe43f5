#include "client/place.h"
#include "client/request.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_TIMEOUT_MS 5000

struct lcal_client {
  struct lcal__link links[LCAL_SOCKET_COUNT];
  uint32_t timeout_ms;
  lcal_name *streams; /* subscribed to */
  size_t stream_count;
  int all_streams;
};

static uint64_t deadline_of(const lcal_client *client) {
  return lcal__now_ms() + client->timeout_ms;
}

lcal_status lcal_client_create(lcal_client **client, const lcal_client_options *options,
                               lcal_error *error) {
  static const lcal_client_options defaults;
  options = options ? options : &defaults;
  *client = calloc(1, sizeof **client);
  if (!*client) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for a client");
  }
  (*client)->timeout_ms = options->timeout_ms ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
  for (int i = 0; i < LCAL_SOCKET_COUNT; i++) {
    struct lcal__link *link = &(*client)->links[i];
    link->kind = (lcal_socket)i;
    lcal_status status = lcal__place_url(&link->url, options, link->kind, error);
    if (status) {
      lcal_client_destroy(*client);
      *client = NULL;
      return status;
    }
  }
  return LCAL_OK;
}

void lcal_client_destroy(lcal_client *client) {
  if (!client) {
    return;
  }
  for (int i = 0; i < LCAL_SOCKET_COUNT; i++) {
    lcal__link_free(&client->links[i]);
  }
  free(client->streams);
  free(client);
}

void lcal_client_set_timeout(lcal_client *client, uint32_t timeout_ms) {
  client->timeout_ms = timeout_ms;
}

/* Writes the frame into the link's buffer: the tensor's one copy. */
static lcal_status write_frame(struct lcal__link *link, const lcal_frame *frame, size_t *size,
                               lcal_error *error) {
  *size = lcal_frame_size(frame);
  if (*size == 0) {
    return lcal_error_set(error, LCAL_ARGUMENT,
                          "frame %llu is not valid: see that its stream has a name, its tensor a "
                          "shape and data, and out_shape at least the tensor's size",
                          (unsigned long long)frame->seq);
  }
  lcal_status status = lcal__link_reserve(link, *size, error);
  if (!status) {
    lcal_frame_write(frame, link->buffer, *size);
  }
  return status;
}

lcal_status lcal_client_send(lcal_client *client, const lcal_frame *frame, lcal_error *error) {
  struct lcal__link *link = &client->links[LCAL_SOCKET_FRAMES];
  size_t size;
  lcal_status status = write_frame(link, frame, &size, error);
  return status ? status : lcal__link_send(link, size, deadline_of(client), error);
}

lcal_status lcal_client_subscribe(lcal_client *client, const char *stream, lcal_error *error) {
  size_t length = stream ? strlen(stream) : 0;
  if (stream && !lcal_name_valid(stream, length)) {
    return lcal_error_set(error, LCAL_ARGUMENT,
                          "'%.64s' is not a stream's name: 1 to 64 of A-Z a-z 0-9 . _ -", stream);
  }
  if (stream) {
    lcal_name *streams = realloc(client->streams, (client->stream_count + 1) * sizeof *streams);
    if (!streams) {
      return lcal_error_set(error, LCAL_MEMORY, "no memory for a subscription");
    }
    client->streams = streams;
    memcpy(streams[client->stream_count++], stream, length + 1);
  } else {
    client->all_streams = 1;
  }
  return lcal__link_connect(&client->links[LCAL_SOCKET_LABELS], deadline_of(client), error);
}

/* SP's PUB sends everything to everyone; it is for the subscriber to choose. */
static int is_subscribed(const lcal_client *client, const char *stream) {
  int found = client->all_streams;
  for (size_t i = 0; i < client->stream_count && !found; i++) {
    found = strcmp(client->streams[i], stream) == 0;
  }
  return found;
}

lcal_status lcal_client_receive(lcal_client *client, lcal_labels *labels, lcal_error *error) {
  struct lcal__link *link = &client->links[LCAL_SOCKET_LABELS];
  uint64_t deadline = deadline_of(client);
  if (!client->all_streams && client->stream_count == 0) {
    return lcal_error_set(error, LCAL_ARGUMENT, "subscribe to a stream's labels first");
  }
  for (;;) {
    lcal_status status = lcal__link_receive(link, deadline, error);
    if (!status) {
      status = lcal_labels_read(labels, link->message.data, link->message.length, error);
    }
    if (status || is_subscribed(client, labels->stream)) {
      return status;
    }
  }
}

lcal_status lcal_client_state(lcal_client *client, lcal_bytes *message, lcal_error *error) {
  struct lcal__link *link = &client->links[LCAL_SOCKET_STATE];
  lcal_status status = lcal__link_receive(link, deadline_of(client), error);
  if (status) {
    return status;
  }
  const uint8_t *body = link->message.data;
  size_t length = link->message.length;
  const uint8_t *end =
      length ? memchr(body, 0, length <= LCAL_NAME_MAX ? length : LCAL_NAME_MAX + 1) : NULL;
  if (!end) {
    return lcal_error_set(error, LCAL_MALFORMED, "a message of state has no topic");
  }
  *message = (lcal_bytes){end + 1, length - (size_t)(end + 1 - body)};
  return LCAL_OK;
}

/* Labels, or the daemon's refusal as this call's status. */
static lcal_status read_answer(const struct lcal__link *link, lcal_labels *labels,
                               lcal_error *error) {
  const void *body = link->message.data;
  size_t length = link->message.length;
  lcal_message type;
  lcal_status status = lcal_message_type(&type, body, length, error);
  if (status) {
    return status;
  }
  if (type == LCAL_MESSAGE_ERROR) {
    return lcal__refusal(body, length, error);
  }
  return lcal_labels_read(labels, body, length, error);
}

lcal_status lcal_client_calibrate(lcal_client *client, const lcal_frame *frame, lcal_labels *labels,
                                  lcal_error *error) {
  struct lcal__link *link = &client->links[LCAL_SOCKET_CALIBRATE];
  uint64_t deadline = deadline_of(client);
  size_t size;
  lcal_status status = write_frame(link, frame, &size, error);
  if (!status) {
    status = lcal__link_number(link, error);
  }
  if (!status) {
    status = lcal__link_send(link, size, deadline, error);
  }
  if (!status) {
    status = lcal__link_receive(link, deadline, error);
  }
  return status ? status : read_answer(link, labels, error);
}

lcal_status lcal_client_control(lcal_client *client, const char *command, const lcal_bytes *args,
                                lcal_bytes *result, lcal_error *error) {
  struct lcal__call request = {.name = command, .args = args};
  lcal_status status = lcal__call_identify(&request, error);
  return status ? status
                : lcal__call_run(&request, &client->links[LCAL_SOCKET_CONTROL], client->timeout_ms,
                                 result, error);
}
