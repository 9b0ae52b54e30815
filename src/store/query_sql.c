/* query_sql.c: a question as one statement: each test is a condition on the entity e, that is never
 * null, or the beginning of a walk through containers. */
#include "store/query_sql.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "model/driver.h"
#include "model/ip.h"
#include "store/compare.h"
#include "store/exec.h"
#include "store/query_parts.h"
#include "store/stmt_parts.h"

#define FIRST_PARAMETERS 4 /* of a list: limit, offset, total, after */

struct compiler {
    struct arena *arena;
    struct buf condition, walks;
    struct buf *out; /* one of them */
    struct buf letters;
    struct pg_arg *args;
    size_t count, capacity;
    int walk_count;
    bool by_steps; /* the indexes for it are there */
};

/* --- parts --- */

static void text(struct compiler *c, const char *fixed) {
    buf_adds(c->out, fixed);
}

static void parameter(struct compiler *c, char letter, struct pg_arg arg) {
    c->args = arena_grow(c->arena, c->args, c->count, &c->capacity, sizeof *c->args);
    c->args[c->count++] = arg;
    buf_addc(&c->letters, letter);
    buf_printf(c->out, "$%zu", c->count);
}

static void text_parameter(struct compiler *c, const char *value) {
    parameter(c, 't', pg_text(value));
}

/* fixed $N fixed */
static void around(struct compiler *c, const char *before, const char *value, const char *after) {
    text(c, before);
    text_parameter(c, value);
    text(c, after);
}

static const char *sign(enum query_operator op) {
    switch (op) {
    case QUERY_LESS: return " < ";
    case QUERY_LESS_EQUAL: return " <= ";
    case QUERY_GREATER: return " > ";
    default: return " >= ";
    }
}

/* * and ? of a question, and all else literally. */
static const char *pattern(struct arena *arena, const char *from) {
    char *like = arena_alloc(arena, 2 * strlen(from) + 1), *to = like;

    for (; *from != '\0'; from++) {
        if (strchr("%_\\", *from) != NULL)
            *to++ = '\\';
        *to++ = *from == '*' ? '%' : *from == '?' ? '_' : *from;
    }
    return like;
}

static struct pg_arg all_texts(struct arena *arena, const struct query_node *n) {
    const char **texts = arena_array(arena, n->value_count, sizeof *texts);

    for (size_t i = 0; i < n->value_count; i++)
        texts[i] = n->values[i].text;
    return pg_texts(texts, n->value_count);
}

/* --- comparing --- */

/* Of what is text, as `left`: begins with, contains, is like, is greater than. */
static void compare_text(struct compiler *c, const char *left, const struct query_node *n) {
    const char *value = n->values->text;

    switch (n->op) {
    case QUERY_BEGINS:
        text(c, "starts_with(");
        text(c, left);
        around(c, ", ", value, ")");
        break;
    case QUERY_CONTAINS:
        text(c, "strpos(");
        text(c, left);
        around(c, ", ", value, ") > 0");
        break;
    case QUERY_LIKE:
        text(c, left);
        around(c, " like ", pattern(c->arena, value), "");
        break;
    default:
        text(c, left);
        text(c, " collate \"C\"");
        around(c, sign(n->op), value, "");
        break;
    }
}

/* A column that is text, but a number where both are. */
static void column(struct compiler *c, const char *name, const char *is_number, const char *number,
                   const struct query_node *n) {
    bool numbers = query_is_order(n->op) && n->values->is_number;

    if (n->op == QUERY_EXISTS) {
        text(c, "true");
    } else if (n->op == QUERY_EQUAL || n->op == QUERY_UNEQUAL) {
        text(c, name);
        around(c, n->op == QUERY_EQUAL ? " = " : " <> ", n->values->text, "");
    } else if (n->op == QUERY_IN) {
        text(c, name);
        text(c, " = any(");
        parameter(c, 'T', all_texts(c->arena, n));
        text(c, ")");
    } else {
        if (numbers) {
            text(c, "case when ");
            text(c, is_number);
            text(c, " then ");
            text(c, number);
            text(c, sign(n->op));
            parameter(c, 'l', pg_bigint(n->values->number));
            text(c, " else ");
        }
        compare_text(c, name, n);
        text(c, numbers ? " end" : "");
    }
}

#define COLUMN(c, name, n) column(c, name, WHOLE_NUMBER(name), name "::numeric", n)

/* --- values of attributes --- */

static void order_of_value(struct compiler *c, const struct query_node *n) {
    const struct query_value *value = n->values;

    if (value->is_number) {
        text(c, "case when a.datatype = 'int' then a.int_value");
        text(c, sign(n->op));
        parameter(c, 'l', pg_bigint(value->number));
        text(c, " when a.datatype = 'string' and " WHOLE_NUMBER(
                    "a.string_value") " then a.string_value::numeric");
        text(c, sign(n->op));
        parameter(c, 'l', pg_bigint(value->number));
        text(c, " else ");
    } else if (value->date) {
        text(c, "case when a.datatype = 'datetime' then a.datetime_value");
        text(c, sign(n->op));
        parameter(c, 'd', pg_timestamp(value->date));
        text(c, " else ");
    }
    compare_text(c, "(" VALUE_TEXT ")", n);
    text(c, value->is_number || value->date ? " end" : "");
}

static void equal_texts(struct compiler *c, const struct query_node *n) {
    if (n->value_count == 1) { /* the index has the beginning only */
        around(c, "left(a.string_value, 64) = left(", n->values->text, ", 64) and ");
        around(c, "a.string_value = ", n->values->text, "");
        return;
    }
    text(c, "a.string_value = any(");
    parameter(c, 'T', all_texts(c->arena, n));
    text(c, ")");
}

static void equal_numbers(struct compiler *c, const struct query_node *n) {
    int64_t *numbers = arena_array(c->arena, n->value_count, sizeof *numbers);
    size_t count = 0;

    for (size_t i = 0; i < n->value_count; i++) {
        struct pg_arg number = compare_number(c->arena, n->values[i].text);

        if (n->values[i].is_size)
            numbers[count++] = n->values[i].number;
        else if (number.letter != 0)
            numbers[count++] = number.number;
    }
    if (count == 0)
        return;
    text(c, " or a.datatype = 'int' and a.int_value = any(");
    parameter(c, 'L', pg_bigints(numbers, NULL, count));
    text(c, ")");
}

/* Dates, JSON and paths, each where the value can be one. */
static void equal_others(struct compiler *c, const struct query_value *value) {
    struct pg_arg json = compare_json(c->arena, value->text),
                  date =
                      value->date ? pg_timestamp(value->date) : compare_date(c->arena, value->text);

    if (date.letter != 0) {
        text(c, " or a.datatype = 'datetime' and a.datetime_value = ");
        parameter(c, 'd', date);
    }
    if (json.letter != 0) {
        text(c, " or a.datatype = 'json' and a.string_value = ");
        parameter(c, 't', json);
    }
    if (*value->text == '/')
        around(c, " or a.datatype = 'relation' and " PATH_OF_RELATION " = ", value->text, "");
}

/* As by-attr compares. */
static void equal_value(struct compiler *c, const struct query_node *n) {
    equal_texts(c, n);
    equal_numbers(c, n);
    for (size_t i = 0; i < n->value_count; i++)
        equal_others(c, &n->values[i]);
}

static void value(struct compiler *c, const struct query_node *n) {
    if (n->op == QUERY_EXISTS)
        return;
    text(c, " and (");
    if (n->op == QUERY_EQUAL || n->op == QUERY_UNEQUAL || n->op == QUERY_IN)
        equal_value(c, n);
    else if (query_is_order(n->op))
        order_of_value(c, n);
    else
        compare_text(c, "(" VALUE_TEXT ")", n);
    text(c, ")");
}

static void attr(struct compiler *c, const struct query_node *n) {
    around(c, ATTR, n->name, "");
    if (n->subkey)
        around(c, " and a.subkey = ", n->subkey, "");
    if (n->has_number) {
        text(c, " and a.number = ");
        parameter(c, 'i', pg_int(n->number));
    }
    value(c, n);
    text(c, ")");
}

/* --- addresses: as text, or as the number that clusto stores --- */

static void address_number(struct compiler *c, const char *is, uint32_t address) {
    text(c, " and a.int_value");
    text(c, is);
    parameter(c, 'l', pg_bigint(ip_to_stored(address)));
}

static void ip(struct compiler *c, const struct query_node *n) {
    uint32_t address = 0;

    if (n->op != QUERY_IN_NETWORK && !query_is_order(n->op)) {
        text(c, ATTR "'ip' and a.subkey = 'ipstring' and (");
        if (n->op == QUERY_UNEQUAL)
            around(c, "a.string_value = ", n->values->text, "");
        else
            column(c, "a.string_value", "", "", n);
        text(c, "))");
        return;
    }
    text(c, ATTR "'ip' and a.subkey is null and a.datatype = 'int'");
    if (n->op == QUERY_IN_NETWORK) {
        address_number(c, " >= ", n->first);
        address_number(c, " <= ", n->last);
    } else if (ip_parse(n->values->text, &address)) { /* the parser has seen to that */
        address_number(c, sign(n->op), address);
    }
    text(c, ")");
}

/* --- containers --- */

static void is_called(struct compiler *c, const struct query_node *n) {
    around(c, "c.name = ", n->name, "");
}

static void is_of_type(struct compiler *c, const struct query_node *n) {
    struct query_node positive = *n;

    if (n->op == QUERY_UNEQUAL) /* all of it is denied */
        positive.op = QUERY_EQUAL;
    around(c, "c.type = ", n->name, " and (");
    COLUMN(c, "c.name", &positive);
    text(c, ")");
}

/* In containers that `begin` finds. */
static void inside(struct compiler *c, const struct query_node *n,
                   void (*begin)(struct compiler *, const struct query_node *)) {
    int number = ++c->walk_count;

    c->out = &c->walks;
    buf_printf(c->out, ", walk%d" INTO, number);
    begin(c, n);
    if (!n->directly)
        buf_printf(c->out, c->by_steps ? DOWN_BY_STEPS : DOWN_BY_MEMBERS, number);
    text(c, ")");
    c->out = &c->condition;
    buf_printf(c->out, IS_INSIDE, number);
}

/* A container of what is called so. */
static void has(struct compiler *c, const struct query_node *n) {
    int number = ++c->walk_count;

    c->out = &c->walks;
    buf_printf(c->out, ", walk%d(id) as (select m.id from object c" CONTAINERS " where ", number);
    is_called(c, n);
    buf_printf(c->out, UP ")", number);
    c->out = &c->condition;
    buf_printf(c->out, "e.entity_id in (select id from walk%d)", number);
}

/* --- tests --- */

/* The driver and those below it; one that is not configured is itself. */
static void is_driver(struct compiler *c, const struct query_node *n) {
    const struct driver *driver = driver_find(n->name);
    const char **names = arena_array(c->arena, driver_count() + 1, sizeof *names);
    size_t count = 0;

    for (size_t i = 0; driver != NULL && i < driver_count(); i++)
        if (driver_is_a(driver_at(i), driver))
            names[count++] = driver_at(i)->name;
    if (count <= 1) {
        around(c, "e.driver = ", n->name, "");
        return;
    }
    text(c, "e.driver = any(");
    parameter(c, 'T', pg_texts(names, count));
    text(c, ")");
}

static void test(struct compiler *c, const struct query_node *n) {
    switch (n->field) {
    case QUERY_NAME: COLUMN(c, "e.name", n); break;
    case QUERY_DRIVER: COLUMN(c, "e.driver", n); break;
    case QUERY_TYPE: COLUMN(c, "e.type", n); break;
    case QUERY_IP: ip(c, n); break;
    case QUERY_CONTAINER: inside(c, n, is_of_type); break;
    case QUERY_ATTR: attr(c, n); break;
    case QUERY_IS: is_driver(c, n); break;
    case QUERY_WITHIN: inside(c, n, is_called); break;
    case QUERY_HAS: has(c, n); break;
    case QUERY_REFERS: around(c, REFERENCE, n->name, ")"); break;
    }
}

/* "!=" is the opposite of "=": of several values it denies that there is one. */
static bool is_denied(const struct query_node *n) {
    return n->op == QUERY_UNEQUAL &&
           (n->field == QUERY_ATTR || n->field == QUERY_IP || n->field == QUERY_CONTAINER);
}

static void expression(struct compiler *c, const struct query_node *n) {
    switch (n->kind) {
    case QUERY_ALL: text(c, "true"); break;
    case QUERY_NOT:
        text(c, "not (");
        expression(c, n->left);
        text(c, ")");
        break;
    case QUERY_TEST:
        text(c, is_denied(n) ? "not (" : "(");
        test(c, n);
        text(c, ")");
        break;
    default:
        text(c, "(");
        expression(c, n->left);
        text(c, n->kind == QUERY_OR ? " or " : " and ");
        expression(c, n->right);
        text(c, ")");
        break;
    }
}

/* --- the statement --- */

static void statement(struct compiler *c, struct buf *out, bool current, bool total) {
    buf_adds(out, current ? NOW : THEN);
    buf_add(out, buf_cstr(&c->walks), c->walks.len);
    buf_adds(out, total ? HITS : PAGE_OF_HITS);
    buf_add(out, buf_cstr(&c->condition), c->condition.len);
    buf_adds(out, total ? ") " LIST_HITS : " order by e.entity_id limit $1 offset $2");
}

static const char *taken(struct arena *arena, struct buf *b) {
    const char *copy = arena_strdup(arena, buf_cstr(b));

    assert(!b->failed);
    buf_release(b);
    return copy;
}

/* The parameters of a list, and of the past the version. */
static void begin(struct compiler *c, struct store *store, const struct pg_arg *args) {
    buf_init(&c->condition, 0);
    buf_init(&c->walks, 0);
    buf_init(&c->letters, 0);
    c->capacity = 32;
    c->args = arena_array(c->arena, c->capacity, sizeof *c->args);
    memcpy(c->args, args, FIRST_PARAMETERS * sizeof *c->args);
    c->count = FIRST_PARAMETERS;
    buf_adds(&c->letters, "llbi");
    c->out = &c->condition;
    c->by_steps = pg_is_current(store) && pg_has_extensions(store);
    if (!pg_is_current(store)) {
        c->args[c->count++] = pg_int(store->as_of);
        buf_addc(&c->letters, 'i');
    }
}

const struct stmt_row *query_sql_compile(struct store *store, struct arena *arena,
                                         const struct query_node *question, bool total,
                                         struct pg_arg **args, size_t *count) {
    struct compiler c = {.arena = arena};
    bool current = pg_is_current(store);
    struct buf out;

    assert(*count == FIRST_PARAMETERS);
    begin(&c, store, *args);
    expression(&c, question);
    buf_init(&out, 0);
    statement(&c, &out, current, total);
    store->compiled =
        (struct stmt_row){.name = "query",
                          .params = taken(arena, &c.letters),
                          .flags = STMT_ONCE | STMT_COMPILED | (current ? 0 : STMT_NEEDS_INIT_DB),
                          .text = taken(arena, &out)};
    buf_release(&c.condition);
    buf_release(&c.walks);
    *args = c.args;
    *count = c.count;
    return &store->compiled;
}
