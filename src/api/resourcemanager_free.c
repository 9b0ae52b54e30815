/* resourcemanager_free.c: handler of /resourcemanager/DRIVER/NAME/free: what a manager can still
 * give.
 */
#include "api/resourcemanager_free.h"

#include "api/find.h"
#include "api/reply.h"
#include "model/ip.h"
#include "rules/manager.h"
#include "store/write.h"

struct ranges {
    struct context *c;
    int64_t free; /* addresses in all ranges so far */
    bool begun;
};

static void begin(struct ranges *r) {
    if (r->begun)
        return;
    r->begun = true;
    reply_json(r->c, 200);
    json_object_open(r->c->json);
    json_key(r->c->json, "free");
    json_array_open(r->c->json);
}

static void show_address(struct context *c, int64_t stored) {
    json_string(c->json, ip_text(c->arena, ip_from_stored((int32_t)stored)));
}

static bool take_range(void *context, int64_t first, int64_t last) {
    struct ranges *r = context;

    begin(r);
    r->free += last - first + 1;
    json_array_open(r->c->json);
    show_address(r->c, first);
    show_address(r->c, last);
    json_array_close(r->c->json);
    return reply_list_is_wanted(r->c);
}

static int answer_ranges(struct context *c, const struct manager *manager) {
    struct ranges r = {.c = c};
    /* By hand anything is possible: a range that ends before it begins. */
    const int64_t size = manager->last >= manager->first ? manager->last - manager->first + 1 : 0;

    if (reply_rc(c, store_free_ranges(c->store, manager->first, manager->last, manager->gateway,
                                      take_range, &r)))
        return c->response->status;
    begin(&r);
    json_array_close(c->json);
    json_key(c->json, "size");
    json_int(c->json, size);
    json_key(c->json, "used");
    json_int(c->json, size - r.free);
    json_object_close(c->json);
    return reply_end(c);
}

/* Of names and numbers there is no end. */
static int answer_used(struct context *c, const struct object *object) {
    reply_json(c, 200);
    json_object_open(c->json);
    json_key(c->json, "free");
    json_null(c->json);
    json_key(c->json, "size");
    json_null(c->json);
    json_key(c->json, "used");
    json_int(c->json, object->allocated);
    json_object_close(c->json);
    return reply_end(c);
}

int resourcemanager_free(struct context *c) {
    struct object object = {0};
    struct manager manager;

    if (find_object(c, c->args[1], c->args[0], &object))
        return c->response->status;
    if (driver_of(object.ref.driver, object.ref.type)->allocator == ALLOCATOR_NONE)
        return reply_fail(c, 409, "The object \"%s\" is not a resource manager", c->args[1]);
    if (reply_verdict(c, manager_read(c->arena, &object, &manager)))
        return c->response->status;
    if (manager.driver->allocator == ALLOCATOR_IP && manager.has_range)
        return answer_ranges(c, &manager);
    return answer_used(c, &object);
}
