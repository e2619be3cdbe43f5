#include "cli/replay_drive.h"

#include "cli/replay_daemon.h"
#include "cli/sending.h"

#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

#define ASK_MS      1000u      /* labels this late: ask whether the frame is refused */
#define PATIENCE_MS 5000u      /* labels this late are missed */
#define SLICE_MS    200u       /* between two looks at whether Ctrl-C came */
#define SILENT_MAX  3u         /* frames in a row without labels before it is given up */
#define GLANCE_NS   200000000u /* between two lines of progress */
#define MS          1000000u

/* Frames are numbered from 0; frame n of the drive is n modulo the recording's of the recording. */
typedef struct drive {
  const replay_options *options;
  replay_result *result;
  lcal_client *client;
  uint64_t length, total;  /* frames of the recording; to be sent */
  uint64_t first_seq;      /* of frame 0 */
  uint64_t number;         /* of the frame to send next */
  uint64_t answered;       /* frames below it are labelled or missed */
  uint64_t first_stamp_ns; /* of frame 0; the others follow at the recording's rate */
  uint64_t started_ns, heard_ns, glanced_ns;
  int restarted;
} drive;

lcal_status replay_name(replay_result *result, const replay_options *options, lcal_error *error) {
  uint32_t random;
  memcpy(result->stream, options->stream, strlen(options->stream) + 1);
  if (options->domain) {
    memcpy(result->domain, options->domain, strlen(options->domain) + 1);
    return LCAL_OK;
  }
  if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) {
    return lcal_error_set(error, LCAL_SYSTEM, "no random number for the name of a domain");
  }
  snprintf(result->domain, sizeof result->domain, "replay-%08" PRIx32, random);
  return LCAL_OK;
}

static int is_fresh(const drive *d) {
  return d->options->domain == NULL;
}

static uint64_t now_ns(void) {
  return clock_ns(CLOCK_MONOTONIC);
}

static lcal_status make_frame(const drive *d, uint64_t number, lcal_frame *frame,
                              lcal_error *error) {
  const replay_result *result = d->result;
  double fps = lcal_recording_meta_of(result->recording)->fps;
  *frame = (lcal_frame){.seq = d->first_seq + number,
                        .stamp_ns = d->first_stamp_ns + (uint64_t)((double)number * 1e9 / fps),
                        .adapt = 1,
                        .out_height = result->height,
                        .out_width = result->width,
                        .want = LCAL_WANT_ARGMAX | LCAL_WANT_CALIBRATED};
  memcpy(frame->stream, result->stream, sizeof frame->stream);
  memcpy(frame->domain, result->domain, sizeof frame->domain);
  return lcal_recording_frame(result->recording, number % d->length, &frame->tensor, error);
}

/* Adds labels that came, unless they are of another sender under the same name. */
static lcal_status take(drive *d, const lcal_labels *labels, lcal_error *error) {
  uint64_t number = labels->seq - d->first_seq;
  if (labels->seq < d->first_seq || number < d->answered || number >= d->number ||
      strcmp(labels->domain, d->result->domain) != 0) {
    return LCAL_OK;
  }
  d->answered = number + 1;
  d->heard_ns = now_ns();
  return replay_result_add(d->result, number % d->length, labels, error);
}

/* Takes labels until those of frame `number` have come; LCAL_TIMEOUT if they have not by then. */
static lcal_status wait_for(drive *d, uint64_t number, uint32_t patience_ms, lcal_error *error) {
  uint64_t deadline = now_ns() + (uint64_t)patience_ms * MS;
  lcal_status status = LCAL_OK;
  while (d->answered <= number && (status == LCAL_OK || status == LCAL_TIMEOUT)) {
    uint64_t now = now_ns();
    uint64_t left_ms = deadline > now ? (deadline - now) / MS : 0;
    lcal_labels labels;
    if (status == LCAL_TIMEOUT && (left_ms == 0 || interrupts() > 1)) {
      break;
    }
    lcal_client_set_timeout(d->client, left_ms < SLICE_MS ? (uint32_t)left_ms : SLICE_MS);
    status = lcal_client_receive(d->client, &labels, error);
    if (status == LCAL_OK) {
      status = take(d, &labels, error);
    }
  }
  return d->answered > number && status == LCAL_TIMEOUT ? LCAL_OK : status;
}

/* Whether the daemon refuses the newest frame. */
static lcal_status ask_refusal(drive *d, lcal_error *error) {
  lcal_frame frame;
  lcal_status status = make_frame(d, d->number - 1, &frame, error);
  lcal_client_set_timeout(d->client, PATIENCE_MS);
  return status == LCAL_OK ? replay_refusal(d->client, &frame, error) : status;
}

static lcal_status delete_domain(drive *d, lcal_error *error) {
  lcal_client_set_timeout(d->client, PATIENCE_MS);
  return replay_delete_domain(d->client, d->result->stream, d->result->bank, d->result->domain,
                              error);
}

/* A connection stands at the client a moment before it does at the daemon, which then publishes
 * past it. Whoever loses the very first labels so has taught a domain of his own, and nothing
 * else: it begins again. */
static lcal_status begin_again(drive *d, lcal_error *error) {
  d->restarted = 1;
  d->first_seq += d->number;
  d->number = 0;
  d->answered = 0;
  d->result->sent = 0;
  return delete_domain(d, error);
}

static lcal_status silent(const drive *d, lcal_error *error) {
  return lcal_error_set(error, LCAL_TIMEOUT,
                        "no labels of the last %" PRIu64 " frames came: `labelcal streams` shows "
                        "what became of those of %s, labelcald's log says why",
                        d->number - d->answered, d->result->stream);
}

/* Waits for the newest frame's labels; when they are late, asks whether it was refused. */
static lcal_status await_labels(drive *d, lcal_error *error) {
  uint64_t number = d->number - 1;
  lcal_status status = wait_for(d, number, ASK_MS, error);
  if (status != LCAL_TIMEOUT || interrupts() > 1) {
    return status;
  }
  status = ask_refusal(d, error);
  return status == LCAL_OK ? wait_for(d, number, PATIENCE_MS - ASK_MS, error) : status;
}

/* After a send in lock-step. */
static lcal_status keep_step(drive *d, lcal_error *error) {
  lcal_status status = await_labels(d, error);
  if (status != LCAL_TIMEOUT || interrupts() > 1) {
    return status == LCAL_TIMEOUT ? LCAL_OK : status;
  }
  if (d->number == 1 && is_fresh(d) && !d->restarted) {
    return begin_again(d, error);
  }
  return d->number - d->answered < SILENT_MAX ? LCAL_OK : silent(d, error);
}

/* After a send at a rate: takes what has come. */
static lcal_status take_labels(drive *d, lcal_error *error) {
  lcal_status status = wait_for(d, d->number - 1, 0, error);
  if (status != LCAL_TIMEOUT || d->number - d->answered < SILENT_MAX ||
      now_ns() - d->heard_ns < (uint64_t)PATIENCE_MS * MS) {
    return status == LCAL_TIMEOUT ? LCAL_OK : status;
  }
  status = ask_refusal(d, error);
  return status == LCAL_OK ? silent(d, error) : status;
}

/* Ends a run that went well, or was interrupted: labels that have not come by then are missed. */
static lcal_status settle(drive *d, lcal_error *error) {
  if (d->number == 0) {
    return LCAL_OK;
  }
  lcal_status status = d->options->lock_step ? LCAL_OK : await_labels(d, error);
  if (status != LCAL_OK && status != LCAL_TIMEOUT) {
    return status;
  }
  return d->result->labelled > 0 || interrupts() ? LCAL_OK : silent(d, error);
}

static void glance(drive *d) {
  uint64_t now = now_ns();
  if (!d->options->progress || d->number == 0 || now - d->glanced_ns < GLANCE_NS) {
    return;
  }
  d->glanced_ns = now;
  double fps = (double)d->number * 1e9 / (double)(now - d->started_ns);
  fprintf(stderr, "\r\033[Kframe %" PRIu64 "/%" PRIu64 "  %.1f fps  ETA %.0f s", d->number,
          d->total, fps, (double)(d->total - d->number) / fps);
}

static lcal_status send_frame(drive *d, lcal_error *error) {
  lcal_frame frame;
  lcal_status status = make_frame(d, d->number, &frame, error);
  if (status == LCAL_OK) {
    lcal_client_set_timeout(d->client, PATIENCE_MS);
    status = lcal_client_send(d->client, &frame, error);
  }
  if (status == LCAL_OK) {
    d->number++;
    d->result->sent++;
    status = d->options->lock_step ? keep_step(d, error) : take_labels(d, error);
  }
  glance(d);
  return status;
}

/* Cameras of one rate have one beat, of any process: the clock's, in which each has its phase. */
static uint64_t begin_ns(const replay_options *options) {
  uint64_t now = now_ns();
  if (!(options->rate > 0.0)) {
    return now;
  }
  uint64_t beat_ns = (uint64_t)(1e9 / options->rate);
  return (now / beat_ns + 1) * beat_ns + (uint64_t)((double)beat_ns * options->phase);
}

/* What the daemon has counted of the stream since the drive began. */
static lcal_status count_fates(drive *d, lcal_error *error) {
  uint64_t fates[REPLAY_FATES];
  lcal_client_set_timeout(d->client, PATIENCE_MS);
  lcal_status status = replay_fates(d->client, d->result->stream, fates, error);
  for (int i = 0; i < REPLAY_FATES && status == LCAL_OK; i++) {
    d->result->fates[i] = fates[i] - d->result->fates_before[i];
  }
  return status;
}

static lcal_status send_all(drive *d, lcal_error *error) {
  lcal_status status = LCAL_OK;
  d->first_stamp_ns = clock_ns(CLOCK_REALTIME);
  d->started_ns = d->heard_ns = d->glanced_ns = begin_ns(d->options);
  while (d->number < d->total && !interrupts() && status == LCAL_OK) {
    if (d->options->rate > 0.0) {
      sleep_until(d->started_ns + (uint64_t)((double)d->number * 1e9 / d->options->rate));
    }
    if (!interrupts()) {
      status = send_frame(d, error);
    }
  }
  d->result->seconds = (double)(now_ns() - d->started_ns) * 1e-9;
  status = status == LCAL_OK ? settle(d, error) : status;
  if (d->options->progress) {
    fputs("\r\033[K", stderr);
  }
  return status;
}

/* Subscribes first, then asks: once the daemon has answered, the subscription that was there
 * before the question all but surely stands on its side too (begin_again tells of the rest). */
static lcal_status prepare(drive *d, const lcal_client_options *client, lcal_error *error) {
  lcal_status status = lcal_client_create(&d->client, client, error);
  if (status == LCAL_OK) {
    status = lcal_client_subscribe(d->client, d->result->stream, error);
  }
  if (status == LCAL_OK) {
    status = replay_check_classes(d->client, lcal_recording_meta_of(d->result->recording), error);
  }
  return status == LCAL_OK
             ? replay_fates(d->client, d->result->stream, d->result->fates_before, error)
             : status;
}

/* Frames still on their way would make the domain again, so nothing may be waited for by now. */
static lcal_status clean_up(drive *d, lcal_status status, lcal_error *error) {
  lcal_status deleted = LCAL_OK;
  d->result->domain_remains = d->result->sent > 0;
  if (status == LCAL_OK) {
    status = count_fates(d, error);
  }
  if (is_fresh(d) && !d->options->keep && d->number > 0 && status != LCAL_UNREACHABLE) {
    deleted = delete_domain(d, status == LCAL_OK ? error : NULL);
    d->result->domain_remains = deleted != LCAL_OK;
  }
  return status == LCAL_OK ? deleted : status;
}

lcal_status replay_drive(replay_result *result, const replay_options *options,
                         const lcal_client_options *client, lcal_error *error) {
  drive d = {
      .options = options, .result = result, .length = lcal_recording_frames(result->recording)};
  if (__builtin_mul_overflow(d.length, (uint64_t)options->rounds, &d.total)) {
    return lcal_error_set(error, LCAL_ARGUMENT, "%" PRIu32 " rounds are too many", options->rounds);
  }
  lcal_status status = prepare(&d, client, error);
  if (status == LCAL_OK) {
    status = send_all(&d, error);
    status = clean_up(&d, status, error);
  }
  lcal_client_destroy(d.client);
  return status;
}
