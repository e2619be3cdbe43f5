#include "cli/replay.h"

#include "cli/replay_cameras.h"
#include "cli/replay_save.h"
#include "cli/sending.h"
#include "cli/subcommand.h"

#include <string.h>
#include <unistd.h>

struct wish {
  replay_options drive;
  const char *recording;
  const char *save; /* NULL: not */
  uint32_t streams; /* cameras at once */
};

enum option_id {
  OPTION_STREAM = 256,
  OPTION_DOMAIN,
  OPTION_KEEP,
  OPTION_RATE,
  OPTION_LOOP,
  OPTION_SAVE,
  OPTION_STREAMS
};

static const struct option long_options[] = {{"stream", required_argument, NULL, OPTION_STREAM},
                                             {"domain", required_argument, NULL, OPTION_DOMAIN},
                                             {"keep", no_argument, NULL, OPTION_KEEP},
                                             {"rate", required_argument, NULL, OPTION_RATE},
                                             {"loop", required_argument, NULL, OPTION_LOOP},
                                             {"save", required_argument, NULL, OPTION_SAVE},
                                             {"streams", required_argument, NULL, OPTION_STREAMS},
                                             {NULL, 0, NULL, 0}};

static int parse_name(const char *text, const char **name) {
  *name = text;
  return lcal_name_valid(text, strlen(text));
}

/* One option; 0 if its value is not understood. */
static int apply(void *given, int option, const char *text) {
  struct wish *wish = given;
  replay_options *drive = &wish->drive;
  switch (option) {
  case OPTION_STREAM:
    return parse_name(text, &drive->stream);
  case OPTION_DOMAIN:
    return parse_name(text, &drive->domain);
  case OPTION_KEEP:
    drive->keep = 1;
    return 1;
  case OPTION_RATE:
    drive->lock_step = 0;
    return parse_rate(text, &drive->rate);
  case OPTION_LOOP:
    return parse_whole(text, 1, &drive->rounds);
  case OPTION_STREAMS:
    return parse_whole(text, 1, &wish->streams) && wish->streams <= REPLAY_CAMERAS_MAX;
  default:
    wish->save = text;
    return 1;
  }
}

/* 0; or 2, having said on stderr what is wrong. */
static int read_arguments(struct wish *wish, int argc, char **argv) {
  int failed = read_options(argc, argv, long_options, apply, wish);
  if (failed) {
    return failed;
  }
  if (argc - optind != 1) {
    return usage_error(argv[0], "it needs one recording, %d are named", argc - optind);
  }
  if (wish->streams > 1 && wish->save) {
    return usage_error(argv[0], "--save keeps the label maps of one camera, not of %u",
                       wish->streams);
  }
  wish->recording = argv[optind];
  return 0;
}

/* Of several cameras. */
static lcal_status print_all(replay_camera *cameras, uint32_t count, int json, lcal_error *error) {
  replay_result *results[REPLAY_CAMERAS_MAX];
  replay_result sum;
  lcal_status status = replay_cameras_sum(&sum, cameras, count, error);
  for (uint32_t i = 0; i < count; i++) {
    results[i] = &cameras[i].result;
    if (status == LCAL_OK && json) {
      status = replay_result_print_json(results[i], stdout, error);
    }
  }
  if (status == LCAL_OK && json) {
    status = replay_sum_print_json(&sum, count, stdout, error);
  } else if (status == LCAL_OK) {
    replay_sum_print(results, count, &sum, stdout);
  }
  replay_result_free(&sum);
  return status;
}

/* What came, even if it is not all: saved and printed. */
static lcal_status deliver(replay_camera *cameras, const struct wish *wish, int json,
                           lcal_error *error) {
  replay_result *result = &cameras[0].result;
  lcal_status status = LCAL_OK;
  if (wish->streams > 1) {
    return print_all(cameras, wish->streams, json, error);
  }
  if (wish->save && result->labelled > 0) {
    status = replay_save(wish->save, result, wish->recording, error);
  }
  if (!json) {
    replay_result_print(result, stdout);
    return status;
  }
  lcal_status printed = replay_result_print_json(result, stdout, status == LCAL_OK ? error : NULL);
  return status == LCAL_OK ? printed : status;
}

static int any_was_sent(const replay_camera *cameras, uint32_t count) {
  uint64_t sent = 0;
  for (uint32_t i = 0; i < count; i++) {
    sent += cameras[i].result.sent;
  }
  return sent > 0;
}

static lcal_status replay(const struct wish *wish, replay_camera *cameras,
                          const lcal_client_options *client, int json, lcal_error *error) {
  lcal_status status = wish->save ? replay_save_check(wish->save, error) : LCAL_OK;
  if (status != LCAL_OK) {
    return status;
  }
  interrupts_catch();
  status = replay_cameras_drive(cameras, wish->streams, client, error);
  if (any_was_sent(cameras, wish->streams)) {
    lcal_status delivered = deliver(cameras, wish, json, status == LCAL_OK ? error : NULL);
    status = status == LCAL_OK ? delivered : status;
  }
  return status;
}

int replay_run(int argc, char **argv, const lcal_client_options *client, int json) {
  struct wish wish = {.drive = {.stream = "replay", .lock_step = 1, .rounds = 1}, .streams = 1};
  lcal_recording *recording = NULL;
  replay_camera *cameras = NULL;
  lcal_error error = {.code = LCAL_OK};
  int wrong = read_arguments(&wish, argc, argv);
  if (wrong) {
    return wrong;
  }
  wish.drive.progress = wish.streams == 1 && isatty(STDERR_FILENO);
  lcal_status status = lcal_recording_open(&recording, wish.recording, &error);
  if (status == LCAL_OK) {
    status = replay_cameras_create(&cameras, wish.streams, &wish.drive, recording,
                                   wish.save != NULL, &error);
  }
  if (status == LCAL_OK) {
    status = replay(&wish, cameras, client, json, &error);
  }
  replay_cameras_free(cameras, wish.streams);
  lcal_recording_close(recording);
  return status == LCAL_OK ? 0 : report_error(&error);
}
