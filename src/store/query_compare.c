/* query_compare.c: what an operator and its values are in SQL. */
#include "store/query_compare.h"

#include <string.h>

#include "model/ip.h"
#include "store/compare.h"
#include "store/query_parts.h"

const char *query_compare_sign(enum query_operator op) {
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

/* Of what is text, as `left`: begins with, contains, is like, is greater than. */
static void compare_text(struct query_text *c, const char *left, const struct query_node *n) {
    const char *value = n->values->text;

    switch (n->op) {
    case QUERY_BEGINS:
        query_text_add(c, "starts_with(");
        query_text_add(c, left);
        query_text_around(c, ", ", value, ")");
        break;
    case QUERY_CONTAINS:
        query_text_add(c, "strpos(");
        query_text_add(c, left);
        query_text_around(c, ", ", value, ") > 0");
        break;
    case QUERY_LIKE:
        query_text_add(c, left);
        query_text_around(c, " like ", pattern(c->arena, value), "");
        break;
    default:
        query_text_add(c, left);
        query_text_add(c, " collate \"C\"");
        query_text_around(c, query_compare_sign(n->op), value, "");
        break;
    }
}

static void compare_number_value(struct query_text *c, const struct query_node *n) {
    query_text_add(c, query_compare_sign(n->op));
    if (n->values->is_large)
        query_text_around(c, "", n->values->text, "::numeric");
    else
        query_text_parameter(c, 'l', pg_bigint(n->values->number));
}

/* A column that is text, but a number where both are. */
void query_compare_column(struct query_text *c, const char *name, const char *is_number,
                          const char *number, const struct query_node *n) {
    bool numbers = query_is_order(n->op) && n->values->is_number;

    if (n->op == QUERY_EXISTS) {
        query_text_add(c, "true");
    } else if (n->op == QUERY_EQUAL || n->op == QUERY_UNEQUAL) {
        query_text_add(c, name);
        query_text_around(c, n->op == QUERY_EQUAL ? " = " : " <> ", n->values->text, "");
    } else if (n->op == QUERY_IN) {
        query_text_add(c, name);
        query_text_add(c, " = any(");
        query_text_parameter(c, 'T', query_text_array(c->arena, n));
        query_text_add(c, ")");
    } else {
        if (numbers) {
            query_text_add(c, "case when ");
            query_text_add(c, is_number);
            query_text_add(c, " then ");
            query_text_add(c, number);
            compare_number_value(c, n);
            query_text_add(c, " else ");
        }
        compare_text(c, name, n);
        query_text_add(c, numbers ? " end" : "");
    }
}

void query_compare_networks(struct query_text *c, const struct query_node *n) {
    int64_t *first = arena_array(c->arena, n->network_count, sizeof *first),
            *last = arena_array(c->arena, n->network_count, sizeof *last);

    for (size_t i = 0; i < n->network_count; i++) {
        first[i] = ip_to_stored(n->networks[i].first);
        last[i] = ip_to_stored(n->networks[i].last);
    }
    query_text_add(c, "unnest(");
    query_text_parameter(c, 'L', pg_bigints(first, NULL, n->network_count));
    query_text_add(c, ", ");
    query_text_parameter(c, 'L', pg_bigints(last, NULL, n->network_count));
    query_text_add(c, ") n(first, last)");
}

/* --- values of attributes --- */

static void order_of_value(struct query_text *c, const struct query_node *n) {
    const struct query_value *value = n->values;

    if (value->is_number) {
        query_text_add(c, "case when a.datatype = 'int' then a.int_value");
        compare_number_value(c, n);
        query_text_add(c, " when a.datatype = 'string' and " WHOLE_NUMBER(
                              "a.string_value") " then a.string_value::numeric");
        compare_number_value(c, n);
        query_text_add(c, " else ");
    } else if (value->date) {
        query_text_add(c, "case when a.datatype = 'datetime' then a.datetime_value");
        query_text_add(c, query_compare_sign(n->op));
        query_text_parameter(c, 'd', pg_timestamp(value->date));
        query_text_add(c, " else ");
    }
    compare_text(c, "(" VALUE_TEXT ")", n);
    query_text_add(c, value->is_number || value->date ? " end" : "");
}

static void equal_texts(struct query_text *c, const struct query_node *n) {
    if (n->value_count == 1) {
        query_text_around(c, "a.string_value = ", n->values->text, "");
        return;
    }
    query_text_add(c, "a.string_value = any(");
    query_text_parameter(c, 'T', query_text_array(c->arena, n));
    query_text_add(c, ")");
}

struct pg_arg query_compare_numbers(struct arena *arena, const struct query_node *n) {
    int64_t *numbers = arena_array(arena, n->value_count, sizeof *numbers);
    size_t count = 0;

    for (size_t i = 0; i < n->value_count; i++) {
        struct pg_arg number = compare_number(arena, n->values[i].text);

        if (n->values[i].is_size)
            numbers[count++] = n->values[i].number;
        else if (number.letter != 0)
            numbers[count++] = number.number;
    }
    return count > 0 ? pg_bigints(numbers, NULL, count) : pg_null();
}

static void equal_numbers(struct query_text *c, const struct query_node *n) {
    struct pg_arg numbers = query_compare_numbers(c->arena, n);

    if (numbers.letter == 0)
        return;
    query_text_add(c, " or a.datatype = 'int' and a.int_value = any(");
    query_text_parameter(c, 'L', numbers);
    query_text_add(c, ")");
}

struct pg_arg query_compare_date(struct arena *arena, const struct query_value *value) {
    return value->date ? pg_timestamp(value->date) : compare_date(arena, value->text);
}

/* Dates, JSON and paths, each where the value can be one. */
static void equal_others(struct query_text *c, const struct query_value *value) {
    struct pg_arg json = compare_json(c->arena, value->text),
                  date = query_compare_date(c->arena, value);

    if (date.letter != 0) {
        query_text_add(c, " or a.datatype = 'datetime' and a.datetime_value = ");
        query_text_parameter(c, 'd', date);
    }
    if (json.letter != 0) {
        query_text_add(c, " or a.datatype = 'json' and a.string_value = ");
        query_text_parameter(c, 't', json);
    }
    if (*value->text == '/')
        query_text_around(c, " or a.datatype = 'relation' and " PATH_OF_RELATION " = ", value->text,
                          "");
}

/* As by-attr compares. */
static void equal_value(struct query_text *c, const struct query_node *n) {
    equal_texts(c, n);
    equal_numbers(c, n);
    for (size_t i = 0; i < n->value_count; i++)
        equal_others(c, &n->values[i]);
}

void query_compare_value(struct query_text *c, const struct query_node *n) {
    if (n->op == QUERY_EXISTS)
        return;
    query_text_add(c, " and (");
    if (n->op == QUERY_EQUAL || n->op == QUERY_UNEQUAL || n->op == QUERY_IN)
        equal_value(c, n);
    else if (query_is_order(n->op))
        order_of_value(c, n);
    else
        compare_text(c, "(" VALUE_TEXT ")", n);
    query_text_add(c, IS_TRUE);
}
