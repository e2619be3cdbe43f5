/* meta.json of a recording: read strictly, written, and checked the same way for both. */
#ifndef RECORDING_META_H
#define RECORDING_META_H

#include <labelcal/recording.h>

#include <stdio.h>

struct lcal__meta {
  lcal_recording_meta meta; /* its strings and arrays belong to this struct */
  void *root;               /* jansson's tree, which holds the strings */
  const char **classes;
  uint32_t *evaluate;
};

/* Reads directory/meta.json. LCAL_BAD_DATA names file and key; LCAL_MEMORY. On failure nothing
 * is left to free. */
lcal_status lcal__meta_read(struct lcal__meta *meta, int directory_fd, const char *directory,
                            lcal_error *error);
void lcal__meta_free(struct lcal__meta *meta); /* a zeroed one is fine */

/* LCAL_OK, or `code` and a sentence that names directory/meta.json and the key. */
lcal_status lcal__meta_check(const lcal_recording_meta *meta, const char *directory,
                             lcal_status code, lcal_error *error);

/* Writes it as JSON; 0, or -1 with errno. */
int lcal__meta_write(const lcal_recording_meta *meta, FILE *file);

#endif
