/* meta.json of recordings, read from a file as it always is. */
#include "fuzz.h"
#include "recording.h"

#include "recording/meta.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static int folder_fd(void) {
  static int fd = -1;
  if (fd < 0) {
    fd = open(recording_folder(), O_RDONLY | O_DIRECTORY);
    REQUIRE(fd >= 0);
  }
  return fd;
}

static void require_same(const lcal_recording_meta *a, const lcal_recording_meta *b) {
  REQUIRE(a->class_count == b->class_count);
  for (uint32_t i = 0; i < a->class_count; i++) {
    REQUIRE(strcmp(a->classes[i], b->classes[i]) == 0);
  }
  REQUIRE(a->kind == b->kind && a->type == b->type && a->layout == b->layout);
  REQUIRE(a->fps == b->fps && a->ignore_label == b->ignore_label);
  REQUIRE(strcmp(a->model, b->model) == 0 && strcmp(a->source, b->source) == 0);
  REQUIRE((a->evaluate == NULL) == (b->evaluate == NULL) && a->evaluate_count == b->evaluate_count);
  for (uint32_t i = 0; i < a->evaluate_count; i++) {
    REQUIRE(a->evaluate[i] == b->evaluate[i]);
  }
}

/* What was read can be written, and reads back the same. */
static void write_again(const struct lcal__meta *meta) {
  struct lcal__meta again;
  lcal_error error;
  char *text = NULL;
  size_t length = 0;
  FILE *file = open_memstream(&text, &length);
  REQUIRE(file != NULL && lcal__meta_write(&meta->meta, file) == 0 && fclose(file) == 0);
  recording_write(RECORDING_META, text, length);
  REQUIRE(lcal__meta_read(&again, folder_fd(), "recording", &error) == LCAL_OK);
  require_same(&meta->meta, &again.meta);
  lcal__meta_free(&again);
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct lcal__meta meta;
  lcal_error error;
  recording_write(RECORDING_META, data, size);
  lcal_status status = lcal__meta_read(&meta, folder_fd(), "recording", &error);
  if (status != LCAL_OK) {
    fuzz_refused(status, &error, CODE(BAD_DATA));
    return 0;
  }
  REQUIRE(lcal__meta_check(&meta.meta, "recording", LCAL_BAD_DATA, &error) == LCAL_OK);
  write_again(&meta);
  lcal__meta_free(&meta);
  return 0;
}
