/* What the subcommands that send frames share: Ctrl-C, the clock, the pace, their numbers. */
#ifndef CLI_SENDING_H
#define CLI_SENDING_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* From now on SIGINT and SIGTERM are counted and do nothing else. */
void interrupts_catch(void);

/* How many came. One: stop sending and end in order. More: do not wait for anything either. */
int interrupts(void);

/* Nanoseconds of a clock. */
uint64_t clock_ns(clockid_t clock);

/* Sleeps until CLOCK_MONOTONIC is `due_ns`, or interrupts() come. */
void sleep_until(uint64_t due_ns);

/* A whole number of at least `least`; 0 if `text` is none. */
int parse_whole(const char *text, uint32_t least, uint32_t *value);

/* Frames a second, 0.001 to 1000, or `max`, which is 0.0; 0 if `text` is neither. */
int parse_rate(const char *text, double *rate);

/* Sorts the values and returns the least that `percent` of them do not exceed; count > 0. */
uint64_t percentile(uint64_t *values, size_t count, unsigned percent);

#endif
