/* What changes a bank between two frames: durable changes, versions, rules, reloads. */
#include "daemon_case.h"

#include "folder.h"

#include "daemon/lifecycle.h"
#include "daemon/snapshots.h"
#include "daemon/streams.h"
#include "store/directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CONNECTION 77777u

static struct {
  unsigned calls;
  lcal_error error;
  uint64_t generation, version;
} outcome;

static void on_done(struct daemon *daemon, struct bank_change *change, const lcal_error *error) {
  (void)daemon;
  outcome.calls++;
  outcome.error = *error;
  outcome.generation = change->generation;
  outcome.version = change->version;
}

static struct bank_change *make_change(enum change_kind kind, const char *domain) {
  struct bank_change *change = calloc(1, sizeof *change);
  assert_non_null(change);
  change->kind = kind;
  change->bank = daemon_case_bank();
  change->class_index = -1;
  change->done = on_done;
  snprintf(change->domain, sizeof change->domain, "%s", domain);
  outcome.calls = 0;
  return change;
}

/* Submits a change and waits for its end. */
static lcal_status submit(struct bank_change *change) {
  bank_change_submit(daemon_case, change);
  daemon_case_settle();
  assert_int_equal(outcome.calls, 1);
  return outcome.error.code;
}

static struct bank_change *make_load(const char *domain, bool add, double weight) {
  struct bank_change *change = make_change(CHANGE_LOAD, domain);
  assert_int_equal(lcal_statistics_create(&change->statistics, CASE_CLASSES, NULL), LCAL_OK);
  change->add = add;
  for (uint32_t k = 0; k < CASE_CLASSES; k++) {
    change->statistics->weight[k] = weight;
    change->statistics->sum[k * CASE_CLASSES + k] = weight;
    change->statistics->count[k] = 10;
  }
  change->statistics->frames = 5;
  change->statistics->pixels = 10 * CASE_CLASSES;
  return change;
}

static void label(const char *domain, uint64_t seq) {
  lcal_frame frame = daemon_case_frame("cam", seq);
  snprintf(frame.domain, sizeof frame.domain, "%s", domain);
  daemon_case_arrive(&frame, CONNECTION);
}

static uint64_t version_of(const char *domain) {
  return lcal_domain_version(bank_domain(daemon_case_bank(), domain)->state);
}

static const lcal_statistics *statistics_of(const char *domain) {
  return lcal_domain_statistics(bank_domain(daemon_case_bank(), domain)->state);
}

/* ---- Failures. */

/* The bank's folder goes away under the store's hands. */
static void break_disk(void) {
  assert_int_equal(rmdir(folder_path("state/default")), 0);
}

static void change_that_cannot_be_made_durable_changes_nothing(void **state) {
  (void)state;
  daemon_case_start("");
  label("", 1);
  daemon_case_settle();
  break_disk();
  assert_int_equal(submit(make_change(CHANGE_RESET, "")), LCAL_SNAPSHOT_FAILED);
  assert_int_equal(version_of("default"), 1);
  assert_int_equal(statistics_of("default")->frames, 1);
  assert_int_equal(submit(make_load("night", false, 1)), LCAL_SNAPSHOT_FAILED);
  assert_null(bank_domain(daemon_case_bank(), "night"));
  assert_int_equal(daemon_case_bank()->reserved_domains, 0);
  assert_int_equal(daemon_case_bank()->snapshot_failures, 2);
  assert_true(daemon_case_bank()->dirty);
  label("", 2);
  daemon_case_settle();
  assert_int_equal(daemon_case_stream("cam")->counters.labelled, 2);
}

static void unknown_domain_and_generation_are_refused(void **state) {
  (void)state;
  daemon_case_start("");
  assert_int_equal(submit(make_change(CHANGE_RESET, "night")), LCAL_UNKNOWN_DOMAIN);
  assert_int_equal(submit(make_change(CHANGE_DELETE, "night")), LCAL_UNKNOWN_DOMAIN);
  struct bank_change *change = make_change(CHANGE_ROLLBACK, "");
  change->generation = 7;
  assert_int_equal(submit(change), LCAL_BAD_GENERATION);
  assert_int_equal(version_of("default"), 0);
}

static void load_into_a_domain_beyond_the_limit_is_refused(void **state) {
  (void)state;
  daemon_case_start("banks: {default: {domains: 1}}");
  assert_int_equal(submit(make_load("night", false, 1)), LCAL_TOO_MANY_DOMAINS);
  assert_int_equal(daemon_case_bank()->domain_count, 1);
}

/* ---- Changes. */

static void reset_is_on_disk_before_it_is_applied(void **state) {
  (void)state;
  daemon_case_start("");
  label("", 1);
  daemon_case_settle();
  assert_int_equal(submit(make_change(CHANGE_RESET, "default")), LCAL_OK);
  assert_int_equal(outcome.version, 2);
  assert_int_equal(statistics_of("default")->frames, 0);
  lcal_snapshot *snapshot;
  assert_int_equal(
      lcal_snapshot_load(&snapshot, folder_path("state/default/000000000001.snapshot"), NULL),
      LCAL_OK);
  assert_int_equal(snapshot->domains[0].version, 2);
  assert_int_equal(snapshot->domains[0].statistics->frames, 0);
  lcal_snapshot_destroy(snapshot);
}

static void reset_of_a_class_keeps_the_others(void **state) {
  (void)state;
  daemon_case_start("");
  submit(make_load("default", false, 4));
  struct bank_change *change = make_change(CHANGE_RESET, "");
  change->class_index = 1;
  assert_int_equal(submit(change), LCAL_OK);
  assert_true(statistics_of("default")->weight[0] == 4);
  assert_true(statistics_of("default")->weight[1] == 0);
  assert_int_equal(statistics_of("default")->count[1], 0);
  assert_int_equal(version_of("default"), 2);
}

static bool is_writing(void *context) {
  (void)context;
  return daemon_case_bank()->changes->step == CHANGE_WRITING;
}

static void frames_committed_meanwhile_are_gone_with_a_replacement(void **state) {
  (void)state;
  daemon_case_start("banks: {default: {adaptation: {forgetting: cumulative}}}");
  struct bank_change *change = make_load("default", false, 4);
  bank_change_submit(daemon_case, change);
  daemon_case_until(is_writing, NULL);
  label("", 1); /* in hand before the write is reported */
  daemon_case_settle();
  assert_int_equal(statistics_of("default")->frames, 5);
  assert_int_equal(version_of("default"), 2); /* above the frame's */
}

static void frames_committed_meanwhile_are_kept_by_an_addition(void **state) {
  (void)state;
  daemon_case_start("banks: {default: {adaptation: {forgetting: cumulative}}}");
  bank_change_submit(daemon_case, make_load("default", true, 4));
  daemon_case_until(is_writing, NULL);
  label("", 1);
  daemon_case_settle();
  assert_int_equal(statistics_of("default")->frames, 6);
  assert_int_equal(version_of("default"), 2);
}

static void load_creates_a_domain(void **state) {
  (void)state;
  daemon_case_start("");
  assert_int_equal(submit(make_load("night", true, 4)), LCAL_OK);
  assert_int_equal(outcome.version, 1);
  assert_true(statistics_of("night")->weight[2] == 4);
}

static void deleted_domain_that_comes_again_goes_on_above_its_version(void **state) {
  (void)state;
  daemon_case_start("");
  submit(make_load("night", false, 4));
  submit(make_load("night", true, 4));
  assert_int_equal(submit(make_change(CHANGE_DELETE, "night")), LCAL_OK);
  assert_int_equal(outcome.version, 2);
  assert_null(bank_domain(daemon_case_bank(), "night"));
  label("night", 1);
  assert_true(version_of("night") > 2);
  daemon_case_settle();
  assert_int_equal(statistics_of("night")->frames, 1);
}

static void graves_are_bounded_and_versions_still_never_go_back(void **state) {
  (void)state;
  struct domain *domain;
  daemon_case_start("");
  submit(make_load("night", false, 4));
  submit(make_change(CHANGE_DELETE, "night"));
  struct bank *bank = daemon_case_bank();
  for (uint32_t i = bank->grave_count; i < GRAVES_MAX; i++) { /* a daemon of many months */
    snprintf(bank->graves[i].name, sizeof bank->graves[i].name, "d%u", i);
    bank->graves[i].version = 1;
    bank->grave_count++;
  }
  submit(make_load("rain", false, 4));
  submit(make_change(CHANGE_DELETE, "rain"));
  assert_int_equal(bank->grave_count, GRAVES_MAX);
  assert_int_equal(bank_domain_create(daemon_case, bank, "night", &domain, NULL), LCAL_OK);
  assert_true(lcal_domain_version(domain->state) > 1);
}

static void rollback_goes_above_both_and_empties_what_the_generation_lacks(void **state) {
  (void)state;
  daemon_case_start("banks: {default: {adaptation: {forgetting: cumulative}}}");
  submit(make_load("default", false, 4));
  const uint64_t generation = outcome.generation;
  label("", 1);
  daemon_case_settle();
  submit(make_load("night", false, 4));
  struct bank_change *change = make_change(CHANGE_ROLLBACK, "");
  change->generation = generation;
  assert_int_equal(submit(change), LCAL_OK);
  assert_int_equal(statistics_of("default")->frames, 5);
  assert_int_equal(version_of("default"), 3);
  assert_int_equal(statistics_of("night")->frames, 0);
  assert_int_equal(version_of("night"), 2);
}

static void rollback_brings_a_deleted_domain_back(void **state) {
  (void)state;
  daemon_case_start("");
  submit(make_load("night", false, 4));
  const uint64_t generation = outcome.generation;
  submit(make_change(CHANGE_DELETE, "night"));
  struct bank_change *change = make_change(CHANGE_ROLLBACK, "");
  change->generation = generation;
  assert_int_equal(submit(change), LCAL_OK);
  assert_true(statistics_of("night")->weight[0] == 4);
  assert_int_equal(version_of("night"), 2);
}

static void changes_are_made_one_after_another(void **state) {
  (void)state;
  daemon_case_start("");
  bank_change_submit(daemon_case, make_load("default", false, 4));
  bank_change_submit(daemon_case, make_load("default", true, 4));
  bank_change_submit(daemon_case, make_change(CHANGE_SNAPSHOT, ""));
  daemon_case_settle();
  assert_int_equal(outcome.calls, 3);
  assert_int_equal(outcome.generation, 3);
  assert_true(statistics_of("default")->weight[0] == 8);
}

static void window_survives_a_change_on_copies(void **state) {
  (void)state;
  daemon_case_start("banks: {default: {adaptation: {forgetting: window, window: 2}}}");
  for (uint64_t seq = 1; seq <= 3; seq++) {
    label("", seq);
    daemon_case_settle();
  }
  const double before = statistics_of("default")->weight[0];
  struct bank_change *change = make_change(CHANGE_RESET, "");
  change->class_index = 1;
  assert_int_equal(submit(change), LCAL_OK);
  assert_true(statistics_of("default")->weight[0] == before);
  assert_int_equal(lcal_domain_window_count(daemon_case_domain()->state), 2);
}

/* ---- The end. */

static void frame_in_hand_at_the_end_has_a_loop_to_come_back_to(void **state) {
  (void)state;
  for (uint64_t round = 0; round < 20; round++) {
    if (round == 0) {
      daemon_case_start("workers: {threads: 2}");
    } else {
      daemon_case_restart("workers: {threads: 2}");
    }
    label("", 1);
    assert_true(bank_busy(daemon_case_bank()));
    daemon_end(daemon_case); /* the workers end first, and ring the loop's bell as they do */
  }
  daemon_case_restart("");
  assert_int_equal(statistics_of("default")->frames, 0);
}

/* ---- What is written and loaded. */

static void next_daemon_goes_on_with_the_same_bits(void **state) {
  (void)state;
  static const char config[] = "banks: {default: {adaptation: {forgetting: window, window: 3}}}";
  daemon_case_start(config);
  for (uint64_t seq = 1; seq <= 5; seq++) {
    label(seq % 2 ? "" : "night", seq);
    daemon_case_settle();
  }
  snapshots_write_dirty(daemon_case);
  daemon_case_settle();
  double sum[CASE_CLASSES * CASE_CLASSES];
  memcpy(sum, statistics_of("default")->sum, sizeof sum);
  const uint64_t version = version_of("default");
  daemon_end(daemon_case);
  daemon_case_restart(config);
  assert_memory_equal(statistics_of("default")->sum, sum, sizeof sum);
  assert_int_equal(version_of("default"), version);
  assert_int_equal(statistics_of("night")->frames, 2);
  assert_int_equal(daemon_case_bank()->last_generation, 1);
  submit(make_change(CHANGE_SNAPSHOT, ""));
  assert_int_equal(outcome.generation, 2);
}

static void snapshot_is_due_only_after_the_interval_and_a_change(void **state) {
  (void)state;
  daemon_case_start("snapshot: {interval_s: 10}");
  const uint64_t now_ns = monotonic_ns();
  snapshots_tick(daemon_case, now_ns + 11000000000u);
  assert_false(bank_snapshot_pending(daemon_case_bank()));
  label("", 1);
  daemon_case_settle();
  snapshots_tick(daemon_case, now_ns + 1000000000u);
  assert_false(bank_snapshot_pending(daemon_case_bank()));
  snapshots_tick(daemon_case, now_ns + 11000000000u);
  assert_true(bank_snapshot_pending(daemon_case_bank()));
  daemon_case_settle();
  assert_int_equal(daemon_case_bank()->last_generation, 1);
  assert_false(daemon_case_bank()->dirty);
}

static void frame_labelled_while_a_snapshot_is_written_makes_the_bank_dirty_again(void **state) {
  (void)state;
  daemon_case_start("");
  bank_change_submit(daemon_case, make_change(CHANGE_SNAPSHOT, ""));
  daemon_case_until(is_writing, NULL);
  label("", 1);
  daemon_case_settle();
  assert_true(daemon_case_bank()->dirty);
}

/* ---- Rules and reloads. */

static void on_fresh(struct daemon *daemon, void *context) {
  (void)daemon;
  *(bool *)context = true;
}

static const lcal_rule *built_rule(void) {
  return lcal_domain_coefficients(daemon_case_domain()->state)->rule;
}

static void rule_put_while_a_frame_is_in_hand_is_built_after_it(void **state) {
  (void)state;
  bool fresh = false;
  daemon_case_start("");
  label("", 1);
  bank_set_rule(daemon_case, daemon_case_bank(), lcal_rule_find("kl", 2));
  struct bank_wait wait = {.then = on_fresh, .context = &fresh};
  bank_when_fresh(daemon_case, daemon_case_bank(), &wait);
  assert_false(fresh);
  daemon_case_settle();
  assert_true(fresh);
  assert_string_equal(built_rule()->name, "kl");
}

static void fresh_coefficients_are_not_waited_for(void **state) {
  (void)state;
  bool fresh = false;
  daemon_case_start("");
  label("", 1);
  daemon_case_settle();
  struct bank_wait wait = {.then = on_fresh, .context = &fresh};
  bank_when_fresh(daemon_case, daemon_case_bank(), &wait);
  assert_true(fresh);
}

/* C^3 work: not on the loop. */
static void coefficients_of_a_new_domain_are_built_by_a_worker(void **state) {
  (void)state;
  bool fresh = false;
  struct domain *domain = NULL;
  daemon_case_start("");
  assert_int_equal(bank_domain_create(daemon_case, daemon_case_bank(), "night", &domain, NULL),
                   LCAL_OK);
  assert_true(domain->stale);
  assert_null(lcal_domain_coefficients(domain->state)->rule);
  struct bank_wait wait = {.then = on_fresh, .context = &fresh};
  bank_when_fresh(daemon_case, daemon_case_bank(), &wait);
  assert_false(fresh);
  daemon_case_settle();
  assert_true(fresh);
  assert_string_equal(lcal_domain_coefficients(domain->state)->rule->name, "euclidean");
}

static void reload_ends_a_rule_that_was_put_only_if_it_changes_that_key(void **state) {
  (void)state;
  lcal_error error;
  daemon_case_start("");
  bank_set_rule(daemon_case, daemon_case_bank(), lcal_rule_find("kl", 2));
  daemon_case_write_config("banks: {default: {adaptation: {warmup_frames: 3}}}");
  assert_int_equal(daemon_reload(daemon_case, NULL, NULL, &error), LCAL_OK);
  assert_string_equal(daemon_case_bank()->adaptation.rule->name, "kl");
  assert_int_equal(daemon_case_bank()->adaptation.warmup_frames, 3);
  daemon_case_write_config("banks: {default: {adaptation: {rule: kl}}}");
  assert_int_equal(daemon_reload(daemon_case, NULL, NULL, &error), LCAL_OK);
  daemon_case_write_config("");
  assert_int_equal(daemon_reload(daemon_case, NULL, NULL, &error), LCAL_OK);
  assert_string_equal(daemon_case_bank()->adaptation.rule->name, "euclidean");
  assert_false(daemon_case_bank()->rule_set);
}

static void reload_with_an_error_changes_nothing(void **state) {
  (void)state;
  lcal_error error;
  daemon_case_start("streams: {default: {depth: 3}}");
  daemon_case_write_config("streams: {default: {depth: 0}}");
  assert_int_equal(daemon_reload(daemon_case, NULL, NULL, &error), LCAL_RELOAD_FAILED);
  assert_non_null(strstr(error.message, "streams.default.depth"));
  assert_int_equal(daemon_case->config->streams[0].depth, 3);
}

static void reload_while_a_frame_is_in_hand_leaves_it_its_settings(void **state) {
  (void)state;
  lcal_error error;
  daemon_case_start("banks: {default: {adaptation: {protect: [class_1]}}}");
  label("", 1);
  daemon_case_write_config("banks: {default: {adaptation: {protect: []}}}");
  assert_int_equal(daemon_reload(daemon_case, NULL, NULL, &error), LCAL_OK);
  assert_true(daemon_case_domain()->stale);
  daemon_case_settle();
  assert_true(daemon_case_domain()->stale); /* that frame's coefficients still protected */
  label("", 2);
  daemon_case_settle();
  assert_false(daemon_case_domain()->stale);
  assert_int_equal(lcal_domain_coefficients(daemon_case_domain()->state)->protect[1], 0);
}

static void reload_takes_a_smaller_depth_over_at_once(void **state) {
  (void)state;
  lcal_error error;
  daemon_case_start("streams: {default: {depth: 3}}");
  for (uint64_t seq = 1; seq <= 4; seq++) {
    label("", seq);
  }
  daemon_case_write_config("streams: {default: {depth: 1}}");
  assert_int_equal(daemon_reload(daemon_case, NULL, NULL, &error), LCAL_OK);
  assert_int_equal(daemon_case_stream("cam")->waiting, 1);
  assert_int_equal(daemon_case_stream("cam")->counters.dropped[DROP_DEPTH], 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_teardown(name, daemon_case_tear_down)
      TEST(change_that_cannot_be_made_durable_changes_nothing),
      TEST(unknown_domain_and_generation_are_refused),
      TEST(load_into_a_domain_beyond_the_limit_is_refused),
      TEST(reset_is_on_disk_before_it_is_applied),
      TEST(reset_of_a_class_keeps_the_others),
      TEST(frames_committed_meanwhile_are_gone_with_a_replacement),
      TEST(frames_committed_meanwhile_are_kept_by_an_addition),
      TEST(load_creates_a_domain),
      TEST(deleted_domain_that_comes_again_goes_on_above_its_version),
      TEST(graves_are_bounded_and_versions_still_never_go_back),
      TEST(rollback_goes_above_both_and_empties_what_the_generation_lacks),
      TEST(rollback_brings_a_deleted_domain_back),
      TEST(changes_are_made_one_after_another),
      TEST(window_survives_a_change_on_copies),
      TEST(frame_in_hand_at_the_end_has_a_loop_to_come_back_to),
      TEST(next_daemon_goes_on_with_the_same_bits),
      TEST(snapshot_is_due_only_after_the_interval_and_a_change),
      TEST(frame_labelled_while_a_snapshot_is_written_makes_the_bank_dirty_again),
      TEST(rule_put_while_a_frame_is_in_hand_is_built_after_it),
      TEST(fresh_coefficients_are_not_waited_for),
      TEST(coefficients_of_a_new_domain_are_built_by_a_worker),
      TEST(reload_ends_a_rule_that_was_put_only_if_it_changes_that_key),
      TEST(reload_with_an_error_changes_nothing),
      TEST(reload_while_a_frame_is_in_hand_leaves_it_its_settings),
      TEST(reload_takes_a_smaller_depth_over_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
