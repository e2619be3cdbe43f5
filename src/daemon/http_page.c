/* The page at /: the status as plain HTML that reloads itself. No script; every dynamic text is
 * escaped. */
#include "build_config.h"
#include "daemon/http.h"
#include "daemon/status.h"
#include "daemon/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define PAGE_REFRESH_SECONDS 2

static void put_text(FILE *out, const char *text) {
  for (; *text; text++) {
    switch (*text) {
    case '&':
      fputs("&amp;", out);
      break;
    case '<':
      fputs("&lt;", out);
      break;
    case '>':
      fputs("&gt;", out);
      break;
    case '"':
      fputs("&quot;", out);
      break;
    case '\'':
      fputs("&#39;", out);
      break;
    default:
      fputc(*text, out);
    }
  }
}

static void put_cell(FILE *out, const char *text) {
  fputs("<td>", out);
  put_text(out, text);
  fputs("</td>", out);
}

static void put_number(FILE *out, uint64_t number) {
  fprintf(out, "<td class=\"n\">%" PRIu64 "</td>", number);
}

static void put_milliseconds(FILE *out, uint64_t us) {
  fprintf(out, "<td class=\"n\">%.1f</td>", (double)us / 1e3);
}

static void put_head(FILE *out, const struct http *http) {
  fprintf(out,
          "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"labelcal-token\" content=\"%s\">\n"
          "<meta http-equiv=\"refresh\" content=\"%d\">\n<title>labelcald</title>\n",
          http->token, PAGE_REFRESH_SECONDS);
  fprintf(out,
          "<style nonce=\"%s\">\n"
          ":root { color-scheme: light dark }\n"
          "body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 72em; "
          "padding: 0 1em }\n"
          "table { border-collapse: collapse; width: 100%% }\n"
          "th, td { border-bottom: 1px solid #8885; padding: .3em .6em; text-align: left }\n"
          "th.n, td.n { font-variant-numeric: tabular-nums; text-align: right }\n"
          ".bad { color: #c22; font-weight: bold }\n"
          "</style>\n</head>\n",
          http->nonce);
}

static void put_summary(FILE *out, struct daemon *daemon) {
  const char *fault = daemon_health(daemon);
  fputs("<h1>labelcald</h1>\n<p>", out);
  if (fault) {
    fputs("<span class=\"bad\">", out);
    put_text(out, fault);
    fputs("</span>", out);
  } else {
    fputs(daemon->ready ? "Healthy" : "Starting", out);
  }
  fprintf(out, ", up %" PRIu64 " s. Version ", status_uptime_s(daemon));
  put_text(out, LCAL_VERSION);
  fputs(", model ", out);
  put_text(out, daemon->config->model);
  fprintf(out, " of %" PRIu32 " classes, kernel tier ", daemon->config->class_count);
  put_text(out, lcal_tier());
  fprintf(out, ", %" PRIu32 " threads.</p>\n", daemon->config->threads);
}

static void put_streams(FILE *out, const struct daemon *daemon) {
  fputs("<h2>Streams</h2>\n<table>\n<tr><th>stream</th><th>bank</th><th>domain</th><th>mode</th>"
        "<th>state</th><th class=\"n\">received</th><th class=\"n\">labelled</th>"
        "<th class=\"n\">dropped</th><th class=\"n\">lost</th><th class=\"n\">refused</th>"
        "<th class=\"n\">duplicates</th><th class=\"n\">p50 ms</th><th class=\"n\">p99 ms</th>"
        "<th class=\"n\">max ms</th></tr>\n",
        out);
  for (size_t i = 0; i < daemon->stream_count; i++) {
    const struct stream *stream = daemon->streams[i];
    uint64_t p50, p99, max;
    latency_summary(&stream->latency, &p50, &p99, &max);
    fputs("<tr>", out);
    put_cell(out, stream->name);
    put_cell(out, stream->bank->config->name);
    put_cell(out, stream->domain);
    put_cell(out, stream_mode_words[stream->mode]);
    put_cell(out, stream->silent ? "silent" : lcal_state_word(stream_state(stream)));
    put_number(out, stream->counters.received);
    put_number(out, stream->counters.labelled);
    put_number(out, stream_dropped(stream));
    put_number(out, stream->counters.lost);
    put_number(out, stream->counters.refused);
    put_number(out, stream->counters.duplicates);
    put_milliseconds(out, p50);
    put_milliseconds(out, p99);
    put_milliseconds(out, max);
    fputs("</tr>\n", out);
  }
  fputs("</table>\n", out);
}

static void put_banks(FILE *out, const struct daemon *daemon) {
  fputs("<h2>Banks</h2>\n<table>\n<tr><th>bank</th><th>rule</th><th>domain</th>"
        "<th class=\"n\">version</th><th class=\"n\">frames</th><th class=\"n\">pixels</th>"
        "</tr>\n",
        out);
  for (size_t i = 0; i < daemon->bank_count; i++) {
    const struct bank *bank = &daemon->banks[i];
    for (uint32_t j = 0; j < bank->domain_count; j++) {
      const struct domain *domain = &bank->domains[j];
      const lcal_statistics *statistics = lcal_domain_statistics(domain->state);
      fputs("<tr>", out);
      put_cell(out, bank->config->name);
      put_cell(out, bank->adaptation.rule->name);
      put_cell(out, domain->name);
      put_number(out, lcal_domain_version(domain->state));
      put_number(out, statistics->frames);
      put_number(out, statistics->pixels);
      fputs("</tr>\n", out);
    }
  }
  fputs("</table>\n", out);
}

static void put_snapshots(FILE *out, const struct daemon *daemon) {
  fputs("<h2>Snapshots</h2>\n<table>\n<tr><th>bank</th><th class=\"n\">generation</th>"
        "<th>created</th><th class=\"n\">bytes</th><th class=\"n\">failures</th></tr>\n",
        out);
  for (size_t i = 0; i < daemon->bank_count; i++) {
    const struct bank *bank = &daemon->banks[i];
    char created[32] = "none yet";
    time_t seconds = (time_t)(bank->last_created_ns / 1000000000u);
    struct tm utc;
    if (bank->last_generation && gmtime_r(&seconds, &utc)) {
      strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    fputs("<tr>", out);
    put_cell(out, bank->config->name);
    put_number(out, bank->last_generation);
    put_cell(out, created);
    put_number(out, bank->last_bytes);
    put_number(out, bank->snapshot_failures);
    fputs("</tr>\n", out);
  }
  fputs("</table>\n", out);
}

char *page_render(const struct http *http, size_t *length) {
  struct daemon *daemon = http->daemon;
  struct text text;
  FILE *out = text_open(&text);
  if (!out) {
    return NULL;
  }
  put_head(out, http);
  fputs("<body>\n", out);
  put_summary(out, daemon);
  put_streams(out, daemon);
  put_banks(out, daemon);
  put_snapshots(out, daemon);
  fputs("<p><a href=\"/metrics\">metrics</a>, <a href=\"/api/status\">status as JSON</a>, "
        "<a href=\"/healthz\">health</a></p>\n</body>\n</html>\n",
        out);
  return text_close(&text, out, length);
}
