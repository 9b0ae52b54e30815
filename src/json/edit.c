/* edit.c: changing a JSON tree in place. */
#include "json/edit.h"

#include <assert.h>
#include <stdint.h>

/* Where a step leads: to the value *link if `found`, else to where one may be put. */
struct slot {
    struct json_node *parent; /* NULL: the root has none */
    struct json_node **link;
    bool found;
};

static bool is_container(const struct json_node *node) {
    return node->type == JSON_ARRAY || node->type == JSON_OBJECT;
}

static bool fail(struct json_edit *e, const char *why) {
    if (e->over == NULL)
        e->over = why;
    return false;
}

static bool spend(struct json_edit *e, size_t steps) {
    if (e->over != NULL || steps > e->steps)
        return fail(e, "the patch takes more than 20000000 steps");
    e->steps -= steps;
    return true;
}

static bool check_size(struct json_edit *e) {
    if (e->limits->nodes != 0 && e->nodes > e->limits->nodes)
        return fail(e, "the document would have too many values");
    if (e->limits->bytes != 0 && e->bytes > e->limits->bytes)
        return fail(e, "the document would be too large");
    return true;
}

/* Counts a value that comes in, or looks at the depth only. Recurses no deeper than the limit. */
static bool measure(struct json_edit *e, const struct json_node *node, size_t level, bool count) {
    if (count) {
        e->nodes++;
        e->bytes += node->key_length + node->length;
    }
    if (!spend(e, 1) || !check_size(e))
        return false;
    if (is_container(node) && level >= e->limits->depth)
        return fail(e, "the document would be nested too deeply");
    for (const struct json_node *child = node->children; child != NULL; child = child->next)
        if (!measure(e, child, level + 1, count))
            return false;
    return true;
}

struct json_edit json_edit_begin(struct arena *arena, struct json_node *root,
                                 const struct json_patch_limits *limits) {
    struct json_edit e = {.arena = arena, .limits = limits, .root = root, .steps = SIZE_MAX};

    assert(root != NULL);
    if (limits != NULL) {
        (void)measure(&e, root, 0, true);
        e.steps = JSON_EDIT_STEPS;
    }
    return e;
}

struct json_node *json_edit_copy(struct json_edit *e, const struct json_node *value, size_t level) {
    /* Without the key that it had elsewhere. */
    struct json_node unnamed = *value;

    unnamed.key_length = 0;
    return measure(e, &unnamed, level, true) ? json_copy(e->arena, value) : NULL;
}

bool json_edit_fits(struct json_edit *e, const struct json_node *value, size_t level) {
    return measure(e, value, level, false);
}

/* The slot for a key among the members from `link` on. */
static struct slot member_slot(struct json_node *object, struct json_node **link, const char *key,
                               size_t length) {
    int order = 1;

    while (*link != NULL && (order = json_key_order(*link, key, length)) < 0)
        link = &(*link)->next;
    return (struct slot){object, link, *link != NULL && order == 0};
}

/* False: the step can't be taken from here. */
static bool take_step(struct json_edit *e, struct json_node *parent, const struct json_token *token,
                      bool keys_only, struct slot *slot) {
    size_t index;

    if (parent->type == JSON_OBJECT) {
        *slot = member_slot(parent, &parent->children, token->text, token->length);
        return spend(e, parent->count + 1);
    }
    if (parent->type != JSON_ARRAY || keys_only || !json_pointer_index(parent, token, &index) ||
        !spend(e, index + 1))
        return false;
    *slot = (struct slot){parent, &parent->children, index < parent->count};
    for (; index > 0; index--)
        slot->link = &(*slot->link)->next;
    return true;
}

/* Follows a pointer as far as it leads: *done steps were taken. False: not to its end. */
static bool follow(struct json_edit *e, const struct json_pointer *pointer, struct slot *slot,
                   size_t *done) {
    *slot = (struct slot){NULL, &e->root, true};
    for (*done = 0; *done < pointer->count && slot->found && e->over == NULL; ++*done)
        if (!take_step(e, *slot->link, &pointer->tokens[*done], pointer->keys_only, slot))
            return false;
    return *done == pointer->count && e->over == NULL;
}

static bool find_slot(struct json_edit *e, const struct json_pointer *pointer, struct slot *slot) {
    size_t done;

    return follow(e, pointer, slot, &done);
}

static void insert(const struct slot *slot, struct json_node *value) {
    value->next = *slot->link;
    *slot->link = value;
    slot->parent->count++;
}

static void put_in_place(const struct slot *slot, struct json_node *value) {
    const struct json_node *old = *slot->link;

    value->key = old->key;
    value->key_length = old->key_length;
    value->next = old->next;
    *slot->link = value;
}

static struct json_node *take_out(const struct slot *slot) {
    struct json_node *node = *slot->link;

    *slot->link = node->next;
    slot->parent->count--;
    node->next = NULL;
    node->key = NULL;
    node->key_length = 0;
    return node;
}

static void set_key(struct json_node *node, const struct json_node *parent,
                    const struct json_token *token) {
    node->key = parent->type == JSON_OBJECT ? token->text : NULL;
    node->key_length = parent->type == JSON_OBJECT ? token->length : 0;
}

const struct json_node *json_edit_at(struct json_edit *e, const struct json_pointer *pointer) {
    struct slot slot;

    return find_slot(e, pointer, &slot) && slot.found ? *slot.link : NULL;
}

static bool check_key(struct json_edit *e, const struct json_token *token) {
    if (e->limits->key_bytes != 0 && token->length > e->limits->key_bytes)
        return fail(e, "the document would have a key that is too long");
    e->bytes += token->length;
    return check_size(e);
}

bool json_edit_add(struct json_edit *e, const struct json_pointer *pointer,
                   struct json_node *value) {
    const struct json_token *token;
    struct slot slot;

    if (!find_slot(e, pointer, &slot))
        return false;
    if (slot.parent == NULL || (slot.found && slot.parent->type == JSON_OBJECT)) {
        put_in_place(&slot, value);
        return true;
    }
    token = &pointer->tokens[pointer->count - 1];
    if (slot.parent->type == JSON_OBJECT && !check_key(e, token))
        return false;
    set_key(value, slot.parent, token);
    insert(&slot, value);
    return true;
}

bool json_edit_replace(struct json_edit *e, const struct json_pointer *pointer,
                       struct json_node *value) {
    struct slot slot;

    if (!find_slot(e, pointer, &slot) || !slot.found)
        return false;
    put_in_place(&slot, value);
    return true;
}

struct json_node *json_edit_take(struct json_edit *e, const struct json_pointer *pointer) {
    struct slot slot;

    assert(pointer->count > 0);
    return find_slot(e, pointer, &slot) && slot.found ? take_out(&slot) : NULL;
}

bool json_edit_set(struct json_edit *e, const struct json_pointer *pointer,
                   const struct json_node *value, size_t *blocked) {
    struct json_pointer rest = *pointer;
    struct json_node *node;
    struct slot slot;
    size_t done;

    assert(pointer->count > 0);
    if (!follow(e, pointer, &slot, &done) && (slot.found || e->over != NULL)) {
        *blocked = done;
        return false;
    }
    rest.tokens += done;
    rest.count -= done;
    node = json_pointer_wrap(e->arena, &rest, value);
    if (slot.found) {
        put_in_place(&slot, node);
    } else {
        set_key(node, slot.parent, &pointer->tokens[done - 1]);
        insert(&slot, node);
    }
    return true;
}

/* A shallow copy, under the key that it has where it comes from. */
static void put_member(struct arena *arena, const struct slot *slot,
                       const struct json_node *member) {
    struct json_node *node = arena_alloc(arena, sizeof(*node));

    *node = *member;
    if (slot->found)
        put_in_place(slot, node);
    else
        insert(slot, node);
}

/* Both lists of members are sorted: one walk along them finds everything. Recurses as deep as
 * `members` is, which the reader limits. */
void json_edit_merge(struct arena *arena, struct json_node *target, const struct json_node *members,
                     bool deep) {
    struct json_node **link = &target->children;

    assert(target->type == JSON_OBJECT && members->type == JSON_OBJECT);
    for (const struct json_node *m = members->children; m != NULL; m = m->next) {
        struct slot slot = member_slot(target, link, m->key, m->key_length);

        link = slot.link;
        if (deep && m->type == JSON_OBJECT) {
            const struct json_node empty = {
                .type = JSON_OBJECT, .key = m->key, .key_length = m->key_length};

            if (!slot.found || (*link)->type != JSON_OBJECT)
                put_member(arena, &slot, &empty);
            json_edit_merge(arena, *link, m, true);
        } else if (!deep || m->type != JSON_NULL) {
            put_member(arena, &slot, m);
        } else if (slot.found) {
            (void)take_out(&slot);
        }
    }
}
