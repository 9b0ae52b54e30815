/* feed_filter.c: which events of the feed are wanted, compared in memory. */
#include <string.h>

#include "store/feed.h"

bool feed_filter_needs_attrs(const struct feed_filter *filter) {
    return filter->key_count > 0;
}

bool feed_filter_needs_containers(const struct feed_filter *filter) {
    return filter->pool_count > 0;
}

static bool is_path(const char *path, const char *driver, const char *name) {
    size_t n = strlen(driver);

    return path[0] == '/' && strncmp(path + 1, driver, n) == 0 && path[n + 1] == '/' &&
           strcmp(path + n + 2, name) == 0;
}

/* An object that was renamed passes by what it is called and by what it was called. */
static bool has_driver(const struct feed_event *e, const char *driver) {
    size_t n = strlen(driver);

    return (e->ref.driver && strcmp(e->ref.driver, driver) == 0) ||
           (e->was && strncmp(e->was + 1, driver, n) == 0 && e->was[n + 1] == '/');
}

static const char *old_name(const struct feed_event *e) {
    return e->was + strcspn(e->was + 1, "/") + 2;
}

static bool is_object(const struct feed_event *e, const char *object) {
    if (e->was && (strcmp(e->was, object) == 0 || strcmp(old_name(e), object) == 0))
        return true;
    return e->ref.name &&
           (strcmp(e->ref.name, object) == 0 || is_path(object, e->ref.driver, e->ref.name));
}

static bool has_key(const struct feed_event *e, const char *key) {
    for (size_t i = 0; i < e->attr_count; i++)
        if (strcmp(e->attrs[i].attr.key, key) == 0)
            return true;
    return false;
}

typedef bool (*comparison)(const struct feed_event *event, const char *text);

static bool any(const struct feed_event *e, const char *const *texts, size_t count,
                comparison fits) {
    for (size_t i = 0; i < count; i++)
        if (fits(e, texts[i]))
            return true;
    return count == 0;
}

static bool is_pool(const struct feed_filter *filter, int32_t id) {
    for (size_t i = 0; i < filter->pool_count; i++)
        if (filter->pools[i] == id)
            return true;
    return false;
}

/* Was the object in one of the pools, before or after? */
static void in_pools(const struct feed_filter *filter, const struct feed_event *e, bool *before,
                     bool *after) {
    *before = *after = false;
    for (size_t i = 0; i < e->container_count; i++) {
        const struct feed_container *container = &e->containers[i];

        if (is_pool(filter, container->id)) {
            *before = *before || container->before;
            *after = *after || container->after;
        }
    }
}

bool feed_filter_may_pass(const struct feed_filter *filter, const struct feed_event *event) {
    bool before, after;

    if (!any(event, filter->drivers, filter->driver_count, has_driver) ||
        !any(event, filter->objects, filter->object_count, is_object) ||
        !any(event, filter->keys, filter->key_count, has_key))
        return false;
    in_pools(filter, event, &before, &after);
    return filter->pool_count == 0 || before || after;
}

bool feed_filter_passes(const struct feed_filter *filter, const struct feed_event *event) {
    return feed_filter_may_pass(filter, event) && (!filter->query || event->before || event->after);
}

bool feed_filter_left(const struct feed_filter *filter, const struct feed_event *event) {
    bool before, after;

    if (filter->query && event->before && !event->after)
        return true;
    in_pools(filter, event, &before, &after);
    return before && !after;
}
