/* docs/protocol.md says what the tables in src/wire say. Its tables stand below markers,
 * `<!-- table: NAME -->`; those of fields and commands are printed here, word for word. */
#include "daemon/daemon.h"
#include "wire/commands.h"
#include "wire/messages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *document; /* docs/protocol.md */

static int read_document(void **state) {
  (void)state;
  FILE *file = fopen(SOURCE_ROOT "/docs/protocol.md", "r");
  size_t capacity = 0;
  if (!file || getdelim(&document, &capacity, '\0', file) < 0) {
    print_error("%s is not there\n", SOURCE_ROOT "/docs/protocol.md");
    return -1;
  }
  fclose(file);
  return 0;
}

static int free_document(void **state) {
  (void)state;
  free(document);
  return 0;
}

/* The table below a marker: its lines that begin with a bar; the caller frees it. */
static char *table_in_document(const char *name) {
  char marker[128];
  snprintf(marker, sizeof marker, "<!-- table: %s -->\n", name);
  const char *start = strstr(document, marker);
  if (!start) {
    fail_msg("docs/protocol.md has no %s", marker);
  }
  start += strlen(marker);
  const char *end = start;
  while (*end == '|') {
    end = strchrnul(end, '\n');
    end += *end == '\n';
  }
  return strndup(start, (size_t)(end - start));
}

static void assert_table(const char *name, const char *expected) {
  char *there = table_in_document(name);
  if (strcmp(there, expected) != 0) {
    print_error("docs/protocol.md, below <!-- table: %s -->, should read:\n%s", name, expected);
  }
  assert_string_equal(there, expected);
  free(there);
}

static void print_rows(FILE *out, const lcal__table *table) {
  for (size_t i = 0; i < table->count; i++) {
    const lcal__field *field = &table->fields[i];
    fprintf(out, "| %s | %s%s | %s |\n", field->key, lcal__field_type(field),
            field->optional ? ", opt." : "", field->doc);
  }
}

static void every_messages_fields_are_documented_as_they_are_read(void **state) {
  (void)state;
  const lcal__table *const tables[] = {
      &lcal__frame_table,  &lcal__tensor_table,        &lcal__ring_table,
      &lcal__labels_table, &lcal__error_table,         &lcal__command_table,
      &lcal__result_table, &lcal__event_table,         &lcal__status_table,
      &lcal__attach_table, &lcal__attached_table,      &lcal__release_table,
      &lcal__slot_table,   &lcal__labels_attach_table, &lcal__labels_attached_table,
  };
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    char *expected = NULL;
    size_t length;
    FILE *out = open_memstream(&expected, &length);
    fprintf(out, "| key | type | |\n|---|---|---|\n");
    print_rows(out, tables[i]);
    fclose(out);
    assert_table(tables[i]->name, expected);
    free(expected);
  }
}

static void every_command_is_documented_with_its_arguments(void **state) {
  (void)state;
  char *expected = NULL;
  size_t length;
  FILE *out = open_memstream(&expected, &length);
  fprintf(out, "| command | args | result map | |\n|---|---|---|---|\n");
  for (size_t i = 0; i < LCAL__COMMAND_COUNT; i++) {
    const lcal__command *command = &lcal__commands[i];
    fprintf(out, "| %s | ", command->word);
    for (size_t k = 0; k < command->arguments->count; k++) {
      fprintf(out, "%s%s%s", k ? ", " : "", command->arguments->fields[k].key,
              command->arguments->fields[k].optional ? "?" : "");
    }
    fprintf(out, "%s| %s | %s |\n", command->arguments->count ? " " : "", command->result,
            command->doc);
  }
  fclose(out);
  assert_table("commands", expected);
  free(expected);
}

static bool was_before(size_t command, const char *key) {
  for (size_t i = 0; i < command; i++) {
    if (lcal__field_find(lcal__commands[i].arguments, key)) {
      return true;
    }
  }
  return false;
}

static void every_argument_is_documented_once(void **state) {
  (void)state;
  char *expected = NULL;
  size_t length;
  FILE *out = open_memstream(&expected, &length);
  fprintf(out, "| argument | type | |\n|---|---|---|\n");
  for (size_t i = 0; i < LCAL__COMMAND_COUNT; i++) {
    const lcal__table *arguments = lcal__commands[i].arguments;
    for (size_t k = 0; k < arguments->count; k++) {
      const lcal__field *field = &arguments->fields[k];
      if (!was_before(i, field->key)) {
        fprintf(out, "| %s | %s | %s |\n", field->key, lcal__field_type(field), field->doc);
      }
    }
  }
  fclose(out);
  assert_table("arguments", expected);
  free(expected);
}

/* Whether the first cells of a table's rows are these words, in this order. */
static void assert_first_cells(const char *name, const char *const *words, size_t count) {
  char *table = table_in_document(name);
  char *line = table;
  for (size_t i = 0; i < count + 2; i++) {
    char *end = strchr(line, '\n');
    assert_non_null(end);
    *end = '\0';
    if (i >= 2) { /* below the heading and its rule */
      char cell[64];
      snprintf(cell, sizeof cell, "| %s |", words[i - 2]);
      if (strncmp(line, cell, strlen(cell)) != 0) {
        fail_msg("the table of %s has %s where %s belongs", name, line, words[i - 2]);
      }
    }
    line = end + 1;
  }
  assert_string_equal(line, "");
  free(table);
}

static void every_code_is_documented(void **state) {
  (void)state;
  const char *words[LCAL_WIRE_LAST - LCAL_WIRE_FIRST + 1];
  for (int code = LCAL_WIRE_FIRST; code <= LCAL_WIRE_LAST; code++) {
    words[code - LCAL_WIRE_FIRST] = lcal_status_word((lcal_status)code);
  }
  assert_first_cells("codes", words, sizeof words / sizeof *words);
}

static void every_event_is_documented(void **state) {
  (void)state;
  static const char *const words[] = {
#define WORD(symbol, word) word,
      EVENT_MAP(WORD)
#undef WORD
  };
  assert_first_cells("events", words, sizeof words / sizeof *words);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_messages_fields_are_documented_as_they_are_read),
      cmocka_unit_test(every_command_is_documented_with_its_arguments),
      cmocka_unit_test(every_argument_is_documented_once),
      cmocka_unit_test(every_code_is_documented),
      cmocka_unit_test(every_event_is_documented),
  };
  return cmocka_run_group_tests_name("protocol_doc", tests, read_document, free_document);
}
