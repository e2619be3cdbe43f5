#include "daemon/job.h"

#include "daemon/daemon.h"
#include "daemon/generation.h"

#include <stdlib.h>

lcal_status job_create(struct job **job, struct bank *bank, lcal_error *error) {
  struct job *made = calloc(1, sizeof *made);
  if (made == NULL) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for the bank %s", bank->config->name);
  }
  made->item.kind = INBOX_JOB;
  made->bank = bank;
  *job = made;
  return LCAL_OK;
}

void job_destroy(struct job *job) {
  if (job == NULL) {
    return;
  }
  frame_destroy(job->frame);
  for (size_t i = 0; i < MAP_COUNT; i++) {
    free(job->maps[i].data);
  }
  free(job->bytes);
  free(job);
}

bool job_has_bands(const struct job *job) {
  const uint64_t cursor = atomic_load(&job->cursor);
  return (uint32_t)cursor < (uint32_t)(cursor >> 32);
}

bool job_take_band(struct job *job, uint32_t *band) {
  if (!job_has_bands(job)) {
    return false;
  }
  const uint64_t cursor = atomic_fetch_add(&job->cursor, 1);
  *band = (uint32_t)cursor;
  return *band < (uint32_t)(cursor >> 32);
}

struct job *job_first(struct job *const *jobs, size_t count) {
  struct job *first = NULL;
  for (size_t i = 0; i < count; i++) {
    struct job *job = jobs[i];
    if (job != NULL && (first == NULL || job->due_ns < first->due_ns) && job_has_bands(job)) {
      first = job;
    }
  }
  return first;
}

/* Room for a frame larger than any before: the only allocation of a worker. */
static lcal_status size_map(struct job_map *map, size_t pixels, size_t size, lcal_error *error) {
  size_t bytes;
  if (__builtin_mul_overflow(pixels, size, &bytes)) {
    return lcal_error_set(error, LCAL_TOO_LARGE, "a map of %zu pixels is too large", pixels);
  }
  if (bytes <= map->capacity) {
    return LCAL_OK;
  }
  free(map->data);
  map->capacity = 0;
  map->data = malloc(bytes);
  if (map->data == NULL) {
    return lcal_error_set(error, LCAL_BUSY,
                          "no memory for a map of %zu pixels: send it again, or smaller", pixels);
  }
  map->capacity = bytes;
  return LCAL_OK;
}

static void *map_of(const struct job *job, enum job_map_name name) {
  return job->maps[name].wanted ? job->maps[name].data : NULL;
}

/* Which maps this frame needs: what is published, and the argmax in case a guard wants it. */
static lcal_status size_maps(struct job *job) {
  const lcal_frame *header = &job->frame->header;
  const lcal_tensor *tensor = &header->tensor;
  const size_t height = header->out_height != 0 ? header->out_height : tensor->height;
  const size_t width = header->out_width != 0 ? header->out_width : tensor->width;
  const size_t label = lcal_label_size(tensor->classes);
  const size_t sizes[MAP_COUNT] = {
      [MAP_CALIBRATED] = label,
      [MAP_ARGMAX] = label,
      [MAP_CONFIDENCE] = 1,
      [MAP_SCORES] = tensor->classes * sizeof(float),
  };
  const bool guarded = job->guards.max_changed == job->guards.max_changed; /* not NaN: on */
  job->maps[MAP_CALIBRATED].wanted = job->applied;
  job->maps[MAP_ARGMAX].wanted =
      !job->applied || guarded || job->mode == MODE_SHADOW || (job->want & LCAL_WANT_ARGMAX) != 0;
  job->maps[MAP_CONFIDENCE].wanted = (job->want & LCAL_WANT_CONFIDENCE) != 0;
  job->maps[MAP_SCORES].wanted = (job->want & LCAL_WANT_SCORES) != 0;
  for (size_t i = 0; i < MAP_COUNT; i++) {
    /* Those of labels from the first frame on: later ones want the other (warm-up, modes). */
    if (!job->maps[i].wanted && i != MAP_CALIBRATED && i != MAP_ARGMAX) {
      continue;
    }
    const lcal_status status = size_map(&job->maps[i], height * width, sizes[i], &job->error);
    if (status != LCAL_OK) {
      return status;
    }
  }
  return LCAL_OK;
}

static void begin_pass(struct job *job, enum job_phase phase) {
  lcal_domain *domain = job->domain->state;
  const lcal_frame *header = &job->frame->header;
  job->phase = phase;
  job->stage = 0;
  job->pass = (lcal_pass){
      .tensor = &header->tensor,
      .sum_tolerance = job->adaptation.sum_tolerance,
      .certify = 1,
      .mask = job->mask,
  };
  lcal_pass *pass = &job->pass;
  if (phase == JOB_STATISTICS) {
    pass->want_statistics = 1;
  } else {
    const lcal_coefficients *coefficients =
        job->prepared ? lcal_domain_prepared(domain) : lcal_domain_coefficients(domain);
    job->version = job->prepared ? lcal_domain_version(domain) + 1 : lcal_domain_version(domain);
    pass->coefficients = job->applied ? coefficients : NULL;
    pass->want_statistics = job->may_commit && job->adaptation.order == LCAL_PREDICT_FIRST;
    pass->out_height = header->out_height;
    pass->out_width = header->out_width;
    pass->calibrated = map_of(job, MAP_CALIBRATED);
    pass->argmax = map_of(job, MAP_ARGMAX);
    pass->confidence = map_of(job, MAP_CONFIDENCE);
    pass->scores = map_of(job, MAP_SCORES);
  }
  lcal_calibrator_begin(job->bank->calibrator, pass, &job->error);
}

/* Judges what a pass gave and, where nothing forbids it, prepares the commit. */
static void judge_and_prepare(struct job *job, const lcal_result *result) {
  job->result = *result;
  job->tripped = lcal_guards_judge(&job->guards, result, job->mask_mismatch);
  if (job->pass.want_statistics && !lcal_guards_forbid_commit(job->tripped)) {
    lcal_domain_prepare(job->domain->state, &job->adaptation, result->statistics,
                        job->frame->header.stamp_ns);
    job->prepared = true;
  }
}

static void rebuild_if_stale(struct job *job) {
  if (job->stale) {
    lcal_domain_rebuild(job->domain->state, &job->adaptation);
  }
}

static void begin_frame(struct job *job) {
  job->started_ns = monotonic_ns();
  if (frame_expired(job->frame, job->started_ns)) { /* other banks' frames were due before it */
    lcal_error_set(&job->error, LCAL_DEADLINE, "deadline_ns: the frame was not started in time");
    return;
  }
  rebuild_if_stale(job);
  const lcal_statistics *learnt = lcal_domain_statistics(job->domain->state);
  job->applied = job->mode != MODE_BYPASS && learnt->frames >= job->adaptation.warmup_frames;
  if (size_maps(job) != LCAL_OK) {
    return;
  }
  const bool counts_first = job->may_commit && job->adaptation.order == LCAL_UPDATE_FIRST;
  begin_pass(job, counts_first ? JOB_STATISTICS : JOB_LABELS);
}

/* The step after a pass of the frame in hand; true: another pass has begun. */
static bool end_pass(struct job *job) {
  const lcal_result *result = lcal_calibrator_end(job->bank->calibrator);
  const enum job_phase ended = job->phase;
  if (ended == JOB_STATISTICS || job->adaptation.order == LCAL_PREDICT_FIRST) {
    judge_and_prepare(job, result);
  } else {
    job->result = *result;
    job->tripped = lcal_guards_judge(&job->guards, result, job->mask_mismatch);
  }
  if (ended == JOB_LABELS) {
    return false;
  }
  begin_pass(job, JOB_LABELS);
  return true;
}

static uint32_t advance_frame(struct job *job) {
  lcal_calibrator *calibrator = job->bank->calibrator;
  if (job->phase == JOB_BEGIN) {
    begin_frame(job);
  } else if (job->stage + 1 < lcal_calibrator_stages(calibrator)) {
    job->stage++;
  } else if (!end_pass(job)) {
    job->computed_ns = monotonic_ns();
    return 0;
  }
  return job->error.code == LCAL_OK ? lcal_calibrator_bands(calibrator, job->stage) : 0;
}

void job_band(struct job *job, uint32_t band, uint32_t thread) {
  if (job->kind == JOB_FRAME && job->phase != JOB_BEGIN) {
    lcal_calibrator_band(job->bank->calibrator, job->stage, band, thread);
  }
}

uint32_t job_advance(struct job *job) {
  switch (job->kind) {
  case JOB_FRAME:
    return advance_frame(job);
  case JOB_REBUILD:
    rebuild_if_stale(job);
    return 0;
  default:
    generation_encode(job);
    return 0;
  }
}
