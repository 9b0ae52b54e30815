/* patch.c: changing a JSON tree by a merge patch (RFC 7396) or a JSON patch (RFC 6902). */
#include "json/patch.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"

/* Bytes of a path that a message shows. */
enum { PATH_SHOWN = 200 };

struct operation;

struct patching {
    struct arena *arena;
    struct json_edit edit;
    struct json_patch_error *error;
};

/* One of the six words: what it needs, and what it does. */
struct verb {
    const char *name;
    bool takes_value;
    bool takes_from;
    bool (*apply)(struct patching *p, const struct operation *op);
};

struct operation {
    const struct verb *verb;
    const struct json_node *value;
    const struct json_node *path_text;
    const struct json_node *from_text;
    struct json_pointer path;
    struct json_pointer from;
};

static bool fail(struct patching *p, enum json_patch_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Always false. */
static bool fail(struct patching *p, enum json_patch_result result, const char *format, ...) {
    char text[PATH_SHOWN * 2 + 200];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    p->error->result = result;
    p->error->message = arena_printf(p->arena, "operation %zu: %s", p->error->operation, text);
    return false;
}

/* A text for a message, not longer than is good for one. */
static const char *shown(struct patching *p, const struct json_node *text) {
    size_t n = text->length;

    if (n > PATH_SHOWN) {
        n = utf8_span(text->text, PATH_SHOWN);
        return arena_printf(p->arena, "%.*s...", (int)n, text->text);
    }
    return text->text;
}

/* A path leads to nothing, or the edit is over a limit. */
static bool missing(struct patching *p, const struct json_node *path) {
    if (p->edit.over != NULL)
        return fail(p, JSON_PATCH_LIMIT, "%s", p->edit.over);
    return fail(p, JSON_PATCH_MISSING, "there is nothing at \"%s\"", shown(p, path));
}

static bool add_value(struct patching *p, const struct operation *op, struct json_node *value) {
    if (value != NULL && json_edit_add(&p->edit, &op->path, value))
        return true;
    if (p->edit.over != NULL)
        return missing(p, op->path_text);
    return fail(p, JSON_PATCH_MISSING, "there is no place \"%s\" for a value",
                shown(p, op->path_text));
}

static bool apply_add(struct patching *p, const struct operation *op) {
    return add_value(p, op, json_edit_copy(&p->edit, op->value, op->path.count));
}

static bool apply_remove(struct patching *p, const struct operation *op) {
    return json_edit_take(&p->edit, &op->path) != NULL || missing(p, op->path_text);
}

static bool apply_replace(struct patching *p, const struct operation *op) {
    struct json_node *value = json_edit_copy(&p->edit, op->value, op->path.count);

    return (value != NULL && json_edit_replace(&p->edit, &op->path, value)) ||
           missing(p, op->path_text);
}

static bool is_prefix(const struct json_pointer *a, const struct json_pointer *b) {
    size_t i = 0;

    while (i < a->count && i < b->count && a->tokens[i].length == b->tokens[i].length &&
           memcmp(a->tokens[i].text, b->tokens[i].text, a->tokens[i].length) == 0)
        i++;
    return i == a->count;
}

static bool apply_move(struct patching *p, const struct operation *op) {
    struct json_node *value;

    if (is_prefix(&op->from, &op->path)) {
        /* Onto itself: the checks before have refused anything deeper. */
        return json_edit_at(&p->edit, &op->from) != NULL || missing(p, op->from_text);
    }
    value = json_edit_take(&p->edit, &op->from);
    if (value == NULL)
        return missing(p, op->from_text);
    if (op->path.count > op->from.count && !json_edit_fits(&p->edit, value, op->path.count))
        return missing(p, op->path_text);
    return add_value(p, op, value);
}

static bool apply_copy(struct patching *p, const struct operation *op) {
    const struct json_node *source = json_edit_at(&p->edit, &op->from);

    if (source == NULL)
        return missing(p, op->from_text);
    return add_value(p, op, json_edit_copy(&p->edit, source, op->path.count));
}

static bool apply_test(struct patching *p, const struct operation *op) {
    const struct json_node *found = json_edit_at(&p->edit, &op->path);

    if (found == NULL && p->edit.over != NULL)
        return missing(p, op->path_text);
    if (found == NULL)
        return fail(p, JSON_PATCH_TEST, "test: there is nothing at \"%s\"",
                    shown(p, op->path_text));
    return json_equal(found, op->value) ||
           fail(p, JSON_PATCH_TEST, "test: the value at \"%s\" is another one",
                shown(p, op->path_text));
}

static const struct verb verbs[] = {
    {"add", true, false, apply_add},         {"remove", false, false, apply_remove},
    {"replace", true, false, apply_replace}, {"move", false, true, apply_move},
    {"copy", false, true, apply_copy},       {"test", true, false, apply_test},
};

static const struct verb *find_verb(const struct json_node *word) {
    size_t i;

    for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(word->text, verbs[i].name) == 0)
            return &verbs[i];
    return NULL;
}

/* The member of an operation that has to be a string. */
static const struct json_node *string_member(struct patching *p, const struct json_node *node,
                                             const char *key) {
    const struct json_node *member = json_member(node, key);

    if (member == NULL || member->type != JSON_STRING) {
        (void)fail(p, JSON_PATCH_MALFORMED, "\"%s\" is %s", key,
                   member == NULL ? "missing" : "no string");
        return NULL;
    }
    return member;
}

/* Reads the pointer in the member `key`; its text goes to *text. */
static bool parse_path(struct patching *p, const struct json_node *node, const char *key,
                       struct json_pointer *path, const struct json_node **text) {
    const char *message;

    *text = string_member(p, node, key);
    return *text != NULL &&
           (json_pointer_parse(p->arena, (*text)->text, (*text)->length, path, &message) ||
            fail(p, JSON_PATCH_MALFORMED, "\"%s\": %s", key, message));
}

static bool parse_operation(struct patching *p, const struct json_node *node,
                            struct operation *op) {
    const struct json_node *word;

    if (node->type != JSON_OBJECT)
        return fail(p, JSON_PATCH_MALFORMED, "is no object");
    word = string_member(p, node, "op");
    if (word == NULL)
        return false;
    op->verb = find_verb(word);
    if (op->verb == NULL)
        return fail(p, JSON_PATCH_MALFORMED,
                    "\"%s\" is none of add, remove, replace, move, copy, test", shown(p, word));
    if (!parse_path(p, node, "path", &op->path, &op->path_text) ||
        (op->verb->takes_from && !parse_path(p, node, "from", &op->from, &op->from_text)))
        return false;
    op->value = json_member(node, "value");
    if (op->verb->takes_value && op->value == NULL)
        return fail(p, JSON_PATCH_MALFORMED, "\"value\" is missing");
    if (op->verb->apply == apply_remove && op->path.count == 0)
        return fail(p, JSON_PATCH_MALFORMED, "the whole document can't be removed");
    if (op->verb->apply == apply_move && op->from.count < op->path.count &&
        is_prefix(&op->from, &op->path))
        return fail(p, JSON_PATCH_MALFORMED, "a value can't be moved into itself");
    return true;
}

/* All operations, checked for being such. */
static struct operation *parse_patch(struct patching *p, const struct json_node *patch) {
    struct operation *operations;
    const struct json_node *node;
    size_t i = 0;

    if (patch->type != JSON_ARRAY) {
        p->error->result = JSON_PATCH_MALFORMED;
        p->error->message = "a JSON patch is a list of operations";
        return NULL;
    }
    operations = arena_array(p->arena, patch->count, sizeof(*operations));
    for (node = patch->children; node != NULL; node = node->next, i++) {
        p->error->operation = i;
        if (!parse_operation(p, node, &operations[i]))
            return NULL;
    }
    return operations;
}

struct json_node *json_patch(struct arena *arena, struct json_node *document,
                             const struct json_node *patch, const struct json_patch_limits *limits,
                             struct json_patch_error *error) {
    struct patching p = {.arena = arena, .error = error};
    const struct operation *operations;

    assert(document != NULL && patch != NULL && limits != NULL && error != NULL);
    *error = (struct json_patch_error){.result = JSON_PATCH_OK};
    operations = parse_patch(&p, patch);
    if (operations == NULL)
        return NULL;
    p.edit = json_edit_begin(arena, document, limits);
    for (size_t i = 0; i < patch->count; i++) {
        error->operation = i;
        if (!operations[i].verb->apply(&p, &operations[i]))
            return NULL;
    }
    error->operation = 0;
    if (p.edit.over != NULL) {
        (void)missing(&p, patch); /* an empty patch of a document over the limits */
        return NULL;
    }
    return p.edit.root;
}

struct json_node *json_merge_patch(struct arena *arena, struct json_node *document,
                                   const struct json_node *patch,
                                   const struct json_patch_limits *limits,
                                   struct json_patch_error *error) {
    struct json_edit edit;

    assert(document != NULL && patch != NULL && limits != NULL && error != NULL);
    *error = (struct json_patch_error){.result = JSON_PATCH_OK};
    if (patch->type != JSON_OBJECT) {
        document = json_copy(arena, patch);
    } else {
        if (document->type != JSON_OBJECT)
            *document = (struct json_node){.type = JSON_OBJECT};
        json_edit_merge(arena, document, patch, true);
    }
    edit = json_edit_begin(arena, document, limits);
    if (edit.over == NULL)
        return document;
    error->result = JSON_PATCH_LIMIT;
    error->message = edit.over;
    return NULL;
}
