/* context.h: what a handler is given. */
#ifndef MUSTER_API_CONTEXT_H
#define MUSTER_API_CONTEXT_H

#include "api/mount.h"
#include "base/verdict.h"
#include "http/etag.h"
#include "http/request.h"
#include "http/response.h"
#include "model/driver.h"
#include "store/store.h"
#include "json/reader.h"
#include "json/writer.h"

/* What the configuration says to handlers. Sizes are in bytes, texts borrowed. */
struct api_options {
    const char *mounts[MOUNT_COUNT]; /* path without a trailing slash; NULL: not mounted;
                                        MOUNT_ROOT is "" */
    const char *version;             /* what /__version__ says */
    const char *doc_dir;
    const char *auth_challenge; /* WWW-Authenticate of a 401 */
    bool expanded_type;
    int per_page;
    int max_per_page;        /* 0: any size */
    int max_repeated_rows;   /* of objects that one answer shows more than once */
    int max_name_characters; /* of an object's name */
    int max_key_characters;  /* of an attribute's key or subkey */
    int json_depth;
    int json_values;
    int json_key_bytes;         /* in a JSON text, also of a container of preferences */
    int json_number_characters; /* of a number, and its exponent in either direction */
    int json_exponent;
    int preferences_document_bytes; /* largest document, as PostgreSQL prints it */
    int preferences_max_containers; /* of one user; 0: any number */
    int preferences_max_bytes;      /* of one user, all documents together; 0: any number */
    int query_bytes; /* of a question of /query, its tests, how deep they nest, the values
                        of one "in" */
    int query_tests;
    int query_depth;
    int query_values;
    int query_devices;             /* that devices_from may find */
    int preferences_path_segments; /* of a place in a document, the container included */
    uint64_t fingerprint; /* differs where any of these or the drivers differ, which an entity tag
                             of a list says */
};

#define CONTEXT_DEPENDENCIES 4

/* What a response depends on, so that it may be cached until that changes: keys as the database
 * reports changes (an entity's id, a user's hash), or any change at all. If empty, the response is
 * not cached. */
struct context_dependencies {
    int64_t keys[CONTEXT_DEPENDENCIES];
    size_t count;
    bool anything;
};

/* Where a handler found nothing new, and the client may wait for it: for the waiter
 * (server/waiter.h), which goes on from here; if it can't, the handler's response is sent. */
struct context_wait {
    int seconds;        /* at most; 0: the client does not wait */
    const char *cursor; /* up to which it knows everything */
    bool stream;        /* an event stream: what follows is sent as it comes */
};

enum context_mode { MODE_COMPACT, MODE_EXPANDED, MODE_INVALID };

/* A handler may assume every check of dispatch: method and path match the row, parameters are valid
 * UTF-8 within the limits, the body is read, the caller has the row's role, and on a row about one
 * user's documents there is a request->user. A write has its transaction; a read that needs more
 * than one statement begins a snapshot itself. */
struct context {
    const struct api_options *options;
    struct request *request;
    struct response *response;
    struct store *store;
    struct arena *arena;
    struct json_writer *json;
    const char *const *args; /* the path's segments after the mount */
    size_t arg_count;
    enum mount mount;
    struct etag_list if_match, if_none_match; /* where the row obeys them; a front server's changes
                                                 of them undone */
    const char *list_vary; /* a list with an entity tag: by which headers it varies; else NULL */
    bool is_past;          /* what it reads is as of a version, which has entity tags of its own */
    void (*point_made)(void); /* of the feed: a point may be made, and then this is called; NULL: as
                                 many writes wait as may */
    const unsigned *roles;    /* the client's on each mount (server/access.h) */
    bool has_token;           /* which says who it is */
    bool may_manage;          /* the caller has the role write on the managers' mount, too */
    bool may_revert;          /* and on those of objects and attributes */
    bool may_query;           /* the caller may read lists of objects */
    size_t allocations_before; /* of a transaction: its operations before this one that may need a
                                  number reserved, */
    size_t allocations;        /* and how many this one wants, set by its first step */
    bool dry_run;              /* what this write has done is shown, and rolled back */
    enum rc rc;                /* last result of the store that made the request fail */
    bool json_open;
    struct store_read *read; /* of a quick read: what its first step asks for */
    const void *asked;       /* whatever else that hands on to the second */
    struct context_wait wait;
    struct context_dependencies dependencies; /* filled by a reading handler that sends 200 */
};

/* A handler returns the status of its response. A quick read has two: the first checks the request
 * and sets c->read, sends nothing to the database and returns 0 (or responds at once); the second
 * takes the result and responds. */
typedef int (*context_handler)(struct context *c);

#endif
