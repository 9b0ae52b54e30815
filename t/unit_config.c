/* unit_config.c: settings read from files, what is refused and how, and the sample beside the
 * table. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/driver.h"
#include "server/access.h"
#include "server/config.h"
#include "tap.h"

static char directory[] = "/tmp/muster-config-XXXXXX";
static char reported[8192];
static size_t problems;

static void collect(const char *line) {
    size_t n = strlen(reported);

    snprintf(reported + n, sizeof(reported) - n, "%s\n", line);
    problems++;
}

/* Writes `text` to a file of the test's directory; the path is static per name. */
static const char *file(const char *name, const char *text) {
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    FILE *out;

    snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
    out = fopen(path, "w");
    if (out == NULL || fputs(text, out) == EOF || fclose(out) != 0)
        abort();
    return path;
}

static struct settings *load(const char *const *paths, size_t count) {
    reported[0] = '\0';
    problems = 0;
    return config_load(paths, count, collect);
}

static struct settings *load_text(const char *text) {
    const char *path = file("a.conf", text);

    return load(&path, 1);
}

/* The only problem with `text` is reported as FILE:line: `message`. */
static void refused(const char *text, unsigned line, const char *message) {
    struct settings *settings = load_text(text);
    char wanted[1024];

    snprintf(wanted, sizeof(wanted), "%s/a.conf:%u: %s\n", directory, line, message);
    ok(settings == NULL, "refused: %s", message);
    is_str(reported, wanted, "  and says so");
    config_free(&settings);
}

static void test_defaults(void) {
    struct settings *settings = load(NULL, 0);

    if (!ok(settings != NULL, "no file: the defaults"))
        return;
    is_str(settings->listen, "unix:/run/muster/muster.sock", "listen");
    is_int(settings->listen_mode, 0660, "permissions are octal");
    is_int(settings->body_limit, 1 << 20, "body limit");
    ok(settings->store.versioning && !settings->api.expanded_type, "booleans");
    is_str(settings->api.mounts[MOUNT_ROOT], "", "the root has the empty path");
    is_str(settings->api.mounts[MOUNT_ENTITY], "/entity", "a mount");
    ok(settings->api.mounts[MOUNT_PREFERENCES] == NULL ||
           strcmp(settings->api.mounts[MOUNT_PREFERENCES], "/preferences") == 0,
       "preferences");
    is_int(settings->response_header_count, 0, "no headers");
    ok(settings->api.doc_dir[0] == '/', "doc_dir is where the texts were installed");
    config_free(&settings);
    ok(settings == NULL, "freed");
}

static void test_table(void) {
    size_t count;
    const struct setting *table = settings_table(&count);

    for (size_t i = 0; i < count; i++) {
        ok(i == 0 || strcmp(table[i - 1].name, table[i].name) < 0, "%s is in its place",
           table[i].name);
        ok(settings_find(table[i].name) == &table[i], "%s is found", table[i].name);
        ok(table[i].help[0] != '\0', "%s is explained", table[i].name);
    }
    ok(settings_find("nonsense") == NULL, "nothing else is");
}

static void same_strings(const struct strings *a, const struct strings *b) {
    bool same = a->count == b->count;

    for (size_t i = 0; i < a->count && same; i++)
        same = strcmp(a->items[i], b->items[i]) == 0;
    ok(same, "  at its default");
}

/* Every row is in the sample, each at its default: loading it changes nothing. */
static void test_sample(void) {
    const char *source = getenv("MUSTER_SRC_DIR");
    struct settings *sample, *defaults;
    char path[1024];
    const char *one = path;
    static char text[65536];
    size_t count, n;
    const struct setting *table = settings_table(&count);
    FILE *in;

    snprintf(path, sizeof(path), "%s/etc/muster.conf", source != NULL ? source : ".");
    in = fopen(path, "r");
    if (!ok(in != NULL, "%s is there", path))
        return;
    n = fread(text, 1, sizeof(text) - 1, in);
    text[n] = '\0';
    fclose(in);
    defaults = load(NULL, 0);
    sample = load(&one, 1);
    if (!ok(sample != NULL && defaults != NULL, "the sample is fine"))
        diag("%s", reported);
    for (size_t i = 0; i < count && sample != NULL && defaults != NULL; i++) {
        const char *dot = strchr(table[i].name, '.');
        const char *a = (const char *)sample + table[i].offset;
        const char *b = (const char *)defaults + table[i].offset;
        char line[128];

        snprintf(line, sizeof(line), "\n%s%s = ", dot != NULL ? "    " : "",
                 dot != NULL ? dot + 1 : table[i].name);
        ok(strstr(text, line) != NULL, "the sample has %s", table[i].name);
        if (table[i].type == SETTING_STRING && *(const char *const *)a != NULL)
            is_str(*(const char *const *)a, *(const char *const *)b, "  at its default");
        else if (table[i].type == SETTING_STRING)
            ok(*(const char *const *)b == NULL, "  at its default");
        else if (table[i].type == SETTING_INT || table[i].type == SETTING_MODE)
            is_int(*(const int *)a, *(const int *)b, "  at its default");
        else if (table[i].type == SETTING_BOOL)
            ok(*(const bool *)a == *(const bool *)b, "  at its default");
        else if (table[i].type == SETTING_STRINGS)
            same_strings((const struct strings *)a, (const struct strings *)b);
    }
    config_free(&sample);
    config_free(&defaults);
}

static void test_refused(void) {
    refused("workers = 2;\nnonsense = 1;\n", 2, "setting \"nonsense\": unknown");
    refused("mounts = { nowhere = \"/x\"; };", 1, "setting \"mounts.nowhere\": unknown");
    refused("mounts = \"/x\";", 1, "setting \"mounts\": must be a group { }, not a string");
    refused("workers = \"2\";", 1, "setting \"workers\": must be an integer, not a string");
    refused("log_level = \"a\\nb\";", 1,
            "setting \"log_level\": \"a?b\" is none of debug, info, warning, error");
    refused("workers = 2.5;", 1,
            "setting \"workers\": must be an integer, not a number with a fraction");
    refused("\n\nworkers = -1;", 3, "setting \"workers\": must be from 0 to 1024, not -1");
    refused("json_depth = 101;", 1, "setting \"json_depth\": must be from 1 to 100, not 101");
    refused("workers = 1025;", 1, "setting \"workers\": must be from 0 to 1024, not 1025");
    refused("body_limit = 99999999999L;", 1,
            "setting \"body_limit\": must be from 1 to 1073741824, not 99999999999");
    refused("versioning = 1;", 1, "setting \"versioning\": must be true or false, not an integer");
    refused("database = 5;", 1, "setting \"database\": must be a string, not an integer");
    refused("listen_mode = 660;", 1,
            "setting \"listen_mode\": must be a string as \"0660\", not an integer");
    refused("listen_mode = \"0999\";", 1,
            "setting \"listen_mode\": must be octal permissions as \"0660\", not \"0999\"");
    refused("listen_mode = \"4755\";", 1,
            "setting \"listen_mode\": must be octal permissions as \"0660\", not \"4755\"");
    refused("log_level = \"loud\";", 1,
            "setting \"log_level\": \"loud\" is none of debug, info, warning, error");
    refused("log_destination = \"here\";", 1,
            "setting \"log_destination\": \"here\" is neither stderr, syslog nor an absolute path");
    refused("listen = \"unix:here\";", 1,
            "setting \"listen\": the path of a Unix socket begins with a slash");
    refused("listen = \"localhost:99999\";", 1, "setting \"listen\": \"99999\" is not a port");
    refused("listen = \"::1:9000\";", 1,
            "setting \"listen\": \"::1\" must be in brackets, as in \"[::1]:9000\"");
    refused("listen = \":80\";", 1, "setting \"listen\": \":80\" names no host");
    refused("identity_param = \"remote user\";", 1,
            "setting \"identity_param\": \"remote user\" is not a name of capitals, digits and _");
    refused("mounts = { entity = \"e\"; };", 1,
            "setting \"mounts.entity\": \"e\" must begin with a slash and not end with one");
    refused("mounts = { entity = \"/attribute\"; };", 1,
            "setting \"mounts.entity\": \"/attribute\" is taken by mounts.attribute");
    refused("mounts = { entity = \"/\"; };", 1,
            "setting \"mounts.entity\": only the preferences can be at \"/\"");
    refused("workers = ;", 1, "syntax error");
}

static void test_what_is_not_there(void) {
    refused("user = \"no-such-user\";", 1, "setting \"user\": there is no user \"no-such-user\"");
    refused("group = \"no-such-group\";", 1,
            "setting \"group\": there is no group \"no-such-group\"");
    refused("listen_owner = \"no-such-user\";", 1,
            "setting \"listen_owner\": there is no user \"no-such-user\"");
    refused("listen_owner = \"root:no-such-group\";", 1,
            "setting \"listen_owner\": there is no group \"no-such-group\"");
    refused("doc_dir = \"/nonexistent/texts\";", 1,
            "setting \"doc_dir\": \"/nonexistent/texts\" is not a directory");
    refused("\ndatabase = \"foo bar baz\";", 2,
            "setting \"database\": missing \"=\" after \"foo\" in connection info string");
    refused("database = \"dbnme=x\";", 1,
            "setting \"database\": invalid connection option \"dbnme\"");
}

/* libconfig keeps the low 32 bits of an integer that has no L. */
static void test_large_integers(void) {
    refused("workers = 2;\nstatement_timeout = 4294967297;\n", 2,
            "setting \"statement_timeout\": must be from 0 to 3600000, not 4294967297");
    refused("lock_timeout\n  :\n  0x100000001 ;\n", 1,
            "setting \"lock_timeout\": must be from 0 to 3600000, not 4294967297");
    refused("workers=1;statement_timeout=-4294967295;", 1,
            "setting \"statement_timeout\": must be from 0 to 3600000, not -4294967295");
    refused("workers = 99999999999999999999;", 1,
            "setting \"workers\": must be from 0 to 1024, not 9223372036854775807");
    refused("drivers = ( { name = \"a\"; type = \"b\";\nports = ( { type = \"p\"; count = "
            "4294967297; } ); } );",
            2, "setting \"drivers[0].ports[0]\": \"count\" must be from 1 to 100000");
}

static void test_all_at_once(void) {
    struct settings *settings = load_text("workers = -1;\nnonsense = 1;\ndatabase = 1;\n");

    ok(settings == NULL, "three problems");
    is_int(problems, 3, "  and three lines");
    config_free(&settings);
    settings = load((const char *const[]){"/nonexistent/muster.conf"}, 1);
    ok(settings == NULL, "no such file");
    is_str(reported, "/nonexistent/muster.conf: can't be read: No such file or directory\n",
           "  says so");
    config_free(&settings);
}

static void test_overlay(void) {
    const char *paths[2];
    struct settings *settings;

    paths[0] = file("a.conf", "workers = 2; body_limit = 10; mounts = { entity = \"/e\"; };"
                              "response_headers = ( \"A: 1\", \"B: 2\" );");
    paths[1] = file("b.conf", "body_limit = 20; mounts = { attribute = \"\"; };"
                              "response_headers = { X-C = \"3\"; };");
    settings = load(paths, 2);
    if (!ok(settings != NULL, "two files")) {
        diag("%s", reported);
        return;
    }
    is_int(settings->workers, 2, "what only the first sets stays");
    is_int(settings->body_limit, 20, "what both set is the second's");
    is_str(settings->api.mounts[MOUNT_ENTITY], "/e", "groups are merged");
    ok(settings->api.mounts[MOUNT_ATTRIBUTE] == NULL, "the empty path is no mount");
    is_int(settings->response_header_count, 1, "lists are replaced");
    is_str(settings->response_headers[0].name, "X-C", "a header from a group");
    is_str(settings->response_headers[0].value, "3", "  and its value");
    config_free(&settings);
}

static void test_former_names(void) {
    struct settings *settings = load_text("name_reads = true;");

    ok(settings != NULL && settings->store.tag_reads, "a former name is still read");
    config_free(&settings);
    refused("name_reads = 1;", 1, "setting \"tag_reads\": must be true or false, not an integer");
}

static void test_headers(void) {
    struct settings *settings = load_text("response_headers = ( \"A-b:  c: d\", \"E:\" );");

    if (ok(settings != NULL, "headers from a list")) {
        is_str(settings->response_headers[0].name, "A-b", "name");
        is_str(settings->response_headers[0].value, "c: d", "value");
        is_str(settings->response_headers[1].value, "", "an empty value");
    }
    config_free(&settings);
    refused("response_headers = ( \"A\" );", 1,
            "setting \"response_headers\": \"A\" is not \"Name: value\"");
    refused("response_headers = ( \"A b: c\" );", 1,
            "setting \"response_headers\": \"A b\" is not the name of a header");
    refused("response_headers = ( \"A: c\\r\\nB: d\" );", 1,
            "setting \"response_headers\": control character in the value of \"A\"");
    refused("response_headers = ( 1 );", 1,
            "setting \"response_headers\": each must be a string, not an integer");
}

static void test_access(void) {
    struct settings *settings = load(NULL, 0);

    if (ok(settings != NULL && settings->access_count == 1, "one rule by default")) {
        is_str(settings->access[0].who, "anonymous", "  for everybody");
        is_int(settings->access[0].roles[MOUNT_PREFERENCES], ROLE_ADMIN,
               "  everything, everywhere");
        is_int(settings->access[0].roles[MOUNT_RESOURCE], ROLE_ADMIN, "  on second paths too");
    }
    config_free(&settings);
    settings = load_text("access = ( { who = ( \"a\", \"b\" ); mounts = \"resourcemanager\";"
                         " roles = [ \"read\", \"allocate\" ]; },"
                         " { who = \"*\"; roles = \"read\"; } );");
    if (ok(settings != NULL && settings->access_count == 3, "a rule for each name")) {
        is_str(settings->access[1].who, "b", "  in their order");
        is_int(settings->access[1].roles[MOUNT_RESOURCE], ROLE_READ | ROLE_ALLOCATE,
               "  both paths of the managers are one");
        is_int(settings->access[1].roles[MOUNT_ENTITY], 0, "  nothing elsewhere");
    }
    config_free(&settings);
    settings = load_text("access = ( );");
    ok(settings != NULL && settings->access_count == 0, "no one may do anything");
    config_free(&settings);
    refused("access = \"all\";", 1,
            "setting \"access\": must be a list ( { ... }, ... ), not a string");
    refused("access = ( \"all\" );", 1,
            "setting \"access[0]\": each must be a group { }, not a string");
    refused("access = ( { roles = \"read\"; } );", 1, "setting \"access[0]\": \"who\" is missing");
    refused("access = ( { who = \"a\"; } );", 1, "setting \"access[0]\": \"roles\" is missing");
    refused("access = ( { who = \"a\"; roles = \"read\"; mount = \"x\"; } );", 1,
            "setting \"access[0]\": unknown name \"mount\"");
    refused("access = (\n{ who = \"a\";\n roles = \"reed\"; } );", 3,
            "setting \"access[0]\": \"reed\" is none of the roles read, write, allocate, admin");
    refused("access = ( { who = \"a\"; roles = \"read\"; mounts = \"resource\"; } );", 1,
            "setting \"access[0]\": \"resource\" is none of root, entity, attribute, "
            "resourcemanager, preferences");
    refused("access = ( { who = \"\"; roles = \"read\"; } );", 1,
            "setting \"access[0]\": \"who\" has an invalid name");
    refused("access = ( { who = 5; roles = \"read\"; } );", 1,
            "setting \"access[0]\": must be a string, not an integer");
    refused("trusted_networks = ( \"10.0.0.1/8\" );", 1,
            "setting \"trusted_networks\": \"10.0.0.1/8\" is no address, no network "
            "\"address/length\" without bits after its length, and neither \"unix\" nor \"*\"");
    refused("trusted_networks = \"*\";", 1,
            "setting \"trusted_networks\": must be a list of strings, not a string");
    refused("token_key = \"secret\";", 1,
            "setting \"token_key\": is too short to be a secret: 32 characters at least (muster "
            "token key makes one)");
}

static void test_secret(void) {
    const char *text = "token_key = \"0123456789abcdef0123456789abcdef\";";
    const char *path = file("a.conf", text);
    struct settings *settings;

    if (chmod(path, 0640) != 0)
        abort();
    settings = load(&path, 1);
    ok(settings != NULL, "a key in a file of one's own");
    config_free(&settings);
    if (chmod(path, 0644) != 0)
        abort();
    refused(text, 1,
            "setting \"token_key\": all users can read this file; use chmod o-r");
}

static void test_alone(void) {
    struct settings *settings = load_text("mounts = { preferences = \"/\"; };");

    if (ok(settings != NULL, "preferences alone")) {
        is_str(settings->api.mounts[MOUNT_PREFERENCES], "", "  at the root");
        ok(settings->api.mounts[MOUNT_ROOT] == NULL && settings->api.mounts[MOUNT_ENTITY] == NULL,
           "  and nothing else");
    }
    config_free(&settings);
    refused("mounts = { entity = \"/entity\"; preferences = \"/\"; };", 1,
            "setting \"mounts.entity\": nothing else can be mounted where preferences are at "
            "\"/\"");
}

static void test_drivers(void) {
    struct settings *settings = load_text(
        "drivers = ( { name = \"tall\"; type = \"rack\"; class = \"x.Tall\"; parent = "
        "\"basicrack\";\n properties = ( { name = \"maxu\"; type = \"int\"; default = 52; } );\n"
        " ports = ( { type = \"nic-eth\"; count = 3; } ); } );");
    struct settings *other;
    const struct driver *driver = driver_find("tall");

    ok(settings != NULL, "a driver");
    if (ok(driver != NULL, "  is registered")) {
        is_str(driver->class_path, "x.Tall", "  with its class");
        ok(driver_is_a(driver, driver_find("basicrack")), "  below its parent");
        is_str(driver_property(driver, "maxu")->default_text, "52", "  with a property");
        is_int(driver->ports[0].count, 3, "  and a port");
    }
    refused("drivers = ( { name = \"x\"; typ = \"rack\"; type = \"rack\"; } );", 1,
            "setting \"drivers[0]\": unknown name \"typ\"");
    refused("drivers = ( { name = \"x\"; } );", 1, "setting \"drivers[0]\": \"type\" is missing");
    refused("drivers = ( 5 );", 1,
            "setting \"drivers[0]\": each must be a group { }, not an "
            "integer");
    other = load_text("drivers = ( { name = \"y\"; type = \"t\"; parent = \"nobody\"; } );");
    ok(other == NULL && problems == 1, "an unknown parent is refused");
    ok(driver_find("tall") != NULL && driver_find("y") == NULL, "  and the former drivers stay");
    other = load_text("workers = 1;");
    ok(other != NULL && driver_find("tall") == NULL, "a file without it: it is gone");
    config_free(&settings);
    ok(driver_find("pool") != NULL, "freeing the older leaves the newer's");
    config_free(&other);
}

int main(void) {
    if (mkdtemp(directory) == NULL)
        return 1;
    test_defaults();
    test_table();
    test_sample();
    test_refused();
    test_what_is_not_there();
    test_large_integers();
    test_all_at_once();
    test_overlay();
    test_former_names();
    test_headers();
    test_access();
    test_secret();
    test_alone();
    test_drivers();
    (void)unlink(file("a.conf", ""));
    (void)unlink(file("b.conf", ""));
    (void)rmdir(directory);
    return done_testing();
}
