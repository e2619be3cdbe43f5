/* /api: status, prototypes and commands as JSON. */
#ifndef DAEMON_HTTP_API_H
#define DAEMON_HTTP_API_H

#include "daemon/http.h"

void api_status(struct exchange *exchange);
void api_prototypes(struct exchange *exchange);
void api_command(struct exchange *exchange);

/* Bytes of JSON that a command may have: what `control` takes, with bins as base64. */
size_t api_command_limit(const struct daemon *daemon);
#endif
