/* unit_access.c: networks and addresses, roles, scopes, the roles of users on mounts, and whose
 * rows they see. */
#include "base/network.h"
#include "server/access.h"
#include "store/stmts.h"
#include "tap.h"

static void is_in(const char *network, const char *address, bool wanted) {
    struct network n;

    ok(network_parse(network, &n) && network_contains(&n, address) == wanted, "%s is %sin %s",
       address != NULL ? address : "(none)", wanted ? "" : "not ", network);
}

static void no_network(const char *text) {
    struct network n;

    ok(!network_parse(text, &n), "\"%s\" is no network", text);
}

static void test_networks(void) {
    static const char *const bad[] = {"",           "x",          "10.0.0.0/33",  "10.0.0.1/8",
                                      "10.0.0/8",   "10.0.0.0/",  "10.0.0.0/-1",  "10.0.0.0/ 8",
                                      "::1/127",    "::/129",     "10.0.0.0/8/8", "unix:",
                                      "*.10.0.0.0", "2001:db8::g"};
    static const char long_text[] =
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333:4444";

    is_in("10.0.0.0/8", "10.255.0.1", true);
    is_in("10.0.0.0/8", "11.0.0.1", false);
    is_in("10.128.0.0/9", "10.127.255.255", false);
    is_in("10.128.0.0/9", "10.128.0.0", true);
    is_in("10.0.0.1", "10.0.0.1", true);
    is_in("10.0.0.1", "10.0.0.2", false);
    is_in("0.0.0.0/0", "192.0.2.1", true);
    is_in("0.0.0.0/0", "::1", false);
    is_in("::/0", "192.0.2.1", false);
    is_in("::/0", "2001:db8::1", true);
    is_in("10.0.0.0/8", "::ffff:10.1.2.3", true);
    is_in("::ffff:10.0.0.1", "10.0.0.1", true);
    is_in("2001:db8::/33", "2001:db8:8000::1", false);
    is_in("2001:db8::/33", "2001:db8:7fff::1", true);
    is_in("fe80::/10", "fe80::1%eth0", true);
    is_in("::1", "::1", true);
    is_in("unix", "unix:", true);
    is_in("unix", "127.0.0.1", false);
    is_in("unix", "", false);
    is_in("unix", NULL, false);
    is_in("10.0.0.0/8", "unix:", false);
    is_in("10.0.0.0/8", NULL, false);
    is_in("10.0.0.0/8", "", false);
    is_in("10.0.0.0/8", "10.0.0.1, 192.0.2.1", false);
    is_in("10.0.0.0/8", "10.0.0.1:80", false);
    is_in("10.0.0.0/8", long_text, false);
    is_in("*", NULL, true);
    is_in("*", "whoever", true);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        no_network(bad[i]);
    no_network(long_text);
}

static void scope(const char *text, unsigned on_root, unsigned on_resource) {
    unsigned roles[MOUNT_COUNT] = {0};
    bool wanted = on_root != 0 || on_resource != 0;

    ok(access_scope(roles, text) == wanted, "scope \"%s\" is %s", text, wanted ? "one" : "none");
    is_int(roles[MOUNT_ROOT], on_root, "  on root");
    is_int(roles[MOUNT_RESOURCE], on_resource, "  on the managers' second path");
}

static void test_scopes(void) {
    scope("read", ROLE_READ, ROLE_READ);
    scope("allocate:resourcemanager", 0, ROLE_ALLOCATE);
    scope("admin:root", ROLE_ADMIN, 0);
    scope("allocate:resource", 0, 0);
    scope("", 0, 0);
    scope(":root", 0, 0);
    scope("read:", 0, 0);
    scope("READ", 0, 0);
    scope("readreadreadreadreadread", 0, 0);
}

static void test_roles(void) {
    static const struct access rules[] = {
        {"anonymous", {[MOUNT_ROOT] = ROLE_READ}},
        {"*", {[MOUNT_ENTITY] = ROLE_READ}},
        {"alice", {[MOUNT_ENTITY] = ROLE_WRITE, [MOUNT_ROOT] = ROLE_ADMIN}},
        {"alice", {[MOUNT_ATTRIBUTE] = ROLE_WRITE}}};
    const struct settings s = {.access = rules, .access_count = 4};

    is_int(access_roles(&s, NULL, MOUNT_ROOT), ROLE_READ, "anonymous: what everyone may do");
    is_int(access_roles(&s, NULL, MOUNT_ENTITY), 0, "  and nothing that takes a name");
    is_int(access_roles(&s, "bob", MOUNT_ROOT), ROLE_READ, "a name removes no role");
    is_int(access_roles(&s, "bob", MOUNT_ENTITY), ROLE_READ, "  and may add");
    is_int(access_roles(&s, "alice", MOUNT_ENTITY), ROLE_READ | ROLE_WRITE, "rules add up");
    is_int(access_roles(&s, "alice", MOUNT_ATTRIBUTE), ROLE_WRITE, "  all of one name's");
    is_int(access_roles(&s, "alic", MOUNT_ATTRIBUTE), 0, "  and no one else's");
    is_int(access_roles(&(struct settings){0}, "alice", MOUNT_ROOT), 0, "no rule: nothing");
    ok(access_allows(ROLE_ADMIN, ROLE_ALLOCATE), "admin is everything");
    ok(!access_allows(ROLE_WRITE, ROLE_READ), "write is not read");
    ok(!access_allows(ROLE_WRITE | ROLE_READ, ROLE_ALLOCATE), "  and not allocate");
    ok(!access_allows(ROLE_WRITE | ROLE_READ | ROLE_ALLOCATE, ROLE_ADMIN), "all is not admin");
    ok(!access_allows(0, ROLE_READ), "nothing is nothing");
}

/* What only reads may look at the version of a transaction that has taken its number before. */
static bool writes(const char *sql) {
    return strstr(sql, "insert into ") || strstr(sql, "update ") || strstr(sql, "delete from ");
}

/* A statement on somebody's documents has the session say whose: row level security hides all rows
 * otherwise. */
static void test_statements(void) {
    size_t count = 0;

    for (int i = 0; i < STMT_COUNT; i++) {
        const struct stmt_row *row = &stmts_rows[i];
        bool theirs = strstr(row->text, " muster_preferences ") != NULL;

        bool itself = strstr(row->text, "set_config('muster.user_id', $1, true)") != NULL;

        if (theirs)
            ok(row->params[0] == 't' && (itself || (row->flags & STMT_OF_USER)), "%s says for whom",
               row->name);
        else if (row->flags & STMT_OF_USER)
            ok(false, "%s concerns no one's documents", row->name);
        count += theirs;
        if (writes(row->text) && strstr(row->text, "currval('clustoversioning_version_seq')"))
            ok(row->flags & STMT_TAKES_VERSION, "%s has the version's number taken first",
               row->name);
    }
    ok(count > 10, "there are such statements");
}

int main(void) {
    test_networks();
    test_scopes();
    test_roles();
    test_statements();
    return done_testing();
}
