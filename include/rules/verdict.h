/* verdict.h: what a rule decided. */
#ifndef MUSTER_RULES_VERDICT_H
#define MUSTER_RULES_VERDICT_H

#include "base/rc.h"

/* RC_OK: done. RC_CONFLICT (409), RC_INVALID (400) and RC_NOTFOUND (404): `message` says why, in
 * the arena. Without a message: a failure of the store. */
struct verdict {
    enum rc rc;
    const char *message;
};

static inline struct verdict verdict_ok(void) {
    return (struct verdict){RC_OK, 0};
}

static inline struct verdict verdict_failed(enum rc rc) {
    return (struct verdict){rc, 0};
}

static inline struct verdict verdict_conflict(const char *message) {
    return (struct verdict){RC_CONFLICT, message};
}

static inline struct verdict verdict_invalid(const char *message) {
    return (struct verdict){RC_INVALID, message};
}

#endif
