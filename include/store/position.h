/* position.h: how far the primary has come, and whether a standby shows all of that: reads from a
 * standby are exact when it has replayed the position that the primary was at after they arrived
 * (contract/scale.md, 3.2). */
#ifndef MUSTER_STORE_POSITION_H
#define MUSTER_STORE_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rc.h"
#include "store/store.h"

struct store_position {
    int64_t asked_at;  /* clock_us() before the question; 0: never */
    int64_t lsn;       /* bytes of the write-ahead log */
    int32_t timeline;  /* of the primary */
    int64_t lineage;   /* of the primary's timeline: a standby has it once it has followed that */
    int64_t system;    /* the same for a primary and its standbys */
    uint64_t instance; /* of the primary: see struct cluster_server */
};

/* Asks the primary. RC_READONLY: the connection is to a standby. RC_UNREADY: --init-db's additions
 * are missing. A primary that is new is first given a lineage of its own, by a write. Outside a
 * transaction. */
enum rc position_ask(struct store *store, struct store_position *out);

/* Of two answers, which may have come in any order: was the question of `a` the later one? What was
 * done before it is known to be in that position only. */
bool position_is_later(const struct store_position *a, const struct store_position *b);

/* What a standby says of itself. */
struct position_reached {
    bool reached;  /* a read from now on shows all that the primary did up to the position */
    bool feedback; /* the primary keeps what long reads here may need (hot_standby_feedback) */
    bool is_standby;
};

/* Asks a standby, and waits for its answer until clock_ms() is `until`, when the connection is
 * given up. A server of another system, or one that has not followed to the primary's timeline, has
 * reached nothing; nor has one that has no connection to that timeline, unless `lone`. Outside a
 * transaction. */
enum rc position_compare(struct store *store, const struct store_position *position, bool lone,
                         int64_t until, struct position_reached *out);

/* Drops the connection, and begins with another server of the list, if there are several. */
void position_leave(struct store *store);

/* From now on, or no more: this store uses the connection that it has, and makes no other, so that
 * what was found out of the server stays true. */
void position_pin(struct store *store, bool pinned);

#endif
