/* attribute_input.h: the attributes that a request is to write, checked, cast and resolved. */
#ifndef MUSTER_API_ATTRIBUTE_INPUT_H
#define MUSTER_API_ATTRIBUTE_INPUT_H

#include "api/attribute_raw.h"

/* What was requested, checked: attrs[i] belongs to raws->items[i]. */
struct attribute_input {
    const struct attribute_raws *raws;
    struct attr *attrs;
    size_t count;
};

/* Checks and casts what is to be written to the object, which is locked; what relations name is
 * locked too then (contract/inventory.md section 4, "Checks in order"). 0, or the status of the 4xx
 * or failure that was sent. */
int attribute_input_read(struct context *c, const struct ref *object,
                         const struct attribute_raws *raws, struct attribute_input *out);

/* The same for attributes that are to be deleted: they may have any name, and a relation to an
 * object that does not exist is one that no attribute has. */
int attribute_input_existing(struct context *c, const struct ref *object,
                             const struct attribute_raws *raws, struct attribute_input *out);

/* The value of one, cast to its datatype; what a relation names is not looked up. RC_INVALID with a
 * message. */
struct verdict attribute_input_cast(struct context *c, const struct attribute_raw *raw,
                                    struct value *out);

/* Answers with what is wrong with the attribute i, which is named in a bulk request. 0: nothing. */
int attribute_input_reply(struct context *c, const struct attribute_input *input, size_t i,
                          struct verdict verdict);

/* A number of an attribute; RC_INVALID with the message of a 400. */
struct verdict attribute_input_number(struct arena *arena, const char *text, int32_t *out);

#endif
