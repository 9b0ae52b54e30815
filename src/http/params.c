/* params.c: the list of parameters, and query strings and url-encoded forms into it. */
#include "http/params.h"

#include <assert.h>
#include <string.h>

#include "base/quote.h"
#include "base/utf8.h"
#include "http/percent.h"

/* --- adding --- */

static void make_room(struct params_target *to) {
    struct params *params = to->params;
    struct param *items;

    if (params->count < to->capacity)
        return;
    to->capacity = params->count * 2 + 8;
    items = arena_array(to->arena, to->capacity, sizeof(*items));
    if (params->count > 0)
        memcpy(items, params->items, params->count * sizeof(*items));
    params->items = items;
}

static const char *which(const struct params_target *to, const char *name, size_t length) {
    return arena_printf(to->arena, "Parameter %s", quote_bytes(to->arena, name, length));
}

enum params_result params_add(struct params_target *to, const char *name, size_t name_length,
                              const char *value, size_t value_length) {
    assert(to != NULL && name != NULL && value != NULL);
    if (!utf8_valid(name, name_length) || !utf8_valid(value, value_length)) {
        to->message = arena_printf(to->arena, "%s is not valid UTF-8 or has a NUL",
                                   which(to, name, name_length));
        return PARAMS_ENCODING;
    }
    if (name_length > to->limits->name_bytes) {
        to->message = arena_printf(to->arena, "%s has a name of more than %zu bytes",
                                   which(to, name, name_length), to->limits->name_bytes);
        return PARAMS_LIMIT;
    }
    if (value_length > to->limits->value_bytes) {
        to->message = arena_printf(to->arena, "%s has a value of more than %zu bytes",
                                   which(to, name, name_length), to->limits->value_bytes);
        return PARAMS_LIMIT;
    }
    if (to->params->count >= to->limits->count) {
        to->message =
            arena_printf(to->arena, "More than %zu parameters were sent", to->limits->count);
        return PARAMS_LIMIT;
    }
    make_room(to);
    to->params->items[to->params->count++] = (struct param){name, value};
    return PARAMS_OK;
}

/* --- url-encoded --- */

static const char *decode(const struct params_target *to, const char *text, size_t n,
                          size_t *length) {
    char *out = arena_alloc(to->arena, n + 1);

    (void)percent_decode(text, n, true, out, length);
    return out;
}

static enum params_result add_pair(struct params_target *to, const char *pair, size_t n) {
    const char *equals = memchr(pair, '=', n);
    size_t raw_name = equals == NULL ? n : (size_t)(equals - pair);
    size_t name_length;
    size_t value_length = 0;
    const char *name = decode(to, pair, raw_name, &name_length);
    const char *value =
        equals == NULL ? "" : decode(to, equals + 1, n - raw_name - 1, &value_length);

    return params_add(to, name, name_length, value, value_length);
}

enum params_result params_add_form(struct params_target *to, const char *text, size_t n) {
    assert(text != NULL || n == 0);
    while (n > 0) {
        const char *and = memchr(text, '&', n);
        size_t length = and == NULL ? n : (size_t)(and-text);
        enum params_result result = length == 0 ? PARAMS_OK : add_pair(to, text, length);

        if (result != PARAMS_OK)
            return result;
        length += and != NULL;
        text += length;
        n -= length;
    }
    return PARAMS_OK;
}

/* --- looking up --- */

const char *params_last(const struct params *params, const char *name) {
    size_t i;

    assert(params != NULL && name != NULL);
    for (i = params->count; i > 0; i--)
        if (strcmp(params->items[i - 1].name, name) == 0)
            return params->items[i - 1].value;
    return NULL;
}

const char **params_all(const struct params *params, struct arena *arena, const char *name,
                        size_t *count) {
    const char **values;
    size_t i;

    assert(params != NULL && arena != NULL && name != NULL && count != NULL);
    values = arena_array(arena, params->count, sizeof(*values));
    *count = 0;
    for (i = 0; i < params->count; i++)
        if (strcmp(params->items[i].name, name) == 0)
            values[(*count)++] = params->items[i].value;
    return values;
}
