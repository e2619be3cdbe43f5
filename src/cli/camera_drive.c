#include "cli/camera_drive.h"

#include "cli/picture.h"
#include "cli/replay_daemon.h"
#include "cli/sending.h"

#include <labelcal/recording.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define KEPT        32u        /* frames whose labels may still come */
#define PATIENCE_MS 5000u      /* labels this late are missed */
#define SLICE_MS    200u       /* between two looks at whether Ctrl-C came */
#define SILENT_MAX  3u         /* frames in a row without labels before it is given up */
#define GLANCE_NS   200000000u /* between two lines of progress */
#define MS          1000000u

/* A frame on its way: what its labels will be compared with. */
typedef struct pending {
  uint64_t seq;
  int waiting;
  uint8_t truth[SCENE_PIXELS];
  uint8_t argmax[SCENE_PIXELS];
} pending;

typedef struct drive {
  const camera_options *options;
  camera_report *report;
  scene_source *source;
  lcal_client *client;     /* NULL: nothing is sent */
  lcal_recorder *recorder; /* NULL: nothing is recorded */
  uint64_t started_ns, heard_ns, glanced_ns;
  uint32_t silent;                  /* frames in a row without labels, in lock-step */
  uint8_t calibrated[SCENE_PIXELS]; /* of the newest labelled frame, for the picture */
  pending kept[KEPT];
} drive;

static uint64_t now_ns(void) {
  return clock_ns(CLOCK_MONOTONIC);
}

static lcal_status open_recorder(drive *d, lcal_error *error) {
  const scene_options *scene = &d->options->scene;
  lcal_recording_meta meta = {.class_count = SCENE_CLASSES,
                              .classes = scene_class_names,
                              .kind = LCAL_PROBABILITIES,
                              .type = scene->type,
                              .layout = scene->layout,
                              .fps = d->options->rate > 0.0 ? d->options->rate : SCENE_FPS,
                              .model = "labelcal camera",
                              .source = "embedded street scene",
                              .ignore_label = 255};
  return lcal_recorder_create(&d->recorder, d->options->record, &meta, SCENE_HEIGHT, SCENE_WIDTH,
                              SCENE_HEIGHT, SCENE_WIDTH, error);
}

static lcal_status prepare(drive *d, const lcal_client_options *client, lcal_error *error) {
  lcal_status status = camera_score_create(&d->report->score, &d->options->scene.drift, error);
  if (status == LCAL_OK) {
    status = scene_source_create(&d->source, &d->options->scene, error);
  }
  if (status == LCAL_OK && d->options->send) {
    status = lcal_client_create(&d->client, client, error);
  }
  if (status == LCAL_OK && d->options->send) {
    status = lcal_client_subscribe(d->client, d->options->stream, error);
  }
  if (status == LCAL_OK && d->options->record) {
    status = open_recorder(d, error);
  }
  return status;
}

/* ---- labels */

/* Scores labels that came, unless they are of another sender under the same name. In shadow the
 * calibrated map lies beside the argmax that was published. */
static void take(drive *d, const lcal_labels *labels) {
  pending *kept = &d->kept[labels->seq % KEPT];
  const lcal_bytes *map = labels->calibrated.data ? &labels->calibrated : &labels->labels;
  if (!kept->waiting || kept->seq != labels->seq || map->length != SCENE_PIXELS) {
    return;
  }
  kept->waiting = 0;
  d->heard_ns = now_ns();
  d->report->labelled++;
  d->report->plain += labels->state == LCAL_STATE_WARMUP || labels->state == LCAL_STATE_BYPASS ||
                      labels->state == LCAL_STATE_GUARDED;
  d->report->pixels += labels->pixels;
  d->report->changed += labels->changed;
  camera_score_add(d->report->score, (uint32_t)labels->seq, kept->truth, kept->argmax, map->data);
  memcpy(d->calibrated, map->data, SCENE_PIXELS);
}

/* Takes labels until those of frame `number` have come; LCAL_TIMEOUT if they have not by then. */
static lcal_status wait_for(drive *d, uint32_t number, uint32_t patience_ms, lcal_error *error) {
  uint64_t deadline = now_ns() + (uint64_t)patience_ms * MS;
  const pending *kept = &d->kept[number % KEPT];
  while (kept->waiting) {
    uint64_t now = now_ns();
    uint64_t left_ms = deadline > now ? (deadline - now) / MS : 0;
    lcal_labels labels;
    lcal_client_set_timeout(d->client, left_ms < SLICE_MS ? (uint32_t)left_ms : SLICE_MS);
    lcal_status status = lcal_client_receive(d->client, &labels, error);
    if (status == LCAL_OK) {
      take(d, &labels);
    } else if (status != LCAL_TIMEOUT || left_ms == 0 || interrupts() > 1) {
      return status;
    }
  }
  return LCAL_OK;
}

/* No labels of `frame` came in time. That it was refused is an error, that it was lost is not,
 * until there are too many. */
static lcal_status missed(drive *d, const lcal_frame *frame, int too_many, lcal_error *error) {
  lcal_client_set_timeout(d->client, PATIENCE_MS);
  lcal_status status = replay_refusal(d->client, frame, error);
  if (status != LCAL_OK || !too_many) {
    return status;
  }
  return lcal_error_set(error, LCAL_TIMEOUT,
                        "no labels of %s come: `labelcal streams` shows what becomes of its "
                        "frames, labelcald's log says why",
                        d->options->stream);
}

/* In lock-step waits for the labels of the frame just sent, else takes what has come. */
static lcal_status collect(drive *d, const lcal_frame *frame, lcal_error *error) {
  uint32_t number = (uint32_t)frame->seq;
  lcal_status status = wait_for(d, number, d->options->lock_step ? PATIENCE_MS : 0, error);
  if (status != LCAL_TIMEOUT) {
    d->silent = 0;
    return status;
  }
  if (interrupts() > 1) {
    return LCAL_OK;
  }
  if (d->options->lock_step) {
    d->silent++;
    return missed(d, frame, d->silent >= SILENT_MAX, error);
  }
  if (now_ns() - d->heard_ns < (uint64_t)PATIENCE_MS * MS) {
    return LCAL_OK;
  }
  return missed(d, frame, 1, error);
}

/* ---- frames */

static lcal_status send(drive *d, const scene_shot *shot, uint32_t number, lcal_error *error) {
  lcal_frame frame = {.seq = number,
                      .stamp_ns = clock_ns(CLOCK_REALTIME),
                      .tensor = shot->tensor,
                      .adapt = 1,
                      .want = LCAL_WANT_CALIBRATED};
  memcpy(frame.stream, d->options->stream, strlen(d->options->stream) + 1);
  memcpy(frame.domain, d->options->domain, strlen(d->options->domain) + 1);
  pending *kept = &d->kept[number % KEPT];
  kept->seq = number;
  kept->waiting = 1;
  memcpy(kept->truth, shot->truth, SCENE_PIXELS);
  memcpy(kept->argmax, shot->argmax, SCENE_PIXELS);
  lcal_client_set_timeout(d->client, PATIENCE_MS);
  if (d->report->sent == d->report->labelled) { /* silence begins with the first unanswered frame */
    d->heard_ns = now_ns();
  }
  lcal_status status = lcal_client_send(d->client, &frame, error);
  if (status != LCAL_OK) {
    return status;
  }
  d->report->sent++;
  return collect(d, &frame, error);
}

static void glance(drive *d) {
  uint64_t now = now_ns();
  if (!d->options->progress || now - d->glanced_ns < GLANCE_NS) {
    return;
  }
  char line[80];
  char total[16] = "";
  d->glanced_ns = now;
  camera_score_glance(d->report->score, line, sizeof line);
  if (d->options->frames > 0) {
    snprintf(total, sizeof total, "/%" PRIu32, d->options->frames);
  }
  fprintf(stderr, "\r\033[Kframe %" PRIu32 "%s  %.1f fps  %s", d->report->frames, total,
          (double)d->report->frames * 1e9 / (double)(now - d->started_ns), line);
}

static lcal_status one_frame(drive *d, uint32_t number, lcal_error *error) {
  const scene_shot *shot = scene_source_shoot(d->source, number);
  lcal_status status = LCAL_OK;
  d->report->frames++;
  if (d->recorder) {
    status = lcal_recorder_append(d->recorder, &shot->tensor, shot->truth, error);
  }
  if (status == LCAL_OK && d->client) {
    status = send(d, shot, number, error);
  } else if (status == LCAL_OK) {
    camera_score_add(d->report->score, number, shot->truth, shot->argmax, NULL);
  }
  glance(d);
  return status;
}

/* The newest frame; with its calibrated map only if its labels came. */
static lcal_status show(const drive *d, uint32_t number, lcal_error *error) {
  const scene_shot *shot = scene_source_shoot(d->source, number);
  const pending *kept = &d->kept[number % KEPT];
  int is_labelled = d->client && d->report->labelled > 0 && !kept->waiting;
  return picture_write(d->options->picture, shot->picture, shot->truth, shot->argmax,
                       is_labelled ? d->calibrated : NULL, error);
}

static lcal_status take_frames(drive *d, lcal_error *error) {
  lcal_status status = LCAL_OK;
  uint32_t limit = d->options->frames > 0 ? d->options->frames : UINT32_MAX;
  d->started_ns = d->heard_ns = d->glanced_ns = now_ns();
  for (uint32_t number = 0; number < limit && !interrupts() && status == LCAL_OK; number++) {
    if (d->options->rate > 0.0) {
      sleep_until(d->started_ns + (uint64_t)((double)number * 1e9 / d->options->rate));
    }
    if (!interrupts()) {
      status = one_frame(d, number, error);
    }
  }
  d->report->seconds = (double)(now_ns() - d->started_ns) * 1e-9;
  return status;
}

/* The last labels: what has not come by then is missed, and the report says so. */
static lcal_status finish(drive *d, lcal_error *error) {
  lcal_status status = LCAL_OK;
  if (d->report->frames == 0) {
    return LCAL_OK;
  }
  uint32_t last = d->report->frames - 1u;
  if (d->report->sent > 0) {
    status = wait_for(d, last, PATIENCE_MS, error);
    status = status == LCAL_TIMEOUT ? LCAL_OK : status;
  }
  if (status == LCAL_OK && d->options->picture) {
    status = show(d, last, error);
  }
  return status;
}

lcal_status camera_drive(camera_report *report, const camera_options *options,
                         const lcal_client_options *client, lcal_error *error) {
  drive *d = calloc(1, sizeof *d);
  *report = (camera_report){0};
  if (!d) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory left for the camera");
  }
  d->options = options;
  d->report = report;
  lcal_status status = prepare(d, client, error);
  if (status == LCAL_OK) {
    status = take_frames(d, error);
  }
  if (status == LCAL_OK) {
    status = finish(d, error);
  }
  if (options->progress && d->glanced_ns > d->started_ns) {
    fputs("\r\033[K", stderr);
  }
  if (d->recorder) {
    lcal_status finished = lcal_recorder_finish(d->recorder, status == LCAL_OK ? error : NULL);
    status = status == LCAL_OK ? finished : status;
  }
  lcal_client_destroy(d->client);
  scene_source_destroy(d->source);
  free(d);
  return status;
}
