#include "recording/meta.h"
#include "recording/npy.h"
#include "recording/slice.h"

#include <labelcal/recording.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct lcal_recording {
  struct lcal__meta meta;
  struct lcal__npy probs, labels; /* labels.data = NULL: there are none */
  uint32_t shape[3];              /* of a frame, as the layout says */
  uint32_t height, width;
  uint32_t truth_height, truth_width;
  size_t frame_bytes, truth_bytes;
  size_t first; /* the slice: frames first, first + step ... */
  int64_t step;
  size_t frames;
};

/* The type of values as numpy calls it; bfloat16, which numpy lacks, travels as u16. */
static const char *const descr_of_type[LCAL_TYPE_COUNT] = {
    [LCAL_F32] = "<f4", [LCAL_F16] = "<f2", [LCAL_BF16] = "<u2", [LCAL_U8] = "|u1"};

/* Checks probs.npy against meta.json; every frame then is a valid tensor. */
static lcal_status check_probs(lcal_recording *recording, const char *directory,
                               lcal_error *error) {
  const lcal_recording_meta *meta = &recording->meta.meta;
  const struct lcal__npy *probs = &recording->probs;
  const char *descr = descr_of_type[meta->type];
  if (strcmp(probs->descr, descr) != 0) {
    return lcal_error_set(error, LCAL_BAD_DATA,
                          "%s/probs.npy: holds %s, but `type` %s of meta.json is %s", directory,
                          probs->descr, lcal_type_word(meta->type), descr);
  }
  if (probs->dimensions != 4) {
    return lcal_error_set(error, LCAL_BAD_DATA, "%s/probs.npy: has %zu dimensions, not 4",
                          directory, probs->dimensions);
  }
  int chw = meta->layout == LCAL_CHW;
  for (size_t d = 0; d < 3; d++) {
    if (probs->shape[d + 1] == 0 || probs->shape[d + 1] > INT32_MAX) {
      return lcal_error_set(error, LCAL_BAD_DATA, "%s/probs.npy: its frames have a side of %zu",
                            directory, probs->shape[d + 1]);
    }
    recording->shape[d] = (uint32_t)probs->shape[d + 1];
  }
  if (recording->shape[chw ? 0 : 2] != meta->class_count) {
    return lcal_error_set(error, LCAL_BAD_DATA,
                          "%s/probs.npy: its frames have %u classes, meta.json names %u", directory,
                          recording->shape[chw ? 0 : 2], meta->class_count);
  }
  recording->height = recording->shape[chw ? 1 : 0];
  recording->width = recording->shape[chw ? 2 : 1];
  if (!lcal_tensor_bytes(meta->class_count, recording->height, recording->width, meta->type,
                         &recording->frame_bytes)) {
    return lcal_error_set(error, LCAL_BAD_DATA, "%s/probs.npy: its frames are larger than memory",
                          directory);
  }
  return LCAL_OK;
}

static lcal_status check_labels(lcal_recording *recording, const char *directory,
                                lcal_error *error) {
  const struct lcal__npy *labels = &recording->labels;
  if (strcmp(labels->descr, "|u1") != 0 || labels->dimensions != 3) {
    return lcal_error_set(error, LCAL_BAD_DATA, "%s/labels.npy: is not u8 of 3 dimensions",
                          directory);
  }
  if (labels->shape[0] != recording->probs.shape[0]) {
    return lcal_error_set(error, LCAL_BAD_DATA, "%s/labels.npy: has %zu frames, probs.npy %zu",
                          directory, labels->shape[0], recording->probs.shape[0]);
  }
  /* Label maps are made at the truth's size, and they are never made smaller than the input. */
  int same = labels->shape[1] == recording->height && labels->shape[2] == recording->width;
  if (!same && (labels->shape[1] < recording->height || labels->shape[2] < recording->width ||
                labels->shape[1] > LCAL_SIDE_MAX || labels->shape[2] > LCAL_SIDE_MAX)) {
    return lcal_error_set(error, LCAL_BAD_DATA,
                          "%s/labels.npy: %zu x %zu is neither the frames' %u x %u nor larger (up "
                          "to 8192)",
                          directory, labels->shape[1], labels->shape[2], recording->height,
                          recording->width);
  }
  recording->truth_height = (uint32_t)labels->shape[1];
  recording->truth_width = (uint32_t)labels->shape[2];
  recording->truth_bytes = labels->shape[1] * labels->shape[2];
  return LCAL_OK;
}

static lcal_status open_files(lcal_recording *recording, int fd, const char *directory,
                              lcal_error *error) {
  int missing = 0;
  lcal_status status = lcal__meta_read(&recording->meta, fd, directory, error);
  if (status == LCAL_OK) {
    status = lcal__npy_open(&recording->probs, fd, directory, "probs.npy", NULL, error);
  }
  if (status == LCAL_OK) {
    status = check_probs(recording, directory, error);
  }
  if (status != LCAL_OK) {
    return status;
  }
  status = lcal__npy_open(&recording->labels, fd, directory, "labels.npy", &missing, error);
  if (missing) {
    return LCAL_OK;
  }
  return status == LCAL_OK ? check_labels(recording, directory, error) : status;
}

static lcal_status open_directory(lcal_recording *recording, const char *directory,
                                  const struct lcal__slice *slice, lcal_error *error) {
  int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return lcal_error_set(error, LCAL_BAD_DATA, "%s: cannot be opened as a recording: %s",
                          directory, strerror(errno));
  }
  lcal_status status = open_files(recording, fd, directory, error);
  close(fd);
  if (status == LCAL_OK) {
    lcal__slice_resolve(slice, recording->probs.shape[0], &recording->first, &recording->step,
                        &recording->frames);
  }
  return status;
}

/* A folder whose own name ends in brackets is itself, not a slice. */
static int is_directory(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

lcal_status lcal_recording_open(lcal_recording **recording, const char *path, lcal_error *error) {
  struct lcal__slice slice = {.step = 1};
  size_t name_length = strlen(path);
  if (!is_directory(path)) {
    lcal_status status = lcal__slice_parse(&slice, path, &name_length, error);
    if (status != LCAL_OK) {
      return status;
    }
  }
  char *directory = strndup(path, name_length);
  lcal_recording *opened = calloc(1, sizeof *opened);
  if (!directory || !opened) {
    free(directory);
    free(opened);
    return lcal_error_set(error, LCAL_MEMORY, "no memory to open %s", path);
  }
  lcal_status status = open_directory(opened, directory, &slice, error);
  free(directory);
  if (status != LCAL_OK) {
    lcal_recording_close(opened);
    return status;
  }
  *recording = opened;
  return LCAL_OK;
}

void lcal_recording_close(lcal_recording *recording) {
  if (recording) {
    lcal__npy_close(&recording->probs);
    lcal__npy_close(&recording->labels);
    lcal__meta_free(&recording->meta);
    free(recording);
  }
}

const lcal_recording_meta *lcal_recording_meta_of(const lcal_recording *recording) {
  return &recording->meta.meta;
}

size_t lcal_recording_frames(const lcal_recording *recording) {
  return recording->frames;
}

/* The place in the files of frame i of the slice. */
static size_t position(const lcal_recording *recording, size_t i) {
  return recording->first + i * (size_t)recording->step; /* wraps as intended for step < 0 */
}

lcal_status lcal_recording_frame(const lcal_recording *recording, size_t i, lcal_tensor *tensor,
                                 lcal_error *error) {
  const lcal_recording_meta *meta = &recording->meta.meta;
  if (i >= recording->frames) {
    return lcal_error_set(error, LCAL_ARGUMENT, "frame %zu of a recording of %zu", i,
                          recording->frames);
  }
  return lcal_tensor_init(tensor, recording->shape, meta->layout, meta->type, meta->kind,
                          recording->probs.data + position(recording, i) * recording->frame_bytes,
                          recording->frame_bytes, error);
}

const uint8_t *lcal_recording_truth(const lcal_recording *recording, size_t i, uint32_t *height,
                                    uint32_t *width) {
  if (!recording->labels.data || i >= recording->frames) {
    return NULL;
  }
  *height = recording->truth_height;
  *width = recording->truth_width;
  return recording->labels.data + position(recording, i) * recording->truth_bytes;
}
