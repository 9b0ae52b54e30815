/* changes_event.c: which events of the inventory a request wants, and events to JSON. */
#include "api/changes_event.h"

#include "api/input.h"
#include "api/reply.h"
#include "api/show.h"

static int find_pools(struct context *c, struct feed_filter *filter) {
    const char *unknown;
    size_t count;
    const char *const *names = params_all(&c->request->params, c->arena, "pool", &count);
    enum rc rc;

    if (count == 0)
        return 0;
    if (input_check_nonempty(c, "pool", names, count))
        return c->response->status;
    rc = store_feed_pools(c->store, c->arena, names, count, &filter->pools, &filter->pool_count,
                          &unknown);
    if (rc == RC_NOTFOUND)
        return reply_fail(c, 404, "%s does not exist.", unknown);
    return reply_rc(c, rc);
}

static int read_question(struct context *c, struct arena *lasting, struct feed_filter *filter) {
    const struct query_node *question;

    if (input_question(c, lasting, "q", &question))
        return c->response->status;
    if (question)
        filter->query = store_feed_compile(lasting, question);
    return 0;
}

int changes_event_read(struct context *c, struct arena *lasting, struct changes_wanted *out) {
    const struct params *params = &c->request->params;
    struct feed_filter *f = &out->filter;

    *out = (struct changes_wanted){.attrs = input_boolean(c, "attrs", true)};
    if (input_drivers(c, &f->drivers, &f->driver_count))
        return c->response->status;
    f->objects = params_all(params, c->arena, "object", &f->object_count);
    f->keys = params_all(params, c->arena, "key", &f->key_count);
    return read_question(c, lasting, f) != 0 ? c->response->status : find_pools(c, f);
}

static const char *change_of(const struct changes_wanted *wanted, const struct feed_event *event) {
    static const char *const names[] = {[FEED_DELETED] = "deleted",
                                        [FEED_CREATED] = "created",
                                        [FEED_RENAMED] = "renamed",
                                        [FEED_CHANGED] = "changed",
                                        [FEED_REFERENCED] = "referenced"};

    return event->change != FEED_DELETED && feed_filter_left(&wanted->filter, event)
               ? "left"
               : names[event->change];
}

static void show_attr_change(struct context *c, const struct feed_attr *changed) {
    const struct attr *attr = &changed->attr;
    struct json_writer *w = c->json;

    json_object_open(w);
    json_key(w, "added");
    json_bool(w, changed->added);
    json_key_string(w, "datatype", value_datatype_name(attr->value.datatype));
    json_key(w, "id");
    json_int(w, attr->id);
    json_key_string(w, "key", attr->key);
    json_key(w, "number");
    json_int_or_null(w, attr->has_number, attr->number);
    json_key_string(w, "subkey", attr->subkey);
    json_key(w, "value");
    show_value(c, &attr->value);
    json_object_close(w);
}

static void show_attrs_of(struct context *c, const struct feed_event *event) {
    json_key(c->json, "attrs");
    json_array_open(c->json);
    for (size_t i = 0; i < event->attr_count; i++)
        show_attr_change(c, &event->attrs[i]);
    json_array_close(c->json);
}

static void show_object_of(struct context *c, const struct ref *ref) {
    json_key(c->json, "object");
    if (ref->name)
        show_ref(c, ref);
    else
        json_null(c->json);
}

void changes_event_show(struct context *c, const struct changes_wanted *wanted,
                        const struct feed_event *event) {
    struct json_writer *w = c->json;

    json_object_open(w);
    if (wanted->attrs)
        show_attrs_of(c, event);
    json_key_string(w, "change", change_of(wanted, event));
    json_key_string(w, "description", event->description);
    json_key(w, "id");
    json_int(w, event->ref.id);
    show_object_of(c, &event->ref);
    json_key(w, "seq");
    json_int(w, event->seq);
    json_key_string(w, "time", event->time);
    json_key_string(w, "user", event->user);
    json_key(w, "version");
    json_int_or_null(w, event->version > 0, event->version);
    if (event->was)
        json_key_string(w, "was", event->was);
    json_object_close(w);
}
