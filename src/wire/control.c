#include "wire/control.h"

#include <stddef.h>
#include <string.h>

const struct lcal__scan_limits lcal__answer_limits = {
    .map_entries = UINT16_MAX,
    .array_items = 1u << 16,
    .envelope = 16u << 20,
};

static const char *const command_type[] = {"command", NULL};
static const char *const result_type[] = {"result", NULL};
static const char *const event_type[] = {"event", NULL};
static const char *const status_type[] = {"status", NULL};

static const lcal__field command_fields[] = {
    {"v", LCAL__VERSION, .doc = "1"},
    {"type", LCAL__TYPE, .words = command_type, .doc = "`command`"},
    {"id", LCAL__TEXT, .offset = offsetof(lcal__request, id), .max = LCAL_NAME_MAX,
     .doc = "1 to 64 bytes, unique over all clients: a UUID"},
    {"command", LCAL__TEXT, .offset = offsetof(lcal__request, command), .max = LCAL_NAME_MAX,
     .doc = "one of the commands below"},
    {"args", LCAL__MAP, true, .offset = offsetof(lcal__request, args), .doc = "its arguments"},
};

const lcal__table lcal__command_table = LCAL__TABLE("command", "", command_fields);

/* What the table of results reads into. */
struct result_reading {
  lcal__result result;
  const msgpack_object *map;
};

static const lcal__field result_fields[] = {
    {"v", LCAL__VERSION, .doc = "1"},
    {"type", LCAL__TYPE, .words = result_type, .doc = "`result`"},
    {"id", LCAL__TEXT, .offset = offsetof(struct result_reading, result.id), .max = LCAL_NAME_MAX,
     .doc = "the command's"},
    {"command", LCAL__TEXT, .offset = offsetof(struct result_reading, result.command),
     .max = LCAL_NAME_MAX, .doc = "the command's"},
    {"result", LCAL__MAP, .offset = offsetof(struct result_reading, map),
     .doc = "what the command gives"},
};

const lcal__table lcal__result_table = LCAL__TABLE("result", "", result_fields);

static const lcal__field event_fields[] = {
    {"v", LCAL__VERSION, .doc = "1"},
    {"type", LCAL__TYPE, .words = event_type, .doc = "`event`"},
    {"event", LCAL__TEXT, .offset = offsetof(lcal_event, event),
     .max = sizeof((lcal_event *)0)->event - 1, .doc = "one of the events below"},
    {"stamp_ns", LCAL__UINT, .offset = offsetof(lcal_event, stamp_ns), .doc = "ns since 1970"},
    {"message", LCAL__SENTENCE, .offset = offsetof(lcal_event, message),
     .max = sizeof((lcal_event *)0)->message - 1, .doc = "one sentence for people"},
};

const lcal__table lcal__event_table = LCAL__TABLE("event", "", event_fields);

static const lcal__field status_fields[] = {
    {"v", LCAL__VERSION, .doc = "1"},
    {"type", LCAL__TYPE, .words = status_type, .doc = "`status`"},
    {"status", LCAL__MAP, .doc = "the result map of the command `status`"},
};

const lcal__table lcal__status_table = LCAL__TABLE("status", "", status_fields);

lcal_status lcal__request_read(lcal__request *request, const lcal__document *document,
                               lcal_error *error) {
  const msgpack_object *map = &document->unpacked.data;
  *request = (lcal__request){0};
  (void)lcal__field_read(&lcal__command_table, map, "id", request);
  return lcal__fields_read(&lcal__command_table, map, request, error);
}

void lcal__put_request(lcal__writer *writer, const char *id, const char *command,
                       const lcal_bytes *args) {
  lcal__begin_message(writer, "command");
  lcal__put_text(writer, "id", id);
  lcal__put_text(writer, "command", command);
  if (args) {
    lcal__put_raw(writer, "args", *args);
  }
  lcal__end(writer);
}

void lcal__begin_result(lcal__writer *writer, const char *id, const char *command) {
  lcal__begin_message(writer, "result");
  lcal__put_text(writer, "id", id);
  lcal__put_text(writer, "command", command);
  lcal__begin_map(writer, "result");
}

void lcal__end_result(lcal__writer *writer) {
  lcal__end(writer);
  lcal__end(writer);
}

lcal_status lcal__result_read(lcal__result *result, const void *body, size_t length,
                              lcal_error *error) {
  struct result_reading reading = {0};
  lcal__document document;
  lcal_status status = lcal__document_open(&document, body, length, &lcal__answer_limits, error);
  if (status == LCAL_OK) {
    status = lcal__fields_read(&lcal__result_table, &document.unpacked.data, &reading, error);
  }
  if (status == LCAL_OK) {
    (void)lcal__scan_find(body, length, "result", &reading.result.result);
  }
  lcal__document_close(&document);
  *result = reading.result;
  return status;
}

void lcal__begin_event(lcal__writer *writer, const char *event, uint64_t stamp_ns,
                       const char *message) {
  lcal__put_topic(writer, "event");
  lcal__begin_message(writer, "event");
  lcal__put_text(writer, "event", event);
  lcal__put_u64(writer, "stamp_ns", stamp_ns);
  lcal__put_sentence(writer, "message", message);
}

lcal_status lcal_event_read(lcal_event *event, const void *body, size_t length, lcal_error *error) {
  lcal_event reading = {0};
  lcal__document document;
  lcal_status status =
      lcal__document_open_body(&document, body, length, &lcal__message_limits, error);
  if (status == LCAL_OK) {
    status = lcal__fields_read(&lcal__event_table, &document.unpacked.data, &reading, error);
  }
  lcal__document_close(&document);
  *event = reading;
  return status;
}

void lcal__put_status(lcal__writer *writer, lcal_bytes status) {
  lcal__put_topic(writer, "status");
  lcal__begin_message(writer, "status");
  lcal__put_raw(writer, "status", status);
  lcal__end(writer);
}

lcal_status lcal__status_read(lcal_bytes *status_map, const void *body, size_t length,
                              lcal_error *error) {
  const msgpack_object *map = NULL;
  lcal__document document;
  lcal_status status =
      lcal__document_open_body(&document, body, length, &lcal__answer_limits, error);
  if (status == LCAL_OK) {
    status = lcal__fields_read(&lcal__status_table, &document.unpacked.data, &map, error);
  }
  if (status == LCAL_OK) {
    (void)lcal__scan_find(document.map.data, document.map.length, "status", status_map);
  }
  lcal__document_close(&document);
  return status;
}
