/* liblabelcal: all of its public headers. */
#ifndef LABELCAL_LABELCAL_H
#define LABELCAL_LABELCAL_H

#include <labelcal/client.h>
#include <labelcal/core.h>
#include <labelcal/recording.h>
#include <labelcal/store.h>
#include <labelcal/wire.h>

#endif
