/* Preloaded into labelcald: knows each step of a snapshot by its system call on the state
 * directory, writes the steps down, and kills the process at one of them.
 *
 *   STEPS_ROOT  the state directory, absolute, no link in it
 *   STEPS_LOG   a file to which every step is appended once it was done
 *   STEPS_KILL  STEP:N:WHEN, the N-th STEP of this process: WHEN is before, half (of a WRITE) or
 *               after
 *   STEPS_SHORT the most bytes that one write() takes
 *   STEPS_STEAL when set, the state directory's lock is replaced just before it is first locked
 *
 * Steps are those of store/durable.h, and MAKE_FOLDER, SYNC_STATE, UNLINK (pruning, and temporary
 * files at start) and SET_ASIDE. A record of the log is one line, of a write with its bytes behind:
 *
 *   make_folder FOLDER       create FILE NAME     reserve FILE LENGTH
 *   sync_state               write FILE OFFSET LENGTH\n<bytes>
 *   sync FILE                close FILE           rename FROM TO
 *   sync_folder FOLDER       unlink NAME          map NAME
 *
 * with FILE the number of an inode of this log, and names relative to the state directory. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEEN __attribute__((visibility("default")))

#define STEPS(X)                                                                                   \
  X(MAKE_FOLDER)                                                                                   \
  X(SYNC_STATE)                                                                                    \
  X(CREATE)                                                                                        \
  X(RESERVE)                                                                                       \
  X(WRITE)                                                                                         \
  X(SYNC)                                                                                          \
  X(CLOSE)                                                                                         \
  X(RENAME)                                                                                        \
  X(SYNC_FOLDER)                                                                                   \
  X(UNLINK)                                                                                        \
  X(SET_ASIDE)

enum step {
#define STEP_ENUM(name) STEP_##name,
  STEPS(STEP_ENUM) STEP_COUNT
};

static const char *const step_names[] = {
#define STEP_NAME(name) #name,
    STEPS(STEP_NAME)};

enum when { BEFORE, HALF, AFTER };

#define FILES_MAX 4096 /* descriptors that may be a file of ours */

static struct {
  char root[PATH_MAX];
  size_t root_length;
  int log;
  unsigned kill_step, kill_number;
  enum when kill_when;
  size_t write_most;
  atomic_bool steal;
  atomic_uint taken[STEP_COUNT];
  atomic_uint files;
  _Atomic unsigned long long file_of[FILES_MAX]; /* 0: none of ours */
  atomic_size_t offset_of[FILES_MAX];
} steps = {.log = -1, .kill_step = STEP_COUNT};

static void read_kill(const char *text) {
  char name[32] = "";
  char when[8] = "";
  if (text == NULL || sscanf(text, "%31[^:]:%u:%7s", name, &steps.kill_number, when) != 3) {
    return;
  }
  for (unsigned i = 0; i < STEP_COUNT; i++) {
    if (strcmp(name, step_names[i]) == 0) {
      steps.kill_step = i;
    }
  }
  steps.kill_when = when[0] == 'b' ? BEFORE : when[0] == 'h' ? HALF : AFTER;
}

__attribute__((constructor)) static void begin(void) {
  const char *root = getenv("STEPS_ROOT");
  const char *log = getenv("STEPS_LOG");
  snprintf(steps.root, sizeof steps.root, "%s", root != NULL ? root : "");
  steps.root_length = strlen(steps.root);
  if (log != NULL) {
    steps.log =
        (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
  const char *most = getenv("STEPS_SHORT");
  steps.write_most = most != NULL ? strtoul(most, NULL, 10) : SIZE_MAX;
  steps.steal = getenv("STEPS_STEAL") != NULL;
  read_kill(getenv("STEPS_KILL"));
}

static _Noreturn void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) {
    pause();
  }
}

/* Counts a step that is about to be taken; dies if it is the one. True: die after it, or within. */
static bool take(enum step step) {
  const unsigned number = atomic_fetch_add(&steps.taken[step], 1) + 1;
  if ((unsigned)step != steps.kill_step || number != steps.kill_number) {
    return false;
  }
  if (steps.kill_when == BEFORE) {
    die();
  }
  return true;
}

/* One record a system call, so that records of this process and lines of the driver never mix. */
__attribute__((format(printf, 3, 4))) static void record(const void *bytes, size_t length,
                                                         const char *format, ...) {
  char line[2 * PATH_MAX];
  va_list arguments;
  va_start(arguments, format);
  const int used = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (steps.log >= 0) {
    struct iovec parts[] = {{line, (size_t)used}, {(void *)(uintptr_t)bytes, length}};
    if (syscall(SYS_writev, steps.log, parts, length > 0 ? 2 : 1) != used + (long)length) {
      abort();
    }
  }
}

/* The path below the state directory of NAME in a folder; false if it lies elsewhere. */
static bool below(int folder, const char *name, char path[PATH_MAX]) {
  char link[40];
  char place[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
  const ssize_t length = readlink(link, place, sizeof place - 1);
  if (length < 0 || steps.root_length == 0) {
    return false;
  }
  place[length] = '\0';
  if (strncmp(place, steps.root, steps.root_length) != 0) {
    return false;
  }
  const char *rest = place + steps.root_length;
  if (*rest != '\0' && *rest != '/') {
    return false;
  }
  rest += *rest == '/';
  return snprintf(path, PATH_MAX, "%s%s%s", rest, *rest && *name ? "/" : "", name) < PATH_MAX;
}

static unsigned long long file_of(int fd) {
  return fd >= 0 && fd < FILES_MAX ? atomic_load(&steps.file_of[fd]) : 0;
}

SEEN int openat64(int folder, const char *name, int flags, ...) {
  mode_t mode = 0;
  char path[PATH_MAX];
  if (flags & O_CREAT) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  /* The lock lies in the state directory itself, and is no file of a bank. */
  const bool ours = (flags & O_CREAT) && below(folder, name, path) && strchr(path, '/') != NULL;
  const bool last = ours && take(STEP_CREATE);
  const int fd = (int)syscall(SYS_openat, folder, name, flags, mode);
  if (ours && fd >= 0 && fd < FILES_MAX) {
    const unsigned long long file =
        (unsigned long long)getpid() * 1000000 + atomic_fetch_add(&steps.files, 1);
    atomic_store(&steps.file_of[fd], file);
    atomic_store(&steps.offset_of[fd], 0);
    record(NULL, 0, "create %llu %s\n", file, path);
  }
  if (last) {
    die();
  }
  return fd;
}

SEEN int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
  const unsigned long long file = file_of(fd);
  const bool last = file != 0 && take(STEP_RESERVE);
  const int result = (int)syscall(SYS_fallocate, fd, mode, offset, length);
  if (file != 0 && result == 0) {
    record(NULL, 0, "reserve %llu %lld\n", file, (long long)length);
  }
  if (last) {
    die();
  }
  return result;
}

SEEN ssize_t write(int fd, const void *bytes, size_t length) {
  const unsigned long long file = file_of(fd);
  if (file == 0) {
    return syscall(SYS_write, fd, bytes, length);
  }
  const bool last = take(STEP_WRITE);
  const size_t most = length < steps.write_most ? length : steps.write_most;
  const size_t wanted = last && steps.kill_when == HALF ? length / 2 : most;
  const ssize_t written = syscall(SYS_write, fd, bytes, wanted);
  if (written > 0) {
    const size_t offset = atomic_fetch_add(&steps.offset_of[fd], (size_t)written);
    record(bytes, (size_t)written, "write %llu %zu %zd\n", file, offset, written);
  }
  if (last) {
    die();
  }
  return written;
}

SEEN int fsync(int fd) {
  const unsigned long long file = file_of(fd);
  char path[PATH_MAX];
  struct stat status;
  const bool folder =
      file == 0 && fstat(fd, &status) == 0 && S_ISDIR(status.st_mode) && below(fd, "", path);
  if (file == 0 && !folder) {
    return (int)syscall(SYS_fsync, fd);
  }
  const enum step step = file != 0         ? STEP_SYNC
                         : path[0] != '\0' ? STEP_SYNC_FOLDER
                                           : STEP_SYNC_STATE;
  const bool last = take(step);
  const int result = (int)syscall(SYS_fsync, fd);
  if (result == 0 && step == STEP_SYNC) {
    record(NULL, 0, "sync %llu\n", file);
  } else if (result == 0 && step == STEP_SYNC_FOLDER) {
    record(NULL, 0, "sync_folder %s\n", path);
  } else if (result == 0) {
    record(NULL, 0, "sync_state\n");
  }
  if (last) {
    die();
  }
  return result;
}

SEEN int close(int fd) {
  const unsigned long long file = file_of(fd);
  if (file == 0) {
    return (int)syscall(SYS_close, fd);
  }
  const bool last = take(STEP_CLOSE);
  atomic_store(&steps.file_of[fd], 0); /* before another thread may get the same number */
  const int result = (int)syscall(SYS_close, fd);
  record(NULL, 0, "close %llu\n", file);
  if (last) {
    die();
  }
  return result;
}

static bool ends_with(const char *text, const char *end) {
  return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

SEEN int renameat(int from_folder, const char *from, int to_folder, const char *to) {
  char old[PATH_MAX];
  char new[PATH_MAX];
  const bool ours = below(from_folder, from, old) && below(to_folder, to, new);
  const bool last = ours && take(ends_with(to, ".broken") ? STEP_SET_ASIDE : STEP_RENAME);
  const int result = (int)syscall(SYS_renameat, from_folder, from, to_folder, to);
  if (ours && result == 0) {
    record(NULL, 0, "rename %s %s\n", old, new);
  }
  if (last) {
    die();
  }
  return result;
}

SEEN int unlinkat(int folder, const char *name, int flags) {
  char path[PATH_MAX];
  const bool ours = below(folder, name, path);
  const bool last = ours && take(STEP_UNLINK);
  const int result = (int)syscall(SYS_unlinkat, folder, name, flags);
  if (ours && result == 0) {
    record(NULL, 0, "unlink %s\n", path);
  }
  if (last) {
    die();
  }
  return result;
}

SEEN int mkdirat(int folder, const char *name, mode_t mode) {
  char path[PATH_MAX];
  const bool ours = below(folder, name, path);
  const bool last = ours && take(STEP_MAKE_FOLDER);
  const int result = (int)syscall(SYS_mkdirat, folder, name, mode);
  if (ours && result == 0) {
    record(NULL, 0, "make_folder %s\n", path);
  }
  if (last) {
    die();
  }
  return result;
}

SEEN int flock(int fd, int operation) {
  char path[PATH_MAX];
  char whole[2 * PATH_MAX];
  if (below(fd, "", path) && atomic_exchange(&steps.steal, false)) {
    snprintf(whole, sizeof whole, "%s/%s", steps.root, path);
    syscall(SYS_unlinkat, AT_FDCWD, whole, 0);
    syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, whole, O_CREAT | O_EXCL | O_RDWR, 0640));
  }
  return (int)syscall(SYS_flock, fd, operation);
}

SEEN void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset) {
  char path[PATH_MAX];
  if (fd >= 0 && below(fd, "", path)) {
    record(NULL, 0, "map %s\n", path);
  }
  return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}
