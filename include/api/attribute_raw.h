/* attribute_raw.h: the attributes of a request as they were sent, before anything is checked. */
#ifndef MUSTER_API_ATTRIBUTE_RAW_H
#define MUSTER_API_ATTRIBUTE_RAW_H

#include "api/context.h"
#include "json/reader.h"

/* One attribute as it was sent. Texts are NULL where nothing was given. */
struct attribute_raw {
    const char *key;
    const char *subkey;
    const char *number;
    const char *datatype;
    const char *mask;
    const char *driver;
    const char *text;             /* the value as a parameter */
    const struct json_node *node; /* the value as JSON */
    const char *unknown;          /* a member or parameter that does not belong here */
    const char *wrong_type;       /* a member that must be a string and is not */
};

/* Takes them from the path and a JSON body, or else the parameters; all zeros for a member of a
 * list that is not an object. A JSON list is_bulk. 0, or the status of the 4xx that was sent. */
int attribute_raw_read(struct context *c, struct attribute_raw **out, size_t *count, bool *is_bulk);

#endif
