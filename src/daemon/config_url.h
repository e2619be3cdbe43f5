/* URLs that sockets listen on or dial: ipc:///PATH, tcp://HOST:PORT, http://HOST:PORT. */
#ifndef DAEMON_CONFIG_URL_H
#define DAEMON_CONFIG_URL_H

#include <labelcal/status.h>
#include <stdbool.h>
#include <stdint.h>

#define UNIX_PATH_MAX_BYTES 107u /* sockaddr_un holds 108, a NUL among them */

enum url_scheme { URL_IPC, URL_TCP, URL_HTTP };

struct url {
  enum url_scheme scheme;
  const char *path; /* ipc: within the text; else NULL */
  char host[256];   /* tcp, http: a name or address, IPv6 without its brackets */
  uint16_t port;    /* 1..65535 */
  bool loopback;    /* only this machine can reach it (ipc too) */
};

/* LCAL_BAD_CONFIG and a sentence for anything else. */
lcal_status url_parse(struct url *url, const char *text, lcal_error *error);

/* LCAL_BAD_CONFIG unless the path may be a unix socket's: absolute, at most 107 bytes, no `..`. */
lcal_status unix_path_check(const char *path, lcal_error *error);
#endif
