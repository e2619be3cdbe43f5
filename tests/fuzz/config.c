/* labelcald.yaml: from the text to the configuration, or to every problem that is printed. */
#include "fuzz.h"

#include "daemon/config_table.h"
#include "wire/text.h"

#include <stdlib.h>
#include <string.h>

static const struct config_overrides overrides = {
    .runtime_dir = "/r", .state_dir = "/s", .http = NULL};

/* The problems as labelcald prints them: lines of FILE:LINE:COLUMN: text. */
static void check_report(struct problems *problems) {
  char *text = NULL;
  size_t length = 0;
  FILE *stream = open_memstream(&text, &length);
  REQUIRE(stream != NULL);
  problems_print(problems, stream);
  REQUIRE(fclose(stream) == 0);
  REQUIRE(length > 0 && text[length - 1] == '\n');
  for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
    size_t end = strcspn(line, "\n");
    REQUIRE(strncmp(line, "c.yaml:", 7) == 0 && end > 9);
    REQUIRE(lcal__text_prefix(line, end) == end); /* no control characters, whole UTF-8 */
  }
  free(text);
}

static char *print(const struct config *config, size_t *length) {
  char *text = NULL;
  FILE *stream = open_memstream(&text, length);
  REQUIRE(stream != NULL);
  config_print(config, stream);
  REQUIRE(fclose(stream) == 0);
  return text;
}

static struct config *load(const char *text, size_t length, struct problems *problems) {
  struct node *tree = node_parse(text, length, problems);
  struct config *config = tree ? config_from_tree(tree, &overrides, problems) : NULL;
  node_free(tree);
  return config;
}

static void on_difference(void *context, const char *key, bool restart) {
  (void)key;
  (void)restart;
  ++*(unsigned *)context;
}

/* What --check-config prints is the same configuration. */
static void print_again(const struct config *config) {
  size_t length = 0;
  size_t second_length = 0;
  unsigned differences = 0;
  char *text = print(config, &length);
  struct problems problems = {.file = "c.yaml"};
  struct config *again = load(text, length, &problems);
  REQUIRE(again != NULL && !problems_any(&problems));
  char *second = print(again, &second_length);
  REQUIRE(length == second_length && memcmp(text, second, length) == 0);
  config_diff(config, again, on_difference, &differences);
  REQUIRE(differences == 0);
  free(text);
  free(second);
  config_free(again);
  problems_free(&problems);
}

/* A reload to it from the defaults takes over what it may, and the rest stays. */
static void reload(const struct config *config) {
  struct problems problems = {.file = "c.yaml"};
  struct config *defaults = config_from_tree(NULL, &overrides, &problems);
  REQUIRE(defaults != NULL);
  lcal_error error;
  unsigned differences = 0;
  config_diff(defaults, config, on_difference, &differences);
  struct config *merged = config_merge_reload(defaults, config, &error);
  REQUIRE(merged != NULL);
  REQUIRE(merged->class_count == defaults->class_count);
  REQUIRE(merged->bank_count >= 1 && merged->stream_count >= 1);
  config_free(merged);
  config_free(defaults);
  problems_free(&problems);
}

static void check_values(const struct config *config) {
  REQUIRE(config->threads > 0 && config->limits.streams > 0 && config->limits.pixels > 0);
  REQUIRE(strcmp(config->banks[0].name, "default") == 0);
  REQUIRE(strcmp(config->streams[0].name, "default") == 0);
  for (size_t i = 0; i < config->stream_count; i++) {
    const struct config_stream *stream = &config->streams[i];
    REQUIRE(lcal_name_valid(stream->name, strlen(stream->name)));
    REQUIRE(config_bank_find(config, stream->bank) != NULL);
    REQUIRE(stream->depth > 0 && (unsigned)stream->mode < MODE_COUNT);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct problems problems = {.file = "c.yaml"};
  struct config *config = load((const char *)data, size, &problems);
  REQUIRE(!problems.out_of_memory);
  if (problems_any(&problems)) {
    check_report(&problems);
  } else {
    REQUIRE(config != NULL);
    check_values(config);
    print_again(config);
    reload(config);
  }
  config_free(config);
  problems_free(&problems);
  return 0;
}
