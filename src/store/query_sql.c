/* query_sql.c: a question as one statement: each test is a condition on the entity e, that is never
 * null; where an index answers one of them, it says which objects are looked at. */
#include "store/query_sql.h"

#include <assert.h>
#include <string.h>

#include "model/ip.h"
#include "store/exec.h"
#include "store/query_compare.h"
#include "store/query_parts.h"
#include "store/query_source.h"
#include "store/query_walk.h"
#include "store/stmt_parts.h"

#define FIRST_PARAMETERS 4 /* of a list: limit, offset, total, after */

/* --- attributes --- */

/* A parameter always: of one that it knows the planner may think that it is there once. */
static void of_key(struct query_text *c, const char *key) {
    query_text_around(c, ATTR, key, "");
    buf_printf(c->out, " and $%zu", c->count);
}

static void attr(struct query_text *c, const struct query_node *n) {
    if (n->inherited)
        query_text_around(c, UP_TO_OWNERS, n->name, OF_OWNERS);
    else
        of_key(c, n->name);
    query_text_narrow(c, n->subkey, false, 0);
    query_text_add(c, n->inherited ? OF_NEAREST : ""); /* of all numbers, or of none */
    query_text_narrow(c, NULL, n->has_number, n->number);
    query_compare_value(c, n);
    query_text_add(c, ENDED);
}

/* --- addresses: as text, or as the number that clusto stores --- */

static void address_number(struct query_text *c, const char *is, uint32_t address) {
    query_text_add(c, " and (a.int_value");
    query_text_add(c, is);
    query_text_parameter(c, 'l', pg_bigint(ip_to_stored(address)));
    query_text_add(c, IS_TRUE);
}

static void in_networks(struct query_text *c, const struct query_node *n) {
    if (n->network_count == 1) {
        address_number(c, " >= ", n->networks->first);
        address_number(c, " <= ", n->networks->last);
        return;
    }
    query_text_add(c, " and (exists (select from ");
    query_compare_networks(c, n);
    query_text_add(c, " where " IS_IN_NETWORK ")" IS_TRUE);
}

static void ip(struct query_text *c, const struct query_node *n) {
    uint32_t address = 0;

    of_key(c, "ip");
    if (n->op != QUERY_IN_NETWORK && !query_is_order(n->op)) {
        query_text_add(c, " and a.subkey = 'ipstring' collate \"C\" and (");
        if (n->op == QUERY_UNEQUAL)
            query_text_around(c, "a.string_value = ", n->values->text, "");
        else
            query_compare_column(c, "a.string_value", "", "", n);
        query_text_add(c, IS_TRUE ENDED);
        return;
    }
    query_text_add(c, " and (a.subkey is null) is true and a.datatype = 'int'");
    if (n->op == QUERY_IN_NETWORK)
        in_networks(c, n);
    else if (ip_parse(n->values->text, &address)) /* the parser has seen to that */
        address_number(c, query_compare_sign(n->op), address);
    query_text_add(c, ENDED);
}

/* --- tests --- */

static void is_driver(struct query_text *c, const struct query_node *n) {
    size_t count;
    const char **names = query_text_drivers(c->arena, n->name, &count);

    if (count == 1) {
        query_text_around(c, "e.driver = ", names[0], "");
        return;
    }
    query_text_add(c, "e.driver = any(");
    query_text_parameter(c, 'T', pg_texts(names, count));
    query_text_add(c, ")");
}

static void of_walk(struct query_text *c, const struct query_node *n) {
    if (c->of_few && n->field != QUERY_HAS)
        query_walk_from(c, n);
    else
        buf_printf(c->out, n->field == QUERY_HAS ? IS_ABOVE : IS_INSIDE, query_walk_of(c, n));
}

static void test(struct query_text *c, const struct query_node *n) {
    switch (n->field) {
    case QUERY_NAME: QUERY_COMPARE_COLUMN(c, "e.name", n); break;
    case QUERY_DRIVER: QUERY_COMPARE_COLUMN(c, "e.driver", n); break;
    case QUERY_TYPE: QUERY_COMPARE_COLUMN(c, "e.type", n); break;
    case QUERY_IP: ip(c, n); break;
    case QUERY_ATTR: attr(c, n); break;
    case QUERY_IS: is_driver(c, n); break;
    case QUERY_CONTAINER:
    case QUERY_WITHIN:
    case QUERY_HAS: of_walk(c, n); break;
    case QUERY_REFERS: query_text_around(c, REFERENCE, n->name, ENDED); break;
    }
}

/* "!=" is the opposite of "=": of several values it denies that there is one. */
static bool is_denied(const struct query_node *n) {
    return n->op == QUERY_UNEQUAL &&
           (n->field == QUERY_ATTR || n->field == QUERY_IP || n->field == QUERY_CONTAINER);
}

/* What the streams give fulfils the test, all objects need not. */
static void sure_or_test(struct query_text *c, const struct query_node *n) {
    if (n == c->sure && c->large.len == 0) {
        query_text_add(c, "true");
        return;
    }
    query_text_add(c, n == c->sure ? "(s.kind > 0 or " : is_denied(n) ? "not (" : "(");
    test(c, n);
    query_text_add(c, ")");
}

static void expression(struct query_text *c, const struct query_node *n) {
    switch (n->kind) {
    case QUERY_ALL: query_text_add(c, "true"); break;
    case QUERY_NOT:
        query_text_add(c, "not (");
        expression(c, n->left);
        query_text_add(c, ")");
        break;
    case QUERY_TEST: sure_or_test(c, n); break;
    default:
        query_text_add(c, "(");
        expression(c, n->left);
        query_text_add(c, n->kind == QUERY_OR ? " or " : " and ");
        expression(c, n->right);
        query_text_add(c, ")");
        break;
    }
}

/* --- the statement --- */

/* All objects, in the order of the list. */
static void from_all(struct query_text *c, struct buf *out, bool total) {
    buf_adds(out, total ? HITS : PAGE_OF_HITS);
    buf_add(out, buf_cstr(&c->condition), c->condition.len);
    buf_adds(out, total ? ")" : " order by e.entity_id limit $1 offset $2");
}

/* What one seed gives is in that order already. */
static void from_streams(struct query_text *c, struct buf *out, bool total) {
    buf_adds(out, total ? HITS_OF_STREAMS : " select ");
    buf_adds(out, c->several ? EACH_ONCE : "");
    buf_adds(out, total ? "e.* from (" : PAGE_OF_STREAMS);
    buf_add(out, buf_cstr(&c->seeds), c->seeds.len);
    buf_adds(out, FROM_STREAMS);
    buf_add(out, buf_cstr(&c->streams), c->streams.len);
    buf_adds(out, c->large.len > 0 ? STREAM_OF_ALL : "");
    buf_adds(out, OBJECTS_OF_STREAMS);
    buf_add(out, buf_cstr(&c->condition), c->condition.len);
    buf_adds(out, total ? ") e" : " limit $1::bigint + $2) e");
    buf_adds(out, c->several ? " order by e.entity_id" : "");
    buf_adds(out, total ? ")" : " limit $1 offset $2");
}

static void page_head(const struct query_text *c, struct buf *out) {
    if (c->too_many.len == 0) {
        buf_adds(out, " " PAGE_HEAD "(");
        return;
    }
    buf_adds(out, HEAD_OF_QUICK);
    buf_add(out, buf_cstr(&c->too_many), c->too_many.len);
    buf_adds(out, OF_TOO_MANY);
}

static void objects(struct query_text *c, struct buf *out, bool current, bool total) {
    buf_adds(out, current ? NOW : THEN);
    buf_add(out, buf_cstr(&c->walks), c->walks.len);
    if (!total)
        page_head(c, out);
    if (c->stream_count > 0)
        from_streams(c, out, total);
    else
        from_all(c, out, total);
}

static const char *taken(struct arena *arena, struct buf *b) {
    const char *copy = arena_strdup(arena, buf_cstr(b));

    assert(!b->failed);
    buf_release(b);
    return copy;
}

static void begin_text(struct query_text *c, const char *letters) {
    buf_init(&c->condition, 0);
    buf_init(&c->walks, 0);
    buf_init(&c->seeds, 0);
    buf_init(&c->streams, 0);
    buf_init(&c->too_many, 0);
    buf_init(&c->large, 0);
    buf_init(&c->letters, 0);
    buf_adds(&c->letters, letters);
    c->count = strlen(letters);
    c->capacity = 32;
    c->args = arena_array(c->arena, c->capacity, sizeof *c->args);
    c->out = &c->condition;
}

/* The parameters of a list, and of the past the version. */
static void begin(struct query_text *c, struct store *store, const struct pg_arg *args) {
    begin_text(c, "llbi");
    memcpy(c->args, args, FIRST_PARAMETERS * sizeof *c->args);
    c->by_steps = pg_is_current(store) && pg_has_extensions(store);
    if (!pg_is_current(store)) {
        c->args[c->count++] = pg_int(store->as_of);
        buf_addc(&c->letters, 'i');
    }
}

static void write(struct query_text *c, const struct query_node *question) {
    if (c->by_steps)
        query_source_write(c, question);
    c->out = &c->condition;
    expression(c, question);
}

static struct stmt_row statement(struct query_text *c, unsigned flags, struct buf *out) {
    struct stmt_row row = {.name = "query",
                           .params = taken(c->arena, &c->letters),
                           .flags = STMT_COMPILED | flags,
                           .text = taken(c->arena, out)};

    buf_release(&c->condition);
    buf_release(&c->walks);
    buf_release(&c->seeds);
    buf_release(&c->streams);
    buf_release(&c->too_many);
    buf_release(&c->large);
    return row;
}

static const struct stmt_row *finish(struct query_text *c, struct store *store, struct buf *out) {
    store->compiled = statement(c, pg_is_current(store) ? 0 : STMT_NEEDS_INIT_DB, out);
    return &store->compiled;
}

const struct stmt_row *query_sql_compile(struct store *store, struct arena *arena,
                                         const struct query_node *question, enum query_form form,
                                         struct pg_arg **args, size_t *count) {
    const bool total = form == QUERY_WITH_TOTAL;
    struct query_text c = {.arena = arena, .is_quick = form == QUERY_QUICK_PAGE};
    struct buf out;

    assert(*count == FIRST_PARAMETERS);
    begin(&c, store, *args);
    write(&c, question);
    buf_init(&out, 0);
    objects(&c, &out, pg_is_current(store), total);
    buf_adds(&out, total ? LIST_HITS : ")");
    *args = c.args;
    *count = c.count;
    return finish(&c, store, &out);
}

const struct stmt_row *query_sql_fits(struct arena *arena, const struct query_node *question,
                                      struct pg_arg **args, size_t *count) {
    struct query_text c = {.arena = arena, .of_few = true};
    struct stmt_row *row = arena_alloc(arena, sizeof *row);
    struct buf out;

    begin_text(&c, "IL");
    expression(&c, question);
    buf_init(&out, 0);
    buf_adds(&out, AT_VERSIONS);
    buf_add(&out, buf_cstr(&c.walks), c.walks.len);
    buf_adds(&out, AT_IDS);
    buf_add(&out, buf_cstr(&c.condition), c.condition.len);
    buf_adds(&out, ORDER_OF_VERSIONS);
    *row = statement(&c, STMT_NEEDS_INIT_DB, &out);
    *args = c.args;
    *count = c.count;
    return row;
}

/* --- counting */

static void values_of_attr(struct query_text *c, const struct query_column *column) {
    query_text_around(c, VALUES_OF_ATTR, column->key, "");
    query_text_narrow(c, column->subkey, column->has_number, column->number);
}

/* The values of the object e in the column. */
static void values(struct query_text *c, const struct query_column *column, bool current) {
    switch (column->kind) {
    case QUERY_COLUMN_NAME: query_text_add(c, "select e.name"); break;
    case QUERY_COLUMN_DRIVER: query_text_add(c, "select e.driver"); break;
    case QUERY_COLUMN_TYPE: query_text_add(c, "select e.type"); break;
    case QUERY_COLUMN_PATH: query_text_add(c, "select '/' || e.driver || '/' || e.name"); break;
    case QUERY_COLUMN_IPS: query_text_add(c, VALUES_OF_IPS); break;
    case QUERY_COLUMN_PARENTS: query_text_add(c, VALUES_OF_PARENTS); break;
    case QUERY_COLUMN_CONTENTS: query_text_add(c, VALUES_OF_CONTENTS); break;
    case QUERY_COLUMN_ATTR: values_of_attr(c, column); break;
    case QUERY_COLUMN_VERSION:
        query_text_add(c, current ? VALUE_OF_VERSION : VALUE_OF_VERSION_THEN);
        break;
    }
}

const struct stmt_row *query_sql_count(struct store *store, struct arena *arena,
                                       const struct query_node *question,
                                       const struct query_column *column, struct pg_arg **args,
                                       size_t *count) {
    const struct pg_arg list[FIRST_PARAMETERS] = {pg_null(), pg_bigint(0), pg_bool(false),
                                                  pg_int(0)};
    struct query_text c = {.arena = arena};
    struct buf out, column_values;

    begin(&c, store, list);
    write(&c, question);
    buf_init(&column_values, 0);
    c.out = &column_values;
    values(&c, column, pg_is_current(store));
    buf_init(&out, 0);
    objects(&c, &out, pg_is_current(store), true);
    buf_adds(&out, BY_VALUE);
    buf_add(&out, buf_cstr(&column_values), column_values.len);
    buf_adds(&out, ORDER_OF_VALUES);
    buf_release(&column_values);
    *args = c.args;
    *count = c.count;
    return finish(&c, store, &out);
}

const struct stmt_row *query_sql_kept_counts(struct store *store, bool by_driver) {
    store->compiled =
        (struct stmt_row){.name = "query",
                          .params = "",
                          .flags = STMT_COMPILED | STMT_NEEDS_INIT_DB,
                          .text = by_driver ? KEPT_COUNTS("driver") : KEPT_COUNTS("type")};
    return &store->compiled;
}
