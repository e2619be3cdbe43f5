#include "wire/framing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static void a_greeting_of_another_protocol_or_version_does_not_match(void **state) {
  (void)state;
  uint8_t greeting[LCAL__GREETING_SIZE];
  lcal__greeting_write(greeting, LCAL__SP_PUSH);
  assert_false(lcal__greeting_matches(greeting, LCAL__SP_PULL));
  for (size_t i = 0; i < sizeof greeting; i++) {
    greeting[i] ^= 1;
    assert_false(lcal__greeting_matches(greeting, LCAL__SP_PUSH));
    greeting[i] ^= 1;
  }
  assert_true(lcal__greeting_matches(greeting, LCAL__SP_PUSH));
}

static void a_greeting_is_that_of_the_sp_mappings(void **state) {
  (void)state;
  uint8_t greeting[LCAL__GREETING_SIZE];
  lcal__greeting_write(greeting, LCAL__SP_REQ);
  assert_memory_equal(greeting, "\0SP\0\0\x30\0\0", sizeof greeting);
}

static void an_ipc_head_of_another_kind_is_no_message(void **state) {
  (void)state;
  uint64_t length;
  assert_false(lcal__head_read((const uint8_t *)"\2\0\0\0\0\0\0\0\5", 1, &length));
  assert_true(lcal__head_read((const uint8_t *)"\1\0\0\0\0\0\0\0\5", 1, &length));
  assert_int_equal(length, 5);
}

static void heads_hold_any_length_in_big_endian(void **state) {
  (void)state;
  const uint64_t lengths[] = {0, 1, 255, 256, 0x0102030405060708u, UINT64_MAX};
  for (int local = 0; local <= 1; local++) {
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
      uint8_t head[LCAL__HEAD_MAX];
      uint64_t length;
      assert_int_equal(lcal__head_write(head, local, lengths[i]), local ? 9 : 8);
      assert_true(lcal__head_read(head, local, &length));
      assert_true(length == lengths[i]);
    }
  }
  uint8_t head[LCAL__HEAD_MAX];
  lcal__head_write(head, 0, 0x0102030405060708u);
  assert_memory_equal(head, "\1\2\3\4\5\6\7\10", 8);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_greeting_of_another_protocol_or_version_does_not_match),
      cmocka_unit_test(a_greeting_is_that_of_the_sp_mappings),
      cmocka_unit_test(an_ipc_head_of_another_kind_is_no_message),
      cmocka_unit_test(heads_hold_any_length_in_big_endian),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
