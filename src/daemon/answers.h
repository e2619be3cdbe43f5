/* Answers of commands that change something, kept by id, so that a client may ask again after a
 * lost reply (protocol.md, "control"): for 10 minutes, at most 1024 and 16 MiB with the requests
 * they answer. Requests still running are here too; the same request waits for their answer. */
#ifndef DAEMON_ANSWERS_H
#define DAEMON_ANSWERS_H

#include "daemon/command.h"

#define ANSWERS_KEPT_NS (600ull * 1000000000ull)
#define ANSWERS_MAX     1024u
#define ANSWERS_BYTES   (16u << 20)

/* What an answer has room for from the start: a change that took effect is not answered by "no
 * memory", and is not done again for want of its kept answer. Larger ones (tens of domains) ask for
 * more at their end. */
#define ANSWERS_ROOM ((size_t)4096)

struct answer;

enum answers_verdict {
  ANSWERS_NEW,   /* run it; *answer is its place, to be given to answers_finish */
  ANSWERS_AGAIN, /* `sink` has its answer, or gets it when the running one ends */
  ANSWERS_OTHER, /* the id belongs to another request */
  ANSWERS_MEMORY
};

/* Judges a request. Only AGAIN takes the sink. */
enum answers_verdict answers_begin(struct answers *answers, const char *id, const void *request,
                                   size_t length, uint64_t now_ns, struct answer_sink *sink,
                                   struct answer **answer);

/* The answer is there: sends it to `sink` and to all that waited, and keeps it. */
void answers_finish(struct answers *answers, struct answer *answer, const void *bytes,
                    size_t length, lcal_status code, uint64_t now_ns, struct answer_sink *sink);
#endif
