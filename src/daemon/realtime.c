#include "daemon/realtime.h"

#include "daemon/log.h"
#include "daemon/workers.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SEE "see docs/operations.md, \"In real time\""

static void allowed_cpus(cpu_set_t *cpus) {
  if (sched_getaffinity(0, sizeof *cpus, cpus) != 0 || CPU_COUNT(cpus) < 1) {
    CPU_ZERO(cpus); /* more CPUs than the set can say: one, then */
    CPU_SET(0, cpus);
  }
}

uint32_t realtime_cpus(const struct config *config, cpu_set_t *cpus) {
  cpu_set_t allowed;
  allowed_cpus(&allowed);
  CPU_ZERO(cpus);
  for (size_t i = 0; i < config->cpus.count; i++) {
    const size_t cpu = strtoul(config->cpus.items[i], NULL, 10);
    if (CPU_ISSET(cpu, &allowed)) {
      CPU_SET(cpu, cpus);
    }
  }
  if (CPU_COUNT(cpus) == 0) {
    *cpus = allowed;
  }
  return (uint32_t)CPU_COUNT(cpus);
}

static bool may_lock_everything(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
  return syscall(SYS_capget, &header, data) == 0 &&
         (data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective & CAP_TO_MASK(CAP_IPC_LOCK)) != 0;
}

/* With a finite limit, memory that comes later would be refused where it could have been had. */
void realtime_lock_memory(struct realtime *granted, const struct config *config) {
  struct rlimit limit;
  if (!config->lock_memory) {
    return;
  }
  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_MEMLOCK, &limit);
  }
  if (!may_lock_everything() &&
      (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY)) {
    log_message(LOG_WARNING,
                "workers.lock_memory: no memory is locked, as at most %" PRIu64
                " bytes may be: set "
                "LimitMEMLOCK=infinity; " SEE,
                (uint64_t)limit.rlim_cur);
  } else if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
    log_message(LOG_WARNING, "workers.lock_memory: no memory is locked: %s; " SEE, strerror(errno));
  } else {
    granted->memory_locked = 1;
  }
}

static void warn_of_cpus(const struct config *config, const cpu_set_t *cpus) {
  for (size_t i = 0; i < config->cpus.count; i++) {
    if (!CPU_ISSET(strtoul(config->cpus.items[i], NULL, 10), cpus)) {
      log_message(LOG_WARNING,
                  "workers.cpus: the workers do without CPU %s, which labelcald may not use: "
                  "correct it, or CPUAffinity=; " SEE,
                  config->cpus.items[i]);
    }
  }
}

static void bind_workers(struct realtime *granted, const struct config *config,
                         struct workers *workers) {
  cpu_set_t cpus;
  if (config->cpus.count == 0) {
    return;
  }
  const uint32_t count = realtime_cpus(config, &cpus);
  warn_of_cpus(config, &cpus);
  const int fault = workers_bind(workers, &cpus);
  if (fault != 0) {
    log_message(LOG_WARNING, "workers.cpus: the workers are not bound: %s; " SEE, strerror(fault));
  } else {
    granted->cpus = count;
  }
}

static void raise_priorities(struct realtime *granted, const struct config *config,
                             struct workers *workers) {
  const int most = sched_get_priority_max(SCHED_FIFO);
  const int priority = (int)config->realtime;
  if (priority == 0) {
    return;
  }
  const struct sched_param own = {.sched_priority = priority < most ? priority + 1 : priority};
  int fault = workers_set_priority(workers, priority);
  if (fault == 0 && sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &own) != 0) {
    fault = errno;
    workers_set_priority(workers, 0); /* above the loop they would keep it from its work */
  }
  if (fault != 0) {
    log_message(LOG_WARNING,
                "workers.realtime: the workers have the ordinary priority, as SCHED_FIFO %d is "
                "refused: %s: set LimitRTPRIO=%d and RestrictRealtime=no; " SEE,
                own.sched_priority, strerror(fault), own.sched_priority);
  } else {
    granted->priority = config->realtime;
  }
}

void realtime_place(struct realtime *granted, const struct config *config,
                    struct workers *workers) {
  bind_workers(granted, config, workers);
  raise_priorities(granted, config, workers);
}

void realtime_mutex_init(pthread_mutex_t *mutex) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  pthread_mutex_init(mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
}
