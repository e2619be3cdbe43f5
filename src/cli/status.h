/* labelcal status, labelcal streams. */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include <jansson.h>
#include <labelcal/client.h>

int status_run(int argc, char **argv, const lcal_client_options *client, int json);
int streams_run(int argc, char **argv, const lcal_client_options *client, int json);

/* The result maps of the two commands, for people. */
void status_print(json_t *status);
void streams_print(json_t *streams);

#endif
