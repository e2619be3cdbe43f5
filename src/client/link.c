#include "client/link.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Pauses between dials of a subscriber whose daemon is away. */
#define REDIAL_MIN_MS 20
#define REDIAL_MAX_MS 1000

/* In front of requests and replies: the request's number, its first bit set. */
#define NUMBER_BYTES 4

/* What each socket is; `most` bounds what is allocated for a message that the daemon announces. */
static const struct {
  enum lcal__sp_protocol own, peer;
  size_t most;
} kinds[LCAL_SOCKET_COUNT] = {
    [LCAL_SOCKET_FRAMES] = {LCAL__SP_PUSH, LCAL__SP_PULL, 0},
    [LCAL_SOCKET_CALIBRATE] = {LCAL__SP_REQ, LCAL__SP_REP, (size_t)1 << 30},
    [LCAL_SOCKET_LABELS] = {LCAL__SP_SUB, LCAL__SP_PUB, (size_t)1 << 30},
    [LCAL_SOCKET_STATE] = {LCAL__SP_SUB, LCAL__SP_PUB, (size_t)16 << 20},
    [LCAL_SOCKET_CONTROL] = {LCAL__SP_REQ, LCAL__SP_REP, (size_t)256 << 20},
};

static bool is_request(const struct lcal__link *link) {
  return kinds[link->kind].own == LCAL__SP_REQ;
}

void lcal__link_free(struct lcal__link *link) {
  lcal__sp_free(&link->sp);
  free(link->buffer);
  free(link->url);
  *link = (struct lcal__link){0};
}

static lcal_status fail(const struct lcal__link *link, int nng_error, lcal_error *error) {
  switch (nng_error) {
  case NNG_ETIMEDOUT:
    return lcal_error_set(error, LCAL_TIMEOUT, "no answer in time from labelcald at %.128s",
                          link->url);
  case NNG_ENOMEM:
    return lcal_error_set(error, LCAL_MEMORY, "out of memory at %.128s", link->url);
  case NNG_ECONNRESET:
  case NNG_ECONNSHUT:
  case NNG_ECLOSED:
    return lcal_error_set(error, LCAL_UNREACHABLE,
                          "labelcald at %.128s closed the connection: it stopped, or one of its "
                          "limits was reached (its log says which)",
                          link->url);
  case NNG_EPROTO:
    return lcal_error_set(error, LCAL_UNREACHABLE,
                          "what listens at %.128s is not labelcald's socket %s", link->url,
                          lcal_socket_word(link->kind));
  case NNG_EMSGSIZE:
    return lcal_error_set(error, LCAL_TOO_LARGE, "the message from %.128s is beyond %zu bytes",
                          link->url, kinds[link->kind].most);
  default:
    return lcal_error_set(error, LCAL_SYSTEM, "%.128s: %s", link->url, nng_strerror(nng_error));
  }
}

static lcal_status fail_dial(const struct lcal__link *link, int nng_error, lcal_error *error) {
  switch (nng_error) {
  case NNG_ECONNREFUSED:
  case NNG_ENOENT:
  case NNG_EPERM:
  case NNG_EUNREACHABLE:
    return lcal_error_set(error, LCAL_UNREACHABLE,
                          "cannot reach labelcald at %.128s (%s): start it, name its runtime "
                          "directory, or see that you may use its socket",
                          link->url, nng_strerror(nng_error));
  case NNG_EINVAL:
  case NNG_EADDRINVAL:
  case NNG_ENOTSUP:
    return lcal_error_set(error, LCAL_ARGUMENT,
                          "%.128s is not a URL to dial: give ipc://PATH (at most 107 bytes) or "
                          "tcp://HOST:PORT",
                          link->url);
  default:
    return fail(link, nng_error, error);
  }
}

lcal_status lcal__link_connect(struct lcal__link *link, uint64_t deadline_ms, lcal_error *error) {
  if (link->sp.stream) {
    return LCAL_OK;
  }
  int failed = lcal__sp_dial(&link->sp, link->url, kinds[link->kind].own, kinds[link->kind].peer,
                             deadline_ms);
  link->stood = link->stood || !failed;
  return failed ? fail_dial(link, failed, error) : LCAL_OK;
}

lcal_status lcal__link_reserve(struct lcal__link *link, size_t size, lcal_error *error) {
  if (size > link->room) {
    uint8_t *buffer = realloc(link->buffer, size);
    if (!buffer) {
      return lcal_error_set(error, LCAL_MEMORY, "no memory for a message of %zu bytes", size);
    }
    link->buffer = buffer;
    link->room = size;
  }
  return LCAL_OK;
}

static int try_send(struct lcal__link *link, size_t size, uint64_t deadline_ms) {
  uint32_t n = link->request;
  uint8_t number[NUMBER_BYTES] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
                                  (uint8_t)n};
  const nng_iov parts[] = {{number, is_request(link) ? sizeof number : 0}, {link->buffer, size}};
  return lcal__sp_send(&link->sp, parts, 2, deadline_ms);
}

lcal_status lcal__link_number(struct lcal__link *link, lcal_error *error) {
  /* Numbers begin anywhere, so that an answer to another's is none to ours. */
  if (link->request == 0 && getrandom(&link->request, sizeof link->request, 0) < 0) {
    return lcal_error_set(error, LCAL_SYSTEM, "no random bytes for a request's number: %m");
  }
  link->request = (link->request + 1) | 0x80000000u;
  return LCAL_OK;
}

lcal_status lcal__link_send(struct lcal__link *link, size_t size, uint64_t deadline_ms,
                            lcal_error *error) {
  bool stood = link->sp.stream != NULL;
  lcal_status status = lcal__link_connect(link, deadline_ms, error);
  if (status) {
    return status;
  }
  int failed = try_send(link, size, deadline_ms);
  if (failed && failed != NNG_ETIMEDOUT && stood) {
    status = lcal__link_connect(link, deadline_ms, error);
    failed = status ? 0 : try_send(link, size, deadline_ms);
  }
  return failed ? fail(link, failed, error) : status;
}

/* Whether the message is the answer to the newest request; takes its number off. */
static bool take_number(struct lcal__link *link) {
  const uint8_t *b = link->message.data;
  if (link->message.length < NUMBER_BYTES) {
    return false;
  }
  uint32_t number =
      (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
  link->message.data += NUMBER_BYTES;
  link->message.length -= NUMBER_BYTES;
  return number == link->request;
}

/* A subscriber's next message. Only what stood and was lost is dialled again, ever less often. */
static lcal_status receive_published(struct lcal__link *link, uint64_t deadline_ms,
                                     lcal_error *error) {
  for (uint64_t pause_ms = REDIAL_MIN_MS;; pause_ms *= 2) {
    lcal_status status = lcal__link_connect(link, deadline_ms, error);
    if (!status) {
      int failed = lcal__sp_receive(&link->sp, kinds[link->kind].most, deadline_ms);
      status = failed ? fail(link, failed, error) : LCAL_OK;
    }
    if (status != LCAL_UNREACHABLE || !link->stood || lcal__now_ms() >= deadline_ms) {
      return status;
    }
    pause_ms = pause_ms < REDIAL_MAX_MS ? pause_ms : REDIAL_MAX_MS;
    lcal__nap(pause_ms, deadline_ms);
  }
}

/* The answer to the newest request; those to earlier ones, given up or answered before, are passed
 * over. */
static lcal_status receive_answer(struct lcal__link *link, uint64_t deadline_ms,
                                  lcal_error *error) {
  do {
    int failed = link->sp.stream ? lcal__sp_receive(&link->sp, kinds[link->kind].most, deadline_ms)
                                 : NNG_ECLOSED;
    if (failed) {
      return fail(link, failed, error);
    }
    link->message = (lcal_bytes){link->sp.body, link->sp.size};
  } while (!take_number(link));
  return LCAL_OK;
}

lcal_status lcal__link_receive(struct lcal__link *link, uint64_t deadline_ms, lcal_error *error) {
  if (is_request(link)) {
    return receive_answer(link, deadline_ms, error);
  }
  lcal_status status = receive_published(link, deadline_ms, error);
  link->message = (lcal_bytes){link->sp.body, link->sp.size};
  return status;
}
