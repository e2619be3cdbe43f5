/* Values of labelcald.yaml: what each key refuses, and what the accepted ones come to. */
#include "config_case.h"

#include "build_config.h"
#include "daemon/config_table.h"
#include "folder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A file that gives one key one value, all on line 1, as a map in a map in a map; `*` is `one`. */
static char *file_with(const struct config_key *key, const char *value) {
  char *text = NULL;
  size_t length;
  FILE *stream = open_memstream(&text, &length);
  assert_non_null(stream);
  const char *part = key->path;
  for (; *part; part += strcspn(part, ".") + (part[strcspn(part, ".")] == '.')) {
    if (*part == '*') {
      fputs("one: {", stream);
    } else {
      fprintf(stream, "%.*s: {", (int)strcspn(part, "."), part);
    }
  }
  fseek(stream, -1, SEEK_CUR); /* the last brace */
  fputs(value, stream);
  for (unsigned depth = config_key_depth(key); depth > 0; depth--) {
    putc('}', stream);
  }
  putc('\n', stream);
  assert_int_equal(fclose(stream), 0);
  return text;
}

/* Values that no key of the type takes. */
static const struct {
  const struct config_type *type;
  const char *values[12];
} bad_values[] = {
    {&type_u32,
     {"-1", "0x10", "010", "1.5", "\"5\"", "five", "99999999999999999999", "[1]", "{}", "", "~",
      "+5"}},
    {&type_u64,
     {"-1", "0x10", "010", "1.5", "\"5\"", "five", "99999999999999999999", "[1]", "{}", "", "~",
      "1e3"}},
    {&type_milliseconds,
     {"-1", "0", "010", "1.5", "\"5\"", "3600001", "off", "[1]", "{}", "", "~", "1e3"}},
    {&type_real,
     {"-1", ".nan", ".inf", "0x1p3", "00.5", "\"5\"", "half", "1e99", "[1]", "", "~", "1e"}},
    {&type_words, {"1", "true", "Frames", "[frames]", "{}", "", "null", "~"}},
    {&type_flag, {"yes", "no", "on", "True", "FALSE", "1", "\"true\"", "[]", "", "null", "~"}},
    {&type_mode, {"0660", "\"0668\"", "\"01777\"", "\"rw\"", "[]", "", "\"\"", "null"}},
    {&type_name, {"\"\"", "\"a b\"", "\".a\"", "\"a/b\"", "[a]", "", "null", "5", "true"}},
    {&type_text, {"\"\"", "\"a\\tb\"", "[a]", "", "null", "5", "true", "\"\\u0085\""}},
    {&type_classes,
     {"1", "1025", "010", "-5", "1e2", "cityscapes20", "[]", "[one]", "", "null", "{}", "\"19\""}},
    {&type_rule, {"euclid", "layout", "[kl]", "", "null", "5"}},
    {&type_class_set, {"road", "[unicorn]", "[road, road]", "[[road]]", "", "null", "{}", "[5]"}},
    {&type_want, {"argmax", "[scores]", "[argmax, argmax]", "[[]]", "", "null", "{}"}},
    {&type_cpus, {"2", "[a]", "[-1]", "[\"2\"]", "[]", "", "[5000]"}},
    {&type_urls,
     {"ipc:///r/x", "[\"/r/x\"]", "[\"http://127.0.0.1:1\"]", "[\"tcp://:5\"]", "[\"tcp://*:5\"]",
      "[\"ipc://x\"]", "[\"ws://127.0.0.1:5\"]", "[\"tcp://127.0.0.1\"]", "[\"tcp://127.0.0.1:0\"]",
      "null", "", "[\"abstract://x\"]"}},
    {&type_path, {"[]", "{}", "", "true", "5", "\"${HOME}/x\"", "\"\""}},
    {&type_http,
     {"[]", "{}", "", "true", "https://127.0.0.1:1", "http://127.0.0.1", "http://:80",
      "http://*:80", "http://127.0.0.1:80/x", "http://127.0.0.1:65536", "\"http://[::1:80\"",
      "\"tcp://127.0.0.1:80\""}},
};

static const char *const *bad_values_of(const struct config_type *type, size_t *count) {
  for (size_t i = 0; i < sizeof bad_values / sizeof *bad_values; i++) {
    if (bad_values[i].type == type) {
      *count = 0;
      while (*count < 12 && bad_values[i].values[*count]) {
        ++*count;
      }
      return bad_values[i].values;
    }
  }
  fail_msg("a type without bad values");
  return NULL;
}

/* Every key with every value that its type cannot take, and with one outside its range. */
static void every_key_refuses_what_it_cannot_take_and_says_where(void **state) {
  (void)state;
  unsigned tried = 0;
  for (size_t row = 0; row < config_key_count; row++) {
    const struct config_key *key = &config_keys[row];
    size_t count = 0;
    const char *const *values = key->type ? bad_values_of(key->type, &count) : NULL;
    for (size_t i = 0; i < count; i++) {
      char *text = file_with(key, values[i]);
      char *name = config_key_name(key, "one");
      char start[128];
      snprintf(start, sizeof start, ": %s: ", name);
      struct config *config = NULL;
      char *errors;
      lcal_status status = config_case_load(&config, text, SIZE_MAX, &errors);
      if (status != LCAL_BAD_CONFIG || strncmp(errors, "1:", 2) != 0 || !strstr(errors, start) ||
          strchr(errors, '\n')[1] != '\0') {
        fail_msg("%s gave: %s", text, errors);
      }
      tried++;
      free(errors);
      free(name);
      free(text);
    }
  }
  assert_true(tried > 400);
}

static void every_number_refuses_what_is_beyond_its_range(void **state) {
  (void)state;
  for (size_t row = 0; row < config_key_count; row++) {
    const struct config_key *key = &config_keys[row];
    if (!key->type || !(key->max > key->min) || key->type == &type_cpus) {
      continue;
    }
    char beyond[2][40];
    snprintf(beyond[0], sizeof beyond[0], "%.17g", key->max * 1.5 + 1);
    snprintf(beyond[1], sizeof beyond[1], "%.17g", key->min - (key->min < 1 ? 1e-4 : 1));
    for (int i = 0; i < 2; i++) {
      char *text = file_with(key, beyond[i]);
      struct config *config = NULL;
      char *errors;
      if (config_case_load(&config, text, SIZE_MAX, &errors) != LCAL_BAD_CONFIG ||
          !strstr(errors, "must be a ")) {
        fail_msg("%s gave: %s", text, errors);
      }
      free(errors);
      free(text);
    }
  }
}

static void every_section_refuses_what_is_no_mapping(void **state) {
  (void)state;
  static const char *const values[] = {"5", "[]", "", "null", "text"};
  for (size_t row = 0; row < config_key_count; row++) {
    for (size_t i = 0; !config_keys[row].type && i < sizeof values / sizeof *values; i++) {
      char *text = file_with(&config_keys[row], values[i]);
      struct config *config = NULL;
      char *errors;
      if (config_case_load(&config, text, SIZE_MAX, &errors) != LCAL_BAD_CONFIG ||
          !strstr(errors, ": must be a mapping: keys below it, indented, or {} for none\n")) {
        fail_msg("%s gave: %s", text, errors);
      }
      free(errors);
      free(text);
    }
  }
}

static void every_section_refuses_an_unknown_key(void **state) {
  (void)state;
  for (size_t row = 0; row < config_key_count; row++) {
    const char *path = config_keys[row].path;
    bool any_name = strcmp(path, "banks") == 0 || strcmp(path, "streams") == 0;
    if (config_keys[row].type || any_name) {
      continue;
    }
    char *text = file_with(&config_keys[row], "{quite_unknown: 5}");
    struct config *config = NULL;
    char *errors;
    if (config_case_load(&config, text, SIZE_MAX, &errors) != LCAL_BAD_CONFIG ||
        !strstr(errors, ".quite_unknown: unknown key\n")) {
      fail_msg("%s gave: %s", text, errors);
    }
    free(errors);
    free(text);
  }
}

static void all_errors_of_a_file_are_printed_in_its_order(void **state) {
  (void)state;
  config_case_refuse("streams:\n"
                     "  cam:\n"
                     "    bank: rear\n"
                     "    depht: 3\n"
                     "    want: [argmax, scores, maps]\n"
                     "model:\n"
                     "  name: 5\n"
                     "limits: {streams: 0, pixels: many}\n"
                     "Log: {}\n",
                     "3:11: streams.cam.bank: there is no bank rear; add it below banks\n"
                     "4:5: streams.cam.depht: unknown key; did you mean depth?\n"
                     "5:20: streams.cam.want: must be a list of argmax, confidence or calibrated, "
                     "not scores\n"
                     "5:28: streams.cam.want: must be a list of argmax, confidence or calibrated, "
                     "not maps\n"
                     "7:9: model.name: 5 reads as a number: put it in quotes\n"
                     "8:19: limits.streams: must be a whole number from 1 to 4096, not 0\n"
                     "8:30: limits.pixels: must be a whole number of pixels from 1 to 4294967296, "
                     "not many\n"
                     "9:1: Log: unknown key; did you mean log?\n");
}

static void what_is_wrong_is_said_in_the_types_own_words(void **state) {
  (void)state;
  config_case_refuse("log: {level: loud}\n",
                     "1:14: log.level: must be debug, info, warning or error, not loud\n");
  config_case_refuse("listen: {mode: 0660}\n",
                     "1:16: listen.mode: 0660 reads as a number: put it in quotes\n");
  config_case_refuse("listen: {allow_remote: yes}\n",
                     "1:24: listen.allow_remote: must be true or false, not yes\n");
  config_case_refuse("limits: {streams: 010}\n",
                     "1:19: limits.streams: 010 has a leading zero: numbers are decimal\n");
  config_case_refuse("limits: {streams: '5'}\n",
                     "1:19: limits.streams: must be a whole number from 1 to 4096, not the string "
                     "\"5\"\n");
  config_case_refuse("streams: {default: {deadline_ms: 0}}\n",
                     "1:34: streams.default.deadline_ms: must be a whole number of milliseconds "
                     "from 1 to 3600000, or null, not 0\n");
  config_case_refuse("streams: {default: {deadline_ms: }}\n",
                     "1:34: streams.default.deadline_ms: must be a whole number of milliseconds "
                     "from 1 to 3600000, or null, not nothing\n");
  config_case_refuse("banks: {default: {guards: {max_void: 1.01}}}\n",
                     "1:38: banks.default.guards.max_void: must be a number from 0 to 1, or null, "
                     "not 1.01\n");
}

static void names_of_banks_and_streams_are_checked(void **state) {
  (void)state;
  config_case_refuse("banks: {\"a b\": {}, .x: {}}\n"
                     "streams: {front/left: {}}\n",
                     "1:9: banks.a b: \"a b\" must be a name (1 to 64 of A-Z a-z 0-9 . _ -, the "
                     "first a letter or digit)\n"
                     "1:20: banks..x: \".x\" must be a name (1 to 64 of A-Z a-z 0-9 . _ -, the "
                     "first a letter or digit)\n"
                     "2:11: streams.front/left: \"front/left\" must be a name (1 to 64 of A-Z a-z "
                     "0-9 . _ -, the first a letter or digit)\n");
}

static void classes_are_unique_names(void **state) {
  (void)state;
  config_case_refuse("model:\n  classes: [road, sky, road, \"\", 5, off, \"a\\nb\"]\n",
                     "2:24: model.classes: the class \"road\" is listed twice (class 0)\n"
                     "2:30: model.classes: must be a list of 2 to 1024 names, cityscapes19, "
                     "camvid11, or a count from 2 to 1024, not the string \"\"\n"
                     "2:34: model.classes: 5 reads as a number: put it in quotes\n"
                     "2:37: model.classes: off reads as true or false: put it in quotes\n"
                     "2:42: model.classes: the class name \"a\\x0ab\" must be 1 to 64 bytes of "
                     "UTF-8 without control characters\n");
}

static void protected_classes_are_the_models(void **state) {
  (void)state;
  config_case_refuse("model: {classes: [road, person]}\n"
                     "banks: {default: {adaptation: {protect: [person, rider, person]}}}\n",
                     "2:50: banks.default.adaptation.protect: \"rider\" is not a class of the "
                     "model\n"
                     "2:57: banks.default.adaptation.protect: \"person\" is listed twice\n");
  /* With refused classes there is nothing to compare with. */
  config_case_refuse("model: {classes: [road, road]}\n"
                     "banks: {default: {adaptation: {protect: [rider]}}}\n",
                     "1:25: model.classes: the class \"road\" is listed twice (class 0)\n");
}

static void a_unix_path_has_at_most_107_bytes(void **state) {
  (void)state;
  char text[256];
  char path[128];
  memset(path, 'x', sizeof path);
  snprintf(text, sizeof text, "listen:\n  frames: [\"ipc:///r/%.104s\"]\n", path);
  struct config *config = config_case_accept(text);
  assert_int_equal(strlen(config->listen[ENDPOINT_FRAMES].items[0]), strlen("ipc://") + 107);
  config_free(config);
  char lines[512];
  snprintf(text, sizeof text, "listen:\n  frames: [\"ipc:///r/%.105s\"]\n", path);
  snprintf(lines, sizeof lines,
           "2:12: listen.frames: ipc:///r/%.105s: the path is 108 bytes long, that of a unix "
           "socket at most 107\n",
           path);
  config_case_refuse(text, lines);
}

static void a_path_that_a_default_makes_too_long_is_named_without_a_place(void **state) {
  (void)state;
  char directory[120];
  memset(directory, 'x', sizeof directory);
  directory[0] = '/';
  directory[100] = '\0';
  const struct config_overrides overrides = {.runtime_dir = directory, .state_dir = "/s"};
  struct config *config = NULL;
  char *errors;
  size_t length;
  FILE *stream = open_memstream(&errors, &length);
  assert_int_equal(config_load(&config, NULL, &overrides, stream), LCAL_BAD_CONFIG);
  fclose(stream);
  assert_non_null(strstr(errors, "defaults: listen.calibrate: ipc:///x"));
  assert_non_null(strstr(errors, "/calibrate: the path is 110 bytes long"));
  assert_null(strstr(errors, "/frames"));
  free(errors);
}

static void ipc_sockets_lie_below_the_runtime_directory(void **state) {
  (void)state;
  config_case_refuse("listen:\n"
                     "  frames: [\"ipc:///etc/passwd\", \"ipc:///r/../etc/passwd\"]\n"
                     "  labels: [\"ipc:///runner/labels\"]\n"
                     "  state: [\"ipc://${STATE_DIRECTORY}/state\"]\n",
                     "2:12: listen.frames: ipc:///etc/passwd: an ipc path must lie below the "
                     "runtime directory, /r\n"
                     "2:33: listen.frames: ipc:///r/../etc/passwd: the path must not contain ..\n"
                     "3:12: listen.labels: ipc:///runner/labels: an ipc path must lie below the "
                     "runtime directory, /r\n"
                     "4:11: listen.state: ipc:///s/state: an ipc path must lie below the runtime "
                     "directory, /r\n");
}

static void only_two_variables_expand(void **state) {
  (void)state;
  config_case_refuse("listen: {frames: [\"ipc://${RUNTIME_DIRECTORY}/${USER}\"]}\n",
                     "1:19: listen.frames: only ${RUNTIME_DIRECTORY} and ${STATE_DIRECTORY} "
                     "expand, not ${USER}\n");
  struct config *config =
      config_case_accept("model: {name: \"${RUNTIME_DIRECTORY}\"}\n"
                         "listen: {frames: [\"ipc://${RUNTIME_DIRECTORY}/a$b\"]}\n");
  assert_string_equal(config->model, "${RUNTIME_DIRECTORY}");
  assert_string_equal(config->listen[ENDPOINT_FRAMES].items[0], "ipc:///r/a$b");
  config_free(config);
}

static void other_machines_reach_only_what_allow_remote_allows(void **state) {
  (void)state;
  static const char open_to_all[] = "listen:\n"
                                    "  frames: [\"tcp://0.0.0.0:9001\", \"tcp://[::]:9002\"]\n"
                                    "  labels: [\"tcp://camera-hub:9003\"]\n";
  config_case_refuse(open_to_all,
                     "2:12: listen.frames: tcp://0.0.0.0:9001: other machines can reach it; set "
                     "listen.allow_remote: true if that is meant\n"
                     "2:34: listen.frames: tcp://[::]:9002: other machines can reach it; set "
                     "listen.allow_remote: true if that is meant\n"
                     "3:12: listen.labels: tcp://camera-hub:9003: other machines can reach it; set "
                     "listen.allow_remote: true if that is meant\n");
  char text[512];
  snprintf(text, sizeof text, "%s  allow_remote: true\n", open_to_all);
  config_free(config_case_accept(text));
  config_free(
      config_case_accept("listen: {frames: [\"tcp://127.8.8.8:9001\", \"tcp://[::1]:9002\", "
                         "\"tcp://localhost:9003\"]}\n"));
  /* Dialling out is not listening. */
  config_free(config_case_accept("subscribe: [\"tcp://10.0.0.7:9001\"]\n"));
}

static void two_listeners_on_one_address_are_refused(void **state) {
  (void)state;
  config_case_refuse("listen:\n"
                     "  labels: [\"tcp://127.0.0.1:9000\", \"ipc:///r/frames\"]\n"
                     "  state: [\"tcp://127.0.0.1:9000\"]\n",
                     "2:36: listen.labels: ipc:///r/frames: listen.frames already listens there\n"
                     "3:11: listen.state: tcp://127.0.0.1:9000: listen.labels already listens "
                     "there\n");
}

static void a_window_beyond_its_bytes_is_refused(void **state) {
  (void)state;
  config_case_refuse("banks:\n"
                     "  default: {adaptation: {forgetting: window, window: 1000000}}\n"
                     "  one: {adaptation: {window: 900000}}\n"
                     "  two: {adaptation: {forgetting: ema}}\n"
                     "model: {classes: 2}\n"
                     "limits: {window_bytes: 1000}\n",
                     "2:54: banks.default.adaptation.window: 1000000 frames of 2 classes take "
                     "111999952 bytes a domain, more than limits.window_bytes (1000)\n"
                     "3:30: banks.one.adaptation.window: 900000 frames of 2 classes take "
                     "100799952 bytes a domain, more than limits.window_bytes (1000)\n");
}

#if LCAL_HAVE_PNG
static void a_missing_mask_is_refused(void **state) {
  (void)state;
  config_case_refuse("streams:\n"
                     "  default: {mask: /nowhere/mask.png}\n"
                     "  one: {}\n"
                     "  two: {mask: /}\n",
                     "2:19: streams.default.mask: /nowhere/mask.png: No such file or directory\n"
                     "4:15: streams.two.mask: / is not a regular file\n");
}
#endif

static void what_is_not_built_yet_is_refused_away_from_its_default(void **state) {
  (void)state;
  config_case_refuse(
      "listen: {ring: /r/other, labels_ring: /r/x}\n"
      "banks:\n"
      "  default:\n"
      "    adaptation: {rule: logda_layout, reference: /day.snapshot, fixed: [road]}\n",
      "1:16: listen.ring: not built yet: leave it at its default\n"
      "1:39: listen.labels_ring: not built yet: leave it at its default\n"
      "4:24: banks.default.adaptation.rule: the rule logda_layout is not built yet\n"
      "4:49: banks.default.adaptation.reference: not built yet: leave it at its "
      "default\n"
      "4:71: banks.default.adaptation.fixed: not built yet: leave it at its "
      "default\n");
  struct config *config = config_case_accept("listen: {ring: off, labels_ring: /r/labels_ring}\n");
  assert_null(config->ring);
  assert_string_equal(config->labels_ring, "/r/labels_ring");
  config_free(config);
}

#if LCAL_HAVE_HTTP
static void the_flag_http_beats_the_file_and_is_checked_like_it(void **state) {
  (void)state;
  static const char text[] = "listen: {http: \"http://127.0.0.1:8000\"}\n";
  folder_write("c.yaml", text, sizeof text - 1);
  struct config_overrides overrides = {.runtime_dir = "/r", .state_dir = "/s", .http = "off"};
  struct config *config = NULL;
  assert_int_equal(config_load(&config, folder_path("c.yaml"), &overrides, stderr), LCAL_OK);
  assert_null(config->http);
  config_free(config);
  static const struct {
    const char *http, *line;
  } refused[] = {
      {"http://0.0.0.0:80", "labelcald: --http: http://0.0.0.0:80: other machines can reach it; "
                            "set listen.allow_remote: true if that is meant\n"},
      {"yes", "labelcald: --http: yes: must begin with http://\n"},
      {"", "labelcald: --http: must be http://HOST:PORT, or off, not the string \"\"\n"},
      {"tcp://127.0.0.1:5", "labelcald: --http: tcp://127.0.0.1:5: must begin with http://\n"},
  };
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    char *errors;
    size_t length;
    FILE *stream = open_memstream(&errors, &length);
    overrides.http = refused[i].http;
    assert_int_equal(config_load(&config, folder_path("c.yaml"), &overrides, stream),
                     LCAL_BAD_CONFIG);
    fclose(stream);
    assert_string_equal(errors, refused[i].line);
    free(errors);
  }
}
#endif

#if !LCAL_HAVE_HTTP
static void without_http_only_its_default_and_off_are_accepted(void **state) {
  (void)state;
  config_case_refuse("listen: {http: \"http://127.0.0.1:8000\"}\n",
                     "1:16: listen.http: this labelcald was built without HTTP (libwebsockets)\n");
  struct config *config = config_case_accept("listen: {http: \"http://127.0.0.1:9477\"}\n");
  assert_null(config->http);
  config_free(config);
}
#endif

#if !LCAL_HAVE_PNG
static void without_png_a_mask_is_refused(void **state) {
  (void)state;
  config_case_refuse("streams: {cam: {mask: /etc/passwd}}\n",
                     "1:23: streams.cam.mask: this labelcald was built without PNG (libpng)\n");
}
#endif

/* ---- What accepted values come to. */

static void without_a_file_every_key_has_its_default(void **state) {
  (void)state;
  struct config *config = NULL;
  assert_int_equal(config_load(&config, NULL, &config_case_overrides, stderr), LCAL_OK);
  assert_string_equal(config->model, "default");
  assert_int_equal(config->class_count, 19);
  assert_string_equal(config->classes[6], "traffic light");
  assert_int_equal(config->listen[ENDPOINT_CONTROL].count, 1);
  assert_string_equal(config->listen[ENDPOINT_CONTROL].items[0], "ipc:///r/control");
  assert_int_equal(config->socket_mode, 0660);
  assert_false(config->allow_remote);
  assert_int_equal(config->subscribe.count, 0);
  assert_int_equal(config->bank_count, 1);
  const struct config_bank *bank = &config->banks[0];
  lcal_adaptation adaptation;
  lcal_adaptation_default(&adaptation);
  assert_memory_equal(&bank->adaptation, &adaptation, sizeof adaptation);
  assert_true(bank->guards.max_void == 0.5 && bank->guards.max_changed == 0.5);
  assert_true(isnan(bank->guards.min_confidence));
  assert_int_equal(bank->domains, 8);
  assert_int_equal(config->stream_count, 1);
  const struct config_stream *stream = &config->streams[0];
  assert_string_equal(stream->name, "default");
  assert_string_equal(stream->bank, "default");
  assert_int_equal(stream->mode, MODE_ADAPT);
  assert_int_equal(stream->depth, 1);
  assert_int_equal(stream->deadline_ns, 0);
  assert_int_equal(stream->forget_after_s, 3600);
  assert_true(config->accept_unnamed);
  assert_int_equal(config->snapshot.keep_hourly, 24);
  assert_false(config->snapshot.start_empty);
  assert_int_equal(config->limits.ring_bytes, 4294967296);
  assert_true(config->threads >= 1);
  assert_int_equal(config->threads_wanted, 0);
  assert_int_equal(config->log_level, LOG_INFO);
  config_free(config);
}

static void values_reach_their_fields(void **state) {
  (void)state;
  struct config *config = config_case_accept(
      "model: {name: 'esp net', classes: [road, \"off\", \"\xC3\xA4\"]}\n"
      "listen: {mode: \"0600\", frames: [], http: off}\n"
      "http: {control: true}\n"
      "banks:\n"
      "  default:\n"
      "    adaptation: {rule: kl, protect: [\"off\"], order: update_first, unit: seconds,\n"
      "                 half_life: 2.5, min_weight: 1e-3, warmup_frames: 7, forgetting: window}\n"
      "    guards: {max_void: null, min_confidence: 0.25}\n"
      "streams:\n"
      "  default: {deadline_ms: 40, want: [calibrated, argmax], mode: bypass}\n"
      "snapshot: {start: empty}\n"
      "workers: {threads: 3}\n"
      "log: {level: error}\n");
  assert_string_equal(config->model, "esp net");
  assert_int_equal(config->class_count, 3);
  assert_string_equal(config->classes[1], "off");
  assert_string_equal(config->classes[2], "\xC3\xA4");
  assert_int_equal(config->socket_mode, 0600);
  assert_int_equal(config->listen[ENDPOINT_FRAMES].count, 0);
  assert_null(config->http);
  assert_true(config->http_control);
  const struct config_bank *bank = &config->banks[0];
  assert_string_equal(bank->adaptation.rule->name, "kl");
  assert_ptr_equal(bank->adaptation.protect, bank->protect);
  assert_memory_equal(bank->protect, "\0\1\0", 3);
  assert_int_equal(bank->adaptation.order, LCAL_UPDATE_FIRST);
  assert_int_equal(bank->adaptation.unit, LCAL_SECONDS);
  assert_int_equal(bank->adaptation.forgetting, LCAL_WINDOW);
  assert_true(bank->adaptation.half_life == 2.5 && bank->adaptation.min_weight == 1e-3);
  assert_int_equal(bank->adaptation.warmup_frames, 7);
  assert_true(isnan(bank->guards.max_void) && bank->guards.min_confidence == 0.25);
  assert_int_equal(config->streams[0].deadline_ns, 40000000);
  assert_int_equal(config->streams[0].want, LCAL_WANT_ARGMAX | LCAL_WANT_CALIBRATED);
  assert_int_equal(config->streams[0].mode, MODE_BYPASS);
  assert_true(config->snapshot.start_empty);
  assert_int_equal(config->threads, 3);
  assert_int_equal(config->log_level, LOG_ERROR);
  config_free(config);
}

static void classes_come_by_preset_and_by_count(void **state) {
  (void)state;
  struct config *config = config_case_accept("model: {classes: camvid11}\n");
  assert_int_equal(config->class_count, 11);
  assert_string_equal(config->classes[10], "bicyclist");
  config_free(config);
  config = config_case_accept("model: {classes: 300}\n");
  assert_int_equal(config->class_count, 300);
  assert_string_equal(config->classes[299], "class_299");
  config_free(config);
}

static void what_a_named_bank_or_stream_does_not_say_comes_from_default(void **state) {
  (void)state;
  struct config *config = config_case_accept(
      "banks:\n"
      "  rear: {adaptation: {half_life: 9}}\n"
      "  default: {adaptation: {rule: kl, protect: [person]}, guards: {max_void: 0.2}}\n"
      "streams:\n"
      "  front: {depth: 4}\n"
      "  default: {bank: rear, depth: 2, want: [argmax]}\n"
      "  back: {want: []}\n");
  assert_int_equal(config->bank_count, 2);
  assert_string_equal(config->banks[0].name, "default");
  const struct config_bank *rear = config_bank_find(config, "rear");
  assert_non_null(rear);
  assert_string_equal(rear->adaptation.rule->name, "kl");
  assert_int_equal(rear->protect[11], 1);
  assert_ptr_not_equal(rear->protect, config->banks[0].protect);
  assert_true(rear->adaptation.half_life == 9 && config->banks[0].adaptation.half_life == 3000);
  assert_true(rear->guards.max_void == 0.2);
  assert_null(config_bank_find(config, "front"));
  bool named;
  const struct config_stream *front = config_stream_find(config, "front", &named);
  assert_true(named);
  assert_int_equal(front->depth, 4);
  assert_string_equal(front->bank, "rear");
  assert_int_equal(front->want, LCAL_WANT_ARGMAX);
  assert_int_equal(config_stream_find(config, "back", &named)->want, 0);
  assert_ptr_equal(config_stream_find(config, "left", &named), &config->streams[0]);
  assert_false(named);
  config_free(config);
}

/* ---- Printed and read back. */

static void assert_round_trip(const char *text) {
  struct config *config = config_case_accept(text);
  char *first = config_case_print(config);
  config_free(config);
  config = config_case_accept(first);
  char *second = config_case_print(config);
  config_free(config);
  assert_string_equal(first, second);
  free(first);
  free(second);
}

static void what_is_printed_reads_back_to_the_same(void **state) {
  (void)state;
  assert_round_trip("log: {}\n");
  assert_round_trip(
      "model: {name: \"1\\\"2\\\\\", classes: [\"no\", \"5\", \"a b\", \"a: b\", \"#\", "
      "\"\xE2\x80\xA8\", \"\xEF\xBB\xBF\", \"\xF0\x9F\x9A\x97\", \"null\", \"~\", \"-\", \"'\"]}\n"
      "listen: {frames: [\"ipc:///r/a b'c\", \"tcp://127.0.0.1:9\"], http: off, ring: off}\n"
      "subscribe: [\"ipc:///x\"]\n"
      "banks:\n"
      "  \"5\": {adaptation: {half_life: 0.1, min_weight: 1e-300, sum_tolerance: "
      "0.3333333333333333}}\n"
      "  on: {adaptation: {half_life: 123456789.123, min_weight: 1e15, protect: [\"no\", \"~\"]},\n"
      "       guards: {max_void: 1, max_changed: null, min_confidence: 0.30000000000000004}}\n"
      "streams:\n"
      "  \"1.5\": {bank: \"5\", domain: \"true\", deadline_ms: 3600000, want: [confidence]}\n"
      "  accept_unnamed: false\n");
}

static void numbers_are_printed_with_the_fewest_digits(void **state) {
  (void)state;
  static const char *const numbers[] = {"0.1", "3000", "2.5", "0.30000000000000004"};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    char text[96];
    snprintf(text, sizeof text, "banks: {default: {adaptation: {half_life: %s}}}\n", numbers[i]);
    struct config *config = config_case_accept(text);
    char *printed = config_case_print(config);
    snprintf(text, sizeof text, "\n      half_life: %s\n", numbers[i]);
    assert_non_null(strstr(printed, text));
    free(printed);
    config_free(config);
  }
}

static void a_preset_is_printed_by_its_name(void **state) {
  (void)state;
  static const char *const words[] = {"cityscapes19", "camvid11", "2", "1024"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    char text[64];
    snprintf(text, sizeof text, "model: {classes: %s}\n", words[i]);
    struct config *config = config_case_accept(text);
    char *printed = config_case_print(config);
    snprintf(text, sizeof text, "\n  classes: %s\n", words[i]);
    assert_non_null(strstr(printed, text));
    free(printed);
    config_free(config);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, config_case_set_up, config_case_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(every_key_refuses_what_it_cannot_take_and_says_where),
    TEST(every_number_refuses_what_is_beyond_its_range),
    TEST(every_section_refuses_what_is_no_mapping),
    TEST(every_section_refuses_an_unknown_key),
    TEST(all_errors_of_a_file_are_printed_in_its_order),
    TEST(what_is_wrong_is_said_in_the_types_own_words),
    TEST(names_of_banks_and_streams_are_checked),
    TEST(classes_are_unique_names),
    TEST(protected_classes_are_the_models),
    TEST(a_unix_path_has_at_most_107_bytes),
    TEST(a_path_that_a_default_makes_too_long_is_named_without_a_place),
    TEST(ipc_sockets_lie_below_the_runtime_directory),
    TEST(only_two_variables_expand),
    TEST(other_machines_reach_only_what_allow_remote_allows),
    TEST(two_listeners_on_one_address_are_refused),
    TEST(a_window_beyond_its_bytes_is_refused),
#if LCAL_HAVE_PNG
    TEST(a_missing_mask_is_refused),
#endif
    TEST(what_is_not_built_yet_is_refused_away_from_its_default),
#if LCAL_HAVE_HTTP
    TEST(the_flag_http_beats_the_file_and_is_checked_like_it),
#endif
#if !LCAL_HAVE_HTTP
    TEST(without_http_only_its_default_and_off_are_accepted),
#endif
#if !LCAL_HAVE_PNG
    TEST(without_png_a_mask_is_refused),
#endif
    TEST(without_a_file_every_key_has_its_default),
    TEST(values_reach_their_fields),
    TEST(classes_come_by_preset_and_by_count),
    TEST(what_a_named_bank_or_stream_does_not_say_comes_from_default),
    TEST(what_is_printed_reads_back_to_the_same),
    TEST(numbers_are_printed_with_the_fewest_digits),
    TEST(a_preset_is_printed_by_its_name),
  };
  return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
