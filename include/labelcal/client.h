/* What a camera or planner links: connect to a running labelcald, send frames, receive labels,
 * calibrate by request and reply, and control. One client is for one thread at a time; open
 * several for several threads. Sockets are dialled when first used and redialled when lost, so a
 * call that failed with LCAL_UNREACHABLE or LCAL_TIMEOUT may simply be made again. A client does
 * not outlive a fork(): create it in the process that uses it. */
#ifndef LABELCAL_CLIENT_H
#define LABELCAL_CLIENT_H

#include <labelcal/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lcal_client lcal_client; /* opaque */

typedef enum lcal_socket {
  LCAL_SOCKET_FRAMES,
  LCAL_SOCKET_CALIBRATE,
  LCAL_SOCKET_LABELS,
  LCAL_SOCKET_STATE,
  LCAL_SOCKET_CONTROL,
  LCAL_SOCKET_COUNT
} lcal_socket;
LCAL_API const char *lcal_socket_word(lcal_socket socket); /* "frames" ... */

typedef struct lcal_client_options {
  const char *runtime_dir; /* NULL: $RUNTIME_DIRECTORY, else $XDG_RUNTIME_DIR/labelcal if a
                              socket is there, else /run/labelcal */
  const char *url[LCAL_SOCKET_COUNT]; /* NULL: ipc://RUNTIME_DIR/<socket> */
  uint32_t timeout_ms;                /* of each call below; 0: 5000 */
} lcal_client_options;

/* A client; nothing is dialled yet. `options` may be NULL: all defaults. Its strings are copied.
 * LCAL_MEMORY. */
LCAL_API lcal_status lcal_client_create(lcal_client **client, const lcal_client_options *options,
                                        lcal_error *error);

/* Closes all connections. NULL is fine. */
LCAL_API void lcal_client_destroy(lcal_client *client);

/* Another time limit for the calls that follow; 0: they wait no longer
 * than a millisecond. */
LCAL_API void lcal_client_set_timeout(lcal_client *client, uint32_t timeout_ms);

/* Sends a frame on `frames`; the tensor is copied once, into the message. Blocks while the
 * daemon cannot take it, at most timeout_ms (LCAL_TIMEOUT). LCAL_UNREACHABLE if nothing listens,
 * LCAL_ARGUMENT if the frame is not valid. */
LCAL_API lcal_status lcal_client_send(lcal_client *client, const lcal_frame *frame,
                                      lcal_error *error);

/* Subscribes `labels` to one stream (NULL: all), and waits until the connection stands. On
 * LCAL_UNREACHABLE or LCAL_TIMEOUT the subscription holds all the same: receive() goes on dialling.
 * Labels published before are not to be had. */
LCAL_API lcal_status lcal_client_subscribe(lcal_client *client, const char *stream,
                                           lcal_error *error);

/* The next labels; views are valid until the next receive() on this client. Labels that are not
 * taken wait with the daemon, which keeps but the newest few. LCAL_TIMEOUT, LCAL_UNREACHABLE. */
LCAL_API lcal_status lcal_client_receive(lcal_client *client, lcal_labels *labels,
                                         lcal_error *error);

/* Request and reply: labels of this frame to this caller alone, valid until the next calibrate().
 * A refusal's code and sentence come back as status and *error. The frame is sent once: after
 * LCAL_TIMEOUT or LCAL_UNREACHABLE it may or may not have been counted. */
LCAL_API lcal_status lcal_client_calibrate(lcal_client *client, const lcal_frame *frame,
                                           lcal_labels *labels, lcal_error *error);

/* A command with `args` (one msgpack map, or NULL); *result is its result map as msgpack bytes,
 * valid until the next control() on this client. The command carries a fresh UUID and is sent again
 * under the same id while no answer comes, so it takes effect once (protocol.md, "control"). */
LCAL_API lcal_status lcal_client_control(lcal_client *client, const char *command,
                                         const lcal_bytes *args, lcal_bytes *result,
                                         lcal_error *error);

/* The next message of `state` (topic stripped: one map), as bytes valid until the next state(). */
LCAL_API lcal_status lcal_client_state(lcal_client *client, lcal_bytes *message, lcal_error *error);

#ifdef __cplusplus
}
#endif
#endif
