/* Result maps of commands that change something, for people. */
#ifndef CLI_RESULTS_H
#define CLI_RESULTS_H

#include <jansson.h>

void modes_print(json_t *result);       /* streams {name: state} */
void versions_print(json_t *result);    /* version {domain: version} */
void version_print(json_t *result);     /* version */
void deleted_print(json_t *result);     /* version, of domain_delete */
void previous_print(json_t *result);    /* previous */
void reload_print(json_t *result);      /* changed [key], restart [key] */
void snapshots_print(json_t *result);   /* snapshots [{bank, generation, bytes}] */
void generations_print(json_t *result); /* generations [{generation, created_ns, ...}] */

#endif
