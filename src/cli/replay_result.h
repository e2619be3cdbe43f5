/* What came back of a recording: counts, latencies, scores of the argmax and of the calibrated
 * labels, and the maps themselves where they are to be saved. */
#ifndef CLI_REPLAY_RESULT_H
#define CLI_REPLAY_RESULT_H

#include <labelcal/recording.h>
#include <labelcal/wire.h>

#include <jansson.h>
#include <stdio.h>

#define GUARDS_MAX 8u

/* The two ways to label a frame, side by side. */
enum labelling { ARGMAX, CALIBRATED, LABELLINGS };
extern const char *const labelling_words[LABELLINGS];

/* What became of frames that were not labelled, as the daemon counts. */
enum replay_fate { REPLAY_DROPPED, REPLAY_REFUSED, REPLAY_LOST, REPLAY_FATES };
extern const char *const replay_fate_words[REPLAY_FATES];

typedef struct replay_result {
  const lcal_recording *recording; /* borrowed */
  uint32_t height, width;          /* of the label maps: the truth's where there is one */
  size_t label_bytes;
  uint64_t sent, labelled;
  uint64_t fates[REPLAY_FATES];        /* of those sent */
  uint64_t fates_before[REPLAY_FATES]; /* the stream's, when the drive began */
  double seconds;
  lcal_name stream, domain;        /* what was asked for */
  lcal_name bank, rule;            /* of the newest labels; "": none came */
  int domain_remains;              /* its statistics were not deleted */
  uint64_t pixels, changed, voids; /* of the maps */
  uint64_t states[LCAL_STATE_COUNT];
  struct {
    char name[16];
    uint64_t frames;
  } guards[GUARDS_MAX]; /* those that tripped; name "": no more */
  uint64_t *latency_us;
  size_t latency_capacity;       /* labelled of them are filled */
  lcal_score *score[LABELLINGS]; /* NULL: the recording has no truth */
  uint8_t *maps[LABELLINGS];     /* frame by frame, void where none came; NULL: not to be saved */
} replay_result;

/* Prepares for `recording`; with `maps` the label maps are kept. Free it whatever is returned.
 * LCAL_MEMORY, LCAL_BAD_DATA: the recording has no frames. */
lcal_status replay_result_init(replay_result *result, const lcal_recording *recording, int maps,
                               lcal_error *error);
void replay_result_free(replay_result *result);

/* Adds the labels of frame `i` of the recording. Maps of another size than was asked for are
 * LCAL_BAD_FIELD. */
lcal_status replay_result_add(replay_result *result, size_t i, const lcal_labels *labels,
                              lcal_error *error);

/* For people; and as one line of JSON, whose shares are in percent and null where nothing was
 * scored. LCAL_MEMORY. */
void replay_result_print(replay_result *result, FILE *out);
lcal_status replay_result_print_json(replay_result *result, FILE *out, lcal_error *error);

/* Of several cameras: a line each and one of `sum`, a table for people; JSON lines, each camera's
 * its result's and at the end {"streams": N, ...} with what is of all. */
void replay_sum_print(replay_result *const *results, size_t count, replay_result *sum, FILE *out);
lcal_status replay_sum_print_json(replay_result *sum, size_t count, FILE *out, lcal_error *error);

#endif
