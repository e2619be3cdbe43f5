/* Trains the classifier on the day and writes weights.h:
 *
 *   ninja -C build scene-weights
 *
 * One thread, hashed randomness and plain float32 arithmetic: the same file on every run. It takes
 * a minute or two. The streets it learns from have seeds of 1000000 and more, so that those of
 * users and tests are unseen. */
#include "scene/classifier.h"
#include "scene/condition.h"
#include "scene/exponential.h"
#include "scene/random.h"

#include <errno.h>
#include <labelcal/recording.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_SEED  1000000u
#define UNSEEN_SEED 2000000u
#define STREETS     700u
#define PICTURES    3u   /* of each street */
#define PICKED      800u /* pixels of each picture */
#define SAMPLES     (STREETS * PICTURES * PICKED)
#define EPOCHS      20u
#define BATCH       200u
#define STEPS       (SAMPLES / BATCH)

typedef struct sample {
  float seen[FEATURES];
  uint32_t label;
} sample;

/* Transposed, so that loops run over outputs; also used for gradients and Adam's moments. */
typedef struct network {
  float hidden[FEATURES][CLASSIFIER_HIDDEN];
  float hidden_bias[CLASSIFIER_HIDDEN];
  float output[CLASSIFIER_HIDDEN][SCENE_CLASSES];
  float output_bias[SCENE_CLASSES];
} network;

#define PARAMETERS (sizeof(network) / sizeof(float))

typedef union parameters {
  network net;
  float all[PARAMETERS];
} parameters;

typedef struct trainer {
  parameters weights, gradient, mean, variance;
  uint32_t steps;
  float mean_power, variance_power; /* beta^steps, for Adam's bias correction */
  uint32_t order[SAMPLES];
  sample samples[SAMPLES];
  scene_frame frame;
  scene_features features;
  uint8_t picture[3 * SCENE_PIXELS];
} trainer;

/* The day, by cameras that do not quite agree on exposure, white balance and noise: the
 * photometric jitter that segmentation networks are commonly trained with. */
static void day_of(scene_condition *condition, uint32_t id) {
  const scene_drift day = {.from = SCENE_DAY, .to = SCENE_DAY};
  scene_drift_at(condition, &day, 0);
  float exposure = scene_range(id, 310u, 0.7f, 1.3f);
  for (uint32_t i = 0; i < 3; i++) {
    float gain = exposure * scene_range(id, 311u + i, 0.93f, 1.07f);
    condition->sunlight[i] *= gain;
    condition->airlight[i] *= gain;
  }
  condition->haze *= scene_range(id, 314u, 0.5f, 2.0f);
  condition->shot *= scene_range(id, 315u, 0.5f, 4.0f);
  condition->read *= scene_range(id, 316u, 0.5f, 3.0f);
}

static void collect_picture(trainer *all, uint32_t seed, uint32_t number, sample *out) {
  scene_condition condition;
  day_of(&condition, scene_hash(seed, 317u, number));
  scene_render(&all->frame, seed, number);
  scene_photograph(all->picture, &all->frame, &condition, seed, number);
  scene_features_prepare(&all->features, all->picture);
  for (uint32_t i = 0; i < PICKED; i++) {
    int pixel = (int)(scene_hash(seed ^ number, 301u, i) % SCENE_PIXELS);
    int column = pixel % SCENE_WIDTH;
    float run[FEATURES][FEATURES_RUN];
    scene_features_run(&all->features, pixel / SCENE_WIDTH, column - column % FEATURES_RUN, run);
    for (int f = 0; f < FEATURES; f++) {
      out[i].seen[f] = run[f][column % FEATURES_RUN];
    }
    out[i].label = all->frame.labels[pixel];
  }
}

static void collect(trainer *all) {
  for (uint32_t i = 0; i < STREETS; i++) {
    for (uint32_t k = 0; k < PICTURES; k++) {
      uint32_t seed = FIRST_SEED + i;
      collect_picture(all, seed, scene_hash(seed, 302u, k) % 20000u,
                      all->samples + (i * PICTURES + k) * PICKED);
    }
  }
}

/* Shifts and scales features to mean 0 and deviation 1; fold() undoes it in the weights. */
static void standardise(trainer *all, float shift[FEATURES], float factor[FEATURES]) {
  for (int f = 0; f < FEATURES; f++) {
    double sum = 0.0;
    double square = 0.0;
    for (uint32_t i = 0; i < SAMPLES; i++) {
      double value = (double)all->samples[i].seen[f];
      sum += value;
      square += value * value;
    }
    double mean = sum / SAMPLES;
    shift[f] = (float)mean;
    factor[f] = (float)(1.0 / __builtin_sqrt(square / SAMPLES - mean * mean));
    for (uint32_t i = 0; i < SAMPLES; i++) {
      all->samples[i].seen[f] = (all->samples[i].seen[f] - shift[f]) * factor[f];
    }
  }
}

static void start(network *net) {
  for (uint32_t f = 0; f < FEATURES; f++) {
    for (uint32_t h = 0; h < CLASSIFIER_HIDDEN; h++) {
      net->hidden[f][h] = (scene_unit(scene_hash(303u, f, h)) - 0.5f) * 0.55f;
    }
  }
  for (uint32_t h = 0; h < CLASSIFIER_HIDDEN; h++) {
    for (uint32_t k = 0; k < SCENE_CLASSES; k++) {
      net->output[h][k] = (scene_unit(scene_hash(304u, h, k)) - 0.5f) * 0.6f;
    }
  }
}

static void forward(const network *net, const sample *one, float hidden[CLASSIFIER_HIDDEN],
                    float p[SCENE_CLASSES]) {
  memcpy(hidden, net->hidden_bias, sizeof net->hidden_bias);
  for (int f = 0; f < FEATURES; f++) {
    for (int h = 0; h < CLASSIFIER_HIDDEN; h++) {
      hidden[h] += net->hidden[f][h] * one->seen[f];
    }
  }
  memcpy(p, net->output_bias, sizeof net->output_bias);
  for (int h = 0; h < CLASSIFIER_HIDDEN; h++) {
    hidden[h] = hidden[h] > 0.0f ? hidden[h] : 0.0f;
    for (int k = 0; k < SCENE_CLASSES; k++) {
      p[k] += net->output[h][k] * hidden[h];
    }
  }
  float top = p[0];
  float sum = 0.0f;
  for (int k = 1; k < SCENE_CLASSES; k++) {
    top = p[k] > top ? p[k] : top;
  }
  for (int k = 0; k < SCENE_CLASSES; k++) {
    p[k] = scene_exp(p[k] - top);
    sum += p[k];
  }
  for (int k = 0; k < SCENE_CLASSES; k++) {
    p[k] /= sum;
  }
}

/* Adds the gradient of one sample's cross-entropy; returns whether the argmax was right. */
static int learn(const network *net, network *gradient, const sample *one) {
  float hidden[CLASSIFIER_HIDDEN];
  float error[SCENE_CLASSES];
  float back[CLASSIFIER_HIDDEN];
  forward(net, one, hidden, error);
  int right = 1;
  for (uint32_t k = 0; k < SCENE_CLASSES; k++) {
    right = right && error[k] <= error[one->label];
  }
  error[one->label] -= 1.0f;
  for (int h = 0; h < CLASSIFIER_HIDDEN; h++) {
    float sum = 0.0f;
    for (int k = 0; k < SCENE_CLASSES; k++) {
      gradient->output[h][k] += error[k] * hidden[h];
      sum += error[k] * net->output[h][k];
    }
    back[h] = hidden[h] > 0.0f ? sum : 0.0f;
    gradient->hidden_bias[h] += back[h];
  }
  for (int k = 0; k < SCENE_CLASSES; k++) {
    gradient->output_bias[k] += error[k];
  }
  for (int f = 0; f < FEATURES; f++) {
    for (int h = 0; h < CLASSIFIER_HIDDEN; h++) {
      gradient->hidden[f][h] += back[h] * one->seen[f];
    }
  }
  return right;
}

/* Adam, with a rate that falls to nothing at the end. */
static void step(trainer *all) {
  const uint32_t total = EPOCHS * STEPS;
  float rate = 0.004f * (1.0f - (float)all->steps / (float)total);
  all->steps++;
  all->mean_power *= 0.9f;
  all->variance_power *= 0.999f;
  for (size_t i = 0; i < PARAMETERS; i++) {
    float g = all->gradient.all[i] / (float)BATCH;
    all->mean.all[i] = 0.9f * all->mean.all[i] + 0.1f * g;
    all->variance.all[i] = 0.999f * all->variance.all[i] + 0.001f * g * g;
    float m = all->mean.all[i] / (1.0f - all->mean_power);
    float v = all->variance.all[i] / (1.0f - all->variance_power);
    all->weights.all[i] -= rate * m / (__builtin_sqrtf(v) + 1e-8f);
    all->gradient.all[i] = 0.0f;
  }
}

static void epoch(trainer *all, uint32_t number) {
  uint32_t right = 0;
  for (uint32_t i = SAMPLES - 1; i > 0; i--) {
    uint32_t other = scene_hash(305u, number, i) % (i + 1u);
    uint32_t swap = all->order[i];
    all->order[i] = all->order[other];
    all->order[other] = swap;
  }
  for (uint32_t i = 0; i < SAMPLES; i++) {
    right += (uint32_t)learn(&all->weights.net, &all->gradient.net, &all->samples[all->order[i]]);
    if ((i + 1) % BATCH == 0) {
      step(all);
    }
  }
  fprintf(stderr, "epoch %u of %u: %.2f %% of pixels right\n", number + 1, EPOCHS,
          100.0 * right / SAMPLES);
}

/* The network for raw features. */
static void fold(scene_weights *out, const network *net, const float shift[FEATURES],
                 const float factor[FEATURES]) {
  for (int h = 0; h < CLASSIFIER_HIDDEN; h++) {
    double bias = (double)net->hidden_bias[h];
    for (int f = 0; f < FEATURES; f++) {
      out->hidden[h][f] = net->hidden[f][h] * factor[f];
      bias -= (double)out->hidden[h][f] * (double)shift[f];
    }
    out->hidden_bias[h] = (float)bias;
  }
  for (int k = 0; k < SCENE_CLASSES; k++) {
    for (int h = 0; h < CLASSIFIER_HIDDEN; h++) {
      out->output[k][h] = net->output[h][k];
    }
    out->output_bias[k] = net->output_bias[k];
  }
}

/* Scores the network on whole pictures of streets it has not seen, photographed by day. */
static lcal_status examine(trainer *all, const scene_weights *weights, lcal_error *error) {
  static float p[SCENE_CLASSES * SCENE_PIXELS];
  static uint8_t labels[SCENE_PIXELS];
  const scene_drift day = {.from = SCENE_DAY, .to = SCENE_DAY};
  const lcal_recording_meta meta = {.class_count = SCENE_CLASSES, .ignore_label = 255};
  scene_condition condition;
  lcal_score *score;
  lcal_status status = lcal_score_create(&score, &meta, error);
  if (status != LCAL_OK) {
    return status;
  }
  scene_drift_at(&condition, &day, 0);
  for (uint32_t seed = UNSEEN_SEED; seed < UNSEEN_SEED + 50u; seed++) {
    scene_render(&all->frame, seed, seed % 997u);
    scene_photograph(all->picture, &all->frame, &condition, seed, seed % 997u);
    scene_classify(p, all->picture, weights, &all->features);
    scene_argmax(labels, p);
    lcal_score_add(score, all->frame.labels, labels, 1, SCENE_PIXELS);
  }
  fprintf(stderr, "unseen streets by day: mIoU %.2f, accuracy %.2f\n", lcal_score_miou(score),
          lcal_score_accuracy(score));
  for (uint32_t k = 0; k < SCENE_CLASSES; k++) {
    fprintf(stderr, "  %-14s %6.2f\n", scene_class_names[k], lcal_score_iou(score, k));
  }
  lcal_score_destroy(score);
  return LCAL_OK;
}

static void write_row(FILE *file, const float *values, int count) {
  for (int i = 0; i < count; i++) {
    fprintf(file, "%s%.9gf", i == 0 ? "" : i % 6 == 0 ? ",\n     " : ", ", (double)values[i]);
  }
}

static void write_weights(FILE *file, const scene_weights *weights) {
  fprintf(file, "/* Written by train.c: do not edit. */\n"
                "/* clang-format off */\n"
                "#ifndef SCENE_WEIGHTS_H\n#define SCENE_WEIGHTS_H\n\n"
                "static const scene_weights trained = {\n  .hidden = {\n");
  for (int h = 0; h < CLASSIFIER_HIDDEN; h++) {
    fprintf(file, "    {");
    write_row(file, weights->hidden[h], FEATURES);
    fprintf(file, "},\n");
  }
  fprintf(file, "  },\n  .hidden_bias = {\n     ");
  write_row(file, weights->hidden_bias, CLASSIFIER_HIDDEN);
  fprintf(file, "},\n  .output = {\n");
  for (int k = 0; k < SCENE_CLASSES; k++) {
    fprintf(file, "    {");
    write_row(file, weights->output[k], CLASSIFIER_HIDDEN);
    fprintf(file, "},\n");
  }
  fprintf(file, "  },\n  .output_bias = {\n     ");
  write_row(file, weights->output_bias, SCENE_CLASSES);
  fprintf(file, "}};\n\n#endif\n");
}

static int write_file(const char *path, const scene_weights *weights) {
  FILE *file = fopen(path, "w");
  if (file == NULL) {
    fprintf(stderr, "scene_train: %s: %s\n", path, strerror(errno));
    return 1;
  }
  write_weights(file, weights);
  if (fclose(file) != 0) {
    fprintf(stderr, "scene_train: %s: %s\n", path, strerror(errno));
    return 1;
  }
  return 0;
}

int main(int argc, char **argv) {
  float shift[FEATURES];
  float factor[FEATURES];
  scene_weights weights;
  lcal_error error;
  if (argc != 2) {
    fprintf(stderr, "usage: scene_train WEIGHTS.h\n");
    return 2;
  }
  trainer *all = calloc(1, sizeof *all);
  if (all == NULL) {
    fprintf(stderr, "scene_train: needs %zu MB of memory\n", sizeof *all >> 20);
    return 1;
  }
  all->mean_power = all->variance_power = 1.0f;
  for (uint32_t i = 0; i < SAMPLES; i++) {
    all->order[i] = i;
  }
  collect(all);
  standardise(all, shift, factor);
  start(&all->weights.net);
  for (uint32_t i = 0; i < EPOCHS; i++) {
    epoch(all, i);
  }
  fold(&weights, &all->weights.net, shift, factor);
  if (examine(all, &weights, &error) != LCAL_OK) {
    fprintf(stderr, "scene_train: %s\n", error.message);
  }
  free(all);
  return write_file(argv[1], &weights);
}
