/* value.c: an attribute's value: datatypes, casts, comparison. */
#include "model/value.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/num.h"
#include "base/quote.h"

static const char *const names[DATATYPE_COUNT] = {
    [DATATYPE_INT] = "int",           [DATATYPE_STRING] = "string",
    [DATATYPE_DATETIME] = "datetime", [DATATYPE_RELATION] = "relation",
    [DATATYPE_JSON] = "json",
};

const char *value_datatype_name(enum value_datatype datatype) {
    assert((unsigned)datatype < DATATYPE_COUNT);
    return names[datatype];
}

bool value_datatype_parse(const char *name, enum value_datatype *out) {
    int i;

    assert(name != NULL && out != NULL);
    for (i = 0; i < DATATYPE_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum value_datatype)i;
            return true;
        }
    }
    return false;
}

/* --- casts --- */

/* The text, shortened so that it does not dominate the message. */
static const char *shortened(struct arena *arena, const char *text) {
    size_t n = strlen(text);

    if (n <= QUOTE_LIMIT)
        return text;
    for (n = QUOTE_LIMIT; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80; n--) {
    }
    return arena_printf(arena, "%.*s...", (int)n, text);
}

static const char *cast_int(struct arena *arena, const char *text, struct value *out) {
    switch (num_parse(text, &out->number)) {
    case NUM_OK: return NULL;
    case NUM_OUT_OF_RANGE:
        return arena_printf(arena, "it must be from %lld to %lld", (long long)INT64_MIN,
                            (long long)INT64_MAX);
    case NUM_MALFORMED: break;
    }
    return arena_printf(arena, "invalid literal for int() with base 10: %s", quote(arena, text));
}

/* A driver's name has no slash; an object's may. */
static const char *cast_relation(struct arena *arena, const char *text, struct value *out) {
    const char *slash = *text == '/' ? strchr(text + 1, '/') : NULL;

    if (slash == NULL || slash == text + 1 || slash[1] == '\0')
        return "it must be /driver/name";
    out->related_driver = arena_strndup(arena, text + 1, (size_t)(slash - text) - 1);
    out->related_name = arena_strdup(arena, slash + 1);
    return NULL;
}

struct verdict value_cast(struct arena *arena, const char *text, enum value_datatype datatype,
                          const char *mask, struct value *out) {
    const char *why = NULL;

    assert(arena != NULL && text != NULL && out != NULL && datatype != DATATYPE_JSON);
    *out = (struct value){.datatype = datatype};
    switch (datatype) {
    case DATATYPE_INT: why = cast_int(arena, text, out); break;
    case DATATYPE_DATETIME: why = datetime_parse(arena, text, mask, &out->text); break;
    case DATATYPE_RELATION: why = cast_relation(arena, text, out); break;
    default: out->text = text; break;
    }
    return why == NULL ? verdict_of(RC_OK)
                       : verdict_no(arena, RC_INVALID, "Error casting %s into a(n) %s: %s",
                                    shortened(arena, text), value_datatype_name(datatype), why);
}

/* --- comparison --- */

int value_compare(const struct value *a, const struct value *b) {
    assert(a != NULL && b != NULL);
    if (a->datatype != b->datatype)
        return a->datatype < b->datatype ? -1 : 1;
    switch (a->datatype) {
    case DATATYPE_INT: return (a->number > b->number) - (a->number < b->number);
    case DATATYPE_RELATION:
        return (a->related_id > b->related_id) - (a->related_id < b->related_id);
    default: break;
    }
    if (a->text == NULL || b->text == NULL)
        return (a->text != NULL) - (b->text != NULL);
    return strcmp(a->text, b->text);
}

bool value_equal(const struct value *a, const struct value *b) {
    return value_compare(a, b) == 0;
}

const char *value_path(struct arena *arena, const char *driver, const char *name) {
    return arena_join(arena, (const char *[]){"/", driver, "/", name, NULL});
}

const char *value_text(struct arena *arena, const struct value *value) {
    assert(arena != NULL && value != NULL);
    switch (value->datatype) {
    case DATATYPE_INT: return arena_printf(arena, "%lld", (long long)value->number);
    case DATATYPE_RELATION:
        if (value->related_driver == NULL || value->related_name == NULL)
            return "";
        return value_path(arena, value->related_driver, value->related_name);
    default: return value->text == NULL ? "" : value->text;
    }
}
