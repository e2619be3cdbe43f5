#include "daemon/arrivals.h"

#include "daemon/connection.h"

static void join(struct arrivals *arrivals, struct connection *connection) {
  struct arriving *own = &connection->arriving;
  own->listed = true;
  own->previous = arrivals->newest;
  own->next = NULL;
  if (arrivals->newest != NULL) {
    arrivals->newest->arriving.next = connection;
  } else {
    arrivals->oldest = connection;
  }
  arrivals->newest = connection;
}

bool arrivals_follow(struct arrivals *arrivals, struct connection *connection) {
  struct arriving *own = &connection->arriving;
  if (!own->listed) {
    join(arrivals, connection);
  }
  arrivals->bytes += connection->incoming->capacity - own->bytes;
  own->bytes = connection->incoming->capacity;
  while (arrivals->bytes > arrivals->most && arrivals->oldest != connection) {
    connection_refuse(arrivals->oldest, FAULT_OVERLOAD);
  }
  return arrivals->bytes <= arrivals->most || arrivals->newest == connection;
}

void arrivals_leave(struct arrivals *arrivals, struct connection *connection) {
  struct arriving *own = &connection->arriving;
  if (!own->listed) {
    return;
  }
  if (own->previous != NULL) {
    own->previous->arriving.next = own->next;
  } else {
    arrivals->oldest = own->next;
  }
  if (own->next != NULL) {
    own->next->arriving.previous = own->previous;
  } else {
    arrivals->newest = own->previous;
  }
  arrivals->bytes -= own->bytes;
  *own = (struct arriving){.listed = false};
}
