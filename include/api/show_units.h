/* show_units.h: the member "units" of an expanded object: the units of racks, by what is at their
 * other side. */
#ifndef MUSTER_API_SHOW_UNITS_H
#define MUSTER_API_SHOW_UNITS_H

#include "api/context.h"

/* The units of one device in a rack. */
struct show_units {
    const struct ref *device;
    const int32_t *units;
    size_t count;
};

/* "units": {"/driver/device": [units]} of that device. */
void show_units(struct context *c, const struct show_units *units);

/* The same of an object: {"/driver/rack": [units]} that it takes, and where it is a rack itself
 * {"/driver/device": [units]} of what it contains (contract/coexistence.md, last paragraphs). */
void show_units_of(struct context *c, const struct object *object);

/* True for a membership of something in this object, as a rack. */
bool show_units_is_taken(const struct attr *attr);

#endif
