/* merge.c: changing a JSON tree by a merge patch (RFC 7396). */
#include <assert.h>
#include <string.h>

#include "json/measure.h"
#include "json/members.h"
#include "json/patch.h"
#include "json/reader.h"

/* An object whose members are looked up; the table is there when it is large. */
struct lookup {
    const struct json_node *object;
    const struct json_members *table;
};

/* What is being made: an object and the end of its members. */
struct output {
    struct json_node *object;
    struct json_node **tail;
};

static struct lookup lookup_in(struct arena *arena, const struct json_node *object) {
    struct lookup l = {.object = object};

    if (object != NULL && object->count > JSON_MEMBERS_FEW) {
        l.table = json_members_of(arena, object);
    }
    return l;
}

static const struct json_node *look_up(const struct lookup *l, const struct json_node *like) {
    const struct json_node *child;

    if (l->table != NULL) {
        return json_members_get(l->table, like->key, like->key_length);
    }
    for (child = l->object == NULL ? NULL : l->object->children; child != NULL;
         child = child->next) {
        if (child->key_length == like->key_length &&
            memcmp(child->key, like->key, like->key_length) == 0) {
            return child;
        }
    }
    return NULL;
}

/* A node of its own for a value, without key and place. */
static struct json_node *copy(struct arena *arena, const struct json_node *value) {
    struct json_node *node = arena_alloc(arena, sizeof(*node));

    *node = *value;
    node->next = NULL;
    node->key = NULL;
    node->key_length = 0;
    return node;
}

static void append(struct output *out, struct json_node *node, const struct json_node *named) {
    node->key = named->key;
    node->key_length = named->key_length;
    *out->tail = node;
    out->tail = &node->next;
    out->object->count++;
}

static struct json_node *merge(struct arena *arena, const struct json_node *document,
                               const struct json_node *patch, size_t depth);

/* The members of the document: those that the patch does not name as they are, the others merged,
 * those that it sets to null left out. False: nested deeper than `depth`. */
static bool keep_members(struct arena *arena, struct output *out, const struct json_node *document,
                         const struct json_node *patch, size_t depth) {
    struct lookup in_patch = lookup_in(arena, patch);
    const struct json_node *member;

    for (member = document->children; member != NULL; member = member->next) {
        const struct json_node *change = look_up(&in_patch, member);
        struct json_node *value;

        if (change != NULL && change->type == JSON_NULL) {
            continue;
        }
        value = change == NULL ? copy(arena, member) : merge(arena, member, change, depth);
        if (value == NULL) {
            return false;
        }
        append(out, value, member);
    }
    return true;
}

/* The members that only the patch has. */
static bool add_members(struct arena *arena, struct output *out, const struct json_node *document,
                        const struct json_node *patch, size_t depth) {
    struct lookup in_document = lookup_in(arena, document);
    const struct json_node *member;

    for (member = patch->children; member != NULL; member = member->next) {
        struct json_node *value;

        if (member->type == JSON_NULL || look_up(&in_document, member) != NULL) {
            continue;
        }
        value = merge(arena, NULL, member, depth);
        if (value == NULL) {
            return false;
        }
        append(out, value, member);
    }
    return true;
}

/* The RFC's MergePatch(). NULL: nested deeper than `depth`. */
static struct json_node *merge(struct arena *arena, const struct json_node *document,
                               const struct json_node *patch, size_t depth) {
    struct json_node *object;
    struct output out;

    if (patch->type != JSON_OBJECT) {
        return copy(arena, patch);
    }
    if (depth == 0) {
        return NULL;
    }
    if (document != NULL && document->type != JSON_OBJECT) {
        document = NULL;
    }
    object = arena_alloc(arena, sizeof(*object));
    object->type = JSON_OBJECT;
    out = (struct output){.object = object, .tail = &object->children};
    if (document != NULL && !keep_members(arena, &out, document, patch, depth - 1)) {
        return NULL;
    }
    return add_members(arena, &out, document, patch, depth - 1) ? object : NULL;
}

const struct json_node *json_merge_patch(struct arena *arena, const struct json_node *document,
                                         const struct json_node *patch,
                                         const struct json_patch_limits *limits,
                                         struct json_patch_error *error) {
    struct json_measure measure = {0};
    const struct json_node *result;
    const char *over;

    assert(arena != NULL && patch != NULL && limits != NULL && error != NULL);
    assert(limits->depth > 0);
    *error = (struct json_patch_error){.result = JSON_PATCH_OK};
    result = merge(arena, document, patch, limits->depth);
    over = result == NULL ? json_measure_too_deep : json_measure_add(&measure, result, 0, limits);
    if (over != NULL) {
        error->result = JSON_PATCH_LIMIT;
        error->message = over;
        return NULL;
    }
    return result;
}
