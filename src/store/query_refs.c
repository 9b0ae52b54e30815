/* query_refs.c: what a question finds, for a request that does something with all of it. */
#include "store/query_refs.h"

#include "store/query_sql.h"

/* The columns of a list. */
enum { LIST_TOTAL, LIST_ID, LIST_NAME, LIST_DRIVER, LIST_TYPE };

enum rc store_query_refs(struct store *store, struct arena *arena,
                         const struct query_node *question, size_t most, struct ref **out,
                         size_t *count) {
    struct pg_arg list[] = {pg_bigint((int64_t)most + 1), pg_bigint(0), pg_bool(false), pg_int(0)};
    size_t arg_count = sizeof list / sizeof *list;
    struct pg_arg *args = list;
    const struct stmt_row *row =
        query_sql_compile(store, arena, question, QUERY_PAGE, &args, &arg_count);
    PGresult *result;
    enum rc rc = pg_exec(store, &result, row, args, arg_count);

    if (rc != RC_OK)
        return rc;
    pg_keep(arena, result);
    *count = 0;
    *out = arena_array(arena, pg_rows(result) + 1, sizeof **out);
    for (size_t i = 0; i < pg_rows(result); i++)
        if (!pg_is_null(result, i, LIST_ID)) /* the first row says when */
            (*out)[(*count)++] = (struct ref){.id = pg_get_int32(result, i, LIST_ID),
                                              .name = pg_get_text(result, i, LIST_NAME),
                                              .driver = pg_get_text(result, i, LIST_DRIVER),
                                              .type = pg_get_text(result, i, LIST_TYPE)};
    return *count > most ? RC_TOO_LARGE : RC_OK;
}
