#include "daemon/config_doc.h"

#include "daemon/config_print.h"

#include <string.h>

static void write_initial(const struct config_writer *writer, const struct config_key *key,
                          const char *instance) {
  (void)instance;
  fputs(key->initial, writer->out);
}

void config_doc_yaml(FILE *out) {
  static const char *const only_default[] = {"default", NULL};
  fputs("# labelcald.yaml: every key with its default. Delete what you do not change.\n"
        "#\n"
        "# ${RUNTIME_DIRECTORY} and ${STATE_DIRECTORY} expand, nothing else does. (r): taken over\n"
        "# by a reload (systemctl reload labelcald, SIGHUP, labelcal reload); the others need a\n"
        "# restart. In brackets: what may stand there. Anchors, aliases and tags are refused.\n"
        "# Check the file: labelcald --check-config --config FILE\n",
        out);
  const struct config_writer writer = {
      .out = out,
      .comments = true,
      .value = write_initial,
      .banks = only_default,
      .streams = only_default,
  };
  config_write(&writer);
}

/* `NAME` where the path has a star. */
static void write_path(const struct config_key *key, FILE *out) {
  for (const char *c = key->path; *c; c++) {
    if (*c == '*') {
      fputs("NAME", out);
    } else {
      putc(*c, out);
    }
  }
}

static void write_row(const struct config_key *key, FILE *out) {
  fputs("| `", out);
  write_path(key, out);
  fputs("` | ", out);
  config_key_describe(key, out);
  fprintf(out, " | `%s` | %s | %s%s |\n", key->initial, key->reload ? "reload" : "restart",
          key->doc,
          key->need == NEED_LATER  ? " Not built yet: leave it at its default."
          : key->need == NEED_HTTP ? " Needs a build with libwebsockets; without it the default "
                                     "means off."
          : key->need == NEED_PNG  ? " Needs a build with libpng."
                                   : "");
}

void config_doc_markdown(FILE *out) {
  fputs("# Configuration\n"
        "\n"
        "Generated from the table in `src/daemon/config_table.c`: change that, then\n"
        "`ninja -C build config-docs`.\n"
        "\n"
        "The file is `--config FILE`, else `/etc/labelcal/labelcald.yaml` if it exists; without\n"
        "one every key has its default. Flags beat the file. `labelcald --check-config` prints\n"
        "the effective configuration, or every error as `FILE:LINE:COLUMN: key: what is wrong`.\n"
        "[config/labelcald.yaml](../config/labelcald.yaml) is the commented default.\n"
        "\n"
        "- `${RUNTIME_DIRECTORY}` and `${STATE_DIRECTORY}` expand in paths and URLs, nothing else\n"
        "  does.\n"
        "- Keys that a named bank or stream lacks come from `default`.\n"
        "- *reload*: taken over by SIGHUP and `labelcal reload`, between two frames; *restart*:\n"
        "  a reload names the key and leaves it. A stream may be added or removed by a reload, a\n"
        "  bank needs a restart.\n"
        "- YAML, read strictly: true and false are the only booleans, numbers are decimal, a\n"
        "  string that reads as another type needs quotes; no anchors, aliases, tags or second\n"
        "  document; at most 64 KiB.\n"
        "- ipc sockets lie below the runtime directory, because the library that opens them\n"
        "  deletes what it finds at their path. tcp and http need a host; other than loopback\n"
        "  needs `listen.allow_remote`.\n",
        out);
  for (size_t row = 0; row < config_key_count; row++) {
    const struct config_key *key = &config_keys[row];
    bool top = config_key_depth(key) == 0;
    if (top) {
      fputs("\n## ", out);
      write_path(key, out);
      putc('\n', out);
    }
    if (!key->type && key->doc) {
      if (!top) {
        fputs("\n**", out);
        write_path(key, out);
        fputs("**: ", out);
      }
      fprintf(out, "%s\n", key->doc);
    }
    if (key->type && (row == 0 || top || !config_keys[row - 1].type)) {
      fputs("\n| key | value | default | takes effect by | meaning |\n|---|---|---|---|---|\n",
            out);
    }
    if (key->type) {
      write_row(key, out);
    }
  }
}
