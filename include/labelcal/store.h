/* Snapshot and statistics files (protocol.md, "Snapshot file"): encode, decode, load; and the
 * directory of a bank's generations. */
#ifndef LABELCAL_STORE_H
#define LABELCAL_STORE_H

#include <labelcal/domain.h>
#include <labelcal/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One domain of a snapshot. */
typedef struct lcal_snapshot_domain {
  lcal_name name;
  uint64_t version;
  uint64_t stamp_ns;                 /* newest committed; 0 = none */
  const lcal_statistics *statistics; /* sums, and frames and pixels totals */
  uint32_t window_count;             /* sets of a window, oldest first */
  const lcal_statistics *const *window_sets;
  const uint32_t *window_slots; /* of each set: frame mod N */
} lcal_snapshot_domain;

/* What a file holds. To encode, fill it with borrowed pointers; a decoded one owns all it points
 * to and is freed by lcal_snapshot_destroy. */
typedef struct lcal_snapshot {
  lcal_name bank;
  uint64_t generation;
  uint64_t created_ns; /* ns since 1970 */
  lcal_name model;
  uint32_t class_count;
  const lcal_name *classes;
  lcal_name rule;
  const lcal_adaptation *adaptation; /* informative; NULL in a decoded one */
  uint32_t domain_count;
  const lcal_snapshot_domain *domains;
} lcal_snapshot;

/* The whole file as bytes, for the caller to free(). LCAL_MEMORY, LCAL_ARGUMENT. */
LCAL_API lcal_status lcal_snapshot_encode(const lcal_snapshot *snapshot, uint8_t **bytes,
                                          size_t *length, lcal_error *error);

/* Reads a file's bytes: LCAL_BAD_DATA for anything but one whole valid snapshot (CRC,
 * truncation, trailing bytes, NaN, negative, wrong sizes), LCAL_FOREIGN for a newer version. */
LCAL_API lcal_status lcal_snapshot_decode(lcal_snapshot **snapshot, const void *bytes,
                                          size_t length, lcal_error *error);

/* Reads a regular file (never a FIFO or link). LCAL_SYSTEM if it cannot be opened or read. */
LCAL_API lcal_status lcal_snapshot_load(lcal_snapshot **snapshot, const char *path,
                                        lcal_error *error);

/* Writes a file atomically and durably (for merge and other tools; the daemon has its thread). */
LCAL_API lcal_status lcal_snapshot_save(const lcal_snapshot *snapshot, const char *path,
                                        lcal_error *error);
LCAL_API void lcal_snapshot_destroy(lcal_snapshot *snapshot); /* NULL is fine */

/* LCAL_FOREIGN, naming what differs, unless the snapshot is of this model and class list. */
LCAL_API lcal_status lcal_snapshot_matches(const lcal_snapshot *snapshot, const char *model,
                                           uint32_t class_count, const lcal_name *classes,
                                           lcal_error *error);

#ifdef __cplusplus
}
#endif
#endif
