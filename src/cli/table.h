/* Aligned tables for people. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

struct column {
  const char *header;
  int right; /* numbers stand right */
};

struct table {
  const struct column *columns; /* borrowed */
  size_t column_count;
  char **cells; /* row by row */
  size_t cell_count, capacity;
};

/* An empty table; table_print ends it. */
void table_begin(struct table *table, const struct column *columns, size_t column_count);

/* The next cell, row by row. */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints headers and whole rows, every line indented by two, and frees the table. */
void table_print(struct table *table, FILE *stream);

/* The columns that text takes: one for each character of UTF-8. */
size_t text_width(const char *text);

/* Bytes of the longest prefix of `text` that takes at most `width` columns. */
size_t text_cut(const char *text, size_t width);

/* Columns of the terminal that stdout is, 100 where it is none. */
size_t output_width(void);

/* What starts and ends a heading: bold on a terminal unless NO_COLOR is set, else nothing. */
const char *heading_on(FILE *stream);
const char *heading_off(FILE *stream);

#endif
