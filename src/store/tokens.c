/* tokens.c: bearer tokens as the database knows them: by an id, never by themselves. */
#include "store/tokens.h"
#include "store/pg.h"

enum rc store_token_find(struct store *store, struct arena *arena, const char *id,
                         struct token_found *out) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT(TOKEN_FIND), PG_ARGS(pg_text(id)));

    if (rc != RC_OK)
        return rc;
    pg_keep(arena, result);
    if (pg_rows(result) == 0)
        return RC_NOTFOUND;
    out->hash = pg_get_text(result, 0, 0);
    out->owner = pg_get_text(result, 0, 1);
    out->scopes = pg_get_text(result, 0, 2);
    out->networks = pg_get_text(result, 0, 3);
    out->use_is_news = pg_get_bool(result, 0, 4);
    return RC_OK;
}

enum rc store_token_used(struct store *store, const char *id) {
    return pg_exec_write(store, NULL, STMT(TOKEN_USED), PG_ARGS(pg_text(id)));
}

enum rc store_token_add(struct store *store, const struct token_new *t) {
    return pg_exec_write(store, NULL, STMT(TOKEN_ADD),
                         PG_ARGS(pg_text(t->id), pg_text(t->hash), pg_text(t->owner),
                                 pg_texts(t->scopes, t->scope_count),
                                 pg_texts(t->networks, t->network_count),
                                 t->seconds > 0 ? pg_bigint(t->seconds) : pg_null()));
}

enum rc store_token_list(struct store *store, struct arena *arena, const char *owner, bool all,
                         struct token_row **rows, size_t *count) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT(TOKEN_LIST), PG_ARGS(pg_text(owner), pg_bool(all)));

    if (rc != RC_OK)
        return rc;
    pg_keep(arena, result);
    *count = pg_rows(result);
    *rows = arena_array(arena, *count + 1, sizeof **rows);
    for (size_t i = 0; i < *count; i++)
        (*rows)[i] = (struct token_row){.id = pg_get_text(result, i, 0),
                                        .owner = pg_get_text(result, i, 1),
                                        .scopes = pg_get_text(result, i, 2),
                                        .networks = pg_get_text(result, i, 3),
                                        .made = pg_get_text(result, i, 4),
                                        .expires = pg_get_text(result, i, 5),
                                        .last_used = pg_get_text(result, i, 6),
                                        .state = pg_get_text(result, i, 7)};
    return RC_OK;
}

enum rc store_token_revoke(struct store *store, const char *id, const char *owner, int64_t *count) {
    PGresult *result;
    enum rc rc =
        pg_exec_write(store, &result, STMT(TOKEN_REVOKE), PG_ARGS(pg_text(id), pg_text(owner)));

    if (rc != RC_OK)
        return rc;
    *count = pg_affected(result);
    PQclear(result);
    return RC_OK;
}
