/* The families of calls that shim.c counts, its report, and how a program drives it by itself. */
#ifndef FAULTS_SHIM_H
#define FAULTS_SHIM_H

#include <stdatomic.h>
#include <stdint.h>

#define FAMILY_MAP(ROW)                                                                            \
  ROW(MALLOC, "malloc")     /* and calloc, realloc, aligned_alloc ... */                           \
  ROW(WRITE, "write")       /* to regular files */                                                 \
  ROW(READ, "read")         /* of regular files */                                                 \
  ROW(FSYNC, "fsync")       /* fdatasync */                                                        \
  ROW(ALLOCATE, "allocate") /* fallocate, ftruncate */                                             \
  ROW(RENAME, "rename")                                                                            \
  ROW(UNLINK, "unlink")                                                                            \
  ROW(MKDIR, "mkdir")                                                                              \
  ROW(OPEN, "open") /* opendir, fopen */                                                           \
  ROW(READDIR, "readdir")                                                                          \
  ROW(STAT, "stat") /* fstat, fstatat */                                                           \
  ROW(LOCK, "lock")                                                                                \
  ROW(CLOSE, "close")                                                                              \
  ROW(MMAP, "mmap")                                                                                \
  ROW(SEND, "send") /* send, sendmsg, sendto; write, writev to sockets */                          \
  ROW(RECV, "recv") /* recv, recvmsg; read of sockets */                                           \
  ROW(ACCEPT, "accept")                                                                            \
  ROW(SOCKET, "socket") /* bind, listen, connect */                                                \
  ROW(LOOP, "loop")     /* eventfd, pipe2, epoll_create1 */                                        \
  ROW(EPOLL, "epoll")   /* epoll_ctl */                                                            \
  ROW(THREAD, "thread") /* pthread_create */

enum family {
#define SYMBOL(symbol, word) FAMILY_##symbol,
  FAMILY_MAP(SYMBOL)
#undef SYMBOL
      FAMILY_COUNT
};

static const char *const family_words[] = {
#define WORD(symbol, word) word,
    FAMILY_MAP(WORD)
#undef WORD
};

struct report {
  _Atomic uint64_t fired;
  _Atomic uint64_t counts[FAMILY_COUNT];
  char stack[1024]; /* of the first call that failed: "FAMILY MODULE+OFFSET ...\n" */
};

#define STACK_DEPTH 24

/* For a program that loops over n in one process: the calls from now on count from 1, and those
 * from the n-th on fail, `how_many` of them (0: all) with `code`. Weak: NULL without the shim. */
void fault_arm(enum family family, uint64_t n, uint64_t how_many, int code)
    __attribute__((weak, visibility("default")));
const struct report *fault_disarm(void) __attribute__((weak, visibility("default")));
#endif
