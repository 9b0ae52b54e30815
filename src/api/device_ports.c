/* device_ports.c: handlers of /entity/DRIVER/NAME/ports: a device's ports are shown, connected and
 * disconnected. */
#include "api/device_ports.h"

#include <string.h>

#include "api/condition.h"
#include "api/find.h"
#include "api/input.h"
#include "api/reply.h"
#include "base/num.h"
#include "model/driver.h"
#include "rules/ports.h"

static void show_port(struct context *c, const struct object *object, const char *key,
                      int32_t number) {
    const struct attr *connection = ports_attr(object, key, number, "connection");
    const struct attr *other = ports_attr(object, key, number, "otherportnum");
    struct json_writer *w = c->json;

    json_object_open(w);
    json_key(w, "connection");
    if (connection && connection->value.related_name)
        json_string(w, value_path(c->arena, connection->value.related_driver,
                                  connection->value.related_name));
    else
        json_null(w);
    json_key(w, "number");
    json_int(w, number);
    json_key(w, "otherportnum");
    if (other && other->value.datatype == DATATYPE_INT)
        json_int(w, other->value.number);
    else
        json_null(w);
    json_object_close(w);
}

static int show_ports(struct context *c, const struct object *object) {
    const struct driver *driver = driver_of(object->ref.driver, object->ref.type);

    reply_json(c, 200);
    json_object_open(c->json);
    for (size_t i = 0; i < driver->port_count; i++) {
        json_key(c->json, driver->ports[i].type);
        json_array_open(c->json);
        for (int32_t number = 1; number <= driver->ports[i].count; number++)
            show_port(c, object, ports_key(c->arena, driver->ports[i].type), number);
        json_array_close(c->json);
    }
    json_object_close(c->json);
    return reply_end(c);
}

int device_ports_show(struct context *c) {
    struct object object = {0};
    enum rc rc = store_attrs_by_name(c->store, c->arena, c->args[1], NULL, &object);

    if (find_check(c, rc, c->args[1], &object.ref, c->args[0]))
        return c->response->status;
    reply_depends_on(c, object.ref.id);
    return show_ports(c, &object);
}

/* A port's number; 0: it is missing or none, which was refused. */
static int32_t port_number(struct context *c, const char *name) {
    const char *text = params_last(&c->request->params, name);
    int64_t number = 0;

    if (!text || num_parse_range(text, 1, INT32_MAX, &number) != NUM_OK)
        reply_fail(c, 400, "Parameter '%s' must be the number of a port, from 1.", name);
    return (int32_t)number;
}

/* The device and the other one, locked in one go. */
static int lock_devices(struct context *c, const char *to, struct ref refs[2]) {
    const char *names[2] = {c->args[1], to};
    enum rc rc = store_lock(c->store, c->arena, names, to ? 2 : 1, LOCK_CHANGE, refs);

    if (rc == RC_OK && refs[0].id == 0)
        rc = RC_NOTFOUND;
    if (find_check(c, rc, c->args[1], &refs[0], c->args[0]))
        return c->response->status;
    if (to && refs[1].id == 0)
        return reply_fail(c, 404, "Object \"%s\" not found (%s does not exist.)", to, to);
    return 0;
}

static int connect_devices(struct context *c, const char *type, int32_t number) {
    const char *to = input_nonempty(c, "to");
    struct ref refs[2] = {{0}};
    struct ports_end ends[2] = {{&refs[0], number}, {&refs[1], 0}};

    if (!to)
        return reply_fail(c, 400, "Parameter 'to' is required.");
    ends[1].number = port_number(c, "to_number");
    if (ends[1].number == 0 || lock_devices(c, to, refs) || condition_check(c, &refs[0]))
        return c->response->status;
    return reply_verdict(c, ports_connect(c->store, c->arena, type, ends));
}

static int disconnect_device(struct context *c, const char *type, int32_t number) {
    struct ref refs[2] = {{0}};
    const struct ports_end end = {&refs[0], number};

    if (lock_devices(c, NULL, refs) || condition_check(c, &refs[0]))
        return c->response->status;
    return reply_verdict(c, ports_disconnect(c->store, c->arena, type, &end));
}

int device_ports_action(struct context *c) {
    const char *action = input_nonempty(c, "action"), *type = input_nonempty(c, "type");
    bool connect = action && strcmp(action, "connect") == 0;
    struct object object = {0};
    int32_t number;

    if (!connect && (!action || strcmp(action, "disconnect") != 0))
        return reply_fail(c, 400, "Parameter 'action' must be connect or disconnect.");
    if (!type)
        return reply_fail(c, 400, "Parameter 'type' is required.");
    number = port_number(c, "number");
    if (number == 0 ||
        (connect ? connect_devices(c, type, number) : disconnect_device(c, type, number)) ||
        reply_rc(c, store_attrs_by_name(c->store, c->arena, c->args[1], NULL, &object)))
        return c->response->status;
    return show_ports(c, &object);
}
