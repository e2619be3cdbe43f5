/* Generations on disk: loaded at the start, written on schedule and for every durable change, by
 * the store's thread. */
#ifndef DAEMON_SNAPSHOTS_H
#define DAEMON_SNAPSHOTS_H

#include "daemon/daemon.h"
#include "daemon/inbox.h"

/* Loads each bank's newest valid generation; touches nothing on disk. LCAL_FOREIGN for statistics
 * of another model, LCAL_BAD_CONFIG for a directory or a limit that does not fit. */
lcal_status snapshots_load(struct daemon *daemon, lcal_error *error);

/* The start is decided: sets broken files aside (event), makes missing folders, starts the store
 * thread. */
lcal_status snapshots_start(struct daemon *daemon, lcal_error *error);

/* Ends the store thread and frees; nothing may be under way. */
void snapshots_destroy(struct daemon *daemon);

/* Every second: begins the snapshots that are due. */
void snapshots_tick(struct daemon *daemon, uint64_t now_ns);

/* Writes a snapshot of every bank that changed since its last (the daemon stops). */
void snapshots_write_dirty(struct daemon *daemon);

/* Has the bank's generation `number` written from `bytes` (taken), and then calls
 * bank_change_written(). */
void snapshots_write(struct daemon *daemon, struct bank *bank, uint64_t number, uint64_t created_ns,
                     uint8_t *bytes, size_t length);

/* Loads one generation on the store thread; `then` is called once, on the loop. The snapshot is
 * the callee's to destroy; NULL on an error (LCAL_BAD_GENERATION). */
typedef void (*generation_loaded)(struct daemon *daemon, void *context, lcal_snapshot *snapshot,
                                  const lcal_error *error);
void snapshots_read(struct daemon *daemon, struct bank *bank, uint64_t number,
                    generation_loaded then, void *context);

/* The store thread is done with a request. */
void snapshots_done(struct daemon *daemon, struct inbox_item *item);

/* Looks at the store thread's heartbeat; then, NULL, or a sentence: it hangs. */
void snapshots_watch(struct daemon *daemon, uint64_t now_ns);
const char *snapshots_health(const struct daemon *daemon, uint64_t now_ns);
#endif
