/* A replay's result on stdout. */
#include "cli/replay_result.h"
#include "cli/sending.h"
#include "cli/table.h"
#include "cli/units.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static double share(uint64_t part, uint64_t all) {
  return all > 0 ? 100.0 * (double)part / (double)all : (double)NAN;
}

static double fps(const replay_result *result) {
  return result->seconds > 0.0 ? (double)result->sent / result->seconds : 0.0;
}

/* Whether class k is one that the scores are about. */
static int is_scored(const replay_result *result, uint32_t k) {
  const lcal_recording_meta *meta = lcal_recording_meta_of(result->recording);
  for (uint32_t i = 0; i < meta->evaluate_count; i++) {
    if (meta->evaluate[i] == k) {
      return 1;
    }
  }
  return meta->evaluate_count == 0 && (!isnan(lcal_score_iou(result->score[ARGMAX], k)) ||
                                       !isnan(lcal_score_iou(result->score[CALIBRATED], k)));
}

/* ---- for people */

static void percent_cell(struct table *table, double value) {
  if (isnan(value)) {
    table_cell(table, "-");
  } else {
    table_cell(table, "%.2f", value);
  }
}

static void row(struct table *table, const char *name, double argmax, double calibrated) {
  table_cell(table, "%s", name);
  percent_cell(table, argmax);
  percent_cell(table, calibrated);
  if (isnan(argmax) || isnan(calibrated)) {
    table_cell(table, "-");
  } else {
    table_cell(table, "%+.2f", calibrated - argmax);
  }
}

static void print_scores(const replay_result *result, FILE *out) {
  static const struct column columns[] = {
      {"percent", 0}, {"argmax", 1}, {"calibrated", 1}, {"gain", 1}};
  const lcal_recording_meta *meta = lcal_recording_meta_of(result->recording);
  lcal_score *const *score = result->score;
  struct table table;
  table_begin(&table, columns, sizeof columns / sizeof *columns);
  row(&table, "mIoU", lcal_score_miou(score[ARGMAX]), lcal_score_miou(score[CALIBRATED]));
  row(&table, "pixel accuracy", lcal_score_accuracy(score[ARGMAX]),
      lcal_score_accuracy(score[CALIBRATED]));
  for (uint32_t k = 0; k < meta->class_count; k++) {
    if (is_scored(result, k)) {
      row(&table, meta->classes[k], lcal_score_iou(score[ARGMAX], k),
          lcal_score_iou(score[CALIBRATED], k));
    }
  }
  table_print(&table, out);
}

/* What else a reader of the scores must know: frames whose labels were not the calibrated ones. */
static void print_states(const replay_result *result, FILE *out) {
  for (int i = 0; i < LCAL_STATE_COUNT; i++) {
    if (i != LCAL_STATE_CALIBRATED && result->states[i] > 0) {
      fprintf(out, "  state %s: %" PRIu64 " of %" PRIu64 " frames\n",
              lcal_state_word((lcal_state)i), result->states[i], result->labelled);
    }
  }
  for (unsigned i = 0; i < GUARDS_MAX && result->guards[i].name[0] != '\0'; i++) {
    fprintf(out, "  guard %s tripped: %" PRIu64 " of %" PRIu64 " frames\n", result->guards[i].name,
            result->guards[i].frames, result->labelled);
  }
}

/* Why frames were missed, as far as the daemon knows. */
static void print_fates(const replay_result *result, FILE *out) {
  const char *before = "  of those missed, labelcald counts";
  for (int i = 0; i < REPLAY_FATES; i++) {
    if (result->fates[i] > 0) {
      fprintf(out, "%s %" PRIu64 " %s", before, result->fates[i], replay_fate_words[i]);
      before = ",";
    }
  }
  if (before[0] == ',') {
    fputc('\n', out);
  }
}

void replay_result_print(replay_result *result, FILE *out) {
  fprintf(out,
          "%" PRIu64 " frames sent in %.1f s (%.1f a second): %" PRIu64 " labelled, %" PRIu64
          " missed\n",
          result->sent, result->seconds, fps(result), result->labelled,
          result->sent - result->labelled);
  print_fates(result, out);
  if (result->labelled > 0) {
    unit_text p50, p99, max;
    fprintf(out, "  latency: p50 %s ms, p99 %s ms, max %s ms\n",
            ms_text(p50, percentile(result->latency_us, result->labelled, 50)),
            ms_text(p99, percentile(result->latency_us, result->labelled, 99)),
            ms_text(max, percentile(result->latency_us, result->labelled, 100)));
    fprintf(out, "  rule %s relabelled %.3f %% of pixels; %.3f %% were void\n", result->rule,
            share(result->changed, result->pixels), share(result->voids, result->pixels));
    print_states(result, out);
  }
  if (result->domain_remains) {
    fprintf(out, "  its statistics are in domain %s of bank %s\n", result->domain,
            result->bank[0] ? result->bank : "(unknown)");
  }
  if (result->labelled > 0 && result->score[ARGMAX]) {
    fputc('\n', out);
    print_scores(result, out);
  } else if (!result->score[ARGMAX]) {
    fputs("  no labels.npy in the recording: nothing to score\n", out);
  }
}

static void camera_row(struct table *table, replay_result *result, const char *name) {
  unit_text p50, p99, max;
  const lcal_score *score = result->score[CALIBRATED];
  table_cell(table, "%s", name);
  table_cell(table, "%" PRIu64, result->sent);
  table_cell(table, "%" PRIu64, result->labelled);
  for (int i = 0; i < REPLAY_FATES; i++) {
    table_cell(table, "%" PRIu64, result->fates[i]);
  }
  table_cell(table, "%.1f", fps(result));
  if (result->labelled > 0) {
    table_cell(table, "%s/%s/%s",
               ms_text(p50, percentile(result->latency_us, result->labelled, 50)),
               ms_text(p99, percentile(result->latency_us, result->labelled, 99)),
               ms_text(max, percentile(result->latency_us, result->labelled, 100)));
  } else {
    table_cell(table, "-");
  }
  percent_cell(table, score && result->labelled > 0 ? lcal_score_miou(score) : (double)NAN);
}

void replay_sum_print(replay_result *const *results, size_t streams, replay_result *sum,
                      FILE *out) {
  static const struct column columns[] = {
      {"stream", 0}, {"sent", 1},     {"labelled", 1},       {"dropped", 1}, {"refused", 1},
      {"lost", 1},   {"a second", 1}, {"p50/p99/max ms", 1}, {"mIoU %", 1},
  };
  struct table table;
  table_begin(&table, columns, sizeof columns / sizeof *columns);
  for (size_t i = 0; i < streams; i++) {
    camera_row(&table, results[i], results[i]->stream);
  }
  camera_row(&table, sum, "all");
  table_print(&table, out);
  for (size_t i = 0; i < streams; i++) {
    if (results[i]->domain_remains) {
      fprintf(out, "  the statistics of %s are in domain %s of bank %s\n", results[i]->stream,
              results[i]->domain, results[i]->bank[0] ? results[i]->bank : "(unknown)");
    }
  }
}

/* ---- for programs */

static json_t *number(double value) {
  return isnan(value) ? json_null() : json_real(value);
}

static json_t *count(uint64_t value) {
  return json_integer((json_int_t)value);
}

static json_t *score_json(const replay_result *result, const lcal_score *score) {
  const lcal_recording_meta *meta = lcal_recording_meta_of(result->recording);
  json_t *iou = json_object();
  for (uint32_t k = 0; k < meta->class_count; k++) {
    if (is_scored(result, k)) {
      json_object_set_new(iou, meta->classes[k], number(lcal_score_iou(score, k)));
    }
  }
  return json_pack("{s:o,s:o,s:o}", "miou", number(lcal_score_miou(score)), "accuracy",
                   number(lcal_score_accuracy(score)), "iou", iou);
}

static json_t *latency_json(replay_result *result) {
  static const struct {
    const char *key;
    unsigned percent;
  } shown[] = {{"p50", 50}, {"p99", 99}, {"max", 100}};
  json_t *latency = json_object();
  for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
    json_object_set_new(
        latency, shown[i].key,
        result->labelled == 0
            ? json_null()
            : count(percentile(result->latency_us, result->labelled, shown[i].percent)));
  }
  return latency;
}

static json_t *states_json(const replay_result *result) {
  json_t *states = json_object();
  for (int i = 0; i < LCAL_STATE_COUNT; i++) {
    if (result->states[i] > 0) {
      json_object_set_new(states, lcal_state_word((lcal_state)i), count(result->states[i]));
    }
  }
  return states;
}

static json_t *guards_json(const replay_result *result) {
  json_t *guards = json_object();
  for (unsigned i = 0; i < GUARDS_MAX && result->guards[i].name[0] != '\0'; i++) {
    json_object_set_new(guards, result->guards[i].name, count(result->guards[i].frames));
  }
  return guards;
}

static int set_counts(json_t *object, const replay_result *result) {
  int failed = json_object_set_new(object, "frames", count(result->sent));
  failed |= json_object_set_new(object, "labelled", count(result->labelled));
  failed |= json_object_set_new(object, "missed", count(result->sent - result->labelled));
  for (int i = 0; i < REPLAY_FATES; i++) {
    failed |= json_object_set_new(object, replay_fate_words[i], count(result->fates[i]));
  }
  return failed;
}

static int set_times(json_t *object, replay_result *result) {
  int failed = json_object_set_new(object, "latency_us", latency_json(result));
  failed |= json_object_set_new(object, "seconds", json_real(result->seconds));
  failed |= json_object_set_new(object, "fps", json_real(fps(result)));
  return failed;
}

/* Prints the object on a line of its own, and frees it. */
static lcal_status put_line(json_t *object, int failed, FILE *out, lcal_error *error) {
  failed |= json_dumpf(object, out, JSON_COMPACT | JSON_REAL_PRECISION(9));
  fputc('\n', out);
  json_decref(object);
  return failed ? lcal_error_set(error, LCAL_MEMORY, "no memory for the result, or no place for it")
                : LCAL_OK;
}

lcal_status replay_result_print_json(replay_result *result, FILE *out, lcal_error *error) {
  json_t *object = json_object();
  int failed = set_counts(object, result);
  for (int i = 0; i < LABELLINGS; i++) {
    int is_known = result->score[i] && result->labelled > 0;
    failed |= json_object_set_new(object, labelling_words[i],
                                  is_known ? score_json(result, result->score[i]) : json_null());
  }
  failed |= json_object_set_new(object, "relabelled_percent",
                                number(share(result->changed, result->pixels)));
  failed |=
      json_object_set_new(object, "void_percent", number(share(result->voids, result->pixels)));
  failed |= set_times(object, result);
  failed |= json_object_set_new(object, "states", states_json(result));
  failed |= json_object_set_new(object, "guards", guards_json(result));
  failed |= json_object_set_new(object, "stream", json_string(result->stream));
  failed |= json_object_set_new(object, "bank", json_string(result->bank));
  failed |= json_object_set_new(object, "domain", json_string(result->domain));
  failed |= json_object_set_new(object, "rule", json_string(result->rule));
  failed |= json_object_set_new(object, "domain_remains", json_boolean(result->domain_remains));
  return put_line(object, failed, out, error);
}

lcal_status replay_sum_print_json(replay_result *sum, size_t streams, FILE *out,
                                  lcal_error *error) {
  json_t *object = json_object();
  int failed = json_object_set_new(object, "streams", count(streams));
  failed |= set_counts(object, sum);
  failed |= set_times(object, sum);
  return put_line(object, failed, out, error);
}
