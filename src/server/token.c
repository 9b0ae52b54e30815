/* token.c: muster token: makes, lists and revokes tokens from the command line. */
#include "server/token.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/network.h"
#include "base/utf8.h"
#include "server/access.h"
#include "server/secret.h"
#include "store/tokens.h"

enum { OWNER_MAX = 255, DAY = 24 * 3600, DEFAULT_DAYS = 90 };

static const char usage[] =
    "usage: muster [-c FILE]... token add --owner NAME [--scope ROLE[:MOUNT]]... [--expires WHEN]\n"
    "                                     [--network NETWORK]...\n"
    "       muster [-c FILE]... token list [--owner NAME] [--all]\n"
    "       muster [-c FILE]... token revoke ID... | --owner NAME\n"
    "       muster token key\n"
    "\n"
    "add prints a new token, once: it is not stored. key prints a new token_key for the\n"
    "configuration.\n"
    "\n"
    "  --owner NAME      identity of requests with this token\n"
    "  --scope SCOPE     what it allows: read, write, allocate or admin, everywhere or with\n"
    "                    \":root\", \":entity\", \":attribute\", \":resourcemanager\", "
    "\":preferences\"\n"
    "                    after it on that mount; without a scope: what the configuration allows\n"
    "                    the owner\n"
    "  --expires WHEN    30m, 12h, 90d, 52w from now, a day (2030-12-31), a time in UTC\n"
    "                    (2030-12-31T12:00:00) or never; 90d unless given\n"
    "  --network N       where it may be used from: an address, or a network as 10.0.0.0/8\n"
    "  --all             also tokens that are expired or revoked\n";

/* --- arguments --------------------------------------------------------------------------------
 */

static int wrong(const char *what, const char *text) {
    fprintf(stderr, "muster token: %s%s%s%s\nSee muster token --help for options.\n", what,
            text != NULL ? " \"" : "", text != NULL ? text : "", text != NULL ? "\"" : "");
    return 2;
}

static bool owner_fits(const char *owner) {
    size_t n = strlen(owner);

    return n > 0 && n <= OWNER_MAX && utf8_valid(owner, n) && !utf8_has_control(owner) &&
           strcmp(owner, "*") != 0 && strcmp(owner, "anonymous") != 0;
}

/* Seconds from now until a day or a time; false: it is neither, or has passed. */
static bool until(const char *text, int64_t *seconds) {
    struct tm tm = {.tm_mday = 1};
    const char *end = strptime(text, "%Y-%m-%d", &tm);

    if (end != NULL && *end == 'T') {
        end = strptime(end, "T%H:%M:%S", &tm);
        if (end != NULL && *end == 'Z')
            end++;
    }
    if (end == NULL || *end != '\0')
        return false;
    *seconds = (int64_t)timegm(&tm) - (int64_t)time(NULL);
    return *seconds > 0;
}

/* "90d"; false: it is none. */
static bool span(const char *text, int64_t *seconds) {
    static const char units[] = "mhdw";
    static const int lengths[] = {60, 3600, DAY, 7 * DAY};
    size_t n = strspn(text, "0123456789");
    const char *unit = text[n] != '\0' ? strchr(units, text[n]) : NULL;

    if (n == 0 || n > 7 || unit == NULL || text[n + 1] != '\0')
        return false;
    *seconds = strtoll(text, NULL, 10) * lengths[unit - units];
    return *seconds > 0;
}

static bool expiry(const char *text, int64_t *seconds) {
    *seconds = 0;
    return strcmp(text, "never") == 0 || span(text, seconds) || until(text, seconds);
}

static const struct {
    const char *name;
    const char *options; /* letters of those that it takes */
} verbs[] = {
    [TOKEN_ADD] = {"add", "osen"}, [TOKEN_LIST] = {"list", "oa"}, [TOKEN_REVOKE] = {"revoke", "o"}};

/* One option; 0, or the exit status. */
static int take_option(struct token_command *c, int option, const char *text) {
    unsigned roles[MOUNT_COUNT] = {0};
    struct network network;

    if (option == '?')
        return wrong("unrecognised option", NULL);
    if (strchr(verbs[c->verb].options, option) == NULL)
        return wrong("an option does not go with this command", NULL);
    switch (option) {
    case 'o': c->owner = text; return owner_fits(text) ? 0 : wrong("invalid owner name", text);
    case 's':
        if (c->scope_count == TOKEN_SCOPES_MAX || !access_scope(roles, text))
            return wrong("not a scope, or too many:", text);
        c->scopes[c->scope_count++] = text;
        return 0;
    case 'e':
        return expiry(text, &c->seconds)
                   ? 0
                   : wrong("neither a time in the future nor \"never\":", text);
    case 'n':
        if (c->network_count == TOKEN_NETWORKS_MAX || !network_parse(text, &network))
            return wrong("not a network, or too many:", text);
        c->networks[c->network_count++] = text;
        return 0;
    default: c->all = true; return 0;
    }
}

/* Checks that the verb has what it needs, and no more. */
static int check(const struct token_command *c) {
    if (c->id_count > 0 && c->verb != TOKEN_REVOKE)
        return wrong("unexpected argument", c->ids[0]);
    if (c->verb == TOKEN_ADD && c->owner == NULL)
        return wrong("add needs --owner", NULL);
    if (c->verb == TOKEN_REVOKE && (c->id_count > 0) == (c->owner != NULL))
        return wrong("revoke needs the id of a token, or --owner", NULL);
    return -1;
}

static int read_options(int argc, char **argv, struct token_command *c) {
    static const struct option options[] = {{"owner", required_argument, NULL, 'o'},
                                            {"scope", required_argument, NULL, 's'},
                                            {"expires", required_argument, NULL, 'e'},
                                            {"network", required_argument, NULL, 'n'},
                                            {"all", no_argument, NULL, 'a'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option, status;

    optind = 0; /* from the beginning, once more */
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        status = take_option(c, option, optarg);
        if (status != 0)
            return status;
    }
    c->ids = argv + optind;
    c->id_count = (size_t)(argc - optind);
    return check(c);
}

static int print_key(void) {
    char key[SECRET_KEY_SIZE];

    if (!secret_make_key(key)) {
        perror("muster token: random numbers");
        return 1;
    }
    return puts(key) >= 0 ? 0 : 1;
}

int token_parse(int argc, char **argv, struct token_command *out) {
    *out = (struct token_command){.seconds = (int64_t)DEFAULT_DAYS * DAY};
    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        fputs(usage, argc < 2 ? stderr : stdout);
        return argc < 2 ? 2 : 0;
    }
    if (strcmp(argv[1], "key") == 0 && argc == 2)
        return print_key();
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) {
            out->verb = (enum token_verb)i;
            return read_options(argc - 1, argv + 1, out);
        }
    }
    return wrong("unknown command", argv[1]);
}

/* --- commands ---------------------------------------------------------------------------------
 */

static int refused(const struct store *store, enum rc rc) {
    if (rc == RC_UNREADY || rc == RC_RETRY)
        fprintf(stderr, "muster token: The database schema is missing or too old. Run muster "
                        "--init-db.\n");
    else
        fprintf(stderr, "muster token: the database: %s\n", store_error(store));
    return 1;
}

static const char *or_dash(const char *text) {
    return text != NULL && text[0] != '\0' ? text : "-";
}

/* The token alone goes to standard output, so that a script can take it. */
static int add(struct store *store, const struct token_command *c, const char *key) {
    struct token_new new = {.owner = c->owner,
                            .scopes = c->scopes,
                            .scope_count = c->scope_count,
                            .networks = c->networks,
                            .network_count = c->network_count,
                            .seconds = c->seconds};
    char token[SECRET_SIZE], id[SECRET_ID_SIZE], hash[SECRET_HASH_SIZE];
    enum rc rc;
    int status = 1;

    if (!secret_make(token, id) || !secret_hash(key, token, SECRET_SIZE - 1, hash)) {
        perror("muster token: can't make a token");
        return 1;
    }
    new.id = id;
    new.hash = hash;
    rc = store_token_add(store, &new);
    if (rc != RC_OK) {
        refused(store, rc);
    } else {
        fprintf(stderr, "token %s of %s; it is shown this once:\n", id, c->owner);
        status = puts(token) >= 0 && fflush(stdout) == 0 ? 0 : 1;
    }
    secret_clear(token, sizeof(token));
    return status;
}

static int list(struct store *store, struct arena *arena, const struct token_command *c) {
    struct token_row *rows;
    size_t count;
    enum rc rc = store_token_list(store, arena, c->owner, c->all, &rows, &count);

    if (rc != RC_OK)
        return refused(store, rc);
    printf("id\towner\tscopes\tnetworks\tmade\texpires\tlast used\tstate\n");
    for (size_t i = 0; i < count; i++)
        printf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", rows[i].id, rows[i].owner,
               or_dash(rows[i].scopes), or_dash(rows[i].networks), or_dash(rows[i].made),
               or_dash(rows[i].expires), or_dash(rows[i].last_used), rows[i].state);
    return fflush(stdout) == 0 ? 0 : 1;
}

/* A token that was found somewhere may be given whole. */
static int revoke_one(struct store *store, const char *text) {
    char id[SECRET_ID_SIZE];
    bool whole = secret_id(text, strlen(text), id);
    int64_t count = 0;
    enum rc rc = store_token_revoke(store, whole ? id : text, NULL, &count);

    if (rc != RC_OK)
        return refused(store, rc);
    if (count == 0) {
        fprintf(stderr, "muster token: no valid token has the id %.16s\n", whole ? id : text);
        return 1;
    }
    printf("revoked %s\n", whole ? id : text);
    return 0;
}

static int revoke(struct store *store, const struct token_command *c) {
    int64_t count = 0;
    int status = 0;
    enum rc rc;

    for (size_t i = 0; i < c->id_count; i++)
        if (revoke_one(store, c->ids[i]) != 0)
            status = 1;
    if (c->owner == NULL)
        return status;
    rc = store_token_revoke(store, NULL, c->owner, &count);
    if (rc != RC_OK)
        return refused(store, rc);
    printf("revoked %lld of %s\n", (long long)count, c->owner);
    return 0;
}

int token_run(const struct token_command *c, const struct settings *settings) {
    struct store *store;
    struct arena *arena;
    int status = 1;

    if (c->verb == TOKEN_ADD && settings->token_key[0] == '\0') {
        fprintf(stderr, "muster token: the configuration has no token_key; muster token key makes "
                        "one\n");
        return 1;
    }
    store = store_new(&settings->store, NULL);
    arena = arena_new();
    if (store_connect(store) != RC_OK) {
        status = refused(store, RC_BROKEN);
    } else {
        switch (c->verb) {
        case TOKEN_ADD: status = add(store, c, settings->token_key); break;
        case TOKEN_LIST: status = list(store, arena, c); break;
        case TOKEN_REVOKE: status = revoke(store, c); break;
        }
    }
    arena_free(&arena);
    store_free(&store);
    return status;
}
