/* The one way into the loop thread for workers and the store thread: a queue that any thread may
 * push to, and a uv_async that wakes the loop. Items are linked through a node of their own, so
 * a push never allocates; how many there can be is bounded by who pushes (a job a bank, a
 * request to the store each). */
#ifndef DAEMON_INBOX_H
#define DAEMON_INBOX_H

#include <uv.h>

enum inbox_kind {
  INBOX_JOB,  /* struct job, from a worker */
  INBOX_STORE /* struct store_request, from the store thread */
};

struct inbox_item {
  struct inbox_item *next;
  enum inbox_kind kind;
};

struct inbox;

/* `handle` is called on the loop, in the order of the pushes. NULL if memory or the loop's
 * descriptors are short. */
struct inbox *inbox_create(uv_loop_t *loop, void (*handle)(void *context, struct inbox_item *item),
                           void *context);

/* Hands over `item`, from any thread. */
void inbox_push(struct inbox *inbox, struct inbox_item *item);

/* Handles all that is queued, on the loop. */
void inbox_drain(struct inbox *inbox);

/* Ends the uv_async; the memory goes once the loop has run its close callback. */
void inbox_close(struct inbox *inbox); /* NULL is fine */
#endif
