/* builtin.h: the drivers that are always there, for model/driver.c (contract/drivers.md). */
#ifndef MUSTER_MODEL_BUILTIN_H
#define MUSTER_MODEL_BUILTIN_H

#include "model/driver.h"

enum { BUILTIN_ENTITY = 0, BUILTIN_COUNT = 21 };

/* In the order of registration; each parent stands before its children. */
extern const struct driver builtin_drivers[BUILTIN_COUNT];

#endif
