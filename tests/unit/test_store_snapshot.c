/* The snapshot file: what is refused, and that what was written is read back to the bit. */
#include "folder.h"
#include "snapshots.h"
#include "store/snapshot.h"

#include <math.h>
#include <msgpack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int set_up(void **state) {
  (void)state;
  folder_make();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  folder_remove();
  return 0;
}

/* Decodes from a block of exactly that size, so that a read beyond it is seen. */
static lcal_status decode(const uint8_t *bytes, size_t length, lcal_snapshot **snapshot,
                          lcal_error *error) {
  uint8_t *exact = malloc(length ? length : 1);
  assert_non_null(exact);
  memcpy(exact, bytes, length);
  lcal_status status = lcal_snapshot_decode(snapshot, exact, length, error);
  free(exact);
  return status;
}

/* ---- Damage. */

static void file_cut_anywhere_is_refused(void **state) {
  (void)state;
  size_t length = 0;
  lcal_snapshot *made = snapshot_make(2, 2, 2);
  uint8_t *bytes = snapshot_bytes(made, &length);
  for (size_t cut = 0; cut < length; cut++) {
    lcal_snapshot *snapshot = NULL;
    assert_int_equal(decode(bytes, cut, &snapshot, NULL), LCAL_BAD_DATA);
    assert_null(snapshot);
  }
  free(bytes);
  snapshot_free(made);
}

static void payload_cut_anywhere_is_refused_though_its_checksum_is_right(void **state) {
  (void)state;
  size_t length = 0;
  lcal_snapshot *made = snapshot_make(2, 2, 2);
  uint8_t *bytes = snapshot_bytes(made, &length);
  for (size_t cut = 0; cut < length - 24; cut++) {
    size_t whole = 0;
    lcal_snapshot *snapshot = NULL;
    uint8_t *wrapped = snapshot_wrap(bytes + 24, cut, &whole);
    assert_int_equal(decode(wrapped, whole, &snapshot, NULL), LCAL_BAD_DATA);
    assert_null(snapshot);
    free(wrapped);
  }
  free(bytes);
  snapshot_free(made);
}

static void byte_flipped_anywhere_is_refused(void **state) {
  (void)state;
  size_t length = 0;
  lcal_snapshot *made = snapshot_make(3, 1, 1);
  uint8_t *bytes = snapshot_bytes(made, &length);
  for (size_t at = 0; at < length; at++) {
    for (unsigned bit = 0; bit < 8; bit++) {
      lcal_snapshot *snapshot = NULL;
      bytes[at] ^= (uint8_t)(1u << bit);
      lcal_status status = decode(bytes, length, &snapshot, NULL);
      /* A version above 1 may be right: then the file is another program's, not damaged. */
      assert_true(status == LCAL_BAD_DATA || (status == LCAL_FOREIGN && at >= 8 && at < 12));
      bytes[at] ^= (uint8_t)(1u << bit);
    }
  }
  free(bytes);
  snapshot_free(made);
}

static void payload_flipped_anywhere_reads_sanely_or_not_at_all(void **state) {
  (void)state;
  size_t length = 0;
  lcal_snapshot *made = snapshot_make(2, 2, 2);
  uint8_t *bytes = snapshot_bytes(made, &length);
  size_t read = 0;
  for (size_t at = 24; at < length; at++) {
    size_t whole = 0;
    lcal_snapshot *snapshot = NULL;
    bytes[at] ^= 0x5a;
    uint8_t *wrapped = snapshot_wrap(bytes + 24, length - 24, &whole);
    bytes[at] ^= 0x5a;
    if (decode(wrapped, whole, &snapshot, NULL) == LCAL_OK) {
      read++; /* a number or a name changed */
      for (uint32_t i = 0; i < snapshot->domain_count; i++) {
        assert_int_equal(lcal_statistics_check(snapshot->domains[i].statistics, NULL), LCAL_OK);
      }
      lcal_snapshot_destroy(snapshot);
    }
    free(wrapped);
  }
  assert_true(read > 0);
  free(bytes);
  snapshot_free(made);
}

static void bytes_after_the_payload_are_refused(void **state) {
  (void)state;
  size_t length = 0;
  lcal_error error;
  lcal_snapshot *snapshot = NULL;
  lcal_snapshot *made = snapshot_make(2, 1, 0);
  uint8_t *bytes = snapshot_bytes(made, &length);
  uint8_t *longer = calloc(1, length + 1);
  assert_non_null(longer);
  memcpy(longer, bytes, length);
  assert_int_equal(decode(longer, length + 1, &snapshot, &error), LCAL_BAD_DATA);
  assert_non_null(strstr(error.message, "follow"));
  size_t whole = 0; /* and inside the payload, with all lengths right */
  uint8_t *wrapped = snapshot_wrap(longer + 24, length + 1 - 24, &whole);
  assert_int_equal(decode(wrapped, whole, &snapshot, &error), LCAL_BAD_DATA);
  free(wrapped);
  free(longer);
  free(bytes);
  snapshot_free(made);
}

static void newer_version_is_foreign_whatever_follows(void **state) {
  (void)state;
  static const uint8_t bytes[24] = "LCALSNAP\x02";
  lcal_error error;
  lcal_snapshot *snapshot = NULL;
  assert_int_equal(decode(bytes, sizeof bytes, &snapshot, &error), LCAL_FOREIGN);
  assert_non_null(strstr(error.message, "version 2"));
}

static void payload_that_announces_huge_contents_costs_nothing(void **state) {
  (void)state;
  static const char *const payloads[] = {
      "\x81\xa7"
      "domains\xdd\xff\xff\xff\xff",
      "\x81\xa7"
      "domains\xdf\x7f\xff\xff\xff",
      "\xdf\xff\xff\xff\xff",
      "\xdd\x7f\xff\xff\xff",
      "\x81\xa3sum\xc6\xff\xff\xff\xff",
  };
  for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
    size_t whole = 0;
    lcal_snapshot *snapshot = NULL;
    uint8_t *wrapped = snapshot_wrap(payloads[i], strlen(payloads[i]), &whole);
    assert_int_equal(decode(wrapped, whole, &snapshot, NULL), LCAL_BAD_DATA);
    free(wrapped);
  }
}

/* ---- Wrong contents under a right checksum: one snapshot, one thing changed. */

struct change {
  const char *key;   /* of the top map, of the domain, or of the window set */
  const char *value; /* msgpack; NULL: the key is absent */
  size_t length;
  const char *said; /* in the error */
};

#define VALUE(bytes) bytes, sizeof(bytes) - 1

static void pack_key(msgpack_packer *packer, const char *key) {
  msgpack_pack_str_with_body(packer, key, strlen(key));
}

/* Packs an entry, unless it is the one changed. False if that is absent. */
static bool changed(msgpack_sbuffer *buffer, msgpack_packer *packer, const struct change *change,
                    const char *key) {
  if (strcmp(change->key, key) != 0) {
    pack_key(packer, key);
    return false;
  }
  if (change->value) {
    pack_key(packer, key);
    msgpack_sbuffer_write(buffer, change->value, change->length);
  }
  return true;
}

static uint32_t entries(uint32_t all, const struct change *change, const char *const *keys) {
  for (; *keys; keys++) {
    if (!change->value && strcmp(*keys, change->key) == 0) {
      return all - 1;
    }
  }
  return all;
}

static void pack_sums(msgpack_sbuffer *buffer, msgpack_packer *packer,
                      const struct change *change) {
  static const double sum[4];
  if (!changed(buffer, packer, change, "sum")) {
    msgpack_pack_bin_with_body(packer, sum, 32);
  }
  if (!changed(buffer, packer, change, "weight")) {
    msgpack_pack_bin_with_body(packer, sum, 16);
  }
  if (!changed(buffer, packer, change, "count")) {
    msgpack_pack_bin_with_body(packer, sum, 16);
  }
  if (!changed(buffer, packer, change, "extra")) {
    msgpack_pack_map(packer, 0);
  }
}

static void pack_domain(msgpack_sbuffer *buffer, msgpack_packer *packer,
                        const struct change *change) {
  static const char *const keys[] = {"name",   "version", "frames", "pixels",      "stamp_ns",
                                     "weight", "count",   "extra",  "window_sets", NULL};
  static const struct change none = {"", NULL, 0, NULL};
  msgpack_pack_map(packer, entries(10, change, keys));
  if (!changed(buffer, packer, change, "name")) {
    pack_key(packer, "default");
  }
  for (int i = 1; i <= 4; i++) {
    if (!changed(buffer, packer, change, keys[i])) {
      msgpack_pack_int(packer, i);
    }
  }
  pack_sums(buffer, packer, strcmp(change->key, "sum") == 0 ? &none : change);
  if (!changed(buffer, packer, change, "window_sets")) {
    msgpack_pack_array(packer, 1);
    static const char *const set_keys[] = {"slot", "sum", NULL};
    msgpack_pack_map(packer, entries(5, change, set_keys));
    if (!changed(buffer, packer, change, "slot")) {
      msgpack_pack_int(packer, 3);
    }
    pack_sums(buffer, packer, strcmp(change->key, "sum") == 0 ? change : &none);
  }
}

/* A whole file of C = 2, one domain, one window set. */
static uint8_t *pack_file(const struct change *change, size_t *whole) {
  static const char *const keys[] = {"bank", "generation", "created_ns", "model", "classes",
                                     "rule", "adaptation", "domains",    "later", NULL};
  msgpack_sbuffer buffer;
  msgpack_packer packer;
  msgpack_sbuffer_init(&buffer);
  msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
  msgpack_pack_map(&packer, entries(9, change, keys));
  for (int i = 0; keys[i]; i++) {
    if (changed(&buffer, &packer, change, keys[i])) {
      continue;
    }
    if (i == 1 || i == 2 || i == 8) { /* `later` is a key that nobody knows yet */
      msgpack_pack_int(&packer, 5);
    } else if (i == 4) {
      msgpack_pack_array(&packer, 2);
      pack_key(&packer, "a");
      pack_key(&packer, "b");
    } else if (i == 6) {
      msgpack_pack_map(&packer, 0);
    } else if (i == 7) {
      msgpack_pack_array(&packer, 1);
      pack_domain(&buffer, &packer, change);
    } else {
      pack_key(&packer, "x");
    }
  }
  uint8_t *bytes = snapshot_wrap(buffer.data, buffer.size, whole);
  msgpack_sbuffer_destroy(&buffer);
  return bytes;
}

#define NAN_BIN(count) "\xc4" count "\0\0\0\0\0\0\xf8\x7f"
#define NEGATIVE_BIN   "\xc4\x10\0\0\0\0\0\0\xf0\xbf\0\0\0\0\0\0\0\0"

static void wrong_value_anywhere_is_refused_by_key(void **state) {
  (void)state;
  static const struct change changes[] = {
      {"bank", NULL, 0, "bank"},
      {"bank", VALUE("\xa0"), "bank"},
      {"bank", VALUE("\xa3../"), "bank"},
      {"bank", VALUE("\x01"), "bank"},
      {"generation", NULL, 0, "generation"},
      {"generation", VALUE("\xff"), "generation"},
      {"created_ns", VALUE("\xcb\x3f\xf0\0\0\0\0\0\0"), "created_ns"},
      {"model", NULL, 0, "model"},
      {"model", VALUE("\xa1\x07"), "model"},
      {"classes", NULL, 0, "classes"},
      {"classes", VALUE("\x02"), "classes"},
      {"classes",
       VALUE("\x91\xa1"
             "a"),
       "classes"},
      {"classes",
       VALUE("\x92\xa1"
             "a\xa1"
             "a"),
       "twice"},
      {"classes",
       VALUE("\x92\xa1"
             "a\xa0"),
       "classes"},
      {"classes",
       VALUE("\x92\xa1"
             "a\x01"),
       "classes"},
      {"classes",
       VALUE("\x93\xa1"
             "a\xa1"
             "b\xa1"
             "c"),
       "3 classes"},
      {"rule", NULL, 0, "rule"},
      {"rule", VALUE("\xa1 "), "rule"},
      {"adaptation", VALUE("\xc0"), "adaptation"},
      {"domains", NULL, 0, "domains"},
      {"domains", VALUE("\x80"), "domains"},
      {"domains", VALUE("\x91\x01"), "domains"},
      {"domains", VALUE("\x91\x80"), "domains.name"},
      {"name", NULL, 0, "name"},
      {"name", VALUE("\xa2-a"), "name"},
      {"version", NULL, 0, "version"},
      {"version",
       VALUE("\xa1"
             "1"),
       "version"},
      {"frames", VALUE("\xff"), "frames"},
      {"pixels", NULL, 0, "pixels"},
      {"stamp_ns", VALUE("\xc2"), "stamp_ns"},
      {"sum", NULL, 0, "sum"},
      {"sum", VALUE("\xc4\0"), "sum"},
      {"weight",
       VALUE("\xc4\x08"
             "12345678"),
       "weight"},
      {"weight", VALUE(NEGATIVE_BIN), "weight"},
      {"weight", VALUE(NAN_BIN("\x10") "\0\0\0\0\0\0\0\0"), "weight"},
      {"weight",
       VALUE("\xb0"
             "1234567812345678"),
       "weight"},
      {"count",
       VALUE("\xc4\x11"
             "12345678123456781"),
       "count"},
      {"extra", VALUE("\x01"), "extra"},
      {"extra", VALUE("\x81\xa1g\x01"), "extra"},
      {"window_sets", VALUE("\x80"), "window_sets"},
      {"window_sets", VALUE("\x91\xc0"), "slot"},
      {"slot", NULL, 0, "slot"},
      {"slot", VALUE("\xcf\0\0\0\x01\0\0\0\0"), "slot"},
  };
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    size_t whole = 0;
    lcal_error error = {0};
    lcal_snapshot *snapshot = NULL;
    uint8_t *bytes = pack_file(&changes[i], &whole);
    lcal_status status = decode(bytes, whole, &snapshot, &error);
    if (status != LCAL_BAD_DATA || !strstr(error.message, changes[i].said)) {
      fail_msg("%zu: %s: %s, %s", i, changes[i].key, lcal_status_word(status), error.message);
    }
    free(bytes);
  }
}

static void unknown_keys_and_absent_optional_ones_are_fine(void **state) {
  (void)state;
  static const struct change changes[] = {
      {"", NULL, 0, NULL},
      {"later", NULL, 0, NULL},
      {"adaptation", NULL, 0, NULL},
      {"extra", NULL, 0, NULL},
      {"extra", VALUE("\x81\xa1g\xc4\x01z"), NULL},
      {"window_sets", NULL, 0, NULL},
      {"window_sets", VALUE("\x90"), NULL},
      {"domains", VALUE("\x90"), NULL},
  };
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    size_t whole = 0;
    lcal_error error = {0};
    lcal_snapshot *snapshot = NULL;
    uint8_t *bytes = pack_file(&changes[i], &whole);
    if (decode(bytes, whole, &snapshot, &error) != LCAL_OK) {
      fail_msg("%zu: %s: %s", i, changes[i].key, error.message);
    }
    assert_string_equal(snapshot->bank, "x");
    assert_int_equal(snapshot->class_count, 2);
    lcal_snapshot_destroy(snapshot);
    free(bytes);
  }
}

/* ---- Round trips. */

/* Encoding *made must fail with a sentence that holds `part`, and hand out nothing. */
static void is_not_encoded(const lcal_snapshot *made, const char *part) {
  lcal_error error = {0};
  uint8_t *bytes = NULL;
  size_t length = 77;
  assert_int_equal(lcal_snapshot_encode(made, &bytes, &length, &error), LCAL_ARGUMENT);
  if (!strstr(error.message, part)) {
    fail_msg("\"%s\" does not say \"%s\"", error.message, part);
  }
  assert_true(!bytes && length == 77);
}

static void snapshot_that_no_file_could_hold_is_not_encoded(void **state) {
  (void)state;
  static const lcal_name twice[] = {"a", "b", "a"};
  static const lcal_name broken[] = {"a", "b", "\xff"};
  lcal_snapshot *made = snapshot_make(3, 2, 1);
  lcal_snapshot *other = snapshot_make(2, 1, 1);
  lcal_snapshot_domain domains[2];
  lcal_snapshot wrong = *made;
#define WRONG(member, value, part)                                                                 \
  wrong = *made;                                                                                   \
  memcpy(domains, made->domains, sizeof domains);                                                  \
  wrong.domains = domains;                                                                         \
  member = value;                                                                                  \
  is_not_encoded(&wrong, part)
  WRONG(wrong.bank[0], '.', "bank");
  WRONG(wrong.rule[0], '\0', "rule");
  WRONG(wrong.model[0], '\n', "model");
  WRONG(wrong.class_count, 1, "classes: 1 names");
  WRONG(wrong.class_count, LCAL_CLASSES_MAX + 1, "classes: 1025 names");
  WRONG(wrong.classes, twice, "a is there twice");
  WRONG(wrong.classes, broken, "class 2");
  WRONG(wrong.domain_count, LCAL__SNAPSHOT_DOMAINS_MAX + 1, "more than 4096 domains");
  WRONG(domains[1].name[0], ' ', "domain 1");
  WRONG(domains[1], domains[0], "default is there twice");
  WRONG(domains[1].statistics, other->domains[0].statistics, "of 2 classes, not 3");
  WRONG(domains[0].window_sets, other->domains[0].window_sets, "a set of its window is of 2");
#undef WRONG
  made->domains[0].statistics->sum[4] = (double)NAN;
  is_not_encoded(made, "sum[1][1]");
  snapshot_free(other);
  snapshot_free(made);
}

static void snapshot_is_read_back_to_the_bit(void **state) {
  (void)state;
  static const struct {
    uint32_t classes, domains, window;
  } rows[] = {{2, 1, 0}, {2, 3, 5}, {19, 2, 0}, {19, 1, 20}, {300, 2, 1}, {1024, 1, 0}, {2, 0, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    size_t length = 0;
    lcal_snapshot *snapshot = NULL;
    lcal_snapshot *made = snapshot_make(rows[i].classes, rows[i].domains, rows[i].window);
    uint8_t *bytes = snapshot_bytes(made, &length);
    assert_int_equal(decode(bytes, length, &snapshot, NULL), LCAL_OK);
    assert_snapshots_equal(made, snapshot);
    lcal_snapshot_destroy(snapshot);
    free(bytes);
    snapshot_free(made);
  }
}

static void adaptation_is_written_in_the_configurations_words(void **state) {
  (void)state;
  static const uint8_t protect[] = {0, 1, 0};
  size_t length = 0;
  lcal_snapshot *snapshot = NULL;
  lcal_snapshot *made = snapshot_make(3, 1, 0);
  const lcal_adaptation adaptation = {
      .forgetting = LCAL_EMA, .half_life = 3000, .protect = protect};
  made->adaptation = &adaptation;
  uint8_t *bytes = snapshot_bytes(made, &length);
  static const char *const words[] = {"predict_first", "ema", "half_life", "frames", "class_1"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    assert_non_null(memmem(bytes, length, words[i], strlen(words[i])));
  }
  assert_int_equal(decode(bytes, length, &snapshot, NULL), LCAL_OK);
  assert_null(snapshot->adaptation);
  lcal_snapshot_destroy(snapshot);
  free(bytes);
  snapshot_free(made);
}

static void other_model_or_classes_are_foreign(void **state) {
  (void)state;
  lcal_error error;
  lcal_snapshot *made = snapshot_make(3, 1, 0);
  lcal_name classes[3];
  memcpy(classes, made->classes, sizeof classes);
  assert_int_equal(lcal_snapshot_matches(made, "other", 3, classes, &error), LCAL_FOREIGN);
  assert_non_null(strstr(error.message, "other"));
  assert_int_equal(lcal_snapshot_matches(made, "m", 2, classes, &error), LCAL_FOREIGN);
  memcpy(classes[2], "car", 4);
  assert_int_equal(lcal_snapshot_matches(made, "m", 3, classes, &error), LCAL_FOREIGN);
  assert_non_null(strstr(error.message, "car"));
  assert_int_equal(lcal_snapshot_matches(made, "m", 3, made->classes, &error), LCAL_OK);
  snapshot_free(made);
}

static void first_bytes_tell_age_and_model(void **state) {
  (void)state;
  size_t length = 0;
  size_t identity_length = 0;
  uint8_t *identity = NULL;
  uint64_t created_ns = 0;
  bool same = false;
  lcal_snapshot *made = snapshot_make(300, 1, 0);
  uint8_t *bytes = snapshot_bytes(made, &length);
  assert_int_equal(
      lcal__snapshot_identity("m", 300, made->classes, &identity, &identity_length, NULL), LCAL_OK);
  assert_true(lcal__snapshot_peek(bytes, length, identity, identity_length, &created_ns, &same));
  assert_int_equal(created_ns, made->created_ns);
  assert_true(same);
  for (size_t cut = 0; cut < 200; cut++) {
    same = true;
    assert_true(!lcal__snapshot_peek(bytes, cut, identity, identity_length, &created_ns, &same) ||
                !same);
  }
  free(identity);
  assert_int_equal(
      lcal__snapshot_identity("m", 299, made->classes, &identity, &identity_length, NULL), LCAL_OK);
  assert_true(lcal__snapshot_peek(bytes, length, identity, identity_length, &created_ns, &same));
  assert_false(same);
  free(identity);
  free(bytes);
  snapshot_free(made);
}

/* ---- Files of tools. */

static void load_of_no_regular_file_is_refused(void **state) {
  (void)state;
  lcal_error error;
  lcal_snapshot *snapshot = NULL;
  assert_int_equal(lcal_snapshot_load(&snapshot, folder_path("none"), &error), LCAL_SYSTEM);
  assert_non_null(strstr(error.message, "/none: "));
  assert_int_equal(mkfifo(folder_path("fifo"), 0600), 0); /* opening it must not block */
  assert_int_equal(lcal_snapshot_load(&snapshot, folder_path("fifo"), &error), LCAL_BAD_DATA);
  assert_int_equal(lcal_snapshot_load(&snapshot, folder_path(""), &error), LCAL_BAD_DATA);
  folder_write("file", "LCALSNAP", 8);
  assert_int_equal(symlink("file", folder_path("link")), 0);
  assert_int_equal(lcal_snapshot_load(&snapshot, folder_path("link"), &error), LCAL_BAD_DATA);
  assert_int_equal(lcal_snapshot_load(&snapshot, folder_path("file"), &error), LCAL_BAD_DATA);
  assert_non_null(strstr(error.message, "/file: "));
  folder_write("file", "", 0);
  assert_int_equal(lcal_snapshot_load(&snapshot, folder_path("file"), &error), LCAL_BAD_DATA);
}

static void save_where_no_file_can_be_is_refused(void **state) {
  (void)state;
  lcal_error error;
  lcal_snapshot *made = snapshot_make(2, 1, 0);
  assert_int_equal(lcal_snapshot_save(made, folder_path("no/file"), &error), LCAL_SYSTEM);
  assert_int_equal(lcal_snapshot_save(made, folder_path(""), &error), LCAL_ARGUMENT);
  assert_int_equal(mkdir(folder_path("folder"), 0700), 0);
  assert_int_equal(lcal_snapshot_save(made, folder_path("folder"), &error), LCAL_SYSTEM);
  assert_int_equal(mkfifo(folder_path("fifo"), 0600), 0);
  assert_int_equal(lcal_snapshot_save(made, folder_path("fifo"), &error), LCAL_SYSTEM);
  assert_non_null(strstr(error.message, "not a regular file"));
  snapshot_free(made);
}

static void saved_file_replaces_the_one_before(void **state) {
  (void)state;
  lcal_snapshot *snapshot = NULL;
  lcal_snapshot *made = snapshot_make(2, 1, 0);
  folder_write("out", "something else", 14);
  assert_int_equal(lcal_snapshot_save(made, folder_path("out"), NULL), LCAL_OK);
  assert_int_equal(lcal_snapshot_load(&snapshot, folder_path("out"), NULL), LCAL_OK);
  assert_snapshots_equal(made, snapshot);
  lcal_snapshot_destroy(snapshot);
  snapshot_free(made);
}

int main(void) {
#define TEST_IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(file_cut_anywhere_is_refused),
      cmocka_unit_test(payload_cut_anywhere_is_refused_though_its_checksum_is_right),
      cmocka_unit_test(byte_flipped_anywhere_is_refused),
      cmocka_unit_test(payload_flipped_anywhere_reads_sanely_or_not_at_all),
      cmocka_unit_test(bytes_after_the_payload_are_refused),
      cmocka_unit_test(newer_version_is_foreign_whatever_follows),
      cmocka_unit_test(payload_that_announces_huge_contents_costs_nothing),
      cmocka_unit_test(wrong_value_anywhere_is_refused_by_key),
      cmocka_unit_test(unknown_keys_and_absent_optional_ones_are_fine),
      cmocka_unit_test(snapshot_that_no_file_could_hold_is_not_encoded),
      cmocka_unit_test(snapshot_is_read_back_to_the_bit),
      cmocka_unit_test(adaptation_is_written_in_the_configurations_words),
      cmocka_unit_test(other_model_or_classes_are_foreign),
      cmocka_unit_test(first_bytes_tell_age_and_model),
      TEST_IN_FOLDER(load_of_no_regular_file_is_refused),
      TEST_IN_FOLDER(save_where_no_file_can_be_is_refused),
      TEST_IN_FOLDER(saved_file_replaces_the_one_before),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
