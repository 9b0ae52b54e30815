/* context.h: what a handler is given, and how it answers. */
#ifndef MUSTER_API_CONTEXT_H
#define MUSTER_API_CONTEXT_H

#include "api/mount.h"
#include "base/rc.h"
#include "http/page.h"
#include "http/request.h"
#include "http/response.h"
#include "model/driver.h"
#include "rules/verdict.h"
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
    int preferences_path_segments;  /* of a place in a document, the container included */
};

#define DEPENDENCIES 4

/* What an answer depends on, so that it may be kept until that changes: keys as the database
 * reports changes (an entity's id, a user's hash), or any change at all. None of it: the answer is
 * not kept. */
struct dependencies {
    int64_t keys[DEPENDENCIES];
    size_t count;
    bool anything;
};

enum mode { MODE_COMPACT, MODE_EXPANDED, MODE_INVALID };

/* A handler may assume every rung of dispatch's ladder: method and path match the row, parameters
 * are valid UTF-8 within the limits, the body is read, whoever asks has the row's role, a row about
 * somebody's own documents has a request->user, the transaction of the row's mode is open.
 */
struct context {
    const struct api_options *options;
    struct request *request;
    struct response *response;
    struct store *store;
    struct arena *arena;
    struct json_writer *json;
    const char *const *args; /* the path's segments behind the mount */
    size_t arg_count;
    enum mount mount;
    const char *mount_doc; /* documentation text of this mount */
    bool may_manage;       /* whoever asks has the role write on the managers' mount, too */
    enum rc rc;            /* last result of the store that made the request fail */
    bool json_open;
    struct dependencies dependencies; /* filled by a reading handler that answers 200 */
};

/* A handler returns the status it answered with. */
typedef int (*handler)(struct context *c);

/* Answers with a JSON string: return fail(c, 404, "Object \"%s\" not found ...", name). Replaces
 * what was written; after the header has left it breaks the answer instead. Returns `status`. */
int fail(struct context *c, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a store's result: 503 with Retry-After for the database away or busy, 507 full, 500
 * for a bug; remembers rc in the context so that dispatch can run the request again. RC_AHEAD:
 * nothing is answered yet, 0. */
int fail_rc(struct context *c, enum rc rc);

/* The same for a rule's: 409, 400 or 404 with its reason, else as fail_rc. Not for RC_OK. */
int fail_verdict(struct context *c, struct verdict verdict);

/* May whoever asks make or delete an object of this driver? A manager takes a role on the managers'
 * mount, by whatever path. False: a 401 (nobody we know) or 403 that says so is answered. */
bool may_own(struct context *c, const struct driver *driver);

/* Starts a JSON answer of that status: Content-Type, Clusto-Minify; the writer is ready. */
struct json_writer *answer_json(struct context *c, int status);

/* Ends it; returns the status. Every answer_json needs one. */
int answer_end(struct context *c);

/* The whole answer is this string. */
int answer_string(struct context *c, int status, const char *text);

/* No body and no Content-Type (204, a bare 404). */
int answer_empty(struct context *c, int status);

/* The answer shows this entity (or this user's documents) and may be kept until it changes. */
void depends_on(struct context *c, int64_t key);

/* The parameter's last value; an empty one is as good as none: NULL. */
const char *given(const struct context *c, const char *name);

/* Clusto-Mode, or the default where absent. MODE_INVALID: the handler answers fail_mode(c) in its
 * turn. */
enum mode get_mode(const struct context *c, enum mode default_mode);

/* The 409 for a mode that does not exist. */
int fail_mode(struct context *c);

/* What a JSON text in a request may be: as the configuration and contract/preferences.md say, with
 * `depth` containers inside each other. */
struct json_limits json_limits(const struct context *c, size_t depth);

/* What page of a list is wanted: Clusto-Page or Clusto-After, Clusto-Per-Page; the last two also as
 * the parameters clusto_after and clusto_per_page. False: a 400 is already answered. */
bool get_page(struct context *c, struct page *out);

/* Clusto-Page, Clusto-Per-Page and Clusto-Pages; behind a cursor Clusto-Per-Page, Clusto-Next and
 * Link, with `next` 0 for the last page. Nothing where no page was asked for. */
void set_page_headers(struct context *c, const struct page *page, int64_t total, int32_t next);

#endif
