/* Idempotent answers. Few and rarely asked for: an array, oldest first, searched by id. */
#include "daemon/answers.h"

#include <stdlib.h>
#include <string.h>

struct waiter {
  struct answer_sink *sink;
};

struct answer {
  lcal_name id;
  uint8_t *request, *bytes;
  size_t request_length, length;
  lcal_status code;
  bool finished;
  uint64_t finished_ns;
  struct waiter *waiting; /* with the same request, come again meanwhile */
  size_t waiting_count;
};

struct answers {
  struct answer **list;
  size_t count, capacity;
  size_t bytes;
};

struct answers *answers_create(void) {
  return calloc(1, sizeof(struct answers));
}

static size_t cost(const struct answer *answer) {
  return sizeof *answer + answer->request_length + answer->length;
}

static void answer_free(struct answer *answer) {
  free(answer->request);
  free(answer->bytes);
  free(answer->waiting);
  free(answer);
}

void answers_destroy(struct answers *answers) {
  if (!answers) {
    return;
  }
  for (size_t i = 0; i < answers->count; i++) {
    answer_free(answers->list[i]);
  }
  free((void *)answers->list);
  free(answers);
}

/* Drops what is too old, then, while there is too much, the oldest that is finished. */
static void tidy(struct answers *answers, uint64_t now_ns) {
  size_t kept = 0, left = answers->count;
  for (size_t i = 0; i < answers->count; i++) {
    struct answer *answer = answers->list[i];
    bool too_old = now_ns - answer->finished_ns > ANSWERS_KEPT_NS;
    bool too_much = left > ANSWERS_MAX || answers->bytes > ANSWERS_BYTES;
    if (answer->finished && (too_old || too_much)) {
      answers->bytes -= cost(answer);
      answer_free(answer);
      left--;
    } else {
      answers->list[kept++] = answer;
    }
  }
  answers->count = kept;
}

static bool wait_for(struct answer *answer, struct answer_sink *sink) {
  struct waiter *waiting =
      reallocarray(answer->waiting, answer->waiting_count + 1, sizeof *waiting);
  if (!waiting) {
    return false;
  }
  answer->waiting = waiting;
  answer->waiting[answer->waiting_count++].sink = sink;
  return true;
}

static bool make_room(struct answers *answers) {
  if (answers->count < answers->capacity) {
    return true;
  }
  size_t capacity = 2 * answers->capacity + 16;
  struct answer **list = reallocarray((void *)answers->list, capacity, sizeof(struct answer *));
  if (!list) {
    return false;
  }
  answers->list = list;
  answers->capacity = capacity;
  return true;
}

static struct answer *add(struct answers *answers, const char *id, const void *request,
                          size_t length) {
  struct answer *answer = calloc(1, sizeof *answer);
  uint8_t *copy = malloc(length);
  uint8_t *room = malloc(ANSWERS_ROOM);
  if (!answer || !copy || !room || !make_room(answers)) {
    free(answer);
    free(copy);
    free(room);
    return NULL;
  }
  answer->bytes = room;
  snprintf(answer->id, sizeof answer->id, "%s", id);
  memcpy(copy, request, length);
  answer->request = copy;
  answer->request_length = length;
  answers->list[answers->count++] = answer;
  answers->bytes += cost(answer);
  return answer;
}

static struct answer *find(const struct answers *answers, const char *id) {
  for (size_t i = 0; i < answers->count; i++) {
    if (strcmp(answers->list[i]->id, id) == 0) {
      return answers->list[i];
    }
  }
  return NULL;
}

enum answers_verdict answers_begin(struct answers *answers, const char *id, const void *request,
                                   size_t length, uint64_t now_ns, struct answer_sink *sink,
                                   struct answer **answer) {
  tidy(answers, now_ns);
  struct answer *known = find(answers, id);
  if (!known) {
    *answer = add(answers, id, request, length);
    return *answer ? ANSWERS_NEW : ANSWERS_MEMORY;
  }
  if (known->request_length != length || memcmp(known->request, request, length) != 0) {
    return ANSWERS_OTHER;
  }
  if (known->finished) {
    sink->send(sink, known->bytes, known->length, known->code);
    return ANSWERS_AGAIN;
  }
  return wait_for(known, sink) ? ANSWERS_AGAIN : ANSWERS_MEMORY;
}

/* Room for an answer of `length` bytes; what is too much is given back, if that can be had. */
static bool resize(struct answer *answer, size_t length) {
  uint8_t *resized = realloc(answer->bytes, length);
  answer->bytes = resized ? resized : answer->bytes;
  return resized || length <= ANSWERS_ROOM;
}

void answers_finish(struct answers *answers, struct answer *answer, const void *bytes,
                    size_t length, lcal_status code, uint64_t now_ns, struct answer_sink *sink) {
  sink->send(sink, bytes, length, code);
  for (size_t i = 0; i < answer->waiting_count; i++) {
    struct answer_sink *waiting = answer->waiting[i].sink;
    waiting->send(waiting, bytes, length, code);
  }
  answer->finished = true;
  if (resize(answer, length)) {
    memcpy(answer->bytes, bytes, length);
    answers->bytes += length;
    answer->length = length;
    answer->code = code;
    answer->finished_ns = now_ns;
  } else {
    answer->finished_ns = now_ns - ANSWERS_KEPT_NS - 1; /* too old: better run again than lie */
  }
  tidy(answers, now_ns);
}
