/* The tables of every message's fields, and the messages that only programs of this project
 * build or take apart (wire.h has the others). */
#ifndef WIRE_MESSAGES_H
#define WIRE_MESSAGES_H

#include "wire/fields.h"
#include "wire/writer.h"

extern const lcal__table lcal__frame_table;
extern const lcal__table lcal__tensor_table;
extern const lcal__table lcal__ring_table;
extern const lcal__table lcal__labels_table;
extern const lcal__table lcal__error_table;
extern const lcal__table lcal__command_table;
extern const lcal__table lcal__result_table;
extern const lcal__table lcal__event_table;
extern const lcal__table lcal__status_table;
extern const lcal__table lcal__attach_table, lcal__attached_table, lcal__release_table;
extern const lcal__table lcal__labels_attach_table, lcal__labels_attached_table;
extern const lcal__table lcal__slot_table; /* `ring` of a labels packet */

/* "frame", "labels" ... in the order of lcal_message; ended by NULL. */
extern const char *const lcal__message_words[LCAL_MESSAGE_COUNT + 1];

#endif
