/* properties.h: what a driver's new objects are created with (contract/drivers.md). */
#ifndef MUSTER_RULES_PROPERTIES_H
#define MUSTER_RULES_PROPERTIES_H

#include "model/driver.h"
#include "rules/verdict.h"
#include "store/store.h"

/* The attributes that a new object of this driver gets: its properties that have a default, in the
 * order of the driver's table, with subkey "property". In the arena. */
struct attr *default_properties(struct arena *arena, const struct driver *driver, size_t *count);

/* The same with values given: `names[i]` has `values[i]`, the last of a name wins. RC_INVALID for
 * an unknown property or a value that makes no sense. */
struct verdict given_properties(struct arena *arena, const struct driver *driver,
                                const char *const *names, const char *const *values, size_t count,
                                struct attr **attrs, size_t *attr_count);

#endif
