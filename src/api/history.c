/* history.c: handlers of /history and /diff: who changed what, and what is different. */
#include "api/history.h"

#include "api/input.h"
#include "api/point.h"
#include "api/reply.h"
#include "api/show.h"
#include "store/history.h"

enum { MAX_LIMIT = 200, USUAL_LIMIT = 50, OBJECTS_OF_VERSION = 100 };

/* --- what is asked for */

/* Which objects: by a name that they have or had, or by id; none named: all. */
struct wanted {
    bool some;
    int32_t *ids;
    size_t count;
};

static int get_objects(struct context *c, struct wanted *out) {
    const char *name = input_nonempty(c, "object");
    int64_t id = 0;

    *out = (struct wanted){.some = false};
    if (input_number(c, "id", 1, INT32_MAX, &id))
        return c->response->status;
    if (name && id > 0)
        return reply_fail(c, 400, "Name either \"object\" or \"id\".");
    out->some = name || id > 0;
    if (id > 0) {
        out->ids = arena_array(c->arena, 1, sizeof *out->ids);
        out->ids[out->count++] = (int32_t)id;
    }
    return 0;
}

/* In the snapshot. */
static int find_objects(struct context *c, struct wanted *wanted) {
    const char *name = input_nonempty(c, "object");

    if (!name)
        return 0;
    if (reply_rc(c, history_ids(c->store, c->arena, name, &wanted->ids, &wanted->count)))
        return c->response->status;
    if (wanted->count == 0)
        return reply_fail(c, 404, "Object \"%s\" not found (%s never existed.)", name, name);
    return 0;
}

/* A point in time; *given: is the parameter there? */
static int get_point(struct context *c, const char *name, struct point *out, bool *given) {
    const char *text = input_nonempty(c, name);

    *given = text != NULL;
    if (text)
        return point_parse(c, arena_printf(c->arena, "\"%s\"", name), text, out);
    *out = point_now();
    return 0;
}

static int check_order(struct context *c, const struct point *from, const struct point *to) {
    if (from->found.number <= to->found.number)
        return 0;
    return reply_fail(c, 400, "\"from\" (version %d) is later than \"to\" (version %d).",
                      (int)from->found.number, (int)to->found.number);
}

/* --- versions */

enum { NOW, FROM, TO, POINTS };

struct versions {
    struct context *c;
    const struct history_version *items;
    size_t count;
    size_t at;  /* the one that is being shown, or the next */
    bool begun; /* its objects are being shown */
};

static void begin_version(struct versions *v, int64_t more) {
    struct json_writer *w = v->c->json;

    json_object_open(w);
    json_key_string(w, "description", v->items[v->at].description);
    json_key(w, "more");
    json_int(w, more);
    json_key(w, "objects");
    json_array_open(w);
    v->begun = true;
}

static void end_version(struct versions *v, bool details) {
    const struct history_version *version = &v->items[v->at++];
    struct json_writer *w = v->c->json;

    if (details)
        json_array_close(w);
    json_key_string(w, "time", version->time);
    json_key_string(w, "user", version->user);
    json_key(w, "version");
    json_int(w, version->version);
    json_object_close(w);
    v->begun = false;
}

/* Those up to this one, all: 0. */
static void end_versions(struct versions *v, int32_t until) {
    while (v->at < v->count && v->items[v->at].version != until) {
        if (!v->begun)
            begin_version(v, 0);
        end_version(v, true);
    }
}

static bool take_object(void *context, const struct history_object *object) {
    struct versions *v = context;

    end_versions(v, object->version);
    if (!v->begun)
        begin_version(v, object->more);
    show_change(v->c, object);
    return reply_list_is_wanted(v->c);
}

static enum rc show_details(struct versions *v, const struct wanted *wanted) {
    struct context *c = v->c;
    struct history_span *spans = arena_array(c->arena, v->count + 1, sizeof *spans);
    struct history_query query = {.spans = spans,
                                  .count = v->count,
                                  .limit = OBJECTS_OF_VERSION,
                                  .ids = wanted->ids,
                                  .id_count = wanted->count};
    enum rc rc;

    for (size_t i = 0; i < v->count; i++)
        spans[i] = (struct history_span){v->items[i].version - 1, v->items[i].version};
    rc = history_changes(c->store, &query, take_object, v);
    if (rc == RC_OK)
        end_versions(v, 0);
    return rc;
}

static void show_plain(struct versions *v) {
    while (v->at < v->count) {
        json_object_open(v->c->json);
        json_key_string(v->c->json, "description", v->items[v->at].description);
        end_version(v, false);
    }
}

/* One version more than the limit tells that there is another page. */
static int show_versions(struct context *c, const struct history_floor *floor,
                         const struct wanted *wanted, struct versions *v, bool more) {
    struct json_writer *w = reply_json(c, 200);
    enum rc rc = RC_OK;

    json_object_open(w);
    json_key(w, "floor");
    json_object_open(w);
    json_key(w, "exact");
    json_int(w, floor->exact);
    json_key(w, "oldest");
    json_int(w, floor->oldest);
    json_object_close(w);
    json_key(w, "next");
    json_int_or_null(w, more, more ? v->items[v->count - 1].version : 0);
    json_key(w, "versions");
    json_array_open(w);
    if (input_boolean(c, "details", false))
        rc = show_details(v, wanted);
    else
        show_plain(v);
    if (rc != RC_OK)
        return reply_rc(c, rc);
    json_array_close(w);
    json_object_close(w);
    return reply_end(c);
}

static int32_t least(int32_t a, int32_t b) {
    return a < b ? a : b;
}

/* The bounds, both exclusive. Nothing is known of what versions up to the floor did. */
static void set_bounds(struct history_filter *filter, const struct point *points, const bool *given,
                       const struct history_floor *floor, int64_t before) {
    const int32_t from = points[FROM].found.number;
    int32_t last = points[NOW].found.number;

    filter->above = floor->oldest;
    if (given[FROM] && from > filter->above)
        filter->above = from;
    if (given[TO])
        last = least(last, points[TO].found.number);
    filter->below = least((int32_t)before, last + 1);
}

int history_show(struct context *c) {
    struct history_filter filter = {.user = input_nonempty(c, "user")};
    struct point points[POINTS] = {[NOW] = point_now()};
    struct history_version *found = NULL;
    struct history_floor floor;
    struct versions v = {.c = c};
    struct wanted wanted;
    int64_t before = INT32_MAX, limit = USUAL_LIMIT;
    bool given[POINTS];

    if (get_objects(c, &wanted) || get_point(c, "from", &points[FROM], &given[FROM]) ||
        get_point(c, "to", &points[TO], &given[TO]) ||
        input_number(c, "before", 1, INT32_MAX, &before) ||
        input_number(c, "limit", 1, MAX_LIMIT, &limit) || point_begin(c, points, POINTS) ||
        (given[FROM] && given[TO] && check_order(c, &points[FROM], &points[TO])) ||
        find_objects(c, &wanted) || reply_rc(c, history_floor(c->store, &floor)))
        return c->response->status;
    filter.of_objects = wanted.some;
    filter.ids = wanted.ids;
    filter.id_count = wanted.count;
    filter.limit = (int32_t)limit + 1;
    set_bounds(&filter, points, given, &floor, before);
    if (reply_rc(c, history_versions(c->store, c->arena, &filter, &found, &v.count)))
        return c->response->status;
    v.items = found;
    if (v.count <= (size_t)limit)
        return show_versions(c, &floor, &wanted, &v, false);
    v.count = (size_t)limit;
    return show_versions(c, &floor, &wanted, &v, true);
}

/* --- differences */

static void show_ends(struct context *c, const struct point *from) {
    json_key(c->json, "from");
    json_int(c->json, from->found.number);
}

static void show_exact(struct context *c, const struct point *from, const struct point *to) {
    json_key(c->json, "exact");
    json_bool(c->json, from->found.exact && to->found.exact);
}

static int diff_page(struct context *c, const struct point *from, const struct point *to,
                     const struct history_query *query) {
    struct history_list list;
    struct json_writer *w;

    if (reply_rc(c, history_page(c->store, c->arena, query, &list)))
        return c->response->status;
    w = reply_json(c, 200);
    json_object_open(w);
    show_exact(c, from, to);
    show_ends(c, from);
    json_key(w, "next");
    json_int_or_null(w, list.more > 0, list.last);
    json_key(w, "objects");
    show_changes(c, list.objects, list.count);
    json_key(w, "to");
    json_int(w, to->found.number);
    json_object_close(w);
    return reply_end(c);
}

/* --- the same, an object a line */

struct lines {
    struct context *c;
    int64_t count;
};

static bool take_line(void *context, const struct history_object *object) {
    struct lines *lines = context;

    reply_line_begin(lines->c);
    show_change(lines->c, object);
    lines->count++;
    return reply_line_end(lines->c);
}

static int diff_lines(struct context *c, const struct point *from, const struct point *to,
                      const struct history_query *query) {
    struct lines lines = {.c = c};
    struct json_writer *w = c->json;
    enum rc rc;

    c->response->status = 200;
    response_header(c->response, "Content-Type", "application/x-ndjson");
    rc = history_changes(c->store, query, take_line, &lines);
    if (rc != RC_OK)
        return reply_rc(c, rc);
    reply_line_begin(c);
    json_object_open(w);
    json_key(w, "complete");
    json_bool(w, true);
    show_exact(c, from, to);
    show_ends(c, from);
    json_key(w, "objects");
    json_int(w, lines.count);
    json_key(w, "to");
    json_int(w, to->found.number);
    json_object_close(w);
    (void)reply_line_end(c);
    return 200;
}

int history_diff(struct context *c) {
    bool lines = input_accepts_lines(c), given;
    struct point points[2];
    struct history_span span;
    struct history_query query = {.spans = &span, .count = 1};
    struct wanted wanted;
    int64_t after = 0;

    query.limit = USUAL_LIMIT;
    if (get_point(c, "from", &points[0], &given))
        return c->response->status;
    if (!given)
        return reply_fail(c, 412, "Provide the version or time \"from\" which to compare");
    if (get_objects(c, &wanted) || get_point(c, "to", &points[1], &given) ||
        input_number(c, "after", 0, INT32_MAX, &after) ||
        input_number(c, "limit", 1, MAX_LIMIT, &query.limit) || point_begin(c, points, 2) ||
        check_order(c, &points[0], &points[1]) || find_objects(c, &wanted))
        return c->response->status;
    span = (struct history_span){points[0].found.number, points[1].found.number};
    query.after = (int32_t)after;
    query.only_ids = wanted.some;
    query.ids = wanted.ids;
    query.id_count = wanted.count;
    if (!lines)
        return diff_page(c, &points[0], &points[1], &query);
    query.limit = 0;
    return diff_lines(c, &points[0], &points[1], &query);
}
