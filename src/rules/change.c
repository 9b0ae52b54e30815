/* change.c: one write to a preferences document, decided on what is stored. */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/quote.h"
#include "rules/change.h"
#include "json/patch.h"
#include "json/writer.h"

/* What one decision works on. */
struct work {
    struct arena *arena;
    const struct change *change;
    const struct prefs_document *current;
    struct json_node *before; /* the tree of `current`; NULL: no document */
    const struct json_node *after;
    const char **message;
};

const char *change_etag(struct arena *arena, int64_t revision) {
    char room[NUM_DIGITS];

    return arena_strdup(arena, num_text(room, (uint64_t)revision, 10));
}

const char *change_place_text(struct arena *arena, const struct place *place, size_t steps) {
    const char *text = "";

    for (size_t i = 0; i < steps && strlen(text) <= QUOTE_LIMIT; i++)
        text = arena_printf(arena, "%s%s%s", text, i > 0 || place->positions ? "/" : "",
                            place->pointer.tokens[i].text);
    return quote(arena, text);
}

static enum change_result refuse(struct work *w, enum change_result result, const char *message) {
    *w->message = message;
    return result;
}

/* The stored document is ours and within bounds that may have been wider once. */
static bool read_current(struct work *w) {
    static const struct json_limits none = {.depth = 10000};
    struct json_error error;

    if (w->current == NULL)
        return true;
    w->before = json_read(w->arena, w->current->text, w->current->length, &none, &error);
    return w->before != NULL;
}

/* "*" is about what the request's place holds, a tag about the whole document's revision. */
static bool precondition_holds(const struct work *w) {
    const struct change *change = w->change;
    bool exists = w->before != NULL && document_at(w->before, &change->place) != NULL;
    const char *etag = w->current ? change_etag(w->arena, w->current->revision) : NULL;

    if (change->if_match.any && !exists)
        return false;
    if (change->if_match.count > 0 && (!etag || !etag_list_has_strong(&change->if_match, etag)))
        return false;
    if (change->if_none_match.any && exists)
        return false;
    return !(etag && etag_list_has_weak(&change->if_none_match, etag));
}

/* The document to change in place: the stored one, or an empty one. */
static struct json_node *start(const struct work *w) {
    struct json_node *empty;

    if (w->before != NULL)
        return w->before;
    empty = arena_alloc(w->arena, sizeof *empty);
    empty->type = JSON_OBJECT;
    return empty;
}

static enum change_result apply_create(struct work *w) {
    if (w->before != NULL)
        return CHANGE_KEEP;
    w->after = start(w);
    return CHANGE_WRITE;
}

static enum change_result apply_merge(struct work *w) {
    struct json_node *document = start(w);

    document_merge(w->arena, document, w->change->value);
    w->after = document;
    return CHANGE_WRITE;
}

static enum change_result apply_set(struct work *w) {
    const struct place *place = &w->change->place;
    struct json_node *document = start(w);
    size_t blocked;

    if (document_set(w->arena, document, place, w->change->value, &blocked)) {
        w->after = document;
        return CHANGE_WRITE;
    }
    assert(blocked > 0); /* a document is an object, which can hold anything */
    return refuse(w, CHANGE_CONFLICT,
                  arena_printf(w->arena, "%s in the way can't hold %s.",
                               change_place_text(w->arena, place, blocked),
                               quote(w->arena, place->pointer.tokens[blocked].text)));
}

static enum change_result apply_remove(struct work *w) {
    if (w->before == NULL || !document_remove(w->before, &w->change->place))
        return CHANGE_KEEP;
    w->after = w->before;
    return CHANGE_WRITE;
}

static enum change_result patch_failed(struct work *w, const struct json_patch_error *error) {
    switch (error->result) {
    case JSON_PATCH_MALFORMED: return refuse(w, CHANGE_INVALID, error->message);
    case JSON_PATCH_LIMIT: return refuse(w, CHANGE_TOO_LARGE, error->message);
    case JSON_PATCH_MISSING:
    case JSON_PATCH_TEST:
    case JSON_PATCH_OK: break;
    }
    return refuse(w, CHANGE_CONFLICT, error->message);
}

static enum change_result apply_patch(struct work *w) {
    const struct change *change = w->change;
    size_t bytes = (size_t)change->document_bytes;
    /* What comes out is measured exactly afterwards; these keep it from growing without bounds on
     * the way. In a list a value takes at least three bytes. */
    struct json_patch_limits limits = {.depth = change->depth,
                                       .nodes = bytes / 2,
                                       .bytes = bytes * 2,
                                       .key_bytes = change->key_bytes};
    struct json_patch_error error = {JSON_PATCH_OK, 0, NULL};

    if (change->kind == CHANGE_MERGE_PATCH) {
        w->after = json_merge_patch(w->arena, w->before, change->value, &limits, &error);
    } else if (w->before == NULL) {
        return refuse(
            w, CHANGE_MISSING,
            arena_printf(w->arena, "Container %s not found.", quote(w->arena, change->container)));
    } else {
        w->after = json_patch(w->arena, w->before, change->value, &limits, &error);
    }
    if (w->after == NULL)
        return patch_failed(w, &error);
    if (w->after->type != JSON_OBJECT)
        return refuse(w, CHANGE_INVALID, "The patch would leave something that is no JSON object.");
    return CHANGE_WRITE;
}

static enum change_result apply(struct work *w) {
    switch (w->change->kind) {
    case CHANGE_CREATE: return apply_create(w);
    case CHANGE_MERGE: return apply_merge(w);
    case CHANGE_SET: return apply_set(w);
    case CHANGE_REMOVE: return apply_remove(w);
    case CHANGE_PUT: w->after = w->change->value; return CHANGE_WRITE;
    case CHANGE_MERGE_PATCH:
    case CHANGE_JSON_PATCH: return apply_patch(w);
    case CHANGE_DELETE: return w->before != NULL ? CHANGE_GONE : CHANGE_KEEP;
    }
    assert(false);
    return CHANGE_BROKEN;
}

/* What already is over a quota may stay and shrink. */
static enum change_result check_size(struct work *w, const struct prefs_usage *usage) {
    const struct change *change = w->change;
    int64_t bytes = (int64_t)document_size(w->after);
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

static bool add_text(void *buf, const char *bytes, size_t n) {
    buf_add(buf, bytes, n);
    return !((struct buf *)buf)->failed;
}

const char *change_text(struct arena *arena, const struct json_node *node) {
    struct json_writer *writer = json_writer_new();
    struct buf buf;
    const char *text = NULL;

    buf_init(&buf, 0);
    json_begin(writer, true, add_text, &buf);
    json_tree(writer, node);
    if (json_end(writer))
        text = arena_strndup(arena, buf_cstr(&buf), buf.len);
    buf_release(&buf);
    json_writer_free(&writer);
    return text;
}

enum change_result change_apply(struct arena *arena, const struct change *change,
                                const struct prefs_document *current,
                                const struct prefs_usage *usage, const char **text,
                                const char **message) {
    struct work w = {.arena = arena, .change = change, .current = current, .message = message};
    enum change_result result;

    if (!read_current(&w))
        return refuse(&w, CHANGE_BROKEN, "The stored document can't be read.");
    if (!precondition_holds(&w))
        return refuse(&w, CHANGE_PRECONDITION,
                      arena_printf(arena, "Container %s is not as the request demands.",
                                   quote(arena, change->container)));
    result = apply(&w);
    if (result == CHANGE_WRITE)
        result = check_size(&w, usage);
    if (result != CHANGE_WRITE)
        return result;
    *text = change_text(arena, w.after);
    return *text != NULL ? CHANGE_WRITE
                         : refuse(&w, CHANGE_BROKEN, "The document could not be written.");
}
