#include "client/sp.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PARTS_MAX 2

uint64_t lcal__now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void lcal__nap(uint64_t ms, uint64_t deadline_ms) {
  uint64_t now = lcal__now_ms();
  uint64_t left = now < deadline_ms ? deadline_ms - now : 0;
  uint64_t nap = ms < left ? ms : left;
  const struct timespec time = {(time_t)(nap / 1000), (long)(nap % 1000) * 1000000};
  nanosleep(&time, NULL);
}

/* The time limit of the aio's next operation. nng takes 0 ms for "do not even try". */
static void set_deadline(struct lcal__sp *sp, uint64_t deadline_ms) {
  uint64_t now = lcal__now_ms();
  uint64_t left = now < deadline_ms ? deadline_ms - now : 1;
  nng_aio_set_timeout(sp->aio, left > INT32_MAX ? INT32_MAX : (nng_duration)left);
}

/* Some bytes, one way or the other. */
static int transfer(struct lcal__sp *sp, bool send, const nng_iov *parts, unsigned count,
                    uint64_t deadline_ms, size_t *done) {
  *done = 0;
  set_deadline(sp, deadline_ms);
  nng_aio_set_iov(sp->aio, count, parts);
  if (send) {
    nng_stream_send(sp->stream, sp->aio);
  } else {
    nng_stream_recv(sp->stream, sp->aio);
  }
  nng_aio_wait(sp->aio);
  int failed = nng_aio_result(sp->aio);
  if (!failed) {
    *done = nng_aio_count(sp->aio);
    failed = *done ? 0 : NNG_ECONNSHUT;
  }
  return failed;
}

static int send_all(struct lcal__sp *sp, nng_iov *parts, unsigned count, uint64_t deadline_ms,
                    size_t *sent) {
  *sent = 0;
  while (count) {
    size_t done;
    if (parts->iov_len == 0) {
      parts++;
      count--;
      continue;
    }
    int failed = transfer(sp, true, parts, count, deadline_ms, &done);
    if (failed) {
      return failed;
    }
    *sent += done;
    for (nng_iov *part = parts; done; part++) {
      size_t taken = done < part->iov_len ? done : part->iov_len;
      part->iov_buf = (uint8_t *)part->iov_buf + taken;
      part->iov_len -= taken;
      done -= taken;
    }
  }
  return 0;
}

/* buffer[*got..size) */
static int receive_all(struct lcal__sp *sp, uint8_t *buffer, size_t size, size_t *got,
                       uint64_t deadline_ms) {
  while (*got < size) {
    const nng_iov rest = {buffer + *got, size - *got};
    size_t done;
    int failed = transfer(sp, false, &rest, 1, deadline_ms, &done);
    if (failed) {
      return failed;
    }
    *got += done;
  }
  return 0;
}

/* A host that vanishes says no goodbye: the kernel asks after it. */
static int make_dialer(struct lcal__sp *sp, const char *url) {
  int failed = nng_stream_dialer_alloc(&sp->dialer, url);
  sp->local = strncmp(url, "tcp", 3) != 0;
  if (!failed && !sp->local) {
    failed = nng_stream_dialer_set_bool(sp->dialer, NNG_OPT_TCP_KEEPALIVE, true);
  }
  if (!failed && !sp->local) {
    failed = nng_stream_dialer_set_bool(sp->dialer, NNG_OPT_TCP_NODELAY, true);
  }
  return failed;
}

/* What a dial needs, once. nng's threads are born with its first object and keep the signal mask
 * they are born with: all blocked, so that the application's handlers run on its own threads. */
static int prepare(struct lcal__sp *sp, const char *url) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  int failed = sp->dialer ? 0 : make_dialer(sp, url);
  if (!failed && !sp->aio) {
    failed = nng_aio_alloc(&sp->aio, NULL, NULL);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return failed;
}

static int shake_hands(struct lcal__sp *sp, enum lcal__sp_protocol own, enum lcal__sp_protocol peer,
                       uint64_t deadline_ms) {
  uint8_t hello[LCAL__GREETING_SIZE];
  uint8_t answer[LCAL__GREETING_SIZE];
  lcal__greeting_write(hello, own);
  nng_iov part = {hello, sizeof hello};
  size_t done = 0;
  int failed = send_all(sp, &part, 1, deadline_ms, &done);
  done = 0;
  if (!failed) {
    failed = receive_all(sp, answer, sizeof answer, &done, deadline_ms);
  }
  return failed ? failed : lcal__greeting_matches(answer, peer) ? 0 : NNG_EPROTO;
}

int lcal__sp_dial(struct lcal__sp *sp, const char *url, enum lcal__sp_protocol own,
                  enum lcal__sp_protocol peer, uint64_t deadline_ms) {
  int failed = prepare(sp, url);
  if (failed) {
    return failed;
  }
  set_deadline(sp, deadline_ms);
  nng_stream_dialer_dial(sp->dialer, sp->aio);
  nng_aio_wait(sp->aio);
  failed = nng_aio_result(sp->aio);
  if (failed) {
    return failed;
  }
  sp->stream = nng_aio_get_output(sp->aio, 0);
  sp->head_got = sp->got = 0;
  failed = shake_hands(sp, own, peer, deadline_ms);
  if (failed) {
    lcal__sp_close(sp);
  }
  return failed;
}

int lcal__sp_send(struct lcal__sp *sp, const nng_iov *parts, unsigned count, uint64_t deadline_ms) {
  uint8_t head[LCAL__HEAD_MAX];
  nng_iov all[1 + PARTS_MAX] = {{head, 0}};
  uint64_t size = 0;
  size_t sent;
  for (unsigned i = 0; i < count; i++) {
    all[1 + i] = parts[i];
    size += parts[i].iov_len;
  }
  all[0].iov_len = lcal__head_write(head, sp->local, size);
  int failed = send_all(sp, all, 1 + count, deadline_ms, &sent);
  if (failed && !(failed == NNG_ETIMEDOUT && sent == 0)) {
    lcal__sp_close(sp);
  }
  return failed;
}

/* Makes room for the body that the head announces. */
static int begin_body(struct lcal__sp *sp, size_t most) {
  uint64_t size;
  if (!lcal__head_read(sp->head, sp->local, &size)) {
    return NNG_EPROTO;
  }
  if (size > most) {
    return NNG_EMSGSIZE;
  }
  if (size > sp->room) {
    uint8_t *body = realloc(sp->body, (size_t)size);
    if (!body) {
      return NNG_ENOMEM;
    }
    sp->body = body;
    sp->room = (size_t)size;
  }
  sp->size = (size_t)size;
  return 0;
}

int lcal__sp_receive(struct lcal__sp *sp, size_t most, uint64_t deadline_ms) {
  int failed = receive_all(sp, sp->head, lcal__head_size(sp->local), &sp->head_got, deadline_ms);
  if (!failed && sp->got == 0) {
    failed = begin_body(sp, most);
  }
  if (!failed) {
    failed = receive_all(sp, sp->body, sp->size, &sp->got, deadline_ms);
  }
  if (!failed) {
    sp->head_got = sp->got = 0;
  } else if (failed != NNG_ETIMEDOUT) {
    lcal__sp_close(sp);
  }
  return failed;
}

void lcal__sp_close(struct lcal__sp *sp) {
  if (sp->stream) {
    nng_stream_close(sp->stream);
    nng_stream_free(sp->stream);
    sp->stream = NULL;
  }
}

void lcal__sp_free(struct lcal__sp *sp) {
  lcal__sp_close(sp);
  if (sp->dialer) {
    nng_stream_dialer_close(sp->dialer);
    nng_stream_dialer_free(sp->dialer);
  }
  if (sp->aio) {
    nng_aio_free(sp->aio);
  }
  free(sp->body);
  *sp = (struct lcal__sp){0};
}
