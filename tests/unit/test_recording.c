/* Recordings as folders: what is refused and why, what is read back, and the score. */
#include "folder.h"

#include <labelcal/recording.h>

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#define META                                                                                       \
  "{\"classes\": [\"road\", \"sky\"], \"kind\": \"probabilities\", \"type\": \"u8\","              \
  " \"layout\": \"CHW\", \"fps\": 10}"

/* 3 frames of 2 classes, 1 x 2 pixels; values 1 to 12. */
static void write_probs(const char *name) {
  uint8_t values[12];
  for (int i = 0; i < 12; i++) {
    values[i] = (uint8_t)(i + 1);
  }
  assert_int_equal(lcal_npy_write(folder_path(name), "|u1", (const size_t[]){3, 2, 1, 2}, 4, values,
                                  sizeof values, NULL),
                   LCAL_OK);
}

static void write_meta(const char *text) {
  folder_write("meta.json", text, strlen(text));
}

static int set_up(void **state) {
  (void)state;
  folder_make();
  write_meta(META);
  write_probs("probs.npy");
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  folder_remove();
  return 0;
}

/* Opens FOLDER/, which must fail with `status` and a sentence that holds `part`. */
static void refuse(lcal_status status, const char *part) {
  lcal_recording *recording = NULL;
  lcal_error error = {0};
  assert_int_equal(lcal_recording_open(&recording, folder_path(""), &error), status);
  assert_null(recording);
  if (!strstr(error.message, part)) {
    fail_msg("\"%s\" does not say \"%s\"", error.message, part);
  }
}

static void meta_json_that_is_wrong_is_refused_by_key(void **state) {
  (void)state;
  static const struct {
    const char *meta, *part;
  } rows[] = {
      {"", "meta.json"},
      {"[]", "object"},
      {"{\"classes\": [\"a\", \"b\"], \"classes\": [\"a\", \"b\"]}", "duplicate"},
      {"{}", "`classes`"},
      {"{\"classes\": 2}", "`classes`"},
      {"{\"classes\": [\"a\", 1]}", "`classes`"},
      {"{\"classes\": [\"a\"]}", "`classes`"},
      {"{\"classes\": [\"a\", \"b\"], \"kind\": \"probs\"}", "`kind`"},
      {"{\"classes\": [\"a\", \"b\"], \"kind\": \"logits\", \"type\": \"f64\"}", "`type`"},
      {"{\"classes\": [\"a\", \"b\"], \"kind\": \"logits\", \"type\": \"f32\", \"layout\": 1}",
       "`layout`"},
#define START "{\"kind\": \"probabilities\", \"type\": \"u8\", \"layout\": \"CHW\", "
      {START "\"classes\": [\"a\", \"a\"], \"fps\": 1}", "`classes`"},
      {START "\"classes\": [\"a\", \"\"], \"fps\": 1}", "`classes`"},
      {START "\"classes\": [\"a\", \"b\\u001b\"], \"fps\": 1}", "`classes`"},
      {START "\"classes\": [\"a\", \"b\"]}", "`fps`"},
      {START "\"classes\": [\"a\", \"b\"], \"fps\": 0}", "`fps`"},
      {START "\"classes\": [\"a\", \"b\"], \"fps\": \"1\"}", "`fps`"},
      {START "\"classes\": [\"a\", \"b\"], \"fps\": 1, \"model\": 1}", "`model`"},
      {START "\"classes\": [\"a\", \"b\"], \"fps\": 1, \"source\": null}", "`source`"},
      {START "\"classes\": [\"a\", \"b\"], \"fps\": 1, \"ignore_label\": 256}", "`ignore_label`"},
      {START "\"classes\": [\"a\", \"b\"], \"fps\": 1, \"ignore_label\": -1}", "`ignore_label`"},
      {START "\"classes\": [\"a\", \"b\"], \"fps\": 1, \"evaluate\": 1}", "`evaluate`"},
      {START "\"classes\": [\"a\", \"b\"], \"fps\": 1, \"evaluate\": []}", "`evaluate`"},
      {START "\"classes\": [\"a\", \"b\"], \"fps\": 1, \"evaluate\": [2]}", "`evaluate`"},
      {START "\"classes\": [\"a\", \"b\"], \"fps\": 1, \"evaluate\": [1, 1]}", "`evaluate`"},
      {START "\"classes\": [\"a\", \"b\"], \"fps\": 1, \"evaluate\": [0.0]}", "`evaluate`"},
      {"{\"kind\": \"logits\", \"type\": \"u8\", \"layout\": \"CHW\", \"classes\": [\"a\", \"b\"],"
       " \"fps\": 1}",
       "`type`"},
#undef START
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    write_meta(rows[i].meta);
    refuse(LCAL_BAD_DATA, "meta.json");
    refuse(LCAL_BAD_DATA, rows[i].part);
  }
}

static void files_that_are_missing_or_no_files_are_refused(void **state) {
  (void)state;
  lcal_recording *recording = NULL;
  lcal_error error;
  assert_int_equal(lcal_recording_open(&recording, folder_path("nowhere"), &error), LCAL_BAD_DATA);
  assert_non_null(strstr(error.message, "nowhere"));
  assert_int_equal(lcal_recording_open(&recording, folder_path("probs.npy"), &error),
                   LCAL_BAD_DATA);
  remove(folder_path("probs.npy"));
  refuse(LCAL_BAD_DATA, "probs.npy");
  assert_int_equal(mkfifo(folder_path("probs.npy"), 0600), 0); /* opening it must not block */
  refuse(LCAL_BAD_DATA, "not a regular file");
  remove(folder_path("probs.npy"));
  folder_write("probs.npy", "", 0);
  refuse(LCAL_BAD_DATA, "empty");
  write_probs("probs.npy");
  remove(folder_path("meta.json"));
  assert_int_equal(mkfifo(folder_path("meta.json"), 0600), 0);
  refuse(LCAL_BAD_DATA, "not a regular file");
}

static void arrays_that_disagree_with_meta_json_are_refused(void **state) {
  (void)state;
  static const uint8_t zeros[64];
  static const struct {
    const char *descr;
    size_t shape[4];
    size_t dimensions, bytes;
    const char *part;
  } rows[] = {
      {"<f4", {1, 2, 1, 2}, 4, 16, "type"},         {"|u1", {3, 2, 2}, 3, 12, "dimensions"},
      {"|u1", {1, 3, 1, 2}, 4, 6, "classes"},       {"|u1", {1, 2, 0, 2}, 4, 0, "side"},
      {"|u1", {0, 2, 4294967296, 2}, 4, 0, "side"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_int_equal(lcal_npy_write(folder_path("probs.npy"), rows[i].descr, rows[i].shape,
                                    rows[i].dimensions, zeros, rows[i].bytes, NULL),
                     LCAL_OK);
    refuse(LCAL_BAD_DATA, "probs.npy");
    refuse(LCAL_BAD_DATA, rows[i].part);
  }
}

static void labels_that_disagree_with_probs_are_refused(void **state) {
  (void)state;
  static const uint8_t zeros[64];
  static const struct {
    const char *descr;
    size_t shape[4];
    size_t dimensions, bytes;
    const char *part;
  } rows[] = {
      {"<u2", {3, 1, 2}, 3, 12, "u8"},    {"|u1", {3, 1, 2, 1}, 4, 6, "dimensions"},
      {"|u1", {2, 1, 2}, 3, 4, "frames"}, {"|u1", {3, 1, 1}, 3, 3, "larger"},
      {"|u1", {3, 0, 2}, 3, 0, "larger"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_int_equal(lcal_npy_write(folder_path("labels.npy"), rows[i].descr, rows[i].shape,
                                    rows[i].dimensions, zeros, rows[i].bytes, NULL),
                     LCAL_OK);
    refuse(LCAL_BAD_DATA, "labels.npy");
    refuse(LCAL_BAD_DATA, rows[i].part);
  }
  folder_write("labels.npy", "\x93NUMPY", 6);
  refuse(LCAL_BAD_DATA, "labels.npy");
}

static void slice_views_the_right_frames(void **state) {
  (void)state;
  lcal_recording *recording = NULL;
  lcal_tensor tensor;
  uint32_t height = 0;
  uint32_t width = 0;
  lcal_error error;
  assert_int_equal(lcal_recording_open(&recording, folder_path("[5]"), &error), LCAL_ARGUMENT);
  assert_int_equal(lcal_recording_open(&recording, folder_path("[::-2]"), &error), LCAL_OK);
  assert_int_equal(lcal_recording_frames(recording), 2);
  assert_int_equal(lcal_recording_frame(recording, 2, &tensor, &error), LCAL_ARGUMENT);
  assert_int_equal(lcal_recording_frame(recording, 0, &tensor, &error), LCAL_OK);
  assert_int_equal(*(const uint8_t *)tensor.data, 9);
  assert_int_equal(lcal_recording_frame(recording, 1, &tensor, &error), LCAL_OK);
  assert_int_equal(*(const uint8_t *)tensor.data, 1);
  assert_int_equal(tensor.classes, 2);
  assert_int_equal(tensor.height, 1);
  assert_int_equal(tensor.width, 2);
  assert_null(lcal_recording_truth(recording, 0, &height, &width));
  lcal_recording_close(recording);
}

static void truth_larger_than_the_frames_is_read(void **state) {
  (void)state;
  uint8_t truth[3 * 2 * 4];
  for (size_t i = 0; i < sizeof truth; i++) {
    truth[i] = (uint8_t)i;
  }
  assert_int_equal(lcal_npy_write(folder_path("labels.npy"), "|u1", (const size_t[]){3, 2, 4}, 3,
                                  truth, sizeof truth, NULL),
                   LCAL_OK);
  lcal_recording *recording = NULL;
  uint32_t height = 0;
  uint32_t width = 0;
  assert_int_equal(lcal_recording_open(&recording, folder_path("[1:]"), NULL), LCAL_OK);
  assert_null(lcal_recording_truth(recording, 2, &height, &width));
  assert_int_equal(*lcal_recording_truth(recording, 1, &height, &width), 16);
  assert_int_equal(height, 2);
  assert_int_equal(width, 4);
  lcal_recording_close(recording);
}

static void folder_named_with_brackets_is_itself(void **state) {
  (void)state;
  assert_int_equal(mkdir(folder_path("a[0:1]"), 0700), 0);
  write_probs("a[0:1]/probs.npy");
  folder_write("a[0:1]/meta.json", META, strlen(META));
  lcal_recording *recording = NULL;
  assert_int_equal(lcal_recording_open(&recording, folder_path("a[0:1]"), NULL), LCAL_OK);
  assert_int_equal(lcal_recording_frames(recording), 3);
  lcal_recording_close(recording);
}

/* ---- The recorder. */

static const char *const three[] = {"road", "sky", "p\xc3\xa9ople"};

static lcal_recording_meta meta_of(lcal_type type, lcal_layout layout) {
  static const uint32_t evaluate[] = {2, 0};
  return (lcal_recording_meta){.class_count = 3,
                               .classes = three,
                               .kind = LCAL_PROBABILITIES,
                               .type = type,
                               .layout = layout,
                               .fps = 12.5,
                               .model = "m",
                               .source = "s \"quoted\"",
                               .ignore_label = 7,
                               .evaluate = evaluate,
                               .evaluate_count = 2};
}

static void recording_with_bad_meta_is_not_begun(void **state) {
  (void)state;
  lcal_recording_meta meta = meta_of(LCAL_U8, LCAL_CHW);
  lcal_recorder *recorder = NULL;
  lcal_error error;
  meta.fps = NAN;
  assert_int_equal(lcal_recorder_create(&recorder, folder_path("new"), &meta, 2, 2, 0, 0, &error),
                   LCAL_ARGUMENT);
  assert_non_null(strstr(error.message, "`fps`"));
  assert_false(folder_has("new"));
}

static void folder_with_a_recording_is_not_recorded_over(void **state) {
  (void)state;
  lcal_recording_meta meta = meta_of(LCAL_U8, LCAL_CHW);
  lcal_recorder *recorder = NULL;
  lcal_error error;
  assert_int_equal(lcal_recorder_create(&recorder, folder_path(""), &meta, 2, 2, 0, 0, &error),
                   LCAL_ARGUMENT);
  assert_false(folder_has("probs.npy.partial"));
  lcal_recording *recording = NULL;
  assert_int_equal(lcal_recording_open(&recording, folder_path(""), NULL), LCAL_OK);
  lcal_recording_close(recording);
}

static void frame_of_another_shape_is_not_recorded(void **state) {
  (void)state;
  static const uint8_t values[3 * 2 * 3];
  lcal_recording_meta meta = meta_of(LCAL_U8, LCAL_CHW);
  lcal_recorder *recorder = NULL;
  lcal_tensor tensor;
  assert_int_equal(lcal_recorder_create(&recorder, folder_path("new"), &meta, 2, 2, 0, 0, NULL),
                   LCAL_OK);
  assert_int_equal(lcal_tensor_init(&tensor, (const uint32_t[]){3, 2, 3}, LCAL_CHW, LCAL_U8,
                                    LCAL_PROBABILITIES, values, sizeof values, NULL),
                   LCAL_OK);
  assert_int_equal(lcal_recorder_append(recorder, &tensor, NULL, NULL), LCAL_ARGUMENT);
  tensor.width = 2;
  assert_int_equal(lcal_recorder_append(recorder, &tensor, values, NULL), LCAL_ARGUMENT);
  assert_int_equal(lcal_recorder_finish(recorder, NULL), LCAL_OK);
  lcal_recording *recording = NULL;
  assert_int_equal(lcal_recording_open(&recording, folder_path("new"), NULL), LCAL_OK);
  assert_int_equal(lcal_recording_frames(recording), 0);
  lcal_recording_close(recording);
}

/* Records two frames of a type and layout, one dense and one with a stride; reads them back. */
static void record_and_read(lcal_type type, lcal_layout layout) {
  enum { C = 3, H = 2, W = 4, STRIDE = 10 };
  uint8_t values[4 * (H * W) * STRIDE];
  uint8_t truth[H * W];
  for (size_t i = 0; i < sizeof values; i++) {
    values[i] = (uint8_t)(i * 7);
  }
  for (size_t i = 0; i < sizeof truth; i++) {
    truth[i] = (uint8_t)(i % 3);
  }
  const uint32_t chw[3] = {C, H, W};
  const uint32_t hwc[3] = {H, W, C};
  size_t size = lcal_type_size(type);
  lcal_recording_meta meta = meta_of(type, layout);
  lcal_recorder *recorder = NULL;
  lcal_tensor dense;
  assert_int_equal(lcal_recorder_create(&recorder, folder_path("new"), &meta, H, W, H, W, NULL),
                   LCAL_OK);
  assert_int_equal(lcal_tensor_init(&dense, layout == LCAL_CHW ? chw : hwc, layout, type,
                                    LCAL_PROBABILITIES, values, C * H * W * size, NULL),
                   LCAL_OK);
  lcal_tensor apart = dense;
  apart.stride = STRIDE;
  assert_int_equal(lcal_recorder_append(recorder, &dense, truth, NULL), LCAL_OK);
  assert_int_equal(lcal_recorder_append(recorder, &apart, truth, NULL), LCAL_OK);
  assert_true(folder_has("new/probs.npy.partial"));
  assert_false(folder_has("new/probs.npy"));
  assert_int_equal(lcal_recorder_finish(recorder, NULL), LCAL_OK);
  assert_false(folder_has("new/probs.npy.partial"));

  lcal_recording *recording = NULL;
  lcal_tensor tensor;
  uint32_t height = 0;
  uint32_t width = 0;
  assert_int_equal(lcal_recording_open(&recording, folder_path("new"), NULL), LCAL_OK);
  assert_int_equal(lcal_recording_frames(recording), 2);
  assert_int_equal(lcal_recording_frame(recording, 0, &tensor, NULL), LCAL_OK);
  assert_memory_equal(tensor.data, values, C * H * W * size);
  assert_int_equal(lcal_recording_frame(recording, 1, &tensor, NULL), LCAL_OK);
  size_t run = (layout == LCAL_CHW ? H * W : C) * size;
  size_t runs = layout == LCAL_CHW ? C : H * W;
  for (size_t i = 0; i < runs; i++) {
    assert_memory_equal((const uint8_t *)tensor.data + i * run, values + i * STRIDE * size, run);
  }
  assert_memory_equal(lcal_recording_truth(recording, 1, &height, &width), truth, sizeof truth);
  const lcal_recording_meta *read = lcal_recording_meta_of(recording);
  assert_int_equal(read->class_count, 3);
  assert_string_equal(read->classes[2], three[2]);
  assert_true(read->fps == 12.5);
  assert_string_equal(read->source, meta.source);
  assert_int_equal(read->ignore_label, 7);
  assert_int_equal(read->evaluate_count, 2);
  assert_int_equal(read->evaluate[0], 2);
  lcal_recording_close(recording);
}

static void every_type_and_layout_is_read_back_as_recorded(void **state) {
  for (int type = 0; type < LCAL_TYPE_COUNT; type++) {
    for (int layout = 0; layout < LCAL_LAYOUT_COUNT; layout++) {
      record_and_read((lcal_type)type, (lcal_layout)layout);
      tear_down(state);
      set_up(state);
    }
  }
}

/* A limit on file sizes stands in for a disk that is full in the middle of a frame. */
static void recording_that_met_a_full_disk_keeps_its_whole_frames(void **state) {
  (void)state;
  static const uint8_t values[3 * 32 * 32];
  struct rlimit before;
  lcal_error error;
  lcal_tensor tensor;
  lcal_recorder *recorder = NULL;
  lcal_recording *recording = NULL;
  lcal_recording_meta meta = meta_of(LCAL_U8, LCAL_CHW);
  assert_int_equal(lcal_recorder_create(&recorder, folder_path("new"), &meta, 32, 32, 0, 0, NULL),
                   LCAL_OK);
  assert_int_equal(lcal_tensor_init(&tensor, (const uint32_t[]){3, 32, 32}, LCAL_CHW, LCAL_U8,
                                    LCAL_PROBABILITIES, values, sizeof values, NULL),
                   LCAL_OK);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  const struct rlimit small = {.rlim_cur = 8000, .rlim_max = before.rlim_max};
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  assert_int_equal(lcal_recorder_append(recorder, &tensor, NULL, &error), LCAL_OK);
  assert_int_equal(lcal_recorder_append(recorder, &tensor, NULL, &error), LCAL_OK);
  assert_int_equal(lcal_recorder_append(recorder, &tensor, NULL, &error), LCAL_SYSTEM);
  assert_non_null(strstr(error.message, "probs.npy.partial"));
  assert_int_equal(lcal_recorder_finish(recorder, &error), LCAL_OK);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  assert_int_equal(lcal_recording_open(&recording, folder_path("new"), NULL), LCAL_OK);
  assert_int_equal(lcal_recording_frames(recording), 2);
  lcal_recording_close(recording);
}

static void array_with_wrong_arguments_is_not_written(void **state) {
  (void)state;
  static const uint8_t zeros[8];
  const size_t shape[] = {2, 2};
  const char *path = folder_path("x.npy");
  assert_int_equal(lcal_npy_write(path, ">f4", shape, 2, zeros, 8, NULL), LCAL_ARGUMENT);
  assert_int_equal(lcal_npy_write(path, "<u2", shape, 0, zeros, 8, NULL), LCAL_ARGUMENT);
  assert_int_equal(lcal_npy_write(path, "<u2", shape, 2, zeros, 4, NULL), LCAL_ARGUMENT);
  assert_int_equal(lcal_npy_write(folder_path("no/x.npy"), "<u2", shape, 2, zeros, 8, NULL),
                   LCAL_SYSTEM);
  assert_false(folder_has("x.npy"));
  assert_int_equal(lcal_npy_write(path, "<u2", shape, 2, zeros, 8, NULL), LCAL_OK);
}

/* ---- The score. Classes a, b, c; 255 is not scored. */

static lcal_score *score_of(const uint32_t *evaluate, uint32_t count) {
  lcal_recording_meta meta = meta_of(LCAL_U8, LCAL_CHW);
  meta.ignore_label = 255;
  meta.evaluate = evaluate;
  meta.evaluate_count = count;
  lcal_score *score = NULL;
  assert_int_equal(lcal_score_create(&score, &meta, NULL), LCAL_OK);
  return score;
}

static void score_of_nothing_is_no_number(void **state) {
  (void)state;
  lcal_score *score = score_of(NULL, 0);
  assert_true(isnan(lcal_score_miou(score)));
  assert_true(isnan(lcal_score_accuracy(score)));
  assert_true(isnan(lcal_score_iou(score, 0)));
  assert_true(isnan(lcal_score_iou(score, 3)));
  lcal_score_destroy(score);
}

static void void_prediction_misses_its_class(void **state) {
  (void)state;
  static const uint8_t truth[] = {0, 0, 0, 0, 1, 255};
  static const uint8_t labels[] = {0, 0, 255, 1, 1, 0};
  lcal_score *score = score_of(NULL, 0);
  lcal_score_add(score, truth, labels, 1, 6);
  assert_true(lcal_score_iou(score, 0) == 50.0); /* 2 of 4; the ignored 0 counts nowhere */
  assert_true(lcal_score_iou(score, 1) == 50.0); /* 1 of 2 */
  assert_true(isnan(lcal_score_iou(score, 2)));  /* in neither */
  assert_true(lcal_score_miou(score) == 50.0);
  assert_true(lcal_score_accuracy(score) == 100.0 * 3 / 5);
  lcal_score_destroy(score);
}

static void only_evaluated_classes_are_in_the_mean(void **state) {
  (void)state;
  static const uint32_t evaluate[] = {0, 2};
  static const uint8_t truth[] = {0, 0, 2, 2};
  static const uint16_t labels[] = {0, 1, 2, 65535};
  uint8_t unaligned[sizeof labels + 1];
  memcpy(unaligned + 1, labels, sizeof labels);
  lcal_score *score = score_of(evaluate, 2);
  lcal_score_add(score, truth, unaligned + 1, 2, 4);
  assert_true(lcal_score_iou(score, 1) == 0.0);
  assert_true(lcal_score_miou(score) == 50.0); /* with class 1 it were 33 */
  assert_true(lcal_score_accuracy(score) == 50.0);
  lcal_score_destroy(score);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(meta_json_that_is_wrong_is_refused_by_key),
      TEST(files_that_are_missing_or_no_files_are_refused),
      TEST(arrays_that_disagree_with_meta_json_are_refused),
      TEST(labels_that_disagree_with_probs_are_refused),
      TEST(slice_views_the_right_frames),
      TEST(truth_larger_than_the_frames_is_read),
      TEST(folder_named_with_brackets_is_itself),
      TEST(recording_with_bad_meta_is_not_begun),
      TEST(folder_with_a_recording_is_not_recorded_over),
      TEST(frame_of_another_shape_is_not_recorded),
      TEST(every_type_and_layout_is_read_back_as_recorded),
      TEST(recording_that_met_a_full_disk_keeps_its_whole_frames),
      TEST(array_with_wrong_arguments_is_not_written),
      cmocka_unit_test(score_of_nothing_is_no_number),
      cmocka_unit_test(void_prediction_misses_its_class),
      cmocka_unit_test(only_evaluated_classes_are_in_the_mean),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
