/* compare.c: a text as what it can be compared with. */
#include "store/compare.h"

#include <string.h>

#include "base/num.h"
#include "model/value_json.h"

struct pg_arg compare_number(struct arena *arena, const char *value) {
    int64_t number;

    if (num_parse(value, &number) != NUM_OK ||
        strcmp(arena_printf(arena, "%lld", (long long)number), value) != 0)
        return pg_null();
    return pg_bigint(number);
}

struct pg_arg compare_date(struct arena *arena, const char *value) {
    const char *iso;

    return datetime_parse(arena, value, NULL, &iso) == NULL ? pg_timestamp(iso) : pg_null();
}

struct pg_arg compare_json(struct arena *arena, const char *value) {
    static const struct json_limits limits = {.depth = 100};
    struct value json = {.text = NULL};

    if (*value != '{' && *value != '[')
        return pg_null();
    (void)value_cast_json(arena, value, &limits, &json);
    return pg_text(json.text);
}
