#include "daemon/inbox.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct number {
  struct inbox_item item;
  unsigned value;
};

static uv_loop_t loop;
static struct inbox *inbox;
static unsigned handled;
static struct number again;

static void on_item(void *context, struct inbox_item *item) {
  struct number *number = (struct number *)item;
  assert_ptr_equal(context, &loop);
  assert_int_equal(number->value, handled);
  handled++;
  if (number != &again) {
    free(number);
  } else if (number->value < 3) {
    number->value++;
    inbox_push(inbox, &number->item);
  }
}

static int set_up(void **state) {
  (void)state;
  handled = 0;
  uv_loop_init(&loop);
  inbox = inbox_create(&loop, on_item, &loop);
  return inbox == NULL ? -1 : 0;
}

static int tear_down(void **state) {
  (void)state;
  inbox_close(inbox);
  uv_run(&loop, UV_RUN_DEFAULT);
  return uv_loop_close(&loop);
}

static void *push_many(void *argument) {
  for (unsigned i = 0; i < *(unsigned *)argument; i++) {
    struct number *number = calloc(1, sizeof *number);
    number->value = i;
    inbox_push(inbox, &number->item);
  }
  return NULL;
}

static void items_of_another_thread_keep_their_order(void **state) {
  (void)state;
  unsigned count = 5000;
  pthread_t thread;
  pthread_create(&thread, NULL, push_many, &count);
  while (handled < count) {
    uv_run(&loop, UV_RUN_ONCE);
  }
  pthread_join(thread, NULL);
  assert_int_equal(handled, count);
}

static void burst_behind_one_bell_is_handled_whole(void **state) {
  (void)state;
  unsigned count = 1000;
  push_many(&count);
  uv_run(&loop, UV_RUN_ONCE);
  assert_int_equal(handled, count);
}

static void item_may_be_pushed_again_by_its_handler(void **state) {
  (void)state;
  again.value = 0;
  inbox_push(inbox, &again.item);
  while (handled < 4) {
    uv_run(&loop, UV_RUN_ONCE);
  }
  assert_int_equal(again.value, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(items_of_another_thread_keep_their_order),
      TEST(burst_behind_one_bell_is_handled_whole),
      TEST(item_may_be_pushed_again_by_its_handler),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
