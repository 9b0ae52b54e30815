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
    enum prefs_verdict what;
    const struct json_node *after; /* with PREFS_WRITE */
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

static struct verdict keep(struct work *w) {
    w->what = PREFS_KEEP;
    return verdict_of(RC_OK);
}

static struct verdict write_tree(struct work *w, const struct json_node *after) {
    w->what = PREFS_WRITE;
    w->after = after;
    return verdict_of(RC_OK);
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

static struct verdict apply_merge(struct work *w) {
    json_edit_merge(w->arena, w->before, w->change->value, false);
    return write_tree(w, w->before);
}

static struct verdict apply_set(struct work *w) {
    const struct json_pointer *location = &w->change->location;
    struct json_edit e = edit(w);
    size_t blocked;

    if (json_edit_set(&e, location, w->change->value, &blocked))
        return write_tree(w, e.root);
    assert(blocked > 0); /* a document is an object, which can hold anything */
    return verdict_no(w->arena, RC_CONFLICT, "%s in the way can't hold %s.",
                      prefs_location_text(w->arena, location, blocked),
                      quote(w->arena, location->tokens[blocked].text));
}

static struct verdict apply_remove(struct work *w) {
    struct json_edit e = edit(w);
    bool removed = json_edit_take(&e, &w->change->location) != NULL;

    return removed ? write_tree(w, e.root) : keep(w);
}

static enum rc rc_of(enum json_patch_result result) {
    switch (result) {
    case JSON_PATCH_MALFORMED: return RC_INVALID;
    case JSON_PATCH_LIMIT: return RC_TOO_LARGE;
    case JSON_PATCH_MISSING:
    case JSON_PATCH_TEST:
    case JSON_PATCH_OK: break;
    }
    return RC_CONFLICT;
}

static struct verdict apply_patch(struct work *w) {
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
    const struct json_node *after;

    if (change->kind == CHANGE_MERGE_PATCH)
        after = json_merge_patch(w->arena, w->before, change->value, &limits, &error);
    else if (w->current != NULL)
        after = json_patch(w->arena, w->before, change->value, &limits, &error);
    else
        return verdict_no(w->arena, RC_NOTFOUND, "Container %s not found.",
                          quote(w->arena, change->container));
    if (after == NULL)
        return verdict_no(w->arena, rc_of(error.result), "%s", error.message);
    if (after->type != JSON_OBJECT)
        return verdict_no(w->arena, RC_INVALID,
                          "The patch would leave something that is no JSON object.");
    return write_tree(w, after);
}

static struct verdict apply(struct work *w) {
    switch (w->change->kind) {
    case CHANGE_CREATE: return w->current != NULL ? keep(w) : write_tree(w, w->before);
    case CHANGE_MERGE: return apply_merge(w);
    case CHANGE_SET: return apply_set(w);
    case CHANGE_REMOVE: return apply_remove(w);
    case CHANGE_PUT: return write_tree(w, w->change->value);
    case CHANGE_MERGE_PATCH:
    case CHANGE_JSON_PATCH: return apply_patch(w);
    case CHANGE_DELETE: break;
    }
    w->what = w->current != NULL ? PREFS_DELETE : PREFS_KEEP;
    return verdict_of(RC_OK);
}

/* What is over a quota already may stay and shrink. */
static struct verdict check_size(const struct work *w, const struct prefs_usage *usage) {
    const struct prefs_change *change = w->change;
    int64_t bytes = (int64_t)prefs_document_size(w->after);
    int64_t growth = bytes - (w->current != NULL ? w->current->bytes : 0);

    if (change->document_bytes > 0 && bytes > change->document_bytes && growth > 0)
        return verdict_no(w->arena, RC_TOO_LARGE,
                          "The document would have %lld bytes; %lld are allowed.", (long long)bytes,
                          (long long)change->document_bytes);
    if (usage == NULL)
        return verdict_of(RC_OK);
    if (change->max_containers > 0 && w->current == NULL &&
        usage->containers >= change->max_containers)
        return verdict_no(w->arena, RC_QUOTA, "You have %lld containers; %lld are allowed.",
                          (long long)usage->containers, (long long)change->max_containers);
    if (change->max_bytes > 0 && growth > 0 && usage->bytes + growth > change->max_bytes)
        return verdict_no(w->arena, RC_QUOTA,
                          "Your containers would have %lld bytes; %lld are allowed.",
                          (long long)(usage->bytes + growth), (long long)change->max_bytes);
    return verdict_of(RC_OK);
}

struct verdict prefs_change_apply(struct arena *arena, const struct prefs_change *change,
                                  const struct prefs_document *current,
                                  const struct prefs_usage *usage, enum prefs_verdict *what,
                                  const char **text) {
    struct work w = {.arena = arena, .change = change, .current = current};

    if (!read_current(&w))
        return verdict_no(arena, RC_BUG, "The stored document can't be read.");
    if (!precondition_holds(&w))
        return verdict_no(arena, RC_PRECONDITION, "Precondition failed for container %s.",
                          quote(arena, change->container));
    VERDICT_TRY(apply(&w));
    *what = w.what;
    if (w.what != PREFS_WRITE)
        return verdict_of(RC_OK);
    VERDICT_TRY(check_size(&w, usage));
    *text = json_text(arena, w.after);
    return *text != NULL ? verdict_of(RC_OK)
                         : verdict_no(arena, RC_BUG, "The document could not be written.");
}
