#include "cli/bench.h"

#include "cli/bench_data.h"
#include "cli/bench_pool.h"
#include "cli/bench_print.h"
#include "cli/bench_time.h"
#include "cli/sending.h"
#include "cli/subcommand.h"

#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECONDS     120u
#define THREADS_MAX 256u
#define POOLS       2u /* at most: one thread and all */

enum option_id { OPTION_RECORDING = 256, OPTION_CASE, OPTION_THREADS, OPTION_SECONDS };

static const struct option long_options[] = {
    {"recording", required_argument, NULL, OPTION_RECORDING},
    {"case", required_argument, NULL, OPTION_CASE},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"seconds", required_argument, NULL, OPTION_SECONDS},
    {NULL, 0, NULL, 0}};

/* ---- options */

/* One option; 0 if its value is not understood. */
static int apply(void *given, int id, const char *text) {
  bench_options *options = given;
  switch (id) {
  case OPTION_RECORDING:
    options->recording = text;
    return 1;
  case OPTION_CASE:
    return bench_cases_mark(options->wanted, text) > 0;
  case OPTION_THREADS:
    return parse_whole(text, 1, &options->threads) && options->threads <= THREADS_MAX;
  default:
    return parse_whole(text, 1, &options->seconds);
  }
}

int bench_options_read(bench_options *options, int argc, char **argv) {
  *options = (bench_options){.seconds = SECONDS};
  int failed = read_options(argc, argv, long_options, apply, options);
  if (failed) {
    return failed;
  }
  if (optind < argc) {
    return usage_error(argv[0], "%s: it takes options only", argv[optind]);
  }
  if (!memchr(options->wanted, 1, sizeof options->wanted)) {
    bench_cases_mark(options->wanted, "");
  }
  return 0;
}

/* ---- the run */

/* What is made once for all cases. */
typedef struct session {
  const bench_options *options;
  bench_frames frames;
  lcal_coefficients *coefficients[BENCH_SIZES]; /* one for each number of classes */
  size_t coefficient_count;
  bench_pool *pools[POOLS];
  size_t pool_count;
  void *pages; /* of the largest tensor; each case's in turn */
  size_t bytes;
  uint64_t deadline_ns;
  bench_row rows[BENCH_CASES * POOLS];
  size_t row_count, row_total;
} session;

static uint32_t cpus(void) {
  cpu_set_t set;
  int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  return count > (int)THREADS_MAX ? THREADS_MAX : (uint32_t)count;
}

static lcal_status make_pools(session *s, lcal_error *error) {
  uint32_t all = cpus();
  uint32_t threads[POOLS] = {s->options->threads ? s->options->threads : 1, all};
  size_t count = s->options->threads || all == 1 ? 1 : POOLS;
  lcal_status status = LCAL_OK;
  for (size_t i = 0; i < count && status == LCAL_OK; i++) {
    status = bench_pool_create(&s->pools[s->pool_count++], threads[i], error);
  }
  return status;
}

static const lcal_coefficients *coefficients_of(const session *s, uint32_t classes) {
  for (size_t i = 0; i < s->coefficient_count; i++) {
    if (s->coefficients[i]->classes == classes) {
      return s->coefficients[i];
    }
  }
  return NULL;
}

/* Coefficients for every number of classes. Before there is a tensor: this takes memory too. */
static lcal_status adapt(session *s, lcal_error *error) {
  lcal_status status = LCAL_OK;
  for (size_t i = 0; i < BENCH_CASES && status == LCAL_OK; i++) {
    uint32_t classes = bench_case_at(i).classes;
    if (s->options->wanted[i] && !coefficients_of(s, classes)) {
      status = bench_data_adapt(&s->frames, classes, &s->coefficients[s->coefficient_count], error);
      s->coefficient_count += status == LCAL_OK;
    }
  }
  return status;
}

static lcal_status prepare(session *s, lcal_error *error) {
  uint32_t least_classes = LCAL_CLASSES_MAX;
  size_t cases = 0;
  for (size_t i = 0; i < BENCH_CASES; i++) {
    bench_case bench = bench_case_at(i);
    if (s->options->wanted[i]) {
      size_t bytes = bench_case_bytes(&bench);
      s->bytes = bytes > s->bytes ? bytes : s->bytes;
      least_classes = bench.classes < least_classes ? bench.classes : least_classes;
      cases++;
    }
  }
  lcal_status status = bench_frames_open(&s->frames, s->options->recording, least_classes, error);
  if (status == LCAL_OK) {
    status = adapt(s, error);
  }
  if (status == LCAL_OK) {
    status = bench_pages_take(&s->pages, s->bytes, error);
  }
  if (status == LCAL_OK) {
    status = make_pools(s, error);
  }
  s->row_total = cases * s->pool_count;
  return status;
}

static void progress(const session *s, const bench_case *bench, uint32_t threads) {
  bench_name name;
  if (isatty(STDERR_FILENO)) {
    fprintf(stderr, "\r\033[K%zu/%zu %s, threads: %" PRIu32, s->row_count + 1, s->row_total,
            bench_case_name(name, bench), threads);
  }
}

/* The next row's part of the time that is left. */
static double share_of_time(const session *s) {
  uint64_t now = clock_ns(CLOCK_MONOTONIC);
  double left = now < s->deadline_ns ? (double)(s->deadline_ns - now) * 1e-9 : 0.0;
  return left / (double)(s->row_total - s->row_count);
}

static lcal_status measure(session *s, const bench_case *bench, lcal_error *error) {
  lcal_tensor tensor;
  lcal_status status = bench_data_fill(&s->frames, bench, s->pages, &tensor, error);
  for (size_t i = 0; i < s->pool_count && status == LCAL_OK; i++) {
    bench_row *row = &s->rows[s->row_count];
    *row = (bench_row){.bench = *bench, .threads = bench_pool_threads(s->pools[i])};
    progress(s, bench, row->threads);
    status = bench_time(&row->result, &tensor, bench->out_height, bench->out_width,
                        coefficients_of(s, bench->classes), s->pools[i], share_of_time(s), error);
    s->row_count += status == LCAL_OK;
  }
  return status;
}

static lcal_status measure_all(session *s, lcal_error *error) {
  s->deadline_ns = clock_ns(CLOCK_MONOTONIC) + (uint64_t)s->options->seconds * 1000000000u;
  lcal_status status = prepare(s, error);
  for (size_t i = 0; i < BENCH_CASES && status == LCAL_OK; i++) {
    bench_case bench = bench_case_at(i);
    if (s->options->wanted[i]) {
      status = measure(s, &bench, error);
    }
  }
  if (isatty(STDERR_FILENO)) {
    fputs("\r\033[K", stderr);
  }
  return status;
}

static void clean_up(session *s) {
  for (size_t i = 0; i < s->pool_count; i++) {
    bench_pool_destroy(s->pools[i]);
  }
  for (size_t i = 0; i < s->coefficient_count; i++) {
    lcal_coefficients_destroy(s->coefficients[i]);
  }
  bench_pages_give(s->pages, s->bytes);
  bench_frames_close(&s->frames);
}

int bench_run(int argc, char **argv, const lcal_client_options *client, int json) {
  bench_options options;
  lcal_error error = {.code = LCAL_OK};
  (void)client;
  int wrong = bench_options_read(&options, argc, argv);
  if (wrong) {
    return wrong;
  }
  session s = {.options = &options};
  lcal_status status = measure_all(&s, &error);
  if (status == LCAL_OK && json) {
    status = bench_print_json(s.rows, s.row_count, stdout, &error);
  } else if (status == LCAL_OK) {
    bench_print(s.rows, s.row_count,
                options.recording ? options.recording : "the embedded camera at dusk", stdout);
  }
  clean_up(&s);
  return status == LCAL_OK ? 0 : report_error(&error);
}
