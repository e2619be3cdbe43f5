/* Snapshot and statistics files, as the subcommands load, inspect and merge use them. */
#ifndef CLI_FILES_H
#define CLI_FILES_H

#include <labelcal/client.h>
#include <labelcal/store.h>

int inspect_run(int argc, char **argv, const lcal_client_options *client, int json);
int merge_run(int argc, char **argv, const lcal_client_options *client, int json);
int load_run(int argc, char **argv, const lcal_client_options *client, int json);

/* lcal_snapshot_load, but a file that cannot be opened or read is LCAL_BAD_DATA: it was named by
 * the user. */
lcal_status file_load(lcal_snapshot **snapshot, const char *path, lcal_error *error);

/* The domain called `wanted`, or with NULL the only one. LCAL_BAD_DATA: it has none of that name,
 * none at all, or several, which the error names; `option` is how to say which. */
lcal_status file_domain(const lcal_snapshot_domain **domain, const lcal_snapshot *snapshot,
                        const char *path, const char *wanted, const char *option,
                        lcal_error *error);

/* LCAL_FOREIGN, naming the file, unless it is of this model and class list. */
lcal_status file_matches(const lcal_snapshot *snapshot, const char *path, const char *model,
                         uint32_t class_count, const lcal_name *classes, lcal_error *error);

#endif
