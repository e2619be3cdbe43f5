/* The frames that labelcal bench takes its data from: a recording's, else the embedded camera's. */
#ifndef CLI_BENCH_FRAMES_H
#define CLI_BENCH_FRAMES_H

#include <labelcal/calibrator.h>
#include <labelcal/recording.h>

typedef struct bench_frames {
  uint32_t classes, height, width;
  uint32_t adapted; /* so many frames at the beginning make the prototypes */
  const float *p;   /* the loaded frame: height x width pixels of `classes` probabilities */
  /* The rest is the reader's own. */
  lcal_recording *recording;   /* or */
  struct scene_source *camera; /* the embedded one, at dusk */
  float *decoded;              /* of a recording */
  lcal_calibrator *calibrator; /* likewise: decodes it */
} bench_frames;

/* `recording`: a folder, or NULL for the camera. LCAL_BAD_DATA: not a recording, or one of more
 * classes than `classes_max`, or with no frames. bench_frames_close() whatever is returned. */
lcal_status bench_frames_open(bench_frames *frames, const char *recording, uint32_t classes_max,
                              lcal_error *error);
void bench_frames_close(bench_frames *frames);

/* Loads one of the frames that make the prototypes, i < adapted. */
lcal_status bench_frames_load_adapted(bench_frames *frames, uint32_t i, lcal_error *error);

/* Loads the i-th frame after those; a recording begins with the first of them again at its end.
 * Logits have become probabilities, values that were rounded to a smaller type sum to 1 again. */
lcal_status bench_frames_load(bench_frames *frames, uint32_t i, lcal_error *error);

#endif
