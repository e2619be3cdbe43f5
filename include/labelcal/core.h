/* The room of the method: tensors, statistics, rules, domains, the calibrator (libc, libm). */
#ifndef LABELCAL_CORE_H
#define LABELCAL_CORE_H

#include <labelcal/calibrator.h>
#include <labelcal/domain.h>
#include <labelcal/rules.h>
#include <labelcal/statistics.h>
#include <labelcal/status.h>
#include <labelcal/tensor.h>

#endif
