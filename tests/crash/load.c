/* Loads state directories as labelcald does at its start, many to a process.
 *
 *   crash_load EXAMPLE BANK < paths
 *
 * EXAMPLE is a snapshot of the model to expect. For each line of its input, the path of a state
 * directory, one line: the generation that was loaded and the CRC-32 of what it holds (`0 0`: it
 * starts empty; `- -`: the start is refused), the number that the next generation lies above, how
 * many broken files were set aside, how many temporary ones are left. */
#include "store/directory.h"
#include "store/names.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static void count_broken(void *context, uint64_t generation, const char *sentence) {
  (void)generation;
  (void)sentence;
  ++*(unsigned *)context;
}

static unsigned count_temporaries(const char *state, const char *bank) {
  char path[8192];
  struct lcal__file_entry *entries = NULL;
  size_t count = 0;
  unsigned found = 0;
  snprintf(path, sizeof path, "%s/%s", state, bank);
  const int fd = open(path, O_RDONLY | O_DIRECTORY);
  if (lcal__files_list(fd, path, &entries, &count, NULL) == LCAL_OK) {
    for (size_t i = 0; i < count; i++) {
      found += entries[i].kind == LCAL__FILE_TEMPORARY;
    }
  }
  free(entries);
  close(fd);
  return found;
}

static unsigned long add(unsigned long sum, const void *bytes, size_t length) {
  return crc32(sum, bytes, (uInt)length);
}

/* Of all domains' statistics; power.py computes the same of the bytes that were written. */
static unsigned long checksum(const lcal_snapshot *snapshot) {
  unsigned long sum = crc32(0, NULL, 0);
  for (uint32_t i = 0; i < snapshot->domain_count; i++) {
    const lcal_snapshot_domain *row = &snapshot->domains[i];
    const lcal_statistics *held = row->statistics;
    const size_t classes = held->classes;
    sum = add(sum, row->name, strlen(row->name));
    sum = add(sum, &row->version, sizeof row->version);
    sum = add(sum, held->sum, classes * classes * sizeof *held->sum);
    sum = add(sum, held->weight, classes * sizeof *held->weight);
    sum = add(sum, held->count, classes * sizeof *held->count);
    sum = add(sum, &held->frames, sizeof held->frames);
    sum = add(sum, &held->pixels, sizeof held->pixels);
  }
  return sum;
}

static void load(const char *state, const char *bank, const lcal_snapshot *example) {
  struct lcal__directory *directory = NULL;
  lcal_snapshot *snapshot = NULL;
  lcal_error error = {0};
  unsigned broken = 0;
  lcal_status status = lcal__directory_open(&directory, state, bank, example->model,
                                            example->class_count, example->classes, &error);
  if (status == LCAL_OK) {
    status = lcal__directory_newest(directory, false, &snapshot, &error);
  }
  if (status == LCAL_OK) {
    status = lcal__directory_settle(directory, count_broken, &broken, &error);
  }
  if (status == LCAL_OK) {
    printf("%" PRIu64 " %lu %" PRIu64 " %u %u\n", snapshot ? snapshot->generation : 0,
           snapshot ? checksum(snapshot) : 0, lcal__directory_last(directory), broken,
           count_temporaries(state, bank));
  } else {
    printf("- - 0 0 0 %s\n", error.message);
  }
  lcal_snapshot_destroy(snapshot);
  lcal__directory_close(directory);
}

int main(int count, char **arguments) {
  char line[4096];
  lcal_error error = {0};
  lcal_snapshot *example = NULL;
  if (count != 3 || lcal_snapshot_load(&example, arguments[1], &error) != LCAL_OK) {
    fprintf(stderr, "usage: crash_load EXAMPLE BANK < paths: %s\n", error.message);
    return 2;
  }
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = '\0';
    load(line, arguments[2], example);
    fflush(stdout);
  }
  lcal_snapshot_destroy(example);
  return 0;
}
