/* What HTTP answers: one table of paths. Before any of them, Host must name the address the
 * connection came to (or localhost) and Origin must be absent or the same, so that no page of
 * another site, nor a name rebound to this machine, reaches the daemon. */
#include "daemon/http.h"
#include "daemon/http_api.h"
#include "daemon/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct route {
  const char *path;
  bool post; /* POST alone; else GET and HEAD */
  void (*answer)(struct exchange *exchange);
};

static void answer_text(struct exchange *exchange, unsigned status, const char *text) {
  char *line = NULL;
  int length = asprintf(&line, "%s\n", text);
  exchange_answer(exchange, status, "text/plain; charset=utf-8", length < 0 ? NULL : line,
                  length < 0 ? 0 : (size_t)length);
}

static void answer_healthz(struct exchange *exchange) {
  const char *fault = daemon_health(exchange->http->daemon);
  answer_text(exchange, fault ? 503 : 200, fault ? fault : "ok");
}

static void answer_readyz(struct exchange *exchange) {
  const struct daemon *daemon = exchange->http->daemon;
  bool ready = daemon->ready && !daemon->stopping;
  answer_text(exchange, ready ? 200 : 503,
              ready              ? "ready"
              : daemon->stopping ? "the daemon is stopping"
                                 : "sockets are not open or snapshots not loaded yet");
}

static void answer_metrics(struct exchange *exchange) {
  size_t length = 0;
  char *text = metrics_text(exchange->http->daemon, &length);
  exchange_answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", text, length);
}

static void answer_page(struct exchange *exchange) {
  size_t length = 0;
  char *text = page_render(exchange->http, &length);
  exchange_answer(exchange, 200, "text/html; charset=utf-8", text, length);
}

static const struct route routes[] = {
    {"/", false, answer_page},           {"/healthz", false, answer_healthz},
    {"/readyz", false, answer_readyz},   {"/metrics", false, answer_metrics},
    {"/api/status", false, api_status},  {"/api/prototypes", false, api_prototypes},
    {"/api/command", true, api_command},
};

static const struct route *route_find(const char *path) {
  for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
    if (strcmp(routes[i].path, path) == 0) {
      return &routes[i];
    }
  }
  return NULL;
}

static bool same_authority(const struct http *http, const char *authority, const char *host) {
  size_t length = strlen(authority);
  if (strcasecmp(authority, host) == 0) {
    return true;
  }
  /* A browser leaves out the port of its scheme. */
  return http->port == 80 && length > 3 && strlen(host) == length - 3 &&
         strncasecmp(authority, host, length - 3) == 0;
}

bool route_origin_allowed(const struct http *http, const char *local, const char *host,
                          const char *origin) {
  char localhost[24];
  snprintf(localhost, sizeof localhost, "localhost:%u", http->port);
  if (host[0] == '\0' ||
      (!same_authority(http, http->authority, host) && !same_authority(http, localhost, host) &&
       !same_authority(http, local, host))) {
    return false;
  }
  static const char scheme[] = "http://";
  return origin[0] == '\0' || (strncasecmp(origin, scheme, strlen(scheme)) == 0 &&
                               strcasecmp(origin + strlen(scheme), host) == 0);
}

/* The time it takes says nothing about where they differ. */
static bool token_matches(const char token[HTTP_TOKEN_BYTES], const char given[HTTP_TOKEN_BYTES]) {
  unsigned different = 0;
  for (size_t i = 0; i < HTTP_TOKEN_BYTES; i++) {
    different |= (unsigned)(token[i] ^ given[i]);
  }
  return different == 0;
}

size_t route_body_limit(const struct daemon *daemon) {
  return api_command_limit(daemon);
}

/* POST /api/command: what its head alone decides. */
static void begin_post(struct exchange *exchange, const struct route *route) {
  const struct http *http = exchange->http;
  if (!http->daemon->config->http_control) {
    exchange_fail(exchange, 403, LCAL_FORBIDDEN,
                  "commands by HTTP are off; set http.control: true to allow them");
  } else if (!token_matches(http->token, exchange->token)) {
    exchange_fail(exchange, 403, LCAL_FORBIDDEN,
                  "the header X-Labelcal-Token must hold the token of the page at / "
                  "(new at each start)");
  } else if (exchange->chunked || !exchange->has_length) {
    exchange_fail(exchange, 400, LCAL_MALFORMED, "the request needs a Content-Length");
  } else if (exchange->length > route_body_limit(http->daemon)) {
    exchange_fail(exchange, 400, LCAL_TOO_LARGE, "the request has more than %zu bytes",
                  route_body_limit(http->daemon));
  } else {
    exchange->route = route;
    exchange->stage = EXCHANGE_BODY;
  }
}

void route_begin(struct exchange *exchange) {
  const struct route *route = route_find(exchange->path);
  if (!route_origin_allowed(exchange->http, exchange->local, exchange->host, exchange->origin)) {
    exchange_fail(exchange, 403, LCAL_FORBIDDEN,
                  "Host must be %s or localhost with its port, Origin absent or the same",
                  exchange->http->authority);
  } else if (exchange->unreadable) {
    answer_text(exchange, 400, "a header is too long or Content-Length is no number");
  } else if (!route) {
    answer_text(exchange, 404, "not found");
  } else if (route->post ? exchange->method != HTTP_POST
                         : exchange->method != HTTP_GET && exchange->method != HTTP_HEAD) {
    exchange->allow = route->post ? "POST" : "GET, HEAD";
    answer_text(exchange, 405, route->post ? "POST only" : "GET and HEAD only");
  } else if (route->post) {
    begin_post(exchange, route);
  } else {
    route->answer(exchange);
  }
}

void route_body(struct exchange *exchange) {
  exchange->route->answer(exchange);
}
