/* The certificate for several tolerances at once: the C^3 part does not depend on them. */
#ifndef CORE_CERTIFY_H
#define CORE_CERTIFY_H

#include <stdint.h>

/* t[n] (C each) for tolerance[n], n < count <= 8; as lcal_certify. */
void lcal__certify(uint32_t classes, const float *a, const float *b, uint32_t count,
                   const double *tolerance, float *const *t);

#endif
