/* What a replay asks its daemon besides labels. */
#ifndef CLI_REPLAY_DAEMON_H
#define CLI_REPLAY_DAEMON_H

#include "cli/replay_result.h"

#include <labelcal/client.h>
#include <labelcal/recording.h>

/* Whether the daemon's model has as many classes as the recording; LCAL_WRONG_CLASSES tells what
 * to configure. */
lcal_status replay_check_classes(lcal_client *client, const lcal_recording_meta *meta,
                                 lcal_error *error);

/* Why there are no labels of `frame`: it is sent once more, by request and reply and without
 * adapting, which is answered where `frames` is silent. The refusal; or LCAL_OK if it would be
 * labelled, or if nothing can be learnt. */
lcal_status replay_refusal(lcal_client *client, const lcal_frame *frame, lcal_error *error);

/* What the daemon's counters say of a stream's frames that were not labelled; zeros if it does not
 * know the stream. */
lcal_status replay_fates(lcal_client *client, const char *stream, uint64_t fates[REPLAY_FATES],
                         lcal_error *error);

/* Deletes the domain that the stream's frames were sent into; `bank` "": the stream's. Well if
 * there is none. */
lcal_status replay_delete_domain(lcal_client *client, const char *stream, const char *bank,
                                 const char *domain, lcal_error *error);

#endif
