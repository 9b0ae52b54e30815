/* settings.h: every setting as plain data, and the table of them. config.c fills the one by the
 * other; lower rooms get the part that is theirs. */
#ifndef MUSTER_SERVER_SETTINGS_H
#define MUSTER_SERVER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "api/context.h"
#include "http/response.h"
#include "store/store.h"

struct strings {
    const char *const *items;
    size_t count;
};

/* A rule of authorization: ROLE_x bits (server/access.h) for each mount. `who` is an identity, "*"
 * for every client that has one, or "anonymous" for every client. */
struct access {
    const char *who;
    unsigned roles[MOUNT_COUNT];
};

/* Times are in milliseconds, sizes in bytes. Texts are owned by the configuration and live as long
 * as it. */
struct settings {
    /* where requests come from */
    const char *listen;       /* "unix:/path", "host:port", "fd:0" (inherited), "systemd" */
    int listen_mode;          /* permissions of the Unix socket, 0660 */
    const char *listen_owner; /* "user", "user:group" or "" */
    int feed_keep;
    int listen_backlog;
    /* processes */
    int workers;       /* 0: two per core, 4..16 */
    int write_workers; /* that may be in a write at once; 0: one or two fewer than there are */
    int max_requests;  /* a worker ends after so many, 0: never */
    int drain_timeout;
    int feed_waiters;  /* clients that may wait for changes at once; 0: none waits */
    int restart_limit; /* worker deaths per minute before the supervisor slows down */
    const char *user;
    const char *group;
    const char *pid_file;
    /* log */
    const char *log_destination; /* "stderr", "syslog" or a file's path */
    const char *log_level;       /* debug info warning error */
    struct store_options store;
    const char *database_read; /* libpq connection string of standbys to read from; "": none */
    int read_wait;             /* for a standby that is behind */
    int stale_reads;           /* how old a read may be while the primary can't be asked; 0: not */
    struct api_options api;
    /* HTTP */
    const struct header *response_headers;
    size_t response_header_count;
    struct strings cors_origins; /* "https://example.org", or "*"; none: CORS is not ours */
    struct strings cors_headers; /* that pages of these origins may send */
    int cors_max_age;            /* how long a browser may remember what it was told */
    bool cors_credentials;
    bool foreign_writes; /* pages of other sites may send writes */
    int body_limit;
    int import_limit; /* the same of an import */
    int body_timeout; /* for the whole of a body to arrive */
    int send_timeout; /* for the front server to accept a part of a response */
    int transaction_operations;
    int transaction_response; /* all that its operations are answered with */
    int transaction_timeout;  /* in which all of them must begin */
    int max_params;
    int max_param_bytes;      /* one value */
    int max_param_name_bytes; /* and its name */
    int max_path_bytes;
    int max_path_segments;
    int cache_size;             /* of the response cache, MiB; 0: no cache */
    const char *identity_param; /* FastCGI parameter with the name of the user, "REMOTE_USER" */
    const char *preferences_identity_param; /* the same for preferences, "HTTP_X_USER_ID" */
    const char *shard;                      /* whose preferences are here (shard.h); "": all */
    struct strings trusted_networks;        /* whose HTTP_ parameters may name the user */
    const struct access *access;            /* what the identities may do; added up */
    size_t access_count;
    int idempotency_keep;              /* responses for Idempotency-Key */
    struct strings require_conditions; /* who must send If-Match with changes */
    const char *token_key;             /* of the tokens' hashes; "": no tokens are taken */
    struct strings monitor_networks;   /* that may read /__live__, /__ready__, /__metrics__ */
};

enum setting_type {
    SETTING_STRING,
    SETTING_INT,
    SETTING_BOOL,
    SETTING_MODE,    /* permissions as a string of octal digits, "0660" */
    SETTING_STRINGS, /* a list of them */
    SETTING_GROUP    /* access, drivers, response_headers: read by a function of their own */
};

/* A row. Names sort; "mounts.entity" is `entity` in the group `mounts`. */
struct setting {
    const char *name;
    enum setting_type type;
    const char *default_text; /* lists and groups: as in a file, without white space */
    long minimum, maximum;    /* SETTING_INT: of the number; SETTING_STRING, SETTING_STRINGS: of the
                                 length of each */
    size_t offset;            /* of the field in struct settings */
    const char *(*check)(struct arena *arena, const char *text); /* a string's form: NULL if fine,
                                                                    else what is wrong with it */
    const char *help;                                            /* one line */
    bool needs_restart;                                          /* HUP does not change it */
};

const struct setting *settings_table(size_t *count);

/* The row of that name, or NULL. */
const struct setting *settings_find(const char *name);

#endif
