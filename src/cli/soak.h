/* labelcal soak */
#ifndef CLI_SOAK_H
#define CLI_SOAK_H

#include <labelcal/client.h>

int soak_run(int argc, char **argv, const lcal_client_options *client, int json);

#endif
