/* transaction_locks.c: what the operations of a transaction name, to be locked ahead of them. */
#include "server/transaction_locks.h"

#include <string.h>

static void add(struct transaction_locks *locks, const char *name, enum lock lock) {
    locks->items = arena_grow(locks->arena, locks->items, locks->count, &locks->capacity,
                              sizeof *locks->items);
    locks->items[locks->count++] = (struct lock_ahead){name, lock};
}

/* Each of a string, or a list of strings. */
static void add_all(struct transaction_locks *locks, const struct json_node *node, enum lock lock) {
    if (node->type == JSON_STRING)
        add(locks, node->text, lock);
    for (const struct json_node *n = node->children; node->type == JSON_ARRAY && n != NULL;
         n = n->next)
        if (n->type == JSON_STRING)
            add(locks, n->text, lock);
}

/* --- of the path --- */

/* The segment that is a name; NULL: there is none. */
static const char *name_in_path(const struct exchange *x) {
    size_t at = x->match.route->mount == MOUNT_ATTRIBUTE ? 0 : 1;

    if (x->match.route->mount == MOUNT_ROOT || x->match.arg_count <= at)
        return NULL;
    return x->match.args[at];
}

static bool has_text(const struct json_node *object, const char *key, const char *text) {
    const struct json_node *node = json_member(object, key);

    return node != NULL && node->type == JSON_STRING && strcmp(node->text, text) == 0;
}

/* It becomes another object, or goes. */
static bool is_converted(const struct exchange *x, const struct json_node *sent) {
    return x->match.route->mount == MOUNT_ENTITY &&
           (x->request.method == METHOD_DELETE || has_text(sent, "action", "rename") ||
            has_text(sent, "action", "driver"));
}

/* An attribute is added beside others that are added meanwhile. */
static bool only_adds(const struct exchange *x) {
    return x->match.route->mount == MOUNT_ATTRIBUTE && x->request.method == METHOD_POST;
}

/* --- of the parameters --- */

/* The value of a relation, "/driver/name". */
static void add_relation(struct transaction_locks *locks, const struct json_node *object) {
    const struct json_node *value = json_member(object, "value");
    const char *slash = value != NULL && value->type == JSON_STRING && value->text[0] == '/'
                            ? strchr(value->text + 1, '/')
                            : NULL;

    if (slash != NULL && has_text(object, "datatype", "relation"))
        add(locks, slash + 1, LOCK_REFER);
}

static void add_relations(struct transaction_locks *locks, const struct json_node *sent) {
    add_relation(locks, sent);
    for (const struct json_node *n = sent->children; sent->type == JSON_ARRAY && n != NULL;
         n = n->next)
        add_relation(locks, n);
}

static void add_params(struct transaction_locks *locks, const struct exchange *x,
                       const struct json_node *sent) {
    bool creates = x->match.route->flags & ROUTE_CREATES;

    for (const struct json_node *n = sent->children; sent->type == JSON_OBJECT && n != NULL;
         n = n->next) {
        const struct operation_parameter *parameter =
            operation_find(x->match.route->operation, n->key);

        if (parameter != NULL && parameter->kind == OPERATION_NAME)
            add_all(locks, n, creates ? LOCK_NAME : LOCK_CHANGE);
    }
}

void transaction_locks_add(struct transaction_locks *locks, const struct exchange *x,
                           const struct transaction_operation *operation) {
    const struct json_node *sent = operation->body != NULL ? operation->body : operation->params;
    const char *name = name_in_path(x);
    bool converted = is_converted(x, sent);

    if (!(x->match.route->flags & ROUTE_WRITE))
        return;
    if (name != NULL)
        add(locks, name, converted ? LOCK_DELETE : only_adds(x) ? LOCK_REFER : LOCK_CHANGE);
    if (sent == NULL)
        return;
    if (converted && has_text(sent, "action", "rename") && json_member(sent, "to") != NULL)
        add_all(locks, json_member(sent, "to"), LOCK_DELETE);
    add_params(locks, x, sent);
    add_relations(locks, sent);
}
