#include "daemon/acceptor.h"

#include "daemon/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG  128
#define AT_ONCE  32  /* accepted before the loop turns to others */
#define PAUSE_MS 100 /* without descriptors */

/* Kept for the daemon itself: a share of what it may open, at most so many. */
#define KEPT_SHARE 8u
#define KEPT_MOST  32u

struct acceptor {
  uv_poll_t poll;
  uv_timer_t pause;
  int descriptor;
  int handles; /* not closed yet */
  void (*accepted)(void *owner, int descriptor);
  void *owner;
};

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_pause(uv_timer_t *timer) {
  struct acceptor *acceptor = timer->data;
  uv_poll_start(&acceptor->poll, UV_READABLE, on_readable);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  struct acceptor *acceptor = poll->data;
  (void)status; /* accept4() says it better */
  (void)events;
  for (int i = 0; i < AT_ONCE && !uv_is_closing((uv_handle_t *)poll); i++) {
    const int made = accept4(acceptor->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (made >= 0) {
      acceptor->accepted(acceptor->owner, made);
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != ECONNABORTED && errno != EINTR) {
      log_limited(LOG_WARNING, "accept", "cannot accept a connection: %s", strerror(errno));
      uv_poll_stop(poll); /* else it would call again at once */
      uv_timer_start(&acceptor->pause, on_pause, PAUSE_MS, 0);
      return;
    }
  }
}

int acceptor_open(struct acceptor **acceptor, uv_loop_t *loop, int descriptor,
                  void (*accepted)(void *owner, int descriptor), void *owner) {
  struct acceptor *made = calloc(1, sizeof *made);
  int result = made == NULL                       ? UV_ENOMEM
               : listen(descriptor, BACKLOG) != 0 ? uv_translate_sys_error(errno)
                                                  : uv_poll_init(loop, &made->poll, descriptor);
  if (result != 0) {
    close(descriptor);
    free(made);
    return result;
  }
  uv_timer_init(loop, &made->pause);
  made->poll.data = made->pause.data = made;
  made->descriptor = descriptor;
  made->handles = 2;
  made->accepted = accepted;
  made->owner = owner;
  result = uv_poll_start(&made->poll, UV_READABLE, on_readable);
  if (result != 0) {
    acceptor_close(made);
    return result;
  }
  *acceptor = made;
  return 0;
}

static void on_closed(uv_handle_t *handle) {
  struct acceptor *acceptor = handle->data;
  if (--acceptor->handles == 0) {
    free(acceptor);
  }
}

void acceptor_close(struct acceptor *acceptor) {
  uv_close((uv_handle_t *)&acceptor->poll, on_closed);
  uv_close((uv_handle_t *)&acceptor->pause, on_closed);
  close(acceptor->descriptor); /* uv_close() has left it alone: it polls no more */
}

bool acceptor_is_last(int descriptor) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return false;
  }
  const rlim_t share = limit.rlim_cur / KEPT_SHARE;
  return (rlim_t)descriptor + (share < KEPT_MOST ? share : KEPT_MOST) >= limit.rlim_cur;
}
