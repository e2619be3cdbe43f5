#include "cli/soak_judge.h"

#include "cli/ask.h"
#include "cli/sending.h"
#include "cli/table.h"
#include "cli/units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SLACK_BYTES ((uint64_t)32 << 20)

lcal_status soak_sample(soak_samples *samples, uint64_t bytes, lcal_error *error) {
  if (samples->count == samples->capacity) {
    size_t capacity = samples->capacity > 0 ? 2 * samples->capacity : 256;
    uint64_t *grown = reallocarray(samples->bytes, capacity, sizeof *grown);
    if (!grown) {
      return lcal_error_set(error, LCAL_MEMORY, "no memory for the samples");
    }
    samples->bytes = grown;
    samples->capacity = capacity;
  }
  samples->bytes[samples->count++] = bytes;
  return LCAL_OK;
}

static const json_t *row_of(const json_t *streams, const char *stream) {
  const json_t *row;
  size_t i;
  json_array_foreach(json_object_get(streams, "streams"), i, row) {
    const char *name = json_string_value(json_object_get(row, "name"));
    if (name && strcmp(name, stream) == 0) {
      return row;
    }
  }
  return NULL;
}

soak_sum soak_sum_of(const json_t *streams, const char *stream) {
  const json_t *row = row_of(streams, stream);
  return (soak_sum){
      .labelled = count_of(json_object_get(row, "labelled")),
      .dropped = count_of(json_object_get(row, "dropped")),
      .refused = count_of(json_object_get(row, "refused")),
      .lost = count_of(json_object_get(row, "lost")),
  };
}

int64_t soak_swallowed(const soak_camera *camera, const json_t *streams) {
  const soak_sum sum = soak_sum_of(streams, camera->stream);
  return (int64_t)(camera->numbers - sum.labelled - sum.dropped - sum.refused - sum.lost);
}

int soak_adds_up(const soak_camera *camera, const json_t *streams) {
  int64_t swallowed = soak_swallowed(camera, streams);
  return swallowed >= 0 && (uint64_t)swallowed <= 2 * camera->redials;
}

static uint64_t median(const soak_samples *samples, size_t from, size_t to) {
  uint64_t *sorted = need(calloc(to - from, sizeof *sorted));
  memcpy(sorted, samples->bytes + from, (to - from) * sizeof *sorted);
  uint64_t middle = percentile(sorted, to - from, 50);
  free(sorted);
  return middle;
}

int soak_grew(const soak_samples *samples) {
  size_t quarter = samples->count / 4;
  if (quarter == 0) {
    return 0;
  }
  uint64_t early = median(samples, quarter, 2 * quarter);
  uint64_t late = median(samples, samples->count - quarter, samples->count);
  return late > early + early / 10 + SLACK_BYTES;
}

/* ---- For people. */

static void latency_cell(struct table *table, const json_t *total) {
  static const char *const shown[] = {"p50", "p99", "p999", "max"};
  unit_text text[4];
  for (size_t i = 0; i < 4; i++) {
    ms_text(text[i], count_of(json_object_get(total, shown[i])));
  }
  table_cell(table, "%s/%s/%s/%s", text[0], text[1], text[2], text[3]);
}

static void print_cameras(const soak_report *report) {
  static const struct column columns[] = {
      {"camera", 0},  {"by", 0},   {"sent", 1},    {"labelled", 1},  {"dropped", 1},
      {"refused", 1}, {"lost", 1}, {"redials", 1}, {"swallowed", 1}, {"p50/p99/p99.9/max ms", 1},
  };
  struct table table;
  table_begin(&table, columns, sizeof columns / sizeof *columns);
  for (uint32_t i = 0; i < report->camera_count; i++) {
    const soak_camera *camera = &report->cameras[i];
    const soak_sum sum = soak_sum_of(report->streams, camera->stream);
    const json_t *stages = json_object_get(row_of(report->streams, camera->stream), "stages_us");
    table_cell(&table, "%s", camera->stream);
    table_cell(&table, "%s", camera->way);
    table_cell(&table, "%" PRIu64, camera->numbers);
    table_cell(&table, "%" PRIu64, sum.labelled);
    table_cell(&table, "%" PRIu64, sum.dropped);
    table_cell(&table, "%" PRIu64, sum.refused);
    table_cell(&table, "%" PRIu64, sum.lost);
    table_cell(&table, "%" PRIu64, camera->redials);
    table_cell(&table, "%" PRId64, soak_swallowed(camera, report->streams));
    latency_cell(&table, json_object_get(stages, "total"));
  }
  table_print(&table, stdout);
}

static void print_rest(const soak_report *report) {
  const soak_trouble *trouble = report->trouble;
  const soak_samples *memory = &report->memory;
  unit_text first, last;
  printf("  commands:");
  for (unsigned act = 0; soak_act_word(act); act++) {
    printf("%s %s %" PRIu64, act > 0 ? "," : "", soak_act_word(act), trouble->done[act]);
  }
  printf("\n  planners: %" PRIu64 " stalled and died, one took %" PRIu64 " maps\n",
         trouble->stalled, trouble->maps);
  if (memory->count > 0) {
    printf("  memory: %s in the first second, %s in the last; descriptors: %u before, %u after\n",
           bytes_text(first, memory->bytes[0]), bytes_text(last, memory->bytes[memory->count - 1]),
           report->descriptors[0], report->descriptors[1]);
  }
}

/* ---- For programs. */

static json_t *number(uint64_t value) {
  return json_integer((json_int_t)value);
}

static json_t *camera_json(const soak_report *report, const soak_camera *camera) {
  const soak_sum sum = soak_sum_of(report->streams, camera->stream);
  json_t *stages = json_object_get(row_of(report->streams, camera->stream), "stages_us");
  json_t *total = json_object_get(stages, "total");
  return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:O?}", "stream", camera->stream, "by",
                   camera->way, "sent", number(camera->numbers), "labelled", number(sum.labelled),
                   "dropped", number(sum.dropped), "refused", number(sum.refused), "lost",
                   number(sum.lost), "redials", number(camera->redials), "failed",
                   number(camera->failed), "swallowed",
                   (json_int_t)soak_swallowed(camera, report->streams), "latency_us", total);
}

static void print_json(const soak_report *report, json_t *wrong) {
  const soak_trouble *trouble = report->trouble;
  json_t *cameras = need(json_array()), *commands = need(json_object());
  for (uint32_t i = 0; i < report->camera_count; i++) {
    json_array_append_new(cameras, camera_json(report, &report->cameras[i]));
  }
  for (unsigned act = 0; soak_act_word(act); act++) {
    json_object_set_new(commands, soak_act_word(act), number(trouble->done[act]));
  }
  json_t *object = need(json_pack(
      "{s:f,s:o,s:o,s:o,s:o,s:o,s:[i,i],s:O}", "seconds", report->seconds, "cameras", cameras,
      "commands", commands, "stalled", number(trouble->stalled), "maps", number(trouble->maps),
      "memory_bytes",
      number(report->memory.count > 0 ? report->memory.bytes[report->memory.count - 1] : 0),
      "descriptors", (int)report->descriptors[0], (int)report->descriptors[1], "wrong", wrong));
  json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
  putchar('\n');
  json_decref(object);
}

/* ---- What is wrong. */

static void judge_cameras(const soak_report *report, json_t *wrong) {
  for (uint32_t i = 0; i < report->camera_count; i++) {
    const soak_camera *camera = &report->cameras[i];
    if (camera->status != LCAL_OK) {
      json_array_append_new(wrong,
                            json_sprintf("%s gave up: %s", camera->stream, camera->error.message));
    }
    if (!soak_adds_up(camera, report->streams)) {
      json_array_append_new(
          wrong,
          json_sprintf("%s does not add up: sent is labelled + dropped + refused + lost + %lld",
                       camera->stream, (long long)soak_swallowed(camera, report->streams)));
    }
  }
}

static json_t *judge(const soak_report *report) {
  json_t *wrong = need(json_array());
  judge_cameras(report, wrong);
  if (report->trouble->faults > 0) {
    json_array_append_new(wrong, json_sprintf("%llu faults, the first: %s",
                                              (unsigned long long)report->trouble->faults,
                                              report->trouble->first_fault.message));
  }
  if (soak_grew(&report->memory)) {
    json_array_append_new(wrong, json_string("memory grew while it ran"));
  }
  if (report->descriptors[1] > report->descriptors[0]) {
    json_array_append_new(wrong, json_sprintf("descriptors: %u before, %u after all had hung up",
                                              report->descriptors[0], report->descriptors[1]));
  }
  return wrong;
}

unsigned soak_print(const soak_report *report, int json) {
  json_t *wrong = judge(report);
  const json_t *one;
  size_t i;
  if (json) {
    print_json(report, wrong);
  } else {
    printf("%.0f s, %u cameras\n", report->seconds, report->camera_count);
    print_cameras(report);
    print_rest(report);
    json_array_foreach(wrong, i, one) {
      printf("  WRONG: %s\n", json_string_value(one));
    }
    if (json_array_size(wrong) == 0) {
      puts("  all sums hold, nothing grew");
    }
  }
  unsigned count = (unsigned)json_array_size(wrong);
  json_decref(wrong);
  return count;
}
