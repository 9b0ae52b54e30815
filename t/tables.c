/* tables.c: prints the tables of settings, routes and statements, for tests that compare them with
 * texts, and for the benchmark; with the argument "openapi" the description of the interface. */
#include "http/request.h"
#include "model/driver.h"
#include "server/config.h"
#include "server/openapi.h"
#include "server/route.h"
#include "store/past.h"
#include "store/session.h"
#include "store/stmts.h"
#include "json/writer.h"

#include <stdio.h>
#include <string.h>

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

/* Each with its row: heading, name, flags, kind. */
static void print_parameters(void) {
    size_t count;
    const struct route *table = route_table(&count);

    for (size_t i = 0; i < count; i++)
        for (const struct operation_parameter *const *p = table[i].operation->parameters; *p; p++)
            printf("parameter\t%s\t%s\t%s\t%s\n", table[i].doc,
                   (*p)->kind == OPERATION_PROPERTIES ? "*" : (*p)->name,
                   (*p)->flags & OPERATION_REQUIRED ? "required" : "",
                   (*p)->flags & OPERATION_REPEATED ? "repeatable" : "");
}

static const char *no_variable(void *transport, const char *name) {
    (void)transport;
    (void)name;
    return NULL;
}

static bool to_stdout(void *context, const char *bytes, size_t n) {
    (void)context;
    return fwrite(bytes, 1, n, stdout) == n;
}

/* A response with its head, with the default mounts. */
static int print_openapi(void) {
    struct api_options options = {.version = "0"};
    struct arena *arena = arena_new();
    struct request request = {.arena = arena, .variable = no_variable};
    struct response response = {0};
    struct context c = {.options = &options,
                        .request = &request,
                        .response = &response,
                        .arena = arena,
                        .json = json_writer_new()};
    const struct route *table;
    size_t count;

    for (int m = 0; m < MOUNT_COUNT; m++)
        options.mounts[m] = mount_rows[m].default_path;
    table = route_table(&count);
    openapi_open(table, count);
    response_begin(&response, arena, (struct response_out){.write = to_stdout}, false);
    (void)openapi_show(&c);
    if (!response_finish(&response))
        return 1;
    response_release(&response);
    json_writer_free(&c.json);
    arena_free(&arena);
    return 0;
}

static void print_statement(const struct stmt_row *row) {
    printf("statement\t%s\t%s\t%s\n", row->name, row->params, row->text);
}

static void print_statements(void) {
    for (int i = 0; i < STMT_COUNT; i++) {
        print_statement(&stmts_rows[i]);
        if (past_rows[i].text != NULL) {
            print_statement(&past_rows[i]);
            print_statement(&past_same_rows[i]);
        }
    }
}

static void print_managers(void) {
    for (size_t i = 0; i < driver_count(); i++)
        if (driver_at(i)->resource_key)
            printf("manager\t%s\t%s\n", driver_at(i)->name, driver_at(i)->resource_key);
}

static void print_session(void) {
    const struct store_options options = {.versioning = true};
    struct arena *arena = arena_new();
    struct session session;

    session_init(&session, &options);
    printf("session\t%s\n", session_options(&session, arena, NULL));
    arena_free(&arena);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "openapi") == 0)
        return print_openapi();
    print_settings();
    print_routes();
    print_parameters();
    print_statements();
    print_managers();
    print_session();
    return 0;
}
