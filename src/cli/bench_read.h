/* Reading memory and nothing else, several honest ways: what no pass over a tensor can beat. */
#ifndef CLI_BENCH_READ_H
#define CLI_BENCH_READ_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_READS 3 /* ways */

/* A tensor's bytes, in `planes` planes of equal size, cut in `pieces` that are read one by one. */
typedef struct bench_bytes {
  const void *data; /* on a multiple of 64, of a multiple of 64 bytes a plane */
  size_t plane;     /* bytes of one */
  uint32_t planes;
  uint32_t pieces;
} bench_bytes;

/* Reads one piece; the sum of its words. */
typedef uint64_t bench_read(const bench_bytes *bytes, uint32_t piece);

/* Way 0 .. BENCH_READS-1, by the widest loads this CPU has. */
bench_read *bench_read_at(unsigned way);

/* Its name, of a few words. */
const char *bench_read_word(unsigned way);

#endif
