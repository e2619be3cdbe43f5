/* What the status map, the commands and the page say of streams. */
#ifndef DAEMON_STATUS_H
#define DAEMON_STATUS_H

#include "daemon/daemon.h"
#include "wire/writer.h"

/* The state that the stream's mode gives (method.md's table): that of a frame which came now. */
lcal_state stream_mode_state(const struct stream *stream);

/* The state of its last labels; before the first, that of its mode. */
lcal_state stream_state(const struct stream *stream);

/* Entries of the open map: control's `status`, and the array `streams` of it alone. */
void status_put(lcal__writer *writer, struct daemon *daemon);
void status_put_streams(lcal__writer *writer, struct daemon *daemon);

/* Seconds since the start. */
uint64_t status_uptime_s(const struct daemon *daemon);
#endif
