/* Streams: one camera each, created when first seen; its mailbox, counters and sequence. */
#ifndef DAEMON_STREAM_H
#define DAEMON_STREAM_H

#include "daemon/bank.h"
#include "daemon/histogram.h"

/* Why a frame was dropped: the labels of labelcal_frames_dropped_total{reason}. */
enum drop_reason { DROP_DEPTH, DROP_DEADLINE, DROP_OVERLOAD, DROP_SHUTDOWN, DROP_COUNT };
extern const char *const drop_reason_words[DROP_COUNT];

/* What is measured of each frame that is labelled: the labels of
 * labelcal_frame_latency_seconds{stage}, and keys of status. */
enum latency_stage {
  STAGE_RECEIVED_STARTED,  /* it waits */
  STAGE_COMPUTE,           /* from there until its last band is done */
  STAGE_STARTED_PUBLISHED, /* that, and what comes after it */
  STAGE_TOTAL,             /* received to published */
  STAGE_COUNT
};
extern const char *const latency_stage_words[STAGE_COUNT];

/* When things happened to a frame; monotonic. */
struct frame_times {
  uint64_t received_ns, started_ns, computed_ns, published_ns;
};

#define LATENCY_SAMPLES 1024
struct latency {
  uint32_t samples[LATENCY_SAMPLES]; /* the newest totals, microseconds */
  uint32_t count, next;
  struct histogram stages[STAGE_COUNT];
  struct histogram gaps; /* between one publication and the next */
  uint64_t last_published_ns;
};

struct stream_counters {
  uint64_t received; /* frames read, refused ones too */
  uint64_t labelled;
  uint64_t committed;
  uint64_t lost; /* gaps of seq */
  uint64_t duplicates;
  uint64_t restarts; /* of the sender's seq */
  uint64_t refused;
  uint64_t dropped[DROP_COUNT];
  uint64_t pixels, voids, changed, certified; /* of published maps; certified of input pixels */
};

struct frame; /* a received frame and the message it lies in; frame.h */

struct stream {
  lcal_name name;
  const struct config_stream *config; /* its own row or `default`'s */
  bool named;                         /* has a row: never forgotten */
  struct bank *bank;
  lcal_name domain; /* set by the command `domain`, else config's */
  enum stream_mode mode;
  lcal_state last_state;  /* of its last labels */
  bool seen;              /* a frame came since start */
  bool silent;            /* stream_silent was raised */
  uint64_t last_frame_ns; /* monotonic */
  uint64_t last_gap_event_ns;
  uint64_t missed;               /* lost or dropped since its last labels */
  struct frame *oldest, *newest; /* the mailbox: at most depth wait */
  uint32_t waiting;
  uint64_t waits_since_ns; /* for its turn: since its first frame after the last one that was
                              labelled, though that may have been dropped for a newer; 0: not */
  uint8_t *mask;           /* mask_height x mask_width, or NULL */
  uint32_t mask_height, mask_width;
  struct stream_counters counters;
  struct latency latency;
};

struct stream *stream_find(struct daemon *daemon, const char *name);

/* Takes one more frame in; `published`: to all subscribers, not to one requester. */
void latency_add(struct latency *latency, const struct frame_times *times, bool published);

/* p50, p99 and max of the newest totals, microseconds; 0 before the first frame. */
void latency_summary(const struct latency *latency, uint64_t *p50, uint64_t *p99, uint64_t *max);

/* Sums of all drop reasons. */
uint64_t stream_dropped(const struct stream *stream);
#endif
