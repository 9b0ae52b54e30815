/* by_address.c: handler of /by-address: who holds an address, and which managers can give it. */
#include "api/by_address.h"

#include <stdlib.h>
#include <string.h>

#include "api/reply.h"
#include "api/show.h"
#include "model/ip.h"
#include "rules/manager.h"

/* A manager in whose network the address is. */
struct candidate {
    struct ref ref;
    int64_t size; /* of the network */
};

struct search {
    struct context *c;
    int64_t address; /* in stored form */
    struct candidate *managers;
    size_t count, room;
};

/* --- who holds it: each allocation is shown as it comes --- */

static bool same_number(const struct attr *a, const struct attr *b) {
    return a->has_number == b->has_number && (!a->has_number || a->number == b->number);
}

static bool is_ip(const struct attr *attr) {
    return attr->key && strcmp(attr->key, "ip") == 0;
}

static void show_manager(struct context *c, const struct object *object, const struct attr *held) {
    const struct value *manager = NULL;

    for (size_t i = 0; i < object->attr_count && !manager; i++) {
        const struct attr *attr = &object->attrs[i];

        if (is_ip(attr) && attr->subkey && strcmp(attr->subkey, "manager") == 0 &&
            same_number(attr, held) && attr->value.related_name)
            manager = &attr->value;
    }
    json_key(c->json, "manager");
    if (manager)
        show_ref(c, &(struct ref){.id = manager->related_id,
                                  .name = manager->related_name,
                                  .driver = manager->related_driver});
    else
        json_null(c->json);
}

/* With all attributes that have its key and number: notes too. */
static void show_holder(struct context *c, const struct object *object, const struct attr *held) {
    struct json_writer *w = c->json;

    json_object_open(w);
    json_key(w, "attrs");
    json_array_open(w);
    for (size_t i = 0; i < object->attr_count; i++)
        if (is_ip(&object->attrs[i]) && same_number(&object->attrs[i], held))
            show_attr(c, &object->attrs[i]);
    json_array_close(w);
    show_manager(c, object, held);
    json_key(w, "number");
    json_int_or_null(w, held->has_number, held->number);
    json_key(w, "object");
    show_ref(c, &object->ref);
    json_object_close(w);
}

static bool take_holder(void *context, const struct object *object) {
    const struct search *s = context;

    for (size_t i = 0; i < object->attr_count; i++) {
        const struct attr *attr = &object->attrs[i];

        if (is_ip(attr) && !attr->subkey && attr->value.datatype == DATATYPE_INT &&
            attr->value.number == s->address)
            show_holder(s->c, object, attr);
    }
    return true;
}

/* --- who can give it --- */

static void add_candidate(struct search *s, const struct ref *ref, int64_t size) {
    struct arena *arena = s->c->arena;

    s->managers = arena_grow(arena, s->managers, s->count, &s->room, sizeof *s->managers);
    s->managers[s->count++] = (struct candidate){.ref = {.id = ref->id,
                                                         .name = arena_strdup(arena, ref->name),
                                                         .driver = arena_strdup(arena, ref->driver),
                                                         .type = NULL},
                                                 .size = size};
}

/* Properties that make no sense are no network. */
static bool take_manager(void *context, const struct object *object) {
    struct arena *arena = arena_new();
    struct search *s = context;
    struct manager manager;

    if (manager_read(arena, object, &manager).rc == RC_OK && manager.has_range &&
        s->address >= manager.network && s->address <= manager.broadcast)
        add_candidate(s, &object->ref, manager.broadcast - manager.network);
    arena_free(&arena);
    return true;
}

/* The narrowest network first. */
static int by_size(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;

    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    return (x->ref.id > y->ref.id) - (x->ref.id < y->ref.id);
}

static enum rc find_managers(struct search *s) {
    struct context *c = s->c;
    const char **names = arena_array(c->arena, driver_count(), sizeof *names);
    struct listing listing = {.kind = LIST_ENTITIES, .drivers = names};
    struct list_extent extent = {0};
    enum rc rc;

    for (size_t i = 0; i < driver_count(); i++)
        if (driver_at(i)->allocator == ALLOCATOR_IP)
            names[listing.driver_count++] = driver_at(i)->name;
    rc = store_list_objects(c->store, c->arena, &listing, &extent, take_manager, s);
    if (rc == RC_OK && s->count > 1)
        qsort(s->managers, s->count, sizeof *s->managers, by_size);
    return rc;
}

/* --- the response --- */

static enum rc show_holders(struct search *s) {
    struct context *c = s->c;
    struct list_extent extent = {0};
    struct listing listing = {.kind = LIST_BY_ATTR,
                              .key = "ip",
                              .value = arena_printf(c->arena, "%lld", (long long)s->address)};
    enum rc rc;

    json_key(c->json, "holders");
    json_array_open(c->json);
    rc = store_list_objects(c->store, c->arena, &listing, &extent, take_holder, s);
    json_array_close(c->json);
    return rc;
}

int by_address_show(struct context *c) {
    struct search search = {.c = c};
    uint32_t address;
    enum rc rc;

    if (!ip_parse_any(c->args[0], &address))
        return reply_fail(c, 400, "\"%s\" is not an IPv4 address", c->args[0]);
    search.address = ip_to_stored(address);
    c->dependencies.anything = true;
    if (!store_in_transaction(c->store)) /* one snapshot for both lists */
        store_begin_snapshot(c->store);
    rc = find_managers(&search);
    if (rc != RC_OK)
        return reply_rc(c, rc);
    reply_json(c, 200);
    json_object_open(c->json);
    json_key_string(c->json, "address", ip_text(c->arena, address));
    rc = show_holders(&search);
    if (rc != RC_OK)
        return reply_rc(c, rc);
    json_key(c->json, "managers");
    json_array_open(c->json);
    for (size_t i = 0; i < search.count; i++)
        show_ref(c, &search.managers[i].ref);
    json_array_close(c->json);
    json_object_close(c->json);
    return reply_end(c);
}
