#include "daemon/listener.h"
#include "daemon/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_MS        1000000ull
#define PROBE_EVERY_NS   (500 * NS_PER_MS)
#define PROBE_TIMEOUT_NS (1000 * NS_PER_MS)
#define UNHEALTHY_NS     (10000 * NS_PER_MS)

/* Where to connect to reach the listener from here. */
static struct address target_of(const struct listener *listener) {
  struct address target = listener->address;
  if (target.of.any.sa_family == AF_INET && target.of.v4.sin_addr.s_addr == htonl(INADDR_ANY)) {
    target.of.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  if (target.of.any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&target.of.v6.sin6_addr)) {
    target.of.v6.sin6_addr = in6addr_loopback;
  }
  return target;
}

static void greet(struct listener *listener) {
  uint8_t greeting[LCAL__GREETING_SIZE];
  lcal__greeting_write(greeting, listener->owner->owners[listener->endpoint].role->peer);
  listener->greeted = send(listener->probe, greeting, sizeof greeting,
                           MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof greeting;
}

static void begin_probe(struct listener *listener, uint64_t now_ns) {
  const struct address target = target_of(listener);
  listener->probed_ns = now_ns;
  listener->greeted = false;
  listener->proved = false;
  listener->accepted = false;
  listener->late = false;
  listener->probe = socket(target.of.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener->probe < 0) {
    return; /* no descriptors: says nothing about the listener; its health will */
  }
  /* What is refused is left to the timeout. */
  if (connect(listener->probe, &target.of.any, target.length) == 0 || errno == EINPROGRESS) {
    greet(listener);
  }
  address_of_own(&listener->probe_end, listener->probe);
}

void listener_end_probe(struct listener *listener) {
  if (listener->probe >= 0) {
    close(listener->probe);
    listener->probe = -1;
  }
}

/* A unix peer is ours if this process made it, a tcp one if it is the other end of the probe. */
bool listener_is_probe(const struct listener *listener, int descriptor) {
  if (listener->probe < 0) {
    return false;
  }
  if (address_is_local(&listener->address)) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
           peer.pid == getpid();
  }
  struct address peer;
  return address_of_peer(&peer, descriptor) && address_equal(&peer, &listener->probe_end);
}

void listener_proved(struct listener *listener) {
  listener->proved = true;
}

static void restart(struct listener *listener) {
  struct daemon *daemon = listener->owner->daemon;
  lcal_error error;
  listener_close(listener);
  if (listener_open(listener, &error) != LCAL_OK) {
    log_limited(LOG_ERROR, "listener", "%s", error.message);
    return;
  }
  daemon->counters.listener_restarts[listener->endpoint]++;
  const struct event_field fields[] = {
      {.key = "socket", .text = endpoint_words[listener->endpoint]},
      {.key = "url", .text = listener->url},
  };
  event_raise(daemon, EVENT_LISTENER_RESTARTED, fields, 2,
              "the listener on %s took no connections and was opened again", listener->url);
}

static void guard(struct listener *listener, uint64_t now_ns) {
  if (listener->probe < 0) {
    if (now_ns - listener->probed_ns >= PROBE_EVERY_NS) {
      begin_probe(listener, now_ns);
    }
    return;
  }
  if (!listener->greeted) {
    greet(listener);
  }
  const bool in_time = now_ns - listener->probed_ns < PROBE_TIMEOUT_NS;
  if (listener->proved || (!in_time && listener->accepted)) {
    listener_end_probe(listener);
    listener->proved_ns = now_ns;
  } else if (!in_time && !listener->late) {
    listener->late = true; /* a process that was held up has timers before it accepts */
  } else if (!in_time) {
    listener_end_probe(listener);
    restart(listener);
  }
}

void listeners_guard(struct listeners *listeners, uint64_t now_ns) {
  for (size_t i = 0; i < listeners->count; i++) {
    guard(&listeners->each[i], now_ns);
  }
}

const char *listeners_health(struct listeners *listeners, uint64_t now_ns) {
  for (size_t i = 0; i < listeners->count; i++) {
    const struct listener *listener = &listeners->each[i];
    if (now_ns - listener->proved_ns > UNHEALTHY_NS) {
      snprintf(listeners->health, sizeof listeners->health,
               "the listener on %.128s has taken no connection for 10 s", listener->url);
      return listeners->health;
    }
  }
  return NULL;
}
