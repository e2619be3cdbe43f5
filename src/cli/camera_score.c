#include "cli/camera_score.h"

#include "cli/table.h"

#include <labelcal/recording.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define SEGMENTS 2 /* nearer to the drift's first condition, nearer to its second */

/* One way to label: argmax or calibrated. */
typedef struct tally {
  lcal_score *score;
  uint32_t frames;
} tally;

/* Frames of one segment, or of all. */
typedef struct row {
  tally argmax, calibrated;
} row;

struct camera_score {
  scene_drift drift;
  row all;
  row segments[SEGMENTS];
};

static lcal_status create_row(row *one, lcal_error *error) {
  const lcal_recording_meta meta = {.class_count = SCENE_CLASSES, .ignore_label = 255};
  lcal_status status = lcal_score_create(&one->argmax.score, &meta, error);
  return status != LCAL_OK ? status : lcal_score_create(&one->calibrated.score, &meta, error);
}

lcal_status camera_score_create(camera_score **score, const scene_drift *drift, lcal_error *error) {
  camera_score *made = calloc(1, sizeof *made);
  if (!made) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory left for the score");
  }
  made->drift = *drift;
  lcal_status status = create_row(&made->all, error);
  for (int i = 0; i < SEGMENTS && status == LCAL_OK; i++) {
    status = create_row(&made->segments[i], error);
  }
  if (status != LCAL_OK) {
    camera_score_destroy(made);
    return status;
  }
  *score = made;
  return LCAL_OK;
}

static void destroy_row(row *one) {
  lcal_score_destroy(one->argmax.score);
  lcal_score_destroy(one->calibrated.score);
}

void camera_score_destroy(camera_score *score) {
  if (!score) {
    return;
  }
  destroy_row(&score->all);
  for (int i = 0; i < SEGMENTS; i++) {
    destroy_row(&score->segments[i]);
  }
  free(score);
}

static void add(tally *to, const uint8_t *truth, const uint8_t *labels) {
  if (labels) {
    lcal_score_add(to->score, truth, labels, 1, SCENE_PIXELS);
    to->frames++;
  }
}

void camera_score_add(camera_score *score, uint32_t number, const uint8_t *truth,
                      const uint8_t *argmax, const uint8_t *calibrated) {
  row *rows[2] = {&score->all, &score->segments[2u * (uint64_t)number >= score->drift.frames]};
  for (int i = 0; i < 2; i++) {
    add(&rows[i]->argmax, truth, argmax);
    add(&rows[i]->calibrated, truth, calibrated);
  }
}

/* In percent; NaN: nothing was scored. */
static double miou(const tally *one) {
  return one->frames > 0 ? lcal_score_miou(one->score) : (double)NAN;
}

static double accuracy(const tally *one) {
  return one->frames > 0 ? lcal_score_accuracy(one->score) : (double)NAN;
}

/* "62.85", or a dash. */
static const char *percent(char text[16], double value) {
  if (isnan(value)) {
    return "-";
  }
  snprintf(text, 16, "%.2f", value);
  return text;
}

void camera_score_glance(const camera_score *score, char *line, size_t capacity) {
  char argmax[16];
  char calibrated[16];
  snprintf(line, capacity, "mIoU: argmax %s, calibrated %s",
           percent(argmax, miou(&score->all.argmax)),
           percent(calibrated, miou(&score->all.calibrated)));
}

/* The condition that frames of segment `i` are nearer to. */
static const char *segment_word(const camera_score *score, int i) {
  return scene_weather_word(i == 0 ? score->drift.from : score->drift.to);
}

static void print_row(struct table *table, const row *one) {
  char text[16];
  table_cell(table, "%" PRIu32, one->argmax.frames);
  table_cell(table, "%s", percent(text, miou(&one->argmax)));
  table_cell(table, "%s", percent(text, accuracy(&one->argmax)));
  table_cell(table, "%s", percent(text, miou(&one->calibrated)));
  table_cell(table, "%s", percent(text, accuracy(&one->calibrated)));
}

void camera_score_print(const camera_score *score, FILE *out) {
  static const struct column columns[] = {{"percent", 0},         {"frames", 1},
                                          {"argmax mIoU", 1},     {"accuracy", 1},
                                          {"calibrated mIoU", 1}, {"accuracy", 1}};
  struct table table;
  table_begin(&table, columns, sizeof columns / sizeof *columns);
  for (int i = 0; i < SEGMENTS && score->drift.frames > 0; i++) {
    table_cell(&table, "nearer %s", segment_word(score, i));
    print_row(&table, &score->segments[i]);
  }
  table_cell(&table, "%s", score->drift.frames > 0 ? "all" : segment_word(score, 0));
  print_row(&table, &score->all);
  table_print(&table, out);
}

static json_t *number_json(double value) {
  return isnan(value) ? json_null() : json_real(value);
}

static json_t *tally_json(const tally *one) {
  return json_pack("{s:o,s:o}", "miou", number_json(miou(one)), "accuracy",
                   number_json(accuracy(one)));
}

static json_t *segment_json(const row *one, const char *word) {
  return json_pack("{s:s,s:I,s:o,s:o}", "nearer", word, "frames", (json_int_t)one->argmax.frames,
                   "argmax", tally_json(&one->argmax), "calibrated", tally_json(&one->calibrated));
}

int camera_score_json(const camera_score *score, json_t *object) {
  json_t *segments = json_array();
  int failed = 0;
  for (int i = 0; i < SEGMENTS && score->drift.frames > 0; i++) {
    failed |=
        json_array_append_new(segments, segment_json(&score->segments[i], segment_word(score, i)));
  }
  failed |= json_object_set_new(object, "argmax", tally_json(&score->all.argmax));
  failed |= json_object_set_new(object, "calibrated", tally_json(&score->all.calibrated));
  failed |= json_object_set_new(object, "segments", segments);
  return failed;
}
