/* attribute_input.h: the attributes of a request, from parameters or a JSON body, checked and cast.
 */
#ifndef MUSTER_API_ATTRIBUTE_INPUT_H
#define MUSTER_API_ATTRIBUTE_INPUT_H

#include "api/context.h"

/* What was asked for. Relations are names only until resolve_relations(). */
struct attribute_input {
    struct attr *attrs;
    size_t count;
    bool is_bulk;       /* a JSON list: messages name the index */
    const char *driver; /* the driver that the object must be, NULL: none given */
};

/* Reads all of it (contract/inventory.md section 4, "Checks in order"). False: a 4xx is already
 * answered. */
bool read_attributes(struct context *c, struct attribute_input *out);

/* Locks what the relations name and fills in the ids. False: a 404, 409 or failure is already
 * answered. */
bool resolve_relations(struct context *c, struct attribute_input *input);

#endif
