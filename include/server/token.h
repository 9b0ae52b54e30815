/* token.h: muster token: makes, lists and revokes tokens from the command line. */
#ifndef MUSTER_SERVER_TOKEN_H
#define MUSTER_SERVER_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/settings.h"

enum { TOKEN_SCOPES_MAX = 32, TOKEN_NETWORKS_MAX = 64 };

enum token_verb { TOKEN_ADD, TOKEN_LIST, TOKEN_REVOKE };

/* What the arguments ask for; texts are theirs. */
struct token_command {
    enum token_verb verb;
    const char *owner; /* NULL: not given */
    const char *scopes[TOKEN_SCOPES_MAX];
    size_t scope_count;
    const char *networks[TOKEN_NETWORKS_MAX];
    size_t network_count;
    int64_t seconds; /* valid for; 0: forever */
    bool all;
    char **ids;
    size_t id_count;
};

/* Reads the arguments from "token" on. Returns -1 to go on with token_run, else the exit status:
 * 0 after --help and "token key", which need no configuration; 2 for wrong usage (reported on
 * standard error). */
int token_parse(int argc, char **argv, struct token_command *out);

/* Does it. Returns the exit status; what is wrong is said on standard error. */
int token_run(const struct token_command *command, const struct settings *settings);

#endif
