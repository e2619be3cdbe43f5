/* labelcal replay: a recording through the daemon, scored. */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include <labelcal/client.h>

int replay_run(int argc, char **argv, const lcal_client_options *client, int json);

#endif
