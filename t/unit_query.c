/* unit_query.c: the query language: every production as a tree, every refusal by its message. */
#include "base/arena.h"
#include "query/query.h"
#include "tap.h"

static struct arena *arena;
static const struct query_limits limits = {.bytes = 4096, .tests = 64, .depth = 32, .values = 1000};

static const char *value_text(const struct query_value *value) {
    const char *text = value->text;

    if (value->is_large)
        text = arena_printf(arena, "%s#large", text);
    else if (value->is_number)
        text = arena_printf(arena, "%s#%lld", text, (long long)value->number);
    if (value->date)
        text = arena_printf(arena, "%s@%s", text, value->date);
    return text;
}

static const char *test_text(const struct query_node *n) {
    static const char *const fields[] = {"name", "driver", "type",   "ip",  "container",
                                         "attr", "is",     "within", "has", "refers"};
    static const char *const operators[] = {"exists", "=", "!=", "<",    "<=", ">",
                                            ">=",     "^", "~",  "like", "in", "net"};
    const char *text = arena_printf(arena, "%s%s%s", n->directly ? "directly " : "",
                                    fields[n->field], n->inherited ? " inherited" : "");

    if (n->name)
        text = arena_printf(arena, "%s[%s]", text, n->name);
    if (n->subkey)
        text = arena_printf(arena, "%s.[%s]", text, n->subkey);
    if (n->has_number)
        text = arena_printf(arena, "%s:%d", text, (int)n->number);
    text = arena_printf(arena, "%s %s", text, operators[n->op]);
    for (size_t i = 0; i < n->value_count; i++)
        text = arena_printf(arena, "%s [%s]", text, value_text(&n->values[i]));
    for (size_t i = 0; i < n->network_count; i++)
        text = arena_printf(arena, "%s %u-%u", text, n->networks[i].first, n->networks[i].last);
    return text;
}

static const char *tree_text(const struct query_node *n) {
    switch (n->kind) {
    case QUERY_ALL: return "all";
    case QUERY_NOT: return arena_printf(arena, "(not %s)", tree_text(n->left));
    case QUERY_TEST: return test_text(n);
    default: break;
    }
    return arena_printf(arena, "(%s %s %s)", tree_text(n->left), n->kind == QUERY_OR ? "or" : "and",
                        tree_text(n->right));
}

static void is_read(const char *question, const char *tree) {
    const struct query_node *node = NULL;
    struct verdict verdict = query_parse(arena, question, &limits, &node);
    const char *got = verdict.rc == RC_OK ? tree_text(node) : verdict.message;

    if (!ok(verdict.rc == RC_OK && strcmp(got, tree) == 0, "%s", tree))
        diag("got %s, not %s", got, tree);
}

static void refused_with(const struct query_limits *with, const char *question,
                         const char *message) {
    const struct query_node *node = NULL;
    struct verdict verdict = query_parse(arena, question, with, &node);
    const char *got = verdict.message ? verdict.message : "nothing";

    if (!ok(verdict.rc == RC_INVALID && strncmp(got, message, strlen(message)) == 0, "refused: %s",
            message))
        diag("got %s", got);
}

static void refused(const char *question, const char *message) {
    refused_with(&limits, question, message);
}

static void test_expressions(void) {
    is_read("all", "all");
    is_read(" ( all\n) ", "all");
    is_read("not all", "(not all)");
    is_read("! ! all", "(not (not all))");
    is_read("name=a or name=b and name=c", "(name = [a] or (name = [b] and name = [c]))");
    is_read("name=a and name=b or name=c", "((name = [a] and name = [b]) or name = [c])");
    is_read("(name=a or name=b) and name=c", "((name = [a] or name = [b]) and name = [c])");
    is_read("all & all | all", "((all and all) or all)");
    is_read("all - all - all", "((all and (not all)) and (not all))");
    is_read("NOT All AND nOt all", "((not all) and (not all))");
    is_read("not all and all", "((not all) and all)");
    is_read("all - not all", "(all and (not (not all)))");
}

static void test_fields(void) {
    is_read("name exists", "name exists");
    is_read("driver = basicserver", "driver = [basicserver]");
    is_read("type = server", "type = [server]");
    is_read("ip = 10.1.2.3", "ip = [10.1.2.3]");
    is_read("is device", "is[device] exists");
    is_read("within pool1", "within[pool1] exists");
    is_read("directly within 'a b'", "directly within[a b] exists");
    is_read("has x", "has[x] exists");
    is_read("refers x", "refers[x] exists");
    is_read("pool = web and rack ^ r1", "(container[pool] = [web] and container[rack] ^ [r1])");
    is_read("attr system.memory >= 32G", "attr[system].[memory] >= [32G#34359738368]");
    is_read("attr a.b.c:3 exists", "attr[a].[b.c]:3 exists");
    is_read("attr a..b exists", "attr[a].[.b] exists");
    is_read("attr a.b.:3 exists", "attr[a].[b.]:3 exists");
    is_read("attr ''.'' exists", "attr[].[] exists");
    is_read("attr a:0 = 1", "attr[a]:0 = [1#1]");
    is_read("attr 'a.b'.\"c:d\":7 = 1", "attr[a.b].[c:d]:7 = [1#1]");
    is_read("attr _x exists", "attr[_x] exists");
    is_read("attr inherited a.b:1 = x", "attr inherited[a].[b]:1 = [x]");
    is_read("attr inherited _a exists", "attr[_a] exists");
    is_read("attr INHERITED 'in' in (x)", "attr inherited[in] in [x]");
    is_read("attr inherited inherited exists", "attr inherited[inherited] exists");
    is_read("attr inherited exists", "attr[inherited] exists");
    is_read("attr inherited in (x)", "attr[inherited] in [x]");
    is_read("attr inherited.a is x", "attr[inherited].[a] = [x]");
    is_read("attr 'inherited' = x", "attr[inherited] = [x]");
    is_read("attr exists exists", "attr[exists] exists");
    is_read("attr and = and and name = or", "(attr[and] = [and] and name = [or])");
}

static void test_operators(void) {
    static const struct {
        const char *written, *meant;
    } operators[] = {{"=", "="},          {"==", "="},  {"is", "="},       {"IS", "="},
                     {"!=", "!="},        {"<>", "!="}, {"isnt", "!="},    {"<", "<"},
                     {"<=", "<="},        {">", ">"},   {">=", ">="},      {"^", "^"},
                     {"startswith", "^"}, {"~", "~"},   {"contains", "~"}, {"like", "like"}};

    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        is_read(arena_printf(arena, "name %s x", operators[i].written),
                arena_printf(arena, "name %s [x]", operators[i].meant));
    is_read("name<=x", "name <= [x]");
    is_read("name in (a)", "name in [a]");
    is_read("name in(a,'b c' , 3)", "name in [a] [b c] [3#3]");
    is_read("ip in 10.1.2.3/16", "ip net 167837696-167903231");
    is_read("ip in 10.1.2.3/32", "ip net 167838211-167838211");
    is_read("ip in 0.0.0.0/0", "ip net 0-4294967295");
    is_read("ip in (10.0.0.1, 10.0.0.2)", "ip in [10.0.0.1] [10.0.0.2]");
    is_read("ip in (10.1.2.3/16)", "ip net 167837696-167903231");
    is_read("ip in (0.0.0.0/1, '10.1.2.3/32')", "ip net 0-2147483647 167838211-167838211");
    is_read("ip in (10.0.0.1, 10.1.2.3/32, 10.0.0.2)",
            "(ip in [10.0.0.1] [10.0.0.2] or ip net 167838211-167838211)");
    is_read("not ip in (a, 0.0.0.0/0) and all",
            "((not (ip in [a] or ip net 0-4294967295)) and all)");
    is_read("name in (a, 10.0.0.0/8)", "name in [a] [10.0.0.0/8]");
}

static void test_values(void) {
    is_read("name = 'a\\'b\\\\'", "name = [a'b\\]");
    is_read("name = \"a'b\"", "name = [a'b]");
    is_read("name = a-b_c.d:e/f*g?h@i%j", "name = [a-b_c.d:e/f*g?h@i%j]");
    is_read("name = \xc3\xa4\xe2\x82\xac", "name = [\xc3\xa4\xe2\x82\xac]");
    is_read("attr a = -12", "attr[a] = [-12#-12]");
    is_read("attr a = '12'", "attr[a] = [12]");
    is_read("attr a > 9223372036854775807", "attr[a] > [9223372036854775807#9223372036854775807]");
    is_read("attr a > 9223372036854775808", "attr[a] > [9223372036854775808#large]");
    is_read("attr a > -99999999999999999999", "attr[a] > [-99999999999999999999#large]");
    is_read("attr a > '99999999999999999999'", "attr[a] > [99999999999999999999]");
    is_read("attr a = 1K", "attr[a] = [1K#1024]");
    is_read("attr a = 2T", "attr[a] = [2T#2199023255552]");
    is_read("attr a = 99999999999999T", "attr[a] = [99999999999999T]");
    is_read("attr a = 12MB", "attr[a] = [12MB]");
    is_read("attr a > 2024-02-29", "attr[a] > [2024-02-29@2024-02-29T00:00:00]");
    is_read("attr a > '2024-02-29 12:00:01'",
            "attr[a] > [2024-02-29 12:00:01@2024-02-29T12:00:01]");
    is_read("attr a > 2024-02-30", "attr[a] > [2024-02-30]");
}

static void test_refusals(void) {
    refused("", "line 1, column 1: the query begins with nothing; a test is expected: ");
    refused("foo = x", "line 1, column 1: the query begins with \"foo\"; a test is expected: ");
    refused(
        "attr system.memoryy",
        "line 1, column 20: \"system.memoryy\" is followed by nothing; an operator is expected: "
        "= != < <= > >= ^ ~ in like exists");
    refused("name = a\nand\n  (name = b",
            "line 3, column 12: \"b\" is followed by nothing; and, or");
    refused("name = \xc3\xa4 x",
            "line 1, column 10: \"\xc3\xa4\" is followed by \"x\"; and, or or the end");
    refused("name =", "line 1, column 7: \"=\" is followed by nothing; a value is expected");
    refused("name = )", "line 1, column 8: \"=\" is followed by \")\"; a value is expected");
    refused("name = 'x",
            "line 1, column 8: \"=\" is followed by a quoted text without its end; a value");
    refused("name = 'x\\",
            "line 1, column 8: \"=\" is followed by a quoted text without its end; a value");
    refused("name in x", "line 1, column 9: \"in\" is followed by \"x\"; ( is expected");
    refused("name in ()", "line 1, column 10: \"(\" is followed by \")\"; a value is expected");
    refused("name in (a b)", "line 1, column 12: \"a\" is followed by \"b\"; , or ) is expected");
    refused("ip in 10.0.0.0/33",
            "line 1, column 7: \"in\" is followed by \"10.0.0.0/33\"; a network is");
    refused("ip in 10.0.0.0/255.0.0.0", "line 1, column 7: \"in\" is followed by ");
    refused("ip in (10.0.0.1, 10.0.0.0/33)",
            "line 1, column 18: \",\" is followed by \"10.0.0.0/33\"; an address or a network is");
    refused("ip < x", "line 1, column 6: \"<\" is followed by \"x\"; an address is expected");
    refused("ip = 10.0.0.0/8",
            "line 1, column 6: \"=\" is followed by \"10.0.0.0/8\"; an address is "
            "expected (10.1.2.3); a network follows \"in\"");
    refused("ip isnt '10.0.0.0/8'", "line 1, column 9: \"isnt\" is followed by ");
    refused("attr",
            "line 1, column 5: \"attr\" is followed by nothing; the key of an attribute is");
    refused("attr inherited a", "line 1, column 17: \"a\" is followed by nothing; an operator is");
    refused("attr inherited",
            "line 1, column 15: \"inherited\" is followed by nothing; an operator is");
    refused("attr a. = 1", "line 1, column 9: \"a.\" is followed by \"=\"; the key");
    refused("attr .a exists", "line 1, column 6: \"attr\" is followed by \".a\"; the key");
    refused("attr inherited :1 = a",
            "line 1, column 16: \"inherited\" is followed by \":1\"; the key");
    refused("attr a.:1 = 1", "line 1, column 8: \"a.\" is followed by \":1\"; the key");
    refused("attr a. b = 1", "line 1, column 9: \"a.\" is followed by \"b\"; the key");
    refused("attr a.b: 1 exists", "line 1, column 11: \"a.b:\" is followed by \"1\"; the key");
    refused("attr a.b:", "line 1, column 10: \"a.b:\" is followed by nothing; the key");
    refused("attr inherited 'a'.'b'.c = 1",
            "line 1, column 23: \"'a'.'b'\" is followed by \".c\"; an operator is");
    refused("attr a:b = 1", "line 1, column 6: \"attr\" is followed by \"a:b\"; the number");
    refused("directly has x", "line 1, column 10: \"directly\" is followed by \"has\"; within");
    refused("within", "line 1, column 7: \"within\" is followed by nothing; the name");
    refused("name = a $", "line 1, column 10: \"a\" is followed by \"$\"; ");
    refused("name = a and",
            "line 1, column 13: \"and\" is followed by nothing; a test is expected");
    refused("all all", "line 1, column 5: \"all\" is followed by \"all\"; ");
    refused("name", "line 1, column 5: \"name\" is followed by nothing; an operator is expected");
}

static void test_limits(void) {
    static const struct query_limits few = {.bytes = 60, .tests = 3, .depth = 2, .values = 2};

    refused_with(&few, arena_printf(arena, "%61s", "all"), "the query is longer than 60 bytes");
    refused_with(&few, "has a and has b and has c and has d",
                 "line 1, column 31: more than 3 tests");
    refused_with(&few, "(((all)))", "line 1, column 4: more than 2 levels");
    refused_with(&few, "not not not all", "line 1, column 13: more than 2 levels");
    refused_with(&few, "name in (a, b, c)", "line 1, column 16: more than 2 values");
    refused_with(&few, "ip in (1.1.1.1, 2.0.0.0/8, 3.0.0.0/8)",
                 "line 1, column 28: more than 2 values");
    is_read("((all)) and ((all))", "(all and all)");
}

int main(void) {
    arena = arena_new();
    test_expressions();
    test_fields();
    test_operators();
    test_values();
    test_refusals();
    test_limits();
    arena_free(&arena);
    return done_testing();
}
