/* Makes memory run out at each allocation in turn. A program that uses this is linked with
 * --wrap of each function that allocates (meson.build), so that calls from the code under test,
 * from jansson, and msgpack-c's unpacking come here. */
#ifndef TESTS_ALLOCATIONS_H
#define TESTS_ALLOCATIONS_H

#include <labelcal/status.h>

/* Does something that allocates, releases all of it again, and returns how it ended. */
typedef lcal_status (*attempt)(void *context, lcal_error *error);

/* Runs `once` again and again, its first allocation failing, then its second, ..., until one
 * run has no allocation left to fail. Fails the test unless every run but the last ends with
 * LCAL_MEMORY and a sentence, the last with LCAL_OK, and none leaves a block behind. Returns how
 * many allocations were made to fail. */
unsigned every_allocation_fails(attempt once, void *context);

/* The same where the code may do without some of its memory: LCAL_OK is right too. */
unsigned every_allocation_may_fail(attempt once, void *context);

#endif
