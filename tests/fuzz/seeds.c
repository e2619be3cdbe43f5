/* seeds FOLDER: writes FOLDER/TARGET/... and FOLDER/TARGET.dict for every target. The same files
 * on every run. */
#include "seeds.h"

#include "daemon/config_table.h"
#include "wire/commands.h"
#include "wire/messages.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *folder;

void seed(const char *target, const char *name, const void *bytes, size_t length) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, target);
  (void)mkdir(path, 0777);
  snprintf(path, sizeof path, "%s/%s/%s", folder, target, name);
  FILE *file = fopen(path, "wb");
  REQUIRE(file != NULL && length > 0);
  REQUIRE(fwrite(bytes, length, 1, file) == 1 && fclose(file) == 0);
}

static FILE *dictionary(const char *target) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s.dict", folder, target);
  FILE *file = fopen(path, "w");
  REQUIRE(file != NULL);
  return file;
}

/* An entry; control characters, quotes and backslashes escaped. */
static void entry(FILE *out, const char *text) {
  if (*text == '\0') {
    return;
  }
  fputc('"', out);
  for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
    fprintf(out, *c < ' ' || *c > '~' || *c == '"' || *c == '\\' ? "\\x%02x" : "%c", *c);
  }
  fputs("\"\n", out);
}

static void json_entry(FILE *out, const char *key) {
  char text[128];
  snprintf(text, sizeof text, "\"%s\":", key);
  entry(out, text);
}

static void write_config_dictionary(void) {
  FILE *out = dictionary("config");
  for (size_t row = 0; row < config_key_count; row++) {
    const struct config_key *key = &config_keys[row];
    char text[128];
    snprintf(text, sizeof text, "%s: ", config_key_leaf(key));
    entry(out, text);
    entry(out, key->initial ? key->initial : "{}");
    for (size_t i = 0; key->words && i < key->word_count; i++) {
      entry(out, key->words[i]);
    }
    entry(out, key->absent ? key->absent : "~");
  }
  static const char *const marks[] = {"default: ",
                                      "\n  ",
                                      "\n- ",
                                      "{",
                                      "}",
                                      "[",
                                      "]",
                                      ", ",
                                      "&a ",
                                      "*a",
                                      "!!int ",
                                      "%YAML 1.1\n",
                                      "---\n",
                                      "...\n",
                                      "\"\\0\"",
                                      "\xef\xbb\xbf",
                                      "<<: ",
                                      "? ",
                                      "| \n",
                                      "tcp://127.0.0.1:1",
                                      "ipc:///r/x",
                                      "http://[::1]:80",
                                      "${RUNTIME_DIRECTORY}",
                                      "${STATE_DIRECTORY}",
                                      "# "};
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
    entry(out, marks[i]);
  }
  REQUIRE(fclose(out) == 0);
}

static void write_control_dictionary(void) {
  FILE *out = dictionary("control");
  for (size_t i = 0; i < lcal__command_table.count; i++) {
    json_entry(out, lcal__command_table.fields[i].key);
  }
  for (unsigned i = 0; i < LCAL__COMMAND_COUNT; i++) {
    const lcal__command *command = &lcal__commands[i];
    entry(out, command->word);
    for (size_t k = 0; k < command->arguments->count; k++) {
      json_entry(out, command->arguments->fields[k].key);
    }
  }
  REQUIRE(fclose(out) == 0);
}

static void write_file_dictionaries(void) {
  static const char *const keys[] = {"classes", "kind",   "type",         "layout",  "fps",
                                     "model",   "source", "ignore_label", "evaluate"};
  static const char *const words[] = {
      "\"f32\"", "\"u8\"", "\"logits\"", "\"CHW\"", "\"HWC\"",
      "1e308",   "-0.0",   "\\u0000",    "\\ud800", "9223372036854775807"};
  static const char *const parts[] = {"\x93NUMPY\x01",
                                      "'descr': ",
                                      "'fortran_order': ",
                                      "'shape': ",
                                      "True",
                                      "False",
                                      "'<f4'",
                                      "'<f2'",
                                      "'<u2'",
                                      "'|u1'",
                                      "'>f4'",
                                      "(1,)",
                                      ", ",
                                      "{",
                                      "}",
                                      "\n",
                                      "18446744073709551615",
                                      "4294967296"};
  FILE *out = dictionary("meta");
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    json_entry(out, keys[i]);
  }
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    entry(out, words[i]);
  }
  REQUIRE(fclose(out) == 0);
  out = dictionary("npy");
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    entry(out, parts[i]);
  }
  REQUIRE(fclose(out) == 0);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: seeds FOLDER\n");
    return 2;
  }
  folder = argv[1];
  (void)mkdir(folder, 0777);
  write_config_dictionary();
  write_control_dictionary();
  write_file_dictionaries();
  seed_frames();
  seed_labels();
  seed_control();
  seed_snapshots();
  seed_files();
  seed_framing();
  return 0;
}
