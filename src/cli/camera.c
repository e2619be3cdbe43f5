#include "cli/camera.h"

#include "cli/camera_drive.h"
#include "cli/sending.h"
#include "cli/subcommand.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum option_id {
  OPTION_CONDITION = 256,
  OPTION_DRIFT,
  OPTION_FRAMES,
  OPTION_RATE,
  OPTION_LOCK_STEP,
  OPTION_SEED,
  OPTION_TYPE,
  OPTION_LAYOUT,
  OPTION_STREAM,
  OPTION_DOMAIN,
  OPTION_RECORD,
  OPTION_NO_SEND,
  OPTION_PICTURE
};

static const struct option long_options[] = {
    {"condition", required_argument, NULL, OPTION_CONDITION},
    {"drift", required_argument, NULL, OPTION_DRIFT},
    {"frames", required_argument, NULL, OPTION_FRAMES},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"lock-step", no_argument, NULL, OPTION_LOCK_STEP},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"type", required_argument, NULL, OPTION_TYPE},
    {"layout", required_argument, NULL, OPTION_LAYOUT},
    {"stream", required_argument, NULL, OPTION_STREAM},
    {"domain", required_argument, NULL, OPTION_DOMAIN},
    {"record", required_argument, NULL, OPTION_RECORD},
    {"no-send", no_argument, NULL, OPTION_NO_SEND},
    {"picture", required_argument, NULL, OPTION_PICTURE},
    {NULL, 0, NULL, 0}};

static int parse_type(const char *text, lcal_type *type) {
  for (int i = 0; i < LCAL_TYPE_COUNT; i++) {
    if (strcmp(text, lcal_type_word((lcal_type)i)) == 0) {
      *type = (lcal_type)i;
      return 1;
    }
  }
  return 0;
}

static int parse_layout(const char *text, lcal_layout *layout) {
  for (int i = 0; i < LCAL_LAYOUT_COUNT; i++) {
    if (strcmp(text, lcal_layout_word((lcal_layout)i)) == 0) {
      *layout = (lcal_layout)i;
      return 1;
    }
  }
  return 0;
}

static int parse_name(const char *text, const char **name) {
  *name = text;
  return lcal_name_valid(text, strlen(text));
}

/* One option; false if its argument is not understood. */
static int apply(void *given, int id, const char *text) {
  camera_options *options = given;
  switch (id) {
  case OPTION_CONDITION:
    return strchr(text, ':') == NULL &&
           scene_drift_parse(&options->scene.drift, text, NULL) == LCAL_OK;
  case OPTION_DRIFT:
    return strchr(text, ':') != NULL &&
           scene_drift_parse(&options->scene.drift, text, NULL) == LCAL_OK;
  case OPTION_FRAMES:
    return parse_whole(text, 1, &options->frames);
  case OPTION_RATE:
    return parse_rate(text, &options->rate);
  case OPTION_LOCK_STEP:
    options->lock_step = 1;
    options->rate = 0.0;
    return 1;
  case OPTION_SEED:
    return parse_whole(text, 0, &options->scene.seed);
  case OPTION_TYPE:
    return parse_type(text, &options->scene.type);
  case OPTION_LAYOUT:
    return parse_layout(text, &options->scene.layout);
  case OPTION_STREAM:
    return parse_name(text, &options->stream);
  case OPTION_DOMAIN:
    return parse_name(text, &options->domain);
  case OPTION_RECORD:
    options->record = text;
    return 1;
  case OPTION_NO_SEND:
    options->send = 0;
    return 1;
  default:
    options->picture = text;
    return 1;
  }
}

/* 0; or 2, having said on stderr what is wrong. */
static int read_arguments(camera_options *options, int argc, char **argv) {
  int failed = read_options(argc, argv, long_options, apply, options);
  if (failed) {
    return failed;
  }
  if (optind < argc) {
    return usage_error(argv[0], "%s: it takes options only", argv[optind]);
  }
  if (options->record && options->frames == 0) {
    return usage_error(argv[0], "--record needs --frames: a frame is up to 10 MB");
  }
  return 0;
}

static double fps(const camera_report *report) {
  return report->seconds > 0.0 ? (double)report->frames / report->seconds : 0.0;
}

static double relabelled(const camera_report *report) {
  return report->pixels > 0 ? 100.0 * (double)report->changed / (double)report->pixels : 0.0;
}

static void print_text(const camera_report *report) {
  printf("%" PRIu32 " frames in %.1f s (%.1f a second)", report->frames, report->seconds,
         fps(report));
  if (report->sent > 0) {
    printf(": %" PRIu32 " sent, %" PRIu32 " labelled, %" PRIu32 " missed", report->sent,
           report->labelled, report->sent - report->labelled);
  }
  putchar('\n');
  if (report->labelled > 0) {
    printf("  %.3f %% of pixels relabelled\n", relabelled(report));
  }
  if (report->plain > 0) {
    printf("  %" PRIu32 " of the labelled were published as the argmax (warm-up, bypass or a "
           "guard)\n",
           report->plain);
  }
  putchar('\n');
  camera_score_print(report->score, stdout);
}

static lcal_status print_json(const camera_report *report, lcal_error *error) {
  json_t *object = json_pack(
      "{s:I,s:I,s:I,s:I,s:I,s:f,s:f,s:f}", "frames", (json_int_t)report->frames, "sent",
      (json_int_t)report->sent, "labelled", (json_int_t)report->labelled, "missed",
      (json_int_t)(report->sent - report->labelled), "plain", (json_int_t)report->plain,
      "relabelled_percent", relabelled(report), "seconds", report->seconds, "fps", fps(report));
  int failed = !object || camera_score_json(report->score, object) != 0 ||
               json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) != 0;
  putchar('\n');
  json_decref(object);
  return failed ? lcal_error_set(error, LCAL_MEMORY, "no memory for the result, or no place for it")
                : LCAL_OK;
}

int camera_run(int argc, char **argv, const lcal_client_options *client, int json) {
  camera_options options = {
      .scene = {.seed = 1}, .rate = SCENE_FPS, .send = 1, .stream = "camera", .domain = ""};
  camera_report report;
  lcal_error error = {.code = LCAL_OK};
  int wrong = read_arguments(&options, argc, argv);
  if (wrong) {
    return wrong;
  }
  options.progress = isatty(STDERR_FILENO);
  interrupts_catch();
  lcal_status status = camera_drive(&report, &options, client, &error);
  if (report.frames > 0 && json) {
    lcal_status printed = print_json(&report, status == LCAL_OK ? &error : NULL);
    status = status == LCAL_OK ? printed : status;
  } else if (report.frames > 0) {
    print_text(&report);
  }
  camera_score_destroy(report.score);
  return status == LCAL_OK ? 0 : report_error(&error);
}
