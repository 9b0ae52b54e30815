/* import.c: rows into the temporary tables of an import, and the statements that check and apply
 * them. */
#include "store/import.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "model/driver.h"
#include "store/exec.h"
#include "store/import_sql.h"

/* Bytes of rows that go together; allocations for which more are not locked one by one. */
enum { PIECE = 256 * 1024, MAX_CLAIMS = 200, MAX_WAIT_MS = 1000, PAUSE_MS = 20 };

enum table { OBJECTS, ATTRS, MEMBERSHIPS, TABLE_COUNT };

static const struct stmt_row *const copies[TABLE_COUNT] = {
    [OBJECTS] = &import_rows[IMPORT_COPY_OBJECTS],
    [ATTRS] = &import_rows[IMPORT_COPY_ATTRS],
    [MEMBERSHIPS] = &import_rows[IMPORT_COPY_MEMBERSHIPS]};

struct store_import {
    struct store *store;
    struct buf rows[TABLE_COUNT];
    enum rc rc;
    int answer; /* the limit of the link's answers otherwise */
};

/* --- begin and end --- */

static enum rc run(struct store_import *i, enum import_stmt stmt) {
    return i->rc != RC_OK ? i->rc : (i->rc = pg_exec(i->store, NULL, &import_rows[stmt], PG_NONE));
}

/* The row's first numbers. */
static enum rc ask(struct store_import *i, enum import_stmt stmt, int64_t *numbers, int count) {
    PGresult *result;

    memset(numbers, 0, (size_t)count * sizeof *numbers);
    if (i->rc != RC_OK)
        return i->rc;
    i->rc = pg_exec(i->store, &result, &import_rows[stmt], PG_NONE);
    for (int n = 0; i->rc == RC_OK && n < count; n++)
        numbers[n] = pg_get_int(result, 0, n);
    PQclear(result);
    return i->rc;
}

/* --- what the drivers say: the rules of containers, what managers give */

static bool is_given_once(const struct driver *d) {
    return d->allocator == ALLOCATOR_IP || d->allocator == ALLOCATOR_NAME;
}

static void tell_drivers(struct store_import *i, struct arena *arena) {
    const struct driver *device = driver_find("device");
    size_t count = driver_count(), keys = 0;
    const char **names = arena_array(arena, count, sizeof *names);
    const char **resources = arena_array(arena, count, sizeof *resources);
    int32_t *rules = arena_array(arena, count, sizeof *rules);
    int32_t *devices = arena_array(arena, count, sizeof *devices);
    int32_t *managers = arena_array(arena, count, sizeof *managers);

    for (size_t n = 0; n < count; n++) {
        const struct driver *d = driver_at(n);
        bool known = d->resource_key == NULL;

        names[n] = d->name;
        rules[n] = (int32_t)d->insert_rule;
        devices[n] = driver_is_a(d, device);
        for (size_t k = 0; !known && k < keys; k++)
            known = strcmp(resources[k], d->resource_key) == 0;
        if (known)
            continue;
        managers[keys] = !is_given_once(d);
        resources[keys++] = d->resource_key;
    }
    pg_queue(i->store, &import_rows[IMPORT_RULES],
             PG_ARGS(pg_texts(names, count), pg_ints(rules, NULL, count),
                     pg_ints(devices, NULL, count)));
    pg_queue(i->store, &import_rows[IMPORT_KEYS],
             PG_ARGS(pg_texts(resources, keys), pg_ints(managers, NULL, keys)));
    i->rc = store_check(i->store);
}

/* A short one is waited for. */
static enum rc wait_alone(struct store_import *i) {
    const int64_t until = clock_ms() + MAX_WAIT_MS;
    bool is_alone = false;
    enum rc rc = RC_OK;

    while (rc == RC_OK && !is_alone && clock_ms() < until) {
        PGresult *result;

        rc = pg_exec(i->store, &result, &import_rows[IMPORT_LOCK], PG_NONE);
        is_alone = rc == RC_OK && pg_get_bool(result, 0, 0);
        PQclear(result);
        if (rc == RC_OK && !is_alone)
            clock_sleep_ms(PAUSE_MS);
    }
    return rc == RC_OK && !is_alone ? RC_EXISTS : rc;
}

struct store_import *store_import_begin(struct store *store, enum rc *rc) {
    struct store_import *i = calloc(1, sizeof *i);
    struct arena *arena = arena_new();

    if (!i)
        log_fatal("out of memory");
    i->store = store;
    i->answer = store->db.link.limits.answer;
    for (int t = 0; t < TABLE_COUNT; t++)
        buf_init(&i->rows[t], 0);
    i->rc = wait_alone(i);
    store->db.link.limits.answer = 0;
    if (run(i, IMPORT_SETTINGS) == RC_OK && run(i, IMPORT_TABLES) == RC_OK)
        tell_drivers(i, arena);
    arena_free(&arena);
    *rc = i->rc;
    if (i->rc != RC_OK)
        store_import_end(&i);
    return i;
}

void store_import_end(struct store_import **import) {
    struct store_import *i = *import;

    if (!i)
        return;
    store_import_set_tick(i, NULL, NULL);
    i->store->db.link.limits.answer = i->answer;
    for (int t = 0; t < TABLE_COUNT; t++)
        buf_release(&i->rows[t]);
    free(i);
    *import = NULL;
}

void store_import_set_tick(struct store_import *i, void (*tick)(void *context), void *context) {
    i->store->db.link.watch.tick = tick;
    i->store->db.link.watch.tick_context = context;
}

/* --- rows, as COPY reads them --- */

static void send_rows(struct store_import *i, enum table table) {
    struct buf *rows = &i->rows[table];

    if (i->rc == RC_OK && rows->len > 0)
        i->rc = link_copy(&i->store->db.link, copies[table], rows->data, rows->len);
    buf_clear(rows);
}

static void end_row(struct store_import *i, enum table table) {
    struct buf *rows = &i->rows[table];

    rows->data[rows->len - 1] = '\n'; /* instead of the last column's tab */
    if (rows->len >= PIECE)
        send_rows(i, table);
}

static void add_null(struct buf *row) {
    buf_add(row, "\\N\t", 3);
}

static void add_text(struct buf *row, const char *text) {
    if (!text) {
        add_null(row);
        return;
    }
    for (;;) {
        size_t n = strcspn(text, "\\\t\n\r");

        buf_add(row, text, n);
        if (text[n] == '\0')
            break;
        buf_addc(row, '\\');
        buf_addc(row, text[n] == '\t' ? 't' : text[n] == '\n' ? 'n' : text[n] == '\r' ? 'r' : '\\');
        text += n + 1;
    }
    buf_addc(row, '\t');
}

static void add_number(struct buf *row, bool is_there, int64_t number) {
    if (is_there)
        buf_printf(row, "%" PRId64 "\t", number);
    else
        add_null(row);
}

static void add_bool(struct buf *row, bool yes) {
    buf_add(row, yes ? "t\t" : "f\t", 2);
}

void store_import_add_object(struct store_import *i, const struct import_object *o) {
    struct buf *row = &i->rows[OBJECTS];

    add_number(row, true, o->line);
    add_text(row, o->name);
    add_text(row, o->driver);
    add_text(row, o->type);
    add_bool(row, o->all_attrs);
    add_bool(row, o->all_in);
    end_row(i, OBJECTS);
}

static void add_value(struct buf *row, const struct import_attr *a) {
    const struct value *v = &a->attr->value;
    enum value_datatype type = v->datatype;
    bool is_text = type == DATATYPE_STRING || type == DATATYPE_JSON;

    add_text(row, value_datatype_name(type));
    add_number(row, type == DATATYPE_INT && !a->is_null, v->number);
    add_text(row, is_text ? v->text : NULL);
    add_text(row, type == DATATYPE_DATETIME ? v->text : NULL);
    add_text(row, type == DATATYPE_RELATION ? v->related_driver : NULL);
    add_text(row, type == DATATYPE_RELATION ? v->related_name : NULL);
}

void store_import_add_attr(struct store_import *i, const struct import_attr *a) {
    struct buf *row = &i->rows[ATTRS];

    add_number(row, true, a->line);
    add_number(row, true, a->ord);
    add_text(row, a->attr->key);
    add_text(row, a->attr->subkey);
    add_number(row, a->attr->has_number, a->attr->number);
    add_value(row, a);
    add_bool(row, a->gone);
    add_bool(row, a->only_new);
    end_row(i, ATTRS);
}

void store_import_add_membership(struct store_import *i, const struct import_membership *m) {
    struct buf *row = &i->rows[MEMBERSHIPS];

    add_number(row, true, m->line);
    add_number(row, true, m->ord);
    add_text(row, m->container);
    add_text(row, m->subkey);
    add_number(row, m->has_number, m->number);
    end_row(i, MEMBERSHIPS);
}

enum rc store_import_rc(const struct store_import *i) {
    return i->rc;
}

/* --- checking and applying --- */

struct counts {
    int64_t fresh, existing, memberships, all_in, is_unique;
    int64_t inner; /* memberships of what contains something */
};

static enum rc run_all(struct store_import *i, const enum import_stmt *stmts, size_t count) {
    for (size_t n = 0; n < count && i->rc == RC_OK; n++)
        (void)run(i, stmts[n]);
    return i->rc;
}

#define RUN(i, ...)                                                                                \
    run_all(i, (const enum import_stmt[]){__VA_ARGS__},                                            \
            sizeof((const enum import_stmt[]){__VA_ARGS__}) / sizeof(enum import_stmt))

static void resolve(struct store_import *i, struct counts *c) {
    int64_t numbers[5];

    RUN(i, IMPORT_ANALYZE, IMPORT_REF_LOCKED, IMPORT_REF_LEFT, IMPORT_REF_FRESH, IMPORT_REF_INDEX,
        IMPORT_REF_TARGETS);
    ask(i, IMPORT_COUNTS, numbers, 5);
    *c = (struct counts){numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], 0};
    if (c->fresh > 0 && !c->is_unique)
        run(i, IMPORT_LOCK_NAMES);
}

static int64_t affected(struct store_import *i, enum import_stmt stmt, const struct pg_arg *args,
                        size_t count) {
    PGresult *result;
    int64_t rows;

    if (i->rc != RC_OK)
        return 0;
    i->rc = pg_exec(i->store, &result, &import_rows[stmt], args, count);
    rows = i->rc == RC_OK ? pg_affected(result) : 0;
    PQclear(result);
    return rows;
}

/* What existing objects keep, which is nothing where there are none. */
static void compare(struct store_import *i, struct counts *c) {
    if (c->existing > 0)
        RUN(i, IMPORT_ONLY_NEW, IMPORT_KEEP, IMPORT_END);
    if (c->memberships == 0 && c->all_in == 0)
        return;
    RUN(i, IMPORT_WAS, IMPORT_NEW, IMPORT_GONE, IMPORT_IN_ALREADY);
    c->inner = affected(i, IMPORT_INNER, PG_NONE);
    run(i, IMPORT_ANALYZE_MORE);
}

/* As others do: locked before it is looked who holds them. */
static void claim(struct store_import *i) {
    int64_t given = affected(i, IMPORT_GIVEN, PG_NONE);

    if (given == 0)
        return;
    run(i, given <= MAX_CLAIMS ? IMPORT_CLAIM : IMPORT_CLAIM_ALL);
    RUN(i, IMPORT_CHECK_GIVEN_TWICE, IMPORT_CHECK_HELD);
}

static void check(struct store_import *i, const struct counts *c, bool only_new) {
    RUN(i, IMPORT_CHECK_TWICE, IMPORT_CHECK_DRIVER, IMPORT_CHECK_TARGETS, IMPORT_CHECK_RANGE);
    if (only_new)
        run(i, IMPORT_CHECK_EXISTS);
    if (c->memberships > 0)
        RUN(i, IMPORT_CHECK_CONTAINERS, IMPORT_CHECK_SELF, IMPORT_CHECK_OTHERS, IMPORT_CHECK_BOTH,
            IMPORT_CHECK_UNITS, IMPORT_CHECK_RANGE_OF_RACK, IMPORT_CHECK_ADJACENT,
            IMPORT_CHECK_OCCUPIED, IMPORT_CHECK_UNIT_TWICE);
    if (c->inner > 0) {
        if (i->rc == RC_OK)
            i->rc = pg_exec(i->store, NULL, STMT(LOCK_TREE), PG_NONE);
        run(i, IMPORT_CHECK_CIRCLES);
    }
    claim(i);
}

static enum rc read_errors(struct store_import *i, struct arena *arena, struct import_result *out) {
    PGresult *result;

    if (i->rc != RC_OK)
        return i->rc;
    i->rc =
        pg_exec(i->store, &result, &import_rows[IMPORT_ERRORS], PG_ARGS(pg_int(IMPORT_MAX_ERRORS)));
    if (i->rc != RC_OK)
        return i->rc;
    pg_keep(arena, result);
    out->error_count = pg_rows(result);
    for (size_t n = 0; n < out->error_count; n++)
        out->errors[n] =
            (struct import_error){pg_get_int32(result, n, 0), pg_get_text(result, n, 1)};
    out->all_errors = out->error_count > 0 ? pg_get_int(result, 0, 2) : 0;
    return RC_OK;
}

/* Rows that another has made meanwhile are not there after all. */
static void expect(struct store_import *i, int64_t rows, int64_t expected) {
    if (i->rc == RC_OK && rows != expected)
        i->rc = RC_RETRY;
}

static void apply(struct store_import *i, const struct counts *c, struct import_result *out) {
    const struct pg_arg version = pg_version(i->store);
    int64_t numbers[2];

    ask(i, IMPORT_CHANGED, numbers, 2);
    if (c->fresh > 0)
        expect(i, affected(i, IMPORT_INSERT_OBJECTS, &version, 1), c->fresh);
    if (c->existing > 0)
        run(i, pg_versioning(i->store) ? IMPORT_END_ATTRS : IMPORT_ERASE_ATTRS);
    run(i, IMPORT_BY_INDEX);
    (void)affected(i, IMPORT_INSERT_ATTRS, &version, 1);
    if (numbers[1] > 0)
        expect(i, affected(i, IMPORT_INSERT_MEMBERS, &version, 1), numbers[1]);
    RUN(i, IMPORT_BUMP_NUMBERS, IMPORT_MAKE_NUMBERS);
    out->created = c->fresh;
    out->changed = numbers[0];
    out->memberships = numbers[1];
}

enum rc store_import_apply(struct store_import *i, struct arena *arena, bool only_new,
                           struct import_result *out) {
    struct counts c;

    *out = (struct import_result){0};
    for (int t = 0; t < TABLE_COUNT; t++)
        send_rows(i, (enum table)t);
    resolve(i, &c);
    compare(i, &c);
    check(i, &c, only_new);
    if (read_errors(i, arena, out) == RC_OK && out->error_count == 0)
        apply(i, &c, out);
    return i->rc;
}
