/* history_page.c: a page of what a span of versions changed: first the ids of its objects, then
 * their rows alone, so that it costs what it shows. */
#include "store/exec.h"
#include "store/history.h"

/* One more than wanted tells that there is another page. */
static enum rc find_ids(struct store *store, struct arena *arena, const struct history_query *query,
                        int32_t **ids, size_t *count) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT(HISTORY_PAGE),
                         PG_ARGS(pg_int(query->spans->after), pg_int(query->spans->to),
                                 pg_int(query->after), pg_int((int32_t)query->limit)));

    *count = 0;
    if (rc != RC_OK)
        return rc;
    *count = pg_rows(result);
    *ids = pg_get_int32s(arena, result, 0);
    PQclear(result);
    return RC_OK;
}

enum rc history_page(struct store *store, struct arena *arena, const struct history_query *query,
                     struct history_list *out) {
    struct history_query page = {
        .spans = query->spans, .count = 1, .limit = query->limit, .only_ids = true};
    int32_t *ids = NULL;
    size_t count = 0;
    bool more;
    enum rc rc;

    if (query->only_ids)
        return history_collect(store, arena, query, out);
    *out = (struct history_list){.count = 0};
    rc = find_ids(store, arena, query, &ids, &count);
    if (rc != RC_OK || count == 0)
        return rc;
    more = count > (size_t)query->limit;
    page.ids = ids;
    page.id_count = more ? count - 1 : count;
    rc = history_collect(store, arena, &page, out);
    out->last = ids[page.id_count - 1];
    out->more = more;
    return rc;
}
