/* attribute_input.h: the attributes that a request is to write, checked, cast and resolved. */
#ifndef MUSTER_API_ATTRIBUTE_INPUT_H
#define MUSTER_API_ATTRIBUTE_INPUT_H

#include "api/attribute_raw.h"

/* What was asked for, checked. */
struct attribute_input {
    struct attribute_raw *raws;
    struct attr *attrs;
    size_t count;
    bool is_bulk; /* a JSON list: messages name the index */
};

/* Reads what is to be written to the object, which is locked; what relations name is locked too
 * then (contract/inventory.md section 4, "Checks in order"). 0, or the status of the 4xx or failure
 * that was sent. */
int attribute_input_read(struct context *c, const struct ref *object, struct attribute_input *out);

/* A number of an attribute; RC_INVALID with the message of a 400. */
struct verdict attribute_input_number(struct arena *arena, const char *text, int32_t *out);

#endif
