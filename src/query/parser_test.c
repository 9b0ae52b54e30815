/* parser_test.c: one test of a question: its field, its operator, its values. */
#include "query/parser.h"

#include <string.h>

#include "base/num.h"
#include "model/driver.h"
#include "model/ip.h"
#include "query/literal.h"

#define FIELDS                                                                                     \
    "a test is expected: not, all, ( or a field: name driver type ip attr is within directly has " \
    "refers, or a type of objects (pool, rack, ...)"
#define OPERATORS "an operator is expected: = != < <= > >= ^ ~ in like exists"

/* --- fields --- */

/* name, driver, type and the like; a name of the language before a type of objects. */
static bool parse_plain_field(struct parser *p, struct query_node *test) {
    static const struct {
        const char *word;
        enum query_field field;
    } fields[] = {
        {"name", QUERY_NAME}, {"driver", QUERY_DRIVER}, {"type", QUERY_TYPE}, {"ip", QUERY_IP}};

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (parser_accept_word(p, fields[i].word)) {
            test->field = fields[i].field;
            return true;
        }
    }
    if (p->token.kind != TOKEN_WORD || driver_last_of_type(p->token.text) == NULL)
        return false;
    test->field = QUERY_CONTAINER;
    test->name = p->token.text;
    parser_advance(p);
    return true;
}

static bool find_operator(const struct parser *p, enum query_operator *out);

/* "attr inherited KEY"; before an operator it is a key itself. */
static bool accept_inherited(struct parser *p) {
    struct parser ahead = *p;
    enum query_operator op;

    ahead.token = lexer_next(p->arena, p->token.end);
    if (!parser_is_word(&ahead, "inherited"))
        return false;
    ahead.token = lexer_next(p->arena, ahead.token.end);
    if (!lexer_is_text(&ahead.token) || find_operator(&ahead, &op) ||
        parser_is_word(&ahead, "in") || parser_is_word(&ahead, "exists"))
        return false;
    parser_advance(p);
    return true;
}

static bool parse_attr(struct parser *p, struct query_node *test) {
    struct lexer_path path;
    int64_t number = 0;

    test->inherited = accept_inherited(p);
    path = lexer_attr(p->arena, p->token.end);
    p->last = path.before.begin != NULL ? path.before : p->token;
    p->token = path.token;
    if (path.token.kind != TOKEN_WORD) {
        parser_refuse(p,
                      "the key of an attribute is expected: KEY, KEY.SUBKEY or KEY.SUBKEY:NUMBER");
        return false;
    }
    if (path.number && num_parse_range(path.number, 0, INT32_MAX, &number) != NUM_OK) {
        parser_refuse(
            p, "the number of an attribute is expected after the colon (a colon that belongs to "
               "a key or subkey is written in quotes)");
        return false;
    }
    parser_advance(p);
    test->field = QUERY_ATTR;
    test->inherited = test->inherited && *path.key != '_'; /* what is hidden is its own */
    test->name = path.key;
    test->subkey = path.subkey;
    test->has_number = path.number != NULL;
    test->number = (int32_t)number;
    return true;
}

/* Tests without an operator; false: it is another one, or was refused. */
static bool parse_of_name(struct parser *p, struct query_node *test) {
    static const struct {
        const char *word;
        enum query_field field;
        const char *expected;
    } words[] = {{"is", QUERY_IS, "a driver is expected"},
                 {"within", QUERY_WITHIN, "the name of an object is expected"},
                 {"has", QUERY_HAS, "the name of an object is expected"},
                 {"refers", QUERY_REFERS, "the name of an object is expected"}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (parser_accept_word(p, words[i].word)) {
            test->field = words[i].field;
            test->name = parser_expect_text(p, words[i].expected);
            return test->name != NULL;
        }
    }
    if (!parser_accept_word(p, "directly"))
        return false;
    test->directly = true;
    if (parser_is_word(p, "within"))
        return parse_of_name(p, test);
    parser_refuse(p, "within is expected");
    return false;
}

/* --- operators --- */

static bool find_operator(const struct parser *p, enum query_operator *out) {
    static const struct {
        enum lexer_kind kind;
        const char *word;
        enum query_operator op;
    } operators[] = {{TOKEN_EQUAL, "is", QUERY_EQUAL},
                     {TOKEN_UNEQUAL, "isnt", QUERY_UNEQUAL},
                     {TOKEN_LESS, NULL, QUERY_LESS},
                     {TOKEN_LESS_EQUAL, NULL, QUERY_LESS_EQUAL},
                     {TOKEN_GREATER, NULL, QUERY_GREATER},
                     {TOKEN_GREATER_EQUAL, NULL, QUERY_GREATER_EQUAL},
                     {TOKEN_BEGINS, "startswith", QUERY_BEGINS},
                     {TOKEN_CONTAINS, "contains", QUERY_CONTAINS},
                     {TOKEN_END, "like", QUERY_LIKE}};

    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if ((p->token.kind == operators[i].kind && p->token.kind != TOKEN_END) ||
            (operators[i].word && parser_is_word(p, operators[i].word))) {
            *out = operators[i].op;
            return true;
        }
    }
    return false;
}

/* 10.1.0.0/16: what is behind the prefix doesn't count. */
static bool expect_network(struct parser *p, struct query_network *out, const char *expected) {
    const char *slash = lexer_is_text(&p->token) ? strchr(p->token.text, '/') : NULL;
    uint32_t base, mask;

    if (slash == NULL || strchr(slash, '.') != NULL || !ip_parse_netmask(slash, &mask) ||
        !ip_parse(arena_strndup(p->arena, p->token.text, (size_t)(slash - p->token.text)), &base)) {
        parser_refuse(p, expected);
        return false;
    }
    parser_advance(p);
    *out = (struct query_network){base & mask, base | ~mask};
    return true;
}

/* What is in the parentheses of "in (...)". */
struct list {
    struct query_value *values;
    struct query_network *networks;
    size_t value_count, value_capacity, network_count, network_capacity;
};

static bool parse_value(struct parser *p, struct list *list) {
    bool quoted = p->token.kind == TOKEN_STRING;
    const char *text = parser_expect_text(p, "a value is expected");

    if (text == NULL)
        return false;
    list->values = arena_grow(p->arena, list->values, list->value_count, &list->value_capacity,
                              sizeof *list->values);
    list->values[list->value_count++] = literal_read(p->arena, text, quoted);
    return true;
}

static bool parse_network(struct parser *p, struct list *list) {
    list->networks = arena_grow(p->arena, list->networks, list->network_count,
                                &list->network_capacity, sizeof *list->networks);
    return expect_network(p, &list->networks[list->network_count++],
                          "an address or a network is expected (10.1.2.3, 10.1.0.0/16)");
}

static bool parse_element(struct parser *p, bool is_ip, struct list *list) {
    const size_t limit = (size_t)p->limits->values;

    if (limit > 0 && list->value_count + list->network_count == limit) {
        parser_refuse_limit(p, "values of one \"in\" (query_values)", p->limits->values);
        return false;
    }
    if (is_ip && lexer_is_text(&p->token) && strchr(p->token.text, '/') != NULL)
        return parse_network(p, list);
    return parse_value(p, list);
}

/* Values and networks are tests of their own, of which one has to be fulfilled. */
static void set_list(struct parser *p, struct query_node *test, const struct list *list) {
    struct query_node *values = parser_node(p, QUERY_TEST, NULL, NULL),
                      *networks = parser_node(p, QUERY_TEST, NULL, NULL);

    *values = *networks = *test;
    values->op = QUERY_IN;
    values->values = list->values;
    values->value_count = list->value_count;
    networks->op = QUERY_IN_NETWORK;
    networks->networks = list->networks;
    networks->network_count = list->network_count;
    if (list->network_count > 0 && list->value_count > 0)
        *test = *parser_node(p, QUERY_OR, values, networks);
    else
        *test = list->value_count > 0 ? *values : *networks;
}

static bool parse_list(struct parser *p, struct query_node *test) {
    struct list list = {.values = NULL};

    do
        if (!parse_element(p, test->field == QUERY_IP, &list))
            return false;
    while (parser_accept(p, TOKEN_COMMA));
    if (!parser_accept(p, TOKEN_CLOSE)) {
        parser_refuse(p, ", or ) is expected");
        return false;
    }
    set_list(p, test, &list);
    return true;
}

static bool parse_in(struct parser *p, struct query_node *test) {
    struct query_network *network = arena_array(p->arena, 1, sizeof *network);

    if (parser_accept(p, TOKEN_OPEN))
        return parse_list(p, test);
    if (test->field != QUERY_IP) {
        parser_refuse(p, "( is expected");
        return false;
    }
    test->op = QUERY_IN_NETWORK;
    test->networks = network;
    test->network_count = 1;
    return expect_network(p, network, "a network is expected (10.1.0.0/16), or ( and values");
}

/* Addresses are greater and less than addresses only, and none is a network. */
static bool check_value(struct parser *p, const struct query_node *test) {
    uint32_t address;

    if (test->field != QUERY_IP || ip_parse(p->token.text, &address))
        return true;
    if (query_is_order(test->op))
        parser_refuse(p, "an address is expected (10.1.2.3)");
    else if ((test->op == QUERY_EQUAL || test->op == QUERY_UNEQUAL) && lexer_is_text(&p->token) &&
             strchr(p->token.text, '/') != NULL)
        parser_refuse(p, "an address is expected (10.1.2.3); a network follows \"in\"");
    return p->verdict.rc == RC_OK;
}

static bool parse_operator(struct parser *p, struct query_node *test) {
    struct query_value *value;
    const char *text;
    bool quoted;

    if (parser_accept_word(p, "exists"))
        return true;
    if (parser_accept_word(p, "in"))
        return parse_in(p, test);
    if (!find_operator(p, &test->op)) {
        parser_refuse(p, OPERATORS);
        return false;
    }
    parser_advance(p);
    quoted = p->token.kind == TOKEN_STRING;
    if (!check_value(p, test))
        return false;
    text = parser_expect_text(p, "a value is expected");
    if (text == NULL)
        return false;
    value = arena_array(p->arena, 1, sizeof *value);
    *value = literal_read(p->arena, text, quoted);
    test->values = value;
    test->value_count = 1;
    return true;
}

const struct query_node *parser_test(struct parser *p) {
    struct query_node *test = parser_node(p, QUERY_TEST, NULL, NULL);

    if (p->limits->tests > 0 && p->tests++ == p->limits->tests)
        return parser_refuse_limit(p, "tests (query_tests)", p->limits->tests);
    if (parse_of_name(p, test))
        return test;
    if (p->verdict.rc != RC_OK)
        return NULL;
    if (parser_is_word(p, "attr") ? !parse_attr(p, test) : !parse_plain_field(p, test))
        return parser_refuse(p, FIELDS);
    return parse_operator(p, test) ? test : NULL;
}
