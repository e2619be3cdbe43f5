/* Text of strangers, made fit for people's terminals. */
#ifndef DAEMON_TEXT_H
#define DAEMON_TEXT_H

#include <stdio.h>

/* Writes `text` with control characters as \xNN, so that it cannot move a cursor or begin a
 * line of its own. */
void text_print_clean(const char *text, FILE *out);
#endif
