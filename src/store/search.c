/* search.c: objects by what is in their names and in the values of their attributes. Tables are
 * read as a whole, unless --init-db made indexes of trigrams (the setting search_index). */
#include "store/search.h"

#include <string.h>

#include "store/pg.h"

enum {
    FOUND_PLACE,
    FOUND_KEY,
    FOUND_SUBKEY,
    FOUND_TEXT,
    FOUND_ID,
    FOUND_NAME,
    FOUND_DRIVER,
    FOUND_TYPE
};

/* The text anywhere, as a pattern. */
static const char *pattern_of(struct arena *arena, const char *text) {
    char *pattern = arena_alloc(arena, 2 * strlen(text) + 3), *to = pattern;

    *to++ = '%';
    for (; *text != '\0'; text++) {
        if (strchr("%_\\", *text) != NULL)
            *to++ = '\\';
        *to++ = *text;
    }
    *to++ = '%';
    *to = '\0';
    return pattern;
}

static struct search_found found_of(const PGresult *result, size_t row) {
    int place = pg_get_int32(result, row, FOUND_PLACE);

    return (struct search_found){.ref = {.id = pg_get_int32(result, row, FOUND_ID),
                                         .name = pg_get_text(result, row, FOUND_NAME),
                                         .driver = pg_get_text(result, row, FOUND_DRIVER),
                                         .type = pg_get_text(result, row, FOUND_TYPE)},
                                 .place = place,
                                 .rank = (enum search_rank)(place / 3),
                                 .is_name = place % 3 == 0,
                                 .key = pg_get_text(result, row, FOUND_KEY),
                                 .subkey = pg_get_text(result, row, FOUND_SUBKEY),
                                 .text = pg_get_text(result, row, FOUND_TEXT)};
}

/* Whole tables are to be read as such, for this transaction; or an index, if the text has trigrams
 * and is not in most rows: for that the planner must see it. Where --init-db made no index of
 * references, they are read once, not once for each name. */
static void allow_scans(struct store *store, bool by_index) {
    static const char *const names[] = {"enable_seqscan", "enable_bitmapscan", "plan_cache_mode",
                                        "enable_hashjoin", "enable_nestloop"};
    static const char *const values[] = {"on", "on", "force_custom_plan", "on", "off"};
    size_t count = by_index ? 3 : 5;

    pg_queue(store, STMT(SET_SESSION), PG_ARGS(pg_texts(names, count), pg_texts(values, count)));
}

static enum rc ask(struct store *store, struct arena *arena, const struct search *wanted,
                   PGresult **result) {
    bool by_index = pg_has_extensions(store);

    allow_scans(store, by_index);
    return pg_exec(store, result, by_index ? STMT(SEARCH) : STMT(SEARCH_PLAIN),
                   PG_ARGS(pg_text(wanted->text), pg_text(pattern_of(arena, wanted->text)),
                           pg_int(wanted->place), pg_int(wanted->after),
                           pg_bigint(wanted->limit + 1)));
}

enum rc store_search(struct store *store, struct arena *arena, const struct search *wanted,
                     struct search_found **out, size_t *count, bool *more) {
    PGresult *result;
    enum rc rc;

    store_begin_snapshot(store);
    rc = ask(store, arena, wanted, &result);
    if (rc == RC_OK) {
        pg_keep(arena, result);
        *more = pg_rows(result) > (size_t)wanted->limit;
        *count = *more ? (size_t)wanted->limit : pg_rows(result);
        *out = arena_array(arena, *count, sizeof **out);
        for (size_t i = 0; i < *count; i++)
            (*out)[i] = found_of(result, i);
        return store_commit(store);
    }
    store_rollback(store);
    return rc;
}
