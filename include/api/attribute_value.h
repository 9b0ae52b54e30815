/* attribute_value.h: what a request gives as a value, as a value of a datatype
 * (contract/inventory.md 4). */
#ifndef MUSTER_API_ATTRIBUTE_VALUE_H
#define MUSTER_API_ATTRIBUTE_VALUE_H

#include "api/context.h"
#include "model/value.h"
#include "json/reader.h"

/* A JSON value. `datatype` NULL: it follows the value; `mask` NULL: the default. NULL, or the
 * message of a 400 in the arena. */
const char *cast_node(struct context *c, const struct json_node *node,
                      const enum value_datatype *datatype, const char *mask, struct value *out);

/* The text of a parameter. With DATATYPE_JSON it is a JSON text, whose value decides what is
 * stored. */
const char *cast_text(struct context *c, const char *text, enum value_datatype datatype,
                      const char *mask, struct value *out);

#endif
