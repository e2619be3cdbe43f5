/* A whole daemon in the test's own process: real sockets, workers and store thread, with the loop
 * turned by the test. Frames are handed to it as a connection does, so that what waits and
 * what is in hand is the test's to say. */
#ifndef DAEMON_CASE_H
#define DAEMON_CASE_H

#include "daemon/banks.h"
#include "daemon/daemon.h"
#include "daemon/frame.h"

#define CASE_CLASSES 3u

extern struct daemon *daemon_case;

/* Starts it with this configuration (classes: 3, no HTTP are added) in an empty folder. */
void daemon_case_start(const char *text);

/* Starts another one on the same folder. */
void daemon_case_restart(const char *text);

/* Another one on the same folder that is not started. */
struct daemon *daemon_case_make(const char *text);

/* Replaces the file that a reload reads. */
void daemon_case_write_config(const char *text);

int daemon_case_tear_down(void **state);

/* A frame of a few pixels that passes every check. */
lcal_frame daemon_case_frame(const char *stream, uint64_t seq);

/* It arrives by connection `connection`. The loop does not turn. */
void daemon_case_arrive(const lcal_frame *frame, uint32_t connection);

/* Bytes arrive that may be no frame at all. */
void daemon_case_arrive_bytes(const void *bytes, size_t length, uint32_t connection);

/* Turns the loop until no frame waits or is in hand and no change is under way. */
void daemon_case_settle(void);

/* Turns the loop until condition(context) holds. */
void daemon_case_until(bool (*condition)(void *context), void *context);

struct bank *daemon_case_bank(void);                 /* `default` */
struct domain *daemon_case_domain(void);             /* its `default` */
struct stream *daemon_case_stream(const char *name); /* fails the test if there is none */
#endif
