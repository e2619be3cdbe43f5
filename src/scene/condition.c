#include "scene/condition.h"
#include "scene/exponential.h"
#include "scene/random.h"

#include <stdlib.h>

static const scene_condition conditions[SCENE_WEATHERS] = {
    [SCENE_DAY] = {.sunlight = {1.15f, 1.12f, 1.08f},
                   .haze = 0.0006f,
                   .airlight = {0.75f, 0.80f, 0.88f},
                   .shot = 0.0002f,
                   .read = 0.002f},
    /* After sunset: blue light from the sky alone, all lamps on, a long exposure that makes up
     * for most of it, and the sensor's gain. */
    [SCENE_DUSK] = {.sunlight = {0.42f, 0.46f, 0.60f},
                    .lamps = {[SCENE_GLOW_WINDOW] = {0.75f, 0.50f, 0.20f},
                              [SCENE_GLOW_LAMP] = {1.0f, 0.9f, 0.65f},
                              [SCENE_GLOW_TAIL] = {0.8f, 0.04f, 0.03f}},
                    .headlights = 0.5f,
                    .haze = 0.001f,
                    .airlight = {0.28f, 0.32f, 0.44f},
                    .shot = 0.001f,
                    .read = 0.006f},
    /* One sees about 300 m. */
    [SCENE_FOG] =
        {.sunlight = {0.95f, 0.95f, 0.95f},
         .lamps =
             {[SCENE_GLOW_LAMP] = {0.4f, 0.4f, 0.35f}, [SCENE_GLOW_TAIL] = {0.4f, 0.02f, 0.02f}},
         .haze = 0.012f,
         .airlight = {0.66f, 0.67f, 0.68f},
         .shot = 0.0004f,
         .read = 0.003f},
    /* Daylight, and a sensor that has seen better days. */
    [SCENE_NOISE] = {.sunlight = {1.15f, 1.12f, 1.08f},
                     .haze = 0.0006f,
                     .airlight = {0.75f, 0.80f, 0.88f},
                     .shot = 0.004f,
                     .read = 0.02f},
};

static const char *const words[SCENE_WEATHERS] = {
#define SCENE_WEATHER_WORD(symbol, word) word,
    SCENE_WEATHER_MAP(SCENE_WEATHER_WORD)
#undef SCENE_WEATHER_WORD
};

const char *scene_weather_word(enum scene_weather weather) {
  return words[weather];
}

/* The weather whose word is the first `length` bytes of `text`, or SCENE_WEATHERS. */
static enum scene_weather weather_of(const char *text, size_t length) {
  for (int i = 0; i < SCENE_WEATHERS; i++) {
    if (strlen(words[i]) == length && memcmp(words[i], text, length) == 0) {
      return (enum scene_weather)i;
    }
  }
  return SCENE_WEATHERS;
}

lcal_status scene_drift_parse(scene_drift *drift, const char *text, lcal_error *error) {
  size_t first = strcspn(text, ":");
  scene_drift parsed = {.from = weather_of(text, first)};
  parsed.to = parsed.from;
  if (text[first] == ':') {
    const char *second = text + first + 1;
    size_t length = strcspn(second, ":");
    const char *count = second + length + (second[length] == ':');
    size_t digits = strspn(count, "0123456789");
    parsed.to = weather_of(second, length);
    if (digits == 0 || digits > 7 || count[digits] != '\0') {
      parsed.to = SCENE_WEATHERS;
    } else {
      parsed.frames = (uint32_t)strtoul(count, NULL, 10);
    }
    if (parsed.frames == 0) {
      parsed.to = SCENE_WEATHERS;
    }
  }
  if (parsed.from == SCENE_WEATHERS || parsed.to == SCENE_WEATHERS) {
    return lcal_error_set(error, LCAL_ARGUMENT,
                          "\"%.64s\" is no condition: write day, dusk, fog or noise, or a drift "
                          "from one to another over a number of frames, as day:dusk:200",
                          text);
  }
  *drift = parsed;
  return LCAL_OK;
}

static float blend(float from, float to, float share) {
  return from + (to - from) * share;
}

static void blend_rgb(float out[3], const float from[3], const float to[3], float share) {
  for (int i = 0; i < 3; i++) {
    out[i] = blend(from[i], to[i], share);
  }
}

void scene_drift_at(scene_condition *condition, const scene_drift *drift, uint32_t number) {
  const scene_condition *from = &conditions[drift->from];
  const scene_condition *to = &conditions[drift->to];
  if (drift->frames == 0 || number >= drift->frames) {
    *condition = *to;
    return;
  }
  float share = (float)number / (float)drift->frames;
  blend_rgb(condition->sunlight, from->sunlight, to->sunlight, share);
  for (int i = 0; i < SCENE_GLOWS; i++) {
    blend_rgb(condition->lamps[i], from->lamps[i], to->lamps[i], share);
  }
  condition->headlights = blend(from->headlights, to->headlights, share);
  condition->haze = blend(from->haze, to->haze, share);
  blend_rgb(condition->airlight, from->airlight, to->airlight, share);
  condition->shot = blend(from->shot, to->shot, share);
  condition->read = blend(from->read, to->read, share);
}

/* How much of our headlights arrives at a pixel: a beam that is aimed at the road ahead. */
static float beam(int row, int column, float depth) {
  float x = ((float)column - (float)SCENE_WIDTH * 0.5f) / 190.0f;
  float y = ((float)row - 150.0f) / 60.0f;
  float aim = 1.0f - x * x - y * y;
  float far = depth / 10.0f;
  return aim > 0.0f ? aim / (1.0f + far * far) : 0.0f;
}

/* About normal, mean 0 and variance 1: the sum of a hash's four bytes. */
static float gauss(uint32_t hash) {
  uint32_t sum = (hash & 255u) + ((hash >> 8) & 255u) + ((hash >> 16) & 255u) + (hash >> 24);
  return ((float)(int32_t)sum - 510.0f) / 147.8f;
}

static uint8_t tone(float light) {
  light = light < 0.0f ? 0.0f : light > 1.0f ? 1.0f : light;
  return (uint8_t)(int32_t)(__builtin_sqrtf(light) * 255.0f + 0.5f);
}

/* One row of one colour. `clear` is what the air lets through, `lit` our headlights. */
static void expose_row(uint8_t *restrict out, const scene_frame *frame, int row, int channel,
                       const scene_condition *condition, const float *restrict clear,
                       const float *restrict lit, uint32_t grain) {
  const float *restrict light = frame->light[channel] + row * SCENE_WIDTH;
  const uint8_t *restrict glow = frame->glow + row * SCENE_WIDTH;
  float sun = condition->sunlight[channel];
  float air = condition->airlight[channel];
  float variance = condition->read * condition->read;
  for (int x = 0; x < SCENE_WIDTH; x++) {
    float own = light[x] * (sun + lit[x]) + condition->lamps[glow[x]][channel];
    float seen = own * clear[x] + air * (1.0f - clear[x]);
    float sigma = __builtin_sqrtf(condition->shot * seen + variance);
    out[x] = tone(seen + sigma * gauss(scene_hash(grain, (uint32_t)x, (uint32_t)row)));
  }
}

void scene_photograph(uint8_t *picture, const scene_frame *frame, const scene_condition *condition,
                      uint32_t seed, uint32_t number) {
  float clear[SCENE_WIDTH];
  float lit[SCENE_WIDTH];
  for (int row = 0; row < SCENE_HEIGHT; row++) {
    const float *depth = frame->depth + row * SCENE_WIDTH;
    for (int x = 0; x < SCENE_WIDTH; x++) {
      clear[x] = scene_exp(-condition->haze * depth[x]);
      lit[x] = condition->headlights * beam(row, x, depth[x]);
    }
    for (int channel = 0; channel < 3; channel++) {
      expose_row(picture + channel * SCENE_PIXELS + row * SCENE_WIDTH, frame, row, channel,
                 condition, clear, lit, scene_hash(seed, number, (uint32_t)channel));
    }
  }
}
