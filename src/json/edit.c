/* edit.c: a JSON tree that can be changed, while the one that it was made from stays as it is. */
#include <assert.h>
#include <string.h>

#include "json/edit.h"
#include "json/measure.h"
#include "json/members.h"
#include "json/reader.h"

/* Nodes looked at in one edit. Generous for any patch that a person or a diff makes, and over in
 * well under a second. */
enum { STEPS = 20 * 1000 * 1000 };

/* A node of the tree being changed. Its children belong to the tree that it was made from until it
 * is opened, which makes each of them a node of this kind: only what lies on the way to a change is
 * ever copied. `node` is the first member, so that the whole is at any time a plain tree too. */
struct json_own {
    struct json_node node;
    struct json_own *previous;
    struct json_own *last;      /* child */
    struct json_own *near;      /* the child that was wanted last, NULL: none */
    size_t near_index;          /* and its place */
    struct json_members *table; /* of an object with many members, once it is opened */
    bool opened;
};

struct json_edit {
    struct arena *arena;
    const struct json_patch_limits *limits;
    struct json_measure measure;
    size_t steps;
    const char *over;
    struct json_own *root;
};

static struct json_own *own_of(struct json_node *node) {
    return (struct json_own *)node;
}

static struct json_own *next_of(const struct json_own *own) {
    return own_of(own->node.next);
}

static struct json_own *first_of(const struct json_own *parent) {
    assert(parent->opened);
    return own_of(parent->node.children);
}

/* Counts work; false when it is too much. */
static bool spend(struct json_edit *e, size_t steps) {
    if (e->over == NULL && e->steps < steps) {
        e->over = "the patch takes too much work";
    }
    if (e->over != NULL) {
        return false;
    }
    e->steps -= steps;
    return true;
}

/* Takes a value into the count of what the tree has had. */
static bool admit(struct json_edit *e, const struct json_node *value, size_t level) {
    size_t before = e->measure.nodes;

    if (e->over == NULL) {
        e->over = json_measure_add(&e->measure, value, level, e->limits);
    }
    return spend(e, e->measure.nodes - before);
}

static struct json_own *make_own(struct json_edit *e, const struct json_node *value) {
    struct json_own *own = arena_alloc(e->arena, sizeof(*own));

    own->node = *value;
    own->node.next = NULL;
    return own;
}

/* Without the name that it had elsewhere. */
static struct json_own *nameless(struct json_own *own) {
    own->node.key = NULL;
    own->node.key_length = 0;
    return own;
}

struct json_edit *json_edit_new(struct arena *arena, const struct json_node *document,
                                const struct json_patch_limits *limits) {
    struct json_edit *e = arena_alloc(arena, sizeof(*e));

    assert(document != NULL && limits != NULL && limits->depth > 0);
    e->arena = arena;
    e->limits = limits;
    e->steps = STEPS;
    e->root = nameless(make_own(e, document));
    (void)admit(e, document, 0);
    return e;
}

const char *json_edit_over(const struct json_edit *e) {
    return e->over;
}

const struct json_node *json_edit_tree(const struct json_edit *e) {
    return &e->root->node;
}

const struct json_node *json_own_node(const struct json_own *own) {
    return &own->node;
}

/* Makes the children nodes of ours. */
static bool open_node(struct json_edit *e, struct json_own *parent) {
    struct json_node **link = &parent->node.children;
    const struct json_node *child;

    if (parent->opened) {
        return true;
    }
    if (!spend(e, parent->node.count)) {
        return false;
    }
    for (child = *link; child != NULL; child = child->next) {
        struct json_own *own = make_own(e, child);

        own->previous = parent->last;
        parent->last = own;
        *link = &own->node;
        link = &own->node.next;
    }
    parent->opened = true;
    if (parent->node.type == JSON_OBJECT && parent->node.count > JSON_MEMBERS_FEW) {
        parent->table = json_members_of(e->arena, &parent->node);
    }
    return true;
}

static struct json_own *find_member(struct json_edit *e, const struct json_own *object,
                                    const struct json_token *token) {
    struct json_own *child;

    if (object->table != NULL) {
        return spend(e, 1) ? own_of(json_members_get(object->table, token->text, token->length))
                           : NULL;
    }
    for (child = first_of(object); child != NULL && spend(e, 1); child = next_of(child)) {
        if (child->node.key_length == token->length &&
            memcmp(child->node.key, token->text, token->length) == 0) {
            return child;
        }
    }
    return NULL;
}

/* The element with this index, which is below the count: walks from the nearest of the two ends and
 * the one wanted last, as patches tend to go through a list in order. */
static struct json_own *find_element(struct json_edit *e, struct json_own *array, size_t index) {
    struct json_own *at = first_of(array);
    size_t i = 0;
    size_t back = array->node.count - 1 - index;

    if (back < index) {
        at = array->last;
        i = array->node.count - 1;
    }
    if (array->near != NULL) {
        size_t distance =
            array->near_index > index ? array->near_index - index : index - array->near_index;

        if (distance < index && distance < back) {
            at = array->near;
            i = array->near_index;
        }
    }
    if (!spend(e, 1 + (i > index ? i - index : index - i))) {
        return NULL;
    }
    for (; i < index; i++) {
        at = next_of(at);
    }
    for (; i > index; i--) {
        at = at->previous;
    }
    array->near = at;
    array->near_index = index;
    return at;
}

static struct json_own *step(struct json_edit *e, struct json_own *parent,
                             const struct json_token *token) {
    size_t index;

    if ((parent->node.type != JSON_ARRAY && parent->node.type != JSON_OBJECT) ||
        !open_node(e, parent)) {
        return NULL;
    }
    if (parent->node.type == JSON_OBJECT) {
        return find_member(e, parent, token);
    }
    if (!json_pointer_index(token, &index) || index >= parent->node.count) {
        return NULL;
    }
    return find_element(e, parent, index);
}

struct json_own *json_edit_at(struct json_edit *e, struct json_path path) {
    struct json_own *own = e->over == NULL ? e->root : NULL;
    size_t i;

    for (i = 0; i < path.count && own != NULL; i++) {
        own = step(e, own, &path.tokens[i]);
    }
    return own;
}

/* The container that has the last step of the path, opened; NULL when there is none. */
static struct json_own *parent_at(struct json_edit *e, struct json_path path) {
    struct json_own *own;

    assert(path.count > 0);
    path.count--;
    own = json_edit_at(e, path);
    if (own == NULL || (own->node.type != JSON_ARRAY && own->node.type != JSON_OBJECT) ||
        !open_node(e, own)) {
        return NULL;
    }
    return own;
}

struct json_own *json_edit_wrap(struct json_edit *e, const struct json_node *value, size_t level) {
    struct json_own *own = nameless(make_own(e, value));

    return admit(e, &own->node, level) ? own : NULL;
}

/* What was not opened is shared: nobody changes it. Recurses no deeper than the limit, as all of it
 * was admitted. */
static struct json_own *clone(struct json_edit *e, const struct json_own *own) {
    struct json_own *copy = make_own(e, &own->node);
    struct json_node **link = &copy->node.children;
    const struct json_own *child;

    if (!own->opened) {
        return copy;
    }
    *link = NULL;
    for (child = first_of(own); child != NULL; child = next_of(child)) {
        struct json_own *c = clone(e, child);

        c->previous = copy->last;
        copy->last = c;
        *link = &c->node;
        link = &c->node.next;
    }
    copy->opened = true;
    if (own->table != NULL) {
        copy->table = json_members_of(e->arena, &copy->node);
    }
    return copy;
}

struct json_own *json_edit_clone(struct json_edit *e, const struct json_own *own, size_t level) {
    return admit(e, &own->node, level) ? nameless(clone(e, own)) : NULL;
}

bool json_edit_fits(struct json_edit *e, const struct json_own *own, size_t level) {
    const struct json_patch_limits depth_only = {.depth = e->limits->depth};
    struct json_measure measure = {0};

    if (e->over == NULL) {
        e->over = json_measure_add(&measure, &own->node, level, &depth_only);
    }
    return spend(e, measure.nodes);
}

static void unlink_child(struct json_own *parent, struct json_own *child) {
    struct json_own *next = next_of(child);

    if (child->previous != NULL) {
        child->previous->node.next = child->node.next;
    } else {
        parent->node.children = child->node.next;
    }
    if (next != NULL) {
        next->previous = child->previous;
    } else {
        parent->last = child->previous;
    }
    parent->node.count--;
    if (parent->near == child) {
        parent->near = next; /* it takes the place */
    } else {
        parent->near = NULL;
    }
    child->previous = NULL;
    child->node.next = NULL;
}

struct json_own *json_edit_detach(struct json_edit *e, struct json_path path) {
    struct json_own *parent = parent_at(e, path);
    struct json_own *child = parent == NULL ? NULL : step(e, parent, &path.tokens[path.count - 1]);

    if (child == NULL) {
        return NULL;
    }
    if (parent->table != NULL) {
        json_members_remove(parent->table, child->node.key, child->node.key_length);
    }
    unlink_child(parent, child);
    return nameless(child);
}

/* Puts a child in before `next`, NULL: at the end. */
static void link_child(struct json_own *parent, struct json_own *child, struct json_own *next) {
    struct json_own *previous = next == NULL ? parent->last : next->previous;

    child->previous = previous;
    child->node.next = next == NULL ? NULL : &next->node;
    if (previous != NULL) {
        previous->node.next = &child->node;
    } else {
        parent->node.children = &child->node;
    }
    if (next != NULL) {
        next->previous = child;
    } else {
        parent->last = child;
    }
    parent->node.count++;
}

/* Puts `value` in the place and under the name of `child`. */
static void put_in_place(struct json_own *parent, struct json_own *child, struct json_own *value) {
    struct json_own *next = next_of(child);

    value->node.key = child->node.key;
    value->node.key_length = child->node.key_length;
    unlink_child(parent, child);
    link_child(parent, value, next);
    if (parent->node.type == JSON_ARRAY) {
        parent->near = value; /* step() has just put the index of `child` beside it */
    }
    if (parent->table != NULL) {
        json_members_put(parent->table, &value->node);
    }
}

static bool add_member(struct json_edit *e, struct json_own *object, const struct json_token *token,
                       struct json_own *value) {
    struct json_own *child = find_member(e, object, token);

    if (e->over == NULL && child == NULL && e->limits->key_bytes != 0 &&
        token->length > e->limits->key_bytes) {
        e->over = "the document would have a key that is too long";
    }
    e->measure.bytes += child == NULL ? token->length : 0;
    if (e->over == NULL && e->limits->bytes != 0 && e->measure.bytes > e->limits->bytes) {
        e->over = "the document would be too large";
    }
    if (e->over != NULL) {
        return false;
    }
    if (child != NULL) {
        put_in_place(object, child, value);
        return true;
    }
    value->node.key = token->text;
    value->node.key_length = token->length;
    link_child(object, value, NULL);
    if (object->table != NULL) {
        json_members_put(object->table, &value->node);
    } else if (object->node.count > JSON_MEMBERS_FEW) {
        object->table = json_members_of(e->arena, &object->node);
    }
    return true;
}

static bool add_element(struct json_edit *e, struct json_own *array, const struct json_token *token,
                        struct json_own *value) {
    struct json_own *next = NULL;
    size_t index;

    if (token->length == 1 && token->text[0] == '-') {
        index = array->node.count;
    } else if (!json_pointer_index(token, &index) || index > array->node.count) {
        return false;
    }
    if (index < array->node.count) {
        next = find_element(e, array, index);
        if (next == NULL) {
            return false;
        }
    }
    link_child(array, value, next);
    array->near = value;
    array->near_index = index;
    return true;
}

bool json_edit_add(struct json_edit *e, struct json_path path, struct json_own *value) {
    struct json_own *parent;
    const struct json_token *token;

    if (path.count == 0) {
        e->root = value;
        return e->over == NULL;
    }
    parent = parent_at(e, path);
    if (parent == NULL) {
        return false;
    }
    token = &path.tokens[path.count - 1];
    return parent->node.type == JSON_OBJECT ? add_member(e, parent, token, value)
                                            : add_element(e, parent, token, value);
}

bool json_edit_replace(struct json_edit *e, struct json_path path, struct json_own *value) {
    struct json_own *parent;
    struct json_own *child;

    if (path.count == 0) {
        e->root = value;
        return e->over == NULL;
    }
    parent = parent_at(e, path);
    child = parent == NULL ? NULL : step(e, parent, &path.tokens[path.count - 1]);
    if (child == NULL) {
        return false;
    }
    put_in_place(parent, child, value);
    return true;
}
