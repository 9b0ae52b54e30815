/* changes.c: what was changed since a snapshot, as reported by the triggers of --init-db. */
#include "store/changes.h"

#include <stdlib.h>
#include <string.h>

#include "store/exec.h"

/* "{1,2,3}"; 0 stands for everything. */
static void read_keys(struct arena *arena, const char *text, struct changes *out) {
    size_t most = 1;

    for (const char *p = text; *p; p++)
        most += *p == ',';
    out->keys = arena_array(arena, most, sizeof *out->keys);
    for (const char *p = text + 1; *p && *p != '}';) {
        char *end;

        out->keys[out->count] = strtoll(p, &end, 10);
        out->everything = out->everything || out->keys[out->count] == 0;
        out->count++;
        p = *end == ',' ? end + 1 : end;
    }
}

/* What is between two "@" of "snapshot@life@watch@replayed", what the caller keeps and gives back.
 * The last is only there on a standby: its position before the snapshot. */
static const char *part(struct arena *arena, const char *text, int which) {
    for (; which > 0 && text; which--) {
        text = strchr(text, '@');
        text = text ? text + 1 : NULL;
    }
    return text ? arena_strndup(arena, text, strcspn(text, "@")) : "";
}

static const char *reason(const char *watch) {
    if (strcmp(watch, "!subscription") == 0)
        return "a subscription writes to the tables, which fires no triggers";
    return "triggers are missing or not always on; muster --init-db makes them again";
}

static bool is_standby(const char *life) {
    size_t n = strlen(life);

    return n >= 5 && strcmp(life + n - 5, "/true") == 0;
}

enum rc store_unchanged(struct store *store, struct arena *arena, const char *since,
                        bool *unchanged) {
    const char *life = part(arena, since, 1);
    bool standby = is_standby(life);
    const char *known = part(arena, since, standby ? 3 : 0);
    PGresult *result;
    enum rc rc;

    *unchanged = false;
    if (*known == '\0')
        return RC_OK;
    rc = pg_exec(store, &result, standby ? STMT(UNREPLAYED) : STMT(UNCHANGED),
                 PG_ARGS(pg_text(known), pg_text(life)));
    if (rc != RC_OK)
        return rc;
    *unchanged = pg_get_bool(result, 0, 0);
    PQclear(result);
    return RC_OK;
}

/* A standby's position, to be asked before the snapshot, which then shows all that was replayed up
 * to there: as long as it is the same, there is nothing new. */
static enum rc read_replayed(struct store *store, struct arena *arena, const char **replayed) {
    PGresult *result;
    enum rc rc;

    *replayed = "";
    if (!store->db.is_standby)
        return RC_OK;
    rc = pg_exec(store, &result, STMT(REPLAYED), PG_NONE);
    if (rc == RC_OK && !pg_is_null(result, 0, 0))
        *replayed = arena_strdup(arena, pg_get_text(result, 0, 0));
    PQclear(result);
    return rc;
}

enum rc store_changes(struct store *store, struct arena *arena, const char *since,
                      struct changes *out) {
    const char *watched = part(arena, since, 2), *watch, *keys, *replayed;
    PGresult *result;
    uint64_t connection;
    enum rc rc = read_replayed(store, arena, &replayed);

    *out = (struct changes){0};
    if (rc != RC_OK)
        return rc;
    connection = store_connection(store);
    rc = pg_exec(store, &result, STMT(CHANGES),
                 PG_ARGS(pg_text(part(arena, since, 0)), pg_text(part(arena, since, 1))));
    if (rc != RC_OK)
        return rc;
    if (store_connection(store) != connection)
        replayed = ""; /* by another server */
    pg_keep(arena, result);
    keys = pg_get_text(result, 0, 3);
    if (keys)
        read_keys(arena, keys, out);
    watch = pg_get_text(result, 0, 2);
    if (!watch)
        watch = watched;
    out->everything = out->everything || strcmp(watch, watched) != 0;
    if (*watch == '!')
        out->blind = reason(watch);
    store->db.is_standby = is_standby(pg_get_text(result, 0, 1));
    out->instance = cluster_instance(pg_get_text(result, 0, 1));
    out->snapshot = arena_printf(arena, "%s@%s@%s%s%s", pg_get_text(result, 0, 0),
                                 pg_get_text(result, 0, 1), watch, *replayed ? "@" : "", replayed);
    return RC_OK;
}
