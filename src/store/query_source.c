/* query_source.c: which test of a question says where to look. There are no statistics in this: the
 * choice is always the same, and where a range may be too large it is counted, up to a limit. */
#include "store/query_source.h"

#include <string.h>

#include "model/ip.h"
#include "store/compare.h"
#include "store/query_compare.h"
#include "store/query_parts.h"
#include "store/query_walk.h"

/* What finds few objects comes first. */
enum rank { OF_NAME, ABOVE, OF_VALUE, INSIDE, REFERRING, IN_NETWORK, OF_KEY, OF_CLASS, OF_ALL };

static bool is_equal(const struct query_node *n) {
    return n->op == QUERY_EQUAL || n->op == QUERY_IN;
}

/* The members of a container are too many rows of one key. */
static enum rank rank_of_attr(const struct query_node *n) {
    if (n->op == QUERY_UNEQUAL || n->inherited || strcmp(n->name, "_contains") == 0)
        return OF_ALL;
    return is_equal(n) ? OF_VALUE : OF_KEY;
}

static enum rank rank_of_ip(const struct query_node *n) {
    if (is_equal(n))
        return OF_VALUE;
    return n->op == QUERY_IN_NETWORK ? IN_NETWORK : n->op == QUERY_UNEQUAL ? OF_ALL : OF_KEY;
}

static enum rank rank_of_test(const struct query_node *n) {
    switch (n->field) {
    case QUERY_NAME: return is_equal(n) ? OF_NAME : OF_ALL;
    case QUERY_DRIVER:
    case QUERY_TYPE: return is_equal(n) ? OF_CLASS : OF_ALL;
    case QUERY_IP: return rank_of_ip(n);
    case QUERY_CONTAINER: return n->op == QUERY_UNEQUAL ? OF_ALL : INSIDE;
    case QUERY_ATTR: return rank_of_attr(n);
    case QUERY_IS: return OF_CLASS;
    case QUERY_WITHIN: return INSIDE;
    case QUERY_HAS: return ABOVE;
    case QUERY_REFERS: return REFERRING;
    }
    return OF_ALL;
}

/* Of "and" the better side says it, of "or" both have to. */
static enum rank rank_of(const struct query_node *n) {
    enum rank left, right;

    if (n->kind == QUERY_TEST)
        return rank_of_test(n);
    if (n->kind != QUERY_AND && n->kind != QUERY_OR)
        return OF_ALL;
    left = rank_of(n->left);
    right = rank_of(n->right);
    return (n->kind == QUERY_AND) == (left < right) ? left : right;
}

/* The side that says it. */
static const struct query_node *better_of(const struct query_node *and) {
    return rank_of(and->left) <= rank_of(and->right) ? and->left : and->right;
}

/* --- writing --- */

/* A new stream, of this index: its conditions follow, and then end_stream(). */
static void begin_stream(struct query_text *c, const char *id, const char *from) {
    c->stream_count++;
    c->out = &c->streams;
    buf_printf(c->out, STREAM, c->stream_count > 1 ? " union all " : "", id, from, c->stream_count);
}

static void end_stream(struct query_text *c, const char *id) {
    buf_printf(c->out, END_OF_STREAM, id);
}

static void begin_seed(struct query_text *c) {
    c->out = &c->seeds;
    c->several |= c->seeds.len > 0;
    buf_printf(c->out, SEED, c->seeds.len > 0 ? " union all " : "", c->stream_count);
}

static void seed_text(struct query_text *c, const char *label) {
    begin_seed(c);
    query_text_around(c, "null::bigint as number, ", label, "::text as label");
}

/* One for each value v of the array. */
static void seed_array(struct query_text *c, const char *columns, char letter,
                       struct pg_arg values) {
    begin_seed(c);
    query_text_add(c, columns);
    query_text_add(c, " from (select distinct unnest(");
    query_text_parameter(c, letter, values);
    query_text_add(c, ") as v) u");
    c->several = true;
}

static void seed_texts(struct query_text *c, struct pg_arg labels) {
    seed_array(c, "null::bigint as number, v as label", 'T', labels);
}

static void seed_values(struct query_text *c, const struct query_node *n) {
    if (n->value_count == 1)
        seed_text(c, n->values->text);
    else
        seed_texts(c, query_text_array(c->arena, n));
}

/* Whether a stream is too long to be sorted is found out by a table of its own, which ends with
 * END_OF_LARGE; then all objects are looked at, in the order of the list. */
static void begin_large(struct query_text *c) {
    c->out = &c->walks;
    buf_printf(c->out, LARGE, c->stream_count);
}

/* After a seed's condition. */
static void end_seed_unless_large(struct query_text *c) {
    buf_printf(c->out, UNLESS_LARGE, c->stream_count);
    buf_printf(&c->large, IS_LARGE, c->large.len > 0 ? " or " : "", c->stream_count);
    c->several = true;
}

static void stream_of_column(struct query_text *c, const char *column) {
    begin_stream(c, "e.entity_id", "entities e");
    buf_printf(c->out, " and e.%s = s.label and e.deleted_at_version is null", column);
    end_stream(c, "e.entity_id");
}

static void of_column(struct query_text *c, const char *column, const struct query_node *n) {
    stream_of_column(c, column);
    seed_values(c, n);
}

static void of_class(struct query_text *c, const struct query_node *n) {
    size_t count = 1;
    const char **names = query_text_drivers(c->arena, n->name, &count);

    stream_of_column(c, "driver");
    if (count == 1)
        seed_text(c, names[0]);
    else
        seed_texts(c, pg_texts(names, count));
}

/* --- attributes --- */

/* A stream of attributes with the test's key, subkey and number. */
static void begin_attrs(struct query_text *c, const struct query_node *n, const char *live) {
    begin_stream(c, "a.entity_id", "entity_attrs a");
    query_text_add(c, live);
    if (n->field == QUERY_IP) {
        query_text_add(c, " and a.key = 'ip'");
        query_text_add(c, is_equal(n) ? " and a.subkey = 'ipstring'" : "");
        return;
    }
    query_text_around(c, " and a.key = ", n->name, "");
    query_text_narrow(c, n->subkey, n->has_number, n->number);
}

#define LIVE " and a.deleted_at_version is null"

static void of_key(struct query_text *c, const struct query_node *n) {
    begin_attrs(c, n, " and coalesce(a.deleted_at_version, -1) = -1");
    end_stream(c, "a.entity_id");
    begin_seed(c);
    query_text_add(c, "null::bigint as number, null::text as label");
}

static void of_numbers(struct query_text *c, const struct query_node *n) {
    struct pg_arg numbers = query_compare_numbers(c->arena, n);

    if (numbers.letter == 0)
        return;
    begin_attrs(c, n, LIVE " and a.datatype = 'int' and a.int_value = s.number");
    end_stream(c, "a.entity_id");
    seed_array(c, "v, null", 'L', numbers);
}

/* As query_compare_value() has it. */
static void of_others(struct query_text *c, const struct query_node *n,
                      const struct query_value *value) {
    const char *date = query_compare_date(c->arena, value).text,
               *json = compare_json(c->arena, value->text).text,
               *slash = *value->text == '/' ? strchr(value->text + 1, '/') : NULL;

    if (date != NULL) {
        begin_attrs(c, n, LIVE " and a.datatype = 'datetime'");
        buf_printf(c->out, IS_DATE_OF_SEED, c->stream_count);
        end_stream(c, "a.entity_id");
        seed_text(c, date);
    }
    if (json != NULL) {
        begin_attrs(c, n, LIVE " and a.datatype = 'json'" IS_TEXT_OF_SEED);
        end_stream(c, "a.entity_id");
        seed_text(c, json);
    }
    if (slash != NULL) {
        begin_attrs(c, n, LIVE " and a.datatype = 'relation' and a.relation_id = s.number");
        end_stream(c, "a.entity_id");
        begin_seed(c);
        query_text_around(c, "r.entity_id, null from object r where r.name = ", slash + 1, "");
        query_text_around(c, " and '/' || r.driver || '/' || r.name = ", value->text, "");
    }
}

static void of_value(struct query_text *c, const struct query_node *n) {
    begin_attrs(c, n, LIVE IS_TEXT_OF_SEED);
    end_stream(c, "a.entity_id");
    seed_values(c, n);
    if (n->field == QUERY_IP)
        return;
    of_numbers(c, n);
    for (size_t i = 0; i < n->value_count; i++)
        of_others(c, n, &n->values[i]);
}

static void network(struct query_text *c, const struct query_node *n) {
    query_text_add(c, NUMBERS_OF_ADDRESSES " and a.int_value between ");
    query_text_parameter(c, 'l', pg_bigint(ip_to_stored(n->networks->first)));
    query_text_add(c, " and ");
    query_text_parameter(c, 'l', pg_bigint(ip_to_stored(n->networks->last)));
}

static void in_network(struct query_text *c, const struct query_node *n) {
    begin_stream(c, "a.entity_id", "entity_attrs a");
    query_text_add(c, LIVE " and ");
    network(c, n);
    end_stream(c, "a.entity_id");
    begin_large(c);
    query_text_add(c, COUNT_OF "entity_attrs a where true" LIVE " and ");
    network(c, n);
    query_text_add(c, END_OF_LARGE);
}

static void in_several_networks(struct query_text *c, const struct query_node *n) {
    const int number = c->stream_count + 1;
    const char *from = arena_printf(c->arena, ADDRESSES_IN_NETWORKS, number);

    c->out = &c->walks;
    buf_printf(c->out, NETWORKS, number);
    query_compare_networks(c, n);
    query_text_add(c, ")");
    begin_stream(c, "a.entity_id", from);
    end_stream(c, "a.entity_id");
    begin_large(c);
    query_text_add(c, COUNT_OF);
    query_text_add(c, from);
    query_text_add(c, END_OF_LARGE);
}

static void in_networks(struct query_text *c, const struct query_node *n) {
    if (n->network_count == 1)
        in_network(c, n);
    else
        in_several_networks(c, n);
    begin_seed(c);
    query_text_add(c, "null::bigint as number, null::text as label where");
    end_seed_unless_large(c);
}

/* --- containers, and what refers to objects --- */

static void seed_few(struct query_text *c, size_t walk) {
    begin_seed(c);
    buf_printf(c->out, "container::bigint as number, null::text as label from " FEW_CONTAINERS,
               walk);
    buf_printf(&c->too_many, TOO_MANY, c->too_many.len > 0 ? " or " : "", walk);
    c->several = true;
}

static void inside(struct query_text *c, const struct query_node *n) {
    size_t walk = query_walk_of(c, n);

    begin_stream(c, "relation_id", "entity_attrs");
    query_text_add(c, " and " IS_MEMBER " and entity_id::bigint = s.number");
    end_stream(c, "relation_id");
    if (c->is_quick) {
        seed_few(c, walk);
        return;
    }
    begin_large(c);
    buf_printf(c->out, MANY_CONTAINERS COUNT_OF MEMBERS_OF_WALK END_OF_LARGE, walk, walk);
    begin_seed(c);
    buf_printf(c->out,
               "container::bigint as number, null::text as label from walk%zu where at = 0 and",
               walk);
    end_seed_unless_large(c);
}

static void above(struct query_text *c, const struct query_node *n) {
    size_t walk = query_walk_of(c, n);

    begin_stream(c, "e.entity_id", "entities e");
    query_text_add(c, " and e.entity_id = s.number");
    end_stream(c, "e.entity_id");
    begin_seed(c);
    buf_printf(c->out, "id::bigint as number, null::text as label from walk%zu", walk);
    c->several = true;
}

static void referring(struct query_text *c, const struct query_node *n) {
    begin_stream(c, "a.entity_id", "entity_attrs a");
    query_text_add(c, LIVE IS_REFERENCE " and a.relation_id = s.number");
    end_stream(c, "a.entity_id");
    begin_large(c);
    query_text_around(c, COUNT_OF REFERENCES_TO, n->name, END_OF_LARGE);
    begin_seed(c);
    query_text_around(
        c,
        "r.entity_id::bigint as number, null::text as label from object r where r.name = ", n->name,
        " and");
    end_seed_unless_large(c);
}

/* --- a question --- */

static void write_test(struct query_text *c, const struct query_node *n) {
    switch (rank_of_test(n)) {
    case OF_NAME: of_column(c, "name", n); break;
    case ABOVE: above(c, n); break;
    case OF_VALUE: of_value(c, n); break;
    case INSIDE: inside(c, n); break;
    case REFERRING: referring(c, n); break;
    case IN_NETWORK: in_networks(c, n); break;
    case OF_KEY: of_key(c, n); break;
    case OF_CLASS:
        if (n->field == QUERY_IS)
            of_class(c, n);
        else
            of_column(c, n->field == QUERY_DRIVER ? "driver" : "type", n);
        break;
    case OF_ALL: break;
    }
}

static void write_sources(struct query_text *c, const struct query_node *n) {
    if (n->kind == QUERY_TEST) {
        write_test(c, n);
    } else if (n->kind == QUERY_AND) {
        write_sources(c, better_of(n));
    } else {
        write_sources(c, n->left);
        write_sources(c, n->right);
    }
}

/* Only of a key something else than its being there may be asked. */
static bool is_sure(const struct query_node *n) {
    return n->kind == QUERY_TEST && (rank_of_test(n) != OF_KEY || n->op == QUERY_EXISTS);
}

void query_source_write(struct query_text *c, const struct query_node *question) {
    const struct query_node *n = question;

    if (rank_of(question) == OF_ALL)
        return;
    while (n->kind == QUERY_AND)
        n = better_of(n);
    write_sources(c, n);
    if (c->large.len > 0) { /* once, however many streams are large */
        buf_adds(&c->seeds, SEED_OF_ALL);
        buf_add(&c->seeds, buf_cstr(&c->large), c->large.len);
    }
    if (is_sure(n))
        c->sure = n;
}
