/* tables.c: prints the tables of settings, routes and statements, for tests that compare them with
 * texts, and for the benchmark. */
#include "http/request.h"
#include "model/driver.h"
#include "server/config.h"
#include "server/route.h"
#include "store/stmts.h"

#include <stdio.h>

static const char *const types[] = {
    [SETTING_STRING] = "string", [SETTING_INT] = "int",         [SETTING_BOOL] = "bool",
    [SETTING_MODE] = "mode",     [SETTING_STRINGS] = "strings", [SETTING_GROUP] = "group",
};

static void print_settings(void) {
    size_t count;
    const struct setting *table = settings_table(&count);

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
                printf("route\t%s\t%s\t%s\t%s\n", request_method_name((enum request_method)m),
                       mount_rows[table[i].mount].part, table[i].pattern, table[i].doc);
}

static void print_statements(void) {
    for (int i = 0; i < STMT_COUNT; i++)
        printf("statement\t%s\t%s\t%s\n", stmts_rows[i].name, stmts_rows[i].params,
               stmts_rows[i].text);
}

static void print_managers(void) {
    for (size_t i = 0; i < driver_count(); i++)
        if (driver_at(i)->resource_key)
            printf("manager\t%s\t%s\n", driver_at(i)->name, driver_at(i)->resource_key);
}

int main(void) {
    print_settings();
    print_routes();
    print_statements();
    print_managers();
    printf("session\t%s\n", SESSION_SETTINGS SESSION_BY_INDEX);
    return 0;
}
