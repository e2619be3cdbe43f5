/* labelcal camera. */
#ifndef CLI_CAMERA_H
#define CLI_CAMERA_H

#include <labelcal/client.h>

/* The subcommand, as in subcommand.h. */
int camera_run(int argc, char **argv, const lcal_client_options *client, int json);

#endif
