/* unit_model.c: the model room: names, drivers, addresses, values, dates. */
#include <stdio.h>
#include <stdlib.h>

#include "base/quote.h"
#include "model/driver.h"
#include "model/ip.h"
#include "model/names.h"
#include "model/value.h"

#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct arena *arena;

/* --- names --- */

static const char *repeated(const char *what, size_t times) {
    const char *text = "";

    for (; times > 0; times--)
        text = arena_printf(arena, "%s%s", text, what);
    return text;
}

static void test_names(void) {
    static const struct {
        const char *text;
        bool name, key, subkey;
    } cases[] = {
        {"a", true, true, true},           {"_", true, true, true},
        {"", false, false, true},          {"a b", true, false, false},
        {"-a", true, false, false},        {"1", true, false, false},
        {"a-1_B", true, true, true},       {"a.b", true, false, false},
        {"a/b", true, false, false},       {"\xC3\xA9", true, false, false},
        {"a\xC3\xA9", true, false, false}, {"a\n", false, false, false},
        {"a\x7f", false, false, false},    {"a\xC2\x85", false, false, false},
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        ok((names_check(arena, cases[i].text, NAMES_MAX_NAME).rc == RC_OK) == cases[i].name,
           "name %zu", i);
        ok((names_check_key(arena, cases[i].text, NAMES_MAX_KEY).rc == RC_OK) == cases[i].key,
           "key %zu", i);
        ok((names_check_subkey(arena, cases[i].text, NAMES_MAX_KEY).rc == RC_OK) == cases[i].subkey,
           "subkey %zu", i);
    }
    ok(names_check(arena, repeated("\xC3\xA9", 128), NAMES_MAX_NAME).rc == RC_OK,
       "128 characters of two bytes");
    ok(names_check(arena, repeated("\xC3\xA9", 129), NAMES_MAX_NAME).rc != RC_OK, "129 of them");
    ok(names_check_key(arena, repeated("a", 256), NAMES_MAX_KEY).rc == RC_OK, "a key of 256");
    ok(names_check_key(arena, repeated("a", 257), NAMES_MAX_KEY).rc != RC_OK, "a key of 257");
    ok(names_check_subkey(arena, repeated("a", 257), NAMES_MAX_KEY).rc != RC_OK, "a subkey of 257");
    is_str(names_check_key(arena, "a b", NAMES_MAX_KEY).message,
           "'a b' is not a valid key: it must start with a letter or _ and go on with letters, "
           "digits, _ and -.",
           "the message names the key");
    ok(strstr(names_check_subkey(arena, "a b", NAMES_MAX_KEY).message, "valid subkey") != NULL,
       "or the subkey");
    is_str(names_check(arena, "a\n", NAMES_MAX_NAME).message,
           "'a\\n' is not a valid name: it has a control character.", "or the name");
}

/* --- drivers --- */

/* name, type, parent, class path, behaviour; as contract/drivers.md and the seed have them */
static const struct {
    const char *name, *type, *parent, *class_path;
    enum driver_insert_rule rule;
    enum driver_allocator allocator;
    bool has_ips;
    const char *resource_key;
    const char *properties; /* name[=default][:int] */
    const char *ports;
} drivers[] = {
    {"basicappliance", "appliance", "device",
     "clusto.drivers.devices.appliance.basicappliance.BasicAppliance", INSERT_ANY, ALLOCATOR_NONE,
     true, NULL, "model serialnum manufacturer ", "pwr-nema-5:2 nic-eth:1 console-serial:1 "},
    {"basiccage", "cage", "location", "clusto.drivers.locations.datacenters.basiccage.BasicCage",
     INSERT_LOCATION, ALLOCATOR_NONE, false, NULL, "", ""},
    {"basicconsoleserver", "consoleserver", "device",
     "clusto.drivers.devices.consoleservers.basicconsoleserver.BasicConsoleServer", INSERT_ANY,
     ALLOCATOR_NONE, true, NULL, "model serialnum manufacturer ",
     "pwr-nema-5:1 nic-eth:1 console-serial:24 "},
    {"basicdatacenter", "datacenter", "location",
     "clusto.drivers.locations.datacenters.basicdatacenter.BasicDatacenter", INSERT_LOCATION,
     ALLOCATOR_NONE, false, NULL, "", ""},
    {"basicnetworkswitch", "networkswitch", "device",
     "clusto.drivers.devices.networkswitches.basicnetworkswitch.BasicNetworkSwitch", INSERT_ANY,
     ALLOCATOR_NONE, true, NULL, "model serialnum manufacturer ", "pwr-nema-5:1 nic-eth:48 "},
    {"basicpowerstrip", "powerstrip", "device",
     "clusto.drivers.devices.powerstrips.basicpowerstrip.BasicPowerStrip", INSERT_ANY,
     ALLOCATOR_NONE, true, NULL, "model serialnum manufacturer ", "pwr-nema-5:24 nic-eth:1 "},
    {"basicrack", "rack", "location", "clusto.drivers.locations.racks.basicrack.BasicRack",
     INSERT_RACK, ALLOCATOR_NONE, false, NULL, "minu=1:int maxu=45:int ", ""},
    {"basicserver", "server", "device", "clusto.drivers.devices.servers.basicserver.BasicServer",
     INSERT_ANY, ALLOCATOR_NONE, true, NULL, "model manufacturer ",
     "pwr-nema-5:1 nic-eth:2 console-serial:1 "},
    {"basicvirtualserver", "server", "basicserver",
     "clusto.drivers.devices.servers.basicserver.BasicVirtualServer", INSERT_ANY, ALLOCATOR_NONE,
     true, NULL, "model manufacturer ", "pwr-nema-5:1 nic-eth:2 console-serial:1 "},
    {"basiczone", "zone", "location", "clusto.drivers.locations.zones.basiczone.BasicZone",
     INSERT_LOCATION, ALLOCATOR_NONE, false, NULL, "", ""},
    {"clustometa", "clustometa", "entity", "clusto.drivers.base.clustometa.ClustoMeta", INSERT_ANY,
     ALLOCATOR_NONE, false, NULL, "schemaversion=3:int ", ""},
    {"device", "generic", "entity", "clusto.drivers.base.device.Device", INSERT_ANY, ALLOCATOR_NONE,
     false, NULL, "model serialnum manufacturer ", ""},
    {"entity", "generic", NULL, "clusto.drivers.base.driver.Driver", INSERT_ANY, ALLOCATOR_NONE,
     false, NULL, "", ""},
    {"exclusive_pool", "pool", "pool", "clusto.drivers.categories.pool.ExclusivePool",
     INSERT_EXCLUSIVE_POOL, ALLOCATOR_NONE, false, NULL, "", ""},
    {"ipmanager", "resourcemanager", "resourcemanager",
     "clusto.drivers.resourcemanagers.ipmanager.IPManager", INSERT_ANY, ALLOCATOR_IP, false, "ip",
     "baseip gateway netmask=255.255.255.255 first last ", ""},
    {"location", "location", "entity", "clusto.drivers.base.location.Location", INSERT_LOCATION,
     ALLOCATOR_NONE, false, NULL, "", ""},
    {"pool", "pool", "entity", "clusto.drivers.categories.pool.Pool", INSERT_POOL, ALLOCATOR_NONE,
     false, NULL, "", ""},
    {"resourcemanager", "resourcemanager", "entity",
     "clusto.drivers.base.resourcemanager.ResourceManager", INSERT_ANY, ALLOCATOR_RESOURCE, false,
     "resource", "", ""},
    {"simpleentitynamemanager", "resourcemanager", "simplenamemanager",
     "clusto.drivers.resourcemanagers.simplenamemanager.SimpleEntityNameManager", INSERT_ANY,
     ALLOCATOR_ENTITY_NAME, false, "simplename",
     "basename= digits=2:int next=1:int leadingZeros=1:int ", ""},
    {"simplenamemanager", "resourcemanager", "resourcemanager",
     "clusto.drivers.resourcemanagers.simplenamemanager.SimpleNameManager", INSERT_ANY,
     ALLOCATOR_NAME, false, "simplename", "basename= digits=2:int next=1:int leadingZeros=1:int ",
     ""},
    {"unique_pool", "pool", "pool", "clusto.drivers.categories.pool.UniquePool", INSERT_UNIQUE_POOL,
     ALLOCATOR_NONE, false, NULL, "", ""},
};

static const char *show_properties(const struct driver *d) {
    const char *shown = "";
    size_t i;

    for (i = 0; i < d->property_count; i++) {
        const struct driver_property *p = &d->properties[i];

        shown = arena_printf(arena, "%s%s%s%s%s ", shown, p->name, p->default_text ? "=" : "",
                             p->default_text ? p->default_text : "", p->is_int ? ":int" : "");
    }
    return shown;
}

static const char *show_ports(const struct driver *d) {
    const char *shown = "";
    size_t i;

    for (i = 0; i < d->port_count; i++)
        shown = arena_printf(arena, "%s%s:%d ", shown, d->ports[i].type, d->ports[i].count);
    return shown;
}

static void test_builtin(void) {
    static const char *const types[][2] = {
        {"appliance", "basicappliance"},
        {"cage", "basiccage"},
        {"clustometa", "clustometa"},
        {"consoleserver", "basicconsoleserver"},
        {"datacenter", "basicdatacenter"},
        {"generic", "device"},
        {"location", "location"},
        {"networkswitch", "basicnetworkswitch"},
        {"pool", "unique_pool"},
        {"powerstrip", "basicpowerstrip"},
        {"rack", "basicrack"},
        {"resourcemanager", "ipmanager"},
        {"server", "basicvirtualserver"},
        {"zone", "basiczone"},
    };
    size_t i;
    size_t k;

    is_int(driver_count(), COUNT(drivers), "21 built in");
    for (i = 0; i < COUNT(drivers); i++) {
        const struct driver *d = driver_find(drivers[i].name);

        if (!ok(d != NULL, "%s is there", drivers[i].name))
            continue;
        is_str(d->type, drivers[i].type, "%s: type", d->name);
        is_str(d->parent ? d->parent->name : NULL, drivers[i].parent, "%s: parent", d->name);
        is_str(d->class_path, drivers[i].class_path, "%s: class", d->name);
        is_str(d->resource_key, drivers[i].resource_key, "%s: resource key", d->name);
        is_str(show_properties(d), drivers[i].properties, "%s: properties", d->name);
        is_str(show_ports(d), drivers[i].ports, "%s: ports", d->name);
        ok(d->insert_rule == drivers[i].rule && d->allocator == drivers[i].allocator &&
               d->has_ips == drivers[i].has_ips,
           "%s: behaviour", d->name);
        ok(driver_is_a(d, driver_find("entity")), "%s is an entity", d->name);
        for (k = 0; k < driver_count() && driver_at(k) != d; k++)
            if (driver_at(k) == d->parent)
                break;
        ok(d->parent == NULL || driver_at(k) == d->parent, "%s comes after its parent", d->name);
    }
    for (i = 0; i < COUNT(types); i++)
        is_str(driver_last_of_type(types[i][0])->name, types[i][1], "last of type %s", types[i][0]);
    ok(driver_last_of_type("nothing") == NULL, "no such type");
    ok(driver_find("nothing") == NULL && driver_find("") == NULL && driver_find("Pool") == NULL,
       "no such driver");
    ok(driver_is_a(driver_find("unique_pool"), driver_find("pool")) &&
           !driver_is_a(driver_find("pool"), driver_find("unique_pool")) &&
           driver_is_a(driver_find("basicvirtualserver"), driver_find("basicserver")) &&
           !driver_is_a(driver_find("pool"), driver_find("device")),
       "is a");
    is_str(driver_property(driver_find("basicrack"), "maxu")->default_text, "45", "a property");
    ok(driver_property(driver_find("basicrack"), "model") == NULL, "one of another driver");
}

static void test_configured(void) {
    static const struct driver_property properties[] = {{"height", true, "4"},
                                                        {"owner", false, NULL}};
    static const struct driver_property twice[] = {{"a", false, NULL}, {"a", false, NULL}};
    static const struct driver_property bad_default[] = {{"a", true, "x"}};
    static const struct driver_property bad_name[] = {{"a b", true, NULL}};
    static const struct driver_port ports[] = {{"fibre", 4}};
    static const struct driver_port bad_port[] = {{"fibre", -1}};
    static const struct {
        struct driver_definition driver;
        const char *want;
    } refused[] = {
        {{"pool", NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, 0, NULL, false},
         "driver \"pool\" already exists"},
        {{"ourrack", NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, 0, NULL, false},
         "driver \"ourrack\" already exists"},
        {{"x", NULL, NULL, "nothing", NULL, 0, NULL, 0, NULL, 0, NULL, false},
         "parent \"nothing\" is not known"},
        {{"x", NULL, NULL, "clustometa", NULL, 0, NULL, 0, NULL, 0, NULL, false},
         "clustometa can't be a parent"},
        {{"", NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, 0, NULL, false},
         "\"\" is not a valid driver name"},
        {{NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, 0, NULL, false},
         "\"\" is not a valid driver name"},
        {{"a b", NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, 0, NULL, false},
         "\"a b\" is not a valid driver name"},
        {{"a23456789012345678901234567890123", NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, 0, NULL,
          false},
         "is not a valid driver name"},
        {{"x", "a/b", NULL, NULL, NULL, 0, NULL, 0, NULL, 0, NULL, false},
         "\"a/b\" is not a valid type"},
        {{"x", NULL, NULL, NULL, twice, 2, NULL, 0, NULL, 0, NULL, false},
         "property \"a\" is duplicated"},
        {{"x", NULL, NULL, NULL, bad_default, 1, NULL, 0, NULL, 0, NULL, false},
         "default of property \"a\" is not an integer"},
        {{"x", NULL, NULL, NULL, bad_name, 1, NULL, 0, NULL, 0, NULL, false},
         "\"a b\" is not a valid property name"},
        {{"x", NULL, NULL, NULL, NULL, 0, bad_port, 1, NULL, 0, NULL, false},
         "ports of type \"fibre\" must be 0 to"},
    };
    const struct driver *d;
    size_t i;

    is_str(driver_add(&(struct driver_definition){"ourrack", NULL, NULL, "basicrack", properties, 2,
                                                  NULL, 0, NULL, 0, NULL, false}),
           NULL, "added");
    is_str(driver_add(&(struct driver_definition){"ourserver", "blade", "our.Server", "basicserver",
                                                  NULL, 0, ports, 1, NULL, 0, NULL, false}),
           NULL, "another one");
    is_str(driver_add(&(struct driver_definition){"plain", NULL, NULL, NULL, NULL, 0, NULL, 0, NULL,
                                                  0, NULL, false}),
           NULL, "one without a parent");
    is_str(driver_add(&(struct driver_definition){"ournames", NULL, NULL, "simplenamemanager", NULL,
                                                  0, NULL, 0, NULL, 0, NULL, false}),
           NULL, "a manager");
    is_int(driver_count(), 25, "counted");
    d = driver_find("ourrack");
    ok(d->insert_rule == INSERT_RACK && driver_is_a(d, driver_find("location")),
       "behaves like its parent");
    is_str(d->type, "rack", "the parent's type");
    is_str(d->class_path, "muster.drivers.ourrack", "a class path of its own");
    is_str(show_properties(d), "height=4:int owner ", "its own properties");
    ok(driver_last_of_type("rack") == d && driver_at(21) == d, "registered last");
    d = driver_find("ourserver");
    ok(d->has_ips, "the parent's addresses");
    is_str(d->type, "blade", "a type of its own");
    is_str(d->class_path, "our.Server", "the class path given");
    is_str(show_properties(d), "model manufacturer ", "the parent's properties");
    is_str(show_ports(d), "fibre:4 ", "its own ports");
    d = driver_find("ournames");
    ok(d->allocator == ALLOCATOR_NAME && strcmp(d->resource_key, "simplename") == 0, "allocates");
    is_str(driver_find("plain")->parent->name, "entity", "entity is the parent by default");
    for (i = 0; i < COUNT(refused); i++) {
        const char *got = driver_add(&refused[i].driver);

        if (!ok(got != NULL && strstr(got, refused[i].want) != NULL, "refused: %s",
                refused[i].want))
            diag("got %s", got ? got : "(null)");
    }
    is_int(driver_count(), 25, "nothing was added by those");
    driver_reset();
    is_int(driver_count(), 21, "reset");
    ok(driver_find("ourrack") == NULL && driver_find("pool") != NULL, "only the built-in ones");
    is_str(driver_last_of_type("rack")->name, "basicrack", "in their order");
    is_str(driver_add(&(struct driver_definition){"ourrack", NULL, NULL, "basicrack", NULL, 0, NULL,
                                                  0, NULL, 0, NULL, false}),
           NULL, "added again");
    driver_reset();
}

static void test_unknown(void) {
    const struct driver *a = driver_of("strange", "odd");
    char name[20];
    size_t i;

    ok(a == driver_of("strange", "odd"), "the same stand-in again");
    ok(a != driver_of("strange", "other"), "another type is another one");
    ok(driver_find("strange") == NULL && driver_is_a(a, driver_find("entity")),
       "like entity, but not known");
    is_str(a->name, "strange", "its own name");
    is_str(a->type, "odd", "its own type");
    ok(driver_find("strange") == NULL, "not found by name");
    ok(driver_of("pool", "whatever") == driver_find("pool"), "a known one is itself");
    for (i = 0; i < 2000; i++) {
        (void)snprintf(name, sizeof(name), "unknown%zu", i * 7919 % 2000);
        (void)driver_of(name, "odd");
    }
    ok(driver_of("strange", "odd") == a, "the first are kept");
    ok(driver_of("one too many", "odd") == driver_find("entity"), "memory is bounded");
    is_int(driver_count(), 21, "and none of them is known");
}

/* --- addresses --- */

static void test_addresses(void) {
    static const struct {
        const char *text;
        long long dotted, any; /* -1: no */
        int mask;              /* bits, -1: no */
    } cases[] = {
        {"10.0.0.2", 0x0A000002, 0x0A000002, -1},
        {"0.0.0.0", 0, 0, 0},
        {"255.255.255.255", 0xFFFFFFFF, 0xFFFFFFFF, 32},
        {"255.255.255.0", 0xFFFFFF00, 0xFFFFFF00, 24},
        {"255.0.255.0", 0xFF00FF00, 0xFF00FF00, -1},
        {"0.0.0.255", 255, 255, -1},
        {"24", -1, 24, 24},
        {"/24", -1, -1, 24},
        {"0", -1, 0, 0},
        {"/0", -1, -1, 0},
        {"32", -1, 32, 32},
        {"33", -1, 33, -1},
        {"4294967295", -1, 4294967295, -1},
        {"4294967296", -1, -1, -1},
        {"99999999999999999999999", -1, -1, -1},
        {"-1", -1, -1, -1},
        {"+1", -1, -1, -1},
        {"01", -1, -1, -1},
        {"", -1, -1, -1},
        {"/", -1, -1, -1},
        {"//24", -1, -1, -1},
        {"/255.255.255.0", -1, -1, -1},
        {"1.2.3", -1, -1, -1},
        {"1.2.3.", -1, -1, -1},
        {"1.2.3.4.", -1, -1, -1},
        {"1.2.3.4.5", -1, -1, -1},
        {"1..3.4", -1, -1, -1},
        {".1.2.3", -1, -1, -1},
        {"1.2.3.256", -1, -1, -1},
        {"1.2.3.04", -1, -1, -1},
        {"1.2.3.00", -1, -1, -1},
        {" 1.2.3.4", -1, -1, -1},
        {"1.2.3.4 ", -1, -1, -1},
        {"1.2.3.4/8", -1, -1, -1},
        {"0x1.2.3.4", -1, -1, -1},
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        uint32_t address = 0;

        is_int(ip_parse(cases[i].text, &address) ? (long long)address : -1, cases[i].dotted,
               "dotted \"%s\"", cases[i].text);
        is_int(ip_parse_any(cases[i].text, &address) ? (long long)address : -1, cases[i].any,
               "any form \"%s\"", cases[i].text);
        is_int(ip_parse_netmask(cases[i].text, &address) ? ip_netmask_bits(address) : -1,
               cases[i].mask, "mask \"%s\"", cases[i].text);
    }
    is_str(ip_text(arena, 0x0A0000FE), "10.0.0.254", "printed");
    is_str(ip_text(arena, 0xFFFFFFFF), "255.255.255.255", "the last one printed");
}

static void test_stored_addresses(void) {
    static const struct {
        uint32_t address;
        int32_t stored;
    } cases[] = {{0x0A000002, -1979711486},
                 {0, INT32_MIN},
                 {UINT32_MAX, INT32_MAX},
                 {UINT32_C(1) << 31, 0},
                 {0x7FFFFFFF, -1}};
    static const struct {
        const char *base;
        const char *mask;
        const char *want;
    } ranges[] = {
        {"192.168.1.10", "255.255.255.0", "192.168.1.1-192.168.1.254"},
        {"10.0.0.0", "30", "10.0.0.1-10.0.0.2"},
        {"10.0.0.0", "31", "10.0.0.0-10.0.0.1"},
        {"10.0.0.0", "32", "10.0.0.0-10.0.0.0"},
        {"10.1.2.3", "8", "10.0.0.1-10.255.255.254"},
        {"1.2.3.4", "0", "0.0.0.1-255.255.255.254"},
        {"255.255.255.255", "30", "255.255.255.253-255.255.255.254"},
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        is_int(ip_to_stored(cases[i].address), cases[i].stored, "stored %zu", i);
        is_int(ip_from_stored(cases[i].stored), cases[i].address, "and back %zu", i);
    }
    for (i = 0; i < COUNT(ranges); i++) {
        uint32_t base = 0;
        uint32_t mask = 0;
        uint32_t first;
        uint32_t last;
        const char *got = "none";

        if (ip_parse(ranges[i].base, &base) && ip_parse_netmask(ranges[i].mask, &mask)) {
            ip_range(base, mask, &first, &last);
            got = arena_printf(arena, "%s-%s", ip_text(arena, first), ip_text(arena, last));
        }
        is_str(got, ranges[i].want, "range of %s/%s", ranges[i].base, ranges[i].mask);
    }
}

/* --- values --- */

static void test_values(void) {
    static const struct {
        const char *text;
        enum value_datatype datatype;
        const char *mask;
        const char *want; /* its text, or the message */
    } cases[] = {
        {"5", DATATYPE_INT, NULL, "5"},
        {" -007 ", DATATYPE_INT, NULL, "-7"},
        {"9223372036854775807", DATATYPE_INT, NULL, "9223372036854775807"},
        {"-9223372036854775808", DATATYPE_INT, NULL, "-9223372036854775808"},
        {"9223372036854775808", DATATYPE_INT, NULL,
         "Error casting 9223372036854775808 into a(n) int: it must be from -9223372036854775808 to "
         "9223372036854775807"},
        {"x", DATATYPE_INT, NULL,
         "Error casting x into a(n) int: invalid literal for int() with base 10: 'x'"},
        {"", DATATYPE_INT, NULL,
         "Error casting  into a(n) int: invalid literal for int() with base 10: ''"},
        {"1.0", DATATYPE_INT, NULL,
         "Error casting 1.0 into a(n) int: invalid literal for int() with base 10: '1.0'"},
        {"", DATATYPE_STRING, NULL, ""},
        {" x ", DATATYPE_STRING, NULL, " x "},
        {"/pool/a", DATATYPE_RELATION, NULL, "/pool/a"},
        {"/pool/a/b/", DATATYPE_RELATION, NULL, "/pool/a/b/"},
        {"pool/a", DATATYPE_RELATION, NULL,
         "Error casting pool/a into a(n) relation: it must be /driver/name"},
        {"/pool", DATATYPE_RELATION, NULL,
         "Error casting /pool into a(n) relation: it must be /driver/name"},
        {"/pool/", DATATYPE_RELATION, NULL,
         "Error casting /pool/ into a(n) relation: it must be /driver/name"},
        {"//a", DATATYPE_RELATION, NULL,
         "Error casting //a into a(n) relation: it must be /driver/name"},
        {"", DATATYPE_RELATION, NULL, "Error casting  into a(n) relation: it must be /driver/name"},
        {"1991-07-09T14:46:51.321435", DATATYPE_DATETIME, NULL, "1991-07-09T14:46:51.321435"},
        {"1991-07-09", DATATYPE_DATETIME, "%Y-%m-%d", "1991-07-09T00:00:00"},
        {"1991-07-09", DATATYPE_DATETIME, NULL,
         "Error casting 1991-07-09 into a(n) datetime: time data '1991-07-09' does not match "
         "format '%Y-%m-%dT%H:%M:%S.%f'"},
    };
    static const char *const names[] = {"int", "string", "datetime", "relation", "json"};
    enum value_datatype datatype;
    struct value value;
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        struct verdict v =
            value_cast(arena, cases[i].text, cases[i].datatype, cases[i].mask, &value);

        is_str(v.message ? v.message : value_text(arena, &value), cases[i].want, "%s \"%s\"",
               value_datatype_name(cases[i].datatype), cases[i].text);
    }
    for (i = 0; i < COUNT(names); i++) {
        ok(value_datatype_parse(names[i], &datatype) && (size_t)datatype == i, "datatype %s",
           names[i]);
        is_str(value_datatype_name((enum value_datatype)i), names[i], "datatype %s by name",
               names[i]);
    }
    ok(!value_datatype_parse("Int", &datatype) && !value_datatype_parse("", &datatype),
       "no such datatype");
    (void)value_cast(arena, "/pool/a/b", DATATYPE_RELATION, NULL, &value);
    is_str(value.related_driver, "pool", "relation: driver");
    is_str(value.related_name, "a/b", "relation: the name is all the rest");
    ok(strlen(value_cast(arena, repeated("x", 5000), DATATYPE_INT, NULL, &value).message) < 1000,
       "a message stays short");
}

static void test_equality(void) {
    static const struct value values[] = {
        {.datatype = DATATYPE_INT, .number = 1},
        {.datatype = DATATYPE_INT, .number = 2},
        {.datatype = DATATYPE_STRING, .text = "1"},
        {.datatype = DATATYPE_STRING, .text = ""},
        {.datatype = DATATYPE_STRING},
        {.datatype = DATATYPE_JSON, .text = "1"},
        {.datatype = DATATYPE_DATETIME, .text = "1"},
        {.datatype = DATATYPE_RELATION, .related_id = 1},
        {.datatype = DATATYPE_RELATION,
         .related_id = 2,
         .related_driver = "p",
         .related_name = "n"},
    };
    size_t i;
    size_t k;

    for (i = 0; i < COUNT(values); i++)
        for (k = 0; k < COUNT(values); k++)
            ok(value_equal(&values[i], &values[k]) == (i == k), "value %zu and %zu", i, k);
    is_str(value_text(arena, &values[7]), "", "text of a relation that is gone");
    is_str(value_text(arena, &values[8]), "/p/n", "text of a relation");
}

/* --- dates --- */

static const struct {
    const char *text;
    const char *mask;
    const char *want;
} dates[] = {
    /* each directive */
    {"1991-07-09T14:46:51.321435", NULL, "1991-07-09T14:46:51.321435"},
    {"1991-07-09T14:46:51.0", NULL, "1991-07-09T14:46:51"},
    {"1991-07-09T14:46:51.5", NULL, "1991-07-09T14:46:51.500000"},
    {"1991-07-09T14:46:51.000001", NULL, "1991-07-09T14:46:51.000001"},
    {"68", "%y", "2068-01-01T00:00:00"},
    {"69", "%y", "1969-01-01T00:00:00"},
    {"5", "%H", "1900-01-01T05:00:00"},
    {"9 July 1991", "%d %B %Y", "1991-07-09T00:00:00"},
    {"tue JUL  9 1991", "%a %b %d %Y", "1991-07-09T00:00:00"},
    {"Tuesday, 09-may-91", "%A, %d-%b-%y", "1991-05-09T00:00:00"},
    {"May 1991", "%B %Y", "1991-05-01T00:00:00"},
    {"12 AM", "%I %p", "1900-01-01T00:00:00"},
    {"12 pm", "%I %p", "1900-01-01T12:00:00"},
    {"1pm", "%I%p", "1900-01-01T13:00:00"},
    {"PM 01", "%p %I", "1900-01-01T13:00:00"},
    {"13 PM", "%H %p", "1900-01-01T13:00:00"},
    {"12", "%I", "1900-01-01T00:00:00"},
    {"14 2", "%H %I", "1900-01-01T02:00:00"},
    {"2 14 PM", "%I %H %p", "1900-01-01T14:00:00"},
    {"1991 190", "%Y %j", "1991-07-09T00:00:00"},
    {"1992 366", "%Y %j", "1992-12-31T00:00:00"},
    {"60", "%j", "1900-03-01T00:00:00"},
    {"1992 1 Jan 1", "%Y %j %b %d", "1992-01-01T00:00:00"},
    {"100%", "%H0%%", "1900-01-01T10:00:00"},
    {"1%", "%H%%", "1900-01-01T01:00:00"},
    {"", "", "1900-01-01T00:00:00"},
    {"1+0100", "%H%z", "1900-01-01T00:00:00"},
    {"1-05:30", "%H%z", "1900-01-01T06:30:00"},
    {"0+0100", "%H%z", "1899-12-31T23:00:00"},
    {"1Z", "%H%z", "1900-01-01T01:00:00"},
    {"1utc", "%H%Z", "1900-01-01T01:00:00"},
    {"1 GMT", "%H %Z", "1900-01-01T01:00:00"},
    /* more than one way */
    {"123", "%H%M", "1900-01-01T12:03:00"},
    {"2411", "%H%M%d", "1900-01-01T02:41:00"},
    {"112011", "%m%d%Y", "2011-01-01T00:00:00"},
    {"19910709", "%Y%m%d", "1991-07-09T00:00:00"},
    {"Jul 9", "%b%d", "1900-07-09T00:00:00"},
    {"1234567", "%f%H", "1900-01-01T07:00:00.123456"},
    {"111", "%d%m", "1900-01-11T00:00:00"},
    /* white space and case */
    {"1 \t\n2", "%H %M", "1900-01-01T01:02:00"},
    {"1 2", "%H \t %M", "1900-01-01T01:02:00"},
    {"1991-07-09t01", "%Y-%m-%dT%H", "1991-07-09T01:00:00"},
    {"12", "%H %M", "!does not match format '%H %M'"},
    {" 1", "%H", "!does not match"},
    {"1 ", "%H", "!unconverted data remains: ' '"},
    {"1x", "%H", "!unconverted data remains: 'x'"},
    /* the calendar */
    {"1900-02-29", "%Y-%m-%d", "!day is out of range for month"},
    {"2000-02-29", "%Y-%m-%d", "2000-02-29T00:00:00"},
    {"2004-02-29", "%Y-%m-%d", "2004-02-29T00:00:00"},
    {"2100-02-29", "%Y-%m-%d", "!day is out of range for month"},
    {"2001-04-31", "%Y-%m-%d", "!day is out of range for month"},
    {"2001-12-31", "%Y-%m-%d", "2001-12-31T00:00:00"},
    {"2001-12-32", "%Y-%m-%d", "!unconverted data remains: '2'"},
    {"2001-13-01", "%Y-%m-%d", "!does not match"},
    {"2001-00-01", "%Y-%m-%d", "!does not match"},
    {"2001-01-00", "%Y-%m-%d", "!does not match"},
    {"29 Feb", "%d %b", "!day is out of range for month"},
    {"1991 366", "%Y %j", "!day of year is out of range for year"},
    {"1991 000", "%Y %j", "!does not match"},
    {"1991 1 2", "%Y %j %m", "!day of year is another day"},
    {"1991 33 Jan", "%Y %j %b", "!day of year is another day"},
    {"1 Feb", "%m %b", "!two different months"},
    {"0000", "%Y", "!year is out of range"},
    {"0001", "%Y", "0001-01-01T00:00:00"},
    {"9999-12-31T23:59:59.999999", NULL, "9999-12-31T23:59:59.999999"},
    {"991", "%Y", "!does not match"},
    {"24", "%H", "!unconverted data remains: '4'"},
    {"61", "%M", "!unconverted data remains: '1'"},
    {"59", "%S", "1900-01-01T00:00:59"},
    {"60", "%S", "!second must be in 0..59"},
    {"61", "%S", "!second must be in 0..59"},
    {"62", "%S", "!unconverted data remains: '2'"},
    {"0", "%I", "!does not match"},
    {"13", "%I", "!unconverted data remains: '3'"},
    {"Ju", "%b", "!does not match"},
    {"Jul", "%B", "!does not match"},
    {"1+2400", "%H%z", "!does not match"},
    {"1+01", "%H%z", "!does not match"},
    {"1+01:60", "%H%z", "!does not match"},
    {"1cet", "%H%Z", "!does not match"},
    {"-1", "%H", "!does not match"},
    {"", "%Y", "!does not match"},
    {"\xC3\xA9"
     "1",
     "\xC3\xA9%H", "1900-01-01T01:00:00"},
    {"\xC3\xA8"
     "1",
     "\xC3\xA9%H", "!does not match"},
    /* the mask */
    {"1", "%", "!stray % in format '%'"},
    {"1", "%H%", "!stray % in format '%H%'"},
    {"1", "%Q", "!'Q' is a bad directive in format '%Q'"},
    {"1", "%\xC3\xA9", "!'\xC3\xA9' is a bad directive"},
    {"1", "%c", "!'c' is a bad directive"},
    {"1", "%-d", "!'-' is a bad directive"},
    {"1 1", "%d %d", "!%d is duplicated in format '%d %d'"},
};

static void test_strptime(void) {
    size_t i;

    for (i = 0; i < COUNT(dates); i++) {
        const char *out = NULL;
        const char *wrong = datetime_parse(arena, dates[i].text, dates[i].mask, &out);
        bool right = dates[i].want[0] == '!' ? wrong && strstr(wrong, dates[i].want + 1)
                                             : out && !wrong && strcmp(out, dates[i].want) == 0;

        if (!ok(right, "%s by %s", quote(arena, dates[i].text),
                quote(arena, dates[i].mask ? dates[i].mask : "(default)")))
            diag("got %s", wrong ? wrong : out);
    }
}

static void test_strptime_limits(void) {
    const char *out;

    ok(datetime_parse(arena, "1", repeated("x", 257), &out) != NULL, "a long mask");
    ok(datetime_parse(arena, repeated("x", 5000), "%Y", &out) != NULL, "a long text");
    ok(datetime_parse(arena, "111111111111111111111111111111111111x",
                      "%d%m%H%M%S%f%I%j%y%Y" /* every length of every number */, &out) != NULL,
       "very many ways to fail");
}

static void test_from_pg(void) {
    static const char *const cases[][2] = {
        {"1991-07-09 14:46:51.321435", "1991-07-09T14:46:51.321435"},
        {"1991-07-09 14:46:51", "1991-07-09T14:46:51"},
        {"1991-07-09 14:46:51.5", "1991-07-09T14:46:51.500000"},
        {"1991-07-09 14:46:51.000000", "1991-07-09T14:46:51"},
        {"1991-07-09 14:46:51.000001", "1991-07-09T14:46:51.000001"},
        {"10000-01-01 00:00:00.25", "10000-01-01T00:00:00.250000"},
        {"0044-03-15 12:00:00 BC", "0044-03-15T12:00:00 BC"},
        {"0044-03-15 12:00:00.5 BC", "0044-03-15T12:00:00.5 BC"},
        {"infinity", "infinity"},
        {"-infinity", "-infinity"},
        {"", ""},
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++)
        is_str(datetime_from_pg(arena, cases[i][0]), cases[i][1], "from PostgreSQL: %s",
               cases[i][0]);
}

int main(void) {
    arena = arena_new();
    test_names();
    test_builtin();
    test_configured();
    test_unknown();
    test_addresses();
    test_stored_addresses();
    test_values();
    test_equality();
    test_strptime();
    test_strptime_limits();
    test_from_pg();
    arena_free(&arena);
    return done_testing();
}
