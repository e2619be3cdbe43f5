/* The status map: what runs, on what, and how it goes. */
#include "daemon/status.h"

#include "build_config.h"
#include "wire/control.h"

#include <stdlib.h>

lcal_state stream_mode_state(const struct stream *stream) {
  static const lcal_state states[MODE_COUNT] = {
      [MODE_ADAPT] = LCAL_STATE_CALIBRATED,
      [MODE_FREEZE] = LCAL_STATE_FROZEN,
      [MODE_SHADOW] = LCAL_STATE_SHADOW,
      [MODE_BYPASS] = LCAL_STATE_BYPASS,
  };
  if (stream->mode != MODE_ADAPT) {
    return states[stream->mode];
  }
  const struct domain *domain = bank_domain(stream->bank, stream->domain);
  uint64_t frames = domain ? lcal_domain_statistics(domain->state)->frames : 0;
  return frames < stream->bank->adaptation.warmup_frames ? LCAL_STATE_WARMUP
                                                         : LCAL_STATE_CALIBRATED;
}

lcal_state stream_state(const struct stream *stream) {
  return stream->counters.labelled ? stream->last_state : stream_mode_state(stream);
}

uint64_t status_uptime_s(const struct daemon *daemon) {
  return (monotonic_ns() - daemon->started_ns) / 1000000000u;
}

static void put_bank(lcal__writer *writer, const struct bank *bank) {
  lcal__begin_map(writer, NULL);
  lcal__put_text(writer, "name", bank->config->name);
  lcal__put_text(writer, "rule", bank->adaptation.rule->name);
  lcal__begin_array(writer, "domains");
  for (uint32_t i = 0; i < bank->domain_count; i++) {
    const struct domain *domain = &bank->domains[i];
    const lcal_statistics *statistics = lcal_domain_statistics(domain->state);
    lcal__begin_map(writer, NULL);
    lcal__put_text(writer, "name", domain->name);
    lcal__put_u64(writer, "version", lcal_domain_version(domain->state));
    lcal__put_u64(writer, "frames", statistics->frames);
    lcal__put_u64(writer, "pixels", statistics->pixels);
    lcal__end(writer);
  }
  lcal__end(writer);
  lcal__end(writer);
}

/* Of all since the start; `latency_us` is of the newest alone. */
static void put_quantiles(lcal__writer *writer, const char *key,
                          const struct histogram *histogram) {
  lcal__begin_map(writer, key);
  lcal__put_u64(writer, "count", histogram->count);
  lcal__put_u64(writer, "p50", histogram_quantile(histogram, 500));
  lcal__put_u64(writer, "p99", histogram_quantile(histogram, 990));
  lcal__put_u64(writer, "p999", histogram_quantile(histogram, 999));
  lcal__put_u64(writer, "max", histogram->max_us);
  lcal__end(writer);
}

static void put_measures(lcal__writer *writer, const struct stream *stream) {
  lcal__begin_map(writer, "dropped_by");
  for (size_t reason = 0; reason < DROP_COUNT; reason++) {
    lcal__put_u64(writer, drop_reason_words[reason], stream->counters.dropped[reason]);
  }
  lcal__end(writer);
  lcal__begin_map(writer, "stages_us");
  for (size_t stage = 0; stage < STAGE_COUNT; stage++) {
    put_quantiles(writer, latency_stage_words[stage], &stream->latency.stages[stage]);
  }
  lcal__end(writer);
  put_quantiles(writer, "gap_us", &stream->latency.gaps);
}

static void put_stream(lcal__writer *writer, const struct stream *stream) {
  const struct stream_counters *counters = &stream->counters;
  uint64_t p50, p99, max;
  latency_summary(&stream->latency, &p50, &p99, &max);
  lcal__begin_map(writer, NULL);
  lcal__put_text(writer, "name", stream->name);
  lcal__put_text(writer, "bank", stream->bank->config->name);
  lcal__put_text(writer, "domain", stream->domain);
  lcal__put_text(writer, "mode", stream_mode_words[stream->mode]);
  lcal__put_text(writer, "state", lcal_state_word(stream_state(stream)));
  lcal__put_u64(writer, "received", counters->received);
  lcal__put_u64(writer, "labelled", counters->labelled);
  lcal__put_u64(writer, "dropped", stream_dropped(stream));
  lcal__put_u64(writer, "lost", counters->lost);
  lcal__put_u64(writer, "refused", counters->refused);
  lcal__put_u64(writer, "duplicates", counters->duplicates);
  lcal__begin_map(writer, "latency_us");
  lcal__put_u64(writer, "p50", p50);
  lcal__put_u64(writer, "p99", p99);
  lcal__put_u64(writer, "max", max);
  lcal__end(writer);
  put_measures(writer, stream);
  lcal__end(writer);
}

void status_put_streams(lcal__writer *writer, struct daemon *daemon) {
  lcal__begin_array(writer, "streams");
  for (size_t i = 0; i < daemon->stream_count; i++) {
    put_stream(writer, daemon->streams[i]);
  }
  lcal__end(writer);
}

static void put_snapshots(lcal__writer *writer, const struct daemon *daemon) {
  lcal__begin_array(writer, "snapshots");
  for (size_t i = 0; i < daemon->bank_count; i++) {
    const struct bank *bank = &daemon->banks[i];
    if (bank->last_generation == 0) {
      continue;
    }
    lcal__begin_map(writer, NULL);
    lcal__put_text(writer, "bank", bank->config->name);
    lcal__put_u64(writer, "generation", bank->last_generation);
    lcal__put_u64(writer, "created_ns", bank->last_created_ns);
    lcal__end(writer);
  }
  lcal__end(writer);
}

void status_put(lcal__writer *writer, struct daemon *daemon) {
  const struct config *config = daemon->config;
  lcal__put_text(writer, "build", LCAL_VERSION);
  lcal__put_u64(writer, "epoch", daemon->epoch);
  lcal__put_u64(writer, "uptime_s", status_uptime_s(daemon));
  lcal__put_text(writer, "model", config->model);
  lcal__begin_array(writer, "classes");
  for (uint32_t i = 0; i < config->class_count; i++) {
    lcal__put_text(writer, NULL, config->classes[i]);
  }
  lcal__end(writer);
  lcal__put_text(writer, "tier", lcal_tier());
  lcal__put_u64(writer, "threads", config->threads);
  lcal__begin_array(writer, "banks");
  for (size_t i = 0; i < daemon->bank_count; i++) {
    put_bank(writer, &daemon->banks[i]);
  }
  lcal__end(writer);
  status_put_streams(writer, daemon);
  put_snapshots(writer, daemon);
}

uint8_t *status_pack(struct daemon *daemon, size_t *length) {
  lcal__writer writer;
  uint8_t *bytes = NULL;
  lcal__writer_grow(&writer);
  lcal__begin_map(&writer, NULL);
  status_put(&writer, daemon);
  lcal__end(&writer);
  return lcal__writer_take(&writer, &bytes, length, NULL) == LCAL_OK ? bytes : NULL;
}

void status_publish(struct daemon *daemon) {
  size_t length = 0;
  uint8_t *status = status_pack(daemon, &length), *body = NULL;
  if (!status) {
    return;
  }
  lcal__writer writer;
  lcal__writer_grow(&writer);
  lcal__put_status(&writer, (lcal_bytes){status, length});
  if (lcal__writer_take(&writer, &body, &length, NULL) == LCAL_OK) {
    sockets_publish_state(daemon, body, length);
    free(body);
  }
  free(status);
}
