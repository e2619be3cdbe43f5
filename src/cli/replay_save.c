#include "cli/replay_save.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* directory/name, for the caller to free(). */
static char *path_of(const char *directory, const char *name, const char *ending) {
  size_t size = strlen(directory) + strlen(name) + strlen(ending) + 2;
  char *path = malloc(size);
  if (path) {
    snprintf(path, size, "%s/%s%s", directory, name, ending);
  }
  return path;
}

static json_t *meta_json(const replay_result *result, const char *source) {
  const lcal_recording_meta *meta = lcal_recording_meta_of(result->recording);
  json_t *classes = json_array();
  for (uint32_t k = 0; k < meta->class_count; k++) {
    json_array_append_new(classes, json_string(meta->classes[k]));
  }
  return json_pack("{s:o,s:s,s:s,s:f,s:s,s:s,s:s,s:s,s:i}", "classes", classes, "model",
                   meta->model, "source", source, "fps", meta->fps, "stream", result->stream,
                   "bank", result->bank, "domain", result->domain, "rule", result->rule,
                   "void_label", lcal_label_void(meta->class_count));
}

static lcal_status exists(const char *path, lcal_error *error) {
  return lcal_error_set(error, LCAL_ARGUMENT,
                        "%s is there already, and no result is written over anything: name another "
                        "directory",
                        path);
}

/* Only as a new file. */
static lcal_status write_meta(const char *path, const json_t *object, lcal_error *error) {
  FILE *file = fopen(path, "wxe");
  if (!file && errno == EEXIST) {
    return exists(path, error);
  }
  if (!file) {
    return lcal_error_set(error, LCAL_SYSTEM, "%s: cannot be written: %s", path, strerror(errno));
  }
  int failed = json_dumpf(object, file, JSON_INDENT(2)) != 0 || fputc('\n', file) == EOF;
  failed |= fclose(file) != 0;
  return failed ? lcal_error_set(error, LCAL_SYSTEM, "%s: cannot be written whole", path) : LCAL_OK;
}

static lcal_status no_memory(const char *directory, lcal_error *error) {
  return lcal_error_set(error, LCAL_MEMORY, "no memory to save in %s", directory);
}

lcal_status replay_save_check(const char *directory, lcal_error *error) {
  if (mkdir(directory, 0777) != 0 && errno != EEXIST) {
    return lcal_error_set(error, LCAL_SYSTEM, "%s: cannot be made: %s", directory, strerror(errno));
  }
  char *path = path_of(directory, "meta", ".json");
  if (!path) {
    return no_memory(directory, error);
  }
  lcal_status status = access(path, F_OK) == 0 ? exists(path, error) : LCAL_OK;
  free(path);
  return status;
}

static lcal_status save_maps(const char *directory, const replay_result *result,
                             enum labelling which, lcal_error *error) {
  const size_t shape[3] = {lcal_recording_frames(result->recording), result->height, result->width};
  const size_t bytes = shape[0] * shape[1] * shape[2] * result->label_bytes;
  char *path = path_of(directory, labelling_words[which], ".npy");
  if (!path) {
    return no_memory(directory, error);
  }
  lcal_status status = lcal_npy_write(path, result->label_bytes == 1 ? "|u1" : "<u2", shape, 3,
                                      result->maps[which], bytes, error);
  free(path);
  return status;
}

lcal_status replay_save(const char *directory, const replay_result *result, const char *source,
                        lcal_error *error) {
  char *path = path_of(directory, "meta", ".json");
  json_t *object = meta_json(result, source);
  lcal_status status =
      path && object ? write_meta(path, object, error) : no_memory(directory, error);
  for (int i = 0; i < LABELLINGS && status == LCAL_OK; i++) {
    status = save_maps(directory, result, (enum labelling)i, error);
  }
  json_decref(object);
  free(path);
  return status;
}
