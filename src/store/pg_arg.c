/* pg_arg.c: parameters and results between C and libpq's forms. */
#include "store/pg_arg.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

/* pg_type's own numbers, fixed forever. */
enum {
    OID_BOOL = 16,
    OID_INT8 = 20,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_INT4_ARRAY = 1007,
    OID_TEXT_ARRAY = 1009,
    OID_INT8_ARRAY = 1016,
    OID_TIMESTAMP = 1114,
    OID_JSONB = 3802
};

struct pg_arg pg_text(const char *text) {
    return (struct pg_arg){.letter = text ? 't' : 0, .text = text};
}

struct pg_arg pg_timestamp(const char *iso) {
    return (struct pg_arg){.letter = iso ? 'd' : 0, .text = iso};
}

struct pg_arg pg_json(const char *json) {
    return (struct pg_arg){.letter = json ? 'j' : 0, .text = json};
}

struct pg_arg pg_int(int32_t number) {
    return (struct pg_arg){.letter = 'i', .number = number};
}

struct pg_arg pg_bigint(int64_t number) {
    return (struct pg_arg){.letter = 'l', .number = number};
}

struct pg_arg pg_bool(bool yes) {
    return (struct pg_arg){.letter = 'b', .number = yes};
}

struct pg_arg pg_null(void) {
    return (struct pg_arg){.letter = 0};
}

struct pg_arg pg_texts(const char *const *texts, size_t count) {
    return (struct pg_arg){.letter = 'T', .items = texts, .count = count};
}

struct pg_arg pg_ints(const int32_t *numbers, const bool *nulls, size_t count) {
    return (struct pg_arg){.letter = 'I', .items = numbers, .nulls = nulls, .count = count};
}

struct pg_arg pg_bigints(const int64_t *numbers, const bool *nulls, size_t count) {
    return (struct pg_arg){.letter = 'L', .items = numbers, .nulls = nulls, .count = count};
}

static Oid type_of(char letter) {
    switch (letter) {
    case 't': return OID_TEXT;
    case 'd': return OID_TIMESTAMP;
    case 'j': return OID_JSONB;
    case 'i': return OID_INT4;
    case 'l': return OID_INT8;
    case 'b': return OID_BOOL;
    case 'T': return OID_TEXT_ARRAY;
    case 'I': return OID_INT4_ARRAY;
    case 'L': return OID_INT8_ARRAY;
    default: assert(!"a letter that is no parameter type"); return 0;
    }
}

const Oid *pg_types(struct arena *scratch, const char *letters) {
    size_t n = strlen(letters);
    Oid *types = arena_array(scratch, n + 1, sizeof *types);

    for (size_t i = 0; i < n; i++)
        types[i] = type_of(letters[i]);
    return types;
}

static char *put32(char *at, uint32_t number) {
    uint32_t wire = htonl(number);

    memcpy(at, &wire, sizeof wire);
    return at + sizeof wire;
}

static char *put64(char *at, uint64_t number) {
    uint64_t wire = htobe64(number);

    memcpy(at, &wire, sizeof wire);
    return at + sizeof wire;
}

static bool item_null(const struct pg_arg *arg, size_t i) {
    if (arg->letter == 'T')
        return ((const char *const *)arg->items)[i] == NULL;
    return arg->nulls && arg->nulls[i];
}

static size_t item_length(const struct pg_arg *arg, size_t i) {
    if (arg->letter == 'T')
        return strlen(((const char *const *)arg->items)[i]);
    return arg->letter == 'I' ? 4 : 8;
}

static char *put_item(char *at, const struct pg_arg *arg, size_t i, size_t length) {
    if (arg->letter == 'I')
        return put32(at, (uint32_t)((const int32_t *)arg->items)[i]);
    if (arg->letter == 'L')
        return put64(at, (uint64_t)((const int64_t *)arg->items)[i]);
    memcpy(at, ((const char *const *)arg->items)[i], length);
    return at + length;
}

/* array_recv's form: dimensions, "has nulls", element type, size and lower bound, elements. */
static const char *wire_array(struct arena *scratch, const struct pg_arg *arg, int *length) {
    Oid element = arg->letter == 'T' ? OID_TEXT : arg->letter == 'I' ? OID_INT4 : OID_INT8;
    size_t size = 20;
    bool nulls = false;
    char *bytes, *at;

    for (size_t i = 0; i < arg->count; i++) {
        bool null = item_null(arg, i);

        nulls |= null;
        size += 4 + (null ? 0 : item_length(arg, i));
    }
    assert(size < INT32_MAX);
    bytes = arena_alloc(scratch, size);
    at = put32(bytes, arg->count ? 1 : 0);
    at = put32(put32(at, nulls), element);
    if (arg->count)
        at = put32(put32(at, (uint32_t)arg->count), 1);
    for (size_t i = 0; i < arg->count; i++) {
        size_t n = item_null(arg, i) ? 0 : item_length(arg, i);

        if (item_null(arg, i))
            at = put32(at, UINT32_MAX);
        else
            at = put_item(put32(at, (uint32_t)n), arg, i, n);
    }
    *length = (int)(at - bytes);
    return bytes;
}

static const char *wire_one(struct arena *scratch, const struct pg_arg *arg, int *length,
                            int *format) {
    char *bytes = NULL;

    *length = 0;
    *format = 1;
    switch (arg->letter) {
    case 0: return NULL;
    case 'i':
        bytes = arena_alloc(scratch, *length = 4);
        put32(bytes, (uint32_t)(int32_t)arg->number);
        return bytes;
    case 'l':
        bytes = arena_alloc(scratch, *length = 8);
        put64(bytes, (uint64_t)arg->number);
        return bytes;
    case 'b':
        bytes = arena_alloc(scratch, *length = 1);
        *bytes = arg->number != 0;
        return bytes;
    case 'T':
    case 'I':
    case 'L': return wire_array(scratch, arg, length);
    default: *format = 0; return arg->text;
    }
}

struct pg_wire pg_wire(struct arena *scratch, const char *letters, const struct pg_arg *args,
                       size_t count) {
    const char **values = arena_array(scratch, count + 1, sizeof *values);
    int *lengths = arena_array(scratch, count + 1, sizeof *lengths);
    int *formats = arena_array(scratch, count + 1, sizeof *formats);

    assert(strlen(letters) == count);
    for (size_t i = 0; i < count; i++) {
        assert(args[i].letter == 0 || args[i].letter == letters[i]);
        values[i] = wire_one(scratch, &args[i], &lengths[i], &formats[i]);
    }
    return (struct pg_wire){values, lengths, formats, (int)count};
}

/* --- results */

static void clear_result(void *result) {
    PQclear(result);
}

void pg_keep(struct arena *arena, PGresult *result) {
    arena_on_reset(arena, clear_result, result);
}

size_t pg_rows(const PGresult *result) {
    return (size_t)PQntuples(result);
}

bool pg_is_null(const PGresult *result, size_t row, int column) {
    return PQgetisnull(result, (int)row, column);
}

const char *pg_get_text(const PGresult *result, size_t row, int column) {
    const char *text = PQgetvalue(result, (int)row, column);

    /* of a null it is empty */
    return *text == '\0' && pg_is_null(result, row, column) ? NULL : text;
}

/* PostgreSQL's numbers have no spaces, and fit: num_digits(), which sees to that, takes twice as
 * long. */
int64_t pg_get_int(const PGresult *result, size_t row, int column) {
    const char *text = PQgetvalue(result, (int)row, column);
    bool negative = *text == '-';
    uint64_t size = 0;

    for (text += negative; *text >= '0' && *text <= '9'; text++)
        size = 10 * size + (uint64_t)(*text - '0');
    return (int64_t)(negative ? 0 - size : size);
}

int32_t pg_get_int32(const PGresult *result, size_t row, int column) {
    return (int32_t)pg_get_int(result, row, column);
}

bool pg_get_bool(const PGresult *result, size_t row, int column) {
    return *PQgetvalue(result, (int)row, column) == 't';
}

int32_t *pg_get_int32s(struct arena *arena, const PGresult *result, int column) {
    size_t rows = pg_rows(result);
    int32_t *numbers = arena_array(arena, rows + 1, sizeof *numbers);

    for (size_t row = 0; row < rows; row++)
        numbers[row] = pg_get_int32(result, row, column);
    return numbers;
}

const char **pg_get_texts(struct arena *arena, const PGresult *result, int column) {
    size_t rows = pg_rows(result);
    const char **texts = arena_array(arena, rows + 1, sizeof *texts);

    for (size_t row = 0; row < rows; row++)
        texts[row] = pg_get_text(result, row, column);
    return texts;
}

size_t pg_page_rows(const PGresult *result, size_t first, int64_t limit, int column,
                    int32_t *next) {
    size_t rows = pg_rows(result) - first;

    if (rows <= (size_t)limit)
        return rows;
    *next = pg_get_int32(result, first + (size_t)limit - 1, column);
    return (size_t)limit;
}

int64_t pg_affected(PGresult *result) {
    return strtoll(PQcmdTuples(result), NULL, 10);
}

enum rc pg_take_int(enum rc rc, PGresult *result, enum rc none, int64_t *out) {
    if (rc != RC_OK)
        return rc;
    if (pg_rows(result) == 0)
        rc = none;
    else
        *out = pg_get_int(result, 0, 0);
    PQclear(result);
    return rc;
}
