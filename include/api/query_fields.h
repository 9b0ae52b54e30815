/* query_fields.h: columns of /query: what is asked for, and what an object has in them. */
#ifndef MUSTER_API_QUERY_FIELDS_H
#define MUSTER_API_QUERY_FIELDS_H

#include "api/context.h"
#include "query/column.h"

struct query_fields {
    struct query_column *columns;
    size_t count;
};

/* Reads "name,ips,attr system.memory". 400: there is no such column, or one is named twice. */
int query_fields_read(struct context *c, const char *text, struct query_fields *out);

/* True if the newest version of each object is asked for. */
bool query_fields_have_version(const struct query_fields *fields);

/* An object with these members; of columns that may have several values each is a list. */
void query_fields_show(struct context *c, const struct query_fields *fields,
                       const struct object *object);

/* The column of the object as text, several values joined by a blank. In the arena. */
const char *query_fields_text(struct arena *arena, const struct query_column *column,
                              const struct object *object);

#endif
