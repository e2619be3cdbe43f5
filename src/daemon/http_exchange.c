/* One exchange as libwebsockets sees it: the head is read, then perhaps a body, then the answer
 * is written as the client takes it. Clients that are slow at either are closed.
 *
 * libwebsockets cannot stop reading while it writes (its flow control stops both), and a poll for
 * reading that nobody serves would spin. So reading stops while the answer is being made, and
 * while it is being sent a look a second closes a client that sends what nobody asked for. */
#include "daemon/http.h"
#include "wire/json.h"

#include <libwebsockets.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_SECONDS 20    /* for the whole request to arrive */
#define ANSWER_SECONDS  120   /* for the daemon to answer a command */
#define SEND_SECONDS    60    /* for the client to take the answer; looked at every second */
#define SEND_BYTES      16384 /* of the answer, at a time */
#define TARGET_MAX      1024  /* bytes of one part of the query */

void exchange_accept(struct http *http, int fd, const char *local) {
  struct exchange *exchange = calloc(1, sizeof *exchange);
  if (!exchange) {
    close(fd);
    return;
  }
  exchange->http = http;
  snprintf(exchange->local, sizeof exchange->local, "%s", local);
  lws_sock_file_fd_type socket = {.sockfd = fd};
  http->connections++;
  struct lws *wsi = lws_adopt_descriptor_vhost(http->vhost, LWS_ADOPT_HTTP | LWS_ADOPT_SOCKET,
                                               socket, NULL, NULL);
  if (!wsi) { /* closed the descriptor already */
    http->connections--;
    free(exchange);
    return;
  }
  exchange->wsi = wsi;
  lws_set_opaque_user_data(wsi, exchange);
  lws_set_timer_usecs(wsi, REQUEST_SECONDS * LWS_USEC_PER_SEC);
}

static void exchange_free(struct exchange *exchange) {
  exchange->http->answer_bytes -= exchange->bytes_length;
  free(exchange->body);
  free(exchange->bytes);
  free(exchange);
}

static bool exchange_served(const struct exchange *exchange) {
  return exchange->stage == EXCHANGE_ANSWERED && exchange->head_sent &&
         exchange->sent == exchange->bytes_length;
}

/* The connection has ended; an answer that is still being made finds no client. */
static void exchange_leave(struct exchange *exchange) {
  exchange->http->connections_unserved += !exchange_served(exchange);
  exchange->http->connections--;
  exchange->wsi = NULL;
  if (exchange->stage != EXCHANGE_HELD) {
    exchange_free(exchange);
  }
}

/* ---- The request. */

static void read_header(struct exchange *exchange, enum lws_token_indexes token, char *text,
                        size_t capacity) {
  if (lws_hdr_total_length(exchange->wsi, token) > 0 &&
      lws_hdr_copy(exchange->wsi, text, (int)capacity, token) < 0) {
    text[0] = '\0';
    exchange->unreadable = true;
  }
}

static void read_token(struct exchange *exchange) {
  static const char name[] = "x-labelcal-token:";
  char text[HTTP_TOKEN_BYTES + 8];
  int length = lws_hdr_custom_copy(exchange->wsi, text, sizeof text, name, (int)strlen(name));
  const char *value = length > 0 ? text + strspn(text, " \t") : "";
  snprintf(exchange->token, sizeof exchange->token, "%.*s", HTTP_TOKEN_BYTES, value);
  if (strlen(value) > HTTP_TOKEN_BYTES) {
    exchange->token[0] = '\0';
  }
}

static void read_length(struct exchange *exchange) {
  char text[24] = "";
  char *end;
  read_header(exchange, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof text);
  exchange->chunked = lws_hdr_total_length(exchange->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
  if (text[0]) {
    exchange->has_length = true;
    exchange->length = strtoull(text, &end, 10);
    if (*end || text[0] < '0' || text[0] > '9') {
      exchange->unreadable = true;
    }
  }
}

static void read_head(struct exchange *exchange, const char *path, size_t length) {
  struct lws *wsi = exchange->wsi;
  if (length >= sizeof exchange->path || memchr(path, '\0', length)) {
    exchange->path[0] = '\0'; /* no route is called so */
  } else {
    memcpy(exchange->path, path, length);
    exchange->path[length] = '\0';
  }
  exchange->method = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI)    ? HTTP_GET
                     : lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) ? HTTP_HEAD
                     : lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) ? HTTP_POST
                                                                     : HTTP_OTHER;
  read_header(exchange, WSI_TOKEN_HOST, exchange->host, sizeof exchange->host);
  read_header(exchange, WSI_TOKEN_ORIGIN, exchange->origin, sizeof exchange->origin);
  read_token(exchange);
  read_length(exchange);
}

bool exchange_query(const struct exchange *exchange, const char *name, char *value,
                    size_t capacity) {
  char part[TARGET_MAX];
  size_t length = strlen(name);
  for (int i = 0;
       lws_hdr_copy_fragment(exchange->wsi, part, sizeof part, WSI_TOKEN_HTTP_URI_ARGS, i) >= 0;
       i++) {
    if (strncmp(part, name, length) == 0 && part[length] == '=') {
      return (size_t)snprintf(value, capacity, "%s", part + length + 1) < capacity;
    }
  }
  return false;
}

/* The answer is being made. */
static void exchange_hold(struct exchange *exchange) {
  lws_rx_flow_control(exchange->wsi, 0);
  lws_set_timeout(exchange->wsi, NO_PENDING_TIMEOUT, 0);
  lws_set_timer_usecs(exchange->wsi, ANSWER_SECONDS * LWS_USEC_PER_SEC);
}

static int on_head(struct exchange *exchange, const char *path, size_t length) {
  if (exchange->stage != EXCHANGE_HEAD) {
    return -1;
  }
  read_head(exchange, path, length);
  exchange->stage = EXCHANGE_HELD;
  route_begin(exchange);
  /* A client that is still sending when the connection is closed may lose the answer. */
  exchange->discarding = exchange->stage == EXCHANGE_ANSWERED && !exchange->unreadable &&
                         exchange->length > 0 &&
                         exchange->length <= route_body_limit(exchange->http->daemon);
  if (exchange->stage == EXCHANGE_HELD) {
    exchange_hold(exchange);
  }
  return 0;
}

static int on_body(struct exchange *exchange, const char *bytes, size_t length) {
  if (exchange->stage != EXCHANGE_BODY) {
    return 0;
  }
  size_t needed = exchange->body_length + length;
  if (needed > exchange->length) {
    return -1;
  }
  if (needed > exchange->body_capacity) { /* as it comes: an announcement costs nothing */
    size_t capacity = needed < exchange->length / 2 ? 2 * needed : (size_t)exchange->length;
    char *grown = realloc(exchange->body, capacity);
    if (!grown) {
      return -1;
    }
    exchange->body = grown;
    exchange->body_capacity = capacity;
  }
  if (length) {
    memcpy(exchange->body + exchange->body_length, bytes, length);
  }
  exchange->body_length = needed;
  return 0;
}

static int on_body_complete(struct exchange *exchange) {
  if (exchange->discarding) {
    exchange->discarding = false;
    lws_callback_on_writable(exchange->wsi);
  }
  if (exchange->stage != EXCHANGE_BODY) {
    return 0;
  }
  exchange->stage = EXCHANGE_HELD;
  exchange_hold(exchange);
  route_body(exchange);
  return 0;
}

/* ---- The answer. */

void exchange_answer(struct exchange *exchange, unsigned status, const char *type, char *bytes,
                     size_t length) {
  exchange->status = bytes ? status : 503;
  exchange->type = bytes ? type : "text/plain";
  exchange->bytes = bytes;
  exchange->bytes_length = bytes ? length : 0;
  exchange->http->answer_bytes += exchange->bytes_length;
  exchange->http->answers[exchange->status / 100]++;
  exchange->stage = EXCHANGE_ANSWERED;
  if (!exchange->wsi) {
    exchange_free(exchange);
    return;
  }
  lws_rx_flow_control(exchange->wsi, 1);
  lws_set_timeout(exchange->wsi, NO_PENDING_TIMEOUT, 0);
  lws_set_timer_usecs(exchange->wsi, LWS_USEC_PER_SEC);
  lws_callback_on_writable(exchange->wsi);
}

void exchange_answer_map(struct exchange *exchange, unsigned status, lcal_bytes map) {
  char *text = NULL;
  size_t length = 0;
  (void)lcal__json_write(map, &text, &length, NULL); /* no text: memory was short */
  exchange_answer(exchange, status, "application/json", text, length);
}

void exchange_fail(struct exchange *exchange, unsigned status, lcal_status code, const char *format,
                   ...) {
  lcal_error_message message = {.error.code = code};
  uint8_t bytes[LCAL_ERROR_MESSAGE_MAX];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message.error.message, sizeof message.error.message, format, arguments);
  va_end(arguments);
  size_t length = lcal_error_write(&message, bytes, sizeof bytes);
  exchange_answer_map(exchange, status, (lcal_bytes){bytes, length});
}

static int write_head(struct exchange *exchange) {
  struct lws *wsi = exchange->wsi;
  uint8_t buffer[LWS_PRE + 2048];
  uint8_t *start = buffer + LWS_PRE, *at = start, *end = buffer + sizeof buffer;
  char policy[256];
  int length = snprintf(policy, sizeof policy,
                        "default-src 'none'; style-src 'nonce-%s'; base-uri 'none'; "
                        "form-action 'none'; frame-ancestors 'none'",
                        exchange->http->nonce);
  if (lws_add_http_header_status(wsi, exchange->status, &at, end) ||
      lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE,
                                   (const uint8_t *)exchange->type, (int)strlen(exchange->type),
                                   &at, end) ||
      lws_add_http_header_by_name(wsi, (const uint8_t *)"content-security-policy:",
                                  (const uint8_t *)policy, length, &at, end) ||
      (exchange->status == 405 &&
       lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_ALLOW, (const uint8_t *)exchange->allow,
                                    (int)strlen(exchange->allow), &at, end)) ||
      lws_add_http_header_content_length(wsi, exchange->bytes_length, &at, end) ||
      lws_finalize_write_http_header(wsi, start, &at, end)) {
    return -1;
  }
  exchange->head_sent = true;
  if (exchange->method == HTTP_HEAD) {
    exchange->sent = exchange->bytes_length;
  }
  lws_callback_on_writable(wsi);
  return 0;
}

static int on_writable(struct exchange *exchange) {
  if (exchange->stage != EXCHANGE_ANSWERED || exchange->discarding) {
    return 0;
  }
  if (!exchange->head_sent) {
    return write_head(exchange);
  }
  size_t left = exchange->bytes_length - exchange->sent;
  if (left == 0) {
    return -1; /* libwebsockets calls only when all was handed to the kernel: done */
  }
  uint8_t buffer[LWS_PRE + SEND_BYTES];
  size_t length = left < SEND_BYTES ? left : SEND_BYTES;
  memcpy(buffer + LWS_PRE, exchange->bytes + exchange->sent, length);
  if (lws_write(exchange->wsi, buffer + LWS_PRE, length,
                length == left ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < (int)length) {
    return -1;
  }
  exchange->sent += length;
  lws_callback_on_writable(exchange->wsi);
  return 0;
}

/* A deadline, or a second of sending. */
static int on_timer(struct exchange *exchange) {
  char byte;
  if (exchange->stage != EXCHANGE_ANSWERED || ++exchange->seconds > SEND_SECONDS) {
    return -1;
  }
  if (!exchange->discarding &&
      recv(lws_get_socket_fd(exchange->wsi), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) {
    return -1;
  }
  lws_set_timer_usecs(exchange->wsi, LWS_USEC_PER_SEC);
  return 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length) {
  (void)user;
  struct exchange *exchange = lws_get_opaque_user_data(wsi);
  if (!exchange) {
    return 0;
  }
  switch (reason) {
  case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: /* none is known yet: neither WebSocket nor HTTP/2 */
  case LWS_CALLBACK_RAW_ADOPT:            /* CONNECT */
  case LWS_CALLBACK_RAW_RX:
    return -1;
  case LWS_CALLBACK_TIMER:
    return on_timer(exchange);
  case LWS_CALLBACK_HTTP:
    return on_head(exchange, in, length);
  case LWS_CALLBACK_HTTP_BODY:
    return on_body(exchange, in, length);
  case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    return on_body_complete(exchange);
  case LWS_CALLBACK_HTTP_WRITEABLE:
    return on_writable(exchange);
  case LWS_CALLBACK_CLOSED_HTTP:
  case LWS_CALLBACK_WSI_DESTROY:
    lws_set_opaque_user_data(wsi, NULL);
    exchange_leave(exchange);
    return 0;
  default:
    return 0;
  }
}

const struct lws_protocols *exchange_protocols(void) {
  static const struct lws_protocols protocols[] = {
      {.name = "http", .callback = on_event},
      {.name = NULL},
  };
  return protocols;
}
