#include "daemon/sequence.h"

#include <stdlib.h>

/* A jump ahead of more than this is a sender that began anew. */
#define JUMP_MAX (1ull << 31)

struct place { /* where a stream stands on one connection */
  const struct stream *stream;
  uint64_t last;
};

struct connection {
  uint32_t id;
  size_t count, capacity;
  struct place *places;
};

struct sequences {
  size_t count, capacity;
  struct connection *connections;
};

enum sequence_step sequence_compare(uint64_t last, uint64_t seq, uint64_t *lost) {
  *lost = 0;
  if (seq == last) {
    return SEQUENCE_DUPLICATE;
  }
  if (seq < last || seq - last > JUMP_MAX) {
    return SEQUENCE_RESTART;
  }
  *lost = seq - last - 1;
  return *lost == 0 ? SEQUENCE_NEXT : SEQUENCE_GAP;
}

struct sequences *sequences_create(void) {
  return calloc(1, sizeof(struct sequences));
}

void sequences_destroy(struct sequences *sequences) {
  if (sequences == NULL) {
    return;
  }
  for (size_t i = 0; i < sequences->count; i++) {
    free(sequences->connections[i].places);
  }
  free(sequences->connections);
  free(sequences);
}

/* Room for one more element in a doubling array; false if memory is short. */
static bool grow(void **array, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) {
    return true;
  }
  const size_t wanted = *capacity == 0 ? 4 : 2 * *capacity;
  void *larger = reallocarray(*array, wanted, size);
  if (larger == NULL) {
    return false;
  }
  *array = larger;
  *capacity = wanted;
  return true;
}

static struct connection *connection_of(struct sequences *sequences, uint32_t id) {
  for (size_t i = 0; i < sequences->count; i++) {
    if (sequences->connections[i].id == id) {
      return &sequences->connections[i];
    }
  }
  void *array = sequences->connections;
  if (!grow(&array, sequences->count, &sequences->capacity, sizeof(struct connection))) {
    return NULL;
  }
  sequences->connections = array;
  struct connection *made = &sequences->connections[sequences->count++];
  *made = (struct connection){.id = id};
  return made;
}

static struct place *place_of(struct connection *connection, const struct stream *stream,
                              bool *known) {
  *known = true;
  for (size_t i = 0; i < connection->count; i++) {
    if (connection->places[i].stream == stream) {
      return &connection->places[i];
    }
  }
  *known = false;
  void *array = connection->places;
  if (!grow(&array, connection->count, &connection->capacity, sizeof(struct place))) {
    return NULL;
  }
  connection->places = array;
  struct place *made = &connection->places[connection->count++];
  made->stream = stream;
  return made;
}

enum sequence_step sequences_follow(struct sequences *sequences, uint32_t connection,
                                    const struct stream *stream, uint64_t seq, uint64_t *lost) {
  *lost = 0;
  bool known = false;
  struct connection *way = connection_of(sequences, connection);
  struct place *place = way != NULL ? place_of(way, stream, &known) : NULL;
  if (place == NULL) {
    return SEQUENCE_FIRST;
  }
  const enum sequence_step step = known ? sequence_compare(place->last, seq, lost) : SEQUENCE_FIRST;
  place->last = seq;
  return step;
}

void sequences_forget_stream(struct sequences *sequences, const struct stream *stream) {
  for (size_t i = 0; i < sequences->count; i++) {
    struct connection *connection = &sequences->connections[i];
    for (size_t j = 0; j < connection->count; j++) {
      if (connection->places[j].stream == stream) {
        connection->places[j] = connection->places[--connection->count];
        break;
      }
    }
  }
}

void sequences_forget_connection(struct sequences *sequences, uint32_t connection) {
  for (size_t i = 0; i < sequences->count; i++) {
    if (sequences->connections[i].id == connection) {
      free(sequences->connections[i].places);
      sequences->connections[i] = sequences->connections[--sequences->count];
      break;
    }
  }
}
