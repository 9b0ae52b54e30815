/* query_fields.h: columns of /query: what is asked for, and what an object has in them. */
#ifndef MUSTER_API_QUERY_FIELDS_H
#define MUSTER_API_QUERY_FIELDS_H

#include "api/context.h"

enum query_column_kind {
    COLUMN_NAME,
    COLUMN_DRIVER,
    COLUMN_TYPE,
    COLUMN_PATH,
    COLUMN_IPS,
    COLUMN_PARENTS,
    COLUMN_CONTENTS,
    COLUMN_ATTR
};

struct query_column {
    enum query_column_kind kind;
    const char *title;  /* as it was asked for */
    const char *key;    /* COLUMN_ATTR */
    const char *subkey; /* COLUMN_ATTR; NULL: any */
    bool has_number;    /* COLUMN_ATTR; else any */
    int32_t number;
};

struct query_fields {
    struct query_column *columns;
    size_t count;
};

/* Reads "name,ips,attr system.memory". 400: there is no such column, or one is named twice. */
int query_fields_read(struct context *c, const char *text, struct query_fields *out);

/* An object with these members; of columns that may have several values each is a list. */
void query_fields_show(struct context *c, const struct query_fields *fields,
                       const struct object *object);

/* The column of the object as text, several values joined by a blank. In the arena. */
const char *query_fields_text(struct arena *arena, const struct query_column *column,
                              const struct object *object);

#endif
