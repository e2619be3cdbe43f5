/* What a reload changes, and what it may take over. A stream without a row of its own has
 * `default`'s values, so rows are compared by what they mean, not by where they stand. */
#include "daemon/config_print.h"
#include "daemon/text.h"

#include <stdlib.h>
#include <string.h>

struct change {
  const struct config *from, *to;
  bool other_classes; /* class names of one mean nothing to the other */
};

static bool same_value(const struct config *a, const struct config *b, const struct config_key *key,
                       const char *instance) {
  const void *owner_a = config_owner(a, key, instance);
  const void *owner_b = config_owner(b, key, instance);
  char *text_a = config_value_text(a, key, config_field(key, owner_a));
  char *text_b = config_value_text(b, key, config_field(key, owner_b));
  bool same = text_a && text_b && strcmp(text_a, text_b) == 0;
  free(text_a);
  free(text_b);
  return same;
}

static struct change compare(const struct config *from, const struct config *to) {
  return (struct change){from, to, !same_value(from, to, config_key_find("model.classes"), NULL)};
}

static bool needs_restart(const struct change *change, const struct config_key *key) {
  return !key->reload || (change->other_classes && key->type == &type_class_set);
}

/* A stream that lost its row while a key that needs a restart differs from `default`'s: its row
 * has to stay until then. */
static bool row_stays(const struct change *change, const char *stream) {
  for (size_t row = 0; row < config_key_count; row++) {
    const struct config_key *key = &config_keys[row];
    if (key->type && key->owner == OWNER_STREAM && needs_restart(change, key) &&
        !same_value(change->from, change->to, key, stream)) {
      return true;
    }
  }
  return false;
}

static bool stream_named(const struct config *config, const char *name) {
  bool named;
  config_stream_find(config, name, &named);
  return named || strcmp(name, config->streams[0].name) == 0;
}

/* ---- Telling. */

typedef void reporter(void *context, const char *key, bool restart);

static void report_name(const char *path, const char *instance, bool restart, reporter *report,
                        void *context) {
  const struct config_key key = {.path = path};
  char *name = config_key_name(&key, instance);
  report(context, name ? name : path, restart);
  free(name);
}

static void report_owner(const struct change *change, enum config_owner owner, const char *instance,
                         reporter *report, void *context) {
  for (size_t row = 0; row < config_key_count; row++) {
    const struct config_key *key = &config_keys[row];
    if (key->type && key->owner == owner && !same_value(change->from, change->to, key, instance)) {
      report_name(key->path, instance, needs_restart(change, key), report, context);
    }
  }
}

static void report_banks(const struct change *change, reporter *report, void *context) {
  for (size_t i = 0; i < change->from->bank_count; i++) {
    const char *name = change->from->banks[i].name;
    if (config_bank_find(change->to, name)) {
      report_owner(change, OWNER_BANK, name, report, context);
    } else {
      report_name("banks.*", name, true, report, context);
    }
  }
  for (size_t i = 0; i < change->to->bank_count; i++) {
    if (!config_bank_find(change->from, change->to->banks[i].name)) {
      report_name("banks.*", change->to->banks[i].name, true, report, context);
    }
  }
}

static void report_streams(const struct change *change, reporter *report, void *context) {
  for (size_t i = 0; i < change->from->stream_count; i++) {
    const char *name = change->from->streams[i].name;
    if (!stream_named(change->to, name)) {
      report_name("streams.*", name, row_stays(change, name), report, context);
    }
    report_owner(change, OWNER_STREAM, name, report, context);
  }
  for (size_t i = 0; i < change->to->stream_count; i++) {
    const char *name = change->to->streams[i].name;
    if (!stream_named(change->from, name)) {
      report_name("streams.*", name, false, report, context);
      report_owner(change, OWNER_STREAM, name, report, context);
    }
  }
}

void config_diff(const struct config *from, const struct config *to,
                 void (*report)(void *context, const char *key, bool restart), void *context) {
  struct change change = compare(from, to);
  report_owner(&change, OWNER_CONFIG, NULL, report, context);
  report_banks(&change, report, context);
  report_streams(&change, report, context);
}

/* ---- Taking over. */

static void write_merged(const struct config_writer *writer, const struct config_key *key,
                         const char *instance) {
  const struct change *change = writer->context;
  bool keep = needs_restart(change, key) || !config_owner(change->to, key, instance);
  const struct config *config = keep ? change->from : change->to;
  key->type->print(config, key, config_field(key, config_owner(config, key, instance)),
                   writer->out);
}

/* The streams that will have rows: `to`'s, and those of `from`'s that have to stay. */
static const char **merged_streams(const struct change *change) {
  size_t capacity = change->from->stream_count + change->to->stream_count + 1;
  const char **names = calloc(capacity, sizeof *names);
  size_t count = 0;
  for (size_t i = 0; names && i < change->to->stream_count; i++) {
    names[count++] = change->to->streams[i].name;
  }
  for (size_t i = 0; names && i < change->from->stream_count; i++) {
    const char *name = change->from->streams[i].name;
    if (!stream_named(change->to, name) && row_stays(change, name)) {
      names[count++] = name;
    }
  }
  return names;
}

static char *merged_text(const struct change *change, size_t *length) {
  struct text text;
  const char **banks = config_bank_names(change->from);
  const char **streams = merged_streams(change);
  FILE *stream = text_open(&text);
  if (stream && banks && streams) {
    struct config_writer writer = {.out = stream,
                                   .value = write_merged,
                                   .banks = banks,
                                   .streams = streams,
                                   .context = change};
    config_write(&writer);
  }
  const bool whole = stream && banks && streams;
  free(banks);
  free(streams);
  char *merged = text_close(&text, stream, length);
  if (!whole) {
    free(merged);
    return NULL;
  }
  return merged;
}

struct config *config_merge_reload(const struct config *from, const struct config *to,
                                   lcal_error *error) {
  struct change change = compare(from, to);
  struct problems problems = {.file = "reload"};
  size_t length = 0;
  char *text = merged_text(&change, &length);
  struct node *tree = text ? node_parse(text, length, &problems) : NULL;
  struct config *merged = tree ? config_from_tree(tree, NULL, &problems) : NULL;
  if (!merged || problems_any(&problems)) {
    lcal_error_set(error, LCAL_MEMORY, "out of memory while taking over the configuration");
    config_free(merged);
    merged = NULL;
  }
  problems_free(&problems);
  node_free(tree);
  free(text);
  return merged;
}
