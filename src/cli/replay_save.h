/* A replay's label maps as files. */
#ifndef CLI_REPLAY_SAVE_H
#define CLI_REPLAY_SAVE_H

#include "cli/replay_result.h"

/* Before the replay: makes `directory` if it is missing. LCAL_ARGUMENT: a meta.json is there, and
 * so a recording or an earlier result, which are not written over. */
lcal_status replay_save_check(const char *directory, lcal_error *error);

/* Writes meta.json, argmax.npy and calibrated.npy: frames x height x width labels, void where none
 * came; of several rounds the newest. `source`: the recording as it was named. */
lcal_status replay_save(const char *directory, const replay_result *result, const char *source,
                        lcal_error *error);

#endif
