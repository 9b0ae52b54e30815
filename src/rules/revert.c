/* revert.c: undoing what a version did, or bringing an object back: what stands against it, and in
 * which order it is done. */
#include "rules/revert.h"

#include <stdlib.h>

enum { MAX_NAMED = 10 };

static int by_version(const void *a, const void *b) {
    const int32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void collect_versions(struct arena *arena, const struct revert_conflict *conflicts,
                             size_t count, struct revert_in_the_way *out) {
    int32_t *versions = arena_array(arena, count, sizeof *versions);

    for (size_t i = 0; i < count; i++)
        versions[i] = conflicts[i].version;
    qsort(versions, count, sizeof *versions, by_version);
    out->versions = versions;
    out->count = 0;
    for (size_t i = 0; i < count; i++)
        if (out->count == 0 || versions[out->count - 1] != versions[i])
            versions[out->count++] = versions[i];
}

/* "/basicserver/s1 owner.team: set since (version 805)" */
static const char *describe(struct arena *arena, const struct revert_conflict *c) {
    const char *text = c->object ? c->object : "an object";

    if (c->key)
        text = arena_printf(arena, "%s %s", text, c->key);
    if (c->subkey)
        text = arena_printf(arena, "%s.%s", text, c->subkey);
    if (c->has_number)
        text = arena_printf(arena, "%s:%d", text, (int)c->number);
    return arena_printf(arena, "%s: %s (version %d)", text, c->what, (int)c->version);
}

static struct verdict refuse(struct arena *arena, const struct revert *what,
                             const struct revert_conflict *conflicts, size_t count) {
    const char *list = "";

    for (size_t i = 0; i < count && i < MAX_NAMED; i++)
        list =
            arena_printf(arena, "%s%s%s", list, i > 0 ? "; " : "", describe(arena, &conflicts[i]));
    if (count > MAX_NAMED)
        list = arena_printf(arena, "%s; and more", list);
    if (what->object == 0)
        return verdict_no(arena, RC_CONFLICT, "Version %d can't be reverted: %s.",
                          (int)what->version, list);
    return verdict_no(arena, RC_CONFLICT, "The object can't be brought back to version %d: %s.",
                      (int)what->version, list);
}

/* What it was then is the history of another object, even if that had the same name. */
static struct verdict refuse_younger(struct arena *arena, const struct revert *what, int32_t made,
                                     struct revert_in_the_way *out) {
    out->versions = arena_array(arena, 1, sizeof *out->versions);
    out->versions[out->count++] = made;
    return verdict_no(arena, RC_CONFLICT,
                      "The object can't be brought back to version %d: it was created since "
                      "(version %d).",
                      (int)what->version, (int)made);
}

struct verdict revert_perform(struct store *store, struct arena *arena, const struct revert *what,
                              struct revert_in_the_way *out) {
    struct revert_conflict *conflicts;
    struct revert_rows rows;
    const char *violation;
    int32_t made;
    size_t count;

    *out = (struct revert_in_the_way){.count = 0};
    RC_TRY(revert_lock(store, what, &made));
    if (what->object != 0 && made > what->version)
        return refuse_younger(arena, what, made, out);
    RC_TRY(revert_read_rows(store, arena, what, &rows));
    RC_TRY(revert_find_conflicts(store, arena, what, &rows, &conflicts, &count));
    if (count > 0) {
        collect_versions(arena, conflicts, count, out);
        return refuse(arena, what, conflicts, count);
    }
    revert_apply(store, what, &rows);
    RC_TRY(revert_find_violation(store, arena, &violation));
    if (violation)
        return verdict_no(arena, RC_CONFLICT, "A rule of containers would be broken: %s.",
                          violation);
    return verdict_of(RC_OK);
}
