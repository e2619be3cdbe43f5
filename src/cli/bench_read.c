#include "cli/bench_read.h"

#define LINE  ((size_t)64)
#define AHEAD 64u /* lines from what is read to what is fetched: 4 KiB */
#define RUN   64u /* lines of one plane before the next plane's */

#define INLINE static inline __attribute__((always_inline))

/* A cache line, of whatever type its values are. */
typedef uint64_t line __attribute__((vector_size(64), may_alias));

/* The sum of the words of `count` lines, in up to eight sums that do not wait for each other: as
 * many as the registers hold. `ahead`: lines to fetch on the way, or NULL. */
INLINE uint64_t sum_lines(const line *at, size_t count, const line *ahead, const unsigned sums) {
  line sum[8] = {{0}};
  size_t i = 0;
  for (; i + sums <= count; i += sums) {
#pragma GCC unroll 8
    for (unsigned k = 0; k < sums; k++) {
      if (ahead) {
        __builtin_prefetch(ahead + i + k);
      }
      sum[k] += at[i + k];
    }
  }
  for (; i < count; i++) {
    sum[0] += at[i];
  }
  uint64_t total = 0;
  for (unsigned k = 0; k < sums; k++) {
    for (unsigned word = 0; word < 8; word++) {
      total += sum[k][word];
    }
  }
  return total;
}

/* Where piece `piece` of `lines` lines begins. */
INLINE size_t cut(size_t lines, uint32_t piece, const bench_bytes *bytes) {
  return lines * piece / bytes->pieces;
}

INLINE uint64_t read_linear(const bench_bytes *bytes, uint32_t piece, int fetch,
                            const unsigned sums) {
  size_t lines = bytes->plane / LINE * bytes->planes;
  size_t from = cut(lines, piece, bytes);
  const line *at = (const line *)bytes->data + from;
  return sum_lines(at, cut(lines, piece + 1, bytes) - from, fetch ? at + AHEAD : NULL, sums);
}

/* A run of every plane, then the next run of every plane, as a pass over pixels goes; the run
 * that comes next is fetched on the way. */
INLINE uint64_t read_planes(const bench_bytes *bytes, uint32_t piece, const unsigned sums) {
  size_t lines = bytes->plane / LINE;
  size_t end = cut(lines, piece + 1, bytes);
  uint64_t total = 0;
  for (size_t from = cut(lines, piece, bytes); from < end; from += RUN) {
    size_t count = end - from < RUN ? end - from : RUN;
    const line *first = (const line *)bytes->data + from;
    for (uint32_t plane = 0; plane < bytes->planes; plane++) {
      const line *at = first + lines * plane;
      const line *next = plane + 1 < bytes->planes ? at + lines : first + RUN;
      total += sum_lines(at, count, next, sums);
    }
  }
  return total;
}

/* The three ways for one width of registers. */
#define READS(isa, sums)                                                                           \
  FOR_##isa static uint64_t linear_##isa(const bench_bytes *bytes, uint32_t piece) {               \
    return read_linear(bytes, piece, 0, sums);                                                     \
  }                                                                                                \
  FOR_##isa static uint64_t fetched_##isa(const bench_bytes *bytes, uint32_t piece) {              \
    return read_linear(bytes, piece, 1, sums);                                                     \
  }                                                                                                \
  FOR_##isa static uint64_t planes_##isa(const bench_bytes *bytes, uint32_t piece) {               \
    return read_planes(bytes, piece, sums);                                                        \
  }

#define FOR_any
READS(any, 2u)
#if defined(__x86_64__)
#define FOR_avx2   __attribute__((target("avx2")))
#define FOR_avx512 __attribute__((target("avx512f")))
READS(avx2, 4u)
READS(avx512, 8u)
#endif

bench_read *bench_read_at(unsigned way) {
#if defined(__x86_64__)
  static bench_read *const avx512[BENCH_READS] = {linear_avx512, fetched_avx512, planes_avx512};
  static bench_read *const avx2[BENCH_READS] = {linear_avx2, fetched_avx2, planes_avx2};
  if (__builtin_cpu_supports("avx512f")) {
    return avx512[way];
  }
  if (__builtin_cpu_supports("avx2")) {
    return avx2[way];
  }
#endif
  static bench_read *const any[BENCH_READS] = {linear_any, fetched_any, planes_any};
  return any[way];
}

const char *bench_read_word(unsigned way) {
  static const char *const words[BENCH_READS] = {"lines", "lines, fetched ahead",
                                                 "runs, fetched ahead"};
  return words[way];
}
