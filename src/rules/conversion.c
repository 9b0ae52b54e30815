/* conversion.c: may an object become one of another driver? */
#include "rules/conversion.h"

#include <string.h>

#include "rules/insert.h"
#include "rules/ports.h"

struct conversion {
    struct store *store;
    struct arena *arena;
    const struct object *object;
    const struct driver *from, *to;
    struct ref after; /* the object as it will be */
};

/* --- where it is --- */

static struct verdict check_containers(const struct conversion *v) {
    struct memberships of;

    RC_TRY(insert_memberships(v->store, v->arena, &v->after, 1, &of));
    for (size_t i = 0; i < of.count; i++)
        VERDICT_TRY(insert_check(v->arena, &of.items[i].container, &v->after, &of));
    return verdict_of(RC_OK);
}

/* --- what is in it --- */

static struct verdict fail_racked(const struct conversion *v) {
    return verdict_no(v->arena, RC_CONFLICT,
                      "\"%s\" has contents: it can't become a %s, as only a "
                      "rack has units",
                      v->after.name, v->to->name);
}

/* Nobody puts its members elsewhere meanwhile. */
static enum rc lock_contents(const struct conversion *v) {
    const struct object *o = v->object;
    const char **names = arena_array(v->arena, o->content_count, sizeof *names);
    struct ref *refs = arena_array(v->arena, o->content_count, sizeof *refs);

    for (size_t i = 0; i < o->content_count; i++)
        names[i] = o->contents[i].name;
    return store_lock(v->store, v->arena, names, o->content_count, LOCK_CHANGE, refs);
}

static struct verdict check_contents(const struct conversion *v) {
    const struct object *o = v->object;
    struct memberships all;

    if (o->content_count == 0)
        return verdict_of(RC_OK);
    if ((v->from->insert_rule == INSERT_RACK) != (v->to->insert_rule == INSERT_RACK))
        return fail_racked(v);
    RC_TRY(lock_contents(v));
    RC_TRY(insert_memberships(v->store, v->arena, o->contents, o->content_count, &all));
    for (size_t i = 0; i < o->content_count; i++)
        VERDICT_TRY(insert_check(v->arena, &v->after, &o->contents[i], &all));
    return verdict_of(RC_OK);
}

/* --- its attributes --- */

static struct verdict check_attr(const struct conversion *v, const struct attr *attr) {
    const char *port = ports_connected(attr);

    if (strcmp(attr->key, "ip") == 0 && !attr->subkey && v->from->has_ips && !v->to->has_ips)
        return verdict_no(v->arena, RC_CONFLICT, "\"%s\" has addresses, which a %s can't have",
                          v->after.name, v->to->name);
    if (port && !ports_exists(v->to, port, attr->number))
        return verdict_no(v->arena, RC_CONFLICT,
                          "port %s %d of \"%s\" is connected, which a %s does not have", port,
                          (int)attr->number, v->after.name, v->to->name);
    return verdict_of(RC_OK);
}

/* What a manager has given stays given. */
static struct verdict check_given(const struct conversion *v) {
    const char *key = NULL, *to = v->to->resource_key;

    if (v->from->allocator == ALLOCATOR_NONE)
        return verdict_of(RC_OK);
    RC_TRY(store_other_key(v->store, v->arena, v->after.id, NULL, &key));
    if (!key || (v->from->allocator == v->to->allocator && to && strcmp(key, to) == 0))
        return verdict_of(RC_OK);
    return verdict_no(v->arena, RC_CONFLICT, "\"%s\" has allocated resources, which a %s can't",
                      v->after.name, v->to->name);
}

struct verdict conversion_check(struct store *store, struct arena *arena, const struct ref *object,
                                const struct driver *to) {
    struct conversion v = {store, arena,
                           NULL,  driver_of(object->driver, object->type),
                           to,    {object->id, object->name, to->name, to->type}};
    struct object whole;

    RC_TRY(store_object_by_name(store, arena, object->name, &whole));
    v.object = &whole;
    for (size_t i = 0; i < whole.attr_count; i++)
        VERDICT_TRY(check_attr(&v, &whole.attrs[i]));
    VERDICT_TRY(check_given(&v));
    VERDICT_TRY(check_containers(&v));
    return check_contents(&v);
}
