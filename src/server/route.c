/* route.c: the one table of the routes, and the search in it. */
#include "server/route.h"

#include <string.h>

#include "api/attribute.h"
#include "api/by_address.h"
#include "api/changes.h"
#include "api/device_ports.h"
#include "api/docs.h"
#include "api/driverlist.h"
#include "api/entity.h"
#include "api/export.h"
#include "api/history.h"
#include "api/import.h"
#include "api/lookup.h"
#include "api/preferences.h"
#include "api/query.h"
#include "api/rack.h"
#include "api/relatives.h"
#include "api/resourcemanager.h"
#include "api/resourcemanager_free.h"
#include "api/revert.h"
#include "api/root.h"
#include "api/search.h"
#include "api/targets.h"
#include "server/health.h"
#include "server/openapi.h"
#include "server/whoami.h"

#define GET    METHOD_BIT(METHOD_GET)
#define HEAD   METHOD_BIT(METHOD_HEAD)
#define POST   METHOD_BIT(METHOD_POST)
#define PUT    METHOD_BIT(METHOD_PUT)
#define PATCH  METHOD_BIT(METHOD_PATCH)
#define DELETE METHOD_BIT(METHOD_DELETE)

#define WRITE ROUTE_WRITE
#define CACHE ROUTE_CACHE
#define PART  ROUTE_OPERATION
#define NEAR  ROUTE_STANDBY
#define READ  (ROUTE_CACHE | ROUTE_PAST | PART | NEAR)
#define LIST  (READ | ROUTE_LIST)
#define SHOW  (READ | ROUTE_CONDITIONS)
#define ALTER (WRITE | ROUTE_CONDITIONS | PART)
#define MAKE  (WRITE | ROUTE_CREATES | PART)
#define OWN   (ROUTE_CONDITIONS | ROUTE_USER)
#define ALONE ROUTE_ALONE

#define MONITOR ROUTE_MONITOR

#define ANY_ATTRIBUTE "{name}/{key?}/{subkey?}/{number?}"
#define KEYS          "{container}/{key*}"
#define ATTRIBUTE     "{name}/{key}/{subkey?}/{number?}"

/* clang-format off */
static const struct route table[] = {
    {HEAD, MOUNT_ROOT, "", root_version, ROLE_READ, "GET /", ALONE, NULL, &operation_version},
    {GET, MOUNT_ROOT, "", docs_show, ROLE_READ, "GET /", ALONE, NULL, &operation_docs},
    {GET, MOUNT_ROOT, "__doc__", docs_show, ROLE_READ, "GET /__doc__", ALONE, NULL, &operation_docs},
    {GET, MOUNT_ROOT, "__doc__/{page}", docs_show, ROLE_READ, "GET /__doc__/{page}", ALONE, NULL, &operation_docs},
    {GET, MOUNT_ROOT, "__live__", health_live, ROLE_ADMIN, "GET /__live__", MONITOR | ALONE, NULL, &operation_live},
    {GET, MOUNT_ROOT, "__meta__", root_meta, ROLE_READ, "GET /__meta__", ALONE, NULL, &operation_meta},
    {GET, MOUNT_ROOT, "__metrics__", health_metrics, ROLE_ADMIN, "GET /__metrics__", MONITOR | ALONE, NULL, &operation_metrics},
    {GET, MOUNT_ROOT, "__openapi__", openapi_show, ROLE_READ, "GET /__openapi__", ALONE, NULL, &operation_openapi},
    {GET, MOUNT_ROOT, "__ready__", health_ready, ROLE_ADMIN, "GET /__ready__", MONITOR, NULL, &operation_ready},
    {GET, MOUNT_ROOT, "__version__", root_version, ROLE_READ, "GET /__version__", ALONE, NULL, &operation_version},
    {GET, MOUNT_ROOT, "__whoami__", whoami_show, ROLE_NONE, "GET /__whoami__", ALONE | ROUTE_IDENTITY, NULL, &operation_whoami},
    {GET, MOUNT_ROOT, "by-address/{address}", by_address_show, ROLE_READ, "GET /by-address/{address}", READ, NULL, &operation_by_address},
    {GET, MOUNT_ROOT, "by-attr", lookup_by_attr, ROLE_READ, "GET /by-attr", LIST, NULL, &operation_by_attr},
    {GET, MOUNT_ROOT, "by-name/{name}", lookup_by_name, ROLE_READ, "GET /by-name/{name}", SHOW, lookup_ask_by_name, &operation_by_name},
    {GET, MOUNT_ROOT, "by-names", lookup_by_names, ROLE_READ, "GET /by-names", LIST, NULL, &operation_by_names},
    {GET, MOUNT_ROOT, "bulk/__doc__", docs_show, ROLE_READ, "GET /bulk/__doc__", ALONE, NULL, &operation_docs},
    {GET, MOUNT_ROOT, "changes", changes_list, ROLE_READ, "GET /changes", ROUTE_FEED | ROUTE_PRESENT, NULL, &operation_changes},
    {GET, MOUNT_ROOT, "changes/__doc__", docs_show, ROLE_READ, "GET /changes/__doc__", ALONE, NULL, &operation_docs},
    {GET, MOUNT_ROOT, "diff", history_diff, ROLE_READ, "GET /diff", ROUTE_PRESENT, NULL, &operation_diff},
    {GET, MOUNT_ROOT, "driverlist", driverlist_show, ROLE_READ, "GET /driverlist", ALONE | ROUTE_PRESENT, NULL, &operation_driverlist},
    {GET, MOUNT_ROOT, "export", export_show, ROLE_READ, "GET /export", ROUTE_PAST | NEAR | ROUTE_LONG, NULL, &operation_export},
    {GET, MOUNT_ROOT, "favicon.ico", root_favicon, ROLE_READ, "GET /favicon.ico", ALONE, NULL, &operation_favicon},
    {GET, MOUNT_ROOT, "from-pools", lookup_from_pools, ROLE_READ, "GET /from-pools", LIST, NULL, &operation_from_pools},
    {GET, MOUNT_ROOT, "history", history_show, ROLE_READ, "GET /history", ROUTE_PRESENT, NULL, &operation_history},
    {GET, MOUNT_ROOT, "history/__doc__", docs_show, ROLE_READ, "GET /history/__doc__", ALONE, NULL, &operation_docs},
    {POST, MOUNT_ROOT, "import", import_post, ROLE_WRITE, "POST /import", WRITE | ROUTE_STREAM, NULL, &operation_import},
    {GET, MOUNT_ROOT, "query", query_show, ROLE_READ, "GET /query", LIST, NULL, &operation_query},
    {POST, MOUNT_ROOT, "query", query_show, ROLE_READ, "POST /query", ROUTE_READ | ROUTE_PAST | PART | NEAR | ROUTE_LONG, NULL, &operation_query},
    {GET, MOUNT_ROOT, "query/__doc__", docs_show, ROLE_READ, "GET /query/__doc__", ALONE, NULL, &operation_docs},
    {POST, MOUNT_ROOT, "revert", revert_post, ROLE_WRITE, "POST /revert", WRITE | PART, NULL, &operation_revert},
    {GET, MOUNT_ROOT, "search", search_show, ROLE_READ, "GET /search", CACHE | ROUTE_PRESENT | NEAR, NULL, &operation_search},
    {GET, MOUNT_ROOT, "targets", targets_list, ROLE_READ, "GET /targets", LIST, NULL, &operation_targets},
    {POST, MOUNT_ROOT, "transaction", NULL, ROLE_NONE, "POST /transaction", WRITE | ROUTE_TRANSACTION, NULL, &operation_transaction},
    {GET, MOUNT_ROOT, "transaction/__doc__", docs_show, ROLE_READ, "GET /transaction/__doc__", ALONE, NULL, &operation_docs},
    {GET, MOUNT_ROOT, "typelist", root_typelist, ROLE_READ, "GET /typelist", ALONE, NULL, &operation_typelist},

    {GET, MOUNT_ENTITY, "__doc__", docs_show, ROLE_READ, "GET /entity/__doc__", ALONE, NULL, &operation_docs},
    {GET, MOUNT_ENTITY, "", entity_list, ROLE_READ, "GET /entity/", LIST | ROUTE_PAGE, NULL, &operation_entities},
    {GET, MOUNT_ENTITY, "{driver}", entity_list, ROLE_READ, "GET /entity/{driver}", LIST | ROUTE_PAGE, NULL, &operation_entities},
    {POST, MOUNT_ENTITY, "{driver}", entity_create, ROLE_WRITE, "POST /entity/{driver}", MAKE, NULL, &operation_entity_create},
    {GET, MOUNT_ENTITY, "{driver}/{name}", entity_show, ROLE_READ, "GET /entity/{driver}/{name}", SHOW, entity_ask, &operation_entity},
    {GET, MOUNT_ENTITY, "{driver}/{name}/contents", entity_contents, ROLE_READ, "GET /entity/{driver}/{name}/contents", READ, NULL, &operation_contents},
    {POST, MOUNT_ENTITY, "{driver}/{name}", entity_action, ROLE_WRITE, "POST /entity/{driver}/{name}", ALTER, NULL, &operation_entity_action},
    {GET, MOUNT_ENTITY, "{driver}/{name}/parents", relatives_parents, ROLE_READ, "GET /entity/{driver}/{name}/parents", READ, NULL, &operation_parents},
    {GET, MOUNT_ENTITY, "{driver}/{name}/references", relatives_references, ROLE_READ, "GET /entity/{driver}/{name}/references", READ, NULL, &operation_references},
    {GET, MOUNT_ENTITY, "{driver}/{name}/ports", device_ports_show, ROLE_READ, "GET /entity/{driver}/{name}/ports", READ, NULL, &operation_ports},
    {POST, MOUNT_ENTITY, "{driver}/{name}/ports", device_ports_action, ROLE_WRITE, "POST /entity/{driver}/{name}/ports", ALTER, NULL, &operation_ports_action},
    {GET, MOUNT_ENTITY, "{driver}/{name}/units", rack_units, ROLE_READ, "GET /entity/{driver}/{name}/units", READ, NULL, &operation_units},
    {DELETE, MOUNT_ENTITY, "{driver}/{name}", entity_delete, ROLE_WRITE, "DELETE /entity/{driver}/{name}", ALTER, NULL, &operation_entity_delete},

    {GET, MOUNT_ATTRIBUTE, "__doc__", docs_show, ROLE_READ, "GET /attribute/__doc__", ALONE, NULL, &operation_docs},
    {GET, MOUNT_ATTRIBUTE, ANY_ATTRIBUTE, attribute_show, ROLE_READ, "GET /attribute/{name}/{key}/{subkey}/{number}", SHOW, attribute_ask, &operation_attributes},
    {POST, MOUNT_ATTRIBUTE, ANY_ATTRIBUTE, attribute_add, ROLE_WRITE, "POST /attribute/{name}/{key}/{subkey}/{number}", ALTER, NULL, &operation_attribute_add},
    {PUT, MOUNT_ATTRIBUTE, ATTRIBUTE, attribute_set, ROLE_WRITE, "PUT /attribute/{name}/{key}/{subkey}/{number}", ALTER, NULL, &operation_attribute_set},
    {DELETE, MOUNT_ATTRIBUTE, ANY_ATTRIBUTE, attribute_delete, ROLE_WRITE, "DELETE /attribute/{name}/{key}/{subkey}/{number}", ALTER, NULL, &operation_attribute_delete},

    {GET, MOUNT_RESOURCEMANAGER, "__doc__", docs_show, ROLE_READ, "GET /resourcemanager/__doc__", ALONE, NULL, &operation_docs},
    {GET, MOUNT_RESOURCEMANAGER, "", resourcemanager_list, ROLE_READ, "GET /resourcemanager/", LIST, NULL, &operation_managers},
    {GET, MOUNT_RESOURCEMANAGER, "{driver}", resourcemanager_list, ROLE_READ, "GET /resourcemanager/{driver}", LIST, NULL, &operation_managers},
    {POST, MOUNT_RESOURCEMANAGER, "{driver}", resourcemanager_create, ROLE_WRITE, "POST /resourcemanager/{driver}", MAKE, NULL, &operation_manager_create},
    {GET, MOUNT_RESOURCEMANAGER, "{driver}/{name}", resourcemanager_show, ROLE_READ, "GET /resourcemanager/{driver}/{name}", SHOW, NULL, &operation_manager},
    {GET, MOUNT_RESOURCEMANAGER, "{driver}/{name}/free", resourcemanager_free, ROLE_READ, "GET /resourcemanager/{driver}/{name}/free", ROUTE_PRESENT | PART | NEAR, NULL, &operation_free},
    {POST, MOUNT_RESOURCEMANAGER, "{driver}/{name}", resourcemanager_allocate, ROLE_ALLOCATE, "POST /resourcemanager/{driver}/{name}", ALTER, resourcemanager_ask, &operation_allocate},
    {DELETE, MOUNT_RESOURCEMANAGER, "{driver}/{name}", resourcemanager_deallocate, ROLE_ALLOCATE, "DELETE /resourcemanager/{driver}/{name}", ALTER, NULL, &operation_deallocate},

    {GET, MOUNT_PREFERENCES, "__doc__", docs_show, ROLE_READ, "GET /preferences/__doc__", ALONE, NULL, &operation_docs},
    {GET, MOUNT_PREFERENCES, "", preferences_list, ROLE_READ, "GET /preferences/", OWN | CACHE | NEAR | ROUTE_FEED, NULL, &operation_containers},
    {POST, MOUNT_PREFERENCES, "", preferences_unnamed, ROLE_WRITE, "POST /preferences/{container}", OWN, NULL, &operation_unnamed},
    {DELETE, MOUNT_PREFERENCES, "", preferences_delete_all, ROLE_WRITE, "DELETE /preferences/", OWN, NULL, &operation_delete_all},
    {PUT, MOUNT_PREFERENCES, "{container}", preferences_replace, ROLE_WRITE, "PUT /preferences/{container}", OWN, NULL, &operation_replace},
    {PATCH, MOUNT_PREFERENCES, "{container}", preferences_patch, ROLE_WRITE, "PATCH /preferences/{container}", OWN, NULL, &operation_patch},
    {GET, MOUNT_PREFERENCES, KEYS, preferences_show, ROLE_READ, "GET /preferences/{container}/{key}/...", OWN | CACHE | NEAR, preferences_ask, &operation_document},
    {POST, MOUNT_PREFERENCES, KEYS, preferences_write, ROLE_WRITE, "POST /preferences/{container}/{key}/...", OWN, NULL, &operation_write},
    {DELETE, MOUNT_PREFERENCES, KEYS, preferences_delete, ROLE_WRITE, "DELETE /preferences/{container}/{key}/...", OWN, NULL, &operation_remove},
};
/* clang-format on */

const struct route *route_table(size_t *count) {
    *count = sizeof(table) / sizeof(table[0]);
    return table;
}

#define OTHER SIZE_MAX

/* Length of the word, which ends at a slash, if it is this segment; else OTHER. Most are at once.
 */
static size_t same_word(const char *word, const char *segment) {
    size_t n = 0;

    while (word[n] == segment[n] && word[n] != '/' && word[n] != '\0')
        n++;
    return (word[n] == '/' || word[n] == '\0') && segment[n] == '\0' ? n : OTHER;
}

/* True if the segments are what the pattern says; *literals are its leading words without braces.
 */
static bool fits(const char *pattern, const char *const *segments, size_t count, size_t *literals) {
    size_t i = 0;
    bool leading = true;

    *literals = 0;
    for (const char *word = pattern; *word != '\0'; i++) {
        bool braced = word[0] == '{';
        size_t n = braced ? strcspn(word, "/") : i < count ? same_word(word, segments[i]) : OTHER;

        if (n == OTHER)
            return false;
        if (braced && i >= count)
            return word[n - 2] == '?' || word[n - 2] == '*';
        if (braced && word[n - 2] == '*')
            return true;
        leading = leading && !braced;
        *literals += leading;
        word += n + (word[n] == '/');
    }
    return i == count;
}

/* Tells most rows off at once. */
static bool begins_alike(const char *pattern, const struct path *path, size_t skip) {
    return *pattern == '{' || skip >= path->count || *pattern == *path->segments[skip];
}

/* Number of segments of the mount's path if the request is below it, else -1. */
static int below(const char *mount, const struct path *path) {
    size_t i = 0;

    for (const char *word = mount; *word == '/'; i++) {
        size_t n = i < path->count ? same_word(++word, path->segments[i]) : OTHER;

        if (n == OTHER)
            return -1;
        word += n;
    }
    return (int)i;
}

/* The mount with the longest path that the request is below, *skip its length; MOUNT_COUNT: none.
 */
static enum mount find_mount(const struct settings *settings, const struct path *path,
                             size_t *skip) {
    enum mount found = MOUNT_COUNT;
    int longest = -1;

    for (int m = 0; m < MOUNT_COUNT; m++) {
        int n = settings->api.mounts[m] != NULL ? below(settings->api.mounts[m], path) : -1;

        if (n > longest) {
            longest = n;
            found = (enum mount)m;
        }
    }
    *skip = longest > 0 ? (size_t)longest : 0;
    return found;
}

/* Whether the server is well can be asked whatever is mounted. */
static bool is_monitor(const char *segment) {
    for (const struct route *row = table; row < table + sizeof(table) / sizeof(table[0]); row++)
        if ((row->flags & ROUTE_MONITOR) && strcmp(row->pattern, segment) == 0)
            return true;
    return false;
}

/* True if a container of this name could be written by its keys, but its own path is another row's.
 */
static bool is_reserved(const struct settings *settings, const struct path *path, size_t skip) {
    const char *container = skip < path->count ? path->segments[skip] : "";

    return strcmp(container, "__doc__") == 0 ||
           (skip == 0 && settings->api.mounts[MOUNT_ROOT] == NULL && is_monitor(container));
}

/* A row that names HEAD itself comes before those of GET in the table. */
static unsigned methods_of(const struct route *row) {
    return row->methods | ((row->methods & GET) ? HEAD : 0);
}

struct route_match route_find(const struct settings *settings, const struct path *path,
                              enum request_method method) {
    struct route_match match = {.route = NULL};
    size_t skip, most = 0;
    enum mount mount = find_mount(settings, path, &skip), rows;

    if (settings->api.mounts[MOUNT_ROOT] == NULL && path->count == 1 &&
        is_monitor(path->segments[0]))
        mount = MOUNT_ROOT;
    rows = mount;
    if (mount == MOUNT_COUNT)
        return match;
    if (mount == MOUNT_RESOURCE)
        rows = MOUNT_RESOURCEMANAGER;
    match.mount = mount;
    for (const struct route *row = table; row < table + sizeof(table) / sizeof(table[0]); row++) {
        size_t literals;

        if (row->mount != rows || !begins_alike(row->pattern, path, skip) ||
            !fits(row->pattern, path->segments + skip, path->count - skip, &literals) ||
            literals < most)
            continue;
        if (literals > most) { /* a better path: what others allow does not count */
            most = literals;
            match.allowed = 0;
            match.route = NULL;
        }
        match.allowed |= methods_of(row);
        if (match.route == NULL && (methods_of(row) & METHOD_BIT(method)) != 0)
            match.route = row;
    }
    match.reserved = rows == MOUNT_PREFERENCES && (METHOD_BIT(method) & (POST | PUT | PATCH)) &&
                     is_reserved(settings, path, skip);
    match.args = path->segments + skip + most;
    match.arg_count = path->count - skip - most;
    return match;
}

const char *route_allow(struct arena *arena, unsigned methods) {
    const char *list = "";

    methods |= METHOD_BIT(METHOD_OPTIONS);
    for (int m = METHOD_GET; m < METHOD_OTHER; m++)
        if ((methods & METHOD_BIT(m)) != 0)
            list = arena_printf(arena, "%s%s%s", list, *list != '\0' ? ", " : "",
                                request_method_name((enum request_method)m));
    return list;
}
