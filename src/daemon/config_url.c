#include "daemon/config_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

lcal_status unix_path_check(const char *path, lcal_error *error) {
  size_t length = strlen(path);
  if (path[0] != '/') {
    return lcal_error_set(error, LCAL_BAD_CONFIG, "the path must be absolute");
  }
  if (length > UNIX_PATH_MAX_BYTES) {
    return lcal_error_set(error, LCAL_BAD_CONFIG,
                          "the path is %zu bytes long, that of a unix socket at most %u", length,
                          UNIX_PATH_MAX_BYTES);
  }
  if (path[length - 1] == '/') {
    return lcal_error_set(error, LCAL_BAD_CONFIG, "the path must name a file");
  }
  for (const char *part = path; (part = strstr(part, "/..")) != NULL; part += 3) {
    if (part[3] == '/' || part[3] == '\0') {
      return lcal_error_set(error, LCAL_BAD_CONFIG, "the path must not contain ..");
    }
  }
  return LCAL_OK;
}

static bool is_loopback(const char *host) {
  struct in_addr v4;
  struct in6_addr v6;
  if (inet_pton(AF_INET, host, &v4) == 1) {
    return ntohl(v4.s_addr) >> 24 == 127;
  }
  if (inet_pton(AF_INET6, host, &v6) == 1) {
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
  }
  return strcasecmp(host, "localhost") == 0;
}

static bool is_host(const char *host, bool bracketed) {
  struct in6_addr v6;
  if (bracketed) {
    return inet_pton(AF_INET6, host, &v6) == 1;
  }
  for (const char *c = host; *c; c++) {
    if (!isalnum((unsigned char)*c) && *c != '.' && *c != '-' && *c != '_') {
      return false;
    }
  }
  return true;
}

/* HOST:PORT or [IPV6]:PORT, and nothing after it. */
static lcal_status parse_authority(struct url *url, const char *text, lcal_error *error) {
  bool bracketed = text[0] == '[';
  const char *host = text + bracketed;
  size_t length = strcspn(host, bracketed ? "]" : ":/");
  if (length == 0 || strncmp(host, "*:", 2) == 0) {
    return lcal_error_set(error, LCAL_BAD_CONFIG,
                          "the host is missing: write 127.0.0.1, or 0.0.0.0 for every address");
  }
  if (length >= sizeof url->host) {
    return lcal_error_set(error, LCAL_BAD_CONFIG, "the host is too long");
  }
  memcpy(url->host, host, length);
  url->host[length] = '\0';
  const char *rest = host + length + (bracketed && host[length] == ']');
  if (!is_host(url->host, bracketed)) {
    return lcal_error_set(error, LCAL_BAD_CONFIG, "the host %.64s is neither a name nor an address",
                          url->host);
  }
  size_t digits = rest[0] == ':' ? strspn(rest + 1, "0123456789") : 0;
  unsigned long port = digits > 0 && digits <= 5 ? strtoul(rest + 1, NULL, 10) : 0;
  if (port < 1 || port > 65535 || rest[1 + digits] != '\0') {
    return lcal_error_set(error, LCAL_BAD_CONFIG,
                          "the host must be followed by a port from 1 to 65535 and nothing else");
  }
  url->port = (uint16_t)port;
  url->loopback = is_loopback(url->host);
  return LCAL_OK;
}

lcal_status url_parse(struct url *url, const char *text, lcal_error *error) {
  static const struct {
    const char *prefix;
    enum url_scheme scheme;
  } schemes[] = {{"ipc://", URL_IPC}, {"tcp://", URL_TCP}, {"http://", URL_HTTP}};
  *url = (struct url){0};
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
    size_t length = strlen(schemes[i].prefix);
    if (strncmp(text, schemes[i].prefix, length) == 0) {
      url->scheme = schemes[i].scheme;
      if (url->scheme != URL_IPC) {
        return parse_authority(url, text + length, error);
      }
      url->path = text + length;
      url->loopback = true;
      return unix_path_check(url->path, error);
    }
  }
  return lcal_error_set(error, LCAL_BAD_CONFIG, "it begins with none of ipc://, tcp://, http://");
}
