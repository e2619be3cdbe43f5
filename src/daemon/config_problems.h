/* What is wrong with a configuration: every fault, with its place, for one report at the end. */
#ifndef DAEMON_CONFIG_PROBLEMS_H
#define DAEMON_CONFIG_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* 1-based, in characters. */
struct place {
  uint32_t line, column;
};

/* What is not in the file: a default or the file as a whole; a flag of labelcald. */
#define PLACE_NONE ((struct place){0, 0})
#define PLACE_FLAG ((struct place){0, 1})

struct problem {
  struct place place;
  char *text; /* "key: what is wrong" */
};

/* Zero-initialise but for `file`. */
struct problems {
  const char *file; /* what the report calls the source; borrowed */
  struct problem *items;
  size_t count, capacity;
  bool out_of_memory; /* some could not be kept */
};

/* Adds one sentence; `key` is the dotted path it is about, or NULL (the file as a whole). */
void problems_add(struct problems *problems, struct place place, const char *key,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

bool problems_any(const struct problems *problems);

/* One line each, FILE:LINE:COLUMN: key: what is wrong, in the order of the file; without a place
 * FILE: or, for a flag, labelcald: stands in front. */
void problems_print(struct problems *problems, FILE *out);

void problems_free(struct problems *problems);
#endif
