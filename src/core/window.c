#include "core/window.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 33 /* of a tree of 2^32 slots */

struct lcal__window {
  uint32_t classes;
  uint32_t slots; /* N */
  uint32_t count; /* sets held */
  uint32_t next;  /* slot of the next set; the oldest is at next - count */
  uint32_t depth; /* spare nodes in use: from the leaf up to the root */
  double *values; /* S and w of all nodes and spare nodes */
  uint64_t *leaf_counts;
  lcal_statistics *nodes; /* [1 .. 2N-1]; inner ones have no count; frames and pixels unused */
  lcal_statistics spare[DEPTH_MAX];
};

static size_t values_of_node(uint32_t classes) {
  return (size_t)classes * classes + classes;
}

size_t lcal__window_bytes(uint32_t classes, uint32_t slots) {
  size_t nodes = 2 * (size_t)slots - 1;
  size_t bytes, counts;
  if (__builtin_mul_overflow(nodes, values_of_node(classes) * sizeof(double), &bytes) ||
      __builtin_mul_overflow((size_t)slots, classes * sizeof(uint64_t), &counts) ||
      __builtin_add_overflow(bytes, counts, &bytes)) {
    return SIZE_MAX;
  }
  return bytes;
}

static lcal_statistics node_at(double *values, uint64_t *count, uint32_t classes) {
  return (lcal_statistics){.classes = classes,
                           .sum = values,
                           .weight = values + (size_t)classes * classes,
                           .count = count};
}

lcal__window *lcal__window_create(uint32_t classes, uint32_t slots) {
  size_t each = values_of_node(classes);
  size_t nodes = 2 * (size_t)slots - 1;
  lcal__window *window = calloc(1, sizeof *window);
  if (!window) {
    return NULL;
  }
  /* calloc checks the products; 2^32 slots and 33 spare nodes fit a size_t. */
  window->values = calloc(nodes + DEPTH_MAX, each * sizeof(double));
  window->leaf_counts = calloc((size_t)slots + 1, classes * sizeof(uint64_t));
  window->nodes = calloc(nodes + 1, sizeof *window->nodes);
  if (!window->values || !window->leaf_counts || !window->nodes) {
    lcal__window_destroy(window);
    return NULL;
  }
  window->classes = classes;
  window->slots = slots;
  for (size_t i = 1; i <= nodes; i++) {
    uint64_t *count = i >= slots ? window->leaf_counts + (i - slots) * classes : NULL;
    window->nodes[i] = node_at(window->values + (i - 1) * each, count, classes);
  }
  for (size_t i = 0; i < DEPTH_MAX; i++) {
    uint64_t *count = i == 0 ? window->leaf_counts + (size_t)slots * classes : NULL;
    window->spare[i] = node_at(window->values + (nodes + i) * each, count, classes);
  }
  return window;
}

void lcal__window_destroy(lcal__window *window) {
  if (window) {
    free(window->values);
    free(window->leaf_counts);
    free(window->nodes);
    free(window);
  }
}

static void copy_values(const lcal__window *window, lcal_statistics *to,
                        const lcal_statistics *from) {
  size_t classes = window->classes;
  memcpy(to->sum, from->sum, classes * classes * sizeof *to->sum);
  memcpy(to->weight, from->weight, classes * sizeof *to->weight);
}

static void copy_set(const lcal__window *window, lcal_statistics *leaf,
                     const lcal_statistics *set) {
  copy_values(window, leaf, set);
  memcpy(leaf->count, set->count, window->classes * sizeof *leaf->count);
}

static void add_nodes(const lcal__window *window, lcal_statistics *to, const lcal_statistics *left,
                      const lcal_statistics *right) {
  size_t classes = window->classes;
  for (size_t i = 0; i < classes * classes; i++) {
    to->sum[i] = left->sum[i] + right->sum[i];
  }
  for (size_t k = 0; k < classes; k++) {
    to->weight[k] = left->weight[k] + right->weight[k];
  }
}

static size_t leaf_of(const lcal__window *window, uint32_t slot) {
  return (size_t)window->slots + slot;
}

void lcal__window_prepare(lcal__window *window, const lcal_statistics *set, lcal_statistics *root) {
  size_t node = leaf_of(window, window->next);
  uint32_t depth = 0;
  copy_set(window, &window->spare[0], set);
  for (; node > 1; node /= 2) {
    const lcal_statistics *fresh = &window->spare[depth++];
    const lcal_statistics *other = &window->nodes[node ^ 1];
    add_nodes(window, &window->spare[depth], node % 2 ? other : fresh, node % 2 ? fresh : other);
  }
  window->depth = depth + 1;
  copy_values(window, root, &window->spare[depth]);
}

void lcal__window_install(lcal__window *window) {
  size_t node = leaf_of(window, window->next);
  for (uint32_t i = 0; i < window->depth; i++, node /= 2) {
    lcal_statistics replaced = window->nodes[node];
    window->nodes[node] = window->spare[i];
    window->spare[i] = replaced;
  }
  window->depth = 0;
  window->next = (window->next + 1) % window->slots;
  window->count += window->count < window->slots;
}

void lcal__window_root(const lcal__window *window, lcal_statistics *root) {
  copy_values(window, root, &window->nodes[1]);
}

void lcal__window_clear(lcal__window *window) {
  size_t nodes = 2 * (size_t)window->slots - 1 + DEPTH_MAX;
  memset(window->values, 0, nodes * values_of_node(window->classes) * sizeof(double));
  memset(window->leaf_counts, 0, ((size_t)window->slots + 1) * window->classes * sizeof(uint64_t));
  window->count = 0;
  window->next = 0;
}

void lcal__window_reset_class(lcal__window *window, uint32_t k) {
  size_t classes = window->classes;
  for (size_t i = 1; i < 2 * (size_t)window->slots; i++) {
    lcal_statistics *node = &window->nodes[i];
    memset(node->sum + k * classes, 0, classes * sizeof *node->sum);
    node->weight[k] = 0;
    if (node->count) {
      node->count[k] = 0;
    }
  }
}

/* The slot `back` sets before `next`. */
static uint32_t slot_before_next(const lcal__window *window, uint32_t back) {
  return (uint32_t)(((uint64_t)window->next + window->slots - back) % window->slots);
}

void lcal__window_add_oldest(lcal__window *window, const lcal_statistics *set) {
  size_t classes = window->classes;
  if (window->count < window->slots) {
    window->count++;
  }
  size_t node = leaf_of(window, slot_before_next(window, window->count));
  lcal_statistics *leaf = &window->nodes[node];
  add_nodes(window, leaf, leaf, set); /* a free slot is all zeros */
  for (size_t k = 0; k < classes; k++) {
    leaf->count[k] += set->count[k];
  }
  for (node /= 2; node >= 1; node /= 2) {
    add_nodes(window, &window->nodes[node], &window->nodes[2 * node], &window->nodes[2 * node + 1]);
  }
}

uint32_t lcal__window_count(const lcal__window *window) {
  return window->count;
}

const lcal_statistics *lcal__window_set(const lcal__window *window, uint32_t i, uint32_t *slot) {
  if (i >= window->count) {
    return NULL;
  }
  uint32_t at = slot_before_next(window, window->count - i);
  if (slot) {
    *slot = at;
  }
  return &window->nodes[leaf_of(window, at)];
}

static int consecutive(const uint32_t *slots, uint32_t count, uint32_t modulus) {
  for (uint32_t i = 0; i < count; i++) {
    if (slots[i] >= modulus || slots[i] != (uint32_t)(((uint64_t)slots[0] + i) % modulus)) {
      return 0;
    }
  }
  return 1;
}

void lcal__window_restore(lcal__window *window, const lcal_statistics *const *sets,
                          const uint32_t *slots, uint32_t count) {
  if (count > window->slots) {
    uint32_t excess = count - window->slots;
    sets += excess;
    slots = slots ? slots + excess : NULL;
    count = window->slots;
  }
  lcal__window_clear(window);
  uint32_t first = count > 0 && slots && consecutive(slots, count, window->slots) ? slots[0] : 0;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t slot = (uint32_t)(((uint64_t)first + i) % window->slots);
    copy_set(window, &window->nodes[leaf_of(window, slot)], sets[i]);
  }
  for (size_t node = (size_t)window->slots - 1; node >= 1; node--) {
    add_nodes(window, &window->nodes[node], &window->nodes[2 * node], &window->nodes[2 * node + 1]);
  }
  window->count = count;
  window->next = (uint32_t)(((uint64_t)first + count) % window->slots);
}
