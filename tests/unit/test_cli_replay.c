/* What labelcal replay counts, scores and saves of labels that come, and the numbers that it is
 * given. */
#include "folder.h"

#include "cli/replay_result.h"
#include "cli/replay_save.h"
#include "cli/sending.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES  2u
#define PIXELS  4u
#define CLASSES 300u /* so many that labels are u16 */

static lcal_recording *recording;
static replay_result result;

/* Two frames of 2 x 2 pixels in 300 classes; the truth is class 1 everywhere. */
static void write_recording(void) {
  static float probs[FRAMES * CLASSES * PIXELS];
  static uint8_t truth[FRAMES * PIXELS];
  json_t *names = json_array();
  for (unsigned k = 0; k < CLASSES; k++) {
    json_array_append_new(names, json_sprintf("c%u", k));
  }
  json_t *meta = json_pack("{s:o,s:s,s:s,s:s,s:i}", "classes", names, "kind", "probabilities",
                           "type", "f32", "layout", "CHW", "fps", 10);
  assert_int_equal(json_dump_file(meta, folder_path("meta.json"), 0), 0);
  json_decref(meta);
  memset(truth, 1, sizeof truth);
  assert_int_equal(lcal_npy_write(folder_path("probs.npy"), "<f4",
                                  (const size_t[]){FRAMES, CLASSES, 2, 2}, 4, probs, sizeof probs,
                                  NULL),
                   LCAL_OK);
  assert_int_equal(lcal_npy_write(folder_path("labels.npy"), "|u1", (const size_t[]){FRAMES, 2, 2},
                                  3, truth, sizeof truth, NULL),
                   LCAL_OK);
}

static int set_up(void **state) {
  (void)state;
  folder_make();
  write_recording();
  assert_int_equal(lcal_recording_open(&recording, folder_path(""), NULL), LCAL_OK);
  assert_int_equal(replay_result_init(&result, recording, 1, NULL), LCAL_OK);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  replay_result_free(&result);
  lcal_recording_close(recording);
  folder_remove();
  return 0;
}

static lcal_bytes map_of(const uint16_t *labels) {
  return (lcal_bytes){(const uint8_t *)labels, PIXELS * sizeof *labels};
}

static lcal_labels labels_of(const uint16_t *labels, const uint16_t *argmax) {
  return (lcal_labels){.bank = "default",
                       .rule = "euclidean",
                       .height = 2,
                       .width = 2,
                       .label_bytes = 2,
                       .labels = map_of(labels),
                       .argmax = map_of(argmax),
                       .state = LCAL_STATE_CALIBRATED,
                       .pixels = PIXELS,
                       .changed = 1,
                       .received_ns = 1000000,
                       .published_ns = 3000000};
}

static const uint16_t half_right[PIXELS] = {1, 1, 299, 65535};
static const uint16_t right[PIXELS] = {1, 1, 1, 1};

static void maps_of_another_size_or_without_an_argmax_are_refused(void **state) {
  (void)state;
  lcal_error error;
  lcal_labels labels = labels_of(right, half_right);
  labels.argmax = (lcal_bytes){NULL, 0};
  assert_int_equal(replay_result_add(&result, 0, &labels, &error), LCAL_BAD_FIELD);
  labels = labels_of(right, half_right);
  labels.height = 4;
  labels.width = 1;
  assert_int_equal(replay_result_add(&result, 0, &labels, &error), LCAL_BAD_FIELD);
  labels = labels_of(right, half_right);
  labels.labels.length = PIXELS;
  assert_int_equal(replay_result_add(&result, 0, &labels, &error), LCAL_BAD_FIELD);
  assert_int_equal(result.labelled, 0);
  assert_true(isnan(lcal_score_miou(result.score[ARGMAX])));
}

static void both_labellings_are_scored_side_by_side(void **state) {
  (void)state;
  lcal_labels labels = labels_of(right, half_right);
  assert_int_equal(replay_result_add(&result, 0, &labels, NULL), LCAL_OK);
  assert_true(lcal_score_accuracy(result.score[ARGMAX]) == 50.0);
  assert_true(lcal_score_accuracy(result.score[CALIBRATED]) == 100.0);
  assert_int_equal(result.latency_us[0], 2000);
  assert_int_equal(result.states[LCAL_STATE_CALIBRATED], 1);
  assert_string_equal(result.rule, "euclidean");
}

static void in_shadow_the_map_beside_the_published_one_is_scored(void **state) {
  (void)state;
  lcal_labels labels = labels_of(half_right, half_right);
  labels.state = LCAL_STATE_SHADOW;
  labels.calibrated = map_of(right);
  assert_int_equal(replay_result_add(&result, 0, &labels, NULL), LCAL_OK);
  assert_true(lcal_score_accuracy(result.score[CALIBRATED]) == 100.0);
}

static void guards_are_counted_by_name(void **state) {
  (void)state;
  static const char *const tripped[] = {"max_void", "mask", "max_void", ""};
  for (size_t i = 0; i < sizeof tripped / sizeof *tripped; i++) {
    lcal_labels labels = labels_of(right, right);
    snprintf(labels.guard, sizeof labels.guard, "%s", tripped[i]);
    assert_int_equal(replay_result_add(&result, i % FRAMES, &labels, NULL), LCAL_OK);
  }
  assert_string_equal(result.guards[0].name, "max_void");
  assert_int_equal(result.guards[0].frames, 2);
  assert_string_equal(result.guards[1].name, "mask");
  assert_string_equal(result.guards[2].name, "");
}

static void many_latencies_are_all_kept(void **state) {
  (void)state;
  for (uint64_t i = 0; i < 1000; i++) {
    lcal_labels labels = labels_of(right, right);
    labels.published_ns = labels.received_ns + 1000 * (999 - i);
    assert_int_equal(replay_result_add(&result, 0, &labels, NULL), LCAL_OK);
  }
  assert_int_equal(percentile(result.latency_us, result.labelled, 50), 499);
  assert_int_equal(percentile(result.latency_us, result.labelled, 99), 989);
  assert_int_equal(percentile(result.latency_us, result.labelled, 100), 999);
}

static void a_recording_is_not_saved_over(void **state) {
  (void)state;
  lcal_error error;
  assert_int_equal(replay_save_check(folder_path(""), &error), LCAL_ARGUMENT);
  assert_int_equal(replay_save(folder_path(""), &result, "x", &error), LCAL_ARGUMENT);
  assert_false(folder_has("argmax.npy"));
}

static void frames_without_labels_are_saved_as_void(void **state) {
  (void)state;
  size_t length;
  const char *out = folder_path("out");
  lcal_labels labels = labels_of(right, half_right);
  assert_int_equal(replay_result_add(&result, 1, &labels, NULL), LCAL_OK);
  assert_int_equal(replay_save_check(out, NULL), LCAL_OK);
  assert_int_equal(replay_save(out, &result, "x", NULL), LCAL_OK);
  unsigned char *file = folder_read("out/argmax.npy", &length);
  const unsigned char *maps = file + length - FRAMES * sizeof half_right;
  for (size_t i = 0; i < sizeof half_right; i++) {
    assert_int_equal(maps[i], 0xff);
  }
  assert_memory_equal(maps + sizeof half_right, half_right, sizeof half_right);
  free(file);
  assert_true(folder_has("out/calibrated.npy") && folder_has("out/meta.json"));
}

static void a_result_without_labels_has_nulls_for_scores(void **state) {
  (void)state;
  char *text = NULL;
  size_t length;
  FILE *out = open_memstream(&text, &length);
  result.sent = 2;
  assert_int_equal(replay_result_print_json(&result, out, NULL), LCAL_OK);
  replay_result_print(&result, out);
  fclose(out);
  assert_non_null(strstr(text, "\"missed\":2,\"dropped\":0,\"refused\":0,\"lost\":0,"
                               "\"argmax\":null,\"calibrated\":null"));
  assert_non_null(strstr(text, "0 labelled, 2 missed"));
  free(text);
}

static void a_rate_is_a_number_of_frames_or_max(void **state) {
  (void)state;
  static const char *const wrong[] = {"", "fast", "0", "-1", "1e9", "10fps", "nan"};
  double rate = -1.0;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_false(parse_rate(wrong[i], &rate));
  }
  assert_true(parse_rate("12.5", &rate) && rate == 12.5);
  assert_true(parse_rate("max", &rate) && rate == 0.0);
}

static void a_whole_number_is_digits_alone_and_large_enough(void **state) {
  (void)state;
  static const char *const wrong[] = {"", "0", "-1", "+1", " 1", "1.5", "1x", "4294967296"};
  uint32_t value = 7;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_false(parse_whole(wrong[i], 1, &value));
  }
  assert_int_equal(value, 7);
  assert_true(parse_whole("4294967295", 1, &value) && value == UINT32_MAX);
}

static void a_percentile_is_a_value_that_was_there(void **state) {
  (void)state;
  uint64_t values[] = {30, 10, 20};
  assert_int_equal(percentile(values, 1, 50), 30);
  assert_int_equal(percentile(values, 3, 50), 20);
  assert_int_equal(percentile(values, 3, 99), 30);
  assert_int_equal(percentile(values, 3, 0), 10);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(maps_of_another_size_or_without_an_argmax_are_refused),
      CASE(both_labellings_are_scored_side_by_side),
      CASE(in_shadow_the_map_beside_the_published_one_is_scored),
      CASE(guards_are_counted_by_name),
      CASE(many_latencies_are_all_kept),
      CASE(a_recording_is_not_saved_over),
      CASE(frames_without_labels_are_saved_as_void),
      CASE(a_result_without_labels_has_nulls_for_scores),
      cmocka_unit_test(a_rate_is_a_number_of_frames_or_max),
      cmocka_unit_test(a_whole_number_is_digits_alone_and_large_enough),
      cmocka_unit_test(a_percentile_is_a_value_that_was_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
