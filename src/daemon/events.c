/* Events: published at once, logged with a level of their kind, rate-limited by kind. */
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "wire/control.h"

#include <stdarg.h>
#include <stdlib.h>

static const char *const words[EVENT_COUNT] = {
#define EVENT_WORD(symbol, word) [EVENT_##symbol] = (word),
    EVENT_MAP(EVENT_WORD)
#undef EVENT_WORD
};

/* What is not here is information. */
static enum log_level level_of(enum event_kind kind) {
  switch (kind) {
  case EVENT_SNAPSHOT_FAILED:
  case EVENT_SNAPSHOT_BROKEN:
  case EVENT_RELOAD_FAILED:
    return LOG_ERROR;
  case EVENT_STREAM_SILENT:
  case EVENT_SEQUENCE_GAP:
  case EVENT_CLOCK_JUMP:
  case EVENT_GUARD:
  case EVENT_OVERLOAD:
  case EVENT_LISTENER_RESTARTED:
    return LOG_WARNING;
  case EVENT_SNAPSHOT_WRITTEN: /* one a minute, and the metrics have it */
    return LOG_DEBUG;
  default:
    return LOG_INFO;
  }
}

void event_raise(struct daemon *daemon, enum event_kind kind, const struct event_field *fields,
                 size_t field_count, const char *format, ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  daemon->counters.events++;
  log_limited(level_of(kind), words[kind], "%s: %s", words[kind], message);
  if (!daemon->sockets) { /* before they are open, and after */
    return;
  }
  lcal__writer writer;
  lcal__writer_grow(&writer);
  lcal__begin_event(&writer, words[kind], realtime_ns(), message);
  for (size_t i = 0; i < field_count; i++) {
    if (fields[i].text) {
      lcal__put_text(&writer, fields[i].key, fields[i].text);
    } else {
      lcal__put_u64(&writer, fields[i].key, fields[i].number);
    }
  }
  lcal__end(&writer);
  uint8_t *body = NULL;
  size_t length = 0;
  if (lcal__writer_take(&writer, &body, &length, NULL) == LCAL_OK) {
    sockets_publish_state(daemon, body, length);
    free(body);
  }
}
