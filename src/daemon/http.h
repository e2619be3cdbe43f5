/* HTTP, inside: an exchange is one request and its answer, one to a connection (every answer says
 * Connection: close), so no byte of a request can be taken for the next one.
 *
 * http.c listens, http_exchange.c speaks libwebsockets, http_routes.c decides and answers;
 * only the first two see libwebsockets. All of it runs on the loop. */
#ifndef DAEMON_HTTP_H
#define DAEMON_HTTP_H

#include "daemon/daemon.h"

struct lws;
struct lws_context;
struct lws_vhost;
struct acceptor;
struct route;

#define HTTP_ANSWER_BYTES (64u << 20) /* no large answer is begun while so many are being sent */
#define HTTP_TOKEN_BYTES  32 /* hexadecimal digits of the token and of the nonce: 128 bits */

struct http {
  struct daemon *daemon;
  struct lws_context *context;
  struct lws_vhost *vhost;
  struct acceptor *listener; /* or NULL */
  bool stopped;
  char authority[288]; /* "HOST:PORT" as configured */
  unsigned port;
  char token[HTTP_TOKEN_BYTES + 1]; /* what X-Labelcal-Token must say */
  char nonce[HTTP_TOKEN_BYTES + 1]; /* of the page's style, in the content security policy */
  unsigned connections;
  size_t answer_bytes; /* of answers not sent yet */
  uint64_t connections_refused;
  uint64_t connections_unserved; /* ended before their answer was sent whole */
  uint64_t answers[6];           /* by the first digit of their status */
};

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_OTHER };

enum exchange_stage {
  EXCHANGE_HEAD,    /* the request has not come yet */
  EXCHANGE_BODY,    /* its body is coming */
  EXCHANGE_HELD,    /* the answer is being made */
  EXCHANGE_ANSWERED /* it is being sent */
};

struct exchange {
  struct http *http;
  struct lws *wsi; /* NULL once the client has gone */
  enum exchange_stage stage;
  /* The request. Texts that did not fit are empty and marked so by `unreadable`. */
  enum http_method method;
  char path[64];
  char host[288], origin[296], token[HTTP_TOKEN_BYTES + 1];
  char local[64]; /* "ADDRESS:PORT" this connection came to */
  bool unreadable, has_length, chunked;
  uint64_t length; /* of the body, as announced */
  const struct route *route;
  char *body; /* what came of it */
  size_t body_length, body_capacity;
  bool discarding; /* the answer waits until the body, which nobody wants, has come */
  /* The answer. */
  unsigned status;
  const char *type;  /* static */
  const char *allow; /* static: with 405 */
  char *bytes;       /* owned */
  size_t bytes_length, sent;
  unsigned seconds; /* of sending */
  bool head_sent;
};

/* http_exchange.c: libwebsockets' table with the callback of every connection. */
struct lws_protocols;
const struct lws_protocols *exchange_protocols(void);

/* A connection that was accepted; freed by itself when it has ended. Closes `fd` on failure. */
void exchange_accept(struct http *http, int fd, const char *local);

/* The value of ?name=value in the request's query, into value[capacity]. False if it is absent
 * or does not fit. Only while the route is called. */
bool exchange_query(const struct exchange *exchange, const char *name, char *value,
                    size_t capacity);

/* Answers, once; takes the heap block `bytes` (NULL: memory was short, which is 503). The client
 * may have gone. */
void exchange_answer(struct exchange *exchange, unsigned status, const char *type, char *bytes,
                     size_t length);

/* Answers with one encoded map as JSON; the map stays the caller's. */
void exchange_answer_map(struct exchange *exchange, unsigned status, lcal_bytes map);

/* Answers with one sentence as an error map of protocol.md, in JSON. */
void exchange_fail(struct exchange *exchange, unsigned status, lcal_status code, const char *format,
                   ...) __attribute__((format(printf, 4, 5)));

/* http_routes.c. A request's head came: refuses it, answers it, or says that the body is
 * wanted; then the body came. */
void route_begin(struct exchange *exchange);
void route_body(struct exchange *exchange);

/* At most this many bytes of a request's body. */
size_t route_body_limit(const struct daemon *daemon);

/* True if a request with this Host and Origin ("" = absent) may be answered. */
bool route_origin_allowed(const struct http *http, const char *local, const char *host,
                          const char *origin);

/* http_page.c: the status as one HTML page, a heap block. NULL: memory is short. */
char *page_render(const struct http *http, size_t *length);
#endif
