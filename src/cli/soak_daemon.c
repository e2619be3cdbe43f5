#include "cli/soak_daemon.h"

#include "cli/sending.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_NS 60000000000u
#define NAP_NS  20000000u

static void path_of(const soak_daemon *daemon, const char *name, char path[128]) {
  snprintf(path, 128, "%s/%s", daemon->directory, name);
}

/* Whole or not at all: a reload may come at any time. */
static lcal_status write_file(const soak_daemon *daemon, const char *name, const char *text,
                              lcal_error *error) {
  char path[128];
  char fresh[136];
  path_of(daemon, name, path);
  snprintf(fresh, sizeof fresh, "%s.new", path);
  FILE *file = fopen(fresh, "w");
  int failed = !file || fputs(text, file) == EOF;
  failed |= file && fclose(file) != 0;
  return failed || rename(fresh, path) != 0
             ? lcal_error_set(error, LCAL_SYSTEM, "%s: %s", path, strerror(errno))
             : LCAL_OK;
}

/* Three banks, one of each forgetting; every third camera has a deadline. */
static void put_cameras(FILE *out, uint32_t cameras) {
  static const char *const banks[] = {"default", "recent", "first"};
  for (uint32_t i = 0; i < cameras; i++) {
    fprintf(out, "  soak-%" PRIu32 ": {bank: %s%s}\n", i, banks[i % 3],
            i % 3 == 1 ? ", deadline_ms: 100" : "");
  }
}

lcal_status soak_daemon_configure(const soak_daemon *daemon, unsigned turn, lcal_error *error) {
  char *text = NULL;
  size_t length = 0;
  FILE *out = open_memstream(&text, &length);
  if (!out) {
    return lcal_error_set(error, LCAL_MEMORY, "no memory for a configuration");
  }
  fprintf(out,
          "banks:\n"
          "  default: {adaptation: {rule: %s}}\n"
          "  recent: {adaptation: {forgetting: window, window: 20}}\n"
          "  first: {adaptation: {order: update_first, forgetting: cumulative}}\n"
          "snapshot: {interval_s: 2, keep: 3, keep_hourly: 0, keep_daily: 0}\n"
          "limits: {streams: 512}\n"
          "log: {level: warning}\n"
          "streams:\n"
          "  default: {depth: %u, forget_after_s: 31536000}\n",
          turn % 2 == 0 ? "euclidean" : "kl", 1 + turn % 3);
  put_cameras(out, daemon->cameras);
  fclose(out);
  lcal_status status = write_file(daemon, "labelcald.yaml", text, error);
  free(text);
  return status;
}

lcal_status soak_daemon_step_clock(const soak_daemon *daemon, int seconds, lcal_error *error) {
  char text[32];
  snprintf(text, sizeof text, "%+d\n", seconds);
  return write_file(daemon, "clock", text, error);
}

/* Installed programs lie in one directory, those of a build in neighbouring ones. */
static void find_program(char path[512]) {
  char own[400];
  ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
  own[length > 0 ? length : 0] = '\0';
  char *slash = strrchr(own, '/');
  if (slash) {
    *slash = '\0';
  }
  snprintf(path, 512, "%s/labelcald", own);
  if (access(path, X_OK) != 0) {
    snprintf(path, 512, "%s/../daemon/labelcald", own);
  }
}

/* In the child. A process group of its own: Ctrl-C is for the soak, which ends it in order. */
static void become(const soak_daemon *daemon, const char *program, const char *config,
                   const char *state, int log) {
  char clock[128];
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  setpgid(0, 0);
  dup2(log, STDERR_FILENO);
  if (daemon->clock) {
    path_of(daemon, "clock", clock);
    setenv("LD_PRELOAD", daemon->clock, 1);
    setenv("FAKETIME_TIMESTAMP_FILE", clock, 1);
    setenv("FAKETIME_NO_CACHE", "1", 1);
    setenv("DONT_FAKE_MONOTONIC", "1", 1);
    setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1", 1);
  }
  execl(program, "labelcald", "--config", config, "--runtime-dir", daemon->runtime, "--state-dir",
        state, "--http", "off", (char *)NULL);
  dprintf(STDERR_FILENO, "%s: %s\n", program, strerror(errno));
  _exit(EXIT_FAILURE);
}

static lcal_status make_directory(soak_daemon *daemon, char state[128], lcal_error *error) {
  snprintf(daemon->directory, sizeof daemon->directory, "/tmp/labelcal-soak-XXXXXX");
  if (!mkdtemp(daemon->directory)) {
    daemon->directory[0] = '\0';
    return lcal_error_set(error, LCAL_SYSTEM, "cannot make a directory in /tmp: %s",
                          strerror(errno));
  }
  snprintf(daemon->runtime, sizeof daemon->runtime, "%s/run", daemon->directory);
  path_of(daemon, "state", state);
  if (mkdir(daemon->runtime, 0700) != 0 || mkdir(state, 0700) != 0) {
    return lcal_error_set(error, LCAL_SYSTEM, "%s: %s", daemon->directory, strerror(errno));
  }
  lcal_status status = soak_daemon_configure(daemon, 0, error);
  return status == LCAL_OK ? soak_daemon_step_clock(daemon, 0, error) : status;
}

lcal_status soak_daemon_start(soak_daemon *daemon, const char *program, lcal_error *error) {
  char found[512];
  char state[128];
  char config[128];
  char log_path[128];
  lcal_status status = make_directory(daemon, state, error);
  if (status != LCAL_OK) {
    return status;
  }
  find_program(found);
  path_of(daemon, "labelcald.yaml", config);
  path_of(daemon, "log", log_path);
  int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  pid_t pid = log >= 0 ? fork() : -1;
  if (pid == 0) {
    become(daemon, program ? program : found, config, state, log);
  }
  if (pid < 0) {
    status = lcal_error_set(error, LCAL_SYSTEM, "cannot start labelcald: %s", strerror(errno));
  }
  daemon->pid = pid > 0 ? pid : 0;
  close(log);
  return status;
}

/* Its exit status, once it has ended; -1: it still runs. */
static int ended(soak_daemon *daemon) {
  int how;
  if (daemon->pid == 0 || waitpid(daemon->pid, &how, WNOHANG) != daemon->pid) {
    return daemon->pid == 0 ? EXIT_FAILURE : -1;
  }
  daemon->pid = 0;
  return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
}

int soak_daemon_runs(soak_daemon *daemon) {
  return ended(daemon) < 0;
}

uint64_t soak_daemon_memory(const soak_daemon *daemon) {
  char path[64];
  char text[128] = ""; /* pages: all, resident, ... */
  snprintf(path, sizeof path, "/proc/%d/statm", (int)daemon->pid);
  FILE *file = fopen(path, "r");
  if (!file) {
    return 0;
  }
  const char *second = fgets(text, sizeof text, file) ? strchr(text, ' ') : NULL;
  fclose(file);
  return second ? strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

unsigned soak_daemon_descriptors(const soak_daemon *daemon) {
  char path[64];
  unsigned count = 0;
  snprintf(path, sizeof path, "/proc/%d/fd", (int)daemon->pid);
  DIR *directory = opendir(path);
  while (directory) {
    const struct dirent *entry = readdir(directory);
    if (!entry) {
      closedir(directory);
      break;
    }
    count += entry->d_name[0] != '.';
  }
  return count;
}

lcal_status soak_daemon_stop(soak_daemon *daemon, lcal_error *error) {
  uint64_t began = clock_ns(CLOCK_MONOTONIC);
  int result = ended(daemon);
  if (result >= 0) {
    return lcal_error_set(error, LCAL_SYSTEM,
                          "labelcald ended before it was told to: its log says "
                          "why");
  }
  kill(daemon->pid, SIGTERM);
  while ((result = ended(daemon)) < 0 && clock_ns(CLOCK_MONOTONIC) - began < STOP_NS) {
    nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
  }
  if (result < 0) {
    kill(daemon->pid, SIGKILL);
    waitpid(daemon->pid, NULL, 0);
    daemon->pid = 0;
    return lcal_error_set(error, LCAL_SYSTEM, "labelcald did not stop within a minute");
  }
  return result == 0 ? LCAL_OK
                     : lcal_error_set(error, LCAL_SYSTEM, "labelcald ended with status %d", result);
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *place) {
  (void)status;
  (void)flag;
  (void)place;
  remove(path);
  return 0;
}

void soak_daemon_remove(const soak_daemon *daemon) {
  if (daemon->directory[0] != '\0') {
    nftw(daemon->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  }
}
