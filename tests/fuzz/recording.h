/* A recording's folder whose files are memory: links to descriptors of this process, so that no
 * run writes anything and runs side by side do not meet. */
#ifndef FUZZ_RECORDING_H
#define FUZZ_RECORDING_H

#include <stddef.h>

enum recording_file { RECORDING_META, RECORDING_PROBS, RECORDING_LABELS, RECORDING_FILES };

/* Its path, below the working directory. */
const char *recording_folder(void);

/* The file's bytes from now on; NULL: there is no such file. */
void recording_write(enum recording_file file, const void *bytes, size_t length);

#endif
