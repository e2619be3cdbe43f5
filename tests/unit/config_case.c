#include "config_case.h"

#include "folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct config_overrides config_case_overrides = {.runtime_dir = "/r", .state_dir = "/s"};

int config_case_set_up(void **state) {
  (void)state;
  folder_make();
  return 0;
}

int config_case_tear_down(void **state) {
  (void)state;
  folder_remove();
  return 0;
}

/* Takes the path off each line; a line without it stays as it is and fails the comparison. */
static void strip_path(char *errors, const char *path) {
  size_t length = strlen(path);
  char *to = errors;
  for (char *line = errors; *line;) {
    char *end = strchrnul(line, '\n');
    end += *end == '\n';
    if (strncmp(line, path, length) == 0 && line[length] == ':') {
      line += length + 1;
    }
    memmove(to, line, (size_t)(end - line));
    to += end - line;
    line = end;
  }
  *to = '\0';
}

lcal_status config_case_load(struct config **config, const char *text, size_t length,
                             char **errors) {
  size_t printed;
  folder_write("c.yaml", text, length == SIZE_MAX ? strlen(text) : length);
  FILE *stream = open_memstream(errors, &printed);
  assert_non_null(stream);
  lcal_status status = config_load(config, folder_path("c.yaml"), &config_case_overrides, stream);
  assert_int_equal(fclose(stream), 0);
  strip_path(*errors, folder_path("c.yaml"));
  return status;
}

struct config *config_case_accept(const char *text) {
  struct config *config = NULL;
  char *errors;
  lcal_status status = config_case_load(&config, text, SIZE_MAX, &errors);
  if (status != LCAL_OK) {
    fail_msg("refused: %s", errors);
  }
  assert_string_equal(errors, "");
  free(errors);
  return config;
}

void config_case_refuse(const char *text, const char *lines) {
  struct config *config = NULL;
  char *errors;
  lcal_status status = config_case_load(&config, text, SIZE_MAX, &errors);
  assert_string_equal(errors, lines);
  assert_int_equal(status, LCAL_BAD_CONFIG);
  assert_null(config);
  free(errors);
}

char *config_case_print(const struct config *config) {
  char *text = NULL;
  size_t length;
  FILE *stream = open_memstream(&text, &length);
  assert_non_null(stream);
  config_print(config, stream);
  assert_int_equal(fclose(stream), 0);
  return text;
}
