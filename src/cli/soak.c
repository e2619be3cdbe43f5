#include "cli/soak.h"

#include "cli/ask.h"
#include "cli/sending.h"
#include "cli/soak_judge.h"
#include "cli/subcommand.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READY_NS    20000000000u
#define SETTLE_NS   20000000000u
#define LOOK_NS     50000000u
#define SECOND_NS   1000000000u
#define LOOKS       30u /* at the descriptors: the listeners' own probes come and go */
#define CAMERAS_MAX 256u

struct wish {
  double minutes, rate;
  uint32_t cameras;
  const char *daemon, *clock;
};

struct soak {
  const struct wish *wish;
  soak_daemon daemon;
  lcal_client_options options;
  lcal_client *client;
  soak_camera *cameras;
  soak_trouble trouble;
  soak_report report;
  atomic_int cameras_end, trouble_ends;
};

enum option_id { OPTION_MINUTES = 256, OPTION_CAMERAS, OPTION_RATE, OPTION_DAEMON, OPTION_CLOCK };

static const struct option long_options[] = {{"minutes", required_argument, NULL, OPTION_MINUTES},
                                             {"cameras", required_argument, NULL, OPTION_CAMERAS},
                                             {"rate", required_argument, NULL, OPTION_RATE},
                                             {"daemon", required_argument, NULL, OPTION_DAEMON},
                                             {"clock", required_argument, NULL, OPTION_CLOCK},
                                             {NULL, 0, NULL, 0}};

static int parse_minutes(const char *text, double *minutes) {
  char *end;
  *minutes = strtod(text, &end);
  return end != text && *end == '\0' && *minutes >= 0.05 && *minutes <= 100000.0;
}

/* One option; 0 if its value is not understood. */
static int apply(void *given, int option, const char *text) {
  struct wish *wish = given;
  switch (option) {
  case OPTION_MINUTES:
    return parse_minutes(text, &wish->minutes);
  case OPTION_CAMERAS:
    return parse_whole(text, 1, &wish->cameras) && wish->cameras <= CAMERAS_MAX;
  case OPTION_RATE:
    return parse_rate(text, &wish->rate) && wish->rate > 0.0;
  case OPTION_DAEMON:
    wish->daemon = text;
    return access(text, X_OK) == 0;
  default:
    wish->clock = text;
    return access(text, R_OK) == 0;
  }
}

/* 0; or 2, having said on stderr what is wrong. */
static int read_arguments(struct wish *wish, int argc, char **argv) {
  int failed = read_options(argc, argv, long_options, apply, wish);
  if (failed) {
    return failed;
  }
  return optind < argc ? usage_error(argv[0], "%s: it takes options only", argv[optind]) : 0;
}

static uint64_t now_ns(void) {
  return clock_ns(CLOCK_MONOTONIC);
}

static void nap(void) {
  nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
}

/* Until it answers. */
static lcal_status await_daemon(struct soak *soak, lcal_error *error) {
  uint64_t began_ns = now_ns();
  lcal_status status = LCAL_UNREACHABLE;
  while (status == LCAL_UNREACHABLE && now_ns() - began_ns < READY_NS && !interrupts()) {
    json_t *answer = NULL;
    if (!soak_daemon_runs(&soak->daemon)) {
      return lcal_error_set(error, LCAL_SYSTEM, "labelcald does not start");
    }
    status = ask_json(soak->client, "status", &answer, error);
    json_decref(answer);
    if (status == LCAL_UNREACHABLE) {
      nap();
    }
  }
  return status;
}

/* The fewest of some looks. */
static unsigned count_descriptors(const struct soak *soak) {
  unsigned fewest = soak_daemon_descriptors(&soak->daemon);
  for (unsigned i = 1; i < LOOKS; i++) {
    nap();
    unsigned now = soak_daemon_descriptors(&soak->daemon);
    fewest = now < fewest ? now : fewest;
  }
  return fewest;
}

static lcal_status prepare(struct soak *soak, lcal_error *error) {
  const struct wish *wish = soak->wish;
  soak->cameras = calloc(wish->cameras, sizeof *soak->cameras);
  if (!soak->cameras) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for %" PRIu32 " cameras", wish->cameras);
  }
  soak->daemon = (soak_daemon){.clock = wish->clock, .cameras = wish->cameras};
  lcal_status status = soak_daemon_start(&soak->daemon, wish->daemon, error);
  soak->options = (lcal_client_options){.runtime_dir = soak->daemon.runtime};
  if (status == LCAL_OK) {
    status = lcal_client_create(&soak->client, &soak->options, error);
  }
  for (uint32_t i = 0; i < wish->cameras && status == LCAL_OK; i++) {
    status = soak_camera_create(&soak->cameras[i], i, wish->rate, &soak->options, error);
  }
  if (status == LCAL_OK) {
    status = await_daemon(soak, error);
  }
  soak->report = (soak_report){
      .cameras = soak->cameras, .camera_count = wish->cameras, .trouble = &soak->trouble};
  if (status == LCAL_OK) {
    soak->report.descriptors[0] = count_descriptors(soak);
  }
  return status;
}

static lcal_status begin(struct soak *soak, lcal_error *error) {
  lcal_status status =
      soak_trouble_start(&soak->trouble, &soak->daemon, &soak->options, &soak->trouble_ends, error);
  for (uint32_t i = 0; i < soak->wish->cameras && status == LCAL_OK; i++) {
    status = soak_camera_start(&soak->cameras[i], &soak->cameras_end, error);
  }
  return status;
}

static void glance(const struct soak *soak, uint64_t left_ns) {
  const soak_samples *memory = &soak->report.memory;
  if (isatty(STDERR_FILENO) && memory->count > 0) {
    fprintf(stderr, "\r\033[K%" PRIu64 " s to go, %" PRIu64 " MiB, %u descriptors",
            left_ns / SECOND_NS, memory->bytes[memory->count - 1] >> 20,
            soak_daemon_descriptors(&soak->daemon));
  }
}

/* Until the time is over: a look a second. */
static lcal_status watch(struct soak *soak, lcal_error *error) {
  uint64_t began_ns = now_ns();
  uint64_t end_ns = began_ns + (uint64_t)(soak->wish->minutes * 60e9);
  lcal_status status = LCAL_OK;
  uint64_t next_ns = began_ns;
  while (status == LCAL_OK && next_ns + SECOND_NS <= end_ns && !interrupts()) {
    next_ns += SECOND_NS;
    sleep_until(next_ns);
    status = soak_daemon_runs(&soak->daemon)
                 ? soak_sample(&soak->report.memory, soak_daemon_memory(&soak->daemon), error)
                 : lcal_error_set(error, LCAL_SYSTEM, "labelcald ended while it was soaked");
    glance(soak, end_ns > next_ns ? end_ns - next_ns : 0);
  }
  soak->report.seconds = (double)(now_ns() - began_ns) * 1e-9;
  if (isatty(STDERR_FILENO)) {
    fputs("\r\033[K", stderr);
  }
  return status;
}

static void end_threads(struct soak *soak) {
  atomic_store(&soak->cameras_end, 1);
  for (uint32_t i = 0; soak->cameras && i < soak->wish->cameras; i++) {
    soak_camera_join(&soak->cameras[i]);
  }
  atomic_store(&soak->trouble_ends, 1);
  soak_trouble_join(&soak->trouble);
}

static int all_accounted(const struct soak *soak) {
  for (uint32_t i = 0; i < soak->wish->cameras; i++) {
    const soak_camera *camera = &soak->cameras[i];
    if (soak_swallowed(camera, soak->report.streams) > 0 && camera->redials == 0) {
      return 0;
    }
  }
  return 1;
}

/* What is on its way gets time to arrive and to be labelled; of cameras that dialled again nobody
 * knows how much that is, so that all wait for two counts that are the same. */
static lcal_status settle(struct soak *soak, lcal_error *error) {
  uint64_t began_ns = now_ns();
  lcal_status status = LCAL_OK;
  int same = 0;
  while (status == LCAL_OK && !same && now_ns() - began_ns < SETTLE_NS) {
    json_t *before = soak->report.streams;
    soak->report.streams = NULL;
    status = ask_json(soak->client, "streams", &soak->report.streams, error);
    same = status == LCAL_OK && before && json_equal(before, soak->report.streams) &&
           all_accounted(soak);
    json_decref(before);
    if (!same) {
      nap();
    }
  }
  return status;
}

static lcal_status run(struct soak *soak, lcal_error *error) {
  lcal_status status = prepare(soak, error);
  if (status == LCAL_OK) {
    status = begin(soak, error);
  }
  if (status == LCAL_OK) {
    status = watch(soak, error);
  }
  end_threads(soak);
  if (status == LCAL_OK) {
    status = settle(soak, error);
  }
  for (uint32_t i = 0; soak->cameras && i < soak->wish->cameras; i++) {
    soak_camera_free(&soak->cameras[i]);
  }
  if (status == LCAL_OK) {
    soak->report.descriptors[1] = count_descriptors(soak);
  }
  lcal_client_destroy(soak->client);
  if (soak->daemon.directory[0] != '\0') {
    lcal_status stopped = soak_daemon_stop(&soak->daemon, status == LCAL_OK ? error : NULL);
    status = status == LCAL_OK ? stopped : status;
  }
  return status;
}

int soak_run(int argc, char **argv, const lcal_client_options *client, int json) {
  (void)client; /* it has a daemon of its own */
  struct wish wish = {.minutes = 3.0, .rate = 10.0, .cameras = 4};
  struct soak soak = {.wish = &wish};
  lcal_error error = {.code = LCAL_OK};
  int result = read_arguments(&wish, argc, argv);
  if (result) {
    return result;
  }
  interrupts_catch();
  lcal_status status = run(&soak, &error);
  unsigned wrong = soak.report.streams ? soak_print(&soak.report, json) : 0;
  result = status != LCAL_OK ? report_error(&error) : wrong > 0;
  if (result == 0) {
    soak_daemon_remove(&soak.daemon);
  } else {
    fprintf(stderr, "labelcal: labelcald's log: %s/log\n", soak.daemon.directory);
  }
  json_decref(soak.report.streams);
  free(soak.report.memory.bytes);
  free(soak.cameras);
  return result;
}
