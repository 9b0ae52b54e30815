/* preferences.c: handlers of /preferences: requests to reads and changes of documents. */
#include "api/preferences.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "api/preferences_changes.h"
#include "api/preferences_input.h"
#include "api/preferences_search.h"
#include "api/reply.h"
#include "base/hash.h"
#include "base/num.h"
#include "base/quote.h"
#include "rules/prefs_document.h"
#include "rules/prefs_perform.h"
#include "store/prefs.h"
#include "json/reader.h"

/* How many times larger than the largest document a response may be. */
enum { INDENTED_MAX = 8 };

/* Per-user answers under one URL: no shared cache may keep them. */
static int private_answer(struct context *c, int status) {
    if (!c->response->started)
        response_header(c->response, "Cache-Control", "private, no-cache");
    return status;
}

/* --- answers ------------------------------------------------------------------------------------
 */

static int fail_missing(struct context *c, const struct prefs_change *change) {
    if (change->location.count == 0)
        return reply_fail(c, 404, "Container %s not found.", quote(c->arena, change->container));
    return reply_fail(c, 404, "%s not found in container %s.",
                      prefs_location_text(c->arena, &change->location, change->location.count),
                      quote(c->arena, change->container));
}

static void set_etag(struct context *c, const char *tag) {
    response_header(c->response, "ETag",
                    arena_join(c->arena, (const char *[]){"\"", tag, "\"", NULL}));
}

/* The tag of what is shown, indented or in one line. */
static void set_shown_etag(struct context *c, const char *tag) {
    set_etag(c, preferences_shown_tag(c, tag));
    response_header(c->response, "Vary", "Clusto-Minify");
}

/* 412 and 304 of a GET (RFC 9110 13.2.2); 0: the answer is wanted. */
static int check_conditions(struct context *c, const struct prefs_change *change, const char *tag) {
    const char *shown = preferences_shown_tag(c, tag);

    if (change->if_match.count > 0 && !etag_list_has_strong(&change->if_match, tag))
        return reply_fail(c, 412, "Precondition failed for %s.",
                          quote(c->arena, c->request->target));
    if (!change->if_none_match.any && !etag_list_has_weak(&change->if_none_match, shown))
        return 0;
    set_shown_etag(c, tag);
    private_answer(c, 304);
    return reply_empty(c, 304);
}

static int answer_tree(struct context *c, const struct json_node *tree, const char *tag) {
    size_t most = INDENTED_MAX * (size_t)c->options->preferences_document_bytes;

    if (!reply_is_minified(c) && json_indentation(tree, 0) > most)
        return reply_fail(c, 413,
                          "With indentation it has more than %zu bytes. Send the header "
                          "Clusto-Minify: true to get it in one line.",
                          most);
    set_shown_etag(c, tag);
    private_answer(c, 200);
    json_tree(reply_json(c, 200), tree);
    return reply_end(c);
}

static int perform(struct context *c, const struct prefs_change *change) {
    struct prefs_outcome outcome;

    if (reply_verdict(c,
                      prefs_change_perform(c->store, c->arena, c->request->user, change, &outcome)))
        return c->response->status;
    /* After PUT a tag would say that the bytes were stored as sent (RFC 9110 9.3.4). */
    if (outcome.revision > 0 && change->kind != CHANGE_PUT)
        set_etag(c, prefs_etag(c->arena, outcome.revision));
    return reply_empty(c, outcome.created && change->kind == CHANGE_PUT ? 201 : 204);
}

/* --- the list of containers ---------------------------------------------------------------------
 */

/* A tag for a list: a hash of its names. No revision: it does not serve for writes. */
static const char *list_tag(struct context *c, const char *const *names, size_t count) {
    uint64_t hash = HASH_START;

    for (size_t i = 0; i < count; i++)
        hash = hash_add(hash, names[i]);
    return arena_printf(c->arena, "list-%016llx", (unsigned long long)hash);
}

static int answer_names(struct context *c, const char *const *names, size_t count) {
    struct json_writer *w = reply_json(c, 200);

    json_array_open(w);
    for (size_t i = 0; i < count; i++)
        json_string(w, names[i]);
    json_array_close(w);
    return reply_end(c);
}

static int list(struct context *c) {
    struct prefs_change change = {0};
    const char *const *names;
    const char *search;
    const char *tag;
    size_t count;
    int status;

    if (preferences_conditions(c, &change) || preferences_read_search(c, &search) ||
        reply_rc(c, store_prefs_list(c->store, c->arena, c->request->user, search, &names, &count)))
        return c->response->status;
    tag = list_tag(c, names, count);
    status = check_conditions(c, &change, tag);
    if (status != 0)
        return status;
    set_shown_etag(c, tag);
    private_answer(c, 200);
    return answer_names(c, names, count);
}

/* A list of containers and one of changes have parameters of their own. */
static int check_parameters(struct context *c, bool changes) {
    const struct params *params = &c->request->params;

    if (changes && (params_last(params, "contains") || c->request->body_length > 0))
        return reply_fail(c, 400, "Send \"changes\" or what to search for, not both.");
    if (!changes && (params_last(params, "since") || params_last(params, "limit")))
        return reply_fail(c, 400,
                          "\"since\" and \"limit\" are for changes: send \"changes\", too.");
    return 0;
}

int preferences_list(struct context *c) {
    bool changes = params_last(&c->request->params, "changes") != NULL;

    if (check_parameters(c, changes))
        return c->response->status;
    return changes ? preferences_changes(c) : private_answer(c, list(c));
}

int preferences_unnamed(struct context *c) {
    return private_answer(c, reply_fail(c, 400, "Name the container in the path."));
}

static int delete_all(struct context *c) {
    struct prefs_change change = {0};

    if (preferences_conditions(c, &change))
        return c->response->status;
    if (etag_list_given(&change.if_match) || etag_list_given(&change.if_none_match))
        return reply_fail(c, 400, "If-Match and If-None-Match are for one container.");
    if (reply_rc(c, store_prefs_delete_all(c->store, c->request->user)))
        return c->response->status;
    return reply_empty(c, 204);
}

int preferences_delete_all(struct context *c) {
    return private_answer(c, delete_all(c));
}

/* --- one container ------------------------------------------------------------------------------
 */

/* The stored text as a tree, which may be older than today's limits. */
static const struct json_node *read_stored(struct context *c,
                                           const struct prefs_document *document) {
    static const struct json_limits wide = {.depth = 10000};
    struct json_error error;
    struct json_node *tree = json_read(c->arena, document->text, document->length, &wide, &error);

    if (tree != NULL)
        prefs_document_shorten(c->arena, tree, (size_t)c->options->json_number_characters,
                               c->options->json_exponent);
    return tree;
}

static int ask(struct context *c) {
    struct prefs_change *change = arena_array(c->arena, 1, sizeof *change);
    const struct json_pointer *location = &change->location;

    if (preferences_begin(c, change))
        return c->response->status;
    c->asked = change;
    c->read = store_ask_prefs(c->arena, c->request->user, change->container,
                              prefs_location_steps(c->arena, location),
                              prefs_location_is_plain(location) ? location->count : 0);
    return 0;
}

int preferences_ask(struct context *c) {
    int status = ask(c);

    return status == 0 ? 0 : private_answer(c, status);
}

static int show(struct context *c) {
    const struct prefs_change *change = c->asked;
    struct prefs_document document;
    const struct json_node *tree;
    const char *tag;
    bool plain = prefs_location_is_plain(&change->location);
    enum rc rc = store_take_prefs(c->store, c->read, &document);
    int status;

    if (rc == RC_NOTFOUND || (rc == RC_OK && document.text == NULL))
        return fail_missing(c, change);
    if (rc != RC_OK)
        return reply_rc(c, rc);
    reply_depends_on(c, document.user_key);
    tag = prefs_etag(c->arena, document.revision);
    if (plain && (status = check_conditions(c, change, tag)) != 0)
        return status;
    tree = read_stored(c, &document);
    if (tree == NULL)
        return reply_rc(c, RC_BUG);
    if (!plain)
        tree = json_pointer_get(tree, &change->location);
    if (tree == NULL)
        return fail_missing(c, change);
    if (!plain && (status = check_conditions(c, change, tag)) != 0)
        return status;
    return answer_tree(c, tree, tag);
}

int preferences_show(struct context *c) {
    return private_answer(c, show(c));
}

/* A path that is deeper than a document may be, or becomes so with what is put there. */
static int check_depth(struct context *c, const struct prefs_change *change) {
    if (change->location.count + json_depth(change->value) <= change->depth)
        return 0;
    return reply_fail(c, 400, "The result would be nested more than %zu levels.", change->depth);
}

static int write_value(struct context *c) {
    static const struct json_node empty = {.type = JSON_OBJECT};
    struct prefs_change change;
    bool whole;

    if (preferences_begin(c, &change))
        return c->response->status;
    whole = change.location.count == 0;
    change.kind = whole ? CHANGE_MERGE : CHANGE_SET;
    change.value = &empty;
    if (c->request->body_length == 0 && whole)
        change.kind = CHANGE_CREATE;
    else if (c->request->body_length > 0)
        change.value = preferences_read_body(c, change.depth);
    if (change.value == NULL || check_depth(c, &change))
        return c->response->status;
    if (whole && change.value->type != JSON_OBJECT)
        return reply_fail(c, 400, "A container takes a JSON object.");
    return perform(c, &change);
}

int preferences_write(struct context *c) {
    return private_answer(c, write_value(c));
}

static int replace(struct context *c) {
    struct prefs_change change;

    if (preferences_begin(c, &change))
        return c->response->status;
    change.kind = CHANGE_PUT;
    change.value = preferences_read_body(c, change.depth);
    if (change.value == NULL)
        return c->response->status;
    if (change.value->type != JSON_OBJECT)
        return reply_fail(c, 400, "A container takes a JSON object.");
    return perform(c, &change);
}

int preferences_replace(struct context *c) {
    return private_answer(c, replace(c));
}

static int fail_patch_type(struct context *c) {
    int status = reply_fail(c, 415, "A patch is %s.",
                            "application/merge-patch+json or "
                            "application/json-patch+json");

    response_header(c->response, "Accept-Patch", PREFERENCES_PATCHES);
    return status;
}

static int patch(struct context *c) {
    enum { OPERATIONS = 2 }; /* levels around the values of a JSON patch: the list, the operation */
    struct prefs_change change;
    size_t depth;

    if (preferences_begin(c, &change))
        return c->response->status;
    depth = change.depth;
    if (request_has_type(c->request, "application/merge-patch+json")) {
        change.kind = CHANGE_MERGE_PATCH;
    } else if (request_has_type(c->request, "application/json-patch+json")) {
        change.kind = CHANGE_JSON_PATCH;
        depth += OPERATIONS;
    } else {
        return fail_patch_type(c);
    }
    change.value = preferences_read_body(c, depth);
    if (change.value == NULL)
        return c->response->status;
    return perform(c, &change);
}

int preferences_patch(struct context *c) {
    return private_answer(c, patch(c));
}

static int delete (struct context *c) {
    struct prefs_change change;

    if (preferences_begin(c, &change))
        return c->response->status;
    change.kind = change.location.count > 0 ? CHANGE_REMOVE : CHANGE_DELETE;
    return perform(c, &change);
}

int preferences_delete(struct context *c) {
    return private_answer(c, delete (c));
}
