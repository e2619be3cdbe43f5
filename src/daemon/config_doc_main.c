/* config_doc yaml|markdown: prints config/labelcald.yaml or docs/config.md. */
#include "daemon/config_doc.h"

#include <string.h>

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "yaml") == 0) {
    config_doc_yaml(stdout);
  } else if (argc == 2 && strcmp(argv[1], "markdown") == 0) {
    config_doc_markdown(stdout);
  } else {
    fputs("usage: config_doc yaml|markdown\n", stderr);
    return 2;
  }
  return fflush(stdout) == 0 ? 0 : 1;
}
