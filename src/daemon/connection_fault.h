/* What a connection is closed for, as the metric connections_closed_total says it. */
#ifndef DAEMON_CONNECTION_FAULT_H
#define DAEMON_CONNECTION_FAULT_H

#define CONNECTION_FAULT_MAP(X)                                                                    \
  X(ABORTED, "aborted")     /* its peer left before it had greeted */                              \
  X(GREETING, "greeting")   /* it does not speak SP, or not the protocol of this socket */         \
  X(SILENT, "silent")       /* it did not greet in time */                                         \
  X(TOO_LARGE, "too_large") /* it announced more than it may send */                               \
  X(MALFORMED, "malformed") /* it sent what is no message of this socket */                        \
  X(STALLED, "stalled")     /* it stopped in the middle of a message */                            \
  X(OVERLOAD, "overload")   /* messages on their way in hold too much, and its began first */      \
  X(UNTAKEN, "untaken")     /* it does not take its answers, and all that wait hold too much */    \
  X(MEMORY, "memory")       /* no memory for its message */
enum connection_fault {
#define CONNECTION_FAULT_ENUM(symbol, word) FAULT_##symbol,
  CONNECTION_FAULT_MAP(CONNECTION_FAULT_ENUM)
#undef CONNECTION_FAULT_ENUM
      FAULT_COUNT
};
extern const char *const connection_fault_words[FAULT_COUNT];
#endif
