/* A temporary folder of a test, and files in it. Every helper fails the test if it cannot. */
#ifndef TESTS_FOLDER_H
#define TESTS_FOLDER_H

#include <stddef.h>

/* Makes an empty folder; the path is valid until folder_remove. */
const char *folder_make(void);
void folder_remove(void);

/* FOLDER/name; of the last 8 calls each result is valid. */
const char *folder_path(const char *name);

void folder_write(const char *name, const void *bytes, size_t length);
int folder_has(const char *name);

/* The whole file, for the caller to free. */
unsigned char *folder_read(const char *name, size_t *length);

#endif
