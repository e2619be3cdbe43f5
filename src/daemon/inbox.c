#include "daemon/inbox.h"

#include "daemon/realtime.h"

#include <pthread.h>
#include <stdlib.h>

struct inbox {
  uv_async_t bell;
  void (*handle)(void *context, struct inbox_item *item);
  void *context;
  pthread_mutex_t lock; /* guards the list */
  struct inbox_item *first, *last;
};

void inbox_push(struct inbox *inbox, struct inbox_item *item) {
  item->next = NULL;
  pthread_mutex_lock(&inbox->lock);
  if (inbox->last != NULL) {
    inbox->last->next = item;
  } else {
    inbox->first = item;
  }
  inbox->last = item;
  pthread_mutex_unlock(&inbox->lock);
  uv_async_send(&inbox->bell);
}

static struct inbox_item *take_all(struct inbox *inbox) {
  pthread_mutex_lock(&inbox->lock);
  struct inbox_item *items = inbox->first;
  inbox->first = inbox->last = NULL;
  pthread_mutex_unlock(&inbox->lock);
  return items;
}

/* What is pushed meanwhile rings the bell again. */
void inbox_drain(struct inbox *inbox) {
  struct inbox_item *next;
  for (struct inbox_item *item = take_all(inbox); item != NULL; item = next) {
    next = item->next; /* the handler may free the item, or push it again */
    inbox->handle(inbox->context, item);
  }
}

static void on_bell(uv_async_t *bell) {
  inbox_drain(bell->data);
}

struct inbox *inbox_create(uv_loop_t *loop, void (*handle)(void *context, struct inbox_item *item),
                           void *context) {
  struct inbox *inbox = calloc(1, sizeof *inbox);
  if (inbox == NULL) {
    return NULL;
  }
  if (uv_async_init(loop, &inbox->bell, on_bell) != 0) {
    free(inbox);
    return NULL;
  }
  inbox->bell.data = inbox;
  inbox->handle = handle;
  inbox->context = context;
  realtime_mutex_init(&inbox->lock);
  return inbox;
}

static void on_closed(uv_handle_t *handle) {
  struct inbox *inbox = handle->data;
  pthread_mutex_destroy(&inbox->lock);
  free(inbox);
}

void inbox_close(struct inbox *inbox) {
  if (inbox != NULL) {
    uv_close((uv_handle_t *)&inbox->bell, on_closed);
  }
}
