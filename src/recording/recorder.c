#include "recording/meta.h"
#include "recording/npy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARTIAL ".partial"

/* One array being written: its header is written again with the frame count at the end. */
struct array {
  const char *name, *partial;
  const char *descr;
  size_t shape[LCAL__NPY_DIMENSIONS];
  size_t dimensions;
  size_t frame_bytes;
  FILE *file; /* NULL: not part of this recording */
};

struct lcal_recorder {
  char *directory;
  int directory_fd;
  lcal_kind kind;
  lcal_type type;
  lcal_layout layout;
  uint32_t classes, height, width;
  struct array probs, truth;
  FILE *meta;
  size_t frames; /* whole ones */
};

static lcal_status cannot(const lcal_recorder *recorder, const char *what, const char *name,
                          lcal_error *error) {
  return lcal_error_set(error, errno == ENOMEM ? LCAL_MEMORY : LCAL_SYSTEM,
                        "%s/%s: cannot be %s: %s", recorder->directory, name, what,
                        strerror(errno));
}

/* A new file, never one that is there already. */
static lcal_status create_file(lcal_recorder *recorder, const char *name, FILE **file,
                               lcal_error *error) {
  int fd = openat(recorder->directory_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                  0666);
  *file = fd < 0 ? NULL : fdopen(fd, "w+");
  if (!*file) {
    lcal_status status = cannot(recorder, "created", name, error);
    if (fd >= 0) {
      close(fd);
      unlinkat(recorder->directory_fd, name, 0);
    }
    return status;
  }
  return LCAL_OK;
}

static int write_header(struct array *array, size_t frames) {
  char header[LCAL__NPY_HEADER];
  array->shape[0] = frames;
  lcal__npy_header(header, array->descr, array->shape, array->dimensions);
  return fwrite(header, sizeof header, 1, array->file) == 1;
}

static lcal_status start_array(lcal_recorder *recorder, struct array *array, lcal_error *error) {
  lcal_status status = create_file(recorder, array->partial, &array->file, error);
  if (status != LCAL_OK) {
    return status;
  }
  /* Frames are large; and what a full disk refused must not come again when finishing. */
  setvbuf(array->file, NULL, _IONBF, 0);
  return write_header(array, 0) ? LCAL_OK : cannot(recorder, "written", array->partial, error);
}

static lcal_status start_files(lcal_recorder *recorder, const lcal_recording_meta *meta,
                               lcal_error *error) {
  lcal_status status = create_file(recorder, "meta.json" PARTIAL, &recorder->meta, error);
  if (status == LCAL_OK && lcal__meta_write(meta, recorder->meta) != 0) {
    status = cannot(recorder, "written", "meta.json" PARTIAL, error);
  }
  if (status == LCAL_OK) {
    status = start_array(recorder, &recorder->probs, error);
  }
  if (status == LCAL_OK && recorder->truth.frame_bytes > 0) {
    status = start_array(recorder, &recorder->truth, error);
  }
  return status;
}

/* Makes the folder if it is missing and refuses one that holds a recording, or part of one. */
static lcal_status open_directory(lcal_recorder *recorder, lcal_error *error) {
  static const char *const names[] = {"meta.json",         "probs.npy",
                                      "labels.npy",        "meta.json" PARTIAL,
                                      "probs.npy" PARTIAL, "labels.npy" PARTIAL};
  const char *directory = recorder->directory;
  if (mkdir(directory, 0777) != 0 && errno != EEXIST) {
    return lcal_error_set(error, LCAL_SYSTEM, "%s: cannot be created: %s", directory,
                          strerror(errno));
  }
  recorder->directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (recorder->directory_fd < 0) {
    return lcal_error_set(error, LCAL_SYSTEM, "%s: cannot be opened: %s", directory,
                          strerror(errno));
  }
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (faccessat(recorder->directory_fd, names[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
      return lcal_error_set(error, LCAL_ARGUMENT,
                            "%s: holds %s already; name another folder or remove it", directory,
                            names[i]);
    }
  }
  return LCAL_OK;
}

/* Frees without finishing; what was written so far goes. */
static void abandon(lcal_recorder *recorder) {
  const struct array *const arrays[] = {&recorder->probs, &recorder->truth};
  for (int i = 0; i < 2; i++) {
    if (arrays[i]->file) {
      fclose(arrays[i]->file);
      unlinkat(recorder->directory_fd, arrays[i]->partial, 0);
    }
  }
  if (recorder->meta) {
    fclose(recorder->meta);
    unlinkat(recorder->directory_fd, "meta.json" PARTIAL, 0);
  }
  if (recorder->directory_fd >= 0) {
    close(recorder->directory_fd);
  }
  free(recorder->directory);
  free(recorder);
}

static void shape_arrays(lcal_recorder *recorder, uint32_t truth_height, uint32_t truth_width) {
  static const char *const descr_of_type[LCAL_TYPE_COUNT] = {
      [LCAL_F32] = "<f4", [LCAL_F16] = "<f2", [LCAL_BF16] = "<u2", [LCAL_U8] = "|u1"};
  struct array *probs = &recorder->probs;
  struct array *truth = &recorder->truth;
  int chw = recorder->layout == LCAL_CHW;
  probs->name = "probs.npy";
  probs->partial = "probs.npy" PARTIAL;
  probs->descr = descr_of_type[recorder->type];
  probs->dimensions = 4;
  probs->shape[chw ? 1 : 3] = recorder->classes;
  probs->shape[chw ? 2 : 1] = recorder->height;
  probs->shape[chw ? 3 : 2] = recorder->width;
  truth->name = "labels.npy";
  truth->partial = "labels.npy" PARTIAL;
  truth->descr = "|u1";
  truth->dimensions = 3;
  truth->shape[1] = truth_height;
  truth->shape[2] = truth_width;
  truth->frame_bytes = (size_t)truth_height * truth_width;
}

lcal_status lcal_recorder_create(lcal_recorder **recorder, const char *directory,
                                 const lcal_recording_meta *meta, uint32_t height, uint32_t width,
                                 uint32_t truth_height, uint32_t truth_width, lcal_error *error) {
  lcal_status status = lcal__meta_check(meta, directory, LCAL_ARGUMENT, error);
  size_t frame_bytes = 0;
  if (status != LCAL_OK) {
    return status;
  }
  if (height == 0 || width == 0 || (truth_height == 0) != (truth_width == 0) ||
      !lcal_tensor_bytes(meta->class_count, height, width, meta->type, &frame_bytes)) {
    return lcal_error_set(error, LCAL_ARGUMENT, "%s: frames of %u x %u cannot be recorded",
                          directory, height, width);
  }
  lcal_recorder *made = calloc(1, sizeof *made);
  if (!made || !(made->directory = strdup(directory))) {
    free(made);
    return lcal_error_set(error, LCAL_MEMORY, "no memory to record to %s", directory);
  }
  made->directory_fd = -1;
  made->kind = meta->kind;
  made->type = meta->type;
  made->layout = meta->layout;
  made->classes = meta->class_count;
  made->height = height;
  made->width = width;
  made->probs.frame_bytes = frame_bytes;
  shape_arrays(made, truth_height, truth_width);
  status = open_directory(made, error);
  if (status == LCAL_OK) {
    status = start_files(made, meta, error);
  }
  if (status != LCAL_OK) {
    abandon(made);
    return status;
  }
  *recorder = made;
  return LCAL_OK;
}

/* The tensor's values as a dense array: planes (CHW) or pixels (HWC) may lie apart. */
static int write_tensor(const lcal_tensor *tensor, FILE *file) {
  size_t pixels = (size_t)tensor->height * tensor->width;
  int chw = tensor->layout == LCAL_CHW;
  size_t value = lcal_type_size(tensor->type);
  size_t run = (chw ? pixels : tensor->classes) * value;
  size_t runs = chw ? tensor->classes : pixels;
  const uint8_t *at = tensor->data;
  for (size_t i = 0; i < runs; i++, at += tensor->stride * value) {
    if (fwrite(at, run, 1, file) != 1) {
      return 0;
    }
  }
  return 1;
}

lcal_status lcal_recorder_append(lcal_recorder *recorder, const lcal_tensor *tensor,
                                 const uint8_t *truth, lcal_error *error) {
  struct array *labels = &recorder->truth;
  if (tensor->classes != recorder->classes || tensor->height != recorder->height ||
      tensor->width != recorder->width || tensor->layout != recorder->layout ||
      tensor->type != recorder->type || tensor->kind != recorder->kind) {
    return lcal_error_set(error, LCAL_ARGUMENT, "%s: a frame of another shape or type",
                          recorder->directory);
  }
  if ((truth != NULL) != (labels->file != NULL)) {
    return lcal_error_set(error, LCAL_ARGUMENT, "%s: a frame %s labels", recorder->directory,
                          truth ? "with unexpected" : "without its");
  }
  if (!write_tensor(tensor, recorder->probs.file)) {
    return cannot(recorder, "written", recorder->probs.partial, error);
  }
  if (truth && fwrite(truth, labels->frame_bytes, 1, labels->file) != 1) {
    return cannot(recorder, "written", labels->partial, error);
  }
  recorder->frames++;
  return LCAL_OK;
}

/* Cuts what a failed append left behind, writes the frame count and closes. */
static lcal_status finish_array(lcal_recorder *recorder, struct array *array, lcal_error *error) {
  size_t bytes = LCAL__NPY_HEADER + recorder->frames * array->frame_bytes;
  clearerr(array->file);
  int good = ftruncate(fileno(array->file), (off_t)bytes) == 0 &&
             fseeko(array->file, 0, SEEK_SET) == 0 && write_header(array, recorder->frames);
  lcal_status status = good ? LCAL_OK : cannot(recorder, "finished", array->partial, error);
  if (fclose(array->file) != 0 && status == LCAL_OK) {
    status = cannot(recorder, "closed", array->partial, error);
  }
  array->file = NULL;
  return status;
}

static lcal_status rename_file(lcal_recorder *recorder, const char *partial, const char *name,
                               lcal_error *error) {
  if (renameat(recorder->directory_fd, partial, recorder->directory_fd, name) != 0) {
    return cannot(recorder, "renamed", partial, error);
  }
  return LCAL_OK;
}

lcal_status lcal_recorder_finish(lcal_recorder *recorder, lcal_error *error) {
  int labelled = recorder->truth.file != NULL;
  lcal_status status = finish_array(recorder, &recorder->probs, error);
  if (labelled) {
    lcal_status labels = finish_array(recorder, &recorder->truth, status == LCAL_OK ? error : NULL);
    status = status == LCAL_OK ? labels : status;
  }
  if (fclose(recorder->meta) != 0 && status == LCAL_OK) {
    status = cannot(recorder, "closed", "meta.json" PARTIAL, error);
  }
  recorder->meta = NULL;
  if (status == LCAL_OK) {
    status = rename_file(recorder, recorder->probs.partial, recorder->probs.name, error);
  }
  if (status == LCAL_OK && labelled) {
    status = rename_file(recorder, recorder->truth.partial, recorder->truth.name, error);
  }
  if (status == LCAL_OK) { /* last: a folder is a recording when it has a meta.json */
    status = rename_file(recorder, "meta.json" PARTIAL, "meta.json", error);
  }
  abandon(recorder);
  return status;
}
