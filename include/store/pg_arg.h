/* pg_arg.h: parameters and results of statements between C and libpq's forms. */
#ifndef MUSTER_STORE_PG_ARG_H
#define MUSTER_STORE_PG_ARG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "base/arena.h"
#include "base/rc.h"

/* --- parameters: made by the functions below, checked against the statement's letters
 *
 *     t text    i integer    l bigint    b boolean    d timestamp (its text)    j jsonb (its text)
 *     T text[]  I integer[]  L bigint[]
 *
 * Values never become SQL text. A null fits every letter. */
struct pg_arg {
    char letter; /* 0: null */
    const char *text;
    int64_t number;
    const void *items;
    const bool *nulls;
    size_t count;
};

#define PG_ARGS(...)                                                                               \
    (const struct pg_arg[]){__VA_ARGS__},                                                          \
        sizeof((const struct pg_arg[]){__VA_ARGS__}) / sizeof(struct pg_arg)
#define PG_NONE NULL, (size_t)0

/* A NULL text is null. Texts are valid UTF-8 without NUL, borrowed during the call. */
struct pg_arg pg_text(const char *text);
struct pg_arg pg_timestamp(const char *iso);
struct pg_arg pg_json(const char *json);
struct pg_arg pg_int(int32_t number);
struct pg_arg pg_bigint(int64_t number);
struct pg_arg pg_bool(bool yes);
struct pg_arg pg_null(void);

/* Arrays, borrowed during the call. NULL among the texts, and true in `nulls` (NULL: none), are
 * null elements. Send columns of many rows this way: unnest($1::text[], $2::bigint[]). */
struct pg_arg pg_texts(const char *const *texts, size_t count);
struct pg_arg pg_ints(const int32_t *numbers, const bool *nulls, size_t count);
struct pg_arg pg_bigints(const int64_t *numbers, const bool *nulls, size_t count);

/* The arguments in libpq's form, in `scratch`; asserts that they fit `letters`. */
struct pg_wire {
    const char *const *values;
    const int *lengths;
    const int *formats;
    int count;
};
struct pg_wire pg_wire(struct arena *scratch, const char *letters, const struct pg_arg *args,
                       size_t count);

/* The parameters' types for preparing. */
const Oid *pg_types(struct arena *scratch, const char *letters);

/* --- results */

/* Takes a result of one row (row 0) that is gone when it returns. False: no more of them. */
typedef bool (*pg_row)(void *context, const PGresult *result);

/* PQclear at the arena's reset: texts may be used in place until then. */
void pg_keep(struct arena *arena, PGresult *result);

size_t pg_rows(const PGresult *result);
bool pg_is_null(const PGresult *result, size_t row, int column);
int64_t pg_get_int(const PGresult *result, size_t row, int column); /* null: 0 */
int32_t pg_get_int32(const PGresult *result, size_t row, int column);
bool pg_get_bool(const PGresult *result, size_t row, int column);
/* In the result; NULL for null. */
const char *pg_get_text(const PGresult *result, size_t row, int column);

/* A column of all rows, in the arena; the texts themselves are in the result. */
int32_t *pg_get_int32s(struct arena *arena, const PGresult *result, int column);
const char **pg_get_texts(struct arena *arena, const PGresult *result, int column);

/* How many rows from `first` on the page has that was asked for with one row more than `limit`. If
 * that is there, *next is the number that the page's last row has in the column. */
size_t pg_page_rows(const PGresult *result, size_t first, int64_t limit, int column, int32_t *next);

/* Rows that a write changed (INSERT 0 5: 5). */
int64_t pg_affected(PGresult *result);

/* The first row's first number, of a statement with the result `rc`; `none` if it has no row. Takes
 * the result. */
enum rc pg_take_int(enum rc rc, PGresult *result, enum rc none, int64_t *out);

#endif
