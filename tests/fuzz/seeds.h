/* Inputs to begin with, of every kind of message and file, by their real writers; and
 * dictionaries, of the words in their tables. */
#ifndef FUZZ_SEEDS_H
#define FUZZ_SEEDS_H

#include "fuzz.h"

/* Writes FOLDER/target/name. */
void seed(const char *target, const char *name, const void *bytes, size_t length);

void seed_frames(void);
void seed_labels(void);
void seed_control(void);
void seed_snapshots(void);
void seed_files(void); /* config, npy, meta */
void seed_framing(void);

#endif
