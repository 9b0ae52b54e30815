/* unit_route.c: which row of the table answers which path, and what is allowed on it. */
#include "api/attribute.h"
#include "api/docs.h"
#include "api/entity.h"
#include "api/lookup.h"
#include "api/resourcemanager.h"
#include "api/root.h"
#include "server/route.h"
#include "tap.h"

static struct settings settings = {.api.mounts = {[MOUNT_ROOT] = "",
                                                  [MOUNT_ENTITY] = "/entity",
                                                  [MOUNT_ATTRIBUTE] = "/inventory/attribute",
                                                  [MOUNT_RESOURCEMANAGER] = "/resourcemanager",
                                                  [MOUNT_RESOURCE] = "/resource"}};

static struct route_match find(const char *text, enum request_method method) {
    static char copy[256];
    static const char *segments[32];
    struct path path = {.segments = segments};
    char *save = NULL;

    snprintf(copy, sizeof(copy), "%s", text);
    for (char *s = strtok_r(copy, "/", &save); s != NULL; s = strtok_r(NULL, "/", &save))
        segments[path.count++] = s;
    return route_find(&settings, &path, method);
}

/* `path` is answered by `handle`, which is given `args` ("a b"). */
static void goes(enum request_method method, const char *path, context_handler handle,
                 const char *args) {
    struct route_match match = find(path, method);
    struct arena *arena = arena_new();
    const char *got = "";

    for (size_t i = 0; i < match.arg_count; i++)
        got = arena_printf(arena, "%s%s%s", got, i > 0 ? " " : "", match.args[i]);
    ok(match.route != NULL && match.route->handle == handle, "%s %s", request_method_name(method),
       path);
    is_str(got, args, "  with \"%s\"", args);
    arena_free(&arena);
}

/* Nothing answers; `allow` is what Allow says, NULL for an unknown path. */
static void refused(enum request_method method, const char *path, const char *allow) {
    struct arena *arena = arena_new();
    struct route_match match = find(path, method);

    ok(match.route == NULL, "nothing for %s %s", request_method_name(method), path);
    if (allow == NULL)
        is_int(match.allowed, 0, "  an unknown path");
    else
        is_str(route_allow(arena, match.allowed), allow, "  allowed: %s", allow);
    arena_free(&arena);
}

static void test_paths(void) {
    goes(METHOD_GET, "/", docs_show, "");
    goes(METHOD_HEAD, "/", root_version, "");
    goes(METHOD_GET, "/__version__", root_version, "");
    goes(METHOD_HEAD, "/__version__", root_version, "");
    goes(METHOD_GET, "/by-name/a", lookup_by_name, "a");
    goes(METHOD_GET, "/by-names", lookup_by_names, "");
    goes(METHOD_GET, "/entity", entity_list, "");
    goes(METHOD_GET, "/entity/pool", entity_list, "pool");
    goes(METHOD_POST, "/entity/pool", entity_create, "pool");
    goes(METHOD_GET, "/entity/__doc__", docs_show, "");
    goes(METHOD_GET, "/entity/pool/__doc__", entity_show, "pool __doc__");
    goes(METHOD_DELETE, "/entity/pool/p", entity_delete, "pool p");
    goes(METHOD_GET, "/inventory/attribute/n", attribute_show, "n");
    goes(METHOD_GET, "/inventory/attribute/n/k/s/1", attribute_show, "n k s 1");
    goes(METHOD_POST, "/inventory/attribute/n", attribute_add, "n");
    goes(METHOD_PUT, "/inventory/attribute/n/k", attribute_set, "n k");
    goes(METHOD_GET, "/resourcemanager/d/n", resourcemanager_show, "d n");
    goes(METHOD_GET, "/resource/d/n", resourcemanager_show, "d n");
}

static void test_refused(void) {
    refused(METHOD_GET, "/nowhere", NULL);
    refused(METHOD_GET, "/attribute/n", NULL);
    refused(METHOD_GET, "/inventory", NULL);
    refused(METHOD_GET, "/inventory/attribute", NULL);
    refused(METHOD_GET, "/inventory/attribute/a/b/c/d/e", NULL);
    refused(METHOD_GET, "/by-name", NULL);
    refused(METHOD_GET, "/entity/a/b/c", NULL);
    refused(METHOD_POST, "/", "GET, HEAD, OPTIONS");
    refused(METHOD_POST, "/entity", "GET, HEAD, OPTIONS");
    refused(METHOD_PUT, "/entity/pool", "GET, HEAD, POST, OPTIONS");
    refused(METHOD_PUT, "/entity/pool/p", "GET, HEAD, POST, DELETE, OPTIONS");
    refused(METHOD_POST, "/entity/__doc__", "GET, HEAD, OPTIONS");
    refused(METHOD_PUT, "/inventory/attribute/n", "GET, HEAD, POST, DELETE, OPTIONS");
    refused(METHOD_OTHER, "/inventory/attribute/n/k", "GET, HEAD, POST, PUT, DELETE, OPTIONS");
    refused(METHOD_OPTIONS, "/by-attr", "GET, HEAD, OPTIONS");
}

static void test_mounts(void) {
    struct route_match match = find("/resource/d/n", METHOD_GET);

    is_int(match.mount, MOUNT_RESOURCE, "the mount is the one that was asked");
    settings.api.mounts[MOUNT_ENTITY] = NULL;
    refused(METHOD_GET, "/entity/pool", NULL);
    settings.api.mounts[MOUNT_ENTITY] = "/inventory";
    refused(METHOD_GET, "/inventory/attribute", NULL); /* the longer mount has it */
    goes(METHOD_GET, "/inventory/pool", entity_list, "pool");
    refused(METHOD_GET, "/inventory/pool/a/b", NULL);
    settings.api.mounts[MOUNT_ENTITY] = "/entity";
    settings.api.mounts[MOUNT_ROOT] = NULL;
    refused(METHOD_GET, "/__version__", NULL);
    settings.api.mounts[MOUNT_ROOT] = "";
}

static void test_table(void) {
    size_t count;
    const struct route *table = route_table(&count);

    for (size_t i = 0; i < count; i++) {
        ok((table[i].handle != NULL) == !(table[i].flags & ROUTE_TRANSACTION) &&
               table[i].methods != 0,
           "row %zu is whole", i);
        ok(table[i].doc != NULL && strchr(table[i].doc, ' ') != NULL, "  and documented");
        if ((table[i].flags & ROUTE_WRITE))
            ok((table[i].methods & METHOD_BIT(METHOD_GET)) == 0, "  no GET writes");
    }
}

int main(void) {
    test_paths();
    test_refused();
    test_mounts();
    test_table();
    return done_testing();
}
