#include "daemon/config_table.h"
#include "daemon/text.h"

#include <stdlib.h>
#include <string.h>

#define IN_CONFIG(member) .owner = OWNER_CONFIG, .offset = offsetof(struct config, member)
#define IN_BANK(member)   .owner = OWNER_BANK, .offset = offsetof(struct config_bank, member)
#define IN_STREAM(member) .owner = OWNER_STREAM, .offset = offsetof(struct config_stream, member)
#define RANGE(low, high)  .min = (low), .max = (high)
#define WORDS(list)       .words = (list), .word_count = sizeof(list) / sizeof *(list)

#define YEAR_S 31536000.0
#define TERA   (1024.0 * 1024.0 * 1024.0 * 1024.0)

const char *const stream_mode_words[MODE_COUNT] = {"adapt", "freeze", "shadow", "bypass"};
const char *const endpoint_words[ENDPOINT_COUNT] = {"frames", "calibrate", "labels", "state",
                                                    "control"};
static const char *const log_words[LOG_LEVEL_COUNT] = {"debug", "info", "warning", "error"};
static const char *const false_true[] = {"false", "true"};
static const char *const start_words[] = {"newest", "empty"};
static const char *const order_words[] = {"predict_first", "update_first"};
static const char *const forgetting_words[] = {"cumulative", "ema", "window"};
static const char *const unit_words[] = {"frames", "seconds"};
static const char *const want_words[] = {"argmax", "confidence", "calibrated"};

const struct config_key config_keys[] = {
    {"model", .doc = "The network whose frames this daemon labels."},
    {"model.name", &type_text, "default", IN_CONFIG(model),
     .doc = "In snapshots: statistics of another model are refused."},
    {"model.classes", &type_classes, "cityscapes19", IN_CONFIG(classes),
     .doc = "Names of the classes in the network's order; a count stands for class_0, class_1 ..."},

    {"listen", .doc = "Where the daemon listens. A list of several URLs is fine, an empty one is "
                      "off. ipc paths lie below the runtime directory."},
    {"listen.frames", &type_urls, "[\"ipc://${RUNTIME_DIRECTORY}/frames\"]",
     IN_CONFIG(listen[ENDPOINT_FRAMES]), .doc = "PULL: frames in."},
    {"listen.calibrate", &type_urls, "[\"ipc://${RUNTIME_DIRECTORY}/calibrate\"]",
     IN_CONFIG(listen[ENDPOINT_CALIBRATE]), .doc = "REP: a frame in, its labels out."},
    {"listen.labels", &type_urls, "[\"ipc://${RUNTIME_DIRECTORY}/labels\"]",
     IN_CONFIG(listen[ENDPOINT_LABELS]), .doc = "PUB: labels out."},
    {"listen.state", &type_urls, "[\"ipc://${RUNTIME_DIRECTORY}/state\"]",
     IN_CONFIG(listen[ENDPOINT_STATE]), .doc = "PUB: events and status out."},
    {"listen.control", &type_urls, "[\"ipc://${RUNTIME_DIRECTORY}/control\"]",
     IN_CONFIG(listen[ENDPOINT_CONTROL]), .doc = "REP: commands in, results out."},
    {"listen.ring", &type_path, "\"${RUNTIME_DIRECTORY}/ring\"", IN_CONFIG(ring), .absent = "off",
     .need = NEED_LATER, .doc = "Unix socket of the cameras' shared-memory rings."},
    {"listen.labels_ring", &type_path, "\"${RUNTIME_DIRECTORY}/labels_ring\"",
     IN_CONFIG(labels_ring), .absent = "off", .need = NEED_LATER,
     .doc = "Unix socket of the subscribers' shared-memory rings."},
    {"listen.http", &type_http, "http://127.0.0.1:9477", IN_CONFIG(http), .absent = "off",
     .need = NEED_HTTP, .doc = "Metrics, health, status page and API."},
    {"listen.mode", &type_mode, "\"0660\"", IN_CONFIG(socket_mode),
     .doc = "Permissions of the socket files."},
    {"listen.allow_remote", &type_flag, "false", IN_CONFIG(allow_remote), WORDS(false_true),
     .doc = "true: tcp and http may listen on other than loopback addresses. There is no "
            "authentication: only in a network that you trust."},

    {"subscribe", &type_urls, "[]", IN_CONFIG(subscribe),
     .doc = "URLs of cameras that publish frames (PUB); dialled, and redialled when lost."},

    {"http", .doc = "What HTTP may do."},
    {"http.control", &type_flag, "false", IN_CONFIG(http_control), WORDS(false_true),
     .doc = "POST /api/command and the page's buttons."},

    {"banks", .doc = "A bank holds statistics that belong together; several cameras may share one. "
                     "What a named bank does not say comes from `default`."},
    {"banks.*", .owner = OWNER_BANK},
    {"banks.*.adaptation", .owner = OWNER_BANK, .doc = "How the bank learns and labels."},
    {"banks.*.adaptation.rule", &type_rule, "euclidean", IN_BANK(adaptation.rule), .reload = true,
     .doc = "The decision rule."},
    {"banks.*.adaptation.reference", &type_path, "null", IN_BANK(reference), .absent = "null",
     .reload = true, .need = NEED_LATER,
     .doc = "For the rule em_aligned a statistics file, for affine the rule's file."},
    {"banks.*.adaptation.fixed", &type_class_set, "[]", IN_BANK(fixed), .reload = true,
     .need = NEED_LATER,
     .doc = "For em_aligned: classes whose place the reference knows (road, building, sky ...)."},
    {"banks.*.adaptation.protect", &type_class_set, "[]", IN_BANK(protect), .reload = true,
     .doc = "Classes whose argmax is never changed: nothing takes a pedestrian away."},
    {"banks.*.adaptation.order", &type_words, "predict_first", IN_BANK(adaptation.order),
     WORDS(order_words), .doc = "Whether a frame is labelled before or after it is learnt from."},
    {"banks.*.adaptation.forgetting", &type_words, "ema", IN_BANK(adaptation.forgetting),
     WORDS(forgetting_words),
     .doc = "Keep everything, halve it every half_life, or keep the last `window` frames."},
    {"banks.*.adaptation.half_life", &type_real, "3000", IN_BANK(adaptation.half_life),
     RANGE(0.001, 1e12), .reload = true, .doc = "With ema, in `unit`."},
    {"banks.*.adaptation.unit", &type_words, "frames", IN_BANK(adaptation.unit), WORDS(unit_words),
     .doc = "Of half_life."},
    {"banks.*.adaptation.window", &type_u32, "500", IN_BANK(adaptation.window), RANGE(1, 1000000),
     .unit = "frames", .doc = "With window. A domain's window takes at most limits.window_bytes."},
    {"banks.*.adaptation.min_weight", &type_real, "1.0e-9", IN_BANK(adaptation.min_weight),
     RANGE(0, 1e15), .reload = true, .doc = "Prototypes are one-hot up to this weight."},
    {"banks.*.adaptation.warmup_frames", &type_u64, "0", IN_BANK(adaptation.warmup_frames),
     RANGE(0, 1e9), .unit = "frames", .reload = true,
     .doc = "Learnt from before the first label is calibrated."},
    {"banks.*.adaptation.sum_tolerance", &type_real, "0.01", IN_BANK(adaptation.sum_tolerance),
     RANGE(0, 1), .reload = true,
     .doc = "How far from 1 a pixel's probabilities may sum; beyond it the pixel is void."},
    {"banks.*.guards", .owner = OWNER_BANK,
     .doc = "Limits beyond which a frame is not trusted; null is off."},
    {"banks.*.guards.max_void", &type_real, "0.5", IN_BANK(guards.max_void), RANGE(0, 1),
     .absent = "null", .reload = true,
     .doc = "Share of void pixels beyond which a frame is not learnt from."},
    {"banks.*.guards.min_confidence", &type_real, "null", IN_BANK(guards.min_confidence),
     RANGE(0, 1), .absent = "null", .reload = true,
     .doc = "Mean confidence below which a frame is not learnt from."},
    {"banks.*.guards.max_changed", &type_real, "0.5", IN_BANK(guards.max_changed), RANGE(0, 1),
     .absent = "null", .reload = true,
     .doc = "Share of relabelled pixels beyond which a frame keeps its argmax."},
    {"banks.*.domains", &type_u32, "8", IN_BANK(domains), RANGE(1, 4096),
     .doc = "How many domains the bank may have, `default` among them."},

    {"streams", .doc = "Cameras by name. What a named stream does not say comes from `default`, "
                       "which is also the pattern for those not named."},
    {"streams.*", .owner = OWNER_STREAM},
    {"streams.*.bank", &type_name, "default", IN_STREAM(bank), .doc = "Its bank."},
    {"streams.*.domain", &type_name, "default", IN_STREAM(domain),
     .doc = "Its domain in the bank."},
    {"streams.*.mode", &type_words, "adapt", IN_STREAM(mode), WORDS(stream_mode_words),
     .doc = "What is done with its frames, when first seen."},
    {"streams.*.depth", &type_u32, "1", IN_STREAM(depth), RANGE(1, 1024), .unit = "frames",
     .reload = true, .doc = "How many may wait; the newest are kept."},
    {"streams.*.deadline_ms", &type_milliseconds, "null", IN_STREAM(deadline_ns), RANGE(1, 3600000),
     .unit = "milliseconds", .absent = "null", .reload = true,
     .doc = "From arrival; a frame not started by then is dropped."},
    {"streams.*.want", &type_want, "[]", IN_STREAM(want), WORDS(want_words), .reload = true,
     .doc = "Maps that are published besides the labels."},
    {"streams.*.mask", &type_path, "null", IN_STREAM(mask), .absent = "null", .need = NEED_PNG,
     .doc = "PNG of the tensor's size: what is black (bonnet, border) is not learnt from."},
    {"streams.*.silent_after_s", &type_u32, "5", IN_STREAM(silent_after_s), RANGE(1, YEAR_S),
     .unit = "seconds", .reload = true, .doc = "Without a frame: event stream_silent."},
    {"streams.*.forget_after_s", &type_u32, "3600", IN_STREAM(forget_after_s), RANGE(1, YEAR_S),
     .unit = "seconds", .reload = true,
     .doc = "A silent stream that is not named here is forgotten."},
    {"streams.accept_unnamed", &type_flag, "true", IN_CONFIG(accept_unnamed), WORDS(false_true),
     .reload = true, .doc = "false: frames of streams that are not named here are refused."},

    {"snapshot", .doc = "Statistics on disk, in the state directory."},
    {"snapshot.interval_s", &type_u32, "60", IN_CONFIG(snapshot.interval_s), RANGE(1, YEAR_S),
     .unit = "seconds", .reload = true, .doc = "Between two, and only if something changed."},
    {"snapshot.keep", &type_u32, "10", IN_CONFIG(snapshot.keep), RANGE(1, 100000), .reload = true,
     .doc = "Newest generations that are kept."},
    {"snapshot.keep_hourly", &type_u32, "24", IN_CONFIG(snapshot.keep_hourly), RANGE(0, 100000),
     .reload = true,
     .doc = "and the newest of each of the last so many hours (UTC) that have one,"},
    {"snapshot.keep_daily", &type_u32, "7", IN_CONFIG(snapshot.keep_daily), RANGE(0, 100000),
     .reload = true, .doc = "Likewise of days."},
    {"snapshot.start", &type_flag, "newest", IN_CONFIG(snapshot.start_empty), WORDS(start_words),
     .doc = "What the daemon starts with: the newest valid generation, or nothing."},

    {"limits", .doc = "What bounds memory; requests beyond them are refused."},
    {"limits.streams", &type_u32, "64", IN_CONFIG(limits.streams), RANGE(1, 4096),
     .doc = "Streams at once."},
    {"limits.connections", &type_u32, "256", IN_CONFIG(limits.connections), RANGE(1, 65536),
     .doc = "Of each socket."},
    {"limits.message_bytes", &type_u64, "268435456", IN_CONFIG(limits.message_bytes),
     RANGE(1024, 4294967296.0), .unit = "bytes", .doc = "Of one message."},
    {"limits.pixels", &type_u64, "33554432", IN_CONFIG(limits.pixels), RANGE(1, 4294967296.0),
     .unit = "pixels", .doc = "Of a frame's labels."},
    {"limits.rings", &type_u32, "16", IN_CONFIG(limits.rings), RANGE(0, 4096),
     .doc = "Shared-memory rings of cameras and subscribers."},
    {"limits.ring_bytes", &type_u64, "4294967296", IN_CONFIG(limits.ring_bytes), RANGE(0, TERA),
     .unit = "bytes", .doc = "Mapped, all rings together."},
    {"limits.calibrate_queue", &type_u32, "16", IN_CONFIG(limits.calibrate_queue), RANGE(1, 4096),
     .doc = "Requests on `calibrate` that may wait; beyond them: busy."},
    {"limits.queued_bytes", &type_u64, "1073741824", IN_CONFIG(limits.queued_bytes), RANGE(1, TERA),
     .unit = "bytes",
     .doc = "Frames waiting, all streams; beyond it the oldest waiting one is dropped (overload). "
            "As much again of messages still arriving (at least one message): beyond it the "
            "connection whose message began first is closed. And of answers that are not taken."},
    {"limits.window_bytes", &type_u64, "268435456", IN_CONFIG(limits.window_bytes), RANGE(1, TERA),
     .unit = "bytes", .doc = "Of a domain's window."},

    {"workers", .doc = "The threads that label."},
    {"workers.threads", &type_u32, "0", IN_CONFIG(threads_wanted), RANGE(0, 1024),
     .doc = "0: one for each CPU of `cpus`, or else of the affinity mask."},
    {"workers.cpus", &type_cpus, "null", IN_CONFIG(cpus), RANGE(0, 4095), .absent = "null",
     .doc =
         "CPUs they are bound to; those that labelcald may not use are left out, with a warning."},
    {"workers.realtime", &type_u32, "null", IN_CONFIG(realtime), RANGE(1, 99), .absent = "null",
     .doc = "SCHED_FIFO priority; the thread that receives and publishes gets one more. A warning "
            "where that is not permitted."},
    {"workers.lock_memory", &type_flag, "false", IN_CONFIG(lock_memory), WORDS(false_true),
     .doc = "Keep the daemon's memory from being paged out, and page it in when it is taken. A "
            "warning where that is not permitted."},

    {"log", .doc = "Lines on stderr."},
    {"log.level", &type_words, "info", IN_CONFIG(log_level), WORDS(log_words), .reload = true,
     .doc = "The least that is logged."},
};
const size_t config_key_count = sizeof config_keys / sizeof *config_keys;

const char *config_key_leaf(const struct config_key *key) {
  const char *dot = strrchr(key->path, '.');
  return dot ? dot + 1 : key->path;
}

unsigned config_key_depth(const struct config_key *key) {
  unsigned depth = 0;
  for (const char *c = key->path; *c; c++) {
    depth += *c == '.';
  }
  return depth;
}

size_t config_section_end(size_t section) {
  size_t length = strlen(config_keys[section].path);
  size_t row = section + 1;
  while (row < config_key_count &&
         strncmp(config_keys[row].path, config_keys[section].path, length) == 0 &&
         config_keys[row].path[length] == '.') {
    row++;
  }
  return row;
}

size_t config_key_below(size_t section, const char *name) {
  bool top = section == SIZE_MAX;
  size_t first = top ? 0 : section + 1;
  size_t end = top ? config_key_count : config_section_end(section);
  unsigned depth = top ? 0 : config_key_depth(&config_keys[section]) + 1;
  size_t any = SIZE_MAX;
  for (size_t row = first; row < end; row++) {
    if (config_key_depth(&config_keys[row]) == depth) {
      const char *leaf = config_key_leaf(&config_keys[row]);
      if (strcmp(leaf, name) == 0) {
        return row;
      }
      if (strcmp(leaf, "*") == 0) {
        any = row;
      }
    }
  }
  return any;
}

const struct config_key *config_key_find(const char *path) {
  const struct config_key *key = config_keys;
  while (strcmp(key->path, path) != 0) {
    key++;
  }
  return key;
}

char *config_key_name(const struct config_key *key, const char *instance) {
  const char *star = strchr(key->path, '*');
  char *name = NULL;
  if (!star || !instance) {
    return strdup(key->path);
  }
  if (asprintf(&name, "%.*s%s%s", (int)(star - key->path), key->path, instance, star + 1) < 0) {
    return NULL;
  }
  return name;
}

static void describe_words(const struct config_key *key, FILE *out) {
  if (key->words == false_true) {
    fputs("true or false", out);
    return;
  }
  for (size_t i = 0; i < key->word_count; i++) {
    const char *separator = i == 0 ? "" : i + 1 == key->word_count ? " or " : ", ";
    fprintf(out, "%s%s", separator, key->words[i]);
  }
}

void config_key_describe(const struct config_key *key, FILE *out) {
  bool list = key->type == &type_want;
  if (!key->words || list) {
    fputs(key->type->noun, out);
  }
  if (key->words) {
    fputs(list ? " " : "", out);
    describe_words(key, out);
  }
  if (key->type == &type_rule) {
    for (size_t i = 0; i < lcal_rule_count(); i++) {
      fprintf(out, "%s%s", i == 0 ? ": " : ", ", lcal_rule_at(i)->name);
    }
  }
  if (key->unit) {
    fprintf(out, " of %s", key->unit);
  }
  if (key->max > key->min) {
    fprintf(out, " from %.15g to %.15g", key->min, key->max);
  }
  if (key->absent) {
    fprintf(out, ", or %s", key->absent);
  }
}

const void *config_field(const struct config_key *key, const void *owner) {
  return (const char *)owner + key->offset;
}

char *config_value_text(const struct config *config, const struct config_key *key,
                        const void *field) {
  struct text text;
  FILE *stream = text_open(&text);
  if (stream) {
    key->type->print(config, key, field, stream);
  }
  return text_close(&text, stream, NULL);
}
