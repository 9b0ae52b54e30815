/* prefs.c: preferences: one row for each user and container, each write decided by the database. */
#include "store/prefs.h"

#include <assert.h>

#include "store/pg.h"
#include "store/prefetch.h"

/* How often a document may be made and deleted by others while we try to make it. */
#define EDIT_ATTEMPTS 20

/* The revisions that are asked for; null where any will do. */
static struct pg_arg revisions_arg(const struct prefs_write *write) {
    return write->revision_count > 0 ? pg_bigints(write->revisions, NULL, write->revision_count)
                                     : pg_null();
}

enum rc store_prefs_list(struct store *store, struct arena *arena, const char *user,
                         const char *contains, const char *const **names, size_t *count) {
    PGresult *result;
    enum rc rc;

    if (contains != NULL)
        rc = pg_exec(store, &result, STMT(PREFS_SEARCH), PG_ARGS(pg_text(user), pg_json(contains)));
    else
        rc = pg_exec(store, &result, STMT(PREFS_LIST), PG_ARGS(pg_text(user)));
    if (rc != RC_OK)
        return rc;
    pg_keep(arena, result);
    *count = pg_rows(result);
    *names = pg_get_texts(arena, result, 0);
    return RC_OK;
}

/* Columns: revision, JSON text, bytes of the whole document, the user's key where it was asked for.
 */
static void read_document(const PGresult *result, struct prefs_document *out) {
    out->revision = pg_get_int(result, 0, 0);
    out->text = pg_get_text(result, 0, 1);
    out->length = out->text != NULL ? (size_t)PQgetlength(result, 0, 1) : 0;
    out->bytes = pg_get_int(result, 0, 2);
    out->user_key = PQnfields(result) > 3 ? pg_get_int(result, 0, 3) : 0;
}

struct store_read *store_ask_prefs(struct arena *arena, const char *user, const char *container,
                                   const char *const *path, size_t path_count) {
    if (path_count > 0)
        return prefetch_read(
            arena, STMT(PREFS_GET_PATH),
            PG_ARGS(pg_text(user), pg_text(container), pg_texts(path, path_count)));
    return prefetch_read(arena, STMT(PREFS_GET), PG_ARGS(pg_text(user), pg_text(container)));
}

enum rc store_take_prefs(struct store *store, struct store_read *read, struct prefs_document *out) {
    PGresult *result;
    enum rc rc = prefetch_take_rows(store, read, &result);

    if (rc == RC_OK)
        read_document(result, out);
    return rc;
}

enum rc store_prefs_put(struct store *store, const struct prefs_write *w, int64_t *revision,
                        bool *created) {
    PGresult *result;
    enum rc rc;

    *created = false;
    if (w->revision_count > 0)
        rc = pg_exec_write(store, &result, STMT(PREFS_UPDATE),
                           PG_ARGS(pg_text(w->user), pg_text(w->container), pg_json(w->document),
                                   revisions_arg(w)));
    else
        rc = pg_exec_write(store, &result, STMT(PREFS_PUT),
                           PG_ARGS(pg_text(w->user), pg_text(w->container), pg_json(w->document)));
    if (rc == RC_OK && w->revision_count == 0)
        *created = pg_get_bool(result, 0, 1);
    return pg_take_int(rc, result, RC_CONFLICT, revision);
}

enum rc store_prefs_merge(struct store *store, const struct prefs_write *w, int64_t *revision) {
    PGresult *result;
    enum rc rc;

    if (w->revision_count > 0)
        rc = pg_exec_write(store, &result, STMT(PREFS_MERGE_IF),
                           PG_ARGS(pg_text(w->user), pg_text(w->container), pg_json(w->document),
                                   pg_bigint(w->bytes_limit - w->growth), revisions_arg(w)));
    else
        rc = pg_exec_write(store, &result, STMT(PREFS_MERGE),
                           PG_ARGS(pg_text(w->user), pg_text(w->container), pg_json(w->document),
                                   pg_bigint(w->bytes_limit - w->growth)));
    return pg_take_int(rc, result, RC_CONFLICT, revision);
}

enum rc store_prefs_set(struct store *store, const struct prefs_write *w, int64_t *revision) {
    struct pg_arg room = pg_bigint(w->bytes_limit - w->growth);
    struct pg_arg path = pg_texts(w->path, w->path_count);
    struct pg_arg parent = pg_texts(w->path, w->path_count - 1);
    PGresult *result;
    enum rc rc;

    assert(w->path_count > 0);
    if (w->revision_count > 0)
        rc = pg_exec_write(store, &result, STMT(PREFS_SET_IF),
                           PG_ARGS(pg_text(w->user), pg_text(w->container), path, parent,
                                   pg_json(w->value), room, revisions_arg(w)));
    else
        rc = pg_exec_write(store, &result, STMT(PREFS_SET),
                           PG_ARGS(pg_text(w->user), pg_text(w->container), path, parent,
                                   pg_json(w->value), room, pg_json(w->document),
                                   pg_request(store)));
    return pg_take_int(rc, result, RC_CONFLICT, revision);
}

enum rc store_prefs_remove(struct store *store, const struct prefs_write *w, int64_t *revision) {
    PGresult *result;
    enum rc rc;

    assert(w->path_count > 0);
    rc = pg_exec_write(store, &result, STMT(PREFS_REMOVE),
                       PG_ARGS(pg_text(w->user), pg_text(w->container),
                               pg_texts(w->path, w->path_count), revisions_arg(w)));
    return pg_take_int(rc, result, RC_CONFLICT, revision);
}

enum rc store_prefs_create(struct store *store, const struct prefs_write *w, int64_t *revision) {
    PGresult *result;
    enum rc rc =
        pg_exec_write(store, &result, STMT(PREFS_CREATE),
                      PG_ARGS(pg_text(w->user), pg_text(w->container), pg_json(w->document)));

    return pg_take_int(rc, result, RC_EXISTS, revision);
}

enum rc store_prefs_delete(struct store *store, const struct prefs_write *w) {
    PGresult *result;
    int64_t revision;
    enum rc rc = pg_exec_write(store, &result, STMT(PREFS_DELETE),
                               PG_ARGS(pg_text(w->user), pg_text(w->container), revisions_arg(w)));

    return pg_take_int(rc, result, RC_NOTFOUND, &revision);
}

enum rc store_prefs_delete_all(struct store *store, const char *user) {
    return pg_exec_write(store, NULL, STMT(PREFS_DELETE_ALL), PG_ARGS(pg_text(user)));
}

static struct prefs_usage read_usage(const PGresult *result) {
    return (struct prefs_usage){pg_get_int(result, 0, 0), pg_get_int(result, 0, 1)};
}

enum rc store_prefs_usage(struct store *store, const char *user, struct prefs_usage *usage) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT(PREFS_USAGE), PG_ARGS(pg_text(user)));

    if (rc != RC_OK)
        return rc;
    *usage = read_usage(result);
    PQclear(result);
    return RC_OK;
}

/* One edit, while its transaction is open. */
struct editing {
    struct store *store;
    struct arena *arena;
    const char *user;
    const char *container;
    bool usage;
    prefs_edit edit;
    void *context;
    int64_t *revision;
};

/* Takes the row, and what the user has, as they are now. The lock on the user comes first and in a
 * statement of its own, so that the statements after it see what its last holder did. */
static enum rc lock_row(const struct editing *e, struct prefs_document *document, bool *found,
                        struct prefs_usage *usage) {
    PGresult *result;
    enum rc rc;

    if (e->usage) {
        pg_queue(e->store, STMT(PREFS_LOCK_USER), PG_ARGS(pg_text(e->user)));
        pg_send(e->store, STMT(PREFS_USAGE), PG_ARGS(pg_text(e->user)));
    }
    pg_send(e->store, STMT(PREFS_LOCK), PG_ARGS(pg_text(e->user), pg_text(e->container)));
    if (e->usage) {
        rc = pg_next(e->store, &result);
        if (rc != RC_OK)
            return rc;
        *usage = read_usage(result);
        PQclear(result);
    }
    rc = pg_next(e->store, &result);
    if (rc != RC_OK)
        return rc;
    pg_keep(e->arena, result);
    *found = pg_rows(result) > 0;
    if (*found)
        read_document(result, document);
    return RC_OK;
}

/* One read and one write. RC_EXISTS: another session created the document in between. */
static enum rc edit_once(const struct editing *e) {
    struct prefs_document document;
    struct prefs_usage usage;
    const char *text = NULL;
    PGresult *result;
    bool found;
    enum rc rc = lock_row(e, &document, &found, &usage);

    if (rc != RC_OK)
        return rc;
    switch (e->edit(e->context, found ? &document : NULL, e->usage ? &usage : NULL, &text)) {
    case PREFS_KEEP: return RC_OK;
    case PREFS_DELETE:
        return pg_exec(e->store, NULL, STMT(PREFS_DELETE),
                       PG_ARGS(pg_text(e->user), pg_text(e->container), pg_null()));
    case PREFS_WRITE: break;
    }
    if (found)
        rc = pg_exec(e->store, &result, STMT(PREFS_UPDATE),
                     PG_ARGS(pg_text(e->user), pg_text(e->container), pg_json(text), pg_null()));
    else
        rc = pg_exec(e->store, &result, STMT(PREFS_CREATE),
                     PG_ARGS(pg_text(e->user), pg_text(e->container), pg_json(text)));
    return pg_take_int(rc, result, found ? RC_BUG : RC_EXISTS, e->revision);
}

enum rc store_prefs_edit(struct store *store, struct arena *arena, const char *user,
                         const char *container, bool usage, prefs_edit edit, void *context,
                         int64_t *revision) {
    struct editing e = {store, arena, user, container, usage, edit, context, revision};
    enum rc rc = RC_EXISTS;

    store_begin_plain(store);
    for (int i = 0; i < EDIT_ATTEMPTS && rc == RC_EXISTS; i++)
        rc = edit_once(&e);
    if (rc == RC_OK)
        return store_commit(store);
    store_rollback(store);
    return rc == RC_EXISTS ? RC_RETRY : rc;
}
