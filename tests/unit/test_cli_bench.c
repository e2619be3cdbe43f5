/* labelcal bench: its options, the data it makes, the figures it draws. */
#include "cli/bench.h"
#include "cli/bench_data.h"
#include "cli/bench_pool.h"
#include "cli/bench_read.h"
#include "cli/bench_split.h"
#include "cli/bench_time.h"
#include "scene/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLASSES 19u
#define PIXELS  500u

/* ---- Options. */

static int read_words(bench_options *options, const char *const *words) {
  static char text[8][48]; /* options keep pointers into it */
  char *argv[9] = {NULL};
  int argc = 0;
  for (; words[argc]; argc++) {
    assert_true(argc < 8);
    snprintf(text[argc], sizeof text[argc], "%s", words[argc]);
    argv[argc] = text[argc];
  }
  return bench_options_read(options, argc, argv);
}

#define READ(options, ...) read_words(options, (const char *const[]){"bench", __VA_ARGS__, NULL})

static size_t wanted(const bench_options *options) {
  size_t count = 0;
  for (size_t i = 0; i < BENCH_CASES; i++) {
    count += options->wanted[i];
  }
  return count;
}

static void without_options_every_case_is_measured_for_two_minutes(void **state) {
  (void)state;
  bench_options options;
  assert_int_equal(read_words(&options, (const char *const[]){"bench", NULL}), 0);
  assert_int_equal(wanted(&options), 41);
  assert_int_equal(options.seconds, 120);
  assert_int_equal(options.threads, 0);
  assert_null(options.recording);
}

static void cases_are_picked_by_the_beginning_of_their_names(void **state) {
  (void)state;
  bench_options options;
  assert_int_equal(READ(&options, "--case", "19x1024x2048/f32"), 0);
  assert_int_equal(wanted(&options), 2);
  assert_int_equal(READ(&options, "--case", "150x"), 0);
  assert_int_equal(wanted(&options), 8);
  assert_int_equal(READ(&options, "--case=upsampled", "--case", "66x512x1024/u8/HWC"), 0);
  assert_int_equal(wanted(&options), 2);
  assert_int_equal(options.wanted[BENCH_CASES - 1], 1);
}

static void the_other_options_are_taken_as_they_are(void **state) {
  (void)state;
  bench_options options;
  assert_int_equal(READ(&options, "--recording", "dusk[0:62]", "--threads", "3", "--seconds=7"), 0);
  assert_string_equal(options.recording, "dusk[0:62]");
  assert_int_equal(options.threads, 3);
  assert_int_equal(options.seconds, 7);
}

static void options_that_make_no_sense_are_refused(void **state) {
  (void)state;
  static const char *const lines[][2] = {{"--case", "20x"},    {"--case", "19x1024x2048/f64"},
                                         {"--threads", "0"},   {"--threads", "257"},
                                         {"--threads", "all"}, {"--seconds", "0"},
                                         {"--seconds", "-1"},  {"--explode", NULL},
                                         {"dusk", NULL},       {"--case", NULL}};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    bench_options options;
    assert_int_equal(READ(&options, lines[i][0], lines[i][1]), 2);
  }
}

static void every_case_has_a_name_of_its_own_that_finds_it_alone(void **state) {
  (void)state;
  for (size_t i = 0; i < BENCH_CASES; i++) {
    unsigned char marks[BENCH_CASES] = {0};
    bench_case bench = bench_case_at(i);
    bench_name name;
    assert_int_equal(bench_cases_mark(marks, bench_case_name(name, &bench)), 1);
    assert_int_equal(marks[i], 1);
    assert_int_equal(bench_case_bytes(&bench) / bench.classes % 64, 0); /* planes of whole lines */
  }
}

/* ---- More classes. */

static void draw_pixel(float *p, uint32_t seed) {
  float sum = 0.0f;
  for (uint32_t k = 0; k < CLASSES; k++) {
    float unit = scene_unit(scene_hash(seed, k, 1));
    p[k] = unit * unit * unit * unit;
    sum += p[k];
  }
  for (uint32_t k = 0; k < CLASSES; k++) {
    p[k] /= sum;
  }
}

static uint32_t argmax(const float *p, uint32_t classes) {
  uint32_t best = 0;
  for (uint32_t k = 1; k < classes; k++) {
    best = p[k] > p[best] ? k : best;
  }
  return best;
}

static void splitting_keeps_the_confidence_the_sums_and_whose_the_argmax_is(void **state) {
  (void)state;
  static const uint32_t finer[] = {19, 20, 66, 150, 1024};
  for (size_t i = 0; i < sizeof finer / sizeof *finer; i++) {
    for (uint32_t pixel = 0; pixel < PIXELS; pixel++) {
      float p[CLASSES];
      float to[1024];
      double sums[CLASSES] = {0.0};
      draw_pixel(p, pixel);
      bench_split(to, finer[i], p, CLASSES, pixel / 50, pixel);
      uint32_t before = argmax(p, CLASSES);
      uint32_t after = argmax(to, finer[i]);
      assert_int_equal(bench_split_parent(after, CLASSES), before);
      assert_true(to[after] == p[before]);
      for (uint32_t k = 0; k < finer[i]; k++) {
        assert_true(to[k] >= 0.0f);
        sums[bench_split_parent(k, CLASSES)] += (double)to[k];
      }
      for (uint32_t k = 0; k < CLASSES; k++) {
        assert_true(fabs(sums[k] - (double)p[k]) <= 1e-6 * (double)p[k]);
      }
    }
  }
}

static void a_split_in_no_more_classes_changes_nothing(void **state) {
  (void)state;
  float p[CLASSES];
  float to[CLASSES];
  draw_pixel(p, 7);
  bench_split(to, CLASSES, p, CLASSES, 1, 2);
  assert_memory_equal(to, p, sizeof p);
}

static void a_region_has_one_subclass_for_a_class_and_regions_differ(void **state) {
  (void)state;
  unsigned char seen[150] = {0};
  size_t drawn = 0;
  float p[CLASSES];
  float to[150];
  draw_pixel(p, 3);
  for (uint32_t region = 0; region < 200; region++) {
    bench_split(to, 150, p, CLASSES, region, 1);
    uint32_t first = argmax(to, 150);
    bench_split(to, 150, p, CLASSES, region, 2);
    assert_int_equal(argmax(to, 150), first);
    drawn += !seen[first];
    seen[first] = 1;
  }
  assert_in_range(drawn, 7, 8); /* class c of 19 has 7 or 8 of 150 */
}

/* ---- Tensors. */

/* A case of few pixels, as the recorded ones are. */
static bench_case small(uint32_t classes, lcal_type type, lcal_layout layout) {
  return (bench_case){.classes = classes,
                      .height = 16,
                      .width = 64,
                      .out_height = 16,
                      .out_width = 64,
                      .type = type,
                      .layout = layout,
                      .kind = LCAL_PROBABILITIES};
}

static void every_type_and_layout_makes_a_tensor_without_voids(void **state) {
  (void)state;
  bench_frames frames;
  lcal_calibrator *calibrator;
  void *pages;
  lcal_error error;
  assert_int_equal(bench_frames_open(&frames, NULL, CLASSES, &error), LCAL_OK);
  assert_int_equal(bench_pages_take(&pages, 16 * 64 * 150 * 4, &error), LCAL_OK);
  assert_int_equal((uintptr_t)pages % 64, 0);
  assert_int_equal(lcal_calibrator_create(&calibrator, 1, &error), LCAL_OK);
  for (int i = 0; i < 2 * LCAL_TYPE_COUNT * LCAL_LAYOUT_COUNT; i++) {
    bench_case bench = small(i % 2 ? 150 : CLASSES, (lcal_type)(i / 2 % LCAL_TYPE_COUNT),
                             (lcal_layout)(i / 2 / LCAL_TYPE_COUNT));
    lcal_tensor tensor;
    lcal_result result;
    assert_int_equal(bench_data_fill(&frames, &bench, pages, &tensor, &error), LCAL_OK);
    lcal_pass pass = {.tensor = &tensor, .sum_tolerance = BENCH_TOLERANCE};
    assert_int_equal(lcal_calibrate(calibrator, &pass, &result, &error), LCAL_OK);
    assert_int_equal(result.input_pixels, 16 * 64);
    assert_int_equal(result.input_voids, 0);
    assert_true(result.input_confidence > 0.3 * 16 * 64);
  }
  lcal_calibrator_destroy(calibrator);
  bench_pages_give(pages, 16 * 64 * 150 * 4);
  bench_frames_close(&frames);
}

static void an_upsampled_tensor_of_logits_is_timed_by_two_threads(void **state) {
  (void)state;
  bench_case bench = small(CLASSES, LCAL_F16, LCAL_CHW);
  bench_frames frames;
  lcal_coefficients *coefficients;
  bench_pool *pool;
  bench_result result;
  lcal_tensor tensor;
  void *pages;
  lcal_error error;
  bench.kind = LCAL_LOGITS;
  assert_int_equal(bench_frames_open(&frames, NULL, CLASSES, &error), LCAL_OK);
  frames.adapted = 2; /* that many are enough here */
  assert_int_equal(bench_data_adapt(&frames, CLASSES, &coefficients, &error), LCAL_OK);
  assert_int_equal(bench_pages_take(&pages, bench_case_bytes(&bench), &error), LCAL_OK);
  assert_int_equal(bench_data_fill(&frames, &bench, pages, &tensor, &error), LCAL_OK);
  assert_int_equal(bench_pool_create(&pool, 2, &error), LCAL_OK);
  assert_int_equal(bench_time(&result, &tensor, 48, 128, coefficients, pool, 0.0, &error), LCAL_OK);
  assert_int_equal(result.repetitions, BENCH_REPETITIONS_MIN);
  assert_true(result.certified_share > 0.0 && result.certified_share <= 1.0);
  for (unsigned m = 0; m < BENCH_MEASURES; m++) {
    assert_true(result.figure[m].median > 0.0 && result.figure[m].spread >= 0.0);
  }
  bench_pool_destroy(pool);
  bench_pages_give(pages, bench_case_bytes(&bench));
  lcal_coefficients_destroy(coefficients);
  bench_frames_close(&frames);
}

/* ---- Reading, threads, figures. */

static void every_way_of_reading_reads_every_word_once(void **state) {
  (void)state;
  enum { PLANES = 3, WORDS = 64 * 8 * 37 }; /* whole lines, but no whole runs */
  uint64_t *words = aligned_alloc(64, PLANES * WORDS * sizeof *words);
  uint64_t total = 0;
  assert_non_null(words);
  for (uint32_t i = 0; i < PLANES * WORDS; i++) {
    words[i] = (uint64_t)scene_hash(1, i, 2) << 20;
    total += words[i];
  }
  for (unsigned way = 0; way < BENCH_READS; way++) {
    for (uint32_t pieces = 1; pieces < 70; pieces += 23) {
      bench_bytes bytes = {words, WORDS * sizeof *words, PLANES, pieces};
      uint64_t sum = 0;
      for (uint32_t piece = 0; piece < pieces; piece++) {
        sum += bench_read_at(way)(&bytes, piece);
      }
      assert_true(sum == total);
    }
  }
  free(words);
}

static void count_item(void *context, uint32_t item, uint32_t thread) {
  atomic_uint *counts = context;
  assert_true(thread < 3);
  atomic_fetch_add(&counts[item], 1);
}

static void a_pool_works_on_each_item_once_and_returns_when_all_are_done(void **state) {
  (void)state;
  bench_pool *pool;
  lcal_error error;
  assert_int_equal(bench_pool_create(&pool, 3, &error), LCAL_OK);
  for (unsigned round = 0; round < 300; round++) {
    atomic_uint counts[40] = {0};
    bench_pool_run(pool, count_item, counts, round % 41);
    for (unsigned i = 0; i < 40; i++) {
      assert_int_equal(atomic_load(&counts[i]), i < round % 41 ? 1 : 0);
    }
  }
  bench_pool_destroy(pool);
}

static void a_figure_is_the_median_and_half_of_what_lies_between_the_quartiles(void **state) {
  (void)state;
  double odd[] = {9.0, 1.0, 2.0, 4.0, 3.0};
  double even[] = {4.0, 1.0, 2.0, 3.0};
  double one[] = {5.0};
  bench_figure figure = bench_figure_of(odd, 5);
  assert_true(figure.median == 3.0);
  assert_true(fabs(figure.spread - 1.0 / 3.0) < 1e-12); /* 2 and 4 */
  assert_true(bench_figure_of(even, 4).median == 2.5);
  assert_true(bench_figure_of(one, 1).median == 5.0 && bench_figure_of(one, 1).spread == 0.0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_options_every_case_is_measured_for_two_minutes),
      cmocka_unit_test(cases_are_picked_by_the_beginning_of_their_names),
      cmocka_unit_test(the_other_options_are_taken_as_they_are),
      cmocka_unit_test(options_that_make_no_sense_are_refused),
      cmocka_unit_test(every_case_has_a_name_of_its_own_that_finds_it_alone),
      cmocka_unit_test(splitting_keeps_the_confidence_the_sums_and_whose_the_argmax_is),
      cmocka_unit_test(a_split_in_no_more_classes_changes_nothing),
      cmocka_unit_test(a_region_has_one_subclass_for_a_class_and_regions_differ),
      cmocka_unit_test(every_type_and_layout_makes_a_tensor_without_voids),
      cmocka_unit_test(an_upsampled_tensor_of_logits_is_timed_by_two_threads),
      cmocka_unit_test(every_way_of_reading_reads_every_word_once),
      cmocka_unit_test(a_pool_works_on_each_item_once_and_returns_when_all_are_done),
      cmocka_unit_test(a_figure_is_the_median_and_half_of_what_lies_between_the_quartiles),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
