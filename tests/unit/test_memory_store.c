/* Memory that runs out in the store and in recordings: a snapshot is whole or not there, a bank
 * loads the generation it should or none, a recording keeps its class list. */
#include "allocations.h"
#include "folder.h"
#include "snapshots.h"
#include "store/directory.h"

#include <labelcal/client.h>
#include <labelcal/recording.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static lcal_snapshot *made; /* of model m, 3 classes, two domains with windows */

static struct {
  uint8_t *bytes;
  size_t length;
} file; /* what it is as a file */

static int set_up(void **state) {
  (void)state;
  folder_make();
  made = snapshot_make(3, 2, 2);
  file.bytes = snapshot_bytes(made, &file.length);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  free(file.bytes);
  snapshot_free(made);
  folder_remove();
  return 0;
}

static lcal_status encode(void *context, lcal_error *error) {
  (void)context;
  uint8_t *bytes = NULL;
  size_t length = 77;
  lcal_status status = lcal_snapshot_encode(made, &bytes, &length, error);
  assert_true(status == LCAL_OK || (!bytes && length == 77));
  free(bytes);
  return status;
}

static lcal_status decode(void *context, lcal_error *error) {
  (void)context;
  lcal_snapshot *snapshot = NULL;
  lcal_status status = lcal_snapshot_decode(&snapshot, file.bytes, file.length, error);
  assert_true((status == LCAL_OK) == (snapshot != NULL));
  lcal_snapshot_destroy(snapshot);
  return status;
}

static void a_snapshot_is_coded_whole_or_not_at_all(void **state) {
  (void)state;
  assert_int_equal(every_allocation_fails(encode, NULL), 1);
  /* The whole, classes, domains twice, and of each domain: statistics, two arrays, two sets. */
  assert_int_equal(every_allocation_fails(decode, NULL), 1 + 1 + 1 + 2 + 2 * 5);
}

static lcal_status save(void *context, lcal_error *error) {
  (void)context;
  lcal_status status = lcal_snapshot_save(made, folder_path("a.snapshot"), error);
  assert_int_equal(folder_has("a.snapshot"), status == LCAL_OK);
  unlink(folder_path("a.snapshot"));
  return status;
}

static lcal_status load(void *context, lcal_error *error) {
  lcal_snapshot *snapshot = NULL;
  lcal_status status = lcal_snapshot_load(&snapshot, context, error);
  assert_true((status == LCAL_OK) == (snapshot != NULL));
  lcal_snapshot_destroy(snapshot);
  return status;
}

static void a_snapshot_file_is_there_whole_or_not_at_all(void **state) {
  (void)state;
  char path[256];
  assert_int_equal(every_allocation_fails(save, NULL), 2);
  snprintf(path, sizeof path, "%s", folder_path("b.snapshot"));
  assert_int_equal(lcal_snapshot_save(made, path, NULL), LCAL_OK);
  assert_true(every_allocation_fails(load, path) > 10);
}

static void count_broken(void *context, uint64_t generation, const char *sentence) {
  unsigned *broken = context;
  assert_int_equal(generation, 2);
  assert_non_null(strstr(sentence, "snapshot"));
  ++*broken;
}

/* Puts a generation, or its first `length` bytes, into the bank's folder. */
static void put_generation(uint64_t number, size_t length) {
  char name[64];
  snprintf(name, sizeof name, "default/%012llu.snapshot", (unsigned long long)number);
  folder_write(name, file.bytes, length ? length : file.length);
}

/* What a start does to a bank whose newest generation, 2, is cut off: it loads 1. */
static lcal_status start(void *context, lcal_error *error) {
  (void)context;
  struct lcal__directory *directory = NULL;
  lcal_snapshot *snapshot = NULL;
  unsigned broken = 0;
  lcal_status status =
      lcal__directory_open(&directory, folder_path(""), "default", "m", 3, made->classes, error);
  assert_true((status == LCAL_OK) == (directory != NULL));
  if (status == LCAL_OK) {
    status = lcal__directory_newest(directory, false, &snapshot, error);
    assert_true((status == LCAL_OK) == (snapshot != NULL));
  }
  /* A start that failed renames nothing. */
  assert_true(folder_has("default/000000000002.snapshot"));
  if (status == LCAL_OK) {
    assert_snapshots_equal(snapshot, made);
    status = lcal__directory_settle(directory, count_broken, &broken, error);
    assert_int_equal(broken, 1);
    assert_true(folder_has("default/000000000002.snapshot.broken"));
    assert_int_equal(rename(folder_path("default/000000000002.snapshot.broken"),
                            folder_path("default/000000000002.snapshot")),
                     0);
  }
  lcal_snapshot_destroy(snapshot);
  lcal__directory_close(directory);
  return status;
}

static struct lcal__directory *open_settled(void) {
  struct lcal__directory *directory = NULL;
  unsigned broken = 0;
  assert_int_equal(
      lcal__directory_open(&directory, folder_path(""), "default", "m", 3, made->classes, NULL),
      LCAL_OK);
  assert_int_equal(lcal__directory_settle(directory, count_broken, &broken, NULL), LCAL_OK);
  return directory;
}

static void a_bank_starts_from_the_right_generation_or_not_at_all(void **state) {
  (void)state;
  lcal__directory_close(open_settled()); /* makes the folder */
  put_generation(1, 0);
  put_generation(2, 40);
  assert_true(every_allocation_fails(start, NULL) > 20);
}

/* Writes generation 3 of three, of which only the newest is kept. */
static lcal_status write_generation(void *context, lcal_error *error) {
  const struct lcal__directory *directory = context;
  static const struct lcal__retention keep_one = {.keep = 1};
  put_generation(1, 0);
  put_generation(2, 0);
  unlink(folder_path("default/000000000003.snapshot"));
  lcal_status status =
      lcal__directory_write(directory, 3, "any bytes", 9, &keep_one, NULL, NULL, error);
  assert_true(folder_has("default/000000000003.snapshot"));
  /* Pruning may wait; it never takes what it could not look at. */
  assert_true(folder_has("default/000000000002.snapshot"));
  return status;
}

static lcal_status list_generations(void *context, lcal_error *error) {
  const struct lcal__directory *directory = context;
  struct lcal__generation_row *rows = NULL;
  size_t count = 0;
  lcal_status status = lcal__directory_list(directory, &rows, &count, error);
  if (status == LCAL_OK) {
    assert_int_equal(count, 2);
    assert_true(rows[0].generation == 1 && rows[1].generation == 2);
  }
  free(rows);
  return status;
}

static lcal_status load_generation(void *context, lcal_error *error) {
  const struct lcal__directory *directory = context;
  lcal_snapshot *snapshot = NULL;
  lcal_status status = lcal__directory_load(directory, 1, &snapshot, error);
  assert_true((status == LCAL_OK) == (snapshot != NULL));
  lcal_snapshot_destroy(snapshot);
  /* A rollback has one code; its sentence says that it was memory. */
  if (status == LCAL_BAD_GENERATION) {
    assert_non_null(strstr(error->message, "memory"));
    return lcal_error_set(error, LCAL_MEMORY, "as expected");
  }
  return status;
}

static void generations_are_written_listed_and_loaded_or_stay_as_they_are(void **state) {
  (void)state;
  struct lcal__directory *directory = open_settled();
  put_generation(1, 0);
  put_generation(2, 0);
  assert_true(every_allocation_may_fail(list_generations, directory) > 2);
  assert_true(every_allocation_fails(load_generation, directory) > 10);
  assert_true(every_allocation_may_fail(write_generation, directory) > 2);
  lcal__directory_close(directory);
}

static const char *const names[] = {"road", "sky"};
static const uint32_t evaluated[] = {0, 1};

/* Records one frame, then reads the folder back. */
static lcal_status record(void *context, lcal_error *error) {
  (void)context;
  static const uint8_t values[] = {255, 0, 0, 255};
  const lcal_recording_meta meta = {.class_count = 2,
                                    .classes = names,
                                    .kind = LCAL_PROBABILITIES,
                                    .type = LCAL_U8,
                                    .layout = LCAL_CHW,
                                    .fps = 10,
                                    .ignore_label = 255,
                                    .evaluate = evaluated,
                                    .evaluate_count = 2};
  lcal_tensor tensor;
  lcal_recorder *recorder = NULL;
  lcal_recording *recording = NULL;
  assert_int_equal(lcal_tensor_init(&tensor, (uint32_t[]){2, 1, 2}, LCAL_CHW, LCAL_U8,
                                    LCAL_PROBABILITIES, values, sizeof values, NULL),
                   LCAL_OK);
  lcal_status status = lcal_recorder_create(&recorder, folder_path("r"), &meta, 1, 2, 0, 0, error);
  assert_true((status == LCAL_OK) == (recorder != NULL));
  if (status == LCAL_OK) {
    assert_int_equal(lcal_recorder_append(recorder, &tensor, NULL, NULL), LCAL_OK);
    assert_int_equal(lcal_recorder_finish(recorder, NULL), LCAL_OK);
    status = lcal_recording_open(&recording, folder_path("r"), error);
    assert_true((status == LCAL_OK) == (recording != NULL));
  }
  if (status == LCAL_OK) {
    const lcal_recording_meta *read = lcal_recording_meta_of(recording);
    assert_true(read->class_count == 2 && read->evaluate_count == 2);
    assert_string_equal(read->classes[1], "sky");
    lcal_recording_close(recording);
  }
  unlink(folder_path("r/probs.npy"));
  unlink(folder_path("r/meta.json"));
  return status;
}

static lcal_status score(void *context, lcal_error *error) {
  const lcal_recording_meta meta = {
      .class_count = 2, .classes = names, .evaluate = evaluated, .evaluate_count = 2};
  lcal_score *scored = context;
  lcal_status status = lcal_score_create(&scored, &meta, error);
  if (status == LCAL_OK) {
    lcal_score_destroy(scored);
  } else {
    assert_ptr_equal(scored, context);
  }
  return status;
}

static void a_recording_is_written_and_read_whole_or_not_at_all(void **state) {
  (void)state;
  assert_true(every_allocation_fails(record, NULL) > 20);
  assert_int_equal(every_allocation_fails(score, NULL), 3);
}

static lcal_status make_client(void *context, lcal_error *error) {
  lcal_client *client = NULL;
  lcal_status status = lcal_client_create(&client, context, error);
  assert_true((status == LCAL_OK) == (client != NULL));
  lcal_client_destroy(client);
  return status;
}

static void a_client_is_made_whole_or_not_at_all(void **state) {
  (void)state;
  lcal_client_options options = {.runtime_dir = "/nowhere"};
  assert_int_equal(every_allocation_fails(make_client, &options), 1 + LCAL_SOCKET_COUNT);
  options.url[LCAL_SOCKET_STATE] = "tcp://127.0.0.1:1";
  assert_int_equal(every_allocation_fails(make_client, &options), 1 + LCAL_SOCKET_COUNT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_snapshot_is_coded_whole_or_not_at_all, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_snapshot_file_is_there_whole_or_not_at_all, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_bank_starts_from_the_right_generation_or_not_at_all, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(generations_are_written_listed_and_loaded_or_stay_as_they_are,
                                      set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_recording_is_written_and_read_whole_or_not_at_all, set_up,
                                      tear_down),
      cmocka_unit_test(a_client_is_made_whole_or_not_at_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
