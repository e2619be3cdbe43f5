#include "recording/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define META_BYTES_MAX (1 << 20)
#define CLASS_NAME_MAX 64u

/* Where faults are reported: those of a file that was read, or of a caller's struct. */
struct report {
  const char *directory;
  lcal_status code;
  lcal_error *error;
};

static lcal_status refuse(const struct report *report, const char *key, const char *what) {
  return lcal_error_set(report->error, report->code, "%s/meta.json: `%s` %s", report->directory,
                        key, what);
}

/* ---- What both readers and writers hold to. */

static int class_name_fits(const char *name) {
  size_t length = strlen(name);
  for (size_t i = 0; i < length; i++) {
    if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f) {
      return 0;
    }
  }
  return length >= 1 && length <= CLASS_NAME_MAX;
}

static lcal_status check_classes(const lcal_recording_meta *meta, const struct report *report) {
  if (meta->class_count < LCAL_CLASSES_MIN || meta->class_count > LCAL_CLASSES_MAX) {
    return refuse(report, "classes", "must be 2 to 1024 names");
  }
  for (uint32_t i = 0; i < meta->class_count; i++) {
    if (!class_name_fits(meta->classes[i])) {
      return refuse(report, "classes", "must be names of 1 to 64 bytes, no control characters");
    }
    for (uint32_t k = 0; k < i; k++) {
      if (strcmp(meta->classes[i], meta->classes[k]) == 0) {
        return refuse(report, "classes", "names a class twice");
      }
    }
  }
  return LCAL_OK;
}

static lcal_status check_evaluate(const lcal_recording_meta *meta, const struct report *report) {
  uint8_t seen[LCAL_CLASSES_MAX] = {0};
  if (meta->evaluate && meta->evaluate_count == 0) {
    return refuse(report, "evaluate", "must name a class; leave it out to score all");
  }
  for (uint32_t i = 0; meta->evaluate && i < meta->evaluate_count; i++) {
    uint32_t k = meta->evaluate[i];
    if (k >= meta->class_count || seen[k]) {
      return refuse(report, "evaluate", "must be different class ids below the number of classes");
    }
    seen[k] = 1;
  }
  return LCAL_OK;
}

static lcal_status check(const lcal_recording_meta *meta, const struct report *report) {
  lcal_status status = check_classes(meta, report);
  if (status != LCAL_OK) {
    return status;
  }
  if (meta->kind == LCAL_LOGITS && meta->type == LCAL_U8) {
    return refuse(report, "type", "cannot be u8 for logits");
  }
  if (!isfinite(meta->fps) || meta->fps <= 0) {
    return refuse(report, "fps", "must be a number above 0");
  }
  if (meta->ignore_label > UINT8_MAX) {
    return refuse(report, "ignore_label", "must be an integer of 0 to 255");
  }
  return check_evaluate(meta, report);
}

lcal_status lcal__meta_check(const lcal_recording_meta *meta, const char *directory,
                             lcal_status code, lcal_error *error) {
  return check(meta, &(struct report){directory, code, error});
}

/* ---- Reading. */

/* The index of the word at root[key] among `count` words, or -1. */
static int find_word(const json_t *root, const char *key, const char *(*word)(int), int count) {
  const char *text = json_string_value(json_object_get(root, key));
  for (int i = 0; text && i < count; i++) {
    if (strcmp(text, word(i)) == 0) {
      return i;
    }
  }
  return -1;
}

static const char *kind_word(int i) {
  return lcal_kind_word((lcal_kind)i);
}

static const char *type_word(int i) {
  return lcal_type_word((lcal_type)i);
}

static const char *layout_word(int i) {
  return lcal_layout_word((lcal_layout)i);
}

static lcal_status read_words(lcal_recording_meta *meta, const json_t *root,
                              const struct report *report) {
  int kind = find_word(root, "kind", kind_word, LCAL_KIND_COUNT);
  int type = find_word(root, "type", type_word, LCAL_TYPE_COUNT);
  int layout = find_word(root, "layout", layout_word, LCAL_LAYOUT_COUNT);
  if (kind < 0) {
    return refuse(report, "kind", "must be probabilities or logits");
  }
  if (type < 0) {
    return refuse(report, "type", "must be f32, f16, bf16 or u8");
  }
  if (layout < 0) {
    return refuse(report, "layout", "must be CHW or HWC");
  }
  meta->kind = (lcal_kind)kind;
  meta->type = (lcal_type)type;
  meta->layout = (lcal_layout)layout;
  return LCAL_OK;
}

/* An optional text. */
static lcal_status read_text(const json_t *root, const char *key, const char **text,
                             const struct report *report) {
  const json_t *value = json_object_get(root, key);
  *text = value ? json_string_value(value) : "";
  return *text ? LCAL_OK : refuse(report, key, "must be a text");
}

/* The integer at `value` if it is one below `limit`, else a number that no check passes. */
static uint32_t read_id(const json_t *value, json_int_t limit) {
  json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
  return id >= 0 && id < limit ? (uint32_t)id : UINT32_MAX;
}

static lcal_status read_classes(struct lcal__meta *meta, const json_t *root,
                                const struct report *report) {
  const json_t *names = json_object_get(root, "classes");
  size_t count = json_array_size(names); /* 0 if it is no array */
  if (count < LCAL_CLASSES_MIN || count > LCAL_CLASSES_MAX) {
    return refuse(report, "classes", "must be 2 to 1024 names");
  }
  meta->classes = calloc(count, sizeof *meta->classes);
  if (!meta->classes) {
    return lcal_error_set(report->error, LCAL_MEMORY, "no memory for %zu class names", count);
  }
  for (size_t i = 0; i < count; i++) {
    meta->classes[i] = json_string_value(json_array_get(names, i));
    if (!meta->classes[i]) {
      return refuse(report, "classes", "must be 2 to 1024 names");
    }
  }
  meta->meta.classes = meta->classes;
  meta->meta.class_count = (uint32_t)count;
  return LCAL_OK;
}

static lcal_status read_evaluate(struct lcal__meta *meta, const json_t *root,
                                 const struct report *report) {
  const json_t *ids = json_object_get(root, "evaluate");
  size_t count = json_array_size(ids);
  if (!ids) {
    return LCAL_OK;
  }
  if (count == 0 || count > LCAL_CLASSES_MAX) {
    return refuse(report, "evaluate", "must be a list of class ids; leave it out to score all");
  }
  meta->evaluate = calloc(count, sizeof *meta->evaluate);
  if (!meta->evaluate) {
    return lcal_error_set(report->error, LCAL_MEMORY, "no memory for %zu class ids", count);
  }
  for (size_t i = 0; i < count; i++) {
    meta->evaluate[i] = read_id(json_array_get(ids, i), LCAL_CLASSES_MAX);
  }
  meta->meta.evaluate = meta->evaluate;
  meta->meta.evaluate_count = (uint32_t)count;
  return LCAL_OK;
}

static lcal_status read_keys(struct lcal__meta *meta, const json_t *root,
                             const struct report *report) {
  const json_t *fps = json_object_get(root, "fps");
  const json_t *ignore = json_object_get(root, "ignore_label");
  lcal_status status = LCAL_OK;
  if (!json_is_object(root)) {
    return lcal_error_set(report->error, report->code, "%s/meta.json: not a JSON object",
                          report->directory);
  }
  meta->meta.fps = json_number_value(fps); /* 0 if it is no number */
  meta->meta.ignore_label = ignore ? read_id(ignore, UINT8_MAX + 1) : UINT8_MAX;
  if ((status = read_classes(meta, root, report)) != LCAL_OK ||
      (status = read_words(&meta->meta, root, report)) != LCAL_OK ||
      (status = read_text(root, "model", &meta->meta.model, report)) != LCAL_OK ||
      (status = read_text(root, "source", &meta->meta.source, report)) != LCAL_OK ||
      (status = read_evaluate(meta, root, report)) != LCAL_OK) {
    return status;
  }
  return check(&meta->meta, report);
}

/* The JSON tree of an open meta.json. */
static lcal_status parse(json_t **root, int fd, const char *directory, lcal_error *error) {
  json_error_t fault_at;
  errno = 0;
  *root = json_loadfd(fd, JSON_REJECT_DUPLICATES, &fault_at);
  if (errno == ENOMEM) { /* jansson may have left something out, or found a fault that is none */
    return lcal_error_set(error, LCAL_MEMORY, "no memory to read %s/meta.json", directory);
  }
  if (*root) {
    return LCAL_OK;
  }
  return lcal_error_set(error, LCAL_BAD_DATA, "%s/meta.json:%d:%d: %s", directory, fault_at.line,
                        fault_at.column, fault_at.text);
}

/* The JSON tree of directory/meta.json. */
static lcal_status load(json_t **root, int directory_fd, const char *directory, lcal_error *error) {
  int fd = openat(directory_fd, "meta.json", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    return lcal_error_set(error, LCAL_BAD_DATA, "%s/meta.json: cannot be opened: %s", directory,
                          strerror(errno));
  }
  struct stat file;
  lcal_status status = LCAL_OK;
  if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) {
    status = lcal_error_set(error, LCAL_BAD_DATA, "%s/meta.json: not a regular file", directory);
  } else if (file.st_size > META_BYTES_MAX) {
    status = lcal_error_set(error, LCAL_BAD_DATA, "%s/meta.json: larger than 1 MiB", directory);
  } else {
    status = parse(root, fd, directory, error);
  }
  close(fd);
  return status;
}

lcal_status lcal__meta_read(struct lcal__meta *meta, int directory_fd, const char *directory,
                            lcal_error *error) {
  *meta = (struct lcal__meta){0};
  json_t *root = NULL;
  lcal_status status = load(&root, directory_fd, directory, error);
  meta->root = root;
  if (status == LCAL_OK) {
    status = read_keys(meta, root, &(struct report){directory, LCAL_BAD_DATA, error});
  }
  if (status != LCAL_OK) {
    lcal__meta_free(meta);
  }
  return status;
}

void lcal__meta_free(struct lcal__meta *meta) {
  json_decref(meta->root);
  free(meta->classes);
  free(meta->evaluate);
  *meta = (struct lcal__meta){0};
}

/* ---- Writing. */

/* Each returns NULL where memory ran out or a text is not UTF-8. */
static json_t *pack_classes(const lcal_recording_meta *meta) {
  json_t *classes = json_array();
  for (uint32_t i = 0; classes && i < meta->class_count; i++) {
    if (json_array_append_new(classes, json_string(meta->classes[i])) != 0) {
      json_decref(classes);
      return NULL;
    }
  }
  return classes;
}

static json_t *pack_evaluate(const lcal_recording_meta *meta) {
  json_t *evaluate = json_array();
  for (uint32_t i = 0; evaluate && i < meta->evaluate_count; i++) {
    if (json_array_append_new(evaluate, json_integer(meta->evaluate[i])) != 0) {
      json_decref(evaluate);
      return NULL;
    }
  }
  return evaluate;
}

static json_t *pack(const lcal_recording_meta *meta) {
  json_t *root = json_pack(
      "{s:o, s:s, s:s, s:s, s:f, s:s, s:s, s:i}", "classes", pack_classes(meta), "kind",
      lcal_kind_word(meta->kind), "type", lcal_type_word(meta->type), "layout",
      lcal_layout_word(meta->layout), "fps", meta->fps, "model", meta->model ? meta->model : "",
      "source", meta->source ? meta->source : "", "ignore_label", (int)meta->ignore_label);
  if (root && meta->evaluate && json_object_set_new(root, "evaluate", pack_evaluate(meta)) != 0) {
    json_decref(root);
    return NULL;
  }
  return root;
}

int lcal__meta_write(const lcal_recording_meta *meta, FILE *file) {
  errno = 0;
  json_t *root = pack(meta);
  if (!root) {
    errno = errno == ENOMEM ? ENOMEM : EINVAL; /* a text that is not UTF-8 */
    return -1;
  }
  int result = json_dumpf(root, file, JSON_INDENT(1));
  json_decref(root);
  return result == 0 && fputc('\n', file) != EOF ? 0 : -1;
}
