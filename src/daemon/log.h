/* Lines on stderr: for the journal with a priority in front (<6>...), on a terminal with a word.
 * A line is written at once or, while nobody reads stderr, dropped and counted: logging never
 * holds up the loop. */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include "daemon/config.h"

/* Chooses the form by what stderr is; everything at `level` and above is written. Before it,
 * and for the default, that is info. */
void log_open(enum log_level level);
/* Whether stderr is the journal's own socket ($JOURNAL_STREAM names it). */
bool log_is_journal(void);

void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

/* One line; control characters are escaped, and what is beyond 1 KiB is cut. Any thread. */
void log_message(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for what strangers can cause at will: at most LOG_BURST lines of a key in
 * LOG_INTERVAL_S seconds; the first line after that says how many were left out. Keys are short
 * fixed words ("refused bad_tensor"). The loop's thread only. */
#define LOG_BURST      5u
#define LOG_INTERVAL_S 10u
void log_limited(enum log_level level, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#endif
