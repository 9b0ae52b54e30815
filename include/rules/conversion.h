/* conversion.h: may an object become one of another driver? (contract/transactions.md, "Rename and
 * move") */
#ifndef MUSTER_RULES_CONVERSION_H
#define MUSTER_RULES_CONVERSION_H

#include "base/verdict.h"
#include "model/driver.h"
#include "store/write.h"

/* Are its containers, contents, addresses, ports and what it has given allowed for the driver?
 * Reads them and locks the contents; the object is locked by the caller (LOCK_DELETE). RC_CONFLICT
 * and the reason: they are not. */
struct verdict conversion_check(struct store *store, struct arena *arena, const struct ref *object,
                                const struct driver *to);

#endif
