/* properties.h: a driver's properties: what new objects are created with, and what old ones hold
 * (contract/drivers.md). */
#ifndef MUSTER_RULES_PROPERTIES_H
#define MUSTER_RULES_PROPERTIES_H

#include "model/driver.h"
#include "rules/verdict.h"
#include "store/store.h"

/* The attributes that a new object of this driver gets: its properties that have a default, in the
 * order of the driver's table, with subkey "property". In the arena. */
struct attr *properties_default(struct arena *arena, const struct driver *driver, size_t *count);

/* The same with values given: `names[i]` has `values[i]`, the last of a name wins. RC_INVALID for
 * an unknown property or a value that makes no sense. */
struct verdict properties_given(struct arena *arena, const struct driver *driver,
                                const char *const *names, const char *const *values, size_t count,
                                struct attr **attrs, size_t *attr_count);

/* An object's property as text, whatever datatype it was stored with (nothing else of the object is
 * looked at); else the driver's default; NULL: none. In the arena, or borrowed from the object. */
const char *properties_text(struct arena *arena, const struct object *object,
                            const struct driver *driver, const char *name);

/* The same as a number, `otherwise` where there is none. RC_CONFLICT when it makes no sense
 * (written by hand). */
struct verdict properties_number(struct arena *arena, const struct object *object,
                                 const struct driver *driver, const char *name,
                                 const char *otherwise, int64_t minimum, int64_t maximum,
                                 int64_t *out);

/* What is said of such a property. */
struct verdict properties_nonsense(struct arena *arena, const struct object *object,
                                   const char *name, const char *text);

#endif
