/* A domain: the running statistics of one set of conditions, how they forget (cumulative, ema,
 * window), and the coefficients built from them.
 *
 * A commit has two halves, so that a worker computes and the owner decides: prepare() makes the
 * next statistics and coefficients beside the current ones, install() makes them current.
 * Nothing allocates after create(). Not thread-safe: one prepare() or one change at a time;
 * reading the current state while prepare() runs is fine. */
#ifndef LABELCAL_DOMAIN_H
#define LABELCAL_DOMAIN_H

#include <labelcal/rules.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum lcal_forgetting { LCAL_CUMULATIVE, LCAL_EMA, LCAL_WINDOW } lcal_forgetting;
typedef enum lcal_unit { LCAL_FRAMES, LCAL_SECONDS } lcal_unit;
typedef enum lcal_order { LCAL_PREDICT_FIRST, LCAL_UPDATE_FIRST } lcal_order;

/* A stamp further than this from the newest committed one counts as no time (method.md). */
#define LCAL_CLOCK_JUMP_NS (600ull * 1000000000ull)

/* How a bank adapts; labelcald.yaml's `adaptation`. */
typedef struct lcal_adaptation {
  const lcal_rule *rule;      /* default euclidean */
  lcal_order order;           /* default predict_first */
  lcal_forgetting forgetting; /* default ema; fixed for the life of a domain */
  double half_life;           /* ema: frames or seconds, > 0; default 3000 */
  lcal_unit unit;             /* ema; default frames */
  uint32_t window;            /* window: frames, >= 1; default 500; fixed for a domain's life */
  double min_weight;          /* prototypes are one-hot up to this weight; default 1e-9 */
  uint64_t warmup_frames;     /* committed frames before labels are calibrated; default 0 */
  double sum_tolerance;       /* default 0.01 */
  const uint8_t *protect;     /* C flags or NULL (none); not owned, outlives the domain's use */
} lcal_adaptation;

/* The defaults above. */
LCAL_API void lcal_adaptation_default(lcal_adaptation *adaptation);

/* Limits beyond which a frame is not committed or not trusted; NaN = off. labelcald.yaml's
 * `guards`; defaults 0.5, NaN, 0.5. */
typedef struct lcal_guards {
  double max_void;       /* share of void pixels */
  double min_confidence; /* mean m of valid pixels; none valid trips it */
  double max_changed;    /* share of valid pixels relabelled */
} lcal_guards;

typedef enum lcal_guard {
  LCAL_GUARD_NONE,
  LCAL_GUARD_MAX_VOID,
  LCAL_GUARD_MIN_CONFIDENCE,
  LCAL_GUARD_MAX_CHANGED,
  LCAL_GUARD_MASK,
  LCAL_GUARD_COUNT
} lcal_guard;

LCAL_API const char *lcal_guard_word(lcal_guard guard); /* "max_void" ...; NULL for none */

typedef struct lcal_domain lcal_domain; /* opaque */

/* An empty domain of C classes. Allocates everything it will ever need: two sets of statistics
 * and coefficients, and for a window 2N-1 tree nodes. Its coefficients are stale until rebuild().
 * LCAL_ARGUMENT, LCAL_MEMORY. */
LCAL_API lcal_status lcal_domain_create(lcal_domain **domain, uint32_t classes,
                                        const lcal_adaptation *adaptation, lcal_error *error);
LCAL_API void lcal_domain_destroy(lcal_domain *domain); /* NULL is fine */

/* Bytes of a window's tree nodes (limits.window_bytes); SIZE_MAX if it does not fit. */
LCAL_API size_t lcal_domain_window_bytes(uint32_t classes, uint32_t window);

/* The current state; valid until the next install or change. */
LCAL_API const lcal_statistics *lcal_domain_statistics(const lcal_domain *domain);
LCAL_API const lcal_coefficients *lcal_domain_coefficients(const lcal_domain *domain);
LCAL_API uint64_t lcal_domain_version(const lcal_domain *domain);
LCAL_API void lcal_domain_set_version(lcal_domain *domain, uint64_t version);
LCAL_API uint64_t lcal_domain_stamp(const lcal_domain *domain); /* newest committed, ns; 0 = none */
LCAL_API void lcal_domain_set_stamp(lcal_domain *domain, uint64_t stamp_ns); /* from a snapshot */

/* Computes, beside the current state, what committing one frame's statistics would give:
 * statistics (method.md, "Forgetting") and coefficients of version+1. A worker's half. */
LCAL_API void lcal_domain_prepare(lcal_domain *domain, const lcal_adaptation *adaptation,
                                  const lcal_statistics *frame, uint64_t stamp_ns);

/* The coefficients that prepare() made (update_first labels with them before install). */
LCAL_API const lcal_coefficients *lcal_domain_prepared(const lcal_domain *domain);

/* Makes what prepare() computed current; version+1. True if forgetting goes by the clock (ema in
 * seconds) and the stamp jumped by more than LCAL_CLOCK_JUMP_NS (the caller raises the event).
 * The owner's half. */
LCAL_API int lcal_domain_install(lcal_domain *domain);

/* Rebuilds the current coefficients from the current statistics (a rule, protect, min_weight or
 * sum_tolerance changed, or statistics were loaded). C^3 work: a worker's. */
LCAL_API void lcal_domain_rebuild(lcal_domain *domain, const lcal_adaptation *adaptation);

/* Changes between frames. Each adds 1 to version; coefficients are stale until rebuild(). */
LCAL_API void lcal_domain_reset(lcal_domain *domain); /* forgets all, the stamp too */
LCAL_API void lcal_domain_reset_class(lcal_domain *domain, uint32_t k);

/* Replaces everything by, or adds, one set, with its frames and pixels as they are given; in a
 * window it becomes one set, the oldest, or is added to the oldest if the window is full
 * (protocol.md, load_statistics). */
LCAL_API void lcal_domain_replace(lcal_domain *domain, const lcal_statistics *statistics);
LCAL_API void lcal_domain_add(lcal_domain *domain, const lcal_statistics *statistics);

/* The sets of a window, oldest first: how many, and the i-th (borrowed until the next change).
 * A set's frames and pixels are not kept. 0 where forgetting is not window. */
LCAL_API uint32_t lcal_domain_window_count(const lcal_domain *domain);
LCAL_API const lcal_statistics *lcal_domain_window_set(const lcal_domain *domain, uint32_t i,
                                                       uint32_t *slot);

/* Restores a window from sets, oldest first (the newest N are taken), with totals from
 * `totals` (count, frames, pixels). Slots are kept if they are consecutive modulo N, so that a
 * restart gives the same bits; else they are numbered anew. Version is left alone. */
LCAL_API void lcal_domain_restore_window(lcal_domain *domain, const lcal_statistics *totals,
                                         const lcal_statistics *const *sets, const uint32_t *slots,
                                         uint32_t count);

#ifdef __cplusplus
}
#endif
#endif
