/* prefs_change.c: one write to a preferences document, decided on what is stored. */
#include "rules/prefs_change.h"

#include <assert.h>
#include <string.h>

#include "base/num.h"
#include "base/quote.h"
#include "rules/prefs_document.h"
#include "json/patch.h"
#include "json/reader.h"
#include "json/writer.h"

/* What one decision works on. */
struct work {
    struct arena *arena;
    const struct prefs_change *change;
    const struct prefs_document *current;
    struct json_node *before; /* the tree of `current`, or an empty object */
    const struct json_node *after;
    const char **message;
};

const char *prefs_etag(struct arena *arena, int64_t revision) {
    char room[NUM_DIGITS];

    return arena_strdup(arena, num_text(room, (uint64_t)revision, 10));
}

const char *prefs_location_text(struct arena *arena, const struct json_pointer *location,
                                size_t steps) {
    const char *text = "";

    for (size_t i = 0; i < steps && strlen(text) <= QUOTE_LIMIT; i++)
        text = arena_printf(arena, "%s%s%s", text, i > 0 || !location->keys_only ? "/" : "",
                            location->tokens[i].text);
    return quote(arena, text);
}

static enum prefs_result refuse(struct work *w, enum prefs_result result, const char *message) {
    *w->message = message;
    return result;
}

/* The stored document is ours and within bounds that may have been wider once. */
static bool read_current(struct work *w) {
    static const struct json_limits none = {.depth = 10000};
    struct json_error error;

    if (w->current == NULL) {
        w->before = arena_alloc(w->arena, sizeof(*w->before));
        w->before->type = JSON_OBJECT;
        return true;
    }
    w->before = json_read(w->arena, w->current->text, w->current->length, &none, &error);
    return w->before != NULL;
}

/* "*" is about what is at the location, a tag about the whole document's revision. */
static bool precondition_holds(const struct work *w) {
    const struct prefs_change *change = w->change;
    bool exists = w->current != NULL && json_pointer_get(w->before, &change->location) != NULL;
    const char *etag = w->current ? prefs_etag(w->arena, w->current->revision) : NULL;

    if (change->if_match.any && !exists)
        return false;
    if (change->if_match.count > 0 && (!etag || !etag_list_has_strong(&change->if_match, etag)))
        return false;
    if (change->if_none_match.any && exists)
        return false;
    return !(etag && etag_list_has_weak(&change->if_none_match, etag));
}

static struct json_edit edit(const struct work *w) {
    return json_edit_begin(w->arena, w->before, NULL);
}

static enum prefs_result apply_create(struct work *w) {
    if (w->current != NULL)
        return CHANGE_KEEP;
    w->after = w->before;
    return CHANGE_WRITE;
}

static enum prefs_result apply_merge(struct work *w) {
    json_edit_merge(w->arena, w->before, w->change->value, false);
    w->after = w->before;
    return CHANGE_WRITE;
}

static enum prefs_result apply_set(struct work *w) {
    const struct json_pointer *location = &w->change->location;
    struct json_edit e = edit(w);
    size_t blocked;

    if (json_edit_set(&e, location, w->change->value, &blocked)) {
        w->after = e.root;
        return CHANGE_WRITE;
    }
    assert(blocked > 0); /* a document is an object, which can hold anything */
    return refuse(w, CHANGE_CONFLICT,
                  arena_printf(w->arena, "%s in the way can't hold %s.",
                               prefs_location_text(w->arena, location, blocked),
                               quote(w->arena, location->tokens[blocked].text)));
}

static enum prefs_result apply_remove(struct work *w) {
    struct json_edit e = edit(w);

    if (json_edit_take(&e, &w->change->location) == NULL)
        return CHANGE_KEEP;
    w->after = e.root;
    return CHANGE_WRITE;
}

static enum prefs_result patch_failed(struct work *w, const struct json_patch_error *error) {
    switch (error->result) {
    case JSON_PATCH_MALFORMED: return refuse(w, CHANGE_INVALID, error->message);
    case JSON_PATCH_LIMIT: return refuse(w, CHANGE_TOO_LARGE, error->message);
    case JSON_PATCH_MISSING:
    case JSON_PATCH_TEST:
    case JSON_PATCH_OK: break;
    }
    return refuse(w, CHANGE_CONFLICT, error->message);
}

static enum prefs_result apply_patch(struct work *w) {
    const struct prefs_change *change = w->change;
    int64_t stored = w->current != NULL ? w->current->bytes : 0;
    size_t bytes = (size_t)(stored > change->document_bytes ? stored : change->document_bytes);
    /* What comes out is measured exactly afterwards; these keep it from growing without bounds on
     * the way. In a list a value takes at least three bytes. */
    struct json_patch_limits limits = {.depth = change->depth,
                                       .nodes = bytes / 3 + 1,
                                       .bytes = bytes * 2,
                                       .key_bytes = change->key_bytes};
    struct json_patch_error error = {JSON_PATCH_OK, 0, NULL};

    if (change->kind == CHANGE_MERGE_PATCH)
        w->after = json_merge_patch(w->arena, w->before, change->value, &limits, &error);
    else if (w->current == NULL)
        return refuse(
            w, CHANGE_MISSING,
            arena_printf(w->arena, "Container %s not found.", quote(w->arena, change->container)));
    else
        w->after = json_patch(w->arena, w->before, change->value, &limits, &error);
    if (w->after == NULL)
        return patch_failed(w, &error);
    if (w->after->type != JSON_OBJECT)
        return refuse(w, CHANGE_INVALID, "The patch would leave something that is no JSON object.");
    return CHANGE_WRITE;
}

static enum prefs_result apply(struct work *w) {
    switch (w->change->kind) {
    case CHANGE_CREATE: return apply_create(w);
    case CHANGE_MERGE: return apply_merge(w);
    case CHANGE_SET: return apply_set(w);
    case CHANGE_REMOVE: return apply_remove(w);
    case CHANGE_PUT: w->after = w->change->value; return CHANGE_WRITE;
    case CHANGE_MERGE_PATCH:
    case CHANGE_JSON_PATCH: return apply_patch(w);
    case CHANGE_DELETE: return w->current != NULL ? CHANGE_GONE : CHANGE_KEEP;
    }
    assert(false);
    return CHANGE_BROKEN;
}

/* What already is over a quota may stay and shrink. */
static enum prefs_result check_size(struct work *w, const struct prefs_usage *usage) {
    const struct prefs_change *change = w->change;
    int64_t bytes = (int64_t)prefs_document_size(w->after);
    int64_t growth = bytes - (w->current != NULL ? w->current->bytes : 0);

    if (change->document_bytes > 0 && bytes > change->document_bytes && growth > 0)
        return refuse(w, CHANGE_TOO_LARGE,
                      arena_printf(w->arena,
                                   "The document would have %lld bytes; %lld are allowed.",
                                   (long long)bytes, (long long)change->document_bytes));
    if (usage == NULL)
        return CHANGE_WRITE;
    if (change->max_containers > 0 && w->current == NULL &&
        usage->containers >= change->max_containers)
        return refuse(w, CHANGE_OVER_QUOTA,
                      arena_printf(w->arena, "You have %lld containers; %lld are allowed.",
                                   (long long)usage->containers,
                                   (long long)change->max_containers));
    if (change->max_bytes > 0 && growth > 0 && usage->bytes + growth > change->max_bytes)
        return refuse(
            w, CHANGE_OVER_QUOTA,
            arena_printf(w->arena, "Your containers would have %lld bytes; %lld are allowed.",
                         (long long)(usage->bytes + growth), (long long)change->max_bytes));
    return CHANGE_WRITE;
}

enum prefs_result prefs_change_apply(struct arena *arena, const struct prefs_change *change,
                                     const struct prefs_document *current,
                                     const struct prefs_usage *usage, const char **text,
                                     const char **message) {
    struct work w = {.arena = arena, .change = change, .current = current, .message = message};
    enum prefs_result result;

    if (!read_current(&w))
        return refuse(&w, CHANGE_BROKEN, "The stored document can't be read.");
    if (!precondition_holds(&w))
        return refuse(&w, CHANGE_PRECONDITION,
                      arena_printf(arena, "Precondition failed for container %s.",
                                   quote(arena, change->container)));
    result = apply(&w);
    if (result == CHANGE_WRITE)
        result = check_size(&w, usage);
    if (result != CHANGE_WRITE)
        return result;
    *text = json_text(arena, w.after);
    return *text != NULL ? CHANGE_WRITE
                         : refuse(&w, CHANGE_BROKEN, "The document could not be written.");
}
