/* Configurations as text: written to a file, loaded as labelcald loads them. Runtime and state
 * directory are /r and /s. */
#ifndef CONFIG_CASE_H
#define CONFIG_CASE_H

#include "daemon/config.h"

extern const struct config_overrides config_case_overrides;

int config_case_set_up(void **state);
int config_case_tear_down(void **state);

/* Loads `length` bytes (SIZE_MAX: up to the NUL). *errors: what was printed, each line without
 * the file's path in front; the caller frees it. */
lcal_status config_case_load(struct config **config, const char *text, size_t length,
                             char **errors);

/* Loads a text that must be accepted; the caller frees the config. */
struct config *config_case_accept(const char *text);

/* The text must be refused with exactly these lines ("2:9: model.name: ..."). */
void config_case_refuse(const char *text, const char *lines);

/* What --check-config prints, for the caller to free. */
char *config_case_print(const struct config *config);
#endif
