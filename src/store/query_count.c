/* query_count.c: how many of the objects that a query finds have which value. */
#include "store/query_sql.h"

struct counting {
    struct arena *arena;
    struct list_extent *extent;
    store_count_row row;
    void *context;
};

static bool take(void *context, const PGresult *result) {
    const struct counting *counting = context;

    if (pg_is_null(result, 0, 1)) {
        counting->extent->snapshot = arena_strdup(counting->arena, pg_get_text(result, 0, 0));
        return true;
    }
    return counting->row(counting->context, pg_get_text(result, 0, 0), pg_get_int(result, 0, 1));
}

/* Of all objects, by driver or type. */
static bool is_kept(struct store *store, const struct query_node *question,
                    const struct query_column *column) {
    return question->kind == QUERY_ALL &&
           (column->kind == QUERY_COLUMN_DRIVER || column->kind == QUERY_COLUMN_TYPE) &&
           pg_is_current(store) && pg_has_extensions(store);
}

enum rc store_count_query(struct store *store, struct arena *arena,
                          const struct query_node *question, const struct query_column *column,
                          struct list_extent *extent, store_count_row row, void *context) {
    struct counting counting = {arena, extent, row, context};
    struct pg_arg *args = NULL;
    size_t count = 0;
    const struct stmt_row *statement;

    if (is_kept(store, question, column))
        statement = query_sql_kept_counts(store, column->kind == QUERY_COLUMN_DRIVER);
    else
        statement = query_sql_count(store, arena, question, column, &args, &count);
    pg_send(store, statement, args, count);
    return pg_stream(store, take, &counting);
}
