/* What every fuzz target asks: not only that a reader survives its input, but that what it says
 * afterwards holds. */
#ifndef FUZZ_H
#define FUZZ_H

#include <labelcal/wire.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libFuzzer's entries, which it declares for C++ alone. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* Ends the run, and so makes the input a find, unless the condition holds. */
#define REQUIRE(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))
_Noreturn void fuzz_fail(const char *condition, const char *file, int line);

/* A refusal has a code that is one of `codes` (a bit each) and the same in the report, and one
 * line of whole UTF-8 without control characters. */
void fuzz_refused(lcal_status status, const lcal_error *error, uint64_t codes);
#define CODE(symbol) (UINT64_C(1) << LCAL_##symbol)

/* A view lies within the input. */
void fuzz_within(lcal_bytes view, const uint8_t *data, size_t size);

/* An array of the size, which is at least 1, that the caller frees: ASan sees what goes beyond. */
void *fuzz_block(size_t size);
void *fuzz_copy(const void *bytes, size_t size);

/* The next number of a simple generator. */
uint32_t fuzz_next(uint32_t *seed);

#endif
