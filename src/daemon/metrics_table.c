/* Every metric, once: its name, kind, labels, meaning, and how it is read. */
#include "build_config.h"
#include "daemon/http.h"
#include "daemon/metrics.h"

#include <stddef.h>
#include <sys/resource.h>

/* ---- Values at an offset of what is walked over. */

static uint64_t at(const void *base, size_t offset) {
  return *(const uint64_t *)((const char *)base + offset);
}

static void per_daemon(FILE *out, const struct metric *metric, struct daemon *daemon) {
  metric_head(out, metric, "", NULL);
  metric_u64(out, at(daemon, metric->offset));
}

static void per_stream(FILE *out, const struct metric *metric, struct daemon *daemon) {
  for (size_t i = 0; i < daemon->stream_count; i++) {
    const struct stream *stream = daemon->streams[i];
    metric_head(out, metric, "", "stream", stream->name, NULL);
    metric_u64(out, at(stream, metric->offset));
  }
}

static void per_bank(FILE *out, const struct metric *metric, struct daemon *daemon) {
  for (size_t i = 0; i < daemon->bank_count; i++) {
    const struct bank *bank = &daemon->banks[i];
    metric_head(out, metric, "", "bank", bank->config->name, NULL);
    metric_u64(out, at(bank, metric->offset));
  }
}

/* An array of one counter a socket. */
static void per_socket(FILE *out, const struct metric *metric, struct daemon *daemon) {
  for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
    metric_head(out, metric, "", "socket", endpoint_words[i], NULL);
    metric_u64(out, at(daemon, metric->offset + i * sizeof(uint64_t)));
  }
}

static void connection_faults(FILE *out, const struct metric *metric, struct daemon *daemon) {
  for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
    for (size_t fault = 0; fault < FAULT_COUNT; fault++) {
      metric_head(out, metric, "", "socket", endpoint_words[i], "reason",
                  connection_fault_words[fault], NULL);
      metric_u64(out, daemon->counters.connection_faults[i][fault]);
    }
  }
}

/* An array of one counter a code that may travel in an error. */
static void per_code(FILE *out, const struct metric *metric, struct daemon *daemon) {
  for (size_t code = LCAL_WIRE_FIRST; code <= LCAL_WIRE_LAST; code++) {
    metric_head(out, metric, "", "reason", lcal_status_word((lcal_status)code), NULL);
    metric_u64(out, at(daemon, metric->offset + code * sizeof(uint64_t)));
  }
}

/* ---- Those that take more than an offset. */

static void build_info(FILE *out, const struct metric *metric, struct daemon *daemon) {
  (void)daemon;
  metric_head(out, metric, "", "version", LCAL_VERSION, "tier", lcal_tier(), NULL);
  metric_u64(out, 1);
}

static void uptime(FILE *out, const struct metric *metric, struct daemon *daemon) {
  metric_head(out, metric, "", NULL);
  metric_f64(out, (double)(monotonic_ns() - daemon->started_ns) / 1e9);
}

static void ready(FILE *out, const struct metric *metric, struct daemon *daemon) {
  metric_head(out, metric, "", NULL);
  metric_u64(out, daemon->ready);
}

static void threads(FILE *out, const struct metric *metric, struct daemon *daemon) {
  metric_head(out, metric, "", NULL);
  metric_u64(out, daemon->config->threads);
}

static void dropped(FILE *out, const struct metric *metric, struct daemon *daemon) {
  for (size_t i = 0; i < daemon->stream_count; i++) {
    const struct stream *stream = daemon->streams[i];
    for (size_t reason = 0; reason < DROP_COUNT; reason++) {
      metric_head(out, metric, "", "stream", stream->name, "reason", drop_reason_words[reason],
                  NULL);
      metric_u64(out, stream->counters.dropped[reason]);
    }
  }
}

static void waiting(FILE *out, const struct metric *metric, struct daemon *daemon) {
  for (size_t i = 0; i < daemon->stream_count; i++) {
    metric_head(out, metric, "", "stream", daemon->streams[i]->name, NULL);
    metric_u64(out, daemon->streams[i]->waiting);
  }
}

static void silent(FILE *out, const struct metric *metric, struct daemon *daemon) {
  for (size_t i = 0; i < daemon->stream_count; i++) {
    metric_head(out, metric, "", "stream", daemon->streams[i]->name, NULL);
    metric_u64(out, daemon->streams[i]->silent);
  }
}

/* One histogram of a stream; `stage` may be NULL. */
static void put_histogram(FILE *out, const struct metric *metric, const char *stream,
                          const char *stage, const struct histogram *histogram) {
  const char *label = stage ? "stage" : NULL; /* NULL ends the labels */
  uint64_t count = 0;
  for (size_t bucket = 0; bucket <= HISTOGRAM_BOUNDS; bucket++) {
    char bound[32] = "+Inf";
    if (bucket < HISTOGRAM_BOUNDS) {
      snprintf(bound, sizeof bound, "%g", histogram_bounds_us[bucket] / 1e6);
    }
    count += histogram->buckets[bucket];
    metric_head(out, metric, "_bucket", "stream", stream, "le", bound, label, stage, NULL);
    metric_u64(out, count);
  }
  metric_head(out, metric, "_sum", "stream", stream, label, stage, NULL);
  metric_f64(out, (double)histogram->sum_us / 1e6);
  metric_head(out, metric, "_count", "stream", stream, label, stage, NULL);
  metric_u64(out, count);
}

static void latency(FILE *out, const struct metric *metric, struct daemon *daemon) {
  for (size_t i = 0; i < daemon->stream_count; i++) {
    const struct stream *stream = daemon->streams[i];
    for (size_t stage = 0; stage < STAGE_COUNT; stage++) {
      put_histogram(out, metric, stream->name, latency_stage_words[stage],
                    &stream->latency.stages[stage]);
    }
  }
}

static void publish_gap(FILE *out, const struct metric *metric, struct daemon *daemon) {
  for (size_t i = 0; i < daemon->stream_count; i++) {
    const struct stream *stream = daemon->streams[i];
    put_histogram(out, metric, stream->name, NULL, &stream->latency.gaps);
  }
}

static void guard_trips(FILE *out, const struct metric *metric, struct daemon *daemon) {
  for (size_t i = 0; i < daemon->bank_count; i++) {
    const struct bank *bank = &daemon->banks[i];
    for (int guard = LCAL_GUARD_NONE + 1; guard < LCAL_GUARD_COUNT; guard++) {
      metric_head(out, metric, "", "bank", bank->config->name, "guard",
                  lcal_guard_word((lcal_guard)guard), NULL);
      metric_u64(out, bank->guard_trips[guard]);
    }
  }
}

/* One gauge a domain, by what `read` makes of it. */
static void per_domain(FILE *out, const struct metric *metric, struct daemon *daemon,
                       double (*read)(const lcal_domain *domain)) {
  for (size_t i = 0; i < daemon->bank_count; i++) {
    const struct bank *bank = &daemon->banks[i];
    for (uint32_t j = 0; j < bank->domain_count; j++) {
      metric_head(out, metric, "", "bank", bank->config->name, "domain", bank->domains[j].name,
                  NULL);
      metric_f64(out, read(bank->domains[j].state));
    }
  }
}

static double read_version(const lcal_domain *domain) {
  return (double)lcal_domain_version(domain);
}

static double read_frames(const lcal_domain *domain) {
  return (double)lcal_domain_statistics(domain)->frames;
}

static double read_pixels(const lcal_domain *domain) {
  return (double)lcal_domain_statistics(domain)->pixels;
}

static double read_weight(const lcal_domain *domain) {
  const lcal_statistics *statistics = lcal_domain_statistics(domain);
  double weight = 0;
  for (uint32_t k = 0; k < statistics->classes; k++) {
    weight += statistics->weight[k];
  }
  return weight;
}

static double read_classes_seen(const lcal_domain *domain) {
  const lcal_statistics *statistics = lcal_domain_statistics(domain);
  uint32_t seen = 0;
  for (uint32_t k = 0; k < statistics->classes; k++) {
    seen += statistics->count[k] > 0;
  }
  return seen;
}

static void domain_version(FILE *out, const struct metric *metric, struct daemon *daemon) {
  per_domain(out, metric, daemon, read_version);
}

static void domain_frames(FILE *out, const struct metric *metric, struct daemon *daemon) {
  per_domain(out, metric, daemon, read_frames);
}

static void domain_pixels(FILE *out, const struct metric *metric, struct daemon *daemon) {
  per_domain(out, metric, daemon, read_pixels);
}

static void domain_weight(FILE *out, const struct metric *metric, struct daemon *daemon) {
  per_domain(out, metric, daemon, read_weight);
}

static void domain_classes_seen(FILE *out, const struct metric *metric, struct daemon *daemon) {
  per_domain(out, metric, daemon, read_classes_seen);
}

static void snapshot_created(FILE *out, const struct metric *metric, struct daemon *daemon) {
  for (size_t i = 0; i < daemon->bank_count; i++) {
    metric_head(out, metric, "", "bank", daemon->banks[i].config->name, NULL);
    metric_f64(out, (double)daemon->banks[i].last_created_ns / 1e9);
  }
}

static void connections(FILE *out, const struct metric *metric, struct daemon *daemon) {
  for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
    metric_head(out, metric, "", "socket", endpoint_words[i], NULL);
    metric_u64(out, daemon->sockets ? sockets_connections(daemon, (enum endpoint)i) : 0);
  }
}

static void http_connections(FILE *out, const struct metric *metric, struct daemon *daemon) {
  metric_head(out, metric, "", NULL);
  metric_u64(out, daemon->http ? daemon->http->connections : 0);
}

static void http_connections_refused(FILE *out, const struct metric *metric,
                                     struct daemon *daemon) {
  metric_head(out, metric, "", NULL);
  metric_u64(out, daemon->http ? daemon->http->connections_refused : 0);
}

static void http_connections_unserved(FILE *out, const struct metric *metric,
                                      struct daemon *daemon) {
  metric_head(out, metric, "", NULL);
  metric_u64(out, daemon->http ? daemon->http->connections_unserved : 0);
}

static void http_answers(FILE *out, const struct metric *metric, struct daemon *daemon) {
  static const char *const classes[] = {[2] = "2xx", [4] = "4xx", [5] = "5xx"};
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
    if (classes[i]) {
      metric_head(out, metric, "", "status", classes[i], NULL);
      metric_u64(out, daemon->http ? daemon->http->answers[i] : 0);
    }
  }
}

static void process_start(FILE *out, const struct metric *metric, struct daemon *daemon) {
  metric_head(out, metric, "", NULL);
  metric_f64(out, (double)daemon->epoch / 1e9);
}

static void process_cpu(FILE *out, const struct metric *metric, struct daemon *daemon) {
  (void)daemon;
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  metric_head(out, metric, "", NULL);
  metric_f64(out, (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                      (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

static void process_memory(FILE *out, const struct metric *metric, struct daemon *daemon) {
  (void)daemon;
  size_t bytes = 0;
  uv_resident_set_memory(&bytes);
  metric_head(out, metric, "", NULL);
  metric_u64(out, bytes);
}

#define COUNTER(name, labels, help, ...)                                                           \
  { name, METRIC_COUNTER, labels, help, __VA_ARGS__ }
#define GAUGE(name, labels, help, ...)                                                             \
  { name, METRIC_GAUGE, labels, help, __VA_ARGS__ }
#define HISTOGRAM(name, labels, help, ...)                                                         \
  { name, METRIC_HISTOGRAM, labels, help, __VA_ARGS__ }
#define OF_DAEMON(member) per_daemon, offsetof(struct daemon, member)
#define OF_STREAM(member) per_stream, offsetof(struct stream, counters.member)
#define OF_BANK(member)   per_bank, offsetof(struct bank, member)
#define OF_SOCKET(member) per_socket, offsetof(struct daemon, counters.member)
#define OF_CODE(member)   per_code, offsetof(struct daemon, counters.member)

const struct metric metrics_table[] = {
    GAUGE("build_info", "version, tier", "1; the version, and the kernel tier that runs.",
          build_info, 0),
    GAUGE("uptime_seconds", "", "Since the start.", uptime, 0),
    GAUGE("ready", "", "1 once sockets are open and snapshots are loaded.", ready, 0),
    GAUGE("worker_threads", "", "Threads that label.", threads, 0),
    GAUGE("worker_cpus", "", "CPUs that they are bound to; 0: not bound.",
          OF_DAEMON(realtime.cpus)),
    GAUGE("worker_realtime_priority", "", "Their SCHED_FIFO priority; 0: the ordinary one.",
          OF_DAEMON(realtime.priority)),
    GAUGE("memory_locked", "", "1 while the daemon's memory is kept from being paged out.",
          OF_DAEMON(realtime.memory_locked)),

    COUNTER("frames_received_total", "stream", "Frames read, refused ones too.",
            OF_STREAM(received)),
    COUNTER("frames_labelled_total", "stream", "Frames whose labels were sent.",
            OF_STREAM(labelled)),
    COUNTER("frames_committed_total", "stream", "Frames whose statistics were committed.",
            OF_STREAM(committed)),
    COUNTER("frames_dropped_total", "stream, reason",
            "Frames dropped unlabelled: depth, deadline, overload, shutdown.", dropped, 0),
    COUNTER("frames_lost_total", "stream", "Frames that never came (gaps of seq).",
            OF_STREAM(lost)),
    COUNTER("frames_duplicate_total", "stream", "Frames with the seq of the one before.",
            OF_STREAM(duplicates)),
    COUNTER("sender_restarts_total", "stream", "Times the sender's seq began anew.",
            OF_STREAM(restarts)),
    COUNTER("stream_frames_refused_total", "stream",
            "Frames of this stream refused, by either socket.", OF_STREAM(refused)),
    COUNTER("frames_refused_total", "reason", "Frames on `frames` refused, by error code.",
            OF_CODE(refused)),
    COUNTER("calibrate_refused_total", "reason", "Requests on `calibrate` refused, by error code.",
            OF_CODE(calibrate_refused)),
    COUNTER("pixels_total", "stream", "Pixels of label maps sent.", OF_STREAM(pixels)),
    COUNTER("pixels_void_total", "stream", "Of these, void.", OF_STREAM(voids)),
    COUNTER("pixels_changed_total", "stream",
            "Of these, with a calibrated label other than the argmax.", OF_STREAM(changed)),
    COUNTER("pixels_certified_total", "stream",
            "Input pixels whose argmax was certified without scores.", OF_STREAM(certified)),
    GAUGE("frames_waiting", "stream", "Frames in the stream's mailbox.", waiting, 0),
    GAUGE("stream_silent", "stream", "1 while no frame came for silent_after_s.", silent, 0),
    HISTOGRAM("frame_latency_seconds", "stream, stage, le",
              "Of labelled frames, by stage: received_started (waiting), compute, "
              "started_published, total.",
              latency, 0),
    HISTOGRAM("publish_gap_seconds", "stream, le",
              "Between one publication of the stream's labels and the next.", publish_gap, 0),
    GAUGE("queued_bytes", "", "Bytes of frames that wait, all streams.", OF_DAEMON(queued_bytes)),
    COUNTER("overloads_total", "", "Frames dropped because queued_bytes reached its limit.",
            OF_DAEMON(counters.overloads)),

    COUNTER("guard_trips_total", "bank, guard", "Frames on which a guard tripped.", guard_trips, 0),
    GAUGE("domain_version", "bank, domain", "Version of the domain's statistics.", domain_version,
          0),
    GAUGE("domain_frames", "bank, domain", "Frames committed since the domain's last reset.",
          domain_frames, 0),
    GAUGE("domain_pixels", "bank, domain", "Valid pixels committed since its last reset.",
          domain_pixels, 0),
    GAUGE("domain_weight", "bank, domain",
          "Confidence that the domain's prototypes rest on: the sum of w over classes.",
          domain_weight, 0),
    GAUGE("domain_classes_seen", "bank, domain", "Classes with at least one committed pixel.",
          domain_classes_seen, 0),

    GAUGE("snapshot_generation", "bank", "The last durable generation; 0 before the first.",
          OF_BANK(last_generation)),
    GAUGE("snapshot_created_timestamp_seconds", "bank",
          "When the last durable generation was made, since 1970; 0 before the first.",
          snapshot_created, 0),
    GAUGE("snapshot_bytes", "bank", "Bytes of the last durable generation.", OF_BANK(last_bytes)),
    COUNTER("snapshot_failures_total", "bank", "Generations that could not be made durable.",
            OF_BANK(snapshot_failures)),

    COUNTER("commands_total", "", "Control requests.", OF_DAEMON(counters.commands)),
    COUNTER("command_errors_total", "", "Control requests answered by an error.",
            OF_DAEMON(counters.command_errors)),
    COUNTER("events_total", "", "Events raised.", OF_DAEMON(counters.events)),
    GAUGE("connections", "socket", "Open connections.", connections, 0),
    COUNTER("connections_refused_total", "socket",
            "Connections closed at limits.connections, or with the last descriptors.",
            OF_SOCKET(connections_refused)),
    COUNTER("connections_closed_total", "socket, reason",
            "Connections closed for what came by them: aborted, greeting, silent, too_large, "
            "malformed, stalled, overload, untaken; or memory.",
            connection_faults, 0),
    GAUGE("arriving_bytes", "", "Memory of messages that have begun to arrive, all sockets.",
          OF_DAEMON(arrivals.bytes)),
    COUNTER("listener_restarts_total", "socket",
            "Listeners that had stopped accepting and were opened again.",
            OF_SOCKET(listener_restarts)),
    GAUGE("http_connections", "", "Open HTTP connections.", http_connections, 0),
    COUNTER("http_connections_refused_total", "",
            "HTTP connections closed at limits.connections, or with the last descriptors.",
            http_connections_refused, 0),
    COUNTER("http_connections_unserved_total", "",
            "HTTP connections that ended before an answer was sent whole: too slow, rubbish, gone.",
            http_connections_unserved, 0),
    COUNTER("http_answers_total", "status", "HTTP answers.", http_answers, 0),

    GAUGE("process_start_time_seconds", "", "When the process started, since 1970.", process_start,
          0),
    COUNTER("process_cpu_seconds_total", "", "User and system CPU time.", process_cpu, 0),
    GAUGE("process_resident_memory_bytes", "", "Resident memory.", process_memory, 0),
};

const size_t metrics_count = sizeof metrics_table / sizeof *metrics_table;
