/* camera_frames DRIFT COUNT: pictures of the embedded camera as its network sees them, on standard
 * output: a line "classes height width", then COUNT u8 tensors (CHW), every 20th picture. */
#include "scene/source.h"

#include <stdio.h>
#include <stdlib.h>

#define STEP 20u

static int fail(const lcal_error *error) {
  fprintf(stderr, "camera_frames: %s\n", error->message);
  return 1;
}

int main(int argc, char **argv) {
  scene_options options = {.seed = 1, .type = LCAL_U8, .layout = LCAL_CHW};
  lcal_error error = {LCAL_OK, "usage: camera_frames DRIFT COUNT"};
  scene_source *source = NULL;
  if (argc != 3 || scene_drift_parse(&options.drift, argv[1], &error) ||
      scene_source_create(&source, &options, &error)) {
    return fail(&error);
  }
  unsigned long count = strtoul(argv[2], NULL, 10);
  for (uint32_t i = 0; i < count; i++) {
    const scene_shot *shot = scene_source_shoot(source, i * STEP);
    if (i == 0) {
      printf("%u %u %u\n", shot->tensor.classes, shot->tensor.height, shot->tensor.width);
    }
    fwrite(shot->tensor.data, 1, shot->bytes, stdout);
  }
  scene_source_destroy(source);
  return fflush(stdout) ? 1 : 0;
}
