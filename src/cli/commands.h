/* The subcommands that are one command of `control` each; argv[0] names it. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <labelcal/client.h>

/* freeze, resume, shadow, bypass [STREAM] */
int mode_run(int argc, char **argv, const lcal_client_options *client, int json);

int domain_run(int argc, char **argv, const lcal_client_options *client, int json);
int reset_run(int argc, char **argv, const lcal_client_options *client, int json);
int set_rule_run(int argc, char **argv, const lcal_client_options *client, int json);
int reload_run(int argc, char **argv, const lcal_client_options *client, int json);

int snapshot_run(int argc, char **argv, const lcal_client_options *client, int json);
int generations_run(int argc, char **argv, const lcal_client_options *client, int json);
int rollback_run(int argc, char **argv, const lcal_client_options *client, int json);

#endif
