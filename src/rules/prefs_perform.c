/* prefs_perform.c: one write to a preferences document, done. */
#include "rules/prefs_perform.h"

#include <string.h>

#include "base/num.h"
#include "rules/prefs_document.h"
#include "json/writer.h"

/* PostgreSQL reads a step into a list with strtol: spaces, a sign, digits. Whatever has another
 * character is a key only; so is the empty one. */
static bool step_is_plain(const struct json_token *token) {
    return token->length == 0 ||
           token->text[strspn(token->text, " \t\n\v\f\r+-0123456789")] != '\0';
}

bool prefs_location_is_plain(const struct json_pointer *location) {
    for (size_t i = 0; i < location->count; i++)
        if (!step_is_plain(&location->tokens[i]))
            return false;
    return true;
}

const char *const *prefs_location_steps(struct arena *arena, const struct json_pointer *location) {
    const char **steps = arena_array(arena, location->count + 1, sizeof *steps);

    for (size_t i = 0; i < location->count; i++)
        steps[i] = location->tokens[i].text;
    return steps;
}

static bool has_quota(const struct prefs_change *change) {
    return change->max_containers > 0 || change->max_bytes > 0;
}

/* --- by one statement ---------------------------------------------------------------------------
 */

/* The revisions that If-Match names; tags of another form match nothing. */
static void read_revisions(struct arena *arena, const struct prefs_change *change,
                           struct prefs_write *write) {
    int64_t *revisions = arena_array(arena, change->if_match.count + 1, sizeof *revisions);

    for (size_t i = 0; i < change->if_match.count; i++) {
        const struct etag *tag = &change->if_match.items[i];
        int64_t number;

        if (!tag->weak && num_parse_range(tag->text, 1, INT64_MAX, &number) == NUM_OK &&
            strcmp(prefs_etag(arena, number), tag->text) == 0)
            revisions[write->revision_count++] = number;
    }
    write->revisions = revisions;
}

/* False: this change is not for one statement. */
static bool prepare(struct arena *arena, const char *user, const struct prefs_change *change,
                    struct prefs_write *write) {
    *write = (struct prefs_write){.user = user,
                                  .container = change->container,
                                  .path_count = change->location.count,
                                  .bytes_limit = change->document_bytes > 0 ? change->document_bytes
                                                                            : INT32_MAX};
    if (has_quota(change) || change->if_match.any || etag_list_given(&change->if_none_match))
        return false;
    read_revisions(arena, change, write);
    if (change->if_match.count > 0 && write->revision_count == 0)
        return false;
    if (change->kind == CHANGE_SET || change->kind == CHANGE_REMOVE) {
        if (!prefs_location_is_plain(&change->location))
            return false;
        write->path = prefs_location_steps(arena, &change->location);
    }
    return true;
}

/* Fills what the value of a put, merge or set becomes. False: too large, or the writer failed. */
static bool prepare_value(struct arena *arena, const struct prefs_change *change,
                          struct prefs_write *write) {
    const struct json_node *document = change->value;

    if (change->kind == CHANGE_SET)
        document = json_pointer_wrap(arena, &change->location, change->value);
    write->growth = (int64_t)prefs_document_size(document);
    if (write->growth > write->bytes_limit)
        return false;
    write->document = json_text(arena, document);
    if (change->kind == CHANGE_SET)
        write->value = json_text(arena, change->value);
    return write->document != NULL;
}

/* `none` means that there was nothing to do; with revisions it could also have been another one. */
static enum rc nothing_found(enum rc rc, enum rc none, const struct prefs_write *write) {
    if (rc != none)
        return rc;
    return write->revision_count > 0 ? RC_CONFLICT : RC_OK;
}

/* RC_CONFLICT: nothing was done, look closer. */
static enum rc by_statement(struct store *store, struct arena *arena, const char *user,
                            const struct prefs_change *change, struct prefs_outcome *outcome) {
    struct prefs_write write;
    enum rc rc;

    if (!prepare(arena, user, change, &write))
        return RC_CONFLICT;
    switch (change->kind) {
    case CHANGE_PUT:
        if (!prepare_value(arena, change, &write))
            return RC_CONFLICT;
        return store_prefs_put(store, &write, &outcome->revision, &outcome->created);
    case CHANGE_MERGE:
        if (!prepare_value(arena, change, &write))
            return RC_CONFLICT;
        return store_prefs_merge(store, &write, &outcome->revision);
    case CHANGE_SET:
        if (!prepare_value(arena, change, &write))
            return RC_CONFLICT;
        return store_prefs_set(store, &write, &outcome->revision);
    case CHANGE_REMOVE:
        return nothing_found(store_prefs_remove(store, &write, &outcome->revision), RC_CONFLICT,
                             &write);
    case CHANGE_CREATE:
        if (write.revision_count > 0)
            return RC_CONFLICT;
        write.document = "{}";
        rc = store_prefs_create(store, &write, &outcome->revision);
        return rc == RC_EXISTS ? RC_CONFLICT : rc; /* for the revision of what there is */
    case CHANGE_DELETE:
        return nothing_found(store_prefs_delete(store, &write), RC_NOTFOUND, &write);
    case CHANGE_MERGE_PATCH:
    case CHANGE_JSON_PATCH: break;
    }
    return RC_CONFLICT;
}

/* --- holding the row ----------------------------------------------------------------------------
 */

struct closer_look {
    struct arena *arena;
    const struct prefs_change *change;
    struct prefs_outcome *outcome;
    struct verdict verdict;
};

static enum prefs_verdict look(void *context, const struct prefs_document *current,
                               const struct prefs_usage *usage, const char **text) {
    struct closer_look *l = context;
    enum prefs_verdict what = PREFS_KEEP;

    l->verdict = prefs_change_apply(l->arena, l->change, current, usage, &what, text);
    if (l->verdict.rc != RC_OK)
        return PREFS_KEEP;
    l->outcome->created = what == PREFS_WRITE && current == NULL;
    if (what == PREFS_KEEP && current != NULL)
        l->outcome->revision = current->revision;
    return what;
}

struct verdict prefs_change_perform(struct store *store, struct arena *arena, const char *user,
                                    const struct prefs_change *change,
                                    struct prefs_outcome *outcome) {
    struct closer_look l = {arena, change, outcome, verdict_of(RC_OK)};
    bool can_grow = change->kind != CHANGE_REMOVE && change->kind != CHANGE_DELETE;
    enum rc rc;

    *outcome = (struct prefs_outcome){0};
    rc = by_statement(store, arena, user, change, outcome);
    if (rc != RC_CONFLICT)
        return verdict_of(rc);
    RC_TRY(store_prefs_edit(store, arena, user, change->container, can_grow && has_quota(change),
                            look, &l, &outcome->revision));
    return l.verdict;
}
