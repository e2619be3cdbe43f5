/* labelcal camera without a daemon: its options, what it records, how it scores. */
#include "build_config.h"
#include "cli/camera.h"
#include "cli/camera_drive.h"
#include "cli/picture.h"
#include "folder.h"

#include <labelcal/recording.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t truth[SCENE_PIXELS];
static uint8_t wrong[SCENE_PIXELS];

static int make_folder(void **state) {
  (void)state;
  folder_make();
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  folder_remove();
  return 0;
}

static camera_options few_frames(uint32_t frames) {
  return (camera_options){.scene = {.seed = 1}, .frames = frames, .stream = "camera", .domain = ""};
}

static void options_that_make_no_sense_are_refused_before_anything_happens(void **state) {
  (void)state;
  static const char *const lines[][3] = {{"--condition", "night"},
                                         {"--condition", "day:dusk:9"},
                                         {"--drift", "day"},
                                         {"--drift", "day:dusk"},
                                         {"--frames", "0"},
                                         {"--frames", "many"},
                                         {"--rate", "0"},
                                         {"--rate", "fast"},
                                         {"--seed", "-1"},
                                         {"--type", "f64"},
                                         {"--layout", "WHC"},
                                         {"--stream", "a/b"},
                                         {"--domain", ""},
                                         {"--explode"},
                                         {"road.png"},
                                         {"--record", "folder"}};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    char words[3][16] = {"camera"};
    char *argv[4] = {words[0]};
    int argc = 1;
    for (int k = 0; k < 2 && lines[i][k]; k++) {
      snprintf(words[argc], sizeof words[argc], "%s", lines[i][k]);
      argv[argc] = words[argc];
      argc++;
    }
    lcal_client_options client = {.runtime_dir = "/nowhere"};
    assert_int_equal(camera_run(argc, argv, &client, 0), 2);
  }
}

static void without_a_daemon_it_says_so(void **state) {
  (void)state;
  camera_options options = few_frames(1);
  lcal_client_options client = {.runtime_dir = folder_path("nowhere"), .timeout_ms = 100};
  camera_report report;
  lcal_error error;
  options.send = 1;
  assert_int_equal(camera_drive(&report, &options, &client, &error), LCAL_UNREACHABLE);
  assert_int_equal(report.frames, 0);
  camera_score_destroy(report.score);
}

static void a_folder_that_holds_a_recording_is_not_written_over(void **state) {
  (void)state;
  camera_options options = few_frames(1);
  camera_report report;
  lcal_error error;
  folder_write("probs.npy", "precious", 8);
  options.record = folder_path(".");
  assert_int_not_equal(camera_drive(&report, &options, NULL, &error), LCAL_OK);
  camera_score_destroy(report.score);
  size_t length;
  unsigned char *bytes = folder_read("probs.npy", &length);
  assert_int_equal(length, 8);
  assert_memory_equal(bytes, "precious", 8);
  free(bytes);
}

static void a_recording_holds_what_the_camera_saw(void **state) {
  (void)state;
  camera_options options = few_frames(3);
  camera_report report;
  lcal_recording *recording;
  lcal_tensor tensor;
  scene_source *source;
  uint32_t height;
  uint32_t width;
  options.record = folder_path("drive");
  assert_int_equal(camera_drive(&report, &options, NULL, NULL), LCAL_OK);
  assert_int_equal(report.frames, 3);
  assert_int_equal(report.sent, 0);
  camera_score_destroy(report.score);
  assert_int_equal(lcal_recording_open(&recording, options.record, NULL), LCAL_OK);
  assert_int_equal(lcal_recording_frames(recording), 3);
  assert_string_equal(lcal_recording_meta_of(recording)->classes[SCENE_CAR], "car");
  assert_int_equal(scene_source_create(&source, &options.scene, NULL), LCAL_OK);
  const scene_shot *shot = scene_source_shoot(source, 2);
  assert_int_equal(lcal_recording_frame(recording, 2, &tensor, NULL), LCAL_OK);
  assert_memory_equal(tensor.data, shot->tensor.data, shot->bytes);
  const uint8_t *labels = lcal_recording_truth(recording, 2, &height, &width);
  assert_int_equal(height * width, SCENE_PIXELS);
  assert_memory_equal(labels, shot->truth, SCENE_PIXELS);
  scene_source_destroy(source);
  lcal_recording_close(recording);
}

static double number_at(const json_t *object, const char *column, const char *key) {
  const json_t *value = json_object_get(json_object_get(object, column), key);
  return json_is_null(value) ? (double)NAN : json_real_value(value);
}

/* Frames 0 and 1 of a drift over 4 are nearer to its first condition, 2 and beyond to its second;
 * half of each wrong map is right. */
static void a_drift_is_scored_in_two_parts_and_as_a_whole(void **state) {
  (void)state;
  const scene_drift drift = {SCENE_DAY, SCENE_DUSK, 4};
  camera_score *score;
  json_t *json = json_object();
  for (int i = 0; i < SCENE_PIXELS; i++) {
    truth[i] = SCENE_ROAD;
    wrong[i] = i % 2 ? SCENE_SKY : SCENE_ROAD;
  }
  assert_int_equal(camera_score_create(&score, &drift, NULL), LCAL_OK);
  camera_score_add(score, 0, truth, truth, truth);
  camera_score_add(score, 1, truth, truth, wrong);
  camera_score_add(score, 2, truth, wrong, NULL);
  camera_score_add(score, 9, truth, wrong, NULL);
  assert_int_equal(camera_score_json(score, json), 0);
  const json_t *day = json_array_get(json_object_get(json, "segments"), 0);
  const json_t *dusk = json_array_get(json_object_get(json, "segments"), 1);
  assert_string_equal(json_string_value(json_object_get(day, "nearer")), "day");
  assert_string_equal(json_string_value(json_object_get(dusk, "nearer")), "dusk");
  assert_int_equal(json_integer_value(json_object_get(dusk, "frames")), 2);
  assert_float_equal(number_at(day, "argmax", "accuracy"), 100.0, 1e-9);
  assert_float_equal(number_at(day, "calibrated", "accuracy"), 75.0, 1e-9);
  assert_float_equal(number_at(dusk, "argmax", "miou"), 25.0, 1e-9);
  assert_true(isnan(number_at(dusk, "calibrated", "miou")));
  assert_float_equal(number_at(json, "argmax", "accuracy"), 75.0, 1e-9);
  assert_float_equal(number_at(json, "calibrated", "accuracy"), 75.0, 1e-9);
  json_decref(json);
  camera_score_destroy(score);
  camera_score_destroy(NULL);
}

static void a_picture_is_a_png_or_says_what_is_missing(void **state) {
  (void)state;
  static uint8_t planes[3 * SCENE_PIXELS];
  lcal_error error;
  lcal_status status = picture_write(folder_path("a.png"), planes, truth, truth, wrong, &error);
#if LCAL_HAVE_PNG
  size_t length;
  assert_int_equal(status, LCAL_OK);
  unsigned char *bytes = folder_read("a.png", &length);
  const unsigned char header[] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10};
  const unsigned char width[] = {0, 0, 4 * SCENE_WIDTH / 256, 0};
  assert_memory_equal(bytes, header, sizeof header);
  assert_memory_equal(bytes + 16, width, sizeof width);
  free(bytes);
  assert_int_equal(picture_write(folder_path("no/a.png"), planes, truth, truth, NULL, &error),
                   LCAL_SYSTEM);
#else
  assert_int_equal(status, LCAL_BAD_CONFIG);
  assert_non_null(strstr(error.message, "libpng"));
#endif
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(options_that_make_no_sense_are_refused_before_anything_happens),
      cmocka_unit_test(without_a_daemon_it_says_so),
      cmocka_unit_test(a_folder_that_holds_a_recording_is_not_written_over),
      cmocka_unit_test(a_recording_holds_what_the_camera_saw),
      cmocka_unit_test(a_drift_is_scored_in_two_parts_and_as_a_whole),
      cmocka_unit_test(a_picture_is_a_png_or_says_what_is_missing),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
