/* rc.c: the names of result codes, for logs. */
#include "base/rc.h"

#include <assert.h>
#include <stddef.h>

static const char *const names[] = {
    [RC_OK] = "RC_OK",
    [RC_NOTFOUND] = "RC_NOTFOUND",
    [RC_EXISTS] = "RC_EXISTS",
    [RC_CONFLICT] = "RC_CONFLICT",
    [RC_INVALID] = "RC_INVALID",
    [RC_ENCODING] = "RC_ENCODING",
    [RC_PRECONDITION] = "RC_PRECONDITION",
    [RC_RANGE] = "RC_RANGE",
    [RC_TOO_LARGE] = "RC_TOO_LARGE",
    [RC_QUOTA] = "RC_QUOTA",
    [RC_RETRY] = "RC_RETRY",
    [RC_BROKEN] = "RC_BROKEN",
    [RC_BUSY] = "RC_BUSY",
    [RC_READONLY] = "RC_READONLY",
    [RC_UNREADY] = "RC_UNREADY",
    [RC_FULL] = "RC_FULL",
    [RC_UNKNOWN] = "RC_UNKNOWN",
    [RC_GONE] = "RC_GONE",
    [RC_BUG] = "RC_BUG",
};

const char *rc_name(enum rc rc) {
    size_t i = (size_t)rc;

    assert(i < sizeof names / sizeof names[0] && names[i] != NULL);
    return names[i];
}
