/* The packets that go beside the shared-memory rings (protocol.md, "Ring side channel", "Labels
 * ring"): each is one map in one SOCK_SEQPACKET packet. */
#ifndef WIRE_RING_H
#define WIRE_RING_H

#include "wire/messages.h"

#define LCAL__RING_SLOTS_MAX  63u
#define LCAL__RING_SLOT_UNIT  4096u /* slot_bytes is a multiple of it */
#define LCAL__RING_PACKET_MAX 2048u /* bytes; no packet is longer */

/* Which of the two side channels a packet is of. */
enum lcal__ring { LCAL__RING, LCAL__LABELS_RING };

/* Client to daemon, once. Of a ring: stream, slots, slot_bytes; of a labels ring: stream, or ""
 * for all. */
typedef struct lcal__attach {
  lcal_name stream;
  uint64_t slots, slot_bytes;
} lcal__attach;

/* The daemon's answer. Of a ring: id; of a labels ring: slots and slot_bytes. */
typedef struct lcal__attached {
  uint64_t id;
  uint64_t slots, slot_bytes;
} lcal__attached;

/* Daemon to client: a slot it no longer needs. */
typedef struct lcal__release {
  uint64_t slot, generation;
} lcal__release;

/* The maps of labels, in the order of lcal_labels. */
enum lcal__map {
  LCAL__MAP_LABELS,
  LCAL__MAP_ARGMAX,
  LCAL__MAP_CALIBRATED,
  LCAL__MAP_CONFIDENCE,
  LCAL__MAP_SCORES,
  LCAL__MAPS
};

/* Where a map lies in its slot; length 0: absent. */
struct lcal__range {
  uint64_t offset, length;
};

/* Labels whose maps lie in a slot: labels.labels, .argmax ... are not used. */
typedef struct lcal__labels_packet {
  lcal_labels labels;
  struct lcal__range maps[LCAL__MAPS];
  uint64_t slot, generation;
} lcal__labels_packet;

/* Writing: bytes written, 0 if they do not fit (or, of labels, are not valid). */
size_t lcal__attach_write(const lcal__attach *attach, enum lcal__ring ring, void *buffer,
                          size_t capacity);
size_t lcal__attached_write(const lcal__attached *attached, enum lcal__ring ring, void *buffer,
                            size_t capacity);
size_t lcal__release_write(const lcal__release *release, void *buffer, size_t capacity);
size_t lcal__labels_packet_write(const lcal__labels_packet *packet, void *buffer, size_t capacity);

/* Reading: LCAL_MALFORMED ... LCAL_BAD_FIELD. The ranges of a labels packet have the sizes that
 * its shape asks for, but may lie outside of the slot. */
lcal_status lcal__attach_read(lcal__attach *attach, enum lcal__ring ring, const void *packet,
                              size_t length, lcal_error *error);
lcal_status lcal__attached_read(lcal__attached *attached, enum lcal__ring ring, const void *packet,
                                size_t length, lcal_error *error);
lcal_status lcal__release_read(lcal__release *release, const void *packet, size_t length,
                               lcal_error *error);
lcal_status lcal__labels_packet_read(lcal__labels_packet *packet, const void *bytes, size_t length,
                                     lcal_error *error);

#endif
