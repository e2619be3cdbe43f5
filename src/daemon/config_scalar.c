/* The types of one value each: numbers, words, flags, names. */
#include "daemon/config_string.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Decimal, no sign, no leading zero, no quotes, within the key's range. */
static bool parse_whole(const struct config_reader *reader, const struct config_key *key,
                        const struct node *node, uint64_t *value) {
  if (node->kind != NODE_SCALAR || !node->plain || node->text[0] == '\0' ||
      node->text[strspn(node->text, "0123456789")] != '\0') {
    return config_expected(reader, key, node);
  }
  if (node->text[0] == '0' && node->text[1] != '\0') {
    return config_refuse(reader, node, "%.60s has a leading zero: numbers are decimal", node->text);
  }
  errno = 0;
  uint64_t number = strtoull(node->text, NULL, 10);
  if (errno != 0 || (double)number < key->min || (double)number > key->max) {
    return config_expected(reader, key, node);
  }
  *value = number;
  return true;
}

static bool parse_u64(const struct config_reader *reader, const struct config_key *key,
                      const struct node *node, void *field) {
  if (config_is_absent(key, node)) {
    *(uint64_t *)field = 0;
    return true;
  }
  return parse_whole(reader, key, node, field);
}

static void print_whole(const struct config_key *key, uint64_t value, FILE *out) {
  if (value == 0 && key->absent) {
    fputs(key->absent, out);
  } else {
    fprintf(out, "%llu", (unsigned long long)value);
  }
}

static void print_u64(const struct config *config, const struct config_key *key, const void *field,
                      FILE *out) {
  (void)config;
  print_whole(key, *(const uint64_t *)field, out);
}

const struct config_type type_u64 = {"a whole number", parse_u64, print_u64, NULL};

static bool parse_u32(const struct config_reader *reader, const struct config_key *key,
                      const struct node *node, void *field) {
  uint64_t value = 0;
  if (!parse_u64(reader, key, node, &value)) {
    return false;
  }
  *(uint32_t *)field = (uint32_t)value;
  return true;
}

static void print_u32(const struct config *config, const struct config_key *key, const void *field,
                      FILE *out) {
  (void)config;
  print_whole(key, *(const uint32_t *)field, out);
}

const struct config_type type_u32 = {"a whole number", parse_u32, print_u32, NULL};

#define NS_PER_MS 1000000u

/* Milliseconds in the file, nanoseconds in the field. */
static bool parse_milliseconds(const struct config_reader *reader, const struct config_key *key,
                               const struct node *node, void *field) {
  uint64_t value = 0;
  if (!parse_u64(reader, key, node, &value)) {
    return false;
  }
  *(uint64_t *)field = value * NS_PER_MS;
  return true;
}

static void print_milliseconds(const struct config *config, const struct config_key *key,
                               const void *field, FILE *out) {
  (void)config;
  print_whole(key, *(const uint64_t *)field / NS_PER_MS, out);
}

const struct config_type type_milliseconds = {"a whole number", parse_milliseconds,
                                              print_milliseconds, NULL};

/* A decimal fraction: digits, perhaps a point and an exponent. */
static bool is_decimal(const char *text) {
  const char *c = text + (*text == '-');
  size_t whole = strspn(c, "0123456789");
  if (whole == 0 || (whole > 1 && *c == '0')) {
    return false;
  }
  c += whole;
  if (*c == '.') {
    c++;
    c += strspn(c, "0123456789");
  }
  if (*c == 'e' || *c == 'E') {
    c++;
    c += *c == '+' || *c == '-';
    size_t exponent = strspn(c, "0123456789");
    c += exponent;
    if (exponent == 0) {
      return false;
    }
  }
  return *c == '\0';
}

static bool parse_real(const struct config_reader *reader, const struct config_key *key,
                       const struct node *node, void *field) {
  if (config_is_absent(key, node)) {
    *(double *)field = NAN;
    return true;
  }
  if (node->kind != NODE_SCALAR || !node->plain || !is_decimal(node->text)) {
    return config_expected(reader, key, node);
  }
  double value = strtod(node->text, NULL);
  if (!(value >= key->min && value <= key->max)) {
    return config_expected(reader, key, node);
  }
  *(double *)field = value;
  return true;
}

/* The fewest digits that read back to the same value; a point before an exponent, because
 * without one YAML 1.1 sees a string. */
static void print_real(const struct config *config, const struct config_key *key, const void *field,
                       FILE *out) {
  (void)config;
  double value = *(const double *)field;
  if (isnan(value)) {
    fputs(key->absent, out);
    return;
  }
  char text[40];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, value);
    if (strtod(text, NULL) == value) {
      break;
    }
  }
  const char *exponent = strchr(text, 'e');
  if (exponent && !strchr(text, '.')) {
    fprintf(out, "%.*s.0%s", (int)(exponent - text), text, exponent);
  } else {
    fputs(text, out);
  }
}

const struct config_type type_real = {"a number", parse_real, print_real, NULL};

static bool find_word(const struct config_key *key, const struct node *node, unsigned *index) {
  for (size_t i = 0; node->kind == NODE_SCALAR && i < key->word_count; i++) {
    if (strcmp(node->text, key->words[i]) == 0) {
      *index = (unsigned)i;
      return true;
    }
  }
  return false;
}

/* The fields are enumerations. */
_Static_assert(sizeof(enum stream_mode) == sizeof(unsigned), "an enumeration is an unsigned");

static bool parse_words(const struct config_reader *reader, const struct config_key *key,
                        const struct node *node, void *field) {
  return find_word(key, node, field) || config_expected(reader, key, node);
}

static void print_words(const struct config *config, const struct config_key *key,
                        const void *field, FILE *out) {
  (void)config;
  fputs(key->words[*(const unsigned *)field], out);
}

const struct config_type type_words = {"one of", parse_words, print_words, NULL};

/* Two words; true and false only without quotes. */
static bool parse_flag(const struct config_reader *reader, const struct config_key *key,
                       const struct node *node, void *field) {
  unsigned index;
  if (!find_word(key, node, &index) || !node->plain) {
    return config_expected(reader, key, node);
  }
  *(bool *)field = index == 1;
  return true;
}

static void print_flag(const struct config *config, const struct config_key *key, const void *field,
                       FILE *out) {
  (void)config;
  fputs(key->words[*(const bool *)field ? 1 : 0], out);
}

const struct config_type type_flag = {"one of", parse_flag, print_flag, NULL};

/* Permissions in octal, in quotes so that no YAML reader takes them for a number. */
static bool parse_mode(const struct config_reader *reader, const struct config_key *key,
                       const struct node *node, void *field) {
  if (!config_is_string(reader, key, node)) {
    return false;
  }
  char *end;
  unsigned long mode = strtoul(node->text, &end, 8);
  if (node->text[strspn(node->text, "01234567")] != '\0' || strlen(node->text) > 4 || mode > 0777) {
    return config_expected(reader, key, node);
  }
  *(unsigned *)field = (unsigned)mode;
  return true;
}

static void print_mode(const struct config *config, const struct config_key *key, const void *field,
                       FILE *out) {
  (void)config;
  (void)key;
  fprintf(out, "\"%04o\"", *(const unsigned *)field);
}

const struct config_type type_mode = {"permissions in octal, in quotes, from \"0000\" to \"0777\"",
                                      parse_mode, print_mode, NULL};

static bool parse_string(const struct config_reader *reader, const struct config_key *key,
                         const struct node *node, int (*valid)(const char *, size_t), void *field) {
  if (!config_is_string(reader, key, node)) {
    return false;
  }
  size_t length = strlen(node->text);
  if (!valid(node->text, length)) {
    return config_expected(reader, key, node);
  }
  memcpy(field, node->text, length + 1);
  return true;
}

static void print_string(const struct config *config, const struct config_key *key,
                         const void *field, FILE *out) {
  (void)config;
  (void)key;
  config_print_string(field, out);
}

static bool parse_name(const struct config_reader *reader, const struct config_key *key,
                       const struct node *node, void *field) {
  return parse_string(reader, key, node, lcal_name_valid, field);
}

const struct config_type type_name = {
    "a name (1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or digit)", parse_name, print_string,
    NULL};

static bool parse_text(const struct config_reader *reader, const struct config_key *key,
                       const struct node *node, void *field) {
  return parse_string(reader, key, node, lcal_text_valid, field);
}

const struct config_type type_text = {"a name (1 to 64 bytes without control characters)",
                                      parse_text, print_string, NULL};
