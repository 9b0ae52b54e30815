/* query_text.c: a statement of /query while it is written. */
#include "store/query_text.h"

#include "model/driver.h"

void query_text_add(struct query_text *c, const char *fixed) {
    buf_adds(c->out, fixed);
}

void query_text_parameter(struct query_text *c, char letter, struct pg_arg arg) {
    c->args = arena_grow(c->arena, c->args, c->count, &c->capacity, sizeof *c->args);
    c->args[c->count++] = arg;
    buf_addc(&c->letters, letter);
    buf_printf(c->out, "$%zu", c->count);
}

void query_text_around(struct query_text *c, const char *before, const char *value,
                       const char *after) {
    query_text_add(c, before);
    query_text_parameter(c, 't', pg_text(value));
    query_text_add(c, after);
}

void query_text_narrow(struct query_text *c, const char *subkey, bool has_number, int32_t number) {
    if (subkey) /* as its index does not compare */
        query_text_around(c, " and a.subkey = ", subkey, " collate \"C\"");
    if (has_number) {
        query_text_add(c, " and a.number = ");
        query_text_parameter(c, 'i', pg_int(number));
    }
}

struct pg_arg query_text_array(struct arena *arena, const struct query_node *n) {
    const char **texts = arena_array(arena, n->value_count, sizeof *texts);

    for (size_t i = 0; i < n->value_count; i++)
        texts[i] = n->values[i].text;
    return pg_texts(texts, n->value_count);
}

const char **query_text_drivers(struct arena *arena, const char *name, size_t *count) {
    const struct driver *driver = driver_find(name);
    const char **names = arena_array(arena, driver_count() + 1, sizeof *names);

    names[0] = name;
    *count = 0;
    for (size_t i = 0; driver != NULL && i < driver_count(); i++)
        if (driver_is_a(driver_at(i), driver))
            names[(*count)++] = driver_at(i)->name;
    if (*count == 0)
        *count = 1;
    return names;
}
