/* condition.c: entity tags of objects, and requests on condition of them. */
#include "api/condition.h"

#include <string.h>

#include "api/input.h"
#include "api/list_tag.h"
#include "api/reply.h"
#include "base/quote.h"
#include "store/snapshot.h"

enum { STATE_LENGTH = STORE_STATE_SIZE - 1 };

/* --- what was sent --- */

int condition_read(struct context *c, const char *header, const char *variable,
                   struct etag_list *out) {
    const struct request *r = c->request;

    if (input_check_once(c, header, variable))
        return c->response->status;
    if (!etag_list_parse(c->arena, r->variable(r->transport, variable), out))
        return reply_fail(c, 400, "%s is neither * nor a list of entity tags in quotes.", header);
    etag_list_undo_compression(out);
    return 0;
}

int condition_read_all(struct context *c) {
    int status = condition_read(c, "If-Match", "HTTP_IF_MATCH", &c->if_match);

    if (status == 0)
        status = condition_read(c, "If-None-Match", "HTTP_IF_NONE_MATCH", &c->if_none_match);
    return status;
}

bool condition_given(const struct context *c) {
    return etag_list_given(&c->if_match) || etag_list_given(&c->if_none_match);
}

/* --- tags --- */

/* What a tag says after the state: which of the representations of an object it is of, as they are
 * not the same bytes. */
static const char *form(struct context *c) {
    bool whole = c->mount != MOUNT_ATTRIBUTE && input_mode(c, MODE_EXPANDED) == MODE_EXPANDED;
    const char *shown = c->mount == MOUNT_ATTRIBUTE ? "a" : whole ? "e" : "c";

    return arena_join(c->arena, (const char *[]){shown, whole && !input_contents(c) ? "n" : "",
                                                 whole && c->options->expanded_type ? "t" : "",
                                                 whole && input_units(c) ? "u" : "",
                                                 reply_is_minified(c) ? "m" : "", NULL});
}

static const char *tag_of(struct context *c, const char *state) {
    return arena_join(c->arena, (const char *[]){state, "-", form(c), NULL});
}

static void set_etag(struct context *c, const char *tag) {
    response_header(c->response, "ETag",
                    arena_join(c->arena, (const char *[]){"\"", tag, "\"", NULL}));
}

/* Is it a tag of this state, whatever the representation? */
static bool is_of_state(const struct etag *tag, const char *state) {
    return strlen(tag->text) > STATE_LENGTH && tag->text[STATE_LENGTH] == '-' &&
           strncmp(tag->text, state, STATE_LENGTH) == 0;
}

static bool names_state(const struct etag_list *list, const char *state) {
    for (size_t i = 0; i < list->count; i++)
        if (is_of_state(&list->items[i], state))
            return true;
    return false;
}

static int fail(struct context *c, const char *state) {
    int status =
        reply_fail(c, 412, "Precondition failed for %s.", quote(c->arena, c->request->target));

    set_etag(c, tag_of(c, state));
    return status;
}

/* --- reads --- */

static int check_match(struct context *c, const struct object *object) {
    char state[STORE_STATE_SIZE];

    memcpy(state, object->state, sizeof state);
    if (state[0] == '\0' && reply_rc(c, store_state(c->store, c->arena, object->ref.id, state)))
        return c->response->status;
    return names_state(&c->if_match, state) ? 0 : fail(c, state);
}

int condition_shown(struct context *c, const struct object *object) {
    const char *tag;

    if (c->is_past)
        return 0;
    if (c->if_match.count > 0 && check_match(c, object))
        return c->response->status;
    response_header(
        c->response, "Vary",
        c->mount == MOUNT_ATTRIBUTE
            ? "Clusto-Minify, Clusto-Inherit, Clusto-As-Of"
            : "Clusto-Minify, Clusto-Mode, Clusto-Contents, Clusto-Units, Clusto-As-Of");
    if (object->state[0] == '\0')
        return c->if_none_match.any ? reply_empty(c, 304) : 0;
    tag = tag_of(c, object->state);
    set_etag(c, tag);
    if (c->if_none_match.any || etag_list_has_weak(&c->if_none_match, tag))
        return reply_empty(c, 304);
    return 0;
}

/* --- lists --- */

enum { MAX_QUESTIONS = 4 };

int condition_list(struct context *c) {
    const struct etag_list *list = &c->if_none_match;
    size_t questions = 0;
    bool current;

    for (size_t i = 0; i < list->count && questions < MAX_QUESTIONS; i++) {
        const char *tag = list->items[i].text;
        unsigned char packed[SNAPSHOT_BYTES];
        size_t n = list_tag_read(c, tag, packed);

        if (n == 0)
            continue;
        questions++;
        if (reply_rc(c, snapshot_is_current(c->store, c->arena, packed, n, &current)))
            return c->response->status;
        if (!current)
            continue;
        list_tag_repeat(c, tag);
        c->dependencies.anything = true;
        return reply_empty(c, 304);
    }
    return 0;
}

int condition_listed(struct context *c) {
    if (!c->list_vary || !c->if_none_match.any)
        return 0;
    response_header(c->response, "Vary", c->list_vary);
    return reply_empty(c, 304);
}

/* --- writes --- */

int condition_check(struct context *c, const struct ref *ref) {
    const struct etag_list *match = &c->if_match, *none = &c->if_none_match;
    char state[STORE_STATE_SIZE];

    if (match->count == 0 && !etag_list_given(none))
        return 0;
    if (reply_rc(c, store_state(c->store, c->arena, ref->id, state)))
        return c->response->status;
    if ((match->count > 0 && !names_state(match, state)) || none->any || names_state(none, state))
        return fail(c, state);
    return 0;
}

int condition_check_created(struct context *c, const struct ref *refs, const bool *created,
                            size_t count) {
    size_t i = 0;
    char state[STORE_STATE_SIZE];

    while (i < count && created[i])
        i++;
    if (i == count || !c->if_none_match.any)
        return 0;
    if (reply_rc(c, store_state(c->store, c->arena, refs[i].id, state)))
        return c->response->status;
    return fail(c, state);
}
