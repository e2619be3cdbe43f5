/* Snapshots for tests: of any C, with domains and windows, values drawn from a fixed seed. */
#ifndef TESTS_SNAPSHOTS_H
#define TESTS_SNAPSHOTS_H

#include <labelcal/store.h>

/* A snapshot of bank `default`, model `m`, classes class_0 ..., one domain `default`, rule
 * euclidean. `window` sets (0: none) in slots 7, 8 ... To snapshot_free(). */
lcal_snapshot *snapshot_make(uint32_t classes, uint32_t domains, uint32_t window);
void snapshot_free(lcal_snapshot *snapshot);

/* Fails the test unless both are the same to the bit. */
void assert_snapshots_equal(const lcal_snapshot *a, const lcal_snapshot *b);
void assert_statistics_equal(const lcal_statistics *a, const lcal_statistics *b);

/* The snapshot as a file's bytes, to free(). */
uint8_t *snapshot_bytes(const lcal_snapshot *snapshot, size_t *length);

/* Puts a header with the right length and checksum in front of a payload; to free(). */
uint8_t *snapshot_wrap(const void *payload, size_t length, size_t *whole);

#endif
