/* openapi.c: the description of the interface: paths from the table of routes, components from
 * etc/openapi.json. */
#include "server/openapi.h"

#include <stdlib.h>
#include <string.h>

#include "api/reply.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/quote.h"
#include "server/openapi_operation.h"
#include "json/reader.h"

/* etc/openapi.json as a C string, made by the makefile */
static const char openapi_json[] =
#include "openapi_json.h"
    ;

static const struct route *routes;
static size_t route_count;

/* 3.0.3 and 3.1.0, once they have been asked for, and what they are in. */
static struct json_node *documents[2];
static struct arena *memory;

void openapi_open(const struct route *table, size_t count) {
    routes = table;
    route_count = count;
}

/* --- paths --- */

struct places {
    struct arena *arena;
    struct openapi_place *items;
    size_t count;
};

static void add(struct places *places, const struct route *route, const char *mount,
                const char *default_mount, const char *rest) {
    struct arena *arena = places->arena;

    for (int m = METHOD_GET; m < METHOD_OTHER; m++) {
        struct openapi_place place = {arena_printf(arena, "%s%s", mount, rest),
                                      arena_printf(arena, "%s%s", default_mount, rest),
                                      (enum request_method)m, route};

        if (!(route->methods & METHOD_BIT(m)))
            continue;
        if (*place.path == '\0')
            place.path = "/";
        if (*place.name == '\0')
            place.name = "/";
        places->items[places->count++] = place;
    }
}

/* Each segment that may be missing gives a path of its own; of any number of keys, one. */
static void expand(struct places *places, const struct route *route, const char *mount,
                   const char *default_mount) {
    const char *rest = "";

    for (const char *word = route->pattern; *word != '\0';) {
        size_t n = strcspn(word, "/");
        bool optional = word[n - 1] == '}' && strchr("?*", word[n - 2]) != NULL;

        if (optional)
            add(places, route, mount, default_mount, rest);
        rest = arena_printf(places->arena, "%s/%.*s%s", rest, (int)(optional ? n - 2 : n), word,
                            optional ? "}" : "");
        word += n + (word[n] == '/');
    }
    add(places, route, mount, default_mount, rest);
}

/* By path, then as in the table. */
static int compare(const void *a, const void *b) {
    const struct openapi_place *x = a, *y = b;
    int order = strcmp(x->path, y->path);

    return order != 0 ? order : (x->route > y->route) - (x->route < y->route);
}

/* Whether the server is well can be asked whatever is mounted. */
static bool is_there(const struct api_options *options, const struct route *route, int mount) {
    return options->mounts[mount] != NULL ||
           (mount == MOUNT_ROOT && (route->flags & ROUTE_MONITOR));
}

static struct places find_places(const struct api_options *options) {
    enum { MOST = 8 }; /* paths and methods of a row */
    struct places places = {.arena = memory};

    places.items = arena_array(memory, route_count * MOST, sizeof(*places.items));
    for (const struct route *route = routes; route < routes + route_count; route++) {
        for (int m = 0; m < MOUNT_COUNT; m++) {
            enum mount rows = m == MOUNT_RESOURCE ? MOUNT_RESOURCEMANAGER : (enum mount)m;

            if (route->mount == rows && is_there(options, route, m))
                expand(&places, route, options->mounts[m] != NULL ? options->mounts[m] : "",
                       mount_rows[m].default_path);
        }
    }
    qsort(places.items, places.count, sizeof(*places.items), compare);
    return places;
}

/* The parameters in braces, which all methods share. */
static void write_path_parameters(struct json_writer *w, const char *path) {
    json_key(w, "parameters");
    json_array_open(w);
    for (const char *brace = strchr(path, '{'); brace != NULL; brace = strchr(brace + 1, '{')) {
        json_object_open(w);
        json_key(w, "$ref");
        json_string(w, arena_printf(memory, "#/components/parameters/%.*s",
                                    (int)strcspn(brace + 1, "}"), brace + 1));
        json_object_close(w);
    }
    json_array_close(w);
}

static void write_paths(struct json_writer *w, const struct places *places) {
    json_object_open(w);
    for (size_t i = 0; i < places->count;) {
        const char *path = places->items[i].path;

        json_key(w, path);
        json_object_open(w);
        write_path_parameters(w, path);
        for (; i < places->count && strcmp(places->items[i].path, path) == 0; i++) {
            const char *method = request_method_name(places->items[i].method);
            char *lower = arena_strdup(memory, method);

            for (char *p = lower; *p != '\0'; p++)
                *p = (char)(*p | 0x20);
            json_key(w, lower);
            openapi_operation_write(w, memory, &places->items[i]);
        }
        json_object_close(w);
    }
    json_object_close(w);
}

/* --- the document --- */

/* 3.1 has no "nullable": "null" is a type like the others. */
static void take_null_as_type(struct json_node *node) {
    struct json_node **link = &node->children, *type = NULL;
    bool nullable = false;

    for (struct json_node *n = node->children; n != NULL; n = n->next) {
        take_null_as_type(n);
        nullable = nullable || (node->type == JSON_OBJECT && strcmp(n->key, "nullable") == 0);
        if (node->type == JSON_OBJECT && strcmp(n->key, "type") == 0 && n->type == JSON_STRING)
            type = n;
    }
    if (!nullable || type == NULL)
        return;
    while (strcmp((*link)->key, "nullable") != 0)
        link = &(*link)->next;
    *link = (*link)->next;
    node->count--;
    type->children = arena_array(memory, 2, sizeof(*type->children));
    type->children[0] = (struct json_node){.type = JSON_STRING,
                                           .text = type->text,
                                           .length = type->length,
                                           .next = &type->children[1]};
    type->children[1] = (struct json_node){.type = JSON_STRING, .text = "null", .length = 4};
    type->type = JSON_ARRAY;
    type->count = 2;
}

static struct json_node *read_text(const char *text) {
    static const struct json_limits limits = {.depth = 100};
    struct json_error error;
    struct json_node *node = json_read(memory, text, strlen(text), &limits, &error);

    if (node == NULL)
        log_fatal("the description of the interface: %s: line %zu column %zu", error.message,
                  error.line, error.column);
    return node;
}

/* What etc/openapi.json has, and what is known only here. */
static void write_document(struct json_writer *w, const struct api_options *options, bool newer) {
    const struct places places = find_places(options);
    const struct json_node *fixed = read_text(openapi_json);

    json_object_open(w);
    json_key(w, "openapi");
    json_string(w, newer ? "3.1.0" : "3.0.3");
    json_key(w, "paths");
    write_paths(w, &places);
    for (const struct json_node *n = fixed->children; n != NULL; n = n->next) {
        json_key(w, n->key);
        if (strcmp(n->key, "info") != 0) {
            json_tree(w, n);
            continue;
        }
        json_object_open(w);
        for (const struct json_node *m = n->children; m != NULL; m = m->next) {
            json_key(w, m->key);
            json_tree(w, m);
        }
        json_key(w, "version");
        json_string(w, options->version);
        json_object_close(w);
    }
    json_object_close(w);
}

/* Made as a text, so that it is a tree whose members are sorted. */
static struct json_node *make_document(const struct api_options *options, bool newer) {
    struct json_writer *w = json_writer_new();
    struct json_node *document;
    struct buf text;

    if (memory == NULL)
        memory = arena_new();
    buf_init(&text, 0);
    json_begin(w, true, json_to_buf, &text);
    write_document(w, options, newer);
    if (!json_end(w))
        log_fatal("the description of the interface could not be written");
    json_writer_free(&w);
    document = read_text(arena_strdup(memory, buf_cstr(&text)));
    buf_release(&text);
    if (newer)
        take_null_as_type(document);
    return document;
}

int openapi_show(struct context *c) {
    const char *version = params_last(&c->request->params, "version");
    bool newer = version != NULL && (strcmp(version, "3.1") == 0 || strcmp(version, "3.1.0") == 0);

    if (version != NULL && !newer && strcmp(version, "3.0") != 0 && strcmp(version, "3.0.3") != 0)
        return reply_fail(c, 400, "There is no version %s: please choose from 3.0, 3.1.",
                          quote(c->arena, version));
    if (documents[newer] == NULL)
        documents[newer] = make_document(c->options, newer);
    json_tree(reply_json(c, 200), documents[newer]);
    return reply_end(c);
}
