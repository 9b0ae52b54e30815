/* ports.c: cables between the ports of two devices (contract/coexistence.md, "Ports"). */
#include "rules/ports.h"

#include <stdlib.h>
#include <string.h>

static const char PREFIX[] = "port-";
static const char CONNECTION[] = "connection";
static const char OTHER[] = "otherportnum";

const char *ports_key(struct arena *arena, const char *type) {
    return arena_printf(arena, "%s%s", PREFIX, type);
}

const char *ports_connected(const struct attr *attr) {
    size_t prefix = strlen(PREFIX);

    if (strncmp(attr->key, PREFIX, prefix) != 0 || !attr->has_number || !attr->subkey ||
        strcmp(attr->subkey, CONNECTION) != 0)
        return NULL;
    return attr->key + prefix;
}

bool ports_exists(const struct driver *driver, const char *type, int32_t number) {
    for (size_t i = 0; i < driver->port_count; i++)
        if (strcmp(driver->ports[i].type, type) == 0 && number >= 1 &&
            number <= driver->ports[i].count)
            return true;
    return false;
}

const struct attr *ports_attr(const struct object *object, const char *key, int32_t number,
                              const char *subkey) {
    for (size_t i = 0; i < object->attr_count; i++) {
        const struct attr *attr = &object->attrs[i];

        if (attr->has_number && attr->number == number && attr->key && attr->subkey &&
            strcmp(attr->key, key) == 0 && strcmp(attr->subkey, subkey) == 0)
            return attr;
    }
    return NULL;
}

static struct verdict check_exists(struct arena *arena, const char *type,
                                   const struct ports_end *end) {
    if (ports_exists(driver_of(end->device->driver, end->device->type), type, end->number))
        return verdict_of(RC_OK);
    return verdict_no(arena, RC_INVALID, "\"%s\" has no port %s %d", end->device->name, type,
                      end->number);
}

/* The attributes of one port. */
static enum rc read_port(struct store *store, struct arena *arena, const char *key,
                         const struct ports_end *end, struct object *out) {
    const struct attr_filter filter = {.key = key, .has_number = true, .number = end->number};

    return store_attrs_by_name(store, arena, end->device->name, &filter, out);
}

/* What Python clusto left: it deletes a device with the relations to it, and not their numbers. */
static void delete_stale(struct store *store, const struct object *port, const char *key,
                         int32_t number) {
    const struct attr *back = ports_attr(port, key, number, OTHER);

    if (back)
        store_delete_attrs(store, &back->id, 1);
}

static struct verdict check_free(struct store *store, struct arena *arena, const char *type,
                                 const struct ports_end *end) {
    const char *key = ports_key(arena, type);
    struct object port;

    RC_TRY(read_port(store, arena, key, end, &port));
    if (ports_attr(&port, key, end->number, CONNECTION))
        return verdict_no(arena, RC_CONFLICT, "port %s %d of \"%s\" is in use", type, end->number,
                          end->device->name);
    delete_stale(store, &port, key, end->number);
    return verdict_of(RC_OK);
}

/* Python clusto connects one end after the other, and must not wait for us while we wait for it:
 * the second one is not waited for, and another time it is perhaps the first. */
static enum rc claim(struct store *store, const char *key, const struct ports_end ends[2]) {
    size_t first = (size_t)random() & 1;
    bool busy;
    enum rc rc =
        store_claim_port(store, ends[first].device->id, key, ends[first].number, true, &busy);

    if (rc == RC_OK)
        rc = store_claim_port(store, ends[!first].device->id, key, ends[!first].number, false,
                              &busy);
    return rc == RC_OK && busy ? RC_RETRY : rc;
}

static void add_end(struct store *store, const char *key, const struct ports_end *here,
                    const struct ports_end *there) {
    struct attr rows[2] = {{.key = key, .has_number = true, .number = here->number}};

    rows[1] = rows[0];
    rows[0].subkey = CONNECTION;
    rows[0].value = (struct value){.datatype = DATATYPE_RELATION, .related_id = there->device->id};
    rows[1].subkey = OTHER;
    rows[1].value = (struct value){.datatype = DATATYPE_INT, .number = there->number};
    store_add_attrs(store, here->device->id, rows, 2);
}

struct verdict ports_connect(struct store *store, struct arena *arena, const char *type,
                             const struct ports_end ends[2]) {
    const char *key = ports_key(arena, type);

    VERDICT_TRY(check_exists(arena, type, &ends[0]));
    VERDICT_TRY(check_exists(arena, type, &ends[1]));
    if (ends[0].device->id == ends[1].device->id && ends[0].number == ends[1].number)
        return verdict_no(arena, RC_CONFLICT, "port %s %d cannot be connected with itself", type,
                          ends[0].number);
    RC_TRY(claim(store, key, ends));
    VERDICT_TRY(check_free(store, arena, type, &ends[0]));
    VERDICT_TRY(check_free(store, arena, type, &ends[1]));
    add_end(store, key, &ends[0], &ends[1]);
    add_end(store, key, &ends[1], &ends[0]);
    return verdict_of(RC_OK);
}

/* What connects this end, with `other` (0: with whatever it is). */
static void delete_end(struct store *store, const struct object *port, const char *key,
                       int32_t number, int32_t other) {
    const struct attr *connection = ports_attr(port, key, number, CONNECTION);
    const struct attr *back = ports_attr(port, key, number, OTHER);
    int32_t ids[2];
    size_t count = 0;

    if (other != 0 && (!connection || connection->value.related_id != other))
        return;
    if (connection)
        ids[count++] = connection->id;
    if (back)
        ids[count++] = back->id;
    store_delete_attrs(store, ids, count);
}

struct verdict ports_disconnect(struct store *store, struct arena *arena, const char *type,
                                const struct ports_end *end) {
    const char *key = ports_key(arena, type);
    const struct attr *connection, *back;
    struct object port, other;
    struct ports_end there;
    struct ref ref;

    VERDICT_TRY(check_exists(arena, type, end));
    RC_TRY(read_port(store, arena, key, end, &port));
    connection = ports_attr(&port, key, end->number, CONNECTION);
    back = ports_attr(&port, key, end->number, OTHER);
    if (connection && back && connection->value.related_name) {
        enum rc rc =
            store_lock_one(store, arena, connection->value.related_name, LOCK_CHANGE, &ref);

        there = (struct ports_end){&ref, (int32_t)back->value.number};
        if (rc == RC_OK)
            rc = read_port(store, arena, key, &there, &other);
        if (rc == RC_OK)
            delete_end(store, &other, key, there.number, end->device->id);
        else if (rc != RC_NOTFOUND)
            return verdict_of(rc);
    }
    delete_end(store, &port, key, end->number, 0);
    return verdict_of(RC_OK);
}
