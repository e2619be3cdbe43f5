#include "wire/messages.h"

#include <stddef.h>
#include <string.h>

struct reading {
  lcal_error_message message;
  char code[32];
};

#define AT(member) .offset = offsetof(struct reading, member)

static const char *const type[] = {"error", NULL};

static const lcal__field fields[] = {
    {"v", LCAL__VERSION, .doc = "1"},
    {"type", LCAL__TYPE, .words = type, .doc = "`error`"},
    {"code", LCAL__TEXT, AT(code), .max = sizeof((struct reading *)0)->code - 1,
     .doc = "one of the codes below"},
    {"message", LCAL__SENTENCE, AT(message.error.message),
     .max = sizeof((lcal_error *)0)->message - 1, .doc = "one sentence: what, where, the remedy"},
    {"id", LCAL__TEXT, true, AT(message.id), .max = LCAL_NAME_MAX, .doc = "the command's"},
    {"stream", LCAL__NAME, true, AT(message.stream), .doc = "the frame's, where it could be read"},
    {"seq", LCAL__UINT, true, AT(message.seq), .doc = "the frame's, where it could be read"},
};

const lcal__table lcal__error_table = LCAL__TABLE("error", "", fields);

/* A failure inside the daemon (memory) has no code of its own: it may be tried again. */
static lcal_status wire_code(lcal_status code) {
  return code >= LCAL_WIRE_FIRST && code <= LCAL_WIRE_LAST ? code : LCAL_BUSY;
}

size_t lcal_error_write(const lcal_error_message *message, void *buffer, size_t capacity) {
  lcal__writer writer;
  lcal__writer_fix(&writer, buffer, capacity);
  lcal__begin_message(&writer, "error");
  lcal__put_text(&writer, "code", lcal_status_word(wire_code(message->error.code)));
  lcal__put_sentence(&writer, "message", message->error.message);
  if (message->id[0]) {
    lcal__put_sentence(&writer, "id", message->id);
  }
  if (message->stream[0]) {
    lcal__put_sentence(&writer, "stream", message->stream);
  }
  if (message->has_seq) {
    lcal__put_u64(&writer, "seq", message->seq);
  }
  lcal__end(&writer);
  return lcal__writer_fitted(&writer);
}

lcal_status lcal_error_read(lcal_error_message *message, const void *body, size_t length,
                            lcal_error *error) {
  struct reading reading = {0};
  lcal__document document;
  lcal_status status = lcal__document_open(&document, body, length, &lcal__message_limits, error);
  if (status == LCAL_OK) {
    status = lcal__fields_read(&lcal__error_table, &document.unpacked.data, &reading, error);
  }
  if (status == LCAL_OK) {
    reading.message.has_seq = lcal__map_find(&document.unpacked.data, "seq") != NULL;
    reading.message.error.code = lcal_status_of_word(reading.code, strlen(reading.code));
    if (reading.message.error.code < LCAL_WIRE_FIRST ||
        reading.message.error.code > LCAL_WIRE_LAST) {
      status = lcal_error_set(error, LCAL_BAD_FIELD, "code: not one of the protocol's");
    }
  }
  lcal__document_close(&document);
  *message = reading.message;
  return status;
}
