/* What the two sides of the snapshot format share (protocol.md, "Snapshot file"). */
#ifndef STORE_SNAPSHOT_H
#define STORE_SNAPSHOT_H

#include <labelcal/store.h>

#include <stdbool.h>

/* The header: 0 magic, 8 u32 version, 12 u32 CRC-32 of the payload, 16 u64 payload bytes. */
#define LCAL__SNAPSHOT_MAGIC   "LCALSNAP"
#define LCAL__SNAPSHOT_VERSION 1u
#define LCAL__SNAPSHOT_HEADER  24u

/* As many as a bank can have (labelcald.yaml's `domains`). */
#define LCAL__SNAPSHOT_DOMAINS_MAX 4096u

/* The header's integers are copied as they lie in memory. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is little-endian");

/* What a file must hold to be written or believed: names, classes, finite statistics of one C.
 * `code` on a fault: LCAL_ARGUMENT of a caller's, LCAL_BAD_DATA of a file's. */
lcal_status lcal__snapshot_check(const lcal_snapshot *snapshot, lcal_status code,
                                 lcal_error *error);

/* The bytes by which a file says whose statistics it holds: its `model` and `classes` entries as
 * lcal_snapshot_encode writes them; to free(). LCAL_MEMORY. */
lcal_status lcal__snapshot_identity(const char *model, uint32_t class_count,
                                    const lcal_name *classes, uint8_t **bytes, size_t *length,
                                    lcal_error *error);

/* Says from a file's first bytes when it was made and whether it has this identity, without
 * reading or checking the rest. False if they are not as lcal_snapshot_encode writes them. */
bool lcal__snapshot_peek(const uint8_t *bytes, size_t length, const uint8_t *identity,
                         size_t identity_length, uint64_t *created_ns, bool *same_identity);

/* lcal_snapshot_load relative to a directory, whose path is for errors; *bytes is its size. */
lcal_status lcal__snapshot_load_at(lcal_snapshot **snapshot, int directory_fd,
                                   const char *directory, const char *name, uint64_t *bytes,
                                   lcal_error *error);

#endif
