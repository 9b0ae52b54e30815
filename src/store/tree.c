/* tree.c: memberships: what contains what. */
#include <string.h>

#include "store/objects.h"
#include "store/write.h"

enum {
    MEMBERSHIP_MEMBER,
    MEMBERSHIP_ID,
    MEMBERSHIP_NAME,
    MEMBERSHIP_DRIVER,
    MEMBERSHIP_TYPE,
    MEMBERSHIP_SUBKEY,
    MEMBERSHIP_NUMBER
};

static struct membership read_membership(const PGresult *result, size_t row) {
    const char *subkey = pg_get_text(result, row, MEMBERSHIP_SUBKEY);

    return (struct membership){.container = {.id = pg_get_int32(result, row, MEMBERSHIP_ID),
                                             .name = pg_get_text(result, row, MEMBERSHIP_NAME),
                                             .driver = pg_get_text(result, row, MEMBERSHIP_DRIVER),
                                             .type = pg_get_text(result, row, MEMBERSHIP_TYPE)},
                               .member = pg_get_int32(result, row, MEMBERSHIP_MEMBER),
                               .is_racked = subkey && strcmp(subkey, "ru") == 0,
                               .has_unit = subkey && strcmp(subkey, "ru") == 0 &&
                                           !pg_is_null(result, row, MEMBERSHIP_NUMBER),
                               .unit = pg_get_int32(result, row, MEMBERSHIP_NUMBER)};
}

static enum rc read_memberships(struct store *store, struct arena *arena,
                                const struct stmt_row *row, struct pg_arg which,
                                struct memberships *out) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, row, &which, 1);

    if (rc != RC_OK)
        return rc;
    pg_keep(arena, result);
    out->count = pg_rows(result);
    out->items = arena_array(arena, out->count, sizeof *out->items);
    for (size_t i = 0; i < out->count; i++)
        out->items[i] = read_membership(result, i);
    return RC_OK;
}

enum rc store_memberships(struct store *store, struct arena *arena, const int32_t *members,
                          size_t count, struct memberships *out) {
    return read_memberships(store, arena, STMT(MEMBERSHIPS), pg_ints(members, NULL, count), out);
}

enum rc store_contained(struct store *store, struct arena *arena, int32_t container,
                        struct memberships *out) {
    return read_memberships(store, arena, STMT(CONTAINED), pg_int(container), out);
}

/* Only a member with contents can close a circle: the others need no lock. */
static enum rc any_has_contents(struct store *store, const int32_t *members, size_t count,
                                bool *any) {
    PGresult *result;
    enum rc rc =
        pg_exec(store, &result, STMT(HAS_CONTENTS), PG_ARGS(pg_ints(members, NULL, count)));

    if (rc != RC_OK)
        return rc;
    *any = pg_get_bool(result, 0, 0);
    PQclear(result);
    return RC_OK;
}

enum rc store_find_ancestor(struct store *store, int32_t container, const int32_t *members,
                            size_t count, int32_t *inside) {
    PGresult *result;
    bool any = false;
    enum rc rc = any_has_contents(store, members, count, &any);

    *inside = 0;
    if (rc != RC_OK || !any)
        return rc;
    pg_queue(store, STMT(LOCK_TREE), PG_NONE);
    rc = pg_exec(store, &result, STMT(FIND_ANCESTOR),
                 PG_ARGS(pg_int(container), pg_ints(members, NULL, count)));
    if (rc != RC_OK)
        return rc;
    if (pg_rows(result) > 0)
        *inside = pg_get_int32(result, 0, 0);
    PQclear(result);
    return RC_OK;
}

enum rc store_insert(struct store *store, int32_t container, const int32_t *members, size_t count) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT(INSERT_MEMBERS),
                         PG_ARGS(pg_int(container), pg_int((int32_t)count),
                                 pg_ints(members, NULL, count), pg_version(store)));

    if (rc == RC_OK && count > 0 && pg_rows(result) == 0)
        rc = RC_RETRY; /* another has just made the counter */
    PQclear(result);
    return rc;
}

enum rc store_lock_rack(struct store *store, int32_t rack) {
    return pg_exec(store, NULL, STMT(CLAIM), PG_ARGS(pg_text("rack"), pg_null(), pg_bigint(rack)));
}

enum rc store_claim_port(struct store *store, int32_t device, const char *key, int32_t number,
                         bool wait, bool *busy) {
    struct arena *scratch = arena_new();
    const char *port = arena_printf(scratch, "%d/%s#%d", (int)device, key, (int)number);
    PGresult *result = NULL;
    enum rc rc = pg_exec(store, &result, wait ? STMT(CLAIM) : STMT(TRY_CLAIM),
                         PG_ARGS(pg_text("port"), pg_text(port), pg_null()));

    *busy = rc == RC_OK && !wait && !pg_get_bool(result, 0, 0);
    PQclear(result);
    arena_free(&scratch);
    return rc;
}

enum rc store_insert_racked(struct store *store, int32_t rack, int32_t member, const int32_t *units,
                            size_t count) {
    return pg_exec(
        store, NULL, STMT(INSERT_RACKED),
        PG_ARGS(pg_int(rack), pg_int(member), pg_ints(units, NULL, count), pg_version(store)));
}

enum rc store_remove(struct store *store, int32_t container, const int32_t *members, size_t count) {
    size_t found;

    return store_delete_found(store, STMT(MEMBERS),
                              PG_ARGS(pg_int(container), pg_ints(members, NULL, count)), &found);
}
