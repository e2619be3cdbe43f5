/* HTTP's listener, and libwebsockets' context on the daemon's own loop. Connections are accepted
 * here and handed over: bind errors keep their cause, the limit of connections is ours, and the
 * listener survives the lack of file descriptors. */
#include "daemon/http.h"
#include "daemon/acceptor.h"
#include "daemon/config_url.h"

#include <errno.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define HTTP_HEAD_BYTES   8192 /* of a request's line and headers */
#define HTTP_HEAD_SECONDS 10   /* for them to arrive; libwebsockets' own timeouts */

/* Sent with every answer, libwebsockets' own refusals too. */
static const struct lws_protocol_vhost_options security_headers[] = {
    {&security_headers[1], NULL, "cache-control:", "no-store"},
    {&security_headers[2], NULL, "x-content-type-options:", "nosniff"},
    {&security_headers[3], NULL, "referrer-policy:", "no-referrer"},
    {&security_headers[4], NULL, "cross-origin-resource-policy:", "same-origin"},
    {NULL, NULL, "connection:", "close"},
};

static lcal_status random_hex(char text[HTTP_TOKEN_BYTES + 1], lcal_error *error) {
  uint8_t bytes[HTTP_TOKEN_BYTES / 2];
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
    return lcal_error_set(error, LCAL_SYSTEM, "http: no random bytes for the token: %s",
                          strerror(errno));
  }
  for (size_t i = 0; i < sizeof bytes; i++) {
    static const char digits[] = "0123456789abcdef";
    text[2 * i] = digits[bytes[i] >> 4];
    text[2 * i + 1] = digits[bytes[i] & 15];
  }
  text[HTTP_TOKEN_BYTES] = '\0';
  return LCAL_OK;
}

/* What a Host header calls the configured address. */
static void name_authority(struct http *http, const struct url *url) {
  bool six = strchr(url->host, ':') != NULL;
  snprintf(http->authority, sizeof http->authority, six ? "[%s]:%u" : "%s:%u", url->host,
           url->port);
  http->port = url->port;
}

/* "ADDRESS:PORT" of the connection's own end, as a browser writes it in Host. */
static void name_local(int descriptor, char *text, size_t capacity) {
  union {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
  } address;
  socklen_t length = sizeof address;
  char host[INET6_ADDRSTRLEN];
  memset(&address, 0, sizeof address);
  text[0] = '\0';
  if (getsockname(descriptor, &address.any, &length) != 0) {
    return;
  }
  if (address.any.sa_family == AF_INET6) {
    uv_ip6_name(&address.six, host, sizeof host);
    snprintf(text, capacity, "[%s]:%u", host, ntohs(address.six.sin6_port));
  } else {
    uv_ip4_name(&address.four, host, sizeof host);
    snprintf(text, capacity, "%s:%u", host, ntohs(address.four.sin_port));
  }
}

static void on_accepted(void *owner, int descriptor) {
  struct http *http = owner;
  char local[64];
  if (http->connections >= http->daemon->config->limits.connections ||
      acceptor_is_last(descriptor)) {
    http->connections_refused++;
    close(descriptor);
    return;
  }
  name_local(descriptor, local, sizeof local);
  exchange_accept(http, descriptor, local);
}

/* 0 or libuv's code. */
static int open_listener(struct http *http, const struct addrinfo *address) {
  const int on = 1;
  const int made = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (made < 0) {
    return uv_translate_sys_error(errno);
  }
  setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(made, address->ai_addr, address->ai_addrlen) != 0) {
    const int result = uv_translate_sys_error(errno);
    close(made);
    return result;
  }
  return acceptor_open(&http->listener, &http->daemon->loop, made, on_accepted, http);
}

static lcal_status listen_on(struct http *http, const char *host, lcal_error *error) {
  char port[8];
  snprintf(port, sizeof port, "%u", http->port);
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
  struct addrinfo *found = NULL;
  int failed = getaddrinfo(host, port, &hints, &found);
  if (failed) {
    return lcal_error_set(error, LCAL_BAD_CONFIG, "listen.http: %s: %s", http->authority,
                          gai_strerror(failed));
  }
  const int result = open_listener(http, found);
  freeaddrinfo(found);
  if (result == UV_EADDRINUSE) {
    return lcal_error_set(error, LCAL_BAD_CONFIG,
                          "listen.http: %s is in use by another program; choose another port in "
                          "listen.http, with --http, or turn HTTP off (--http off)",
                          http->authority);
  }
  if (result != 0) {
    return lcal_error_set(error, LCAL_BAD_CONFIG,
                          "listen.http: cannot listen on %s: %s; choose another address in "
                          "listen.http, with --http, or turn HTTP off (--http off)",
                          http->authority, uv_strerror(result));
  }
  return LCAL_OK;
}

static lcal_status create_context(struct http *http, lcal_error *error) {
  void *loop = &http->daemon->loop;
  lws_set_log_level(0, NULL); /* a client's mistakes are no news */
  struct lws_context_creation_info info = {
      .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                 LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME |
                 LWS_SERVER_OPTION_UV_NO_SIGSEGV_SIGFPE_SPIN,
      .foreign_loops = &loop,
      .gid = -1,
      .uid = -1,
      .server_string = "labelcald",
      .fd_limit_per_thread = http->daemon->config->limits.connections + 8,
      .max_http_header_data2 = HTTP_HEAD_BYTES,
      .max_http_header_pool2 = http->daemon->config->limits.connections,
      .timeout_secs = HTTP_HEAD_SECONDS,
      .port = CONTEXT_PORT_NO_LISTEN_SERVER,
      .vhost_name = "labelcald",
      .protocols = exchange_protocols(),
      .headers = security_headers,
      .timeout_secs_ah_idle = HTTP_HEAD_SECONDS,
      .user = http,
  };
  http->context = lws_create_context(&info);
  http->vhost = http->context ? lws_create_vhost(http->context, &info) : NULL;
  if (!http->vhost) {
    return lcal_error_set(error, LCAL_BAD_CONFIG,
                          "http: libwebsockets cannot start on libuv; is the package "
                          "libwebsockets-evlib-uv installed? Or turn HTTP off (--http off)");
  }
  return LCAL_OK;
}

lcal_status http_start(struct daemon *daemon, lcal_error *error) {
  if (!daemon->config->http) {
    return LCAL_OK;
  }
  struct http *http = calloc(1, sizeof *http);
  if (!http) {
    return lcal_error_set(error, LCAL_MEMORY, "http: out of memory");
  }
  struct url url;
  http->daemon = daemon;
  lcal_status status = url_parse(&url, daemon->config->http, error);
  if (status == LCAL_OK) {
    status = random_hex(http->token, error);
  }
  if (status == LCAL_OK) {
    status = random_hex(http->nonce, error);
  }
  if (status != LCAL_OK) {
    free(http);
    return status;
  }
  name_authority(http, &url);
  daemon->http = http;
  status = listen_on(http, url.host, error);
  if (status == LCAL_OK) {
    status = create_context(http, error);
  }
  if (status != LCAL_OK) {
    http_stop(daemon);
  }
  return status;
}

void http_stop(struct daemon *daemon) {
  struct http *http = daemon->http;
  if (!http || http->stopped) {
    return;
  }
  http->stopped = true;
  if (http->listener) {
    acceptor_close(http->listener);
  }
  if (http->context) {
    lws_context_destroy(http->context);
  }
}

void http_destroy(struct daemon *daemon) {
  if (daemon->http && daemon->http->context) {
    lws_context_destroy(daemon->http->context);
  }
  free(daemon->http);
  daemon->http = NULL;
}

bool http_owns(const struct daemon *daemon, const uv_handle_t *handle) {
  /* Its timer and idle handle carry the context; the connections are closing already. */
  return daemon->http && daemon->http->context && handle->data == daemon->http->context;
}
