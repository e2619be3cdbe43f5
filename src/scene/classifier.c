#include "scene/classifier.h"
#include "scene/exponential.h"
#include "scene/weights.h"

#define RUN FEATURES_RUN

/* The whole way of a run of pixels is compiled twice: for any CPU, and for those with AVX2, which
 * take half the time. Neither may fuse or reorder, so the bits are the same. */
#define IN_BOTH static inline __attribute__((always_inline))

const scene_weights *scene_weights_trained(void) {
  return &trained;
}

/* Inputs that are added in one go, so that the sum is loaded and stored once for them all. */
#define GO 4

_Static_assert(FEATURES % GO == 0 && CLASSIFIER_HIDDEN % GO == 0, "whole goes");

/* out = weights * in + bias for RUN pixels at once; `in` has `inputs` rows, a multiple of GO. */
IN_BOTH void dense(const float *weights, float bias, int inputs, const float (*restrict in)[RUN],
                   float *restrict out) {
  for (int x = 0; x < RUN; x++) {
    out[x] = bias;
  }
  for (int i = 0; i < inputs; i += GO) {
    for (int x = 0; x < RUN; x++) {
      float sum = out[x];
      for (int j = 0; j < GO; j++) {
        sum += weights[i + j] * in[i + j][x];
      }
      out[x] = sum;
    }
  }
}

IN_BOTH void softmax(float scores[SCENE_CLASSES][RUN], float *out) {
  float top[RUN];
  float sum[RUN];
  for (int x = 0; x < RUN; x++) {
    top[x] = scores[0][x];
    sum[x] = 0.0f;
  }
  for (int k = 1; k < SCENE_CLASSES; k++) {
    for (int x = 0; x < RUN; x++) {
      top[x] = scores[k][x] > top[x] ? scores[k][x] : top[x];
    }
  }
  for (int k = 0; k < SCENE_CLASSES; k++) {
    for (int x = 0; x < RUN; x++) {
      scores[k][x] = scene_exp(scores[k][x] - top[x]);
      sum[x] += scores[k][x];
    }
  }
  for (int k = 0; k < SCENE_CLASSES; k++) {
    for (int x = 0; x < RUN; x++) {
      out[k * SCENE_PIXELS + x] = scores[k][x] / sum[x];
    }
  }
}

IN_BOTH void classify_run(float *out, const scene_features *features, int row, int column,
                          const scene_weights *weights) {
  float seen[FEATURES][RUN];
  float hidden[CLASSIFIER_HIDDEN][RUN];
  float scores[SCENE_CLASSES][RUN];
  scene_features_run(features, row, column, seen);
  for (int h = 0; h < CLASSIFIER_HIDDEN; h++) {
    dense(weights->hidden[h], weights->hidden_bias[h], FEATURES, seen, hidden[h]);
    for (int x = 0; x < RUN; x++) {
      hidden[h][x] = hidden[h][x] > 0.0f ? hidden[h][x] : 0.0f;
    }
  }
  for (int k = 0; k < SCENE_CLASSES; k++) {
    dense(weights->output[k], weights->output_bias[k], CLASSIFIER_HIDDEN, hidden, scores[k]);
  }
  softmax(scores, out + row * SCENE_WIDTH + column);
}

IN_BOTH void classify_rows(float *out, const scene_features *features,
                           const scene_weights *weights) {
  for (int row = 0; row < SCENE_HEIGHT; row++) {
    for (int column = 0; column < SCENE_WIDTH; column += RUN) {
      classify_run(out, features, row, column, weights);
    }
  }
}

static void classify_anywhere(float *out, const scene_features *features,
                              const scene_weights *weights) {
  classify_rows(out, features, weights);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void
classify_avx2(float *out, const scene_features *features, const scene_weights *weights) {
  classify_rows(out, features, weights);
}
#endif

void scene_classify(float *probabilities, const uint8_t *picture, const scene_weights *weights,
                    scene_features *scratch) {
  scene_features_prepare(scratch, picture);
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2")) {
    classify_avx2(probabilities, scratch, weights);
    return;
  }
#endif
  classify_anywhere(probabilities, scratch, weights);
}

void scene_argmax(uint8_t *labels, const float *probabilities) {
  for (int first = 0; first < SCENE_PIXELS; first += RUN) {
    float top[RUN];
    for (int x = 0; x < RUN; x++) {
      top[x] = probabilities[first + x];
      labels[first + x] = 0;
    }
    for (int k = 1; k < SCENE_CLASSES; k++) {
      const float *plane = probabilities + k * SCENE_PIXELS + first;
      for (int x = 0; x < RUN; x++) {
        labels[first + x] = plane[x] > top[x] ? (uint8_t)k : labels[first + x];
        top[x] = plane[x] > top[x] ? plane[x] : top[x];
      }
    }
  }
}
