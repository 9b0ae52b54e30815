/* builtin.c: the 21 drivers that are always there. */
#include "model/builtin.h"

#include <stddef.h>

#define COUNT(array)         (sizeof(array) / sizeof((array)[0]))
#define PROPERTIES(array)    .properties = (array), .property_count = COUNT(array)
#define PORTS(array)         .ports = (array), .port_count = COUNT(array)
#define KNOWN(n, t, parent_) .name = (n), .type = (t), .parent = (parent_)
#define ROW(i)               (&builtin_drivers[BUILTIN_##i])

static const struct driver_property clustometa_properties[] = {{"schemaversion", true, "3"}};
static const struct driver_property device_properties[] = {
    {"model", false, NULL}, {"serialnum", false, NULL}, {"manufacturer", false, NULL}};
static const struct driver_property server_properties[] = {{"model", false, NULL},
                                                           {"manufacturer", false, NULL}};
static const struct driver_property rack_properties[] = {{"minu", true, "1"}, {"maxu", true, "45"}};
static const struct driver_property ip_properties[] = {{"baseip", false, NULL},
                                                       {"gateway", false, NULL},
                                                       {"netmask", false, "255.255.255.255"},
                                                       {"first", false, NULL},
                                                       {"last", false, NULL}};
static const struct driver_property name_properties[] = {{"basename", false, ""},
                                                         {"digits", true, "2"},
                                                         {"next", true, "1"},
                                                         {"leadingZeros", true, "1"}};

static const struct driver_port server_ports[] = {
    {"pwr-nema-5", 1}, {"nic-eth", 2}, {"console-serial", 1}};
static const struct driver_port appliance_ports[] = {
    {"pwr-nema-5", 2}, {"nic-eth", 1}, {"console-serial", 1}};
static const struct driver_port console_ports[] = {
    {"pwr-nema-5", 1}, {"nic-eth", 1}, {"console-serial", 24}};
static const struct driver_port switch_ports[] = {{"pwr-nema-5", 1}, {"nic-eth", 48}};
static const struct driver_port strip_ports[] = {{"pwr-nema-5", 24}, {"nic-eth", 1}};

enum {
    BUILTIN_DEVICE = BUILTIN_ENTITY + 1,
    BUILTIN_CLUSTOMETA,
    BUILTIN_SERVER,
    BUILTIN_VIRTUAL,
    BUILTIN_APPLIANCE,
    BUILTIN_CONSOLE,
    BUILTIN_SWITCH,
    BUILTIN_STRIP,
    BUILTIN_LOCATION,
    BUILTIN_DATACENTER,
    BUILTIN_CAGE,
    BUILTIN_ZONE,
    BUILTIN_RACK,
    BUILTIN_POOL,
    BUILTIN_EXCLUSIVE,
    BUILTIN_UNIQUE,
    BUILTIN_MANAGER,
    BUILTIN_NAMES,
    BUILTIN_ENTITY_NAMES,
    BUILTIN_IPS
};

/* The order of registration decides /typelist: the last of a type is the one that it shows
 * (contract/drivers.md), thus unique_pool after exclusive_pool and ipmanager after the others. */
const struct driver builtin_drivers[BUILTIN_COUNT] = {
    [BUILTIN_ENTITY] = {KNOWN("entity", "generic", NULL),
                        .class_path = "clusto.drivers.base.driver.Driver"},
    [BUILTIN_DEVICE] = {KNOWN("device", "generic", ROW(ENTITY)),
                        .class_path = "clusto.drivers.base.device.Device",
                        PROPERTIES(device_properties)},
    [BUILTIN_CLUSTOMETA] = {KNOWN("clustometa", "clustometa", ROW(ENTITY)),
                            .class_path = "clusto.drivers.base.clustometa.ClustoMeta",
                            PROPERTIES(clustometa_properties)},

    [BUILTIN_SERVER] = {KNOWN("basicserver", "server", ROW(DEVICE)),
                        .class_path = "clusto.drivers.devices.servers.basicserver.BasicServer",
                        .has_ips = true, PROPERTIES(server_properties), PORTS(server_ports)},
    [BUILTIN_VIRTUAL] = {KNOWN("basicvirtualserver", "server", ROW(SERVER)),
                         .class_path =
                             "clusto.drivers.devices.servers.basicserver.BasicVirtualServer",
                         .has_ips = true, PROPERTIES(server_properties), PORTS(server_ports)},
    [BUILTIN_APPLIANCE] = {KNOWN("basicappliance", "appliance", ROW(DEVICE)),
                           .class_path =
                               "clusto.drivers.devices.appliance.basicappliance.BasicAppliance",
                           .has_ips = true, PROPERTIES(device_properties), PORTS(appliance_ports)},
    [BUILTIN_CONSOLE] = {KNOWN("basicconsoleserver", "consoleserver", ROW(DEVICE)),
                         .class_path = "clusto.drivers.devices.consoleservers.basicconsoleserver."
                                       "BasicConsoleServer",
                         .has_ips = true, PROPERTIES(device_properties), PORTS(console_ports)},
    [BUILTIN_SWITCH] = {KNOWN("basicnetworkswitch", "networkswitch", ROW(DEVICE)),
                        .class_path = "clusto.drivers.devices.networkswitches.basicnetworkswitch."
                                      "BasicNetworkSwitch",
                        .has_ips = true, PROPERTIES(device_properties), PORTS(switch_ports)},
    [BUILTIN_STRIP] = {KNOWN("basicpowerstrip", "powerstrip", ROW(DEVICE)),
                       .class_path =
                           "clusto.drivers.devices.powerstrips.basicpowerstrip.BasicPowerStrip",
                       .has_ips = true, PROPERTIES(device_properties), PORTS(strip_ports)},

    [BUILTIN_LOCATION] = {KNOWN("location", "location", ROW(ENTITY)),
                          .class_path = "clusto.drivers.base.location.Location",
                          .insert_rule = INSERT_LOCATION},
    [BUILTIN_DATACENTER] = {KNOWN("basicdatacenter", "datacenter", ROW(LOCATION)),
                            .class_path = "clusto.drivers.locations.datacenters.basicdatacenter."
                                          "BasicDatacenter",
                            .insert_rule = INSERT_LOCATION},
    [BUILTIN_CAGE] = {KNOWN("basiccage", "cage", ROW(LOCATION)),
                      .class_path = "clusto.drivers.locations.datacenters.basiccage.BasicCage",
                      .insert_rule = INSERT_LOCATION},
    [BUILTIN_ZONE] = {KNOWN("basiczone", "zone", ROW(LOCATION)),
                      .class_path = "clusto.drivers.locations.zones.basiczone.BasicZone",
                      .insert_rule = INSERT_LOCATION},
    [BUILTIN_RACK] = {KNOWN("basicrack", "rack", ROW(LOCATION)),
                      .class_path = "clusto.drivers.locations.racks.basicrack.BasicRack",
                      .insert_rule = INSERT_RACK, PROPERTIES(rack_properties)},

    [BUILTIN_POOL] = {KNOWN("pool", "pool", ROW(ENTITY)),
                      .class_path = "clusto.drivers.categories.pool.Pool",
                      .insert_rule = INSERT_POOL},
    [BUILTIN_EXCLUSIVE] = {KNOWN("exclusive_pool", "pool", ROW(POOL)),
                           .class_path = "clusto.drivers.categories.pool.ExclusivePool",
                           .insert_rule = INSERT_EXCLUSIVE_POOL},
    [BUILTIN_UNIQUE] = {KNOWN("unique_pool", "pool", ROW(POOL)),
                        .class_path = "clusto.drivers.categories.pool.UniquePool",
                        .insert_rule = INSERT_UNIQUE_POOL},

    [BUILTIN_MANAGER] = {KNOWN("resourcemanager", "resourcemanager", ROW(ENTITY)),
                         .class_path = "clusto.drivers.base.resourcemanager.ResourceManager",
                         .allocator = ALLOCATOR_RESOURCE, .resource_key = "resource"},
    [BUILTIN_NAMES] = {KNOWN("simplenamemanager", "resourcemanager", ROW(MANAGER)),
                       .class_path =
                           "clusto.drivers.resourcemanagers.simplenamemanager.SimpleNameManager",
                       .allocator = ALLOCATOR_NAME, .resource_key = "simplename",
                       PROPERTIES(name_properties)},
    [BUILTIN_ENTITY_NAMES] = {KNOWN("simpleentitynamemanager", "resourcemanager", ROW(NAMES)),
                              .class_path = "clusto.drivers.resourcemanagers.simplenamemanager."
                                            "SimpleEntityNameManager",
                              .allocator = ALLOCATOR_ENTITY_NAME, .resource_key = "simplename",
                              PROPERTIES(name_properties)},
    [BUILTIN_IPS] = {KNOWN("ipmanager", "resourcemanager", ROW(MANAGER)),
                     .class_path = "clusto.drivers.resourcemanagers.ipmanager.IPManager",
                     .allocator = ALLOCATOR_IP, .resource_key = "ip", PROPERTIES(ip_properties)},
};
