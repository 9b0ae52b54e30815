/* inherited.c: attributes that objects inherit. */
#include "store/inherited.h"

#include <stdlib.h>
#include <string.h>

#include "store/objects.h"
#include "store/prefetch.h"

struct store_read *store_ask_inherited(struct arena *arena, const char *name,
                                       const struct attr_filter *filter) {
    const struct pg_arg args[] = {pg_text(name), pg_text(filter->key), pg_text(filter->subkey),
                                  filter->has_number ? pg_int(filter->number) : pg_null()};

    return prefetch_read(arena, STMT(ATTRS_INHERITED), args, sizeof args / sizeof *args);
}

/* They come by the distance: what is further away is at a higher address. */
static int by_key(const void *a, const void *b) {
    const struct inherited_attr *x = a, *y = b;
    int order = strcmp(x->attr.key, y->attr.key);

    if (order == 0)
        order = (x->from > y->from) - (x->from < y->from);
    return order ? order : (x->attr.id > y->attr.id) - (x->attr.id < y->attr.id);
}

enum rc store_take_inherited(struct store *store, struct store_read *read, struct inherited *out) {
    struct object *objects;
    PGresult *result;
    size_t rows, count;
    enum rc rc = prefetch_take(store, read, &result);

    if (rc != RC_OK)
        return rc;
    rows = pg_rows(result);
    objects = objects_of(read->arena, result, &count);
    if (count == 0)
        return RC_NOTFOUND;
    *out = (struct inherited){.attrs = arena_array(read->arena, rows, sizeof *out->attrs)};
    out->ref = objects[0].ref;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < objects[i].attr_count; j++)
            out->attrs[out->count++] =
                (struct inherited_attr){objects[i].attrs[j], &objects[i].ref};
    if (out->count > 1)
        qsort(out->attrs, out->count, sizeof *out->attrs, by_key);
    return RC_OK;
}
