/* The names of a bank's files: GENERATION.snapshot, and what it is called on the way there or
 * when it is broken. */
#ifndef STORE_NAMES_H
#define STORE_NAMES_H

#include <labelcal/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lcal__file_kind { LCAL__FILE_SNAPSHOT, LCAL__FILE_TEMPORARY, LCAL__FILE_BROKEN };

#define LCAL__FILE_NAME_BYTES 40 /* room for any of them */

void lcal__file_name(char *name, uint64_t number, enum lcal__file_kind kind);

/* False for a name that is none of these. */
bool lcal__file_parse(const char *name, uint64_t *number, enum lcal__file_kind *kind);

struct lcal__file_entry {
  uint64_t number;
  enum lcal__file_kind kind;
};

/* The files of a folder that have such names, largest number first; to free(). */
lcal_status lcal__files_list(int folder_fd, const char *folder, struct lcal__file_entry **entries,
                             size_t *count, lcal_error *error);

#endif
