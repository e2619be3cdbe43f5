#include "wire/commands.h"

#include <stddef.h>
#include <string.h>

static const char *const load_modes[] = {"replace", "add", NULL};

/* The arguments, each said once; a second parameter makes one optional. */
#define AT(member) .offset = offsetof(lcal__arguments, member)
#define BANK(...)                                                                                  \
  { "bank", LCAL__NAME, AT(bank), .doc = "a bank of the configuration", __VA_ARGS__ }
#define DOMAIN(...)                                                                                \
  { "domain", LCAL__NAME, AT(domain), .doc = "a domain of the bank", __VA_ARGS__ }
#define STREAM(...)                                                                                \
  { "stream", LCAL__NAME, AT(stream), .doc = "a stream, configured or seen", __VA_ARGS__ }
#define OPTIONAL .optional = true

static const lcal__field prototypes_fields[] = {BANK(), DOMAIN(OPTIONAL)};

static const lcal__field load_statistics_fields[] = {
    BANK(),
    DOMAIN(),
    {"sum", LCAL__BIN, AT(sum), .doc = "S: f64, C x C, finite and >= 0"},
    {"weight", LCAL__BIN, AT(weight), .doc = "w: f64, C, finite and >= 0"},
    {"count", LCAL__BIN, AT(count), .doc = "n: u64, C"},
    {"frames", LCAL__UINT, AT(frames), .doc = "how many frames they were gathered from"},
    {"extra", LCAL__BINS, true, AT(extra), .doc = "a rule's own statistics, by name"},
    {"mode", LCAL__WORD, AT(mode), .words = load_modes, .doc = "`replace` or `add`"},
};

static const lcal__field domain_fields[] = {STREAM(), DOMAIN()};
static const lcal__field domain_delete_fields[] = {BANK(), DOMAIN()};
static const lcal__field stream_fields[] = {STREAM(OPTIONAL)};

static const lcal__field reset_fields[] = {
    BANK(),
    DOMAIN(OPTIONAL),
    {"class", LCAL__CLASS, true, AT(class_key), .doc = "one class alone: its index or name"},
};

static const lcal__field snapshot_fields[] = {BANK(OPTIONAL)};
static const lcal__field generations_fields[] = {BANK()};

static const lcal__field rollback_fields[] = {
    BANK(),
    {"generation", LCAL__UINT, AT(generation), .doc = "the number of a snapshot"},
};

static const lcal__field set_rule_fields[] = {
    BANK(),
    {"rule", LCAL__NAME, AT(rule), .doc = "the name of a rule"},
};

#define ARGUMENTS(name)                                                                            \
  static const lcal__table name##_arguments = LCAL__TABLE(#name, "args.", name##_fields)
ARGUMENTS(prototypes);
ARGUMENTS(load_statistics);
ARGUMENTS(domain);
ARGUMENTS(domain_delete);
ARGUMENTS(stream);
ARGUMENTS(reset);
ARGUMENTS(snapshot);
ARGUMENTS(generations);
ARGUMENTS(rollback);
ARGUMENTS(set_rule);
static const lcal__table none_arguments = {"none", "args.", NULL, 0};

const lcal__command lcal__commands[LCAL__COMMAND_COUNT] = {
    [LCAL__COMMAND_STATUS] = {"status", false, &none_arguments,
                              "build, epoch, uptime_s, model, classes, tier, threads, banks "
                              "[{name, rule, domains [{name, version, frames, pixels}]}], streams "
                              "(as below), snapshots [{bank, generation, created_ns}]",
                              "the daemon as a whole"},
    [LCAL__COMMAND_STREAMS] = {"streams", false, &none_arguments,
                               "streams [{name, bank, domain, mode, state, received, labelled, "
                               "dropped, lost, refused, duplicates, latency_us {p50, p99, max}, "
                               "dropped_by {reason: count}, stages_us {stage: {count, p50, p99, "
                               "p999, max}}, gap_us {count, p50, p99, p999, max}}]",
                               "every stream, its counters and its times"},
    [LCAL__COMMAND_PROTOTYPES] =
        {"prototypes", false, &prototypes_arguments,
         "classes, frames, pixels, version, sum (f64 bin C x C), weight (f64 bin C), count (u64 "
         "bin C), extra {name: bin}, prototypes (f32 bin C x C), thresholds (f32 bin C, for tau = "
         "sum_tolerance)",
         "a domain's statistics and what follows from them; frames and pixels (valid ones) are "
         "totals since its last reset"},
    [LCAL__COMMAND_LOAD_STATISTICS] =
        {"load_statistics", true, &load_statistics_arguments, "version",
         "puts or adds statistics; creates the domain; pixels become, or grow by, the sum of "
         "count; in a window they are one set, the oldest, or added to the oldest if it is full"},
    [LCAL__COMMAND_DOMAIN] = {"domain", true, &domain_arguments, "previous",
                              "the stream's domain from now on; creates it"},
    [LCAL__COMMAND_DOMAIN_DELETE] = {"domain_delete", true, &domain_delete_arguments, "version",
                                     "forgets a domain; its version goes on above this one if it "
                                     "comes again; `default` stays (bad_field)"},
    [LCAL__COMMAND_FREEZE] = {"freeze", true, &stream_arguments, "streams {name: state}",
                              "the stream commits nothing"},
    [LCAL__COMMAND_RESUME] = {"resume", true, &stream_arguments, "streams {name: state}",
                              "back to the mode adapt"},
    [LCAL__COMMAND_SHADOW] =
        {"shadow", true, &stream_arguments, "streams {name: state}",
         "the stream publishes the argmax, and the calibrated map beside it if wanted"},
    [LCAL__COMMAND_BYPASS] = {"bypass", true, &stream_arguments, "streams {name: state}",
                              "the stream publishes the argmax and commits nothing"},
    [LCAL__COMMAND_RESET] = {"reset", true, &reset_arguments, "version {domain: version}",
                             "forgets statistics: of all domains or one, of all classes or one"},
    [LCAL__COMMAND_SNAPSHOT] =
        {"snapshot", true, &snapshot_arguments, "snapshots [{bank, generation, bytes}]",
         "writes a generation, changed or not, and answers once it is durable"},
    [LCAL__COMMAND_GENERATIONS] = {"generations", false, &generations_arguments,
                                   "generations [{generation, created_ns, frames, bytes, valid}]",
                                   "the bank's snapshots on disk"},
    [LCAL__COMMAND_ROLLBACK] = {"rollback", true, &rollback_arguments, "version {domain: version}",
                                "back to a generation; domains that it lacks become empty"},
    [LCAL__COMMAND_RELOAD] =
        {"reload", true, &none_arguments, "changed [key], restart [key]",
         "reads the configuration again; `restart`: keys that changed but need a restart"},
    [LCAL__COMMAND_SET_RULE] = {"set_rule", true, &set_rule_arguments, "previous",
                                "the bank's rule until a reload changes that key"},
};

const lcal__command *lcal__command_find(const char *word) {
  for (size_t i = 0; i < LCAL__COMMAND_COUNT; i++) {
    if (strcmp(lcal__commands[i].word, word) == 0) {
      return &lcal__commands[i];
    }
  }
  return NULL;
}

lcal_status lcal__arguments_read(const lcal__command *command, const msgpack_object *args,
                                 lcal__arguments *arguments, lcal_error *error) {
  static const msgpack_object empty = {.type = MSGPACK_OBJECT_MAP};
  *arguments = (lcal__arguments){0};
  return lcal__fields_read(command->arguments, args ? args : &empty, arguments, error);
}
