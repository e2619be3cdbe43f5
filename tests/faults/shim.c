/* Fails the n-th call of one family of functions of the process it is preloaded into, counts the
 * calls of every family, and says in a file what it did. For tests only; never installed.
 *
 *   FAULT_REPORT  file of the counts (struct report), mapped: it holds after any death
 *   FAULT_CALL    the family (the words of FAMILY_MAP); absent: only count
 *   FAULT_N       the first call that fails, from 1 on
 *   FAULT_TIMES   how many fail from there on; 0: all
 *   FAULT_ERRNO   a number; 0: the call does half of what it should (write, send, read)
 *   FAULT_TRACE   file: a line for each call, "FAMILY STACK", each place as MODULE+OFFSET
 *
 * Calls count from main() on, so not those of the loader; and no longer once main() has returned.
 * A program that runs its own loop calls fault_arm() instead. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <unwind.h>

#include "shim.h"

#define EXPORT __attribute__((visibility("default")))

/* ---- What is counted and what fails. */

static struct report scratch; /* until there is a file */
static struct report *report = &scratch;
static atomic_bool armed;
static int chosen = -1;
static uint64_t first, times;
static int fault_errno;
static int trace = -1;

/* In a report, in dlsym() or in the unwinder: what these call is not the program's. Volatile:
 * dlsym() is declared never to call back, but it does allocate. */
static __thread volatile bool inside __attribute__((tls_model("initial-exec")));

struct stack {
  size_t count;
  uintptr_t places[STACK_DEPTH];
};

static _Unwind_Reason_Code note_place(struct _Unwind_Context *context, void *argument) {
  struct stack *stack = argument;
  stack->places[stack->count++] = _Unwind_GetIP(context);
  return stack->count < STACK_DEPTH ? _URC_NO_REASON : _URC_END_OF_STACK;
}

/* "FAMILY MODULE+OFFSET ..." without the shim's own frames. */
static size_t describe(char *line, size_t size, enum family family) {
  struct stack stack = {0};
  Dl_info self;
  Dl_info info;
  _Unwind_Backtrace(note_place, &stack);
  int length = snprintf(line, size, "%s", family_words[family]);
  dladdr((const void *)family_words, &self);
  for (size_t i = 0; i < stack.count; i++) {
    const void *place = (const void *)(stack.places[i] - 1);
    if (dladdr(place, &info) == 0 || info.dli_fname == NULL || info.dli_fbase == self.dli_fbase) {
      continue;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    int more = snprintf(line + length, size - (size_t)length, " %s+%zx",
                        slash != NULL ? slash + 1 : info.dli_fname,
                        (size_t)((const char *)place - (const char *)info.dli_fbase));
    if (more < 0 || (size_t)(length + more) >= size - 1) {
      break;
    }
    length += more;
  }
  line[length] = '\n';
  return (size_t)length + 1;
}

/* Whether this call, counted here, is to fail. */
static bool hit(enum family family) {
  if (inside || !atomic_load_explicit(&armed, memory_order_relaxed)) {
    return false;
  }
  const uint64_t n = atomic_fetch_add(&report->counts[family], 1) + 1;
  const bool fails = (int)family == chosen && n >= first && (times == 0 || n - first < times);
  if (!fails && trace < 0) {
    return false;
  }
  inside = true;
  if (trace >= 0) {
    char line[2048];
    const size_t length = describe(line, sizeof line, family);
    syscall(SYS_write, trace, line, length);
  }
  if (fails && atomic_fetch_add(&report->fired, 1) == 0) {
    describe(report->stack, sizeof report->stack, family);
  }
  inside = false;
  return fails;
}

static void *next(const char *name) {
  inside = true;
  void *found = dlsym(RTLD_NEXT, name);
  inside = false;
  if (found == NULL) {
    abort();
  }
  return found;
}

/* Which family a call on a descriptor belongs to; -1: none, it is let through. Pipes and eventfds
 * cannot fail in ways that matter here. */
static int kind_of(int fd, int socket, int file) {
  struct stat status;
  if (syscall(SYS_fstat, fd, &status) != 0) {
    return -1;
  }
  if (S_ISSOCK(status.st_mode)) {
    return socket;
  }
  return S_ISREG(status.st_mode) && fd != STDERR_FILENO ? file : -1;
}

static bool hit_fd(int fd, int socket, int file) {
  if (inside || !atomic_load_explicit(&armed, memory_order_relaxed)) {
    return false;
  }
  const int family = kind_of(fd, socket, file);
  return family >= 0 && hit((enum family)family);
}

static long fail(void) {
  errno = fault_errno;
  return -1;
}

static void *fail_null(void) {
  errno = fault_errno;
  return NULL;
}

/* Half of it, at least a byte. */
static size_t half(size_t size) {
  return size > 1 ? size / 2 : size;
}

/* ---- The functions: one row each. FAILS says whether this call fails, FAILED does it. */

/* Named by an assembler label: the C library's own declarations are often not plain. */
#define ROW(TYPE, NAME, PARAMETERS, ARGUMENTS, FAILS, FAILED)                                      \
  EXPORT TYPE shim_##NAME PARAMETERS __asm__(#NAME);                                               \
  EXPORT TYPE shim_##NAME PARAMETERS {                                                             \
    static TYPE(*real) PARAMETERS;                                                                 \
    if (real == NULL) {                                                                            \
      *(void **)&real = next(#NAME);                                                               \
    }                                                                                              \
    if (FAILS) {                                                                                   \
      return FAILED;                                                                               \
    }                                                                                              \
    return real ARGUMENTS;                                                                         \
  }

#define SENDS(fd)  hit_fd(fd, FAMILY_SEND, FAMILY_WRITE)
#define READS(fd)  hit_fd(fd, FAMILY_RECV, FAMILY_READ)
#define PART(call) (fault_errno == 0 ? (call) : fail())

ROW(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n), SENDS(fd),
    PART(real(fd, p, half(n))))
ROW(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at), SENDS(fd),
    PART(real(fd, p, half(n), at)))
ROW(ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at), SENDS(fd),
    PART(real(fd, p, half(n), at)))
ROW(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n), SENDS(fd),
    PART(shim_write(fd, v[0].iov_base, half(v[0].iov_len))))
ROW(ssize_t, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags),
    hit(FAMILY_SEND), PART(real(fd, p, half(n), flags)))
ROW(ssize_t, sendto,
    (int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t length),
    (fd, p, n, flags, to, length), hit(FAMILY_SEND), fail())
ROW(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags), hit(FAMILY_SEND),
    fail())

ROW(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n), READS(fd), PART(real(fd, p, half(n))))
ROW(ssize_t, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at), READS(fd),
    PART(real(fd, p, half(n), at)))
ROW(ssize_t, pread64, (int fd, void *p, size_t n, off64_t at), (fd, p, n, at), READS(fd),
    PART(real(fd, p, half(n), at)))
ROW(ssize_t, readv, (int fd, const struct iovec *v, int n), (fd, v, n), READS(fd),
    PART(shim_read(fd, v[0].iov_base, half(v[0].iov_len))))
ROW(ssize_t, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags), hit(FAMILY_RECV),
    PART(real(fd, p, half(n), flags)))
ROW(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags), hit(FAMILY_RECV),
    fail())

ROW(int, fsync, (int fd), (fd), hit(FAMILY_FSYNC), (int)fail())
ROW(int, fdatasync, (int fd), (fd), hit(FAMILY_FSYNC), (int)fail())
ROW(int, ftruncate, (int fd, off_t n), (fd, n), hit(FAMILY_ALLOCATE), (int)fail())
ROW(int, ftruncate64, (int fd, off64_t n), (fd, n), hit(FAMILY_ALLOCATE), (int)fail())
ROW(int, fallocate, (int fd, int mode, off_t at, off_t n), (fd, mode, at, n), hit(FAMILY_ALLOCATE),
    (int)fail())
ROW(int, fallocate64, (int fd, int mode, off64_t at, off64_t n), (fd, mode, at, n),
    hit(FAMILY_ALLOCATE), (int)fail())
ROW(int, posix_fallocate, (int fd, off_t at, off_t n), (fd, at, n), hit(FAMILY_ALLOCATE),
    fault_errno)
ROW(int, rename, (const char *from, const char *to), (from, to), hit(FAMILY_RENAME), (int)fail())
ROW(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to),
    hit(FAMILY_RENAME), (int)fail())
ROW(int, unlink, (const char *path), (path), hit(FAMILY_UNLINK), (int)fail())
ROW(int, unlinkat, (int at, const char *path, int flags), (at, path, flags), hit(FAMILY_UNLINK),
    (int)fail())
ROW(int, mkdir, (const char *path, mode_t mode), (path, mode), hit(FAMILY_MKDIR), (int)fail())
ROW(int, mkdirat, (int at, const char *path, mode_t mode), (at, path, mode), hit(FAMILY_MKDIR),
    (int)fail())
ROW(int, fstat, (int fd, struct stat *s), (fd, s), hit(FAMILY_STAT), (int)fail())
ROW(int, fstat64, (int fd, struct stat64 *s), (fd, s), hit(FAMILY_STAT), (int)fail())
ROW(int, fstatat, (int at, const char *path, struct stat *s, int flags), (at, path, s, flags),
    hit(FAMILY_STAT), (int)fail())
ROW(int, fstatat64, (int at, const char *path, struct stat64 *s, int flags), (at, path, s, flags),
    hit(FAMILY_STAT), (int)fail())
ROW(int, flock, (int fd, int how), (fd, how), hit(FAMILY_LOCK), (int)fail())

/* Also where no mode is given: what then is in its place is passed on and not looked at. */
ROW(int, open, (const char *path, int flags, mode_t mode), (path, flags, mode), hit(FAMILY_OPEN),
    (int)fail())
ROW(int, open64, (const char *path, int flags, mode_t mode), (path, flags, mode), hit(FAMILY_OPEN),
    (int)fail())
ROW(int, openat, (int at, const char *path, int flags, mode_t mode), (at, path, flags, mode),
    hit(FAMILY_OPEN), (int)fail())
ROW(int, openat64, (int at, const char *path, int flags, mode_t mode), (at, path, flags, mode),
    hit(FAMILY_OPEN), (int)fail())
ROW(int, __open_2, (const char *path, int flags), (path, flags), hit(FAMILY_OPEN), (int)fail())
ROW(int, __open64_2, (const char *path, int flags), (path, flags), hit(FAMILY_OPEN), (int)fail())
ROW(void *, opendir, (const char *path), (path), hit(FAMILY_OPEN), fail_null())
ROW(void *, fdopendir, (int fd), (fd), hit(FAMILY_OPEN), fail_null())
ROW(void *, fopen, (const char *path, const char *mode), (path, mode), hit(FAMILY_OPEN),
    fail_null())
ROW(void *, fopen64, (const char *path, const char *mode), (path, mode), hit(FAMILY_OPEN),
    fail_null())
ROW(void *, readdir, (void *directory), (directory), hit(FAMILY_READDIR), fail_null())
ROW(void *, readdir64, (void *directory), (directory), hit(FAMILY_READDIR), fail_null())
/* Linux lets go of the descriptor whatever it returns. */
ROW(int, close, (int fd), (fd), hit(FAMILY_CLOSE), (real(fd), (int)fail()))
ROW(void *, mmap, (void *at, size_t n, int protection, int flags, int fd, off_t offset),
    (at, n, protection, flags, fd, offset), hit(FAMILY_MMAP), (fail(), MAP_FAILED))
ROW(void *, mmap64, (void *at, size_t n, int protection, int flags, int fd, off64_t offset),
    (at, n, protection, flags, fd, offset), hit(FAMILY_MMAP), (fail(), MAP_FAILED))

ROW(int, accept, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n), hit(FAMILY_ACCEPT),
    (int)fail())
ROW(int, accept4, (int fd, struct sockaddr *a, socklen_t *n, int flags), (fd, a, n, flags),
    hit(FAMILY_ACCEPT), (int)fail())
ROW(int, socket, (int domain, int type, int protocol), (domain, type, protocol), hit(FAMILY_SOCKET),
    (int)fail())
ROW(int, bind, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n), hit(FAMILY_SOCKET),
    (int)fail())
ROW(int, listen, (int fd, int backlog), (fd, backlog), hit(FAMILY_SOCKET), (int)fail())
ROW(int, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n), hit(FAMILY_SOCKET),
    (int)fail())
ROW(int, eventfd, (unsigned value, int flags), (value, flags), hit(FAMILY_LOOP), (int)fail())
ROW(int, pipe2, (int *ends, int flags), (ends, flags), hit(FAMILY_LOOP), (int)fail())
ROW(int, epoll_create1, (int flags), (flags), hit(FAMILY_LOOP), (int)fail())
ROW(int, epoll_ctl, (int fd, int operation, int on, struct epoll_event *event),
    (fd, operation, on, event), operation != EPOLL_CTL_DEL && hit(FAMILY_EPOLL), (int)fail())
ROW(int, pthread_create, (pthread_t * t, const pthread_attr_t *a, void *(*f)(void *), void *p),
    (t, a, f, p), hit(FAMILY_THREAD), fault_errno)

/* ---- Memory. dlsym() may itself want some before there is a malloc() to ask. */

static char arena[16384] __attribute__((aligned(16)));
static atomic_size_t arena_used;

static bool in_arena(const void *block) {
  return (const char *)block >= arena && (const char *)block < arena + sizeof arena;
}

static void *take_arena(size_t size) {
  const size_t at = atomic_fetch_add(&arena_used, (size + 15) & ~(size_t)15);
  return at + size <= sizeof arena ? arena + at : NULL;
}

#define MEMORY(TYPE, NAME, PARAMETERS, ARGUMENTS, EARLY, FAILED)                                   \
  EXPORT TYPE shim_##NAME PARAMETERS __asm__(#NAME);                                               \
  EXPORT TYPE shim_##NAME PARAMETERS {                                                             \
    static TYPE(*real) PARAMETERS;                                                                 \
    if (real == NULL) {                                                                            \
      if (inside) {                                                                                \
        return EARLY;                                                                              \
      }                                                                                            \
      *(void **)&real = next(#NAME);                                                               \
    }                                                                                              \
    if (hit(FAMILY_MALLOC)) {                                                                      \
      return FAILED;                                                                               \
    }                                                                                              \
    return real ARGUMENTS;                                                                         \
  }

MEMORY(void *, malloc, (size_t n), (n), take_arena(n), fail_null())
MEMORY(void *, calloc, (size_t m, size_t n), (m, n), take_arena(m *n), fail_null())
MEMORY(void *, aligned_alloc, (size_t a, size_t n), (a, n), NULL, fail_null())
MEMORY(void *, memalign, (size_t a, size_t n), (a, n), NULL, fail_null())
MEMORY(void *, reallocarray, (void *p, size_t m, size_t n), (p, m, n), NULL, fail_null())
MEMORY(int, posix_memalign, (void **p, size_t a, size_t n), (p, a, n), ENOMEM, ENOMEM)
MEMORY(void *, realloc, (void *p, size_t n), (p, n), NULL, fail_null())

EXPORT void shim_free(void *block) __asm__("free");
EXPORT void shim_free(void *block) {
  static void (*real)(void *);
  if (block == NULL || in_arena(block)) {
    return;
  }
  if (real == NULL && inside) { /* dlsym()'s own error text: lost, once */
    return;
  }
  if (real == NULL) {
    *(void **)&real = next("free");
  }
  real(block);
}

/* ---- When to count. */

static uint64_t number(const char *name) {
  const char *text = getenv(name);
  return text != NULL ? strtoull(text, NULL, 10) : 0;
}

void fault_arm(enum family family, uint64_t n, uint64_t how_many, int code) {
  for (size_t i = 0; i < FAMILY_COUNT; i++) {
    atomic_store(&report->counts[i], 0);
  }
  atomic_store(&report->fired, 0);
  chosen = (int)family;
  first = n;
  times = how_many;
  fault_errno = code;
  atomic_store(&armed, true);
}

const struct report *fault_disarm(void) {
  atomic_store(&armed, false);
  return report;
}

static void open_report(const char *path) {
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  void *mapped = MAP_FAILED;
  if (fd >= 0 && syscall(SYS_ftruncate, fd, sizeof *report) == 0) {
    mapped = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
  }
  if (mapped == MAP_FAILED) {
    abort();
  }
  report = mapped;
}

/* The descriptor is out of the way: the least free numbers are the program's. */
static int open_trace(const char *path) {
  const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
  const int high = fcntl(fd, F_DUPFD_CLOEXEC, 900);
  syscall(SYS_close, fd);
  return high;
}

/* Whether the environment asks for anything. */
static bool read_environment(void) {
  const char *path = getenv("FAULT_REPORT");
  const char *call = getenv("FAULT_CALL");
  if (path == NULL) {
    return false;
  }
  open_report(path);
  if (getenv("FAULT_TRACE") != NULL) {
    trace = open_trace(getenv("FAULT_TRACE"));
  }
  for (int i = 0; call != NULL && i < FAMILY_COUNT; i++) {
    if (strcmp(call, family_words[i]) == 0) {
      chosen = i;
    }
  }
  if (call != NULL && chosen < 0) {
    abort();
  }
  first = number("FAULT_N");
  times = number("FAULT_TIMES");
  fault_errno = (int)number("FAULT_ERRNO");
  return true;
}

typedef int main_function(int, char **, char **);
static main_function *real_main;

static int counted_main(int count, char **arguments, char **environment) {
  atomic_store(&armed, read_environment());
  const int result = real_main(count, arguments, environment);
  atomic_store(&armed, false);
  return result;
}

EXPORT int __libc_start_main(main_function *, int, char **, void (*)(void), void (*)(void),
                             void (*)(void), void *);
EXPORT int __libc_start_main(main_function *program, int count, char **arguments,
                             void (*init)(void), void (*fini)(void), void (*loader)(void),
                             void *stack_end) {
  int (*real)(main_function *, int, char **, void (*)(void), void (*)(void), void (*)(void),
              void *);
  *(void **)&real = next("__libc_start_main");
  real_main = program;
  return real(counted_main, count, arguments, init, fini, loader, stack_end);
}
