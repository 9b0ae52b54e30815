/* value_json.h: JSON values as values of attributes (contract/inventory.md section 4). */
#ifndef MUSTER_MODEL_VALUE_JSON_H
#define MUSTER_MODEL_VALUE_JSON_H

#include "model/value.h"
#include "json/reader.h"

/* A JSON value. `datatype` NULL: it follows the value; `mask` NULL: the default. `limits` are for
 * JSON texts in strings. RC_INVALID: the message of a 400 in the arena. */
struct verdict value_cast_node(struct arena *arena, const struct json_node *node,
                               const enum value_datatype *datatype, const char *mask,
                               const struct json_limits *limits, struct value *out);

/* A JSON text (DATATYPE_JSON): its value decides what datatype is stored. */
struct verdict value_cast_json(struct arena *arena, const char *text,
                               const struct json_limits *limits, struct value *out);

#endif
