/* properties.h: a driver's properties: what new objects are created with, and what old ones hold
 * (contract/drivers.md). */
#ifndef MUSTER_RULES_PROPERTIES_H
#define MUSTER_RULES_PROPERTIES_H

#include "base/verdict.h"
#include "http/params.h"
#include "model/driver.h"
#include "store/store.h"

/* The attributes that a new object of this driver gets: its properties that have a default, in the
 * order of the driver's table, with subkey "property". In the arena. */
struct attrs properties_default(struct arena *arena, const struct driver *driver);

/* The same with values given; of several with one name the last one wins, and `name` is not one.
 * RC_INVALID for an unknown property or a value that makes no sense. */
struct verdict properties_given(struct arena *arena, const struct driver *driver,
                                const struct params *given, struct attrs *out);

/* An object's property as text, whatever datatype it was stored with (nothing else of the object is
 * looked at); else its driver's default, or NULL. In the arena, or borrowed from the object. */
const char *properties_text(struct arena *arena, const struct object *object, const char *name);

/* A property that is a number. */
struct properties_number {
    const char *name;
    const char *otherwise; /* where neither the object nor its driver has one */
    int64_t minimum, maximum;
};

/* RC_CONFLICT if it makes no sense (written by hand). */
struct verdict properties_number(struct arena *arena, const struct object *object,
                                 const struct properties_number *which, int64_t *out);

/* The units that a rack has; where neither it nor its driver says, 1 to 45. */
struct verdict properties_units(struct arena *arena, const struct object *rack, int64_t *first,
                                int64_t *last);

/* The refusal for such a property. */
struct verdict properties_nonsense(struct arena *arena, const struct object *object,
                                   const char *name, const char *text);

#endif
