/* revert.c: the handler of POST /revert: a version is undone, or an object brought back to one. */
#include "api/revert.h"

#include <string.h>

#include "api/find.h"
#include "api/input.h"
#include "api/point.h"
#include "api/reply.h"
#include "api/show.h"
#include "rules/revert.h"
#include "store/history.h"

/* Objects and attributes are changed, which takes the roles for that: some have a role on the root
 * for other reasons. */
static int check_role(struct context *c) {
    if (c->may_revert)
        return 0;
    return reply_forbid(c, "To revert something, the role \"write\" on \"entity\" and "
                           "\"attribute\" is required, too.");
}

/* --- what is to be reverted */

/* What was written then must be known as a whole: `from` is the earliest version whose changes
 * matter; `what` is that, in the message. */
static int check_floor(struct context *c, int32_t from, const char *what) {
    struct history_floor floor;

    if (reply_rc(c, history_floor(c->store, &floor)))
        return c->response->status;
    if (from <= floor.oldest)
        return point_fail_pruned(c, from, floor.oldest);
    if (from <= floor.exact)
        return reply_fail(c, 409, "%s: what was written up to version %d may not all be known.",
                          what, (int)floor.exact);
    return 0;
}

static int get_version(struct context *c, int64_t version, struct revert *what) {
    struct point point = {.wanted = {.by_number = true, .number = (int32_t)version}};

    if (check_role(c) || point_find(c, &point) ||
        check_floor(c, (int32_t)version,
                    arena_printf(c->arena, "Version %d can't be reverted", (int)version)))
        return c->response->status;
    what->version = (int32_t)version;
    return 0;
}

static int get_object(struct context *c, const char *name, struct revert *what) {
    const char *to = input_nonempty(c, "to");
    struct point point;
    struct ref ref = {0};

    if (!to)
        return reply_fail(c, 412, "Provide the version or time \"to\" which the object goes back");
    if (point_parse(c, "\"to\"", to, &point) || check_role(c) || point_find(c, &point) ||
        check_floor(c, point.found.number + 1,
                    arena_printf(c->arena, "The object can't be brought back to version %d",
                                 (int)point.found.number)) ||
        find_check(c, store_ref_by_name(c->store, c->arena, name, &ref), name, &ref, NULL))
        return c->response->status;
    what->version = point.found.number;
    what->object = ref.id;
    return 0;
}

static int get_revert(struct context *c, struct revert *what) {
    const char *object = input_nonempty(c, "object");
    int64_t version = 0;

    *what = (struct revert){.object = 0};
    if (!revert_is_possible(c->store))
        return reply_fail(c, 409, "This inventory keeps no history.");
    if (input_number(c, "version", 1, INT32_MAX, &version))
        return c->response->status;
    if (version > 0 && (object || input_nonempty(c, "to")))
        return reply_fail(c, 400, "Name either \"version\", or \"object\" and \"to\".");
    if (version > 0)
        return get_version(c, version, what);
    if (object)
        return get_object(c, object, what);
    return reply_fail(c, 412, "Provide the \"version\" to revert, or an \"object\" and \"to\"");
}

/* --- the response */

static int fail_conflict(struct context *c, struct verdict verdict,
                         const struct revert_in_the_way *way) {
    const char *list = "";
    int status = reply_verdict(c, verdict);

    for (size_t i = 0; i < way->count; i++)
        list = arena_printf(c->arena, "%s%s%d", list, i > 0 ? "," : "", (int)way->versions[i]);
    if (way->count > 0)
        response_header(c->response, "Clusto-Conflicts", list);
    return status;
}

/* What may not be done by other requests, either. */
static int check_done(struct context *c, const struct history_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        const struct history_object *o = &list->objects[i];

        if (o->kind != HISTORY_CREATED && o->kind != HISTORY_DELETED)
            continue;
        if (strcmp(o->ref.driver, "clustometa") == 0)
            return reply_fail(c, 409, "clustometa cannot be created or deleted");
        if (find_may_manage(c, driver_of(o->ref.driver, "")))
            return c->response->status;
    }
    return 0;
}

static int show_done(struct context *c, const struct revert *what,
                     const struct history_list *list) {
    struct json_writer *w = reply_json(c, 200);

    json_object_open(w);
    json_key(w, "objects");
    show_changes(c, list->objects, list->count);
    json_key(w, "reverted");
    json_int(w, what->version);
    json_key(w, "version");
    json_int_or_null(w, list->version > 0, list->version);
    json_object_close(w);
    return reply_end(c);
}

int revert_post(struct context *c) {
    struct revert_in_the_way way;
    struct history_list done;
    struct verdict verdict;
    struct revert what;

    c->dry_run = c->dry_run || input_boolean(c, "dry_run", false);
    if (get_revert(c, &what))
        return c->response->status;
    verdict = revert_perform(c->store, c->arena, &what, &way);
    if (verdict.rc != RC_OK)
        return fail_conflict(c, verdict, &way);
    if (reply_rc(c, history_of_transaction(c->store, c->arena, 0, &done)) || check_done(c, &done))
        return c->response->status;
    return show_done(c, &what, &done);
}
