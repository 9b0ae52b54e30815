/* entity_devices.c: a question that stands for all objects that it finds. */
#include "api/entity_devices.h"

#include "api/input.h"
#include "api/reply.h"
#include "store/query_refs.h"

static int find(struct context *c, const struct query_node *question, struct ref **found,
                size_t *count) {
    size_t most = (size_t)c->options->query_devices;
    enum rc rc = store_query_refs(c->store, c->arena, question, most, found, count);

    if (rc == RC_TOO_LARGE)
        return reply_fail(c, 400, "\"devices_from\" finds more than %zu objects (query_devices).",
                          most);
    return reply_rc(c, rc);
}

int entity_devices_read(struct context *c, struct entity_devices *out) {
    struct ref *found = NULL;

    *out = (struct entity_devices){.count = 0};
    if (input_question(c, c->arena, "devices_from", &out->question))
        return c->response->status;
    if (!out->question)
        return 0;
    if (!c->may_query)
        return reply_fail(c, 403,
                          "Permission denied: \"devices_from\" needs the role read on root.");
    if (find(c, out->question, &found, &out->count))
        return c->response->status;
    out->found = found;
    return 0;
}

const char **entity_devices_names(struct context *c, const struct entity_devices *from,
                                  const char *const *devices, size_t *count) {
    const char **names = arena_array(c->arena, *count + from->count + 1, sizeof *names);

    for (size_t i = 0; i < *count; i++)
        names[i] = devices[i];
    for (size_t i = 0; i < from->count; i++)
        names[(*count)++] = from->found[i].name;
    return names;
}

int entity_devices_check(struct context *c, const struct entity_devices *from,
                         const struct ref *locked) {
    struct ref *found;
    size_t count;
    bool same;

    if (!from->question)
        return 0;
    if (find(c, from->question, &found, &count))
        return c->response->status;
    same = count == from->count;
    for (size_t i = 0; same && i < count; i++)
        same = found[i].id == locked[i].id;
    return same ? 0 : reply_rc(c, RC_RETRY);
}
