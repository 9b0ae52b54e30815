/* query_sql.h: a question as one statement. Its text is joined of fixed parts; whatever the client
 * sent is a parameter. */
#ifndef MUSTER_STORE_QUERY_SQL_H
#define MUSTER_STORE_QUERY_SQL_H

#include "query/column.h"
#include "query/query.h"
#include "store/pg.h"

/* The quick form of a page is for few containers. Where a question has more to look into, its first
 * row has QUERY_TOO_MANY as the total, the rest does not count, and the other form is to be asked.
 */
enum query_form { QUERY_WITH_TOTAL, QUERY_PAGE, QUERY_QUICK_PAGE };
#define QUERY_TOO_MANY (-1)

/* The statement of a list (store/stmt_parts.h), with the four parameters that *args has already and
 * those of the question after them: *args is replaced. Valid as long as the arena, and until the
 * next one is compiled. */
const struct stmt_row *query_sql_compile(struct store *store, struct arena *arena,
                                         const struct query_node *question, enum query_form form,
                                         struct pg_arg **args, size_t *count);

/* Which of some objects fit as of which versions: the first parameter is their ids, the second, of
 * the same length, the versions as bigint. Both are null in *args until they are set. The rows are
 * version and id, in this order. All of it is in the arena. */
const struct stmt_row *query_sql_fits(struct arena *arena, const struct query_node *question,
                                      struct pg_arg **args, size_t *count);

/* How many of the objects have each value in the column, the most frequent first: its text, and the
 * number. Before them comes the snapshot, with null as the number. */
const struct stmt_row *query_sql_count(struct store *store, struct arena *arena,
                                       const struct query_node *question,
                                       const struct query_column *column, struct pg_arg **args,
                                       size_t *count);

/* The same of all objects that there are now by driver, or else by type, from the counts that are
 * kept; without arguments. */
const struct stmt_row *query_sql_kept_counts(struct store *store, bool by_driver);

#endif
