/* changes.c: what was changed since a snapshot, told by the triggers of --init-db. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/changes.h"
#include "store/pg.h"

/* "{1,2,3}" */
static void read_keys(struct arena *arena, const char *text, struct changes *out) {
    size_t most = 1;

    for (const char *p = text; *p; p++)
        most += *p == ',';
    out->keys = arena_array(arena, most, sizeof *out->keys);
    for (const char *p = text + 1; *p && *p != '}';) {
        char *end;

        out->keys[out->count++] = strtoll(p, &end, 10);
        p = *end == ',' ? end + 1 : end;
    }
}

/* "snapshot@life": what the caller keeps and gives back. */
enum rc store_changes(struct store *store, struct arena *arena, const char *since,
                      struct changes *out) {
    const char *life = strchr(since, '@');
    const char *snapshot = life ? arena_strndup(arena, since, (size_t)(life - since)) : "";
    const char *keys;
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT_CHANGES,
                         PG_ARGS(pg_text(snapshot), pg_text(life ? life + 1 : "")));

    *out = (struct changes){0};
    if (rc != RC_OK)
        return rc;
    pg_keep(arena, result);
    out->snapshot =
        arena_printf(arena, "%s@%s", pg_get_text(result, 0, 0), pg_get_text(result, 0, 1));
    keys = pg_get_text(result, 0, 2);
    if (keys)
        read_keys(arena, keys, out);
    return RC_OK;
}

enum rc store_prune_changes(struct store *store, const char *snapshot) {
    char xmin[24];

    snprintf(xmin, sizeof xmin, "%.*s", (int)strcspn(snapshot, ":"), snapshot);
    return pg_exec(store, NULL, STMT_PRUNE_CHANGES, PG_ARGS(pg_text(xmin)));
}
