/* The last N sets of statistics and their sum: a binary tree over N slots, so that a set leaves
 * by being replaced, never by subtraction (method.md, "Forgetting"). Node i is the sum of nodes
 * 2i and 2i+1, the leaves are nodes N to 2N-1, the root is node 1. */
#ifndef CORE_WINDOW_H
#define CORE_WINDOW_H

#include <labelcal/statistics.h>

typedef struct lcal__window lcal__window;

/* Bytes of the 2N-1 nodes (S and w; of a leaf also n); SIZE_MAX if that does not fit. */
size_t lcal__window_bytes(uint32_t classes, uint32_t slots);

/* An empty window of `slots` >= 1 sets. NULL without memory. */
lcal__window *lcal__window_create(uint32_t classes, uint32_t slots);
void lcal__window_destroy(lcal__window *window); /* NULL is fine */

/* Computes in spare nodes what the next set would make of the tree; S and w of the new root go to
 * *root. install() puts the spare nodes in their places, without a copy. */
void lcal__window_prepare(lcal__window *window, const lcal_statistics *set, lcal_statistics *root);
void lcal__window_install(lcal__window *window);

/* S and w of the root, into *root. */
void lcal__window_root(const lcal__window *window, lcal_statistics *root);

void lcal__window_clear(lcal__window *window);
void lcal__window_reset_class(lcal__window *window, uint32_t k);

/* A set older than all others; added to the oldest where the window is full. */
void lcal__window_add_oldest(lcal__window *window, const lcal_statistics *set);

/* The sets, oldest first: how many, and the i-th with its slot. */
uint32_t lcal__window_count(const lcal__window *window);
const lcal_statistics *lcal__window_set(const lcal__window *window, uint32_t i, uint32_t *slot);

/* Replaces all by the newest N of `count` sets, oldest first. Slots (may be NULL) are kept where
 * they are consecutive modulo N, else numbered from 0. */
void lcal__window_restore(lcal__window *window, const lcal_statistics *const *sets,
                          const uint32_t *slots, uint32_t count);

#endif
