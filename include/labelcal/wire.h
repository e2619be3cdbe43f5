/* The messages of protocol.md, version 1: bytes to structs and back.
 *
 * Reading treats every byte as hostile: the structure is checked (limits of protocol.md) before
 * msgpack-c sees it, bins are never copied: views point into the message, which must outlive
 * them. Writing never allocates: ask for the size, then write into your own buffer. */
#ifndef LABELCAL_WIRE_H
#define LABELCAL_WIRE_H

#include <labelcal/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LCAL_PROTOCOL_VERSION 1u
#define LCAL_NAME_MAX         64u         /* bytes of a stream's, bank's, domain's, class's name */
#define LCAL_SCORES_MAX       (64u << 20) /* bytes of `scores` */
#define LCAL_ENVELOPE_MAX     (64u << 10) /* bytes of a message outside all bins */

typedef char lcal_name[LCAL_NAME_MAX + 1]; /* NUL-terminated; "" = absent */

/* A borrowed run of bytes. */
typedef struct lcal_bytes {
  const uint8_t *data;
  size_t length;
} lcal_bytes;

/* True for 1..64 of A-Z a-z 0-9 . _ -, the first a letter or digit. */
LCAL_API int lcal_name_valid(const char *name, size_t length);

/* True for 1..64 bytes of UTF-8 without control characters (class names, the model's name). */
LCAL_API int lcal_text_valid(const char *text, size_t length);

enum lcal_want {
  LCAL_WANT_ARGMAX = 1u << 0,
  LCAL_WANT_CONFIDENCE = 1u << 1,
  LCAL_WANT_CALIBRATED = 1u << 2,
  LCAL_WANT_SCORES = 1u << 3
};

/* protocol.md, "frame". */
typedef struct lcal_frame {
  lcal_name stream;
  uint64_t seq;
  uint64_t stamp_ns;              /* sender's clock, ns since 1970 */
  lcal_tensor tensor;             /* data = NULL when it lies in a ring */
  lcal_name domain;               /* "" = the stream's */
  int adapt;                      /* 0: label only; default 1 */
  uint32_t out_height, out_width; /* 0, 0: the tensor's size */
  uint32_t want;                  /* bits of lcal_want */
  uint64_t deadline_ns;           /* from received_ns; 0 = none */
  int has_ring;                   /* tensor.ring was readable */
  uint64_t ring_id, ring_slot, ring_generation;
  /* What could be read, also of a refused frame (an error names it; seq is followed). */
  int has_stream, has_seq;
} lcal_frame;

/* Reads a frame from a whole SP body (topic allowed, protocol.md "Sockets"). On any refusal
 * *frame still holds the stream, seq and ring that could be read. Codes: malformed to bad_tensor
 * of protocol.md, in its order, and out_shape beyond 8192 (too_large); what depends on a daemon's
 * limits, model and names is the daemon's to judge. `calibrate`: scores may be wanted. */
LCAL_API lcal_status lcal_frame_read(lcal_frame *frame, const void *body, size_t length,
                                     int calibrate, lcal_error *error);

/* Exact bytes of the message that lcal_frame_write makes of *frame: no topic, the tensor as a
 * dense bin (or the ring reference when has_ring). 0 if the frame is not valid. has_stream and
 * has_seq are not looked at. */
LCAL_API size_t lcal_frame_size(const lcal_frame *frame);
LCAL_API size_t lcal_frame_write(const lcal_frame *frame, void *buffer, size_t capacity);

/* The state of labels (method.md's table of modes, and guarded). */
typedef enum lcal_state {
  LCAL_STATE_WARMUP,
  LCAL_STATE_CALIBRATED,
  LCAL_STATE_FROZEN,
  LCAL_STATE_SHADOW,
  LCAL_STATE_BYPASS,
  LCAL_STATE_GUARDED,
  LCAL_STATE_COUNT
} lcal_state;
LCAL_API const char *lcal_state_word(lcal_state state);

/* protocol.md, "labels". Maps are shape[0] x shape[1], dtype by `classes`' label size. */
typedef struct lcal_labels {
  lcal_name stream;
  uint64_t seq, stamp_ns;
  lcal_name bank, domain, rule;
  uint32_t height, width;
  uint32_t label_bytes; /* 1 (u8) or 2 (u16) */
  lcal_bytes labels;
  lcal_bytes argmax, calibrated, confidence, scores; /* data = NULL: absent */
  lcal_state state;
  uint64_t epoch, version;
  int committed;
  char guard[16]; /* "" = none tripped */
  uint64_t pixels, changed, voids, certified, missed;
  uint64_t received_ns, started_ns, published_ns; /* daemon's CLOCK_MONOTONIC */
} lcal_labels;

/* Size and bytes of a labels message; with `topic`, the stream's name and a zero byte go in
 * front (PUB). */
LCAL_API size_t lcal_labels_size(const lcal_labels *labels, int topic);
LCAL_API size_t lcal_labels_write(const lcal_labels *labels, int topic, void *buffer,
                                  size_t capacity);
/* Reads labels (with or without topic); LCAL_MALFORMED ... LCAL_BAD_FIELD. */
LCAL_API lcal_status lcal_labels_read(lcal_labels *labels, const void *body, size_t length,
                                      lcal_error *error);

/* protocol.md, "error". Absent id "", absent stream "", has_seq 0. */
typedef struct lcal_error_message {
  lcal_error error;
  lcal_name id, stream;
  uint64_t seq;
  int has_seq;
} lcal_error_message;

/* Writes an error; 0 if it does not fit. A code that is not the protocol's (memory, a system
 * call) goes out as busy: the sender may try again. A text is cut to whole UTF-8. */
LCAL_API size_t lcal_error_write(const lcal_error_message *message, void *buffer, size_t capacity);

/* Reads an error: LCAL_MALFORMED ... LCAL_BAD_FIELD. */
LCAL_API lcal_status lcal_error_read(lcal_error_message *message, const void *body, size_t length,
                                     lcal_error *error);
#define LCAL_ERROR_MESSAGE_MAX 1024u /* bytes; no error message is longer */

/* protocol.md, "state": what every event has; its own fields are for a msgpack library. */
typedef struct lcal_event {
  char event[32]; /* "snapshot_written" ... */
  uint64_t stamp_ns;
  char message[256];
} lcal_event;

/* Reads an event (topic allowed); LCAL_MALFORMED ... LCAL_BAD_FIELD. */
LCAL_API lcal_status lcal_event_read(lcal_event *event, const void *body, size_t length,
                                     lcal_error *error);

/* What a body (topic allowed) is: its `type` field, after structure and version were checked. */
typedef enum lcal_message {
  LCAL_MESSAGE_FRAME,
  LCAL_MESSAGE_LABELS,
  LCAL_MESSAGE_ERROR,
  LCAL_MESSAGE_COMMAND,
  LCAL_MESSAGE_RESULT,
  LCAL_MESSAGE_EVENT,
  LCAL_MESSAGE_STATUS,
  LCAL_MESSAGE_ATTACH,
  LCAL_MESSAGE_ATTACHED,
  LCAL_MESSAGE_RELEASE,
  LCAL_MESSAGE_COUNT
} lcal_message;
LCAL_API lcal_status lcal_message_type(lcal_message *type, const void *body, size_t length,
                                       lcal_error *error);

#ifdef __cplusplus
}
#endif
#endif
