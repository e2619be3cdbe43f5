/* Pictures of the embedded camera as PNG files. */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H

#include "scene/scene.h"

#include <labelcal/status.h>

/* Writes, side by side: the photograph, the truth, the argmax and, if there is one, the
 * calibrated map, in Cityscapes' colours. Planes and maps as in scene/source.h. LCAL_SYSTEM;
 * LCAL_BAD_CONFIG in a build without libpng. */
lcal_status picture_write(const char *path, const uint8_t *picture, const uint8_t *truth,
                          const uint8_t *argmax, const uint8_t *calibrated, lcal_error *error);

#endif
