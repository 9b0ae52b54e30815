/* unit_rules.c: containment, as a matrix; properties; reading a manager; the lines of an import. */
#include <string.h>

#include "model/driver.h"
#include "model/ip.h"
#include "rules/alloc.h"
#include "rules/bulk_row.h"
#include "rules/insert.h"
#include "rules/manager.h"
#include "rules/properties.h"
#include "tap.h"

static struct arena *arena;

/* A member of driver `member`, already in a container of driver `in` ("" : in nothing), into
 * `container`. */
struct cell {
    const char *container;
    const char *member;
    const char *in;
    bool allowed;
};

static const struct cell matrix[] = {
    {"pool", "basicserver", "", true},
    {"pool", "basicserver", "pool", true},
    {"pool", "basicserver", "unique_pool", true},
    {"pool", "basicserver", "exclusive_pool", false},
    {"pool", "basicserver", "basicrack", true},
    {"pool", "pool", "pool", true},
    {"unique_pool", "basicserver", "", true},
    {"unique_pool", "basicserver", "pool", true},
    {"unique_pool", "basicserver", "unique_pool", false},
    {"unique_pool", "basicserver", "exclusive_pool", false},
    {"unique_pool", "basicserver", "basicdatacenter", true},
    {"exclusive_pool", "basicserver", "", true},
    {"exclusive_pool", "basicserver", "pool", false},
    {"exclusive_pool", "basicserver", "unique_pool", false},
    {"exclusive_pool", "basicserver", "exclusive_pool", false},
    {"exclusive_pool", "basicserver", "basicrack", true},
    {"exclusive_pool", "basicserver", "basiczone", true},
    {"location", "basicserver", "location", false},
    {"location", "basicserver", "basiccage", true},
    {"basicdatacenter", "basicserver", "basicdatacenter", false},
    {"basicdatacenter", "basicserver", "basiczone", true},
    {"basicdatacenter", "basicserver", "basiccage", true},
    {"basiccage", "basicserver", "basiccage", false},
    {"basiczone", "basicserver", "basiczone", false},
    {"basiczone", "basicserver", "pool", true},
    {"basicrack", "basicserver", "", true},
    {"basicrack", "basicvirtualserver", "", true},
    {"basicrack", "basicpowerstrip", "pool", true},
    {"basicrack", "basicserver", "basicrack", false},
    {"basicrack", "pool", "", false},
    {"basicrack", "entity", "", false},
    {"basicserver", "device", "", true},
    {"basicserver", "device", "pool", false},
    {"entity", "entity", "basicrack", false},
    {"ipmanager", "entity", "", true},
    {"ipmanager", "entity", "pool", false},
    {"never_heard_of", "basicserver", "", true},
    {"never_heard_of", "basicserver", "pool", false},
};

static struct ref ref(int32_t id, const char *driver) {
    const struct driver *known = driver_find(driver);

    return (struct ref){
        .id = id, .name = "n", .driver = driver, .type = known ? known->type : "odd"};
}

static void test_matrix(void) {
    for (size_t i = 0; i < sizeof matrix / sizeof *matrix; i++) {
        const struct cell *cell = &matrix[i];
        struct ref container = ref(1, cell->container), member = ref(2, cell->member);
        struct membership in = {.container = ref(3, cell->in), .member = 2};
        struct memberships of = {&in, *cell->in ? 1 : 0};
        struct verdict v = insert_check(arena, &container, &member, &of);

        ok((v.rc == RC_OK) == cell->allowed && !v.message == cell->allowed,
           "%s, in %s, into %s: %s", cell->member, *cell->in ? cell->in : "nothing",
           cell->container, cell->allowed ? "yes" : "no");
    }
}

static void test_self(void) {
    struct ref pool = ref(1, "pool");
    struct ref server = ref(2, "basicserver");
    struct membership same = {.container = ref(1, "pool"), .member = 2};
    struct membership other = {.container = ref(9, "exclusive_pool"), .member = 3};

    ok(insert_check(arena, &pool, &pool, &(struct memberships){0}).message != NULL,
       "nothing goes into itself");
    ok(insert_check(arena, &pool, &server, &(struct memberships){&same, 1}).rc == RC_OK,
       "being in already is no hindrance");
    ok(insert_check(arena, &pool, &server, &(struct memberships){&other, 1}).rc == RC_OK,
       "another member's memberships don't count");
}

struct given {
    const char *driver, *name, *value;
    bool fine;
};

static const struct given givens[] = {
    {"ipmanager", "baseip", "10.0.0.0/24", true},
    {"ipmanager", "baseip", "10.0.0.0", false},
    {"ipmanager", "baseip", "foo", false},
    {"ipmanager", "gateway", "10.0.0.256", false},
    {"ipmanager", "netmask", "255.255.255.0", true},
    {"ipmanager", "netmask", "24", true},
    {"ipmanager", "netmask", "255.0.255.0", false},
    {"ipmanager", "color", "red", false},
    {"simplenamemanager", "digits", "4", true},
    {"simplenamemanager", "digits", "x", false},
    {"simplenamemanager", "digits", "0", false},
    {"simplenamemanager", "digits", "19", false},
    {"simplenamemanager", "next", "-1", false},
    {"simplenamemanager", "basename", "web", true},
    {"simplenamemanager", "baseip", "10.0.0.0", false},
};

static void test_properties(void) {
    struct attrs attrs;

    for (size_t i = 0; i < sizeof givens / sizeof *givens; i++) {
        const struct given *g = &givens[i];
        struct param param = {.name = g->name, .value = g->value};
        struct verdict v =
            properties_given(arena, driver_find(g->driver), &(struct params){&param, 1}, &attrs);

        ok((v.rc == RC_OK) == g->fine && (v.rc == RC_OK || v.message), "%s %s=%s", g->driver,
           g->name, g->value);
    }
    attrs = properties_default(arena, driver_find("simplenamemanager"));
    is_int((long)attrs.count, 4, "a name manager has four properties by default");
    for (size_t i = 0; i < attrs.count; i++)
        if (strcmp(attrs.items[i].key, "digits") == 0)
            ok(attrs.items[i].value.datatype == DATATYPE_INT && attrs.items[i].value.number == 2,
               "numeric ones are ints");
    is_int((long)properties_default(arena, driver_find("pool")).count, 0, "a pool has none");
}

static void test_manager(void) {
    struct attr attrs[] = {
        {.key = "baseip",
         .subkey = "property",
         .value = {.datatype = DATATYPE_STRING, .text = "192.168.1.10"}},
        {.key = "gateway",
         .subkey = "property",
         .value = {.datatype = DATATYPE_STRING, .text = "192.168.1.1"}},
        {.key = "netmask",
         .subkey = "property",
         .value = {.datatype = DATATYPE_STRING, .text = "255.255.255.0"}},
        {.key = "_lastip", .value = {.datatype = DATATYPE_INT, .number = 1084752130}}};
    struct attr strings[] = {{.key = "digits",
                              .subkey = "property",
                              .value = {.datatype = DATATYPE_STRING, .text = "4"}},
                             {.key = "leadingZeros",
                              .subkey = "property",
                              .value = {.datatype = DATATYPE_STRING, .text = "0"}}};
    struct object object = {.ref = ref(1, "ipmanager"), .attrs = attrs, .attr_count = 4};
    struct manager m;

    is_int(manager_read(arena, &object, &m).rc, RC_OK, "an ip manager reads");
    is_int(m.first, 1084752129, "its range begins after the network");
    is_int(m.last, 1084752129 + 253, "and ends before the broadcast");
    is_int(m.gateway, 1084752129, "its gateway");
    is_int(m.netmask_bits, 24, "its netmask");
    is_int(m.last_given, 1084752130, "the last one given");
    attrs[2].value.text = "255.0.255.0";
    is_int(manager_read(arena, &object, &m).rc, RC_CONFLICT, "nonsense written by hand is refused");
    object = (struct object){.ref = ref(1, "simplenamemanager"), .attrs = strings, .attr_count = 2};
    is_int(manager_read(arena, &object, &m).rc, RC_OK, "numbers that were stored as strings read");
    is_int(m.digits, 4, "digits");
    ok(!m.leading_zeros, "leadingZeros \"0\" is off");
    is_int(m.next, 1, "what is not stored has its default");
}

/* An import whose last lines are those of `text`, of which the first has this number. */
static void is_refused_at(bool is_csv, int32_t line, const char *text, int32_t refused) {
    const struct bulk_options options = {.is_csv = is_csv,
                                         .max_name = 100,
                                         .max_key = 100,
                                         .max_line = 1000,
                                         .limits = {.depth = 10, .nodes = 100}};
    struct import_result *result = arena_alloc(arena, sizeof *result);
    struct bulk *bulk = bulk_new(NULL, &options);
    bool malformed;

    ok(bulk_add(bulk, "name\n", is_csv ? 5 : 0) == RC_OK, "the columns");
    bulk->next_line = line;
    ok(bulk_add(bulk, text, strlen(text)) == RC_OK, "lines from %d on are read", line);
    ok(bulk_end(bulk, arena, result, &malformed) == RC_OK, "to the end");
    is_int(result->all_errors, refused ? 1 : 0, "errors");
    if (result->all_errors == 1 && refused)
        is_str(result->errors[0].text, "There are more than 2147483646 lines.", "too many lines");
    if (result->all_errors == 1 && refused)
        is_int(result->errors[0].line, refused, "the number of the first that is not read");
    bulk_free(&bulk);
}

static void test_lines(void) {
    is_refused_at(false, INT32_MAX - 2, "\n\n", 0);
    is_refused_at(false, INT32_MAX - 2, "\n\n\n\n\n", INT32_MAX);
    is_refused_at(true, INT32_MAX - 2, "a\nb\n", 0);
    is_refused_at(true, INT32_MAX - 2, "a\n\"b\nb\"\n\"c\"\n", INT32_MAX - 1);
}

int main(void) {
    arena = arena_new();
    test_matrix();
    test_self();
    test_properties();
    test_manager();
    test_lines();
    arena_free(&arena);
    return done_testing();
}
