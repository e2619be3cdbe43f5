/* Recordings: folders of probs.npy, labels.npy (optional) and meta.json, optionally sliced as
 * Python slices are ("dusk[0:62]", "dusk[62::2]"): mapped reading, writing, scoring. */
#ifndef LABELCAL_RECORDING_H
#define LABELCAL_RECORDING_H

#include <labelcal/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* meta.json. Strings live as long as what holds the struct. */
typedef struct lcal_recording_meta {
  uint32_t class_count;
  const char *const *classes; /* names, class_count of them */
  lcal_kind kind;
  lcal_type type;
  lcal_layout layout;
  double fps;               /* > 0 */
  const char *model;        /* "" if absent */
  const char *source;       /* "" if absent */
  uint32_t ignore_label;    /* not scored; default 255 */
  const uint32_t *evaluate; /* class ids scored, or NULL: those in labels or predictions */
  uint32_t evaluate_count;
} lcal_recording_meta;

typedef struct lcal_recording lcal_recording; /* opaque; read-only mapping */

/* Opens PATH or PATH[slice]; a slice may take no frames. LCAL_BAD_DATA names file and fault
 * (truncated npy, Fortran order, big-endian, shapes that disagree, unknown type), LCAL_ARGUMENT a
 * malformed slice. The files are mapped: one that shrinks while it is open ends the process. */
LCAL_API lcal_status lcal_recording_open(lcal_recording **recording, const char *path,
                                         lcal_error *error);
LCAL_API void lcal_recording_close(lcal_recording *recording); /* NULL is fine */
LCAL_API const lcal_recording_meta *lcal_recording_meta_of(const lcal_recording *recording);
LCAL_API size_t lcal_recording_frames(const lcal_recording *recording); /* of the slice */

/* A view of frame i of the slice, valid until close. */
LCAL_API lcal_status lcal_recording_frame(const lcal_recording *recording, size_t i,
                                          lcal_tensor *tensor, lcal_error *error);

/* Ground truth of frame i, u8 height x width, or NULL if the recording has none. */
LCAL_API const uint8_t *lcal_recording_truth(const lcal_recording *recording, size_t i,
                                             uint32_t *height, uint32_t *width);

/* Writes a recording; the folder is made if it is missing and must not hold one yet. Frame counts
 * are written at finish(); until then the files are named *.partial. */
typedef struct lcal_recorder lcal_recorder;
LCAL_API lcal_status lcal_recorder_create(lcal_recorder **recorder, const char *directory,
                                          const lcal_recording_meta *meta, uint32_t height,
                                          uint32_t width, uint32_t truth_height,
                                          uint32_t truth_width, lcal_error *error);
/* truth: truth_height x truth_width u8, or NULL if those are 0. */
LCAL_API lcal_status lcal_recorder_append(lcal_recorder *recorder, const lcal_tensor *tensor,
                                          const uint8_t *truth, lcal_error *error);
/* Finishes (even after a failed append) and frees; the files then have their names. */
LCAL_API lcal_status lcal_recorder_finish(lcal_recorder *recorder, lcal_error *error);

/* Writes a 1- to 4-dimensional C-order array as .npy (descr as numpy's, "|u1", "<f4", ...). */
LCAL_API lcal_status lcal_npy_write(const char *path, const char *descr, const size_t *shape,
                                    size_t dimensions, const void *data, size_t bytes,
                                    lcal_error *error);

/* One confusion matrix over a recording: IoU_k = TP/(TP+FP+FN), mIoU = mean over `evaluate`
 * (without it: over classes in labels or predictions), accuracy = trace/all; a void prediction
 * misses its class. All in percent. */
typedef struct lcal_score lcal_score;
LCAL_API lcal_status lcal_score_create(lcal_score **score, const lcal_recording_meta *meta,
                                       lcal_error *error);
LCAL_API void lcal_score_destroy(lcal_score *score);
/* `labels`: n values of label_bytes (1 or 2) each, at any alignment; truth u8. A truth that is
 * ignore_label, or no class, is not scored. */
LCAL_API void lcal_score_add(lcal_score *score, const uint8_t *truth, const void *labels,
                             size_t label_bytes, size_t n);
LCAL_API double lcal_score_iou(const lcal_score *score, uint32_t k); /* NaN: class not seen */
LCAL_API double lcal_score_miou(const lcal_score *score);
LCAL_API double lcal_score_accuracy(const lcal_score *score);

#ifdef __cplusplus
}
#endif
#endif
