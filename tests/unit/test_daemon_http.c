#include "daemon/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct http loopback = {.authority = "127.0.0.1:9477", .port = 9477};
static const struct http wildcard = {.authority = "0.0.0.0:80", .port = 80};

#define OWN "127.0.0.1:9477"

static void a_request_without_host_is_refused(void **state) {
  (void)state;
  assert_false(route_origin_allowed(&loopback, OWN, "", ""));
  assert_false(route_origin_allowed(&loopback, "", "", ""));
}

static void another_host_or_port_is_refused(void **state) {
  (void)state;
  static const char *const hosts[] = {"evil.example",
                                      "evil.example:9477",
                                      "127.0.0.1",
                                      "127.0.0.1:80",
                                      "localhost",
                                      "localhost:94770",
                                      "localhost:947",
                                      "127.0.0.1:9477.evil.example",
                                      "127.0.0.1:9477, 1.2.3",
                                      " 127.0.0.1:9477",
                                      "127.0.0.1:9477 "};
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
    assert_false(route_origin_allowed(&loopback, OWN, hosts[i], ""));
  }
}

static void a_foreign_origin_is_refused(void **state) {
  (void)state;
  static const char *const origins[] = {
      "null",           "http://evil.example",    "https://127.0.0.1:9477", "http://",
      "127.0.0.1:9477", "http://127.0.0.1:9477/", "http://localhost:9477",  "http://127.0.0.1",
      "file://"};
  for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
    assert_false(route_origin_allowed(&loopback, OWN, OWN, origins[i]));
  }
}

static void the_address_and_localhost_with_their_port_are_allowed(void **state) {
  (void)state;
  assert_true(route_origin_allowed(&loopback, OWN, OWN, ""));
  assert_true(route_origin_allowed(&loopback, OWN, "localhost:9477", ""));
  assert_true(route_origin_allowed(&loopback, OWN, "LocalHost:9477", ""));
  assert_true(route_origin_allowed(&loopback, OWN, OWN, "http://" OWN));
  assert_true(route_origin_allowed(&loopback, OWN, "localhost:9477", "http://localhost:9477"));
}

static void a_wildcard_listener_is_known_by_the_address_that_was_called(void **state) {
  (void)state;
  assert_true(route_origin_allowed(&wildcard, "192.0.2.7:80", "192.0.2.7:80", ""));
  assert_false(route_origin_allowed(&wildcard, "192.0.2.7:80", "192.0.2.8:80", ""));
  assert_false(route_origin_allowed(&wildcard, "192.0.2.7:80", "rebound.example", ""));
}

static void the_port_of_http_may_be_left_out(void **state) {
  (void)state;
  assert_true(route_origin_allowed(&wildcard, "192.0.2.7:80", "192.0.2.7", "http://192.0.2.7"));
  assert_true(route_origin_allowed(&wildcard, "192.0.2.7:80", "localhost", ""));
  assert_false(route_origin_allowed(&wildcard, "192.0.2.7:80", "localhos", ""));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_without_host_is_refused),
      cmocka_unit_test(another_host_or_port_is_refused),
      cmocka_unit_test(a_foreign_origin_is_refused),
      cmocka_unit_test(the_address_and_localhost_with_their_port_are_allowed),
      cmocka_unit_test(a_wildcard_listener_is_known_by_the_address_that_was_called),
      cmocka_unit_test(the_port_of_http_may_be_left_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
