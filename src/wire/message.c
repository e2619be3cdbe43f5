#include "wire/control.h"

const char *const lcal__message_words[LCAL_MESSAGE_COUNT + 1] = {
    [LCAL_MESSAGE_FRAME] = "frame",       [LCAL_MESSAGE_LABELS] = "labels",
    [LCAL_MESSAGE_ERROR] = "error",       [LCAL_MESSAGE_COMMAND] = "command",
    [LCAL_MESSAGE_RESULT] = "result",     [LCAL_MESSAGE_EVENT] = "event",
    [LCAL_MESSAGE_STATUS] = "status",     [LCAL_MESSAGE_ATTACH] = "attach",
    [LCAL_MESSAGE_ATTACHED] = "attached", [LCAL_MESSAGE_RELEASE] = "release",
};

/* What every message begins with. */
static const lcal__field fields[] = {
    {"v", LCAL__VERSION, .doc = "1"},
    {"type", LCAL__WORD, .words = lcal__message_words, .doc = "which message it is"},
};

static const lcal__table table = LCAL__TABLE("message", "", fields);

lcal_status lcal_message_type(lcal_message *type, const void *body, size_t length,
                              lcal_error *error) {
  lcal__document document;
  unsigned index = 0;
  lcal_status status =
      lcal__document_open_body(&document, body, length, &lcal__answer_limits, error);
  if (status == LCAL_OK) {
    status = lcal__fields_read(&table, &document.unpacked.data, &index, error);
  }
  lcal__document_close(&document);
  if (status == LCAL_OK) {
    *type = (lcal_message)index;
  }
  return status;
}
