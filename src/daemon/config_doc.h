/* What people read of the table: the commented default file and the reference page. Both are
 * committed (config/labelcald.yaml, docs/config.md); a test fails when they drift, and
 * `ninja -C build config-docs` writes them anew. */
#ifndef DAEMON_CONFIG_DOC_H
#define DAEMON_CONFIG_DOC_H

#include <stdio.h>

void config_doc_yaml(FILE *out);
void config_doc_markdown(FILE *out);
#endif
