#include "cli/soak_trouble.h"

#include "cli/ask.h"
#include "cli/sending.h"
#include "cli/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define STALLED_AT_ONCE 3u
#define STALL_NS        1500000000u
#define SLICE_NS        50000000u
#define BETWEEN_ACTS_NS 100000000u
#define LABELS_MS       200u
#define CAMERAS_MAX     256u

static void fault(soak_trouble *trouble, const char *what, const lcal_error *error) {
  pthread_mutex_lock(&trouble->lock);
  if (trouble->faults++ == 0) {
    lcal_error_set(&trouble->first_fault, error->code, "%s: %s", what, error->message);
  }
  pthread_mutex_unlock(&trouble->lock);
}

static void rest(const soak_trouble *trouble, uint64_t ns) {
  uint64_t until_ns = clock_ns(CLOCK_MONOTONIC) + ns;
  while (!atomic_load(trouble->ending) && clock_ns(CLOCK_MONOTONIC) < until_ns) {
    nanosleep(&(struct timespec){.tv_nsec = SLICE_NS}, NULL);
  }
}

/* ---- The operator. */

struct act {
  const char *word;
  lcal_status (*run)(soak_trouble *trouble, lcal_client *client, const struct act *act,
                     lcal_error *error);
  const char *args[4]; /* of a command: keys and values, that are text */
};

static lcal_status ask(soak_trouble *trouble, lcal_client *client, const struct act *act,
                       lcal_error *error) {
  (void)trouble;
  struct question question;
  lcal_bytes result;
  question_begin(&question, act->word);
  for (size_t i = 0; i < 4 && act->args[i]; i += 2) {
    lcal__put_text(&question.args, act->args[i], act->args[i + 1]);
  }
  return question_send(&question, client, &result, error);
}

/* To the newest generation there is. */
static lcal_status roll_back(soak_trouble *trouble, lcal_client *client, const struct act *act,
                             lcal_error *error) {
  (void)trouble;
  struct question question;
  lcal_bytes result;
  json_t *answer = NULL;
  question_begin_bank(&question, "snapshot", "default");
  lcal_status status = question_send(&question, client, &result, error);
  status = status == LCAL_OK ? json_of_result(result, &answer, error) : status;
  if (status == LCAL_OK) {
    const json_t *first = json_array_get(json_object_get(answer, "snapshots"), 0);
    question_begin_bank(&question, act->word, "default");
    lcal__put_u64(&question.args, "generation", count_of(json_object_get(first, "generation")));
    status = question_send(&question, client, &result, error);
  }
  json_decref(answer);
  return status;
}

static lcal_status reload(soak_trouble *trouble, lcal_client *client, const struct act *act,
                          lcal_error *error) {
  lcal_status status = soak_daemon_configure(trouble->daemon, ++trouble->turn, error);
  return status == LCAL_OK ? ask(trouble, client, act, error) : status;
}

/* An hour on, back, and to where it was. */
static lcal_status step_clock(soak_trouble *trouble, lcal_client *client, const struct act *act,
                              lcal_error *error) {
  static const int steps[] = {3600, -3600, 0};
  (void)client;
  (void)act;
  return soak_daemon_step_clock(trouble->daemon, steps[trouble->turn % 3], error);
}

/* Every kind of command; the modes last no longer than a turn. */
static const struct act acts[SOAK_ACTS] = {
    {"status", ask, {NULL}},
    {"freeze", ask, {"stream", "soak-0"}},
    {"snapshot", ask, {NULL}},
    {"shadow", ask, {NULL}},
    {"set_rule", ask, {"bank", "recent", "rule", "kl"}},
    {"reload", reload, {NULL}},
    {"domain", ask, {"stream", "soak-0", "domain", "night"}},
    {"prototypes", ask, {"bank", "default"}},
    {"rollback", roll_back, {NULL}},
    {"bypass", ask, {"stream", "soak-0"}},
    {"reset", ask, {"bank", "first"}},
    {"clock step", step_clock, {NULL}},
    {"generations", ask, {"bank", "default"}},
    {"resume", ask, {NULL}},
};

const char *soak_act_word(unsigned act) {
  return act < SOAK_ACTS ? acts[act].word : NULL;
}

static void *operate(void *argument) {
  soak_trouble *trouble = argument;
  lcal_client *client = NULL;
  lcal_error error;
  if (lcal_client_create(&client, &trouble->options, &error) != LCAL_OK) {
    fault(trouble, "operator", &error);
    return NULL;
  }
  for (unsigned turn = 0; !atomic_load(trouble->ending); turn++) {
    const struct act *act = &acts[turn % SOAK_ACTS];
    if (act->run == step_clock && !trouble->daemon->clock) {
      continue;
    }
    if (act->run(trouble, client, act, &error) == LCAL_OK) {
      trouble->done[turn % SOAK_ACTS]++;
    } else {
      fault(trouble, act->word, &error);
    }
    rest(trouble, BETWEEN_ACTS_NS);
  }
  lcal_client_destroy(client);
  return NULL;
}

/* ---- Planners. */

/* They subscribe, take nothing, and are gone in the middle of what was on its way. */
static void *stall(void *argument) {
  soak_trouble *trouble = argument;
  while (!atomic_load(trouble->ending)) {
    lcal_client *planners[STALLED_AT_ONCE] = {NULL};
    for (unsigned i = 0; i < STALLED_AT_ONCE; i++) {
      lcal_error error;
      lcal_status status = lcal_client_create(&planners[i], &trouble->options, &error);
      if (status == LCAL_OK) {
        status = lcal_client_subscribe(planners[i], NULL, &error);
      }
      if (status != LCAL_OK) {
        fault(trouble, "planner that stalls", &error);
      }
      rest(trouble, SLICE_NS); /* each a little later than the last one */
    }
    rest(trouble, STALL_NS);
    for (unsigned i = 0; i < STALLED_AT_ONCE; i++) {
      lcal_client_destroy(planners[i]);
      trouble->stalled++;
    }
  }
  return NULL;
}

/* The number of a camera of ours; CAMERAS_MAX: of none. */
static size_t index_of(const char *stream) {
  static const char ours[] = "soak-";
  uint32_t index;
  return strncmp(stream, ours, sizeof ours - 1) == 0 &&
                 parse_whole(stream + sizeof ours - 1, 0, &index) && index < CAMERAS_MAX
             ? index
             : CAMERAS_MAX;
}

/* Whether a map is whole, of a camera of ours, and newer than the last one of its stream. */
static int is_right(const lcal_labels *labels, uint64_t newest[CAMERAS_MAX]) {
  size_t index = index_of(labels->stream);
  if (index == CAMERAS_MAX) {
    return 0;
  }
  int right = labels->seq + 1 > newest[index] &&
              labels->labels.length == labels->pixels * labels->label_bytes &&
              labels->pixels == (uint64_t)labels->height * labels->width;
  newest[index] = labels->seq + 1;
  return right;
}

static void *plan(void *argument) {
  soak_trouble *trouble = argument;
  lcal_client *client = NULL;
  uint64_t newest[CAMERAS_MAX] = {0};
  lcal_error error;
  lcal_status status = lcal_client_create(&client, &trouble->options, &error);
  if (status == LCAL_OK) {
    status = lcal_client_subscribe(client, NULL, &error);
    lcal_client_set_timeout(client, LABELS_MS);
  }
  while (status == LCAL_OK && !atomic_load(trouble->ending)) {
    lcal_labels labels;
    status = lcal_client_receive(client, &labels, &error);
    if (status == LCAL_OK && !is_right(&labels, newest)) {
      status = lcal_error_set(&error, LCAL_BAD_FIELD, "labels of %s, frame %" PRIu64 ", are wrong",
                              labels.stream, labels.seq);
    }
    trouble->maps += status == LCAL_OK;
    status = status == LCAL_TIMEOUT ? LCAL_OK : status;
  }
  if (status != LCAL_OK) {
    fault(trouble, "planner", &error);
  }
  lcal_client_destroy(client);
  return NULL;
}

lcal_status soak_trouble_start(soak_trouble *trouble, soak_daemon *daemon,
                               const lcal_client_options *options, const atomic_int *ending,
                               lcal_error *error) {
  static void *(*const all[])(void *argument) = {operate, stall, plan};
  *trouble = (soak_trouble){.daemon = daemon, .options = *options, .ending = ending};
  pthread_mutex_init(&trouble->lock, NULL);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    int failed = pthread_create(&trouble->threads[i], NULL, all[i], trouble);
    if (failed != 0) {
      return lcal_error_set(error, LCAL_SYSTEM, "cannot start a thread: %s", strerror(failed));
    }
    trouble->started++;
  }
  return LCAL_OK;
}

void soak_trouble_join(soak_trouble *trouble) {
  while (trouble->started > 0) {
    pthread_join(trouble->threads[--trouble->started], NULL);
  }
}
