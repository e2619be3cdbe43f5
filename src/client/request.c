#include "client/request.h"

#include "wire/control.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* While no answer comes, the command is sent again this often within the time-out, but not at
 * once: a command that waits for a disk is not lost. */
#define TRIES        3
#define RETRY_MIN_MS 500

/* After a connection was closed on us: it may be over a limit, which lasts. */
#define REDIAL_MS 100

lcal_status lcal__call_identify(struct lcal__call *call, lcal_error *error) {
  uint8_t r[16];
  if (!call->name || !*call->name || strlen(call->name) > LCAL_NAME_MAX) {
    return lcal_error_set(error, LCAL_ARGUMENT, "a command's name has 1 to 64 bytes");
  }
  if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r) {
    return lcal_error_set(error, LCAL_SYSTEM, "no random bytes for a command's id: %m");
  }
  r[6] = (uint8_t)(0x40 | (r[6] & 0x0f)); /* RFC 9562: version 4, variant 10 */
  r[8] = (uint8_t)(0x80 | (r[8] & 0x3f));
  snprintf(call->id, sizeof call->id,
           "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1], r[2],
           r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14], r[15]);
  return LCAL_OK;
}

/* Writes the request into the link's buffer. */
static lcal_status encode(const struct lcal__call *call, struct lcal__link *link, size_t *size,
                          lcal_error *error) {
  lcal__writer writer;
  lcal__writer_fix(&writer, NULL, 0);
  lcal__put_request(&writer, call->id, call->name, call->args);
  *size = writer.length;
  lcal_status status = lcal__link_reserve(link, *size, error);
  if (!status) {
    lcal__writer_fix(&writer, link->buffer, *size);
    lcal__put_request(&writer, call->id, call->name, call->args);
  }
  return status;
}

lcal_status lcal__refusal(const void *body, size_t length, lcal_error *error) {
  lcal_error_message refusal;
  lcal_status status = lcal_error_read(&refusal, body, length, error);
  return status ? status : lcal_error_set(error, refusal.error.code, "%s", refusal.error.message);
}

static lcal_status read_answer(const struct lcal__link *link, lcal_bytes *result,
                               lcal_error *error) {
  const void *body = link->message.data;
  size_t length = link->message.length;
  lcal_message type;
  lcal__result answer;
  lcal_status status = lcal_message_type(&type, body, length, error);
  if (!status && type == LCAL_MESSAGE_ERROR) {
    return lcal__refusal(body, length, error);
  }
  if (!status) {
    status = lcal__result_read(&answer, body, length, error);
  }
  if (!status) {
    *result = answer.result;
  }
  return status;
}

lcal_status lcal__call_run(const struct lcal__call *call, struct lcal__link *link,
                           uint32_t timeout_ms, lcal_bytes *result, lcal_error *error) {
  uint64_t deadline = lcal__now_ms() + timeout_ms;
  uint64_t patience = timeout_ms / TRIES > RETRY_MIN_MS ? timeout_ms / TRIES : RETRY_MIN_MS;
  size_t size;
  lcal_status status = encode(call, link, &size, error);
  if (!status) {
    status = lcal__link_number(link, error);
  }
  if (status) {
    return status;
  }
  for (;;) {
    status = lcal__link_send(link, size, deadline, error);
    if (status) {
      return status;
    }
    uint64_t now = lcal__now_ms();
    uint64_t until = now + patience < deadline ? now + patience : deadline;
    status = lcal__link_receive(link, until, error);
    if (!status) {
      return read_answer(link, result, error);
    }
    /* A lost connection is made again by the next send, if the daemon still listens. */
    int lost = status == LCAL_TIMEOUT || status == LCAL_UNREACHABLE;
    if (!lost || lcal__now_ms() >= deadline) {
      return status;
    }
    lcal__nap(status == LCAL_UNREACHABLE ? REDIAL_MS : 0, deadline);
  }
}
