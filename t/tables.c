/* tables.c: prints the tables of settings and of routes, for tests that compare them with texts. */
#include "http/request.h"
#include "server/config.h"
#include "server/route.h"

#include <stdio.h>

static const char *const mounts[MOUNT_COUNT] = {
    [MOUNT_ROOT] = "root",           [MOUNT_ENTITY] = "entity",
    [MOUNT_ATTRIBUTE] = "attribute", [MOUNT_RESOURCEMANAGER] = "resourcemanager",
    [MOUNT_RESOURCE] = "resource",   [MOUNT_PREFERENCES] = "preferences",
};

static const char *const types[] = {
    [SETTING_STRING] = "string", [SETTING_INT] = "int",         [SETTING_BOOL] = "bool",
    [SETTING_MODE] = "mode",     [SETTING_STRINGS] = "strings", [SETTING_GROUP] = "group",
};

static void print_settings(void) {
    size_t count;
    const struct setting *table = config_table(&count);

    for (size_t i = 0; i < count; i++)
        printf("setting\t%s\t%s\t%s\t%ld\t%ld\t%s\n", table[i].name, types[table[i].type],
               table[i].default_text, table[i].minimum, table[i].maximum, table[i].help);
}

static void print_routes(void) {
    size_t count;
    const struct route *table = route_table(&count);

    for (size_t i = 0; i < count; i++)
        for (int m = METHOD_GET; m < METHOD_OTHER; m++)
            if (table[i].methods & METHOD_BIT(m))
                printf("route\t%s\t%s\t%s\t%s\n", method_name((enum method)m),
                       mounts[table[i].mount], table[i].pattern, table[i].doc);
}

int main(void) {
    print_settings();
    print_routes();
    return 0;
}
