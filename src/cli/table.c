#include "cli/table.h"

#include "cli/ask.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_ELSEWHERE 100
#define GAP             2

static int is_plain(FILE *stream) {
  const char *no_color = getenv("NO_COLOR");
  const char *terminal = getenv("TERM");
  return (no_color && no_color[0]) || !terminal || strcmp(terminal, "dumb") == 0 ||
         !isatty(fileno(stream));
}

const char *heading_on(FILE *stream) {
  return is_plain(stream) ? "" : "\x1b[1m";
}

const char *heading_off(FILE *stream) {
  return is_plain(stream) ? "" : "\x1b[0m";
}

size_t output_width(void) {
  struct winsize size;
  if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    return size.ws_col;
  }
  return WIDTH_ELSEWHERE;
}

static int continues(char byte) {
  return ((unsigned char)byte & 0xc0) == 0x80; /* not the first byte of a character */
}

size_t text_width(const char *text) {
  size_t width = 0;
  for (; *text; text++) {
    width += !continues(*text);
  }
  return width;
}

size_t text_cut(const char *text, size_t width) {
  size_t length = 0;
  for (size_t taken = 0; text[length]; length++) {
    if (!continues(text[length]) && taken++ == width) {
      break;
    }
  }
  return length;
}

void table_begin(struct table *table, const struct column *columns, size_t column_count) {
  *table = (struct table){.columns = columns, .column_count = column_count};
}

void table_cell(struct table *table, const char *format, ...) {
  if (table->cell_count == table->capacity) {
    table->capacity = table->capacity ? 2 * table->capacity : 64;
    table->cells = need(reallocarray(table->cells, table->capacity, sizeof *table->cells));
  }
  char *text = NULL;
  va_list arguments;
  va_start(arguments, format);
  int length = vasprintf(&text, format, arguments);
  va_end(arguments);
  table->cells[table->cell_count++] = need(length < 0 ? NULL : text);
}

static size_t column_width(const struct table *table, size_t column) {
  size_t width = text_width(table->columns[column].header);
  for (size_t i = column; i < table->cell_count; i += table->column_count) {
    size_t own = text_width(table->cells[i]);
    width = own > width ? own : width;
  }
  return width;
}

/* One cell; the last of a line leaves no blanks behind it. */
static void print_cell(const struct column *column, const char *text, size_t width, int last,
                       FILE *stream) {
  int blanks = (int)(width - text_width(text));
  if (last && text[0] == '\0') {
    return;
  }
  fprintf(stream, "%*s%s%*s", GAP + (column->right ? blanks : 0), "", text,
          column->right || last ? 0 : blanks, "");
}

void table_print(struct table *table, FILE *stream) {
  size_t count = table->column_count;
  size_t *widths = need(calloc(count, sizeof *widths));
  fputs(heading_on(stream), stream);
  for (size_t c = 0; c < count; c++) {
    widths[c] = column_width(table, c);
    print_cell(&table->columns[c], table->columns[c].header, widths[c], c + 1 == count, stream);
  }
  fprintf(stream, "%s\n", heading_off(stream));
  for (size_t i = 0; i < table->cell_count; i++) {
    size_t c = i % count;
    print_cell(&table->columns[c], table->cells[i], widths[c], c + 1 == count, stream);
    if (c + 1 == count) {
      fputc('\n', stream);
    }
    free(table->cells[i]);
  }
  free(widths);
  free(table->cells);
  *table = (struct table){0};
}
