/* Streams: one camera each, created when first seen; its mailbox, counters and sequence. */
#ifndef DAEMON_STREAM_H
#define DAEMON_STREAM_H

#include "daemon/bank.h"

/* Why a frame was dropped: the labels of labelcal_frames_dropped_total{reason}. */
enum drop_reason { DROP_DEPTH, DROP_DEADLINE, DROP_OVERLOAD, DROP_SHUTDOWN, DROP_COUNT };
extern const char *const drop_reason_words[DROP_COUNT];

/* Latencies (received to published): the newest samples for p50, p99 and max, and a histogram
 * since the start for /metrics. Bucket i counts those <= latency_bounds_us[i] and above the bound
 * before it; the last bucket has no bound. */
#define LATENCY_SAMPLES 1024
#define LATENCY_BOUNDS  12
extern const uint32_t latency_bounds_us[LATENCY_BOUNDS];
struct latency {
  uint32_t samples[LATENCY_SAMPLES]; /* microseconds */
  uint32_t count, next;
  uint64_t buckets[LATENCY_BOUNDS + 1];
  uint64_t sum_us; /* of all since the start */
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

/* Takes one more frame in. */
void latency_add(struct latency *latency, uint64_t nanoseconds);

/* p50, p99 and max of the newest samples, microseconds; 0 before the first frame. */
void latency_summary(const struct latency *latency, uint64_t *p50, uint64_t *p99, uint64_t *max);

/* Sums of all drop reasons. */
uint64_t stream_dropped(const struct stream *stream);
#endif
