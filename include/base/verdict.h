/* verdict.h: whether something can be done, and if not, why: the one type of refusal. */
#ifndef MUSTER_BASE_VERDICT_H
#define MUSTER_BASE_VERDICT_H

#include "base/arena.h"
#include "base/rc.h"

/* RC_OK: it can, or is done. With a message (in an arena or static): a refusal whose reason is for
 * the client. Without one: a failure of the store. */
struct verdict {
    enum rc rc;
    const char *message;
};

/* A refusal. */
struct verdict verdict_no(struct arena *arena, enum rc rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static inline struct verdict verdict_of(enum rc rc) {
    return (struct verdict){rc, 0};
}

/* In a function that returns a verdict: returns what the call refused; RC_TRY the same for a result
 * of the store. */
#define VERDICT_TRY(call)                                                                          \
    do {                                                                                           \
        struct verdict verdict_ = (call);                                                          \
                                                                                                   \
        if (verdict_.rc != RC_OK)                                                                  \
            return verdict_;                                                                       \
    } while (0)

#define RC_TRY(call) VERDICT_TRY(verdict_of(call))

#endif
