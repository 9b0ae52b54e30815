/* value.h: an attribute's value, its datatypes, casts and comparison (contract/inventory.md section
 * 4). */
#ifndef MUSTER_MODEL_VALUE_H
#define MUSTER_MODEL_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/verdict.h"

enum value_datatype {
    DATATYPE_INT,
    DATATYPE_STRING,
    DATATYPE_DATETIME,
    DATATYPE_RELATION,
    DATATYPE_JSON,
    DATATYPE_COUNT
};

struct value {
    enum value_datatype datatype;
    int64_t number;             /* DATATYPE_INT */
    const char *text;           /* STRING; JSON as text; DATETIME in ISO form; NULL: null */
    int32_t related_id;         /* RELATION: the entity; 0 while only named */
    const char *related_driver; /* RELATION: NULL if the entity is gone */
    const char *related_name;
};

/* "int", "string", ... as in the datatype column. */
const char *value_datatype_name(enum value_datatype datatype);

/* False if unknown. */
bool value_datatype_parse(const char *name, enum value_datatype *out);

/* The text `text` as a value of that datatype. DATETIME uses `mask` with
 * strptime's directives Y m d H M S f y j b B a A p I Z z %; NULL: %Y-%m-%dT%H:%M:%S.%f, of which
 * the fraction may be missing, T may be a blank, and an offset may follow. RELATION reads
 * "/driver/name" into related_driver and related_name; not for DATATYPE_JSON (value_json.h).
 * RC_INVALID: the message is "Error casting x into a(n) int: ...". */
struct verdict value_cast(struct arena *arena, const char *text, enum value_datatype datatype,
                          const char *mask, struct value *out);

/* Reads a timestamp as PostgreSQL prints it (ISO, "1991-07-09 14:46:51.321435") into
 * YYYY-MM-DDTHH:MM:SS[.ffffff] in the arena. */
const char *datetime_from_pg(struct arena *arena, const char *pg_text);

/* strptime on its own, for tests and fuzzing: NULL and the ISO form in *out, or a message. Like
 * Python's: any case, white space in the mask is one or more of it in the text, parts that the mask
 * leaves out are those of 1900-01-01T00:00:00. With a zone (%z: +HHMM, -HH:MM, Z; %Z: UTC,
 * GMT) the result is in UTC, without one it is as it was written. Names are English whatever the
 * locale. */
const char *datetime_parse(struct arena *arena, const char *text, const char *mask,
                           const char **out);

/* Equal: same datatype and value (relations by related_id). Of others the order is fixed, but says
 * nothing. */
int value_compare(const struct value *a, const struct value *b);
bool value_equal(const struct value *a, const struct value *b);

/* "/driver/name", how an object is written: in the arena. */
const char *value_path(struct arena *arena, const char *driver, const char *name);

/* The value's text as /by-attr compares it. */
const char *value_text(struct arena *arena, const struct value *value);

#endif
