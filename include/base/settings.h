/* settings.h: every setting as plain data. server/config fills it from the file; lower rooms only
 * read it. */
#ifndef MUSTER_BASE_SETTINGS_H
#define MUSTER_BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

enum mount {
    MOUNT_ROOT,
    MOUNT_ENTITY,
    MOUNT_ATTRIBUTE,
    MOUNT_RESOURCEMANAGER,
    MOUNT_RESOURCE,
    MOUNT_PREFERENCES,
    MOUNT_COUNT
};

struct header {
    const char *name;
    const char *value;
};

struct strings {
    const char *const *items;
    size_t count;
};

/* What somebody may do: ROLE_x bits (server/access.h) for each mount. `who` is an identity, "*" for
 * all that have one, or "anonymous" for everybody. */
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
    int listen_backlog;
    /* processes */
    int workers;      /* 0: two per core, 4..16 */
    int max_requests; /* a worker ends after so many, 0: never */
    int drain_timeout;
    int restart_limit; /* worker deaths per minute before the supervisor slows down */
    const char *user;
    const char *group;
    const char *pid_file;
    /* log */
    const char *log_destination; /* "stderr", "syslog" or a file's path */
    const char *log_level;       /* debug info warning error */
    /* database */
    const char *database; /* libpq conninfo */
    int connect_timeout;
    int statement_timeout;
    int lock_timeout;
    bool versioning;
    bool name_reads; /* single reads say in application_name for which request they are */
    /* HTTP */
    const char *mounts[MOUNT_COUNT]; /* path without a trailing slash; NULL: not mounted; MOUNT_ROOT
                                        is "" */
    const struct header *response_headers;
    size_t response_header_count;
    struct strings cors_origins; /* "https://example.org", or "*"; none: CORS is not ours */
    struct strings cors_headers; /* that pages of these origins may send */
    int cors_max_age;            /* how long a browser may remember what it was told */
    bool cors_credentials;
    bool expanded_type;
    int body_limit;
    int body_timeout; /* for the whole of a body to arrive */
    int send_timeout; /* for a piece of the answer to be taken by the front server */
    int max_params;
    int max_param_bytes;      /* one value */
    int max_param_name_bytes; /* and its name */
    int max_path_bytes;
    int max_path_segments;
    int max_name_characters; /* of an object's name */
    int max_key_characters;  /* of an attribute's key or subkey */
    int json_depth;
    int json_values;
    int json_key_bytes;         /* in a JSON text, also of a container of preferences */
    int json_number_characters; /* of a number, and its exponent in either direction */
    int json_exponent;
    int per_page;
    int max_per_page;           /* 0: any size */
    int cache_size;             /* MiB for kept answers; 0: none */
    const char *identity_param; /* FastCGI parameter that holds who is asking, "REMOTE_USER" */
    const char *preferences_identity_param; /* the same for preferences, "HTTP_X_USER_ID" */
    struct strings trusted_networks;        /* whose HTTP_ parameters may say who is asking */
    const struct access *access;            /* what the identities may do; added up */
    size_t access_count;
    const char *auth_challenge;      /* what WWW-Authenticate says with a 401 */
    const char *token_key;           /* of the tokens' hashes; "": no tokens are taken */
    struct strings monitor_networks; /* who may read /__live__, /__ready__, /__metrics__ */
    int preferences_document_bytes;  /* largest document, as PostgreSQL prints it */
    int preferences_max_containers;  /* of one user; 0: any number */
    int preferences_max_bytes;       /* of one user, all documents together; 0: any number */
    int preferences_path_segments;   /* of a place in a document, the container included */
    const char *doc_dir;
    const char *version; /* what /__version__ says */
};

#endif
