/* json.c: fuzz targets of src/json and of the documents made of it: reader and writer, pointers,
 * patches, places. */
#include <string.h>

#include "rules/prefs_document.h"
#include "json/patch.h"
#include "json/pointer.h"
#include "json/reader.h"

#include "fuzz.h"

/* Small, so that small inputs reach them. */
static const struct json_limits limits = {
    .depth = 12, .nodes = 300, .key_bytes = 30, .number_digits = 30, .exponent = 308};
static const struct json_limits wide = {.depth = 100};
static const struct json_patch_limits patch_limits = {
    .depth = 12, .nodes = 300, .bytes = 2000, .key_bytes = 30};

struct size {
    size_t nodes, bytes, depth;
};

static void add_size(const struct json_node *node, size_t level, struct size *size) {
    bool container = node->type == JSON_ARRAY || node->type == JSON_OBJECT;
    size_t count = 0;

    size->nodes++;
    size->bytes += node->key_length + node->length;
    if (container && level + 1 > size->depth)
        size->depth = level + 1;
    for (const struct json_node *child = node->children; child != NULL; child = child->next) {
        PROMISE(container);
        PROMISE((child->key != NULL) == (node->type == JSON_OBJECT));
        add_size(child, level + 1, size);
        count++;
    }
    PROMISE(node->count == count);
}

static struct size size_of(const struct json_node *node) {
    struct size size = {0};

    add_size(node, 0, &size);
    return size;
}

static struct json_node *read_text(struct arena *arena, const char *text,
                                   const struct json_limits *within) {
    struct json_error error;

    return json_read(arena, text, strlen(text), within, &error);
}

/* --- reader and writer --- */

static void promise_error(const struct json_error *error, const char *text, size_t n) {
    size_t lines = 1;

    for (size_t i = 0; i < n; i++)
        lines += text[i] == '\n';
    PROMISE(error->result != JSON_OK);
    promise_message(error->message);
    PROMISE(error->line >= 1 && error->line <= lines);
    PROMISE(error->column >= 1 && error->column <= n + 1);
    PROMISE(is_json(text, n) == (error->result != JSON_MALFORMED) || error->result == JSON_LIMIT);
}

static void promise_written(struct arena *arena, const struct json_node *node, bool minify) {
    const char *text = print_json(arena, node, minify);
    const struct json_node *again = read_text(arena, text, &wide);

    PROMISE(is_json(text, strlen(text)));
    PROMISE(again != NULL && json_equal(node, again));
    PROMISE(strcmp(print_json(arena, again, minify), text) == 0);
    PROMISE(!minify || strchr(text, '\n') == NULL);
}

void fuzz_json(struct input *in) {
    struct json_error error;
    struct json_node *node;
    struct size size;
    const char *text;
    size_t n;

    text = take_rest(in, &n);
    node = json_read(in->arena, text, n, &limits, &error);
    PROMISE(arena_used(in->arena) <= 256 * n + 8192);
    if (node == NULL) {
        promise_error(&error, text, n);
        return;
    }
    PROMISE(is_json(text, n));
    size = size_of(node);
    PROMISE(size.nodes <= limits.nodes && size.depth <= limits.depth);
    PROMISE(size.depth == json_depth(node));
    PROMISE(json_equal(node, node));
    promise_written(in->arena, node, false);
    promise_written(in->arena, node, true);
    (void)prefs_document_size(node);
    (void)json_member(node, "a");
}

/* --- pointers --- */

static const char *escape(struct arena *arena, const struct json_pointer *pointer) {
    struct buf out;
    const char *text;

    buf_init(&out, 0);
    for (size_t i = 0; i < pointer->count; i++) {
        const struct json_token *token = &pointer->tokens[i];

        buf_addc(&out, '/');
        for (size_t k = 0; k < token->length; k++) {
            if (token->text[k] == '~' || token->text[k] == '/')
                buf_adds(&out, token->text[k] == '~' ? "~0" : "~1");
            else
                buf_addc(&out, token->text[k]);
        }
    }
    text = arena_strndup(arena, buf_cstr(&out), out.len);
    buf_release(&out);
    return text;
}

/* A pointer, a NUL, a document to follow it in. */
void fuzz_pointer(struct input *in) {
    const char *text = take_text(in), *message = NULL;
    struct json_pointer pointer;
    struct json_error error;
    const struct json_node *document;
    size_t n;

    if (!json_pointer_parse(in->arena, text, strlen(text), &pointer, &message)) {
        promise_message(message);
        return;
    }
    PROMISE(strcmp(escape(in->arena, &pointer), text) == 0);
    text = take_rest(in, &n);
    document = json_read(in->arena, text, n, &limits, &error);
    if (document != NULL && pointer.count == 0)
        PROMISE(json_pointer_get(document, &pointer) == document);
    else if (document != NULL)
        (void)json_pointer_get(document, &pointer);
}

/* --- patches --- */

static void promise_within(const struct json_node *result) {
    struct size size = size_of(result);

    PROMISE(size.depth <= patch_limits.depth && size.nodes <= patch_limits.nodes);
    PROMISE(size.bytes <= patch_limits.bytes);
}

typedef struct json_node *(*patcher)(struct arena *arena, struct json_node *document,
                                     const struct json_node *patch,
                                     const struct json_patch_limits *limits,
                                     struct json_patch_error *error);

/* A document, a NUL, a patch. The result, NULL: none. */
static struct json_node *patch_by(struct input *in, patcher apply, struct json_node **patch) {
    struct json_node *document = read_text(in->arena, take_text(in), &limits);
    const char *before, *patch_before;
    struct json_node *result;
    struct json_patch_error error;

    *patch = read_text(in->arena, take_text(in), &limits);
    if (document == NULL || *patch == NULL)
        return NULL;
    before = print_json(in->arena, document, true);
    patch_before = print_json(in->arena, *patch, true);
    result = apply(in->arena, json_copy(in->arena, document), *patch, &patch_limits, &error);
    PROMISE((result != NULL) == (error.result == JSON_PATCH_OK));
    PROMISE(strcmp(print_json(in->arena, document, true), before) == 0);
    PROMISE(strcmp(print_json(in->arena, *patch, true), patch_before) == 0);
    if (result == NULL) {
        promise_message(error.message);
        return NULL;
    }
    promise_within(result);
    PROMISE(json_equal(result, apply(in->arena, document, *patch, &patch_limits, &error)));
    promise_written(in->arena, result, true);
    return result;
}

void fuzz_patch(struct input *in) {
    struct json_node *patch;

    (void)patch_by(in, json_patch, &patch);
}

/* A merge patch changes nothing when it is applied again. */
void fuzz_merge(struct input *in) {
    struct json_node *patch;
    struct json_node *result = patch_by(in, json_merge_patch, &patch), *again;
    struct json_patch_error error;

    if (result == NULL)
        return;
    again = json_merge_patch(in->arena, json_copy(in->arena, result), patch, &patch_limits, &error);
    PROMISE(again != NULL && json_equal(again, result));
    (void)json_merge_patch(in->arena, read_text(in->arena, "null", &limits), patch, &patch_limits,
                           &error);
}

/* --- locations in a document --- */

/* A byte (odd: indexes lead into lists), a pointer, a document, a value to put there. */
void fuzz_place(struct input *in) {
    bool keys_only = (take_byte(in) & 1) == 0;
    const char *text = take_text(in), *message;
    struct json_node *document = read_text(in->arena, take_text(in), &limits);
    const struct json_node *value = read_text(in->arena, take_text(in), &limits);
    struct json_pointer location;
    struct json_edit edit;
    size_t blocked = SIZE_MAX;

    if (document == NULL || value == NULL || document->type != JSON_OBJECT ||
        !json_pointer_parse(in->arena, text, strlen(text), &location, &message) ||
        location.count == 0)
        return;
    location.keys_only = keys_only;
    text = print_json(in->arena, document, true);
    edit = json_edit_begin(in->arena, document, NULL);
    if (!json_edit_set(&edit, &location, value, &blocked)) {
        PROMISE(blocked < location.count);
        PROMISE(strcmp(print_json(in->arena, document, true), text) == 0);
    } else if (keys_only) {
        const struct json_node *found = json_pointer_get(document, &location);

        PROMISE(found != NULL && json_equal(found, value));
    }
    (void)size_of(document);
    if (json_edit_take(&edit, &location) != NULL && keys_only)
        PROMISE(json_pointer_get(document, &location) == NULL);
    (void)size_of(document);
    if (value->type == JSON_OBJECT)
        json_edit_merge(in->arena, document, value, false);
    (void)size_of(document);
    (void)prefs_document_size(document);
}
