/* Text that is written by stdio into memory, and text of strangers made fit for terminals. */
#ifndef DAEMON_TEXT_H
#define DAEMON_TEXT_H

#include <stdbool.h>
#include <stdio.h>

/* Text under way. In place of open_memstream(), which drops what it finds no memory for and says
 * nothing: neither ferror() nor fclose() shows it. */
struct text {
  char *bytes;
  size_t length, capacity;
  bool failed;
};

/* A stream that writes into `text`, which stays where it is until text_close(). NULL: no memory. */
FILE *text_open(struct text *text);

/* Closes the stream (NULL is fine) and hands over what was written, whole, for the caller to
 * free(). NULL: some of it found no memory. *length (or NULL) is without the final zero. */
char *text_close(struct text *text, FILE *stream, size_t *length);

/* Writes `text` with control characters, and bytes that are no UTF-8, as \xNN, so that it cannot
 * move a cursor or begin a line of its own. */
void text_print_clean(const char *text, FILE *out);

/* The same into line[0..size), without allocating; what does not fit is left out. The length;
 * no final zero. */
size_t text_clean(const char *text, char *line, size_t size);
#endif
