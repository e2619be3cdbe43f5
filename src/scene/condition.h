/* Under what light, through what air and with what sensor the street is photographed. */
#ifndef SCENE_CONDITION_H
#define SCENE_CONDITION_H

#include "scene/scene.h"

#include <labelcal/status.h>

/* The camera's whole chain. Light is linear, 1 = what saturates the sensor. */
typedef struct scene_condition {
  float sunlight[3];           /* times what the street reflects */
  float lamps[SCENE_GLOWS][3]; /* light that glowing things give off */
  float headlights;            /* of our own car on what is near */
  float haze;                  /* 1/m; what is d metres away keeps e^(-haze*d) of its light */
  float airlight[3];           /* and the air adds the rest of this */
  float shot, read;            /* sensor noise: variance shot*light + read^2 */
} scene_condition;

#define SCENE_WEATHER_MAP(X) X(DAY, "day") X(DUSK, "dusk") X(FOG, "fog") X(NOISE, "noise")

enum scene_weather {
#define SCENE_WEATHER_ENUM(symbol, word) SCENE_##symbol,
  SCENE_WEATHER_MAP(SCENE_WEATHER_ENUM)
#undef SCENE_WEATHER_ENUM
      SCENE_WEATHERS
};

const char *scene_weather_word(enum scene_weather weather);

/* From one weather to another over `frames` pictures, in equal steps; then it stays. */
typedef struct scene_drift {
  enum scene_weather from, to;
  uint32_t frames; /* picture 0 is `from`, picture `frames` the first that is all `to`; 0: always
                      `from` */
} scene_drift;

/* Reads "day" (no drift) or "day:dusk:200". LCAL_ARGUMENT names the words that there are. */
lcal_status scene_drift_parse(scene_drift *drift, const char *text, lcal_error *error);

/* The condition of picture `number`. */
void scene_drift_at(scene_condition *condition, const scene_drift *drift, uint32_t number);

/* Photographs *frame: planes of red, green and blue, 3 * SCENE_PIXELS bytes, as a camera with a
 * square-root tone curve gives them. The noise depends on (seed, number) alone. */
void scene_photograph(uint8_t *picture, const scene_frame *frame, const scene_condition *condition,
                      uint32_t seed, uint32_t number);

#endif
