/* preferences_input.c: what a request asks of the preferences: parameters, conditions, container
 * and location, JSON. */
#include "api/preferences_input.h"

#include <string.h>

#include "api/condition.h"
#include "api/input.h"
#include "api/reply.h"
#include "base/quote.h"

/* As the table takes it (etc/schema.sql); json_key_bytes may be less. */
enum { CONTAINER_BYTES = 1024 };

/* Ends the tag of a document in one line. */
#define MINIFIED "-m"

const char *preferences_shown_tag(struct context *c, const char *tag) {
    return reply_is_minified(c) ? arena_join(c->arena, (const char *[]){tag, MINIFIED, NULL}) : tag;
}

/* The tags as they are without what tells a minified form from an indented one. */
static void forget_form(struct etag_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        char *text = list->items[i].text;
        size_t n = strlen(text);

        if (n > strlen(MINIFIED) && strcmp(text + n - strlen(MINIFIED), MINIFIED) == 0)
            text[n - strlen(MINIFIED)] = '\0';
    }
}

int preferences_conditions(struct context *c, struct prefs_change *change) {
    if (condition_read(c, "If-Match", "HTTP_IF_MATCH", &change->if_match) ||
        condition_read(c, "If-None-Match", "HTTP_IF_NONE_MATCH", &change->if_none_match))
        return c->response->status;
    forget_form(&change->if_match);
    if (!request_is_read(c->request))
        forget_form(&change->if_none_match);
    return 0;
}

static int check_key(struct context *c, const char *key, int longest) {
    if (strlen(key) <= (size_t)longest)
        return 0;
    return reply_fail(c, 400, "The key %s is longer than %d bytes.", quote(c->arena, key), longest);
}

static int read_pointer(struct context *c, const char *text, struct json_pointer *location) {
    const char *why;

    if (c->arg_count > 1)
        return reply_fail(c, 400,
                          "A path after the container and a pointer can't be sent together.");
    if (json_pointer_parse(c->arena, text, strlen(text), location, &why))
        return 0;
    return reply_fail(c, 400, "The pointer %s is malformed: %s", quote(c->arena, text), why);
}

static void read_path(struct context *c, struct json_pointer *location) {
    struct json_token *tokens = arena_array(c->arena, c->arg_count, sizeof *tokens);

    for (size_t i = 1; i < c->arg_count; i++)
        tokens[i - 1] = (struct json_token){c->args[i], strlen(c->args[i])};
    *location = (struct json_pointer){tokens, c->arg_count - 1, .keys_only = true};
}

/* Container and location: the segments of the path, or the parameter "pointer" for the location. */
static int read_location(struct context *c, struct prefs_change *change) {
    const char *pointer = params_last(&c->request->params, "pointer");
    const struct json_pointer *steps = &change->location;
    int segments = c->options->preferences_path_segments, longest = c->options->json_key_bytes;

    change->container = c->args[0];
    if (pointer == NULL)
        read_path(c, &change->location);
    else if (read_pointer(c, pointer, &change->location))
        return c->response->status;
    if (steps->count >= (size_t)segments)
        return reply_fail(c, 400, "The path has more than %d segments.", segments);
    for (size_t i = 0; i < steps->count; i++)
        if (check_key(c, steps->tokens[i].text, longest))
            return c->response->status;
    return check_key(c, change->container, longest < CONTAINER_BYTES ? longest : CONTAINER_BYTES);
}

int preferences_begin(struct context *c, struct prefs_change *change) {
    const struct api_options *s = c->options;

    *change = (struct prefs_change){.depth = (size_t)s->json_depth,
                                    .key_bytes = (size_t)s->json_key_bytes,
                                    .document_bytes = s->preferences_document_bytes,
                                    .max_containers = s->preferences_max_containers,
                                    .max_bytes = s->preferences_max_bytes};
    if (read_location(c, change))
        return c->response->status;
    return preferences_conditions(c, change);
}

struct json_node *preferences_read_json(struct context *c, const char *bytes, size_t n,
                                        size_t depth) {
    struct json_limits limits = input_json_limits(c->options, depth);
    struct json_error error;
    struct json_node *value = json_read(c->arena, bytes, n, &limits, &error);

    if (value == NULL)
        reply_fail(c, 400, "%s (line %zu, column %zu)", error.message, error.line, error.column);
    return value;
}

struct json_node *preferences_read_body(struct context *c, size_t depth) {
    return preferences_read_json(c, c->request->body, c->request->body_length, depth);
}
