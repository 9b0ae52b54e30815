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
    const char *resource; /* whose number is meant */
    const char *datatype;
    const char *mask;
    const char *driver;
    const char *text;             /* the value as a parameter */
    const struct json_node *node; /* the value as JSON */
    const char *unknown;          /* a member that does not belong here */
    const char *wrong_type;       /* a member that must be a string and is not */
};

struct attribute_raws {
    struct attribute_raw *items;
    size_t count;
    bool is_json;
    bool is_list; /* of JSON: messages name the index */
};

/* Takes them from the path and a JSON body, or else the parameters; all zeros for a member of a
 * list that is not an object. RC_INVALID or RC_PRECONDITION with a message. */
struct verdict attribute_raw_read(const struct context *c, struct attribute_raws *out);

/* True if the number is to be the object's next one: of an attribute that is added. */
bool attribute_raw_is_next(const struct context *c, const struct attribute_raw *raw);

/* A resource is not empty, and stands in the place of a number: RC_INVALID with a message. */
struct verdict attribute_raw_check_resource(const struct context *c,
                                            const struct attribute_raw *raw);

/* What the path says of an attribute in JSON must be what that says: RC_INVALID with a message. */
struct verdict attribute_raw_check_path(const struct context *c, const struct attribute_raw *raw);

#endif
