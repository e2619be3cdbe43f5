/* A bank's folder of generations, STATE/BANK/GENERATION.snapshot (protocol.md, "Snapshot file").
 *
 * Start, on one thread:
 *   lcal__directory_open       of every bank
 *   lcal__directory_newest     of every bank: changes nothing, so that a refused start did not
 *   lcal__directory_settle     of every bank: makes the folder, sets broken files aside
 * After that the struct does not change, and the store thread works in the folder (writer.h).
 *
 * Only files named by twelve digits and .snapshot (.broken, .tmp) are looked at, whatever else
 * lies there. The number is that of the name; what the payload calls itself is for people. */
#ifndef STORE_DIRECTORY_H
#define STORE_DIRECTORY_H

#include "store/durable.h"
#include "store/retention.h"

#include <labelcal/store.h>

#define LCAL__GENERATION_MAX UINT64_C(999999999999)

struct lcal__directory;

/* A row of the command `generations`. */
struct lcal__generation_row {
  uint64_t generation;
  uint64_t created_ns; /* 0 if it cannot be told */
  uint64_t frames;     /* of all its domains; 0 if it is not valid */
  uint64_t bytes;
  bool valid; /* reads, and is of this model and class list */
};

/* Opens STATE/BANK if it is there, for statistics of this model (all is copied). LCAL_BAD_CONFIG
 * if STATE is missing or BANK is no directory of its own (a file, a link), LCAL_MEMORY. */
lcal_status lcal__directory_open(struct lcal__directory **directory, const char *state,
                                 const char *bank, const char *model, uint32_t class_count,
                                 const lcal_name *classes, lcal_error *error);
void lcal__directory_close(struct lcal__directory *directory); /* NULL is fine */

/* Loads the newest generation that reads; *snapshot is NULL if none does. The newer ones that do
 * not are remembered for settle(). `empty` (snapshot.start) loads none. LCAL_FOREIGN, with the
 * file and the remedies, if that generation is of another model or class list, or one on the way
 * is of a newer format; LCAL_SYSTEM if a file cannot be opened; LCAL_MEMORY. */
lcal_status lcal__directory_newest(struct lcal__directory *directory, bool empty,
                                   lcal_snapshot **snapshot, lcal_error *error);

/* Makes the folder if it is missing, unlinks temporary files that a crash left, renames each
 * broken file that newest() met to GENERATION.snapshot.broken, and makes durable what it found:
 * the process before may have been killed between a rename and its fsync. `broken` is called once
 * for each broken file with a sentence that says why. LCAL_BAD_CONFIG if the folder cannot be
 * made. */
lcal_status lcal__directory_settle(struct lcal__directory *directory,
                                   void (*broken)(void *context, uint64_t generation,
                                                  const char *sentence),
                                   void *context, lcal_error *error);

/* The largest number that any file had when it was opened, broken and temporary ones too; 0 if
 * there was none. New generations are numbered above it. */
uint64_t lcal__directory_last(const struct lcal__directory *directory);

/* Writes generation `number` durably, then prunes what `retention` does not keep (files of other
 * models, left behind by snapshot.start: empty, are never pruned). LCAL_SNAPSHOT_FAILED, with the
 * step and its cause, leaves no such file. A disk's error (EIO) is tried three times, each with a
 * new file: an fsync that follows a failed one may report success for data that is lost. */
lcal_status lcal__directory_write(const struct lcal__directory *directory, uint64_t number,
                                  const void *bytes, size_t length,
                                  const struct lcal__retention *retention, lcal__step_hook hook,
                                  void *hook_context, lcal_error *error);

/* Loads one generation, for a rollback. LCAL_BAD_GENERATION; nothing is renamed. */
lcal_status lcal__directory_load(const struct lcal__directory *directory, uint64_t number,
                                 lcal_snapshot **snapshot, lcal_error *error);

/* All generations, oldest first, each read and checked; *rows is for the caller to free(). */
lcal_status lcal__directory_list(const struct lcal__directory *directory,
                                 struct lcal__generation_row **rows, size_t *count,
                                 lcal_error *error);

#endif
