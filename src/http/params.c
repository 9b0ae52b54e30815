/* params.c: the list of parameters, and query strings and url-encoded forms into it. */
#include "http/params.h"

#include <assert.h>
#include <string.h>

#include "base/quote.h"
#include "base/utf8.h"
#include "http/param_list.h"
#include "http/percent.h"

/* --- adding --- */

static void make_room(struct param_list *list) {
    struct params *params = list->params;
    struct param *items;

    if (params->count < list->capacity)
        return;
    list->capacity = params->count * 2 + 8;
    items = arena_array(list->arena, list->capacity, sizeof(*items));
    if (params->count > 0)
        memcpy(items, params->items, params->count * sizeof(*items));
    params->items = items;
}

static const char *which(const struct param_list *list, const char *name, size_t length) {
    return arena_printf(list->arena, "Parameter %s", quote_bytes(list->arena, name, length));
}

enum params_result param_list_add(struct param_list *list, const char *name, size_t name_length,
                                  const char *value, size_t value_length) {
    assert(list != NULL && name != NULL && value != NULL);
    if (!utf8_valid(name, name_length) || !utf8_valid(value, value_length)) {
        *list->message = arena_printf(list->arena, "%s is not valid UTF-8 or has a NUL",
                                      which(list, name, name_length));
        return PARAMS_ENCODING;
    }
    if (name_length > list->limits->name_bytes) {
        *list->message = arena_printf(list->arena, "%s has a name of more than %zu bytes",
                                      which(list, name, name_length), list->limits->name_bytes);
        return PARAMS_LIMIT;
    }
    if (value_length > list->limits->value_bytes) {
        *list->message = arena_printf(list->arena, "%s has a value of more than %zu bytes",
                                      which(list, name, name_length), list->limits->value_bytes);
        return PARAMS_LIMIT;
    }
    if (list->params->count >= list->limits->count) {
        *list->message =
            arena_printf(list->arena, "More than %zu parameters were sent", list->limits->count);
        return PARAMS_LIMIT;
    }
    make_room(list);
    list->params->items[list->params->count++] = (struct param){name, value};
    return PARAMS_OK;
}

/* --- url-encoded --- */

static const char *decode(const struct param_list *list, const char *text, size_t n,
                          size_t *length) {
    char *out = arena_alloc(list->arena, n + 1);

    (void)percent_decode(text, n, true, out, length);
    return out;
}

static enum params_result add_pair(struct param_list *list, const char *pair, size_t n) {
    const char *equals = memchr(pair, '=', n);
    size_t raw_name = equals == NULL ? n : (size_t)(equals - pair);
    size_t name_length;
    size_t value_length = 0;
    const char *name = decode(list, pair, raw_name, &name_length);
    const char *value =
        equals == NULL ? "" : decode(list, equals + 1, n - raw_name - 1, &value_length);

    return param_list_add(list, name, name_length, value, value_length);
}

enum params_result params_add_form(struct params *params, struct arena *arena, const char *text,
                                   size_t n, const struct params_limits *limits,
                                   const char **message) {
    struct param_list list = {params, arena, limits, message, 0};
    const char *end;

    assert(params != NULL && arena != NULL && limits != NULL && message != NULL);
    assert(text != NULL || n == 0);
    for (end = text + n; text < end;) {
        const char *and = memchr(text, '&', (size_t)(end - text));
        size_t length = (size_t)((and == NULL ? end : and) - text);
        enum params_result result = length == 0 ? PARAMS_OK : add_pair(&list, text, length);

        if (result != PARAMS_OK)
            return result;
        text += length + 1;
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

const struct param *params_unknown(const struct params *params, const char *const *known) {
    size_t i;
    size_t k;

    assert(params != NULL && known != NULL);
    for (i = 0; i < params->count; i++) {
        for (k = 0; known[k] != NULL && strcmp(params->items[i].name, known[k]) != 0; k++) {
        }
        if (known[k] == NULL)
            return &params->items[i];
    }
    return NULL;
}
