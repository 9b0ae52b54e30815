/* session.h: what a session of the database must be like, whatever server, role and pooler say. */
#ifndef MUSTER_STORE_SESSION_H
#define MUSTER_STORE_SESSION_H

#include <stddef.h>

#include "base/arena.h"
#include "store/store.h"

#define SESSION_MAX 24

/* PostgreSQL's settings; a value may point into `numbers`. */
struct session {
    const char *names[SESSION_MAX];
    const char *values[SESSION_MAX];
    size_t count;
    char numbers[3][12];
};

/* A session that got its settings when it was connected has this one as well. */
#define SESSION_MARK  "muster.session"
#define SESSION_OWNED "owned"

void session_init(struct session *session, const struct store_options *options);

/* As libpq's connection parameter "options", after those of the user (NULL: none), in the arena. */
const char *session_options(const struct session *session, struct arena *arena, const char *users);

#endif
