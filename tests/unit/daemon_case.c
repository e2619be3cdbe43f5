#include "daemon_case.h"

#include "folder.h"

#include "daemon/intake.h"
#include "daemon/lifecycle.h"
#include "daemon/log.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct daemon *daemon_case;

static struct config_overrides overrides;
static char runtime_dir[256], state_dir[256], config_path[256];

void daemon_case_write_config(const char *text) {
  char whole[4096];
  snprintf(whole, sizeof whole, "model: {classes: %u}\n%s", CASE_CLASSES, text);
  folder_write("c.yaml", whole, strlen(whole));
}

struct daemon *daemon_case_make(const char *text) {
  struct config *config = NULL;
  signal(SIGPIPE, SIG_IGN); /* as main() does */
  log_open(LOG_ERROR);      /* what a test provokes is no news */
  log_set_level(LOG_ERROR);
  daemon_case_write_config(text);
  assert_int_equal(config_load(&config, config_path, &overrides, stderr), LCAL_OK);
  struct daemon *daemon = daemon_create(config, config_path, &overrides);
  assert_non_null(daemon);
  return daemon;
}

void daemon_case_restart(const char *text) {
  lcal_error error;
  daemon_case = daemon_case_make(text);
  if (daemon_start(daemon_case, &error) != LCAL_OK) {
    fail_msg("%s", error.message);
  }
}

void daemon_case_start(const char *text) {
  folder_make();
  snprintf(runtime_dir, sizeof runtime_dir, "%s", folder_path("run"));
  snprintf(state_dir, sizeof state_dir, "%s", folder_path("state"));
  snprintf(config_path, sizeof config_path, "%s", folder_path("c.yaml"));
  mkdir(runtime_dir, 0700);
  mkdir(state_dir, 0700);
  overrides =
      (struct config_overrides){.runtime_dir = runtime_dir, .state_dir = state_dir, .http = "off"};
  daemon_case_restart(text);
}

int daemon_case_tear_down(void **state) {
  (void)state;
  if (daemon_case != NULL) {
    daemon_case_settle();
    daemon_end(daemon_case);
    daemon_case = NULL;
  }
  folder_remove();
  return 0;
}

lcal_frame daemon_case_frame(const char *stream, uint64_t seq) {
  static const uint8_t pixels[CASE_CLASSES * 4] = {200, 10, 30, 0, 55, 200, 25, 5, 0, 45, 200, 250};
  static const uint32_t shape[3] = {CASE_CLASSES, 2, 2};
  lcal_frame frame = {.seq = seq, .stamp_ns = 1700000000000000000u, .adapt = 1};
  snprintf(frame.stream, sizeof frame.stream, "%s", stream);
  assert_int_equal(lcal_tensor_init(&frame.tensor, shape, LCAL_CHW, LCAL_U8, LCAL_PROBABILITIES,
                                    pixels, sizeof pixels, NULL),
                   LCAL_OK);
  return frame;
}

void daemon_case_arrive(const lcal_frame *frame, uint32_t connection) {
  const size_t size = lcal_frame_size(frame);
  struct message *message = message_create(size);
  assert_int_not_equal(size, 0);
  assert_non_null(message);
  assert_int_equal(lcal_frame_write(frame, message->bytes, size), size);
  frame_received(daemon_case, message, connection);
}

void daemon_case_arrive_bytes(const void *bytes, size_t length, uint32_t connection) {
  struct message *message = message_create(length);
  assert_non_null(message);
  memcpy(message->bytes, bytes, length);
  frame_received(daemon_case, message, connection);
}

void daemon_case_until(bool (*condition)(void *context), void *context) {
  while (!condition(context)) { /* meson's time limit ends a test that hangs */
    uv_run(&daemon_case->loop, UV_RUN_ONCE);
  }
}

static bool is_settled(void *context) {
  (void)context;
  for (size_t i = 0; i < daemon_case->bank_count; i++) {
    if (bank_busy(&daemon_case->banks[i])) {
      return false;
    }
  }
  return daemon_case->queued_bytes == 0;
}

void daemon_case_settle(void) {
  daemon_case_until(is_settled, NULL);
}

struct bank *daemon_case_bank(void) {
  return &daemon_case->banks[0];
}

struct domain *daemon_case_domain(void) {
  return bank_domain(daemon_case_bank(), "default");
}

struct stream *daemon_case_stream(const char *name) {
  struct stream *stream = stream_find(daemon_case, name);
  assert_non_null(stream);
  return stream;
}
