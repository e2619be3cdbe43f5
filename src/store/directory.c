#include "store/directory.h"
#include "store/names.h"
#include "store/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 3 /* of a write that the disk fails */

/* A file that newest() could not read, until settle() sets it aside. */
struct broken {
  uint64_t number;
  lcal_error why;
  struct broken *next;
};

struct lcal__directory {
  int state_fd;
  int fd; /* -1 until the folder is there */
  lcal_name bank;
  char *path; /* STATE/BANK, for sentences */
  lcal_name model;
  uint32_t class_count;
  lcal_name *classes;
  uint8_t *identity; /* the first bytes of files of this model; snapshot.h */
  size_t identity_length;
  uint64_t last;
  struct broken *broken; /* newest first */
};

/* ---- Opening. */

/* The folder's descriptor, or -1 with *missing or an error. Links are not followed: everything
 * happens below STATE. */
static lcal_status open_folder(struct lcal__directory *directory, bool *missing,
                               lcal_error *error) {
  directory->fd =
      openat(directory->state_fd, directory->bank, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  *missing = directory->fd < 0 && errno == ENOENT;
  if (directory->fd < 0 && !*missing) {
    return lcal_error_set(error, LCAL_BAD_CONFIG,
                          "%s: cannot be opened as a directory (%s); remove it, or name another "
                          "state directory",
                          directory->path, strerror(errno));
  }
  return LCAL_OK;
}

static lcal_status open_state(struct lcal__directory *directory, const char *state,
                              lcal_error *error) {
  bool missing = false;
  directory->state_fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory->state_fd < 0) {
    return lcal_error_set(error, LCAL_BAD_CONFIG, "%s: the state directory cannot be opened: %s",
                          state, strerror(errno));
  }
  lcal_status status = open_folder(directory, &missing, error);
  if (status != LCAL_OK || missing) {
    return status;
  }
  struct lcal__file_entry *entries = NULL;
  size_t count = 0;
  status = lcal__files_list(directory->fd, directory->path, &entries, &count, error);
  directory->last = count > 0 ? entries[0].number : 0;
  free(entries);
  return status;
}

/* Copies what outlives the caller. */
static lcal_status copy_model(struct lcal__directory *directory, const char *state,
                              const char *bank, const char *model, uint32_t class_count,
                              const lcal_name *classes, lcal_error *error) {
  snprintf(directory->bank, sizeof directory->bank, "%s", bank);
  snprintf(directory->model, sizeof directory->model, "%s", model);
  directory->class_count = class_count;
  directory->classes = calloc(class_count, sizeof *classes);
  if (!directory->classes || asprintf(&directory->path, "%s/%s", state, bank) < 0) {
    directory->path = NULL;
    return lcal_error_set(error, LCAL_MEMORY, "no memory for bank %s", bank);
  }
  memcpy(directory->classes, classes, class_count * sizeof *classes);
  return lcal__snapshot_identity(model, class_count, classes, &directory->identity,
                                 &directory->identity_length, error);
}

lcal_status lcal__directory_open(struct lcal__directory **directory, const char *state,
                                 const char *bank, const char *model, uint32_t class_count,
                                 const lcal_name *classes, lcal_error *error) {
  struct lcal__directory *opened = calloc(1, sizeof *opened);
  if (!opened) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for bank %s", bank);
  }
  opened->state_fd = -1;
  opened->fd = -1;
  lcal_status status = copy_model(opened, state, bank, model, class_count, classes, error);
  if (status == LCAL_OK) {
    status = open_state(opened, state, error);
  }
  if (status != LCAL_OK) {
    lcal__directory_close(opened);
    return status;
  }
  *directory = opened;
  return LCAL_OK;
}

static void forget_broken(struct lcal__directory *directory) {
  while (directory->broken) {
    struct broken *next = directory->broken->next;
    free(directory->broken);
    directory->broken = next;
  }
}

void lcal__directory_close(struct lcal__directory *directory) {
  if (!directory) {
    return;
  }
  forget_broken(directory);
  if (directory->fd >= 0) {
    close(directory->fd);
  }
  if (directory->state_fd >= 0) {
    close(directory->state_fd);
  }
  free(directory->identity);
  free(directory->classes);
  free(directory->path);
  free(directory);
}

uint64_t lcal__directory_last(const struct lcal__directory *directory) {
  return directory->last;
}

/* ---- Loading. */

/* Loads and compares one file; the error names it. */
static lcal_status load_number(const struct lcal__directory *directory, uint64_t number,
                               lcal_snapshot **snapshot, uint64_t *bytes, lcal_error *error) {
  char name[LCAL__FILE_NAME_BYTES];
  lcal_error fault;
  lcal_snapshot *loaded = NULL;
  lcal__file_name(name, number, LCAL__FILE_SNAPSHOT);
  lcal_status status =
      lcal__snapshot_load_at(&loaded, directory->fd, directory->path, name, bytes, error);
  if (status != LCAL_OK) {
    return status;
  }
  status = lcal_snapshot_matches(loaded, directory->model, directory->class_count,
                                 directory->classes, &fault);
  if (status != LCAL_OK) {
    lcal_snapshot_destroy(loaded);
    return lcal_error_set(error, status, "%s/%s: %s", directory->path, name, fault.message);
  }
  *snapshot = loaded;
  return LCAL_OK;
}

static lcal_status remember_broken(struct lcal__directory *directory, uint64_t number,
                                   const lcal_error *why, lcal_error *error) {
  struct broken *broken = calloc(1, sizeof *broken);
  if (!broken) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory to load the bank's snapshots");
  }
  broken->number = number;
  broken->why = *why;
  struct broken **end = &directory->broken;
  while (*end) {
    end = &(*end)->next;
  }
  *end = broken;
  return LCAL_OK;
}

/* The first of entries (newest first) that reads. */
static lcal_status load_first(struct lcal__directory *directory,
                              const struct lcal__file_entry *entries, size_t count,
                              lcal_snapshot **snapshot, lcal_error *error) {
  for (size_t i = 0; i < count; i++) {
    lcal_error fault;
    uint64_t bytes = 0;
    if (entries[i].kind != LCAL__FILE_SNAPSHOT) {
      continue;
    }
    lcal_status status = load_number(directory, entries[i].number, snapshot, &bytes, &fault);
    if (status == LCAL_OK) {
      return LCAL_OK;
    }
    if (status == LCAL_FOREIGN) {
      return lcal_error_set(error, LCAL_FOREIGN,
                            "%s; correct `model`, use another state directory, or set "
                            "snapshot.start: empty",
                            fault.message);
    }
    if (status != LCAL_BAD_DATA) {
      return lcal_error_set(error, status, "%s", fault.message);
    }
    status = remember_broken(directory, entries[i].number, &fault, error);
    if (status != LCAL_OK) {
      return status;
    }
  }
  return LCAL_OK;
}

lcal_status lcal__directory_newest(struct lcal__directory *directory, bool empty,
                                   lcal_snapshot **snapshot, lcal_error *error) {
  struct lcal__file_entry *entries = NULL;
  size_t count = 0;
  *snapshot = NULL;
  forget_broken(directory);
  if (directory->fd < 0 || empty) {
    return LCAL_OK;
  }
  lcal_status status = lcal__files_list(directory->fd, directory->path, &entries, &count, error);
  if (status == LCAL_OK) {
    status = load_first(directory, entries, count, snapshot, error);
  }
  free(entries);
  return status;
}

lcal_status lcal__directory_load(const struct lcal__directory *directory, uint64_t number,
                                 lcal_snapshot **snapshot, lcal_error *error) {
  lcal_error fault = {0};
  uint64_t bytes = 0;
  if (number > LCAL__GENERATION_MAX) {
    return lcal_error_set(error, LCAL_BAD_GENERATION, "no generation has more than 12 digits");
  }
  lcal_status status = load_number(directory, number, snapshot, &bytes, &fault);
  return status == LCAL_OK ? LCAL_OK
                           : lcal_error_set(error, LCAL_BAD_GENERATION, "%s", fault.message);
}

/* ---- Settling. */

static void set_aside(struct lcal__directory *directory, const struct broken *broken,
                      void (*report)(void *context, uint64_t generation, const char *sentence),
                      void *context) {
  char from[LCAL__FILE_NAME_BYTES];
  char to[LCAL__FILE_NAME_BYTES];
  lcal__file_name(from, broken->number, LCAL__FILE_SNAPSHOT);
  lcal__file_name(to, broken->number, LCAL__FILE_BROKEN);
  lcal_error sentence;
  if (renameat(directory->fd, from, directory->fd, to) == 0) {
    lcal_error_set(&sentence, LCAL_BAD_DATA, "%s; it is now %s", broken->why.message, to);
  } else {
    lcal_error_set(&sentence, LCAL_BAD_DATA, "%s; and it cannot be renamed: %s",
                   broken->why.message, strerror(errno));
  }
  report(context, broken->number, sentence.message);
}

static lcal_status unlink_temporaries(struct lcal__directory *directory, lcal_error *error) {
  struct lcal__file_entry *entries = NULL;
  size_t count = 0;
  lcal_status status = lcal__files_list(directory->fd, directory->path, &entries, &count, error);
  for (size_t i = 0; status == LCAL_OK && i < count; i++) {
    if (entries[i].kind == LCAL__FILE_TEMPORARY) {
      char name[LCAL__FILE_NAME_BYTES];
      lcal__file_name(name, entries[i].number, LCAL__FILE_TEMPORARY);
      unlinkat(directory->fd, name, 0); /* one that stays is in nobody's way */
    }
  }
  free(entries);
  return status;
}

lcal_status lcal__directory_settle(struct lcal__directory *directory,
                                   void (*broken)(void *context, uint64_t generation,
                                                  const char *sentence),
                                   void *context, lcal_error *error) {
  bool missing = false;
  if (directory->fd < 0) {
    if (mkdirat(directory->state_fd, directory->bank, 0750) != 0 && errno != EEXIST) {
      return lcal_error_set(error, LCAL_BAD_CONFIG, "%s: cannot be made: %s", directory->path,
                            strerror(errno));
    }
    lcal_status status = open_folder(directory, &missing, error);
    if (status != LCAL_OK || missing) {
      return missing ? lcal_error_set(error, LCAL_BAD_CONFIG, "%s: vanished", directory->path)
                     : status;
    }
  }
  for (const struct broken *file = directory->broken; file; file = file->next) {
    set_aside(directory, file, broken, context);
  }
  forget_broken(directory);
  lcal_status status = unlink_temporaries(directory, error);
  /* A process that was killed may have renamed what is loaded now, or made the folder, without
   * these: a power cut could still undo it. A failure shows at the next write. */
  fsync(directory->fd);
  fsync(directory->state_fd);
  return status;
}

/* ---- Writing and pruning. */

/* When a file was made, if it is one of this model's. */
static bool peek_file(const struct lcal__directory *directory, uint64_t number, uint8_t *buffer,
                      size_t room, uint64_t *created_ns) {
  char name[LCAL__FILE_NAME_BYTES];
  bool same = false;
  lcal__file_name(name, number, LCAL__FILE_SNAPSHOT);
  int fd = openat(directory->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  ssize_t got = pread(fd, buffer, room, 0);
  close(fd);
  return got > 0 &&
         lcal__snapshot_peek(buffer, (size_t)got, directory->identity, directory->identity_length,
                             created_ns, &same) &&
         same;
}

static void prune_entries(const struct lcal__directory *directory,
                          const struct lcal__file_entry *entries, size_t count,
                          struct lcal__generation *generations, uint8_t *buffer, size_t room,
                          const struct lcal__retention *retention) {
  size_t ours = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t created_ns = 0;
    if (entries[i].kind == LCAL__FILE_SNAPSHOT &&
        peek_file(directory, entries[i].number, buffer, room, &created_ns)) {
      generations[ours++] =
          (struct lcal__generation){.number = entries[i].number, .created_ns = created_ns};
    }
  }
  lcal__retain(generations, ours, retention);
  for (size_t i = 0; i < ours; i++) {
    if (!generations[i].keep) {
      char name[LCAL__FILE_NAME_BYTES];
      lcal__file_name(name, generations[i].number, LCAL__FILE_SNAPSHOT);
      unlinkat(directory->fd, name, 0); /* one that stays is met again next time */
    }
  }
}

/* Pruning is never why a snapshot fails: without memory, or a listing, it waits for the next. */
static void prune(const struct lcal__directory *directory,
                  const struct lcal__retention *retention) {
  struct lcal__file_entry *entries = NULL;
  size_t count = 0;
  if (lcal__files_list(directory->fd, directory->path, &entries, &count, NULL) != LCAL_OK) {
    return;
  }
  size_t room = LCAL__SNAPSHOT_HEADER + 256 + directory->identity_length;
  uint8_t *buffer = malloc(room);
  struct lcal__generation *generations = calloc(count + 1, sizeof *generations);
  if (buffer && generations) {
    prune_entries(directory, entries, count, generations, buffer, room, retention);
  }
  free(generations);
  free(buffer);
  free(entries);
}

lcal_status lcal__directory_write(const struct lcal__directory *directory, uint64_t number,
                                  const void *bytes, size_t length,
                                  const struct lcal__retention *retention, lcal__step_hook hook,
                                  void *hook_context, lcal_error *error) {
  char name[LCAL__FILE_NAME_BYTES];
  char temporary[LCAL__FILE_NAME_BYTES];
  if (number == 0 || number > LCAL__GENERATION_MAX) {
    return lcal_error_set(error, LCAL_SNAPSHOT_FAILED, "%s: no number is left for a generation",
                          directory->path);
  }
  lcal__file_name(name, number, LCAL__FILE_SNAPSHOT);
  lcal__file_name(temporary, number, LCAL__FILE_TEMPORARY);
  const struct lcal__durable file = {.folder_fd = directory->fd,
                                     .name = name,
                                     .temporary = temporary,
                                     .mode = 0640,
                                     .hook = hook,
                                     .context = hook_context};
  enum lcal__step step = LCAL__STEP_CREATE;
  int fault = EIO;
  for (int i = 0; i < TRIES && fault == EIO; i++) {
    fault = lcal__durable_write(&file, bytes, length, &step);
  }
  if (fault != 0) {
    return lcal_error_set(error, LCAL_SNAPSHOT_FAILED, "%s/%s: cannot %s: %s", directory->path,
                          name, lcal__step_words(step), strerror(fault));
  }
  prune(directory, retention);
  return LCAL_OK;
}

/* ---- Listing. */

static void fill_row(const struct lcal__directory *directory, uint64_t number,
                     struct lcal__generation_row *row) {
  lcal_snapshot *snapshot = NULL;
  *row = (struct lcal__generation_row){.generation = number};
  (void)load_number(directory, number, &snapshot, &row->bytes, NULL);
  if (snapshot) {
    row->valid = true;
    row->created_ns = snapshot->created_ns;
    for (uint32_t i = 0; i < snapshot->domain_count; i++) {
      row->frames += snapshot->domains[i].statistics->frames;
    }
  }
  lcal_snapshot_destroy(snapshot);
}

lcal_status lcal__directory_list(const struct lcal__directory *directory,
                                 struct lcal__generation_row **rows, size_t *count,
                                 lcal_error *error) {
  struct lcal__file_entry *entries = NULL;
  size_t entry_count = 0;
  lcal_status status =
      lcal__files_list(directory->fd, directory->path, &entries, &entry_count, error);
  if (status != LCAL_OK) {
    return status;
  }
  *count = 0;
  *rows = calloc(entry_count + 1, sizeof **rows);
  if (!*rows) {
    free(entries);
    return lcal_error_set(error, LCAL_MEMORY, "no memory for %zu generations", entry_count);
  }
  for (size_t i = entry_count; i > 0; i--) {
    if (entries[i - 1].kind == LCAL__FILE_SNAPSHOT) {
      fill_row(directory, entries[i - 1].number, &(*rows)[(*count)++]);
    }
  }
  free(entries);
  return LCAL_OK;
}
