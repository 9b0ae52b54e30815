/* input.c: what all handlers read of a request: parameters, mode, page. */
#include "api/input.h"

#include <string.h>

#include "api/reply.h"
#include "base/num.h"
#include "base/quote.h"
#include "http/accept.h"
#include "model/driver.h"
#include "json/reader.h"

const char *const input_headers[INPUT_HEADERS] = {
    "HTTP_CLUSTO_MODE",  "HTTP_CLUSTO_MINIFY",   "HTTP_CLUSTO_PAGE",  "HTTP_CLUSTO_PER_PAGE",
    "HTTP_CLUSTO_AFTER", "HTTP_CLUSTO_CONTENTS", "HTTP_CLUSTO_UNITS", "HTTP_CLUSTO_INHERIT",
};

const char *input_nonempty(const struct context *c, const char *name) {
    const char *value = params_last(&c->request->params, name);

    return value && *value ? value : NULL;
}

int input_check_nonempty(struct context *c, const char *name, const char *const *values,
                         size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!*values[i])
            return reply_fail(c, 400, "The parameter \"%s\" is empty.", name);
    return 0;
}

bool input_boolean(const struct context *c, const char *name, bool otherwise) {
    static const char *const words[] = {"", "0", "false", "no", "off"};
    const char *text = params_last(&c->request->params, name);

    for (size_t i = 0; text && i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0)
            return false;
    return text ? true : otherwise;
}

int input_number(struct context *c, const char *name, int64_t least, int64_t most, int64_t *out) {
    const char *text = params_last(&c->request->params, name);

    if (!text || num_parse_range(text, least, most, out) == NUM_OK)
        return 0;
    return reply_fail(c, 400, "\"%s\" must be a number from %lld to %lld, not %s.", name,
                      (long long)least, (long long)most, quote(c->arena, text));
}

enum context_mode input_mode(const struct context *c, enum context_mode default_mode) {
    const char *mode = request_header(c->request, "Clusto-Mode");

    if (!mode || !*mode)
        return default_mode;
    if (strcmp(mode, "compact") == 0)
        return MODE_COMPACT;
    if (strcmp(mode, "expanded") == 0)
        return MODE_EXPANDED;
    return MODE_INVALID;
}

bool input_units(const struct context *c) {
    const char *units = request_header(c->request, "Clusto-Units");

    return units && strcasecmp(units, "true") == 0;
}

static int check_units(struct context *c) {
    const char *units = request_header(c->request, "Clusto-Units");

    if (!units || !*units || strcasecmp(units, "true") == 0 || strcasecmp(units, "false") == 0)
        return 0;
    return reply_fail(c, 400, "Clusto-Units must be true or false, not %s", quote(c->arena, units));
}

int input_check_mode(struct context *c, enum context_mode mode) {
    if (mode != MODE_INVALID)
        return check_units(c);
    return reply_fail(c, 409, "'%s' is not a valid mode. Please choose from: {compact,expanded}.",
                      request_header(c->request, "Clusto-Mode"));
}

int input_inherit(struct context *c, bool *inherit) {
    const char *text = request_header(c->request, "Clusto-Inherit");

    *inherit = text && strcasecmp(text, "true") == 0;
    if (*inherit || !text || !*text || strcasecmp(text, "false") == 0)
        return 0;
    return reply_fail(c, 400, "Clusto-Inherit must be true or false, not %s",
                      quote(c->arena, text));
}

bool input_contents(const struct context *c) {
    const char *contents = request_header(c->request, "Clusto-Contents");

    return !contents || !*contents;
}

int input_check_contents(struct context *c) {
    const char *contents = request_header(c->request, "Clusto-Contents");

    if (!contents || !*contents || strcmp(contents, "none") == 0)
        return 0;
    return reply_fail(c, 400, "Clusto-Contents must be none, not %s", quote(c->arena, contents));
}

int input_check_once(struct context *c, const char *header, const char *variable) {
    if (!request_repeats(c->request, variable))
        return 0;
    return reply_fail(c, 400, "%s was sent more than once.", header);
}

struct json_limits input_json_limits(const struct api_options *options, size_t depth) {
    return (struct json_limits){.depth = depth,
                                .nodes = (size_t)options->json_values,
                                .key_bytes = (size_t)options->json_key_bytes,
                                .number_digits = (size_t)options->json_number_characters,
                                .exponent = options->json_exponent};
}

const struct json_node *input_json_body(struct context *c, size_t depth) {
    const struct json_limits limits = input_json_limits(c->options, depth);
    struct json_error error;
    const struct json_node *node =
        json_read(c->arena, c->request->body, c->request->body_length, &limits, &error);

    if (!node)
        reply_fail(c, 400, "%s: line %zu column %zu", error.message, error.line, error.column);
    return node;
}

struct query_limits input_query_limits(const struct api_options *options) {
    return (struct query_limits){.bytes = options->query_bytes,
                                 .tests = options->query_tests,
                                 .depth = options->query_depth,
                                 .values = options->query_values};
}

int input_question(struct context *c, struct arena *arena, const char *name,
                   const struct query_node **out) {
    const struct query_limits limits = input_query_limits(c->options);
    const char *text = params_last(&c->request->params, name);

    *out = NULL;
    if (!text)
        return 0;
    if (!*text)
        return reply_fail(c, 412, "Provide a query as %s", name);
    return reply_verdict(c, query_parse(arena, text, &limits, out));
}

/* A header, or the parameter that stands for it in a link. */
static const char *header_or_param(const struct context *c, const char *header, const char *name) {
    const char *value = request_header(c->request, header);

    return value ? value : params_last(&c->request->params, name);
}

int input_page(struct context *c, struct page *out) {
    const int most = c->options->max_per_page, usual = c->options->per_page;

    *out = (struct page){.per_page = most > 0 && most < usual ? most : usual};
    if (reply_verdict(c, page_parse(c->arena, request_header(c->request, "Clusto-Page"),
                                    header_or_param(c, "Clusto-Per-Page", "clusto_per_page"),
                                    header_or_param(c, "Clusto-After", "clusto_after"), out)))
        return c->response->status;
    if (most > 0 && out->per_page > most)
        return reply_fail(c, 400, "Clusto-Per-Page must be at most %d.", most);
    return 0;
}

bool input_accepts_lines(const struct context *c) {
    static const char *const types[] = {"application/json", "application/x-ndjson", NULL};

    return accept_preferred(request_header(c->request, "Accept"), types) == 1;
}

int input_drivers(struct context *c, const char *const **drivers, size_t *count) {
    *drivers = params_all(&c->request->params, c->arena, "driver", count);
    for (size_t i = 0; i < *count; i++)
        if (!driver_find((*drivers)[i]))
            return reply_fail(c, 412, "The driver \"%s\" is not a valid driver", (*drivers)[i]);
    return 0;
}

int input_filters(struct context *c, struct listing *listing) {
    const struct params *params = &c->request->params;

    listing->types = params_all(params, c->arena, "type", &listing->type_count);
    if (input_drivers(c, &listing->drivers, &listing->driver_count))
        return c->response->status;
    for (size_t i = 0; i < listing->type_count; i++)
        if (!driver_last_of_type(listing->types[i]))
            return reply_fail(c, 412, "The type \"%s\" is not a valid type", listing->types[i]);
    return 0;
}
