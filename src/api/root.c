/* root.c: handlers of the paths that belong to no mount: version, meta, favicon, types. */
#include "api/root.h"

#include <stdlib.h>
#include <string.h>

#include "api/reply.h"
#include "model/driver.h"

int root_favicon(struct context *c) {
    c->response->status = 410;
    response_header(c->response, "Content-Type", "text/html; charset=UTF-8");
    return 410;
}

int root_version(struct context *c) {
    return reply_string(c, 200, c->options->version);
}

struct pair {
    const char *key;
    const char *value;
};

static int compare_pairs(const void *a, const void *b) {
    return strcmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

/* One object of strings, its keys sorted. */
static int answer_pairs(struct context *c, struct pair *pairs, size_t count) {
    struct json_writer *w = reply_json(c, 200);

    qsort(pairs, count, sizeof *pairs, compare_pairs);
    json_object_open(w);
    for (size_t i = 0; i < count; i++) {
        json_key(w, pairs[i].key);
        json_string(w, pairs[i].value);
    }
    json_object_close(w);
    return reply_end(c);
}

int root_meta(struct context *c) {
    struct pair pairs[MOUNT_COUNT];
    size_t count = 0;

    for (int m = 0; m < MOUNT_COUNT; m++)
        if (mount_rows[m].application != NULL && c->options->mounts[m] != NULL)
            pairs[count++] = (struct pair){c->options->mounts[m], mount_rows[m].application};
    return answer_pairs(c, pairs, count);
}

int root_typelist(struct context *c) {
    size_t count = 0;
    struct pair *pairs = arena_array(c->arena, driver_count(), sizeof *pairs);

    for (size_t i = 0; i < driver_count(); i++) {
        const struct driver *driver = driver_at(i);

        if (driver_last_of_type(driver->type) == driver)
            pairs[count++] = (struct pair){driver->type, driver->class_path};
    }
    return answer_pairs(c, pairs, count);
}
