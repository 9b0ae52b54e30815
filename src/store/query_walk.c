/* query_walk.c: walks through containers, down from those that a test names, or up. */
#include "store/query_walk.h"

#include "store/query_compare.h"
#include "store/query_parts.h"

static void is_called(struct query_text *c, const struct query_node *n) {
    query_text_around(c, "c.name = ", n->name, "");
}

static void is_of_type(struct query_text *c, const struct query_node *n) {
    struct query_node positive = *n;

    if (n->op == QUERY_UNEQUAL) /* all of it is denied */
        positive.op = QUERY_EQUAL;
    query_text_around(c, "c.type = ", n->name, " and (");
    QUERY_COMPARE_COLUMN(c, "c.name", &positive);
    query_text_add(c, ")");
}

static void is_wanted(struct query_text *c, const struct query_node *n) {
    if (n->field == QUERY_WITHIN)
        is_called(c, n);
    else
        is_of_type(c, n);
}

/* The containers to look into. */
static void down(struct query_text *c, const struct query_node *n, size_t number) {
    buf_printf(c->out, ", walk%zu" INTO, number);
    is_wanted(c, n);
    if (!n->directly)
        buf_printf(c->out, c->by_steps ? DOWN_BY_STEPS : DOWN_BY_MEMBERS, number);
    query_text_add(c, ")");
}

static void find_named(struct query_text *c, const struct query_node *n) {
    if (!c->of_few) {
        query_text_add(c, "object c");
        return;
    }
    query_text_around(c, FROM_ANY_TIME, n->name, OR_EARLIER);
    query_text_around(c, "", n->name, NAMED_AT);
}

/* What contains the one that is called so. */
static void up(struct query_text *c, const struct query_node *n, size_t number) {
    buf_printf(c->out, ", walk%zu(id) as (select m.id from ", number);
    find_named(c, n);
    query_text_add(c, CONTAINERS " where ");
    is_called(c, n);
    buf_printf(c->out, UP ")", number);
}

size_t query_walk_of(struct query_text *c, const struct query_node *test) {
    struct buf *out = c->out;

    for (size_t i = 0; i < c->walk_count; i++)
        if (c->walked[i] == test)
            return i + 1;
    c->walked =
        arena_grow(c->arena, c->walked, c->walk_count, &c->walk_capacity, sizeof *c->walked);
    c->walked[c->walk_count++] = test;
    c->out = &c->walks;
    (test->field == QUERY_HAS ? up : down)(c, test, c->walk_count);
    c->out = out;
    return c->walk_count;
}

void query_walk_from(struct query_text *c, const struct query_node *test) {
    query_text_add(c, IN_ABOVE);
    query_text_add(c, test->directly ? "" : UP_FROM_ABOVE);
    query_text_add(c, OF_ABOVE);
    is_wanted(c, test);
    query_text_add(c, ENDED);
}
