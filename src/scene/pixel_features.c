#include "scene/pixel_features.h"

static int clamp(int value, int limit) {
  return value < 0 ? 0 : value >= limit ? limit - 1 : value;
}

/* Brightness, 0..1020: weights of whole numbers keep the sums exact. */
static int32_t brightness(const uint8_t *picture, int row, int column) {
  const uint8_t *pixel =
      picture + clamp(row, SCENE_HEIGHT) * SCENE_WIDTH + clamp(column, SCENE_WIDTH);
  return pixel[0] + 2 * pixel[SCENE_PIXELS] + pixel[2 * SCENE_PIXELS];
}

static uint32_t difference(int32_t a, int32_t b) {
  return (uint32_t)(a < b ? b - a : a - b);
}

void scene_features_prepare(scene_features *features, const uint8_t *picture) {
  for (int sum = 0; sum < SUMS; sum++) {
    for (int j = 0; j < FEATURES_COLUMNS; j++) {
      features->sums[sum][0][j] = 0;
    }
  }
  for (int i = 1; i < FEATURES_ROWS; i++) {
    int row = i - 1 - FEATURES_BORDER;
    uint32_t running[SUMS] = {0};
    for (int sum = 0; sum < SUMS; sum++) {
      features->sums[sum][i][0] = 0;
    }
    for (int j = 1; j < FEATURES_COLUMNS; j++) {
      int column = j - 1 - FEATURES_BORDER;
      const uint8_t *pixel =
          picture + clamp(row, SCENE_HEIGHT) * SCENE_WIDTH + clamp(column, SCENE_WIDTH);
      int32_t here = brightness(picture, row, column);
      running[SUM_RED] += pixel[0];
      running[SUM_GREEN] += pixel[SCENE_PIXELS];
      running[SUM_BLUE] += pixel[2 * SCENE_PIXELS];
      running[SUM_SQUARE] += (uint32_t)(here * here);
      running[SUM_ACROSS] += difference(here, brightness(picture, row, column + 1));
      running[SUM_DOWN] += difference(here, brightness(picture, row + 1, column));
      for (int sum = 0; sum < SUMS; sum++) {
        features->sums[sum][i][j] = features->sums[sum][i - 1][j] + running[sum];
      }
    }
  }
}

/* Means of one kind over windows of (2*radius+1)^2 pixels around (row, column + x). */
static void window_means(const scene_features *features, enum features_sum sum, int row, int column,
                         int radius, float out[FEATURES_RUN]) {
  int side = 2 * radius + 1;
  const uint32_t *top =
      &features->sums[sum][row + FEATURES_BORDER - radius][column + FEATURES_BORDER - radius];
  const uint32_t *bottom = top + side * FEATURES_COLUMNS;
  float scale = 1.0f / (255.0f * (float)(side * side));
  for (int x = 0; x < FEATURES_RUN; x++) {
    uint32_t total = bottom[x + side] - bottom[x] - top[x + side] + top[x];
    out[x] = (float)(int32_t)total * scale;
  }
}

/* Standard deviation of brightness in windows whose mean colours are known. */
static void window_roughness(const scene_features *features, int row, int column, int radius,
                             float mean[3][FEATURES_RUN], float out[FEATURES_RUN]) {
  window_means(features, SUM_SQUARE, row, column, radius, out);
  for (int x = 0; x < FEATURES_RUN; x++) {
    float bright = mean[0][x] + 2.0f * mean[1][x] + mean[2][x];
    float variance = out[x] / 255.0f - bright * bright;
    out[x] = __builtin_sqrtf(variance > 0.0f ? variance : 0.0f);
  }
}

void scene_features_run(const scene_features *features, int row, int column,
                        float out[FEATURES][FEATURES_RUN]) {
  /* Around the pixel, near and far: rows down, columns right, radius. */
  static const int around[8][3] = {{-16, 0, 4}, {16, 0, 4}, {0, -16, 4}, {0, 16, 4},
                                   {-44, 0, 7}, {44, 0, 7}, {0, -44, 7}, {0, 44, 7}};
  for (int channel = 0; channel < 3; channel++) {
    enum features_sum sum = (enum features_sum)channel;
    window_means(features, sum, row, column, 1, out[channel]);
    window_means(features, sum, row, column, 2, out[3 + channel]);
    window_means(features, sum, row, column, 7, out[6 + channel]);
    for (int i = 0; i < 8; i++) {
      window_means(features, sum, row + around[i][0], column + around[i][1], around[i][2],
                   out[9 + 3 * i + channel]);
    }
  }
  window_roughness(features, row, column, 2, out + 3, out[33]);
  window_roughness(features, row, column, 7, out + 6, out[34]);
  window_means(features, SUM_ACROSS, row, column, 3, out[35]);
  window_means(features, SUM_DOWN, row, column, 3, out[36]);
  for (int x = 0; x < FEATURES_RUN; x++) {
    float across = (float)(column + x) / (float)SCENE_WIDTH - 0.5f;
    out[37][x] = (float)row / (float)SCENE_HEIGHT;
    out[38][x] = across;
    out[39][x] = across < 0.0f ? -across : across;
  }
}
