/* Where the daemon's sockets are. */
#ifndef CLIENT_PLACE_H
#define CLIENT_PLACE_H

#include <labelcal/client.h>

/* The URL of `socket` for these options, for the caller to free(): options->url, else the socket
 * file in the runtime directory. LCAL_MEMORY. */
lcal_status lcal__place_url(char **url, const lcal_client_options *options, lcal_socket socket,
                            lcal_error *error);
#endif
