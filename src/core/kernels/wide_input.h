/* The input stage of a wide tier: a band, tile by tile. */
#ifndef CORE_KERNELS_WIDE_INPUT_H
#define CORE_KERNELS_WIDE_INPUT_H

#include "core/kernels/wide_bytes.h"
#include "core/kernels/wide_read.h"
#include "core/kernels/wide_score.h"

/* What a band needs besides the frame. */
struct wide_band {
  struct wide_waiting waiting;
  float sure[LCAL_CLASSES_MAX]; /* the certificate's threshold */
  float kept[LCAL_CLASSES_MAX]; /* argmax c stays from this m on without scores */
  int same;                     /* kept is sure everywhere */
};

static inline void begin_band(const struct lcal__frame *frame, struct wide_band *band) {
  const lcal_coefficients *coefficients = frame->pass.coefficients;
  band->waiting.count = 0;
  band->same = frame->certify;
  for (uint32_t c = 0; coefficients && c < coefficients->classes; c++) {
    float threshold = frame->certify ? frame->threshold[c] : INFINITY;
    band->sure[c] = frame->threshold[c];
    band->kept[c] = coefficients->protect[c] ? -INFINITY : threshold;
    band->same &= !coefficients->protect[c];
  }
}

/* table[class] in each lane, of a table that may be read to its end. */
WIDE_INLINE vf of_class(const float *table, uint32_t classes, vu class) {
  return classes <= LCAL__FEW ? vf_lookup_32(table, class) : vf_lookup(table, class);
}

/* Puts the lanes `bits` of a group among those that wait. */
WIDE_INLINE void wait_for_scores(uint32_t classes, const struct wide_tile *tile, const float *p,
                                 float *gathered, size_t band_first, struct wide_waiting *waiting,
                                 uint32_t g, uint32_t bits) {
  vk lane = vk_of(bits);
  uint32_t at = (uint32_t)(tile->first - band_first) + g * WIDE_LANES;
  float *to = gathered + waiting->count;
  const float *from = p + (size_t)g * WIDE_LANES;
#pragma GCC unroll 4
  for (uint32_t c = 0; c < classes; c++) {
    vf_compress(to, lane, vf_load(from));
    to += WIDE_STRIDE;
    from += LCAL__TILE;
  }
  vu_compress(waiting->pixel + waiting->count, lane, vu_from(at));
  vu_compress(waiting->argmax + waiting->count, lane, vu_load(tile->argmax + g * WIDE_LANES));
  waiting->count += (uint32_t)__builtin_popcount(bits);
}

/* Sets aside the valid pixels whose label is not sure; counts those that are certified. */
WIDE_INLINE void find_unsure(const struct lcal__frame *frame, const struct wide_tile *tile,
                             const float *p, float *gathered, size_t band_first,
                             struct wide_band *band, struct wide_ahead *ahead,
                             struct lcal__partial *partial) {
  uint32_t classes = frame->pass.tensor->classes;
  for (uint32_t g = 0; g < tile->groups; g++) {
    fetch_planes(ahead, 1);
    vu class = vu_load(tile->argmax + g * WIDE_LANES);
    vf m = vf_load(tile->m + g * WIDE_LANES);
    vk sure = vf_ge(m, of_class(band->sure, classes, class));
    vk kept = band->same ? sure : vf_ge(m, of_class(band->kept, classes, class));
    uint32_t unsure = tile->valid[g] & ~vk_bits(kept);
    partial->certified += (uint64_t)__builtin_popcount(tile->valid[g] & vk_bits(sure));
    if (unsure) {
      wait_for_scores(classes, tile, p, gathered, band_first, &band->waiting, g, unsure);
      partial->changed += label_full_batch(frame, gathered, band_first, &band->waiting);
    }
  }
}

/* How many pixels group g of the tile has. */
WIDE_INLINE uint32_t group_count(const struct wide_tile *tile, uint32_t g) {
  uint32_t left = tile->count - g * WIDE_LANES;
  return left < WIDE_LANES ? left : WIDE_LANES;
}

/* The argmax as label, and the other maps. */
WIDE_INLINE void write_labels(const struct wide_tile *tile, void *map, int bytes) {
  for (uint32_t g = 0; g < tile->groups; g++) {
    vu label = vu_choose(vk_of(tile->valid[g]), vu_load(tile->argmax + g * WIDE_LANES),
                         vu_set(LCAL__VOID));
    put_classes(map, bytes, tile->first + g * WIDE_LANES, group_count(tile, g), label);
  }
}

static inline void write_confidence(const struct wide_tile *tile, uint8_t *to) {
  for (uint32_t g = 0; g < tile->groups; g++) {
    vu value =
        vd_confidence(vd_of(vf_keep(vk_of(tile->valid[g]), vf_load(tile->m + g * WIDE_LANES))));
    put_classes(to, 1, tile->first + g * WIDE_LANES, group_count(tile, g), value);
  }
}

WIDE_INLINE void write_maps(const struct lcal__frame *frame, const struct wide_tile *tile) {
  const lcal_pass *pass = &frame->pass;
  if (frame->upsampling) {
    write_labels(tile, frame->input_label, 0);
    write_labels(tile, frame->input_argmax, 0);
    return;
  }
  int bytes = lcal_label_size(pass->tensor->classes) == 1;
  write_labels(tile, pass->calibrated, bytes);
  write_labels(tile, pass->argmax, bytes);
  if (pass->confidence) {
    write_confidence(tile, pass->confidence);
  }
}

WIDE_INLINE void add_confidence(const struct wide_tile *tile, struct lcal__partial *partial) {
  vf sum = vf_set(0);
  for (uint32_t g = 0; g < tile->groups; g++) {
    sum = vf_add(sum, vf_keep(vk_of(tile->valid[g]), vf_load(tile->m + g * WIDE_LANES)));
  }
  partial->confidence += (double)vf_fold_one(sum);
}

/* m of a class's pixels: groups that have any, side by side. */
struct members {
  uint32_t groups;
  uint32_t group[WIDE_TILE];
  vf m[WIDE_TILE]; /* 0 in the other lanes */
};

/* m p_i of the members, for `count` components from i on. */
WIDE_INLINE void add_components(const struct members *members, const float *p, uint32_t count,
                                vf *row) {
  const float *from = p + (size_t)members->group[0] * WIDE_LANES;
  for (uint32_t i = 0; i < count; i++) {
    row[i] = vf_mul(members->m[0], vf_load(from + i * LCAL__TILE));
  }
  for (uint32_t n = 1; n < members->groups; n++) {
    from = p + (size_t)members->group[n] * WIDE_LANES;
    for (uint32_t i = 0; i < count; i++) {
      row[i] = vf_fma(members->m[n], vf_load(from + i * LCAL__TILE), row[i]);
    }
  }
}

/* S[c] and w[c] of the members. */
WIDE_INLINE void add_class(uint32_t classes, const float *p, uint32_t c,
                           const struct members *members, struct lcal__partial *partial) {
  double *sum = partial->sum + (size_t)c * classes;
  vf total = members->m[0];
  for (uint32_t n = 1; n < members->groups; n++) {
    total = vf_add(total, members->m[n]);
  }
  partial->weight[c] += (double)vf_fold_one(total);
  uint32_t i = 0;
  vf row[16];
  for (; i + 16 <= classes; i += 16) {
    add_components(members, p + (size_t)i * LCAL__TILE, 16, row);
    vd_grow(sum + i, vf_fold(row), 16);
  }
  for (; i + 4 <= classes; i += 4) {
    add_components(members, p + (size_t)i * LCAL__TILE, 4, row);
    vd_grow(sum + i, vf_fold_four(row), 4);
  }
  if (i < classes) {
    uint32_t count = classes - i;
    row[1] = row[2] = row[3] = vf_set(0);
    add_components(members, p + (size_t)i * LCAL__TILE, count, row);
    vd_grow(sum + i, vf_fold_four(row), count);
  }
}

/* What of a tile's counted pixels is looked at sixty-four at once: their bits, and the low byte of
 * their argmax. */
struct wide_words {
  uint64_t counted[LCAL__TILE / 64];
  uint8_t low[LCAL__TILE];
};

WIDE_INLINE void make_words(const struct wide_tile *tile, struct wide_words *words) {
  words->counted[0] = words->counted[1] = 0;
  for (uint32_t g = 0; g < tile->groups; g++) {
    words->counted[g / 4] |= (uint64_t)tile->counted[g] << (16 * (g % 4));
    vu_store_u8(words->low + g * WIDE_LANES, vu_load(tile->argmax + g * WIDE_LANES));
  }
}

/* Takes the pixels of class c from the counted ones: groups that have any, m, and how many. */
WIDE_INLINE uint32_t take_members(uint32_t classes, const struct wide_tile *tile, uint32_t c,
                                  struct wide_words *words, uint32_t first,
                                  struct members *members) {
  uint32_t count = 0;
  members->groups = 0;
  for (uint32_t w = first; w < LCAL__TILE / 64; w++) {
    uint64_t taken = 0, bits = words->counted[w];
    if (bits) {
      bits &= vb_eq(vb_load(words->low + 64 * w), vb_set((uint8_t)c));
    }
    while (bits) {
      uint32_t i = (uint32_t)__builtin_ctzll(bits) / 16, g = 4 * w + i;
      uint32_t some = (uint32_t)(bits >> (16 * i)) & 0xffffu;
      bits &= ~((uint64_t)0xffffu << (16 * i));
      if (classes > 256) { /* another class may have the same low byte */
        some &= vk_bits(vu_eq(vu_load(tile->argmax + g * WIDE_LANES), vu_set(c)));
      }
      if (some) {
        members->group[members->groups] = g;
        members->m[members->groups++] = vf_keep(vk_of(some), vf_load(tile->m + g * WIDE_LANES));
        taken |= (uint64_t)some << (16 * i);
      }
    }
    words->counted[w] &= ~taken;
    count += (uint32_t)__builtin_popcountll(taken);
  }
  return count;
}

/* The statistics of a tile, class by class of those that are in it. */
WIDE_INLINE void add_statistics(uint32_t classes, const float *p, const struct wide_tile *tile,
                                struct wide_ahead *ahead, struct lcal__partial *partial) {
  struct wide_words words;
  make_words(tile, &words);
  for (uint32_t first = 0; first < LCAL__TILE / 64; first++) {
    while (words.counted[first]) {
      uint32_t c = tile->argmax[first * 64 + (uint32_t)__builtin_ctzll(words.counted[first])];
      struct members members;
      fetch_planes(ahead, 3);
      lcal__count_class(partial, classes, c,
                        take_members(classes, tile, c, &words, first, &members));
      if (members.groups > 0) { /* as it has the pixel that c is of */
        add_class(classes, p, c, &members, partial);
      }
    }
  }
}

/* Which pixels are live, then (after reading) which are counted. */
static inline void begin_tile(struct wide_tile *tile, size_t first, size_t end) {
  tile->first = first;
  tile->count = end - first < LCAL__TILE ? (uint32_t)(end - first) : LCAL__TILE;
  tile->groups = (tile->count + WIDE_LANES - 1) / WIDE_LANES;
  for (uint32_t g = 0; g < tile->groups; g++) {
    tile->live[g] = lanes_of_count(tile->count - g * WIDE_LANES);
  }
}

static inline void apply_mask(const uint8_t *mask, struct wide_tile *tile) {
  for (uint32_t g = 0; g < tile->groups; g++) {
    tile->counted[g] = tile->valid[g];
    for (uint32_t l = 0; mask && l < WIDE_LANES; l++) {
      size_t j = g * WIDE_LANES + l;
      if (j < tile->count && mask[tile->first + j] == 0) {
        tile->counted[g] &= ~(1u << l);
      }
    }
  }
}

WIDE_INLINE void input_band(const struct lcal__frame *frame, uint32_t index, uint32_t thread,
                            lcal_type type) {
  const lcal_tensor *tensor = frame->pass.tensor;
  const struct lcal__scratch *scratch = &frame->scratch[thread];
  struct lcal__partial *partial = &frame->partial[index];
  struct lcal__run run = lcal__begin_input(frame, index);
  struct wide_band band;
  begin_band(frame, &band);
  struct wide_tile tile = {.count = 0};
  for (size_t pixel = run.first; pixel < run.end; pixel += tile.count) {
    begin_tile(&tile, pixel, run.end);
    read_tile_of(frame, scratch->p, &tile, type);
    for (uint32_t g = 0; g < tile.groups; g++) {
      partial->voids += (uint64_t)__builtin_popcount(tile.live[g] & ~tile.valid[g]);
    }
    struct wide_ahead ahead = next_tile(tensor, type, tile.first);
    fetch_planes(&ahead, 4);
    write_maps(frame, &tile);
    add_confidence(&tile, partial);
    if (frame->pass.coefficients) {
      find_unsure(frame, &tile, scratch->p, scratch->gathered, run.first, &band, &ahead, partial);
    }
    if (frame->pass.want_statistics) {
      apply_mask(frame->pass.mask, &tile);
      add_statistics(tensor->classes, scratch->p, &tile, &ahead, partial);
    }
    fetch_planes(&ahead, tensor->classes);
  }
  if (band.waiting.count > 0) {
    partial->changed += label_pixels(frame, scratch->gathered, run.first, band.waiting.pixel,
                                     band.waiting.argmax, band.waiting.count);
  }
}

/* What the wide source does not do is the scalar tier's. */
static inline void wide_input(const struct lcal__frame *frame, uint32_t band, uint32_t thread) {
  const lcal_pass *pass = &frame->pass;
  if (pass->scores && !frame->upsampling) {
    lcal__scalar_input(frame, band, thread);
    return;
  }
  switch (pass->tensor->type) {
  case LCAL_F32:
    input_band(frame, band, thread, LCAL_F32);
    break;
  case LCAL_F16:
    input_band(frame, band, thread, LCAL_F16);
    break;
  case LCAL_BF16:
    input_band(frame, band, thread, LCAL_BF16);
    break;
  case LCAL_U8:
    if (pass->tensor->classes < 256 && frame->tau < 1) { /* no valid pixel is all 0 */
      byte_band(frame, band, thread);
      break;
    }
    lcal__scalar_input(frame, band, thread);
    break;
  case LCAL_TYPE_COUNT:
    break;
  }
}
#endif
