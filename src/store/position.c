/* position.c: the primary's position in the write-ahead log, and a standby's. */
#include "store/position.h"

#include <sys/random.h>

#include "base/clock.h"
#include "store/exec.h"

enum { REACHED_ALL, REACHED_FEEDBACK, REACHED_STANDBY };

static int64_t random_lineage(void) {
    int64_t number = 0;

    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != (ssize_t)sizeof number)
        number = clock_us();
    return number;
}

/* Not waiting for a standby to confirm: if it is lost, so is the timeline. */
static enum rc make_lineage(struct store *store, int32_t timeline) {
    return pg_exec_write(store, NULL, STMT(POSITION_LINEAGE),
                         PG_ARGS(pg_int(timeline), pg_bigint(random_lineage())));
}

/* RC_NOTFOUND: the timeline has none yet. */
static enum rc read_lineage(struct store *store, int32_t timeline) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT(POSITION_TIMELINE), PG_ARGS(pg_int(timeline)));

    if (rc != RC_OK)
        return rc;
    if (pg_rows(result) > 0)
        store->lineage = pg_get_int(result, 0, 0);
    else
        rc = RC_NOTFOUND;
    PQclear(result);
    return rc;
}

/* A primary keeps its timeline as long as a connection to it lasts. */
static enum rc find_lineage(struct store *store, uint64_t connection) {
    int32_t timeline = store->db.server.timeline;
    enum rc rc;

    if (store->lineage_of == connection)
        return RC_OK;
    rc = read_lineage(store, timeline);
    if (rc == RC_NOTFOUND) {
        rc = make_lineage(store, timeline);
        if (rc == RC_OK)
            rc = read_lineage(store, timeline);
    }
    if (rc == RC_OK)
        store->lineage_of = connection;
    return rc == RC_NOTFOUND ? RC_RETRY : rc;
}

enum rc position_ask(struct store *store, struct store_position *out) {
    const struct cluster_server *server = &store->db.server;
    int64_t began = clock_us();
    PGresult *result;
    uint64_t connection;
    enum rc rc;

    if (!pg_has_extensions(store))
        return store_connected(store) ? RC_UNREADY : RC_BROKEN;
    if (server->timeline == 0)
        return RC_READONLY;
    connection = store->db.number;
    rc = find_lineage(store, connection);
    if (rc == RC_OK)
        rc = pg_exec(store, &result, STMT(POSITION), PG_NONE);
    if (rc != RC_OK)
        return rc;
    *out = (struct store_position){.asked_at = began,
                                   .lsn = pg_get_int(result, 0, 0),
                                   .timeline = server->timeline,
                                   .lineage = store->lineage,
                                   .system = server->system,
                                   .instance = server->instance};
    PQclear(result);
    return store->db.number == connection ? RC_OK : RC_RETRY;
}

bool position_is_later(const struct store_position *a, const struct store_position *b) {
    return a->asked_at > b->asked_at || (a->asked_at == b->asked_at && a->lsn > b->lsn);
}

enum rc position_compare(struct store *store, const struct store_position *position, bool lone,
                         int64_t until, struct position_reached *out) {
    struct link *l = &store->db.link;
    PGresult *result;
    enum rc rc;

    *out = (struct position_reached){.reached = false};
    if (store->db.server.system != position->system || !store->db.has_extensions)
        return RC_OK;
    l->until = until;
    rc = pg_exec(store, &result, STMT(POSITION_REACHED),
                 PG_ARGS(pg_bigint(position->lsn), pg_bigint(position->lineage),
                         pg_int(lone ? 0 : position->timeline)));
    l->until = 0;
    if (rc != RC_OK)
        return rc;
    out->reached = pg_get_bool(result, 0, REACHED_ALL);
    out->feedback = pg_get_bool(result, 0, REACHED_FEEDBACK);
    out->is_standby = pg_get_bool(result, 0, REACHED_STANDBY);
    PQclear(result);
    return RC_OK;
}

void position_leave(struct store *store) {
    cluster_prefer(store->db.cluster, store->db.place + 1);
    link_close(&store->db.link);
}

void position_pin(struct store *store, bool pinned) {
    store->pinned = pinned;
}
